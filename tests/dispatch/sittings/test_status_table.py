"""The status of a sitting: which changes are allowed. Everything else leaves it as it is."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.sittings.moments import microseconds, moment
from dispatch.sittings.statuses import ALLOWED, project_rows, status_after
from dispatch.store.tables import Booking, Sitting
from rooms.procedure import PROCEDURES
from tests.dispatch.making import CANCELLED, NOW, OPENED, Court, as_it_is, make_rows, make_sitting, to_stage

STATUSES = ("planned", "open", "live", "recess", "closed", "cancelled")
ALLOWED_CHANGES = {
    ("planned", "open"), ("planned", "cancelled"),
    ("open", "live"), ("open", "closed"), ("open", "cancelled"),
    ("live", "recess"), ("live", "closed"),
    ("recess", "live"), ("recess", "closed"),
}  # fmt: skip
BRINGS = {"open": OPENED, "live": to_stage("hearing"), "recess": to_stage("recess"), "closed": to_stage("closed"), "cancelled": CANCELLED}
"""What is in the log when a sitting comes to a status; nothing brings it back to "planned"."""


def test_the_table_is_the_whole_of_what_is_allowed() -> None:
    assert {(former, latter) for former, latters in ALLOWED.items() for latter in latters} == ALLOWED_CHANGES
    assert tuple(ALLOWED) == STATUSES


def test_what_is_over_stays_over() -> None:
    assert [status for status, latters in ALLOWED.items() if not latters] == ["closed", "cancelled"]


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        ALLOWED["closed"] = frozenset({"live"})  # type: ignore[index]


@pytest.mark.parametrize(("former", "latter"), list(itertools.product(STATUSES, BRINGS)))
async def test_a_change_happens_if_and_only_if_it_is_allowed(court: Court, former: str, latter: str) -> None:
    sitting = await make_sitting(court)
    async with court.db.writer() as session:
        (await session.get_one(Sitting, sitting.id)).status = former
    await project_rows(court.db, sitting.id, make_rows(sitting.id, BRINGS[latter]))
    after = await as_it_is(court.db, sitting)
    assert after.status == (latter if (former, latter) in ALLOWED_CHANGES else former)
    assert after.log_seq == 1


@pytest.mark.parametrize("kind", PROCEDURES)
def test_every_stage_of_every_procedure_has_a_status_of_the_table(kind: str) -> None:
    for name, stage in PROCEDURES[kind].stages.items():
        event, data = to_stage(name)
        (row,) = make_rows("s", (event, data | {"status": stage.status}))
        assert status_after(kind, row) in ALLOWED


def test_a_stage_that_no_procedure_has_brings_no_status() -> None:
    (row,) = make_rows("s", to_stage("banquet"))
    assert status_after("remote_court", row) is None


@pytest.mark.parametrize("kind", PROCEDURES)
def test_every_change_of_stage_that_a_procedure_allows_is_a_change_of_status_that_the_table_allows(kind: str) -> None:
    procedure = PROCEDURES[kind]
    for former, latters in procedure.changes.items():
        for latter in latters:
            before, after = procedure.stages[former].status, procedure.stages[latter].status
            assert before == after or after in ALLOWED[before], (former, latter)


async def test_a_cancelled_sitting_gives_its_room_back_and_says_why(court: Court) -> None:
    sitting = await make_sitting(court)
    await project_rows(court.db, sitting.id, make_rows(sitting.id, OPENED, CANCELLED))
    after = await as_it_is(court.db, sitting)
    assert after.cancel_reason == "法官病假"
    async with court.db.reader() as session:
        assert not (await session.get_one(Booking, sitting.bookings[0].id)).active


async def test_when_a_sitting_began_and_ended_is_kept_with_the_first_beginning(court: Court) -> None:
    sitting = await make_sitting(court)
    rows = make_rows(sitting.id, OPENED, to_stage("hearing"), to_stage("recess"), to_stage("hearing"), to_stage("closed"))
    await project_rows(court.db, sitting.id, rows)
    after = await as_it_is(court.db, sitting)
    assert (after.opened_at, after.closed_at) == (moment(rows[1].at_us), moment(rows[4].at_us))


@given(st.integers(-(10**15), 4 * 10**15))
def test_moments_are_written_either_way_without_losing_a_microsecond(at_us: int) -> None:
    assert microseconds(moment(at_us)) == at_us


def test_the_same_moment_is_meant_either_way() -> None:
    assert moment(1_795_483_800_000_000) == NOW
    assert microseconds(NOW) == 1_795_483_800_000_000
