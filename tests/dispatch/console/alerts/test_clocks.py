"""A clock that was set, that differs from the database's, or that nothing holds is told of."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from dispatch.console.alerts import clocks
from dispatch.console.alerts.clocks import STEPPED_FOR_S, Judge, Reading
from tests.dispatch.making import Court

NOON = Reading(wall=1_700_000_000.0, running=500.0)


def later(seconds: float, set_by: float = 0.0) -> Reading:
    """So long after noon, the wall clock having been set by so much."""
    return replace(NOON, wall=NOON.wall + seconds + set_by, running=NOON.running + seconds)


def codes(judge: Judge, reading: Reading) -> list[tuple[str, float]]:
    return [(wrong.code, round(wrong.seconds, 3)) for wrong in judge.judge(reading)]


@pytest.mark.parametrize("set_by", [3.0, -3600.0])
def test_a_clock_that_is_set_is_told_of_for_a_while_with_how_far(set_by: float) -> None:
    judge = Judge(1.0)
    assert codes(judge, NOON) == []
    assert codes(judge, later(4)) == []
    assert codes(judge, later(8, set_by)) == [("clock_stepped", set_by)]
    assert codes(judge, later(12, set_by)) == [("clock_stepped", set_by)]
    assert codes(judge, later(8 + STEPPED_FOR_S, set_by)) == []


def test_a_slow_correction_is_no_step_however_far_it_goes() -> None:
    judge = Judge(1.0)
    for number in range(100):
        assert codes(judge, later(4 * number, 0.002 * number)) == []


@pytest.mark.parametrize(("ahead", "told"), [(0.9, []), (1.5, [("clock_differs", 1.5)]), (-40.0, [("clock_differs", -40.0)]), (None, [])])
def test_the_databases_clock_may_differ_by_no_more_than_the_limit(ahead: float | None, told: list[tuple[str, float]]) -> None:
    assert codes(Judge(1.0), replace(NOON, ahead=ahead)) == told


@pytest.mark.parametrize(
    ("wants_source", "held", "told"), [(True, False, True), (True, True, False), (True, None, False), (False, False, False)]
)
def test_a_clock_that_nothing_holds_is_wrong_where_the_site_has_a_source(wants_source: bool, held: bool | None, told: bool) -> None:
    found = codes(Judge(1.0, wants_source=wants_source), replace(NOON, held=held))
    assert found == ([("clock_unsynchronised", 0.0)] if told else [])


async def test_a_server_whose_clock_is_wrong_finds_that_out_from_its_database(postgresql_court: Court) -> None:
    right = await clocks.read(postgresql_court.db)
    slow = await clocks.read(postgresql_court.db, wall=lambda: time.time() - 90)
    assert codes(Judge(1.0), right) == []
    [(code, seconds)] = codes(Judge(1.0), slow)
    assert (code, round(seconds)) == ("clock_differs", 90)


async def test_a_database_in_a_file_has_no_clock_of_its_own(court: Court) -> None:
    reading = await clocks.read(court.db)
    assert reading.ahead is None
    assert abs(reading.wall - time.time()) < 60
    assert reading.held in (True, False, None)
