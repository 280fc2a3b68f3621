"""The catalogue of sealed recordings: what was recorded for how long, who finds which, and what can be ordered again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.archive import recordings
from dispatch.archive.catalogue import is_unmeasured, measured, originals_bytes, recorded_seconds
from dispatch.errors import NotFound, Refused
from dispatch.sittings.statuses import project_rows
from dispatch.store.archive_tables import Job, Recording
from dispatch.store.tables import Sitting, User
from rooms.log import GENESIS, Event, Row, chain
from tests.dispatch.archive.sealed import at, make_sealed
from tests.dispatch.archive.vaults import plain_vault
from tests.dispatch.making import INTO, NOW, Court, audited, make_rows, make_sitting, named, other_sitting


def log(*events: tuple[str, float]) -> list[Row]:
    """Rows of these types, so many seconds after the beginning."""
    return [chain("s", 1, seq, GENESIS, Event(kind, at(seconds), {})) for seq, (kind, seconds) in enumerate(events, start=1)]


@pytest.mark.parametrize(
    ("events", "seconds"),
    [
        ((), 0),
        ((("conference_opened", 0), ("stage_changed", 50)), 0),
        ((("recording_started", 10), ("recording_stopped", 70)), 60),
        ((("recording_started", 0), ("recording_stopped", 4), ("recording_started", 6), ("recording_stopped", 10)), 8),
        ((("recording_started", 0), ("recording_started", 3), ("recording_stopped", 10)), 10),
        ((("recording_stopped", 3), ("recording_started", 5), ("recording_stopped", 6)), 1),
        ((("recording_started", 0), ("recording_stopped", 4), ("recording_started", 6), ("server_restarted", 9)), 7),
    ],
)
def test_what_was_recorded_is_the_time_between_starts_and_stops(events: tuple[tuple[str, float], ...], seconds: float) -> None:
    assert recorded_seconds(log(*events)) == pytest.approx(seconds)


def test_the_size_of_the_originals_is_that_of_the_files_on_the_disk(tmp_path: Path) -> None:
    make_sealed(tmp_path, "s")
    files = [file["file"] for file in json.loads((tmp_path / "s" / "manifest.json").read_bytes())["files"]]
    assert "events.jsonl" in files
    assert originals_bytes(tmp_path / "s") == sum((tmp_path / "s" / name).stat().st_size for name in files)


@pytest.mark.parametrize("manifest", [None, "", "{}", "[]", '{"files": [{"bytes": "many"}]}', '{"files": [1]}', "\x00"])
def test_a_manifest_that_cannot_be_read_has_no_size(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    assert originals_bytes(tmp_path) == 0


async def catalogued(court: Court, sitting: Sitting) -> Sitting:
    """The sitting held, sealed and in the catalogue."""
    rows = make_rows(sitting.id, *INTO["closed"], ("sealed", {"manifest_sha256": "a" * 64}))
    await project_rows(court.db, sitting.id, rows)
    return sitting


async def found(court: Court, user: User, query: str = "") -> list[str]:
    rows, count = await recordings.found(court.db, user, query)
    assert count == len(rows)
    return [row.sitting_id for row in rows]


async def test_a_recording_is_measured_once_it_is_in_the_catalogue(court: Court) -> None:
    sitting = await make_sitting(court)
    assert not await is_unmeasured(court.db, sitting.id)
    await measured(court.db, sitting.id, 1.0, 1, "")  # nothing there yet: nothing happens
    await catalogued(court, sitting)
    assert await is_unmeasured(court.db, sitting.id)
    await measured(court.db, sitting.id, 8.0, 123_456, "CN=Court")
    assert not await is_unmeasured(court.db, sitting.id)
    recording = await recordings.get(court.db, court.clerk, sitting.id)
    assert (recording.seconds, recording.bytes, recording.signed_by) == (8.0, 123_456, "CN=Court")
    assert str(recordings.folder(plain_vault(court), recording)) == sitting.id


async def test_clerks_and_officers_see_every_recording_and_everybody_else_those_of_his_own_sittings(court: Court) -> None:
    own, other = await catalogued(court, await make_sitting(court)), await catalogued(court, await other_sitting(court, "16:00"))
    for user in (court.clerk, court.users["he"], court.users["gao"]):
        assert await found(court, user) == [other.id, own.id]
    assert await found(court, court.judge) == [own.id]
    assert await found(court, court.other_judge) == [other.id]
    assert await found(court, court.users["sun"]) == []
    with pytest.raises(NotFound, match="recording_unknown"):
        await recordings.get(court.db, court.judge, other.id)


async def test_what_is_not_sealed_is_not_there(court: Court) -> None:
    sitting = await make_sitting(court)
    await project_rows(court.db, sitting.id, make_rows(sitting.id, *INTO["closed"]))
    assert await found(court, court.clerk) == []
    with pytest.raises(NotFound):
        await recordings.get(court.db, court.clerk, sitting.id)


@pytest.mark.parametrize("query", ["", "民初31", "物业", "刘芳", "第一法庭", "court ROOM 1", "  刘芳   民初31 ", "陈明远"])
async def test_a_recording_is_found_by_number_title_person_and_room(court: Court, query: str) -> None:
    sitting = await catalogued(court, await make_sitting(court))
    assert await found(court, court.clerk, query) == [sitting.id]


@pytest.mark.parametrize("query", ["%", "_", "刘%", "刘芳 民初32", "第二法庭", "' OR 1=1 --", "\\"])
async def test_what_does_not_occur_is_not_found(court: Court, query: str) -> None:
    await catalogued(court, await make_sitting(court))
    assert await found(court, court.clerk, query) == []


async def test_a_long_list_comes_in_pages(court: Court) -> None:
    held = [await catalogued(court, await make_sitting(court, "08:00", 10, days=n + 1, title=f"{n}")) for n in range(recordings.PAGE + 3)]
    first, count = await recordings.found(court.db, court.clerk)
    second, _ = await recordings.found(court.db, court.clerk, page=2)
    assert count == len(held)
    assert [r.sitting_id for r in (*first, *second)] == [s.id for s in reversed(held)]
    assert len(second) == 3


async def order_failed(court: Court, sitting: Sitting) -> None:
    async with court.db.writer() as session:
        job = (await session.scalars(select(Job).where(Job.sitting_id == sitting.id))).one()
        job.state, job.error, job.attempts, job.progress, job.beat_at = "failed", "ffmpeg ended with 1", 3, 0.4, NOW
        (await session.get_one(Recording, sitting.id)).composite = "failed"


async def test_a_composite_that_failed_can_be_ordered_again_and_only_then(court: Court) -> None:
    sitting = await catalogued(court, await make_sitting(court))
    with pytest.raises(Refused, match="composite_not_failed"):
        await recordings.compose_again(court.db, court.clerk, sitting.id)
    await order_failed(court, sitting)
    outcomes = await asyncio.gather(
        *(recordings.compose_again(court.db, court.clerk, sitting.id) for _ in range(3)), return_exceptions=True
    )
    assert sorted(str(type(outcome).__name__) for outcome in outcomes) == ["NoneType", "Refused", "Refused"]
    job = (await recordings.jobs(court.db, [sitting.id]))[sitting.id]
    assert (job.state, job.error, job.attempts, job.progress, job.beat_at) == ("queued", "", 0, 0.0, None)
    assert (await recordings.get(court.db, court.clerk, sitting.id)).composite == "queued"
    assert len(await audited(court.db, "composite_again")) == 1


async def test_the_outcome_of_the_last_verification_is_remembered(court: Court) -> None:
    sitting = await catalogued(court, await make_sitting(court))
    for ok in (True, False):
        await recordings.verified(court.db, sitting.id, ok, NOW)
        recording = await recordings.get(court.db, court.clerk, sitting.id)
        assert (recording.verified_ok, recording.verified_at) == (ok, NOW)
    await recordings.verified(court.db, "none", True, NOW)


async def test_who_was_taken_out_of_a_sitting_does_not_find_its_recording(court: Court) -> None:
    sitting = await make_sitting(court, prosecutor_id=court.users["sun"].id)
    await catalogued(court, sitting)
    assert await found(court, court.users["sun"]) == [sitting.id]
    async with court.db.writer() as session:
        person: Any = await session.get_one(type(sitting.participants[0]), named(sitting, "孙立言").id)
        person.removed_at = NOW
    assert await found(court, court.users["sun"]) == []
