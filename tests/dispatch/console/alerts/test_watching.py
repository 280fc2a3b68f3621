"""What lasts too long in a sitting needs somebody; what is over needs nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dispatch.console.alerts.watching import MINUTE_US, SECOND_US, Lasting, Limits, wanted
from rooms.commands import RaiseAlert
from rooms.measured import Measured
from rooms.overview import overview
from rooms.protocol import NetworkView
from tests.rooms.making import NOW_US, Sitting

LIMITS = Limits(waiting_us=5 * MINUTE_US, private_us=30 * MINUTE_US, poor_us=30 * SECOND_US)


class Watch:
    """Looks at a sitting again and again."""

    def __init__(self) -> None:
        self.lasting = Lasting()

    def at(self, sitting: Sitting, minutes: float, **changes: Any) -> dict[tuple[str, str], str]:
        """Codes, subjects and severities `minutes` after its start."""
        measured = Measured(**{name: changes.pop(name) for name in ("networks",) if name in changes})
        seen = replace(overview(sitting.state, measured), starts_at_us=NOW_US, ends_at_us=NOW_US + 60 * MINUTE_US, **changes).to_json()
        found = wanted(seen, NOW_US + int(minutes * MINUTE_US), LIMITS, self.lasting)
        return {key: one.severity for key, one in found.items()}


def test_what_the_conference_itself_says_is_wanted_with_its_subject() -> None:
    sitting = Sitting().gathered()
    sitting.system(RaiseAlert("participant_lost", "warning", "zhang", {"participant": "zhang", "name": "张"}))
    sitting.system(RaiseAlert("recording_failed", "critical"))
    found = Watch().at(sitting, 1, status="live")
    assert found[("participant_lost", "zhang")] == "warning"
    assert found[("recording_failed", "")] == "critical"


def test_the_chair_is_missed_at_the_start_where_others_have_come() -> None:
    sitting = Sitting()
    assert Watch().at(sitting, 1) == {}, "nobody has come: that is late to open, and no other alert"
    sitting.arrive("zhang")
    watch = Watch()
    assert watch.at(sitting, -1) == {}
    assert watch.at(sitting, 0) == {("chair_missing", ""): "critical"}
    assert ("chair_missing", "") not in watch.at(sitting, 61), "its time is over"
    assert ("chair_missing", "") not in Watch().at(Sitting().gathered("zhang"), 1)


def test_who_waits_from_the_start_on_is_missed_after_some_minutes_and_no_more_once_inside() -> None:
    sitting, watch = Sitting().gathered("zhang"), Watch()
    sitting.arrive("li")
    assert watch.at(sitting, -20) == {}
    assert watch.at(sitting, 0) == {}
    assert watch.at(sitting, 4.9) == {}
    assert watch.at(sitting, 5) == {("nobody_admitted", "li"): "warning"}
    assert watch.at(Sitting().gathered("zhang", "li"), 6) == {}
    assert watch.at(sitting, 7) == {}, "who waits again waits anew"


def test_a_connection_is_called_poor_when_it_stays_so() -> None:
    sitting, watch = Sitting().gathered("zhang"), Watch()
    poor = {"networks": {"e-zhang": NetworkView(score="poor")}}
    names = [endpoint for endpoint, each in sitting.state.endpoints.items() if "zhang" in each.participants]
    poor = {"networks": {names[0]: NetworkView(score="poor")}}
    assert watch.at(sitting, 0, **poor) == {}
    assert watch.at(sitting, 0.2, networks={names[0]: NetworkView(score="good")}) == {}
    assert watch.at(sitting, 0.4, **poor) == {}
    assert watch.at(sitting, 0.8, **poor) == {}
    assert watch.at(sitting, 0.95, **poor) == {("participant_poor", "zhang"): "warning"}


def test_a_private_part_is_told_of_when_it_goes_on_for_long() -> None:
    sitting, watch = Sitting().gathered(), Watch()
    assert watch.at(sitting, 0, status="live", private=True) == {}
    assert watch.at(sitting, 30, status="live", private=True) == {("private_long", ""): "warning"}
    assert watch.at(sitting, 31, status="live", private=False) == {}
    assert watch.at(sitting, 32, status="live", private=True) == {}


def test_a_device_test_that_failed_is_told_of_before_the_sitting_begins() -> None:
    sitting = Sitting().gathered("zhang")
    people = [dict(person) for person in overview(sitting.state, Measured()).participants]
    for person in people:
        if person["id"] == "zhang":
            person["device_check"] = {"camera": {"ok": True}, "microphone": {"ok": False}}
    assert Watch().at(sitting, -10, participants=tuple(people), status="open") == {("device_failed", "zhang"): "warning"}
    assert Watch().at(sitting, 10, participants=tuple(people), status="live") == {}


def test_a_sitting_that_is_over_needs_nobody() -> None:
    sitting = Sitting()
    sitting.arrive("zhang")
    assert Watch().at(sitting, 10, status="closed") == {}


def test_a_sitting_that_goes_on_long_past_its_end_needs_somebody_until_it_ends() -> None:
    sitting, watch = Sitting().opened("zhang"), Watch()
    assert ("overrun", "") not in watch.at(sitting, 69)
    assert watch.at(sitting, 70)[("overrun", "")] == "warning"
    assert ("overrun", "") not in watch.at(sitting, 71, status="closed")
