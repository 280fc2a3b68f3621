"""The jobs process puts recordings away when their film is made, and goes on where it was stopped."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from dispatch.archive import work
from dispatch.archive.catalogue import COMPOSITE
from dispatch.archive.jobs import ATTEMPTS, PAUSE, Kind, Worker
from dispatch.store.archive_tables import Job, Recording
from dispatch.store.tables import AuditRow, Sitting
from dispatch.vault import away, stills
from rooms.recording.stills import name
from rooms.vault import putting
from rooms.vault.checkout import checked_out
from rooms.vault.store import StoreUnavailable
from rooms.vault.vault import Vault
from rooms.verification.folder import verify
from tests.dispatch.archive.sealed import DIGESTS, STILLS
from tests.dispatch.archive.test_jobs import Clock, Making, sealed
from tests.dispatch.archive.vaults import stored_vault
from tests.dispatch.making import Court


def workers(court: Court, vault: Vault, clock: Clock) -> Worker:
    kinds = {COMPOSITE: Kind(Making(), work.composite_told), away.PUT_AWAY: away.kind(vault, stills_of(court))}
    return Worker(court.db, vault, kinds, clock)


def stills_of(court: Court) -> Path:
    """Where stills lie while a sitting goes on."""
    folder = court.file.parent / "stills"
    folder.mkdir(exist_ok=True)
    return folder


async def put_away_job(court: Court) -> Job | None:
    async with court.db.reader() as session:
        return (await session.scalars(select(Job).where(Job.kind == away.PUT_AWAY))).one_or_none()


async def audited(court: Court) -> list[tuple[str, str]]:
    async with court.db.reader() as session:
        rows = await session.scalars(select(AuditRow).where(AuditRow.action == "recording_put_away"))
        return [(row.result, row.detail.get("why", "")) for row in rows]


async def test_a_recording_is_put_away_when_its_film_is_made_and_not_before(court: Court) -> None:
    sitting, vault, clock = await sealed(court), stored_vault(court), Clock()
    worker = workers(court, vault, clock)
    await away.order(court.db, clock())
    assert await put_away_job(court) is None
    assert await worker.work()
    await away.order(court.db, clock())
    await away.order(court.db, clock())
    assert await worker.work()
    assert not await worker.work()
    assert vault.plain(sitting.id) is None
    async with court.db.reader() as session:
        assert (await session.get_one(Recording, sitting.id)).stored_at == clock()
    assert await audited(court) == [("done", "")]
    async with checked_out(vault, sitting.id) as folder:
        assert verify(folder).ok


def kept_stills(court: Court, sitting: Sitting) -> Path:
    """Those of the sitting as its hearing left them, one that its log never named, and one of another sitting."""
    folder = stills_of(court)
    for which, content in STILLS.items():
        (folder / name(sitting.id, DIGESTS[which])).write_bytes(content)
    (folder / name(sitting.id, "c" * 64)).write_bytes(b"sent, and never kept")
    (folder / name("another", DIGESTS["face"])).write_bytes(STILLS["face"])
    return folder


async def test_stills_of_faces_and_documents_lie_in_the_plain_no_longer_than_their_recording(court: Court) -> None:
    sitting, vault, clock = await sealed(court), stored_vault(court), Clock()
    folder, worker = kept_stills(court, sitting), workers(court, vault, clock)
    await worker.work()
    await away.order(court.db, clock())
    assert len(list(folder.iterdir())) == 4
    await worker.work()
    assert [path.name for path in folder.iterdir()] == [name("another", DIGESTS["face"])]
    for which, content in STILLS.items():
        assert vault.read(sitting.id, f"stills/{DIGESTS[which]}.jpg") == content
    assert not [path for path in court.file.parent.rglob("*") if path.is_file() and STILLS["document"] in path.read_bytes()]


async def test_whoever_was_killed_in_between_clears_them_at_the_next_start(court: Court) -> None:
    sitting, vault = await sealed(court), stored_vault(court)
    folder = kept_stills(court, sitting)
    assert await stills.clear_all(court.db, vault, folder) == []  # the recording lies in the plain itself
    await asyncio.to_thread(putting.put_away, vault, sitting.id)
    async with court.db.writer() as session:
        (await session.get_one(Recording, sitting.id)).stored_at = Clock()()
    assert len(await stills.clear_all(court.db, vault, folder)) == 3
    assert [path.name for path in folder.iterdir()] == [name("another", DIGESTS["face"])]


async def test_a_still_that_the_seal_lacks_is_left_where_it_is(court: Court) -> None:
    sitting, vault = await sealed(court), stored_vault(court)
    root, folder = vault.recordings / sitting.id, kept_stills(court, sitting)
    manifest = json.loads((root / "manifest.json").read_bytes())
    lost = f"stills/{DIGESTS['face']}.jpg"
    manifest["files"] = [row for row in manifest["files"] if row["file"] != lost]
    manifest["missing"] = [lost]
    (root / "manifest.json").chmod(0o600)
    (root / "manifest.json").write_text(json.dumps(manifest))
    await asyncio.to_thread(putting.put_away, vault, sitting.id)
    stills.clear(vault, folder, sitting.id, sitting.id)
    assert name(sitting.id, DIGESTS["face"]) in {path.name for path in folder.iterdir()}
    assert name(sitting.id, DIGESTS["document"]) not in {path.name for path in folder.iterdir()}


async def test_a_film_that_was_ordered_again_is_made_of_what_is_stored(court: Court) -> None:
    sitting, vault, clock = await sealed(court), stored_vault(court), Clock()
    worker = workers(court, vault, clock)
    await worker.work()
    await away.order(court.db, clock())
    await worker.work()
    async with court.db.writer() as session:
        job = (await session.scalars(select(Job).where(Job.kind == COMPOSITE))).one()
        job.state, job.beat_at = "queued", None

    async def film(_job: Job, folder):  # type: ignore[no-untyped-def]
        (folder / "derived" / "composite.mp4").write_bytes(b"film")
        assert verify(folder).ok
        yield 1.0

    assert await Worker(court.db, vault, {COMPOSITE: Kind(film, work.composite_told)}, clock).work()
    assert vault.read(sitting.id, "derived/composite.mp4") == b"film"
    assert list(vault.out.iterdir()) == [path for path in vault.out.iterdir() if path.suffix == ".lock"]


class _Away:
    """A store that is away."""

    def __getattr__(self, name: str):  # type: ignore[no-untyped-def]
        def ask(*_arguments: object) -> None:
            raise StoreUnavailable("store s3.court.example: it does not answer")

        return ask


async def test_a_store_that_is_away_costs_nothing_and_is_tried_again_after_an_hour(court: Court) -> None:
    sitting, vault, clock = await sealed(court), stored_vault(court), Clock()
    there, vault.store = vault.store, _Away()
    worker = workers(court, vault, clock)
    await worker.work()
    await away.order(court.db, clock())
    for _ in range(ATTEMPTS):
        assert await worker.work()
        clock.now += PAUSE
    assert await audited(court) == [("failed", "StoreUnavailable: store s3.court.example: it does not answer")]
    assert verify(vault.recordings / sitting.id).ok
    await away.order(court.db, clock())
    assert not await worker.work()
    vault.store = there
    clock.now += away.AGAIN + timedelta(seconds=1)
    await away.order(court.db, clock())
    assert await worker.work()
    assert vault.plain(sitting.id) is None


async def test_a_process_that_is_told_to_stop_breaks_off_and_the_next_one_goes_on(court: Court) -> None:
    sitting, vault, clock = await sealed(court), stored_vault(court), Clock()
    worker = workers(court, vault, clock)
    await worker.work()
    await away.order(court.db, clock())
    async with checked_out(vault, sitting.id):  # so that it has to wait at the end
        working = asyncio.create_task(worker.work())
        while not await asyncio.to_thread(vault.is_stored, sitting.id):
            await asyncio.sleep(0.02)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        assert vault.plain(sitting.id) is not None
    assert await workers(court, vault, clock).work()
    assert vault.plain(sitting.id) is None
