"""The meaning of the log: the same rows give the same state, and rows about nobody change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from rooms.commands import CheckDevice, Consent, Disappear, Observe, RaiseAlert, Revise, SetNextBooking
from rooms.fold import apply, fold
from rooms.journal import EVENT_KINDS
from rooms.log import Event
from rooms.media.engine import Source
from rooms.protocol import ChangeStage, Mute, SetSource
from tests.rooms.making import NOW_US, PEOPLE, Sitting, make_plan

NOBODY: dict[str, dict[str, Any]] = {
    "consented": {"participant": "nobody", "version": "1", "text_sha256": "ab", "device": "x"},
    "device_checked": {"participant": "nobody", "result": {}},
    "endpoint_lost": {"endpoint": "nowhere", "participants": ["nobody"]},
    "endpoint_resumed": {"endpoint": "nowhere"},
    "left": {"participant": "nobody"},
    "admitted": {"participant": "nobody", "by": {}},
    "returned_to_waiting": {"participant": "nobody", "by": {}},
    "device_replaced": {"participant": "nobody", "endpoint": "nowhere", "former": None, "by": {}},
    "device_refused": {"endpoint": "nowhere", "participants": [], "by": {}},
    "observer_left": {"endpoint": "nowhere", "name": "x"},
    "source_switched": {"participant": "nobody", "endpoint": "nowhere", "source": "camera", "on": True},
    "muted": {"participant": "nobody", "source": "camera", "by": {}},
    "allowed": {"participant": "nobody", "source": "camera", "by": {}},
    "removed": {"participant": "nobody", "reason": "x", "by": {}},
    "readmitted": {"participant": "nobody", "by": {}},
    "revoked": {"participant": "nobody", "reason": "x"},
    "alert_cleared": {"alert": "nothing"},
    "alert_acknowledged": {"alert": "nothing", "by": {}, "name": "x"},
    "log_outage": {"from_us": 1, "to_us": 2, "rows": 3},
    "gap": {"endpoint": "nowhere", "source": "camera", "from_us": 1, "to_us": 2, "cause": "x"},
    "a_word_of_tomorrow": {"whatever": 1},
}


@pytest.mark.parametrize("kind", NOBODY)
def test_a_row_about_nobody_changes_nothing(kind: str) -> None:
    state = Sitting().opened("zhang").state
    assert apply(state, Event(kind, NOW_US, NOBODY[kind])) == state


def test_a_log_begins_with_its_conference() -> None:
    for kind in (*EVENT_KINDS, "stage_changed"):
        if kind != "conference_opened":
            with pytest.raises(ValueError, match="begins with conference_opened"):
                apply(None, Event(kind, NOW_US, {}))
    assert fold([]) is None


def test_a_log_that_is_read_again_gives_the_same_state() -> None:
    sitting = Sitting().opened("zhang", "li")
    sitting.watch()
    sitting.act("e-zhang", SetSource(source=Source.CAMERA, on=True))
    sitting.act("e-judge", Mute(participant="li", source=Source.MICROPHONE))
    sitting.system(Consent("zhang", "2026-1", "ab", "phone"))
    sitting.system(CheckDevice("li", {"camera": True}))
    sitting.system(SetNextBooking({"title": "听证", "room": "第一法庭", "starts_at_us": 5}))
    sitting.system(Disappear("e-li"))
    sitting.act("e-judge", ChangeStage(to="recess", reason="lunch"))
    assert fold(sitting.log) == sitting.state


def test_a_recording_counts_what_was_on_disk_and_nothing_else() -> None:
    sitting = Sitting().opened()

    def seen_at(second: int, kind: str, **data: Any) -> None:
        sitting.log.append(Event(kind, NOW_US + second * 1_000_000, data))
        sitting._state = apply(sitting.state, sitting.log[-1])

    seen_at(10, "recording_started", by={})
    seen_at(10, "recording_started", by={})
    seen_at(40, "recording_failed", cause="disk_full")
    span = sitting.state.recording
    assert (span.seconds, span.running_since_us, span.failure) == (30.0, None, "disk_full")
    seen_at(50, "recording_failed", cause="no_heartbeat")
    seen_at(60, "recording_restored")
    seen_at(70, "recording_stopped", by={}, reason="recess")
    span = sitting.state.recording
    assert (span.seconds, span.running_since_us, span.failure, span.ever) == (40.0, None, "", True)


def test_who_is_struck_off_takes_his_devices_with_him_and_who_is_new_has_a_seat() -> None:
    sitting = Sitting().opened("zhang", "li")
    sitting.arrive("zhang", "phone")
    kept = tuple(p for p in PEOPLE if p.id != "zhang")
    sitting.system(Revise(make_plan(people=(*kept, type(PEOPLE[0])("new", "新人", "agent")))))
    assert set(sitting.state.endpoints) == {"e-judge", "e-li"}
    assert sitting.presence("new") == "absent"
    assert sitting.presence("li") == "present"


def test_of_the_alerts_those_about_recording_and_log_outlive_the_sitting() -> None:
    sitting = Sitting().opened("zhang")
    for code in ("recording_failed", "recorder_lost", "log_unwritable", "engine_lost", "overrun_soon"):
        sitting.system(RaiseAlert(code, "critical"))
    sitting.act("e-judge", ChangeStage(to="closed"))
    assert set(sitting.state.alerts) == {"recording_failed", "recorder_lost", "log_unwritable"}
    sitting.system(Observe("sealed", {"manifest_sha256": "ab"}))
    assert sitting.state.sealed == "ab"
