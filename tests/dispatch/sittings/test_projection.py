"""SQL follows the log, row by row: what was brought in before is skipped, and an older row never overwrites a newer."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from dispatch.sittings import participants
from dispatch.sittings.moments import moment
from dispatch.sittings.statuses import project, project_rows
from dispatch.store.archive_tables import Job, Recording
from dispatch.store.database import Database
from dispatch.store.tables import Participant, Sitting
from rooms.consents import digest_of
from tests.dispatch.making import CANCELLED, NOW, OPENED, Court, as_it_is, make_rows, make_sitting, named, other_sitting, to_stage
from tests.effort import examples

DAY = (OPENED, to_stage("hearing"), to_stage("recess"), to_stage("hearing"), to_stage("closed"))
AFTER = ("planned", "open", "live", "recess", "live", "closed")
"""Status after so many rows of the day."""


def consented(person: Participant, version: str = "2026-1") -> tuple[str, dict[str, Any]]:
    return "consented", {"participant": person.id, "version": version, "text_sha256": "a" * 64, "device": "Chromium"}


def checked(person: Participant, result: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "device_checked", {"participant": person.id, "result": result}


SEALED: tuple[str, dict[str, Any]] = ("sealed", {"manifest_sha256": "b" * 64})


async def status(db: Database, sitting: Sitting) -> tuple[str, int]:
    found = await as_it_is(db, sitting)
    return found.status, found.log_seq


async def person(db: Database, of: Participant) -> Participant:
    async with db.reader() as session:
        return await session.get_one(Participant, of.id)


async def test_rows_are_brought_in_one_by_one(court: Court) -> None:
    sitting = await make_sitting(court)
    for seq, row in enumerate(make_rows(sitting.id, *DAY), start=1):
        await project(court.db, row)
        assert await status(court.db, sitting) == (AFTER[seq], seq)


async def test_a_row_that_was_brought_in_before_changes_nothing(court: Court) -> None:
    sitting = await make_sitting(court)
    rows = make_rows(sitting.id, *DAY[:3])
    await project_rows(court.db, sitting.id, rows)
    for row in rows:
        await project(court.db, row)
    assert await status(court.db, sitting) == ("recess", 3)


async def test_an_older_row_never_overwrites_a_newer(court: Court) -> None:
    sitting = await make_sitting(court)
    rows = make_rows(sitting.id, *DAY[:4])
    await project_rows(court.db, sitting.id, rows)
    await project_rows(court.db, sitting.id, rows[1:3])
    assert await status(court.db, sitting) == ("live", 4)


@settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8))
def test_however_the_log_is_handed_over_the_newest_row_that_came_is_what_counts(court: Court, cuts: list[tuple[int, int]]) -> None:
    """Pieces of the log, some twice, each from the beginning of what SQL lacks or before it: as after crashes."""

    async def hand_over() -> None:
        db = await Database.connect(court.db.url)
        number = f"（2026）京0105民初{hash(tuple(cuts)) % 10**9}号"
        sitting = await make_sitting(Court(db, court.file, court.users, court.room, court.other_room), case_number=number)
        reached = 0
        try:
            rows = make_rows(sitting.id, *DAY)
            for begin, end in cuts:
                first = min(begin, reached)
                await project_rows(db, sitting.id, rows[first:end])
                reached = max(reached, end if end > first else reached)
                assert await status(db, sitting) == (AFTER[reached], reached)
        finally:
            async with db.writer() as session:
                (await session.get_one(Sitting, sitting.id)).status = "cancelled"
            await db.close()

    asyncio.run(hand_over())


async def test_sittings_follow_their_own_log_alone(court: Court) -> None:
    first, second = await make_sitting(court), await other_sitting(court)
    await project_rows(court.db, first.id, make_rows(first.id, *DAY[:2]))
    assert await status(court.db, second) == ("planned", 0)


async def test_rows_of_a_sitting_that_nobody_booked_are_passed_over(court: Court) -> None:
    await project_rows(court.db, "nobody-booked-it", make_rows("nobody-booked-it", *DAY))
    async with court.db.reader() as session:
        assert await session.scalar(select(func.count()).select_from(Sitting)) == 0


async def test_a_row_that_sql_cannot_follow_stops_nothing_after_it(court: Court) -> None:
    """Cancelled in SQL while the log went on: the status stays, what else the log tells is taken."""
    sitting = await make_sitting(court)
    rows = make_rows(sitting.id, OPENED, CANCELLED, to_stage("hearing"), consented(named(sitting, "刘芳")))
    await project_rows(court.db, sitting.id, rows)
    assert await status(court.db, sitting) == ("cancelled", 4)
    assert (await person(court.db, named(sitting, "刘芳"))).consented_at is not None


# ------------------------------------------------------------------------------------------------ consent and device check


async def test_the_first_consent_counts(court: Court) -> None:
    sitting = await make_sitting(court)
    liu = named(sitting, "刘芳")
    rows = make_rows(sitting.id, OPENED, consented(liu, "2026-1"), consented(liu, "2026-2"))
    await project_rows(court.db, sitting.id, rows)
    after = await person(court.db, liu)
    assert (after.consented_at, after.consent_version, after.consent_device) == (moment(rows[1].at_us), "2026-1", "Chromium")


async def test_a_consent_from_before_the_opening_keeps_its_own_time(court: Court) -> None:
    sitting = await make_sitting(court)
    liu = named(sitting, "刘芳")
    await participants.record_consent(court.db, liu.id, version="2026-1", text="告知书", device="telephone", now=NOW)
    await project_rows(court.db, sitting.id, make_rows(sitting.id, OPENED, consented(liu)))
    after = await person(court.db, liu)
    assert (after.consented_at, after.consent_device, after.consent_sha256) == (NOW, "telephone", digest_of("告知书"))


async def test_the_newest_device_check_counts_and_an_equal_one_keeps_its_time(court: Court) -> None:
    sitting = await make_sitting(court)
    liu = named(sitting, "刘芳")
    rows = make_rows(sitting.id, OPENED, checked(liu, {"camera": "ok"}), checked(liu, {"camera": "ok"}), checked(liu, {"camera": "denied"}))
    await project_rows(court.db, sitting.id, rows[:3])
    assert (await person(court.db, liu)).device_checked_at == moment(rows[1].at_us)
    await project_rows(court.db, sitting.id, rows)
    after = await person(court.db, liu)
    assert (after.device_check, after.device_checked_at) == ({"camera": "denied"}, moment(rows[3].at_us))


async def test_what_is_told_of_somebody_of_another_sitting_or_of_nobody_changes_nobody(court: Court) -> None:
    sitting, other = await make_sitting(court), await other_sitting(court)
    stranger = named(other, "刘芳")
    nobody = Participant(id="nobody")
    rows = make_rows(sitting.id, OPENED, consented(stranger), checked(stranger, {"camera": "ok"}), consented(nobody), checked(nobody, {}))
    await project_rows(court.db, sitting.id, rows)
    after = await person(court.db, stranger)
    assert (after.consented_at, after.device_check) == (None, None)


# ------------------------------------------------------------------------------------------------ into the catalogue


async def test_a_sealed_sitting_comes_into_the_catalogue_once_and_its_composite_is_ordered_once(court: Court) -> None:
    sitting = await make_sitting(court)
    rows = make_rows(sitting.id, *DAY, SEALED, SEALED)
    await project_rows(court.db, sitting.id, rows)
    async with court.db.reader() as session:
        (recording,) = await session.scalars(select(Recording))
        (job,) = await session.scalars(select(Job))
    assert (recording.sitting_id, recording.folder, recording.manifest_sha256) == (sitting.id, sitting.id, "b" * 64)
    assert (recording.sealed_at, recording.composite) == (moment(rows[6].at_us), "queued")
    assert (job.kind, job.sitting_id, job.state) == ("composite", sitting.id, "queued")


async def test_a_second_seal_does_not_order_a_composite_that_is_done(court: Court) -> None:
    sitting = await make_sitting(court)
    rows = make_rows(sitting.id, *DAY, SEALED, SEALED)
    await project_rows(court.db, sitting.id, rows[:6])
    async with court.db.writer() as session:
        (await session.get_one(Recording, sitting.id)).composite = "done"
        (await session.scalars(select(Job))).one().state = "done"
    await project_rows(court.db, sitting.id, rows)
    async with court.db.reader() as session:
        assert (await session.get_one(Recording, sitting.id)).composite == "done"
        assert (await session.scalars(select(Job.state))).one() == "done"
