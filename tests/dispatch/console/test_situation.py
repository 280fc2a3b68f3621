"""What an officer sees of a sitting: trouble first, in words."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.console.situation import Booked, Handled, device_check, kept_task, named_in_english, network, order, situation
from dispatch.web.translations import catalogue
from rooms.commands import ClearAlert, RaiseAlert
from rooms.measured import Measured
from rooms.overview import overview
from rooms.protocol import AcknowledgeAlert, Admit, Graded, NetworkView, RecordingView, Voice
from tests.rooms.making import NOW_US, PEOPLE, Sitting

MINUTE_US = 60_000_000
ENGLISH = catalogue("en").gettext
RECORDING = RecordingView(state="recording", seconds=12.0, at_us=NOW_US)


def booked(sitting: str = "sitting", status: str = "planned", starts_in_min: int = 0) -> Booked:
    start = NOW_US + starts_in_min * MINUTE_US
    people = tuple((p.id, p.name, p.role, p.chair) for p in PEOPLE)
    return Booked(
        sitting, "remote_court", f"Case {sitting}", "（2026）1号", "第一法庭", "r1", start, start + 60 * MINUTE_US, status, people
    )


def live(sitting: Sitting, **measured: Any) -> dict[str, Any]:
    return overview(sitting.state, Measured(**measured)).to_json()


def seen(sitting: Sitting, **measured: Any) -> dict[str, Any]:
    return situation(booked(), live(sitting, **measured), NOW_US, ENGLISH, people=True)


def codes(shown: dict[str, Any]) -> list[str]:
    return [task["code"] for task in shown["tasks"]]


def test_a_planned_sitting_has_nobody_and_no_recording() -> None:
    shown = situation(booked(), None, NOW_US, ENGLISH)
    assert (shown["status"], shown["present"], shown["expected"], shown["recording"]["text"]) == ("planned", 0, len(PEOPLE), "")
    assert shown["trouble"] == "none"


def test_who_is_inside_and_who_waits_is_counted_apart() -> None:
    sitting = Sitting().gathered("zhang")
    sitting.arrive("li")
    shown = seen(sitting)
    assert (shown["present"], shown["waiting"]) == (2, 1)


def test_at_which_rooms_device_people_sit_and_who_speaks_there_is_said_of_each() -> None:
    sitting = Sitting().gathered()
    sitting.sit_down("zhang", "li")
    sitting.room_comes()
    sitting.act("e-judge", Admit())
    sitting.act("room", Voice(participant="li"))
    sitting.sit_down("gallery")
    told = {person["id"]: person["room_text"] for person in seen(sitting)["participants"] if person["room_text"]}
    assert told == {
        "zhang": "At 第一法庭主机",
        "li": "At 第一法庭主机, speaking",
        "gallery": "Sat down at 第一法庭主机 and waits to be let in there",
    }


def test_the_stage_and_the_recording_are_said_in_words() -> None:
    shown = seen(Sitting().opened("zhang"), recording=RECORDING)
    assert shown["stage_text"] == ENGLISH("stage.hearing")
    assert shown["recording"]["text"] == "Recording"
    assert shown["chair"] == "审判长 周正"


def test_an_alert_is_a_task_with_what_to_do() -> None:
    sitting = Sitting().opened("zhang")
    sitting.system(RaiseAlert("recording_failed", "critical", data={"cause": "disk_full"}))
    shown = seen(sitting)
    assert shown["trouble"] == "critical"
    assert shown["tasks"][0]["text"] == ENGLISH("alert.recording_failed")
    assert "recess" in shown["tasks"][0]["remedy"]


def test_a_grave_alert_that_was_seen_no_longer_shouts_but_stays_trouble_until_it_is_over() -> None:
    sitting = Sitting().opened("zhang")
    sitting.system(RaiseAlert("recording_failed", "critical", data={"cause": "disk_full"}))
    sitting.act("e-judge", AcknowledgeAlert(alert="recording_failed"))
    assert (seen(sitting)["trouble"], seen(sitting)["tasks"][0]["acknowledged_by"]) == ("warning", "审判长 周正")
    sitting.system(ClearAlert("recording_failed"))
    assert (seen(sitting)["trouble"], seen(sitting)["tasks"]) == ("none", [])


@pytest.mark.parametrize(("after_min", "late"), [(4, False), (5, True), (59, True), (60, False)])
def test_a_sitting_that_nobody_opened_is_late_after_five_minutes_until_its_end(after_min: int, late: bool) -> None:
    shown = situation(booked(), None, NOW_US + after_min * MINUTE_US, ENGLISH)
    assert codes(shown) == (["late_to_open"] if late else [])


def test_a_sitting_that_goes_on_past_its_end_is_said_but_is_no_trouble() -> None:
    shown = situation(booked(), live(Sitting().opened("zhang")), NOW_US + 70 * MINUTE_US, ENGLISH)
    assert codes(shown) == ["past_end"]
    assert shown["trouble"] == "none"


def test_a_cancelled_sitting_is_cancelled_whatever_the_live_side_still_holds() -> None:
    assert situation(booked(status="cancelled"), live(Sitting().gathered("zhang")), NOW_US, ENGLISH)["status"] == "cancelled"


def test_of_a_sitting_that_is_over_and_put_away_it_is_not_said_that_nobody_came() -> None:
    shown = situation(booked(status="closed"), None, NOW_US, ENGLISH, people=True)
    assert shown["counted"] is False
    assert {person["presence_text"] for person in shown["participants"]} == {""}


def test_trouble_comes_first_then_what_goes_on_then_what_comes() -> None:
    failing = Sitting().opened("zhang")
    failing.system(RaiseAlert("recording_failed", "critical", data={"cause": "disk_full"}))
    at_work = Sitting().opened("zhang")
    rows = [booked("coming", starts_in_min=60), booked("over", "closed"), booked("works"), booked("fails"), booked("off", "cancelled")]
    lives = {"works": live(at_work), "fails": live(failing)}
    found = sorted((situation(row, lives.get(row.id), NOW_US, ENGLISH) for row in rows), key=order)
    assert [row["id"] for row in found] == ["fails", "works", "coming", "over", "off"]


def test_at_a_glance_everybody_is_named_with_presence_and_bars_and_without_figures() -> None:
    sitting = Sitting().gathered("zhang")
    sitting.arrive("li")
    poor = {"e-zhang": NetworkView(score="poor", lost_percent=9.0)}
    told = {name: (presence, bars) for name, presence, bars in seen(sitting, networks=poor)["people"]}
    names = {p.id: p.name for p in PEOPLE}
    assert told[names["zhang"]] == ("present", 2)
    assert told[names["li"]] == ("waiting", 0)
    assert names["gallery"] not in told


def test_who_only_watches_is_missed_by_nobody() -> None:
    before = {name for name, _presence, _bars in situation(booked(), None, NOW_US, ENGLISH)["people"]}
    assert before == {p.name for p in PEOPLE if p.role != "gallery"}


def test_of_a_sitting_that_is_over_the_names_are_found_and_nobody_is_missing() -> None:
    told = situation(booked(status="closed"), None, NOW_US, ENGLISH)["people"]
    assert {presence for _name, presence, _bars in told} == {""}
    assert {name for name, _presence, _bars in told} == {p.name for p in PEOPLE}


@pytest.mark.parametrize(("score", "bars"), [("good", 4), ("fair", 3), ("poor", 2), ("bad", 1), (None, 0)])
def test_a_connection_is_shown_as_the_live_plane_scored_it(score: Graded | None, bars: int) -> None:
    assert network(NetworkView(score=score).model_dump(), ENGLISH)["bars"] == bars


def test_its_figures_are_told_as_far_as_they_are_known() -> None:
    figures = NetworkView(score="fair", lost_percent=5.26, rtt_ms=80.4)
    assert network(figures.model_dump(), ENGLISH)["text"] == "Fair · 5.3 % lost · 80 ms"
    assert network(NetworkView(score="bad", blocked=True).model_dump(), ENGLISH)["text"] == "Bad · nothing gets through"


def test_a_connection_without_figures_shows_no_bars() -> None:
    assert network(None, ENGLISH) == {"bars": 0, "text": "No figures yet"}


def test_a_device_check_names_what_failed() -> None:
    shown = device_check({"camera": {"ok": True}, "microphone": {"ok": False}, "network": {"ok": True}}, ENGLISH)
    assert (shown["state"], shown["details"]) == ("trouble", ["microphone"])
    assert device_check({"camera": {"ok": True}}, ENGLISH)["state"] == "ok"
    assert device_check(None, ENGLISH)["state"] == "none"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_remedy_is_there_in_both_languages(language: str) -> None:
    texts = catalogue(language).texts
    own = {"participant_lost", "recording_failed", "recorder_lost", "engine_lost", "overrun_soon", "log_unwritable", "disobedient_client"}
    derived = {"chair_missing", "private_long", "nobody_admitted", "participant_poor", "device_failed", "worker_down", "disk_low"}
    derived |= {"overrun", "media_worker_down", "clock_stepped", "clock_differs", "clock_unsynchronised"}
    assert {f"remedy.{code}" for code in own | derived | {"late_to_open", "past_end", "picture_undecodable"}} <= set(texts)
    assert {f"alert.{code}" for code in own | derived} <= set(texts)


def handled(**changes: Any) -> Handled:
    fields: dict[str, Any] = {"alert": "a1", "severity": "warning", "subject": "", "data": {}, "since_us": NOW_US, **changes}
    return Handled(**fields)


def tasks_of(sitting: Sitting, *kept: Handled) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = situation(booked(), live(sitting), NOW_US, ENGLISH, handled=kept)["tasks"]
    return found


def test_a_conferences_alert_and_what_was_done_about_it_are_one_task() -> None:
    sitting = Sitting().gathered()
    sitting.system(RaiseAlert("participant_lost", "warning", "zhang", {"participant": "zhang", "name": "张"}))
    [task] = tasks_of(sitting, handled(code="participant_lost", subject="zhang", owner="梁雨", count=3, acknowledged_by="梁雨"))
    assert (task["id"], task["alert"], task["owner"], task["count"], task["acknowledged_by"]) == (
        "participant_lost-zhang", "a1", "梁雨", 3, "梁雨",
    )  # fmt: skip


def test_what_was_seen_in_the_conference_is_seen() -> None:
    sitting = Sitting().gathered()
    sitting.system(RaiseAlert("recording_failed", "critical"))
    sitting.act("e-judge", AcknowledgeAlert(alert="recording_failed"))
    [task] = tasks_of(sitting, handled(code="recording_failed", severity="critical"))
    assert task["acknowledged_by"] is not None


def test_a_closed_alert_is_no_task_and_no_trouble_while_it_lasts() -> None:
    sitting = Sitting().gathered()
    sitting.system(RaiseAlert("recording_failed", "critical"))
    shown = situation(booked(), live(sitting), NOW_US, ENGLISH, handled=[handled(code="recording_failed", closed=True)])
    assert (shown["tasks"], shown["trouble"]) == ([], "none")


def test_what_only_the_command_centre_knows_is_a_task_of_the_sitting_too() -> None:
    kept = handled(code="chair_missing", severity="critical", data={"name": "林静姝"}, escalated=True)
    [task] = tasks_of(Sitting().gathered(), kept)
    assert ("林静姝" in task["text"], task["severity"], task["escalated"], task["id"]) == (True, "critical", True, "")


def test_an_overrun_that_somebody_can_take_is_not_said_twice() -> None:
    past = NOW_US + 75 * MINUTE_US
    kept = handled(code="overrun", data={"n": 10})
    shown = situation(booked(), live(Sitting().opened("zhang")), past, ENGLISH, handled=(kept,))
    assert (codes(shown), shown["trouble"]) == (["overrun"], "warning")


LATE = {"number": 7, "title": "查看排污口", "team": "望河中队", "team_en": "Wanghe squad"}


def test_an_overdue_task_names_its_team_in_the_pages_language_and_leads_to_it() -> None:
    late = handled(code="task_overdue", subject="t7", data=LATE)
    english = kept_task(named_in_english(late), None, ENGLISH)
    assert english["text"] == "Task 7 of Wanghe squad is overdue: 查看排污口"
    assert (english["path"], english["place"]) == ("/console/tasks/t7", "Open the task")
    assert "望河中队" in kept_task(late, None, catalogue("zh-CN").gettext)["text"]


def test_a_team_without_an_english_name_is_called_by_its_own() -> None:
    late = handled(code="task_overdue", subject="t7", data=LATE | {"team_en": ""})
    assert "of 望河中队 is" in kept_task(named_in_english(late), None, ENGLISH)["text"]
