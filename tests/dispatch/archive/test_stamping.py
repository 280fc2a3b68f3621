"""Sealed recordings are stamped by a real authority that is asked over HTTP; while it is away they wait, and sealing never does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import select

from dispatch import audit
from dispatch.archive import seals, stamping
from dispatch.archive.seals import RECORDINGS
from dispatch.archive.stamping import FIRST_PAUSE, LAST_PAUSE, Stamper, Unanswered, ask
from dispatch.settings import Settings
from dispatch.store.archive_tables import Recording
from dispatch.store.tables import Sitting
from rooms.verification.folder import verify
from tests.dispatch.archive.test_jobs import Clock, sealed
from tests.dispatch.archive.vaults import plain_vault
from tests.dispatch.making import Court
from tests.rooms.recording.time_stamps import LocalAuthority


class Served:
    """The authority behind HTTP; `says` is what it answers instead of a time-stamp."""

    def __init__(self, authority: LocalAuthority) -> None:
        self.authority = authority
        self.says: web.Response | None = None
        self.asked: list[str] = []
        app = web.Application()
        app.router.add_post("/stamp", self._answer)
        self.server = TestServer(app)

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.content_type)
        if self.says is not None:
            return self.says
        answer = await asyncio.to_thread(self.authority.answer, await request.read())
        return web.Response(body=answer, content_type="application/timestamp-reply")

    @property
    def url(self) -> str:
        return str(self.server.make_url("/stamp"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    return LocalAuthority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
async def tsa(authority: LocalAuthority) -> AsyncIterator[Served]:
    served = Served(authority)
    await served.server.start_server()
    yield served
    await served.server.close()


def stamper(court: Court, tsa: Served, clock: Clock, url: str = "") -> Stamper:
    return Stamper(court.db, plain_vault(court), url or tsa.url, tsa.authority.root, clock)


def recordings(court: Court) -> Path:
    return court.file.parent / "recordings"


async def recording_of(court: Court, sitting: Sitting) -> Recording:
    async with court.db.reader() as session:
        return (await session.scalars(select(Recording).where(Recording.sitting_id == sitting.id))).unique().one()


async def figures(court: Court, stamps: bool = True) -> dict[str, float]:
    await seals.read(court.db, stamps)
    return {state: RECORDINGS.labels(state)._value.get() for state in ("sealed", "signed", "stamped", "waiting")}


async def test_a_sealed_recording_is_stamped_and_said_to_be(court: Court, tsa: Served) -> None:
    sitting = await sealed(court)
    assert await figures(court) == {"sealed": 1, "signed": 0, "stamped": 0, "waiting": 1}
    working = stamper(court, tsa, Clock())
    assert [await working.work(), await working.work()] == [True, False]
    assert tsa.asked == ["application/timestamp-query"]
    found = verify(recordings(court) / sitting.id).stamp
    recording = await recording_of(court, sitting)
    assert recording.stamped_at is not None
    assert (found.state, found.over, found.at) == ("good", "manifest.json", recording.stamped_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert recording.stamp_by == "CN=Stamping authority"
    assert await figures(court) == {"sealed": 1, "signed": 0, "stamped": 1, "waiting": 0}
    rows, _ = await audit.list_rows(court.db)
    assert [(row.actor, row.result, row.detail["by"]) for row in rows if row.action == "recording_stamped"] == [
        ("system", "done", "CN=Stamping authority")
    ]


async def test_an_authority_that_is_away_is_asked_again_later_and_later(court: Court, tsa: Served) -> None:
    sitting, clock = await sealed(court), Clock()
    away = stamper(court, tsa, clock, "http://127.0.0.1:9/stamp")
    pauses = []
    for _ in range(9):
        assert await away.work()
        recording = await recording_of(court, sitting)
        assert recording.stamp_next_at is not None
        pauses.append(recording.stamp_next_at - clock.now)
        assert not await away.work()
        clock.now = recording.stamp_next_at
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LAST_PAUSE
    assert "127.0.0.1" in recording.stamp_error
    rows, _ = await audit.list_rows(court.db)
    assert [row.result for row in rows if row.action == "recording_stamped"] == ["failed"]  # once, and not at each attempt
    assert await stamper(court, tsa, clock).work()
    recording = await recording_of(court, sitting)
    assert (recording.stamped_at is not None, recording.stamp_error) == (True, "")


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (web.Response(status=503), "answers 503"),
        (web.Response(body=b"<html>welcome</html>"), "no time-stamp of what was asked"),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}), "answers 302"),
        (web.Response(body=b""), "no time-stamp of what was asked"),
    ],
)
async def test_an_answer_that_is_none_is_not_kept(court: Court, tsa: Served, says: web.Response, why: str) -> None:
    sitting = await sealed(court)
    tsa.says = says
    assert await stamper(court, tsa, Clock()).work()
    recording = await recording_of(court, sitting)
    assert (recording.stamped_at, why in recording.stamp_error) == (None, True)
    assert verify(recordings(court) / sitting.id).stamp.state == ""


async def test_an_authority_that_nobody_vouches_for_is_refused(court: Court, tsa: Served, tmp_path: Path) -> None:
    sitting = await sealed(court)
    other = await asyncio.to_thread(LocalAuthority, tmp_path / "other")
    await Stamper(court.db, plain_vault(court), tsa.url, other.root, Clock()).work()
    recording = await recording_of(court, sitting)
    assert (recording.stamped_at, verify(recordings(court) / sitting.id).stamp.state) == (None, "")


async def test_a_folder_that_is_lost_holds_up_nobody(court: Court, tsa: Served) -> None:
    lost, other, clock = await sealed(court, "10:00"), await sealed(court, "16:00"), Clock()
    os.rename(recordings(court) / lost.id, recordings(court) / "gone")
    working = stamper(court, tsa, clock)
    for _ in range(2):
        assert await working.work()
    assert not await working.work()
    assert [(await recording_of(court, each)).stamped_at is not None for each in (lost, other)] == [False, True]


async def test_the_jobs_process_stamps_by_its_settings(court: Court, tsa: Served) -> None:
    sitting = await sealed(court)
    settings = Settings(data=court.file.parent, tsa_url=tsa.url, tsa_ca=tsa.authority.root)
    working = asyncio.create_task(stamping.run(settings))
    async with asyncio.timeout(60):
        while (await recording_of(court, sitting)).stamped_at is None:
            await asyncio.sleep(0.05)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def test_who_takes_too_long_has_not_answered() -> None:
    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unanswered):
        await ask(f"http://127.0.0.1:{port}/", b"x", timedelta(seconds=0.3).total_seconds())
    server.close()
