"""The event log in words: names instead of ids, nothing left unsaid."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from dispatch.console.event_words import EventWords
from dispatch.web.translations import catalogue
from rooms import recording
from rooms.commands import KeepStill, RaiseAlert
from rooms.journal import EVENT_KINDS
from rooms.log import GENESIS, Event, Row, chain
from rooms.media.engine import Source
from rooms.needs import SIGNED
from rooms.procedure import SHIPPED
from rooms.protocol import (
    Admit,
    CallRoll,
    ChangeStage,
    ConsentToStages,
    GiveFloor,
    Identify,
    Mute,
    Remove,
    SetSource,
    Unseat,
    Voice,
    Warn,
    YieldFloor,
)
from tests.rooms.making import NOW_US, Sitting, held_by


def rows(events: Iterable[Event]) -> list[Row]:
    found: list[Row] = []
    for number, event in enumerate(events, start=1):
        found.append(chain("sitting", 1, number, found[-1].hash if found else GENESIS, event))
    return found


def said(events: Iterable[Event], language: str = "en") -> list[str]:
    return [line["text"] for line in EventWords(catalogue(language).gettext).lines(rows(events))]


def a_hearing() -> Sitting:
    sitting = Sitting().opened("zhang", "li")
    sitting.watch()
    sitting.act("e-judge", Mute(participant="zhang", source=Source.MICROPHONE))
    sitting.system(RaiseAlert("recording_failed", "critical", data={"cause": "disk_full"}))
    sitting.act("e-judge", Remove(participant="li", reason="吵闹"))
    sitting.act("e-judge", ChangeStage(to="recess", reason="合议"))
    return sitting


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_whole_hearing_is_told_without_ids_codes_or_open_braces(language: str) -> None:
    for text in said(a_hearing().log, language):
        assert not re.search(r"[{}]|e-zhang|e-officer|\b(event|stage|role|alert|log)\.[a-z_]+", text), text


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_what_is_done_at_the_chairs_desk_is_told_in_the_same_way(language: str) -> None:
    sitting = Sitting(**held_by("remote_court", clerk="clerk", zhang="party")).gathered("clerk", "zhang")
    sitting.act("e-judge", ChangeStage(to="roll_call"))
    for answer in ("absent", "late", "present", ""):
        sitting.act("e-clerk", CallRoll.model_validate({"participant": "zhang", "answer": answer}))
    sitting.system(KeepStill("clerk", "ab" * 32, 1000))
    sitting.act("e-clerk", Identify(participant="zhang", result="refused", note="与证件不符"))
    sitting.act("e-clerk", Identify(participant="zhang", result="confirmed", face="ab" * 32, note="身份证"))
    for agree in (True, False):
        sitting.act("e-zhang", ConsentToStages(stages=("debate",), agree=agree))
    sitting.act("e-judge", GiveFloor(participant="zhang"))
    sitting.act("e-zhang", YieldFloor())
    sitting.act("e-judge", Warn(participant="zhang", degree="prompt", reason="请简短"))
    told = said(sitting.log[-11:], language)
    for text in told:
        assert not re.search(r"[{}]|e-zhang|\b(event|role|log)\.[a-z_]+|stage\.|debate", text), text
    assert any({"zh-CN": "法庭辩论", "en": "Debate"}[language] in text for text in told)


def test_names_stand_with_their_roles() -> None:
    assert any("张某 (Party)" in text for text in said(a_hearing().log))


def test_of_a_rooms_device_it_is_told_who_sat_down_who_spoke_and_for_whom_it_acts() -> None:
    sitting = Sitting().gathered()
    sitting.sit_down("zhang", "li")
    sitting.room_comes()
    sitting.act("e-judge", Admit())
    for voice in ("li", None):
        sitting.act("room", Voice(participant=voice))
    sitting.act("room", SetSource(source=Source.MICROPHONE, on=True))
    sitting.sit_down("gallery")
    sitting.act("e-judge", Admit())
    sitting.act("room", Unseat(participant="zhang"))
    assert [text for text in said(sitting.log) if "张某" in text or "李某" in text][-7:] == [
        "张某 (Party), 李某 (Party) arrived (第一法庭主机)",
        "审判长 周正 (Judge) admitted 张某 (Party)",
        "审判长 周正 (Judge) admitted 李某 (Party)",
        "李某 (Party) speaks (marked by 第一法庭主机)",
        "张某 (Party), 李某 (Party): nobody is marked as speaking (第一法庭主机)",
        "张某 (Party), 李某 (Party) switched the microphone on",
        "张某 (Party) no longer sits at “第一法庭主机” (第一法庭主机)",
    ]


def test_the_reason_of_a_recess_is_told() -> None:
    assert said(a_hearing().log)[-1].endswith("Recess. Reason: 合议")


def test_an_observer_is_told_by_name() -> None:
    assert any("孙" in text for text in said(a_hearing().log))


def test_a_gap_names_whose_track_how_long_and_why() -> None:
    gap = {"endpoint": "e-zhang", "source": "camera", "from_us": NOW_US, "to_us": NOW_US + 2_500_000, "cause": "recorder_restarted"}
    text = said([*a_hearing().log, Event("gap", NOW_US, gap)])[-1]
    assert all(part in text for part in ("2.5", "张某", "camera", "restarted"))


def test_lines_carry_their_family_for_the_marks_on_the_timeline() -> None:
    marks = {line["type"]: line["mark"] for line in EventWords(catalogue("en").gettext).lines(rows(a_hearing().log))}
    assert (marks["stage_changed"], marks["alert_raised"], marks["observer_joined"], marks["muted"]) == (
        "stage",
        "trouble",
        "watch",
        "people",
    )


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_type_of_event_has_a_sentence_in_both_languages(language: str) -> None:
    wanted = {f"event.{kind}" for kind in EVENT_KINDS} | {"event.source_on", "event.source_off", "event.next_booking_none"}
    assert wanted <= set(catalogue(language).texts) | {"event.stage_changed"}


CAUSE_GIVEN = re.compile(r'(?:_missing|_miss|miss|_end|_end_former|FolderError)\([^)\n]*?"([a-z_]+)"|return "([a-z]+_[a-z]+)"')


def test_every_cause_that_the_recorder_gives_has_a_word_in_both_languages() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(recording.__path__[0]).glob("*.py")]
    causes = {one or other for text in sources for one, other in CAUSE_GIVEN.findall(text)} - {"replaced"}
    assert {"packet_loss", "key_frame", "engine_lost", "disk_full"} <= causes
    for language in ("zh-CN", "en"):
        assert {f"log.cause.{cause}" for cause in causes} <= set(catalogue(language).texts), language


def test_every_reason_of_a_pause_has_a_word_in_both_languages() -> None:
    reasons = {reason for version in SHIPPED.values() for stage in version.stages.values() for reason in stage.reasons}
    assert {"mediation", "rest"} <= reasons
    for language in ("zh-CN", "en"):
        assert {f"log.pause.{reason}" for reason in {*reasons, SIGNED}} <= set(catalogue(language).texts), language


def test_a_stage_is_called_what_the_version_calls_it_and_a_pause_says_why() -> None:
    """Of the unit's own stages the catalogue knows no word."""
    changed = {"from": "questioning", "to": "tea", "status": "recess", "names": {"zh-CN": "茶歇", "en": "Tea"}, "by": {"system": True}}
    back = {"from": "tea", "to": "questioning", "status": "live", "names": {"zh-CN": "问答", "en": "Questions"}, "by": {"system": True}}
    changes = [Event("stage_changed", 1, changed | {"reason": "rest"}), Event("stage_changed", 2, back | {"reason": ""})]
    told = said(changes, "zh-CN")
    assert "茶歇" in told[0]
    assert "休息" in told[0]
    assert "问答" in told[1]
    assert "stage." not in "".join(told)


@pytest.mark.parametrize(("language", "stage"), [("zh-CN", "茶歇"), ("en", "Tea")])
def test_a_recording_that_stops_with_a_stage_names_it_in_words(language: str, stage: str) -> None:
    changed = {"from": "questioning", "to": "tea", "status": "recess", "names": {"zh-CN": "茶歇", "en": "Tea"}, "by": {"system": True}}
    stopped = Event("recording_stopped", 2, {"by": {"system": True}, "reason": "tea"})
    text = said([Event("stage_changed", 1, changed | {"reason": ""}), stopped], language)[-1]
    assert stage in text
    assert "tea" not in text
