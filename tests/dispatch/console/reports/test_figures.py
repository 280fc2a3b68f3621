"""The figures of a report against figures that were reckoned by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from dispatch.console.reports.figures import Held, Spread, Step, answered, by_day, delays, lost, tasks
from dispatch.console.reports.incidents import Answer, Disconnection, Incidents, incidents
from tests.dispatch.making import NOW, TODAY, at, make_rows

MINUTE = timedelta(minutes=1)


def held(late_min: float | None = 0, over_min: float | None = 0, *, status: str = "closed", day: date = TODAY, **more: Any) -> Held:
    """A sitting of 14:00 to 15:00 that was opened and closed so many minutes after its times; None: not."""
    opened = None if late_min is None else at("14:00") + late_min * MINUTE
    closed = None if over_min is None or opened is None else at("15:00") + over_min * MINUTE
    return Held(day, "remote_court", status, at("14:00"), at("15:00"), opened, closed, **more)


def test_a_spread_has_median_ninth_tenth_and_most_by_nearest_rank() -> None:
    assert Spread.of([]) == Spread(0, None, None, None)
    assert Spread.of([None, 4.0]) == Spread(1, 4.0, 4.0, 4.0)
    assert Spread.of([40, 10, 30, 20]) == Spread(4, 25.0, 40, 40)
    assert Spread.of(range(1, 11)) == Spread(10, 5.5, 9, 10)


def test_delays_go_by_the_booking_and_five_minutes_are_on_time() -> None:
    sittings = [held(late) for late in (-3, 0, 5, 6, 15, 16, 30, 31, 90)] + [held(None, None, status="planned")]
    found = delays(sittings)
    assert (found.opened, found.steps) == (9, (3, 2, 2, 2))
    assert found.late == Spread(6, (16 + 30) / 2 * 60, 90 * 60, 90 * 60)


def test_what_went_on_past_its_end_is_counted_by_how_long() -> None:
    found = delays([held(0, -10), held(0, 0), held(0, 20), held(0, 40), held(0, None, status="live")])
    assert found.over == Spread(2, 30 * 60, 40 * 60, 40 * 60)


def test_lost_connections_are_told_by_sitting_and_by_who_did_not_come_back() -> None:
    two = Incidents((Disconnection(20.0), Disconnection(None)))
    found = lost([held(incidents=two), held(incidents=Incidents((Disconnection(40.0),))), held(), held(None, None)])
    assert (found.opened, found.hit, found.lost, found.gone) == (3, 2, 3, 1)
    assert found.away == Spread(2, 30.0, 40.0, 40.0)


def test_the_time_to_answer_is_of_what_was_answered() -> None:
    alerts = [Answer("a", "warning", 10, 60), Answer("a", "warning", None, 20), Answer("a", "critical", 30)]
    found = answered(alerts)
    assert (found.raised, found.answered, found.lasted) == (3, Spread(2, 20, 30, 30), Spread(2, 40, 60, 60))


def test_tasks_have_the_time_of_each_step() -> None:
    done = Step("一队", 60, 600, 1200, 3600, late=False)
    found = tasks([done, replace(done, signed_s=180, arrived_s=None, reported_s=None, ended_s=None, late=True)])
    assert (found.sent, found.late, found.signed) == (2, 1, Spread(2, 120, 180, 180))
    assert (found.arrived.count, found.ended.median) == (1, 3600)


def test_each_day_is_there_and_a_long_time_goes_by_months() -> None:
    hit = Incidents((Disconnection(1.0),), (Answer("a", "info"), Answer("b", "info")))
    sittings = [held(incidents=hit), held(), held(None, None, status="cancelled"), held(day=TODAY + timedelta(2))]
    days = [TODAY + timedelta(number) for number in range(3)]
    assert [(day.first, day.held, day.lost, day.alerts) for day in by_day(sittings, days)] == [
        (days[0], 2, 1, 2), (days[1], 0, 0, 0), (days[2], 1, 0, 0),
    ]  # fmt: skip
    months = by_day(sittings, [date(2026, 10, 1) + timedelta(number) for number in range(92)])
    assert [(month.first, month.held) for month in months] == [(date(2026, 10, 1), 0), (date(2026, 11, 1), 3), (date(2026, 12, 1), 0)]


# -- what a log tells


def log(*events: tuple[float, str, dict[str, Any]]) -> Incidents:
    """Events with their seconds."""
    rows = []
    for number, (seconds, kind, data) in enumerate(events, 1):
        rows += make_rows("s", (kind, data), first=number, at=NOW + timedelta(seconds=seconds))
    return incidents(rows)


def lose(endpoint: str, *people: str) -> tuple[str, dict[str, Any]]:
    return "endpoint_lost", {"endpoint": endpoint, "participants": list(people)}


def test_a_device_is_away_until_it_is_there_again() -> None:
    assert log((0, *lose("e1", "li")), (25, "endpoint_resumed", {"endpoint": "e1"})).disconnections == (Disconnection(25.0),)


def test_another_device_of_the_same_person_brings_him_back() -> None:
    arrived = {"endpoint": "e2", "participants": ["li"], "device": "phone"}
    assert log((0, *lose("e1", "li")), (40, "endpoint_arrived", arrived)).disconnections == (Disconnection(40.0),)
    replaced = {"participant": "li", "endpoint": "e2", "former": "e1", "by": {}}
    assert log((0, *lose("e1", "li")), (50, "device_replaced", replaced)).disconnections == (Disconnection(50.0),)


def test_who_does_not_come_back_is_not_back_whoever_else_arrives() -> None:
    other = {"endpoint": "e3", "participants": ["wang"], "device": "phone"}
    assert log((0, *lose("e1", "li")), (40, "endpoint_arrived", other)).disconnections == (Disconnection(None),)


def test_alerts_are_answered_by_the_first_who_acknowledges_and_over_when_cleared() -> None:
    raised = {"alert": "participant_lost-li", "code": "participant_lost", "severity": "warning", "data": {}}
    seen = {"alert": "participant_lost-li", "by": {}, "name": "梁雨"}
    found = log(
        (0, "alert_raised", raised),
        (12, "alert_acknowledged", seen),
        (20, "alert_acknowledged", seen),
        (30, "alert_cleared", {"alert": "participant_lost-li"}),
        (100, "alert_raised", raised),
    )
    assert found.alerts == (Answer("participant_lost", "warning", 12.0, 30.0), Answer("participant_lost", "warning"))
