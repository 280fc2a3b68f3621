"""Between bookings and the live plane: conferences open in time, are told what happened before, and SQL follows their log."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dispatch.archive.catalogue import is_unmeasured
from dispatch.booking import bookings
from dispatch.errors import NotFound, Refused
from dispatch.settings import Settings
from dispatch.sittings import participants, sittings
from dispatch.sittings.live import LivePlane, Unavailable
from dispatch.sittings.moments import microseconds
from dispatch.sittings.statuses import project_rows
from dispatch.store.archive_tables import Recording
from dispatch.store.tables import Sitting
from rooms.hub import Hub
from rooms.log import Event, Row
from rooms.sqlite_log import SqliteLog
from tests.dispatch.archive.sealed import make_sealed
from tests.dispatch.making import NOW, OPENED, Court, as_it_is, at, bring_to, draft_of, make_sitting, named, to_stage
from tests.rooms.in_memory import MemoryEngine, MemoryRecorder
from tests.rooms.outage import unwritable


class Server:
    """One run of a server: hub and live plane over the court's database and one event log."""

    def __init__(self, court: Court, now: datetime) -> None:
        folder = court.file.parent
        self.court = court
        self.now = now
        self.log = SqliteLog(folder / "log.db")
        self.hub = Hub(
            log=self.log,
            engine=MemoryEngine(),
            recorder=MemoryRecorder(lambda: microseconds(self.now)),
            reserve=folder / "reserve.log",
            clock_us=lambda: microseconds(self.now),
            owner="test",
        )
        self.live = LivePlane(court.db, self.hub, Settings(data=folder), lambda: self.now)

    async def told(self, sitting: Sitting, *kinds: str) -> list[Row]:
        """Rows of the log, of these kinds where some are given."""
        return [row for row in await self.log.read(sitting.id) if not kinds or row.type in kinds]

    async def becomes(self, sitting: Sitting, holds: Callable[[Sitting], Awaitable[bool] | bool]) -> Sitting:
        """Wait until SQL shows it; the limit only ends a test that would hang."""
        async with asyncio.timeout(30):
            while True:
                found = await as_it_is(self.court.db, sitting)
                if holds(found):
                    return found
                await asyncio.sleep(0.01)


@asynccontextmanager
async def running(court: Court, now: datetime = NOW) -> AsyncIterator[Server]:
    server = Server(court, now)
    await server.hub.start()
    await server.live.start()
    try:
        yield server
    finally:
        await server.live.close()
        await server.live.close()
        await server.hub.close()
        await server.log.close()


async def died_before_sql_followed(court: Court, sitting: Sitting, *events: tuple[str, dict[str, object]]) -> None:
    """A server wrote these into the log and was killed before it brought them into SQL."""
    log = SqliteLog(court.file.parent / "log.db")
    epoch = await log.lease(sitting.id, "dead")
    await log.append(sitting.id, epoch, 1, [Event(kind, microseconds(NOW) + n, data) for n, (kind, data) in enumerate(events)])
    await log.close()


async def test_a_sitting_opens_once_and_sql_says_so(court: Court) -> None:
    sitting = await make_sitting(court)
    async with running(court) as server:
        for _ in range(3):
            await server.live.ensure_open(sitting.id)
        assert server.live.is_open(sitting.id)
        assert (await server.becomes(sitting, lambda s: s.status == "open")).log_seq == 1
        assert len(await server.told(sitting, "conference_opened")) == 1


async def test_many_who_enter_at_once_open_one_conference(court: Court) -> None:
    sitting = await make_sitting(court)
    async with running(court) as server:
        await asyncio.gather(*(server.live.ensure_open(sitting.id) for _ in range(20)))
        assert len(await server.told(sitting, "conference_opened")) == 1


async def test_early_arrivals_are_told_from_when_they_can_wait(court: Court) -> None:
    sitting = await make_sitting(court, "14:00", days=2)
    async with running(court) as server:
        with pytest.raises(Refused) as told:
            await server.live.ensure_open(sitting.id)
        assert (told.value.code, told.value.data["opens"], told.value.data["starts"]) == (
            "sitting_not_open", "2026-11-25 14:00", "2026-11-26 14:00",
        )  # fmt: skip
        server.now = at("14:00", 1)
        await server.live.ensure_open(sitting.id)


@pytest.mark.parametrize("status", ["closed", "cancelled"])
async def test_a_sitting_that_is_over_is_not_opened_again(court: Court, status: str) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), status)
    async with running(court) as server:
        with pytest.raises(Refused, match=f"sitting_{status}"):
            await server.live.ensure_open(sitting.id)
        assert await server.told(sitting) == []


async def test_what_nobody_booked_is_not_opened(court: Court) -> None:
    async with running(court) as server:
        with pytest.raises(NotFound, match="sitting_unknown"):
            await server.live.ensure_open("none")


async def test_what_people_did_before_the_opening_is_told_once_and_not_again_by_the_next_server(court: Court) -> None:
    sitting = await make_sitting(court)
    liu = named(sitting, "刘芳")
    async with running(court) as server:
        await server.live.consent(sitting.id, liu.id, version="2026-1", text="告知书\n本人同意", device="telephone")
        await server.live.device_checked(sitting.id, liu.id, {"camera": "ok"})
        assert await server.told(sitting) == []
        await server.live.ensure_open(sitting.id)
        await server.live.consent(sitting.id, liu.id, version="2026-1", text="告知书\n本人同意", device="telephone")
    async with running(court) as server:
        await server.live.ensure_open(sitting.id)
        (consent,) = await server.told(sitting, "consented")
        (check,) = await server.told(sitting, "device_checked")
        assert (consent.data["participant"], consent.data["device"]) == (liu.id, "telephone")
        (words,) = await server.told(sitting, "words_stated")
        assert (words.data["text"], words.data["text_sha256"]) == ("告知书\n本人同意", consent.data["text_sha256"])
        given = (await participants.get(court.db, liu.id)).consented_at
        assert given is not None
        assert consent.data["given_at_us"] == round(given.timestamp() * 1e6)
        assert (check.data["participant"], check.data["result"]) == (liu.id, {"camera": "ok"})


async def test_a_consent_that_the_log_did_not_take_is_kept_and_in_the_log_before_the_person_sits_down(court: Court) -> None:
    sitting = await make_sitting(court)
    liu = named(sitting, "刘芳")
    async with running(court) as server:
        await server.live.ensure_open(sitting.id)
        async with unwritable(server.log):
            with pytest.raises(Refused, match="log_unwritable"):
                await server.live.consent(sitting.id, liu.id, version="2026-1", text="告知书\n本人同意", device="第一法庭主机")
        await server.live.sit_down(sitting.id, liu.id, endpoint="0123456789abcdef", device="第一法庭主机")
        told = await server.told(sitting, "consented", "seated")
        assert [(row.type, row.data["participant"]) for row in told] == [("consented", liu.id), ("seated", liu.id)]


async def test_nobody_consents_in_another_sitting(court: Court) -> None:
    sitting, other = await make_sitting(court), await make_sitting(court, "16:00")
    async with running(court) as server:
        with pytest.raises(Refused, match="participant_unknown"):
            await server.live.consent(other.id, named(sitting, "刘芳").id, version="1", text="", device="")
        assert (await participants.get(court.db, named(sitting, "刘芳").id)).consented_at is None


async def test_a_change_of_the_booking_is_told_to_the_open_conference(court: Court) -> None:
    sitting = await make_sitting(court)
    async with running(court) as server:
        await server.live.revised(sitting.id)
        assert await server.told(sitting) == []
        await server.live.ensure_open(sitting.id)
        changed = await bookings.update_sitting(court.db, sitting.id, draft_of(sitting, title="改"), court.clerk, NOW)
        await server.live.revised(sitting.id)
        overview = server.hub.overview(sitting.id)
        assert overview is not None
        assert overview.title == changed.title == "改"


async def test_cancelling_ends_the_conference_with_its_reason(court: Court) -> None:
    sitting = await make_sitting(court)
    async with running(court) as server:
        await server.live.ensure_open(sitting.id)
        await bookings.cancel(court.db, sitting.id, "原告撤诉", court.clerk, NOW)
        await server.live.cancelled(sitting.id)
        (row,) = await server.told(sitting, "conference_cancelled")
        assert row.data["reason"] == "原告撤诉"
        after = await server.becomes(sitting, lambda s: s.log_seq >= row.seq)
        assert (after.status, after.cancel_reason) == ("cancelled", "原告撤诉")


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((OPENED, to_stage("hearing")), "live"),
        ((OPENED, to_stage("hearing"), to_stage("recess")), "recess"),
        ((OPENED, to_stage("hearing"), to_stage("closed")), "closed"),
    ],
)
async def test_sql_catches_up_with_what_a_killed_server_had_written(
    court: Court, events: tuple[tuple[str, dict[str, object]], ...], status: str
) -> None:
    sitting = await make_sitting(court)
    plan = sittings.plan(sitting, court.db).to_json()
    whole = tuple((kind, {**data, "plan": plan} if kind == "conference_opened" else data) for kind, data in events)
    await died_before_sql_followed(court, sitting, *whole)
    async with running(court) as server:
        assert (await server.becomes(sitting, lambda s: s.status == status)).log_seq >= len(events)


async def sealed_day(court: Court, sitting: Sitting) -> list[tuple[str, dict[str, object]]]:
    """What the log has of a sitting that was held and sealed; its folder lies where the recorder leaves it."""
    sealed = await asyncio.to_thread(make_sealed, court.file.parent / "recordings", sitting.id)
    return [
        ("conference_opened", {"plan": sittings.plan(sitting, court.db).to_json()}),
        to_stage("hearing"),
        ("recording_started", {"reason": "hearing_opened"}),
        ("recording_stopped", {"reason": "closed"}),
        to_stage("closed"),
        ("sealed", {"manifest_sha256": sealed["manifest_sha256"]}),
    ]


async def in_the_catalogue(court: Court, sitting: Sitting) -> Recording:
    """The recording once it is measured; the limit only ends a test that would hang."""
    async with asyncio.timeout(30):
        while True:
            async with court.db.reader() as session:
                recording = await session.get(Recording, sitting.id)
            if recording is not None and recording.bytes:
                return recording
            await asyncio.sleep(0.01)


async def test_a_sealed_sitting_is_in_the_catalogue_with_its_length_and_size(court: Court) -> None:
    sitting = await make_sitting(court)
    events = await sealed_day(court, sitting)
    await died_before_sql_followed(court, sitting, *events)
    async with running(court):
        recording = await in_the_catalogue(court, sitting)
    folder = court.file.parent / "recordings" / sitting.id
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert recording.manifest_sha256 == hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert recording.seconds == pytest.approx(1e-6)  # one microsecond lies between the rows above
    assert recording.bytes == sum((folder / file["file"]).stat().st_size for file in manifest["files"]) > 0


async def test_a_server_killed_before_it_measured_a_recording_leaves_that_to_the_next(court: Court) -> None:
    sitting = await make_sitting(court)
    events = await sealed_day(court, sitting)
    await died_before_sql_followed(court, sitting, *events)
    log = SqliteLog(court.file.parent / "log.db")
    await project_rows(court.db, sitting.id, await log.read(sitting.id))
    await log.close()
    assert await is_unmeasured(court.db, sitting.id)
    async with running(court):
        assert (await in_the_catalogue(court, sitting)).seconds > 0


async def test_sql_that_cannot_be_written_just_now_is_brought_up_when_it_can(court: Court) -> None:
    sitting = await make_sitting(court)
    async with running(court) as server, court.db.writer() as session:
        await session.connection()
        await server.live.ensure_open(sitting.id)
        assert len(await server.told(sitting, "conference_opened")) == 1
        assert (await as_it_is(court.db, sitting)).status == "planned"
    async with running(court) as server:
        await server.becomes(sitting, lambda s: s.status == "open")


async def test_a_log_that_cannot_be_written_permits_nobody_to_enter(court: Court, tmp_path: Path) -> None:
    sitting = await make_sitting(court)
    async with running(court) as server:
        with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # longer than the log waits
            with pytest.raises(Unavailable) as told:
                await server.live.ensure_open(sitting.id)
            other.execute("ROLLBACK")
        assert (told.value.code, told.value.status) == ("log_unwritable", 503)
        await server.live.ensure_open(sitting.id)


async def test_a_sitting_whose_seal_is_long_overdue_is_not_looked_for_for_ever(court: Court) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), "closed")
    server = Server(court, NOW)
    assert await server.live._possibly_behind() == {sitting.id}
    server.now = NOW + timedelta(days=31)
    assert await server.live._possibly_behind() == set()
    await server.hub.close()
    await server.log.close()
