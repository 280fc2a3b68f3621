"""The chair's desk: floor and speaking time, roll-call and identity, consents by stage, what a stage needs, warnings, recording at will."""

from __future__ import annotations

from typing import Any

import pytest

from rooms.commands import Arrive, Disappear, Facts, KeepStill
from rooms.consents import VERSION, stages_of
from rooms.desired import recording, routing
from rooms.measured import Measured
from rooms.media.engine import Source
from rooms.procedure import PROCEDURES
from rooms.protocol import (
    Admit,
    CallRoll,
    ChangeStage,
    ConsentToStages,
    GiveFloor,
    Identify,
    Leave,
    Mute,
    ParticipantView,
    RaiseHand,
    RecordWish,
    Remove,
    ReturnToWaiting,
    SetSource,
    TakeFloor,
    View,
    Warn,
    YieldFloor,
)
from rooms.views import view_for
from tests.rooms.making import Sitting, held_by, refused, ticket

MICROPHONE, CAMERA, SCREEN = Source.MICROPHONE, Source.CAMERA, Source.SCREEN
COURT = {"clerk": "clerk", "zhang": "party", "li": "party", "gallery": "gallery", "witness": "witness"}


def court(*stages: str, kind: str = "remote_court", **roles: str) -> Sitting:
    """A sitting by the newest version of its kind, everybody let in who is not called later, and gone so far; what it needs is done."""
    people = roles or COURT
    sitting = Sitting(**held_by(kind, **people))
    sitting.arrive("judge")
    for someone, role in people.items():
        if role not in PROCEDURES[kind].apart:
            sitting.arrive(someone)
    sitting.act("e-judge", Admit())
    for stage in stages:
        to_stage(sitting, stage)
    return sitting


def to_stage(sitting: Sitting, stage: str, reason: str = "") -> list[str]:
    return sitting.act("e-judge", ChangeStage(to=stage, reason=reason))


def called(sitting: Sitting, *people: str) -> None:
    for someone in people:
        sitting.act("e-clerk", CallRoll(participant=someone, answer="present"))


def identified(sitting: Sitting, *people: str) -> None:
    for someone in people:
        sitting.act("e-clerk", Identify(participant=someone, result="confirmed", note="身份证"))


def view(sitting: Sitting, endpoint: str) -> View:
    found = view_for(sitting.state, Measured(), endpoint)
    assert found is not None
    return found


def seen(sitting: Sitting, endpoint: str, who: str) -> ParticipantView:
    return next(p for p in view(sitting, endpoint).participants if p.id == who)


def missing(sitting: Sitting, to: str) -> dict[str, list[str]]:
    """What the chair is told to be missing for a stage, by code, and whether it is refused."""
    (entry,) = [each for each in view(sitting, "e-judge").sitting.next_stages if each["to"] == to]
    return {each["code"]: each["names"] for each in entry["missing"]} | ({"blocked": []} if entry["blocked"] else {})


def on(sitting: Sitting, endpoint: str) -> frozenset[Source]:
    return sitting.state.endpoints[endpoint].on


class TestFloor:
    def test_who_has_no_floor_is_seen_and_not_heard_and_who_has_it_is_heard(self) -> None:
        sitting = court("roll_call")
        assert sitting.act("e-zhang", SetSource(source=CAMERA, on=True)) == ["source_switched"]
        with refused("source_not_in_stage"):
            sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
        sitting.act("e-judge", GiveFloor(participant="zhang"))
        sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
        assert routing(sitting.state).publish["e-zhang"] == {MICROPHONE, CAMERA}
        assert view(sitting, "e-zhang").rights.speak
        assert not view(sitting, "e-li").rights.speak
        assert view(sitting, "e-li").rights.speak_in_turn

    def test_it_lowers_the_hand_and_takes_a_mute_back_and_opens_nothing_by_itself(self) -> None:
        sitting = court("roll_call")
        sitting.act("e-zhang", RaiseHand(up=True))
        sitting.act("e-judge", Mute(participant="zhang", source=MICROPHONE))
        assert sitting.act("e-judge", GiveFloor(participant="zhang")) == ["allowed", "floor_given"]
        seat = sitting.state.seats["zhang"]
        assert (seat.hand_at_us, seat.muted, on(sitting, "e-zhang")) == (None, frozenset(), frozenset())
        assert sitting.act("e-judge", GiveFloor(participant="zhang")) == []

    def test_what_was_open_before_people_spoke_in_turn_is_closed(self) -> None:
        sitting = court()
        sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
        to_stage(sitting, "roll_call")
        sitting.act("e-judge", GiveFloor(participant="zhang"))
        assert on(sitting, "e-zhang") == frozenset()

    @pytest.mark.parametrize("way", ["taken", "yielded", "given on", "left", "lost", "sent back", "removed", "recess", "closed"])
    def test_whoever_loses_it_is_not_heard_any_more_and_his_time_is_kept(self, way: str) -> None:
        sitting = court("roll_call")
        sitting.act("e-judge", GiveFloor(participant="zhang"))
        sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
        sitting.now_us += 58_000_000
        if way == "taken":
            assert sitting.act("e-judge", TakeFloor()) == ["floor_taken"]
        elif way == "yielded":
            assert sitting.act("e-zhang", YieldFloor()) == ["floor_taken"]
        elif way == "given on":
            sitting.act("e-judge", GiveFloor(participant="li"))
        elif way == "left":
            sitting.act("e-zhang", Leave())
        elif way == "lost":
            sitting.system(Disappear("e-zhang"))
        elif way == "sent back":
            sitting.act("e-judge", ReturnToWaiting(participant="zhang"))
        elif way == "removed":
            sitting.act("e-judge", Remove(participant="zhang", reason="扰乱法庭秩序"))
        else:
            to_stage(sitting, way, "recess")
        assert sitting.state.floor == ("li" if way == "given on" else None)
        assert sitting.state.spoke_us["zhang"] == 60_000_000
        assert MICROPHONE not in routing(sitting.state).publish.get("e-zhang", frozenset())
        if "e-zhang" in sitting.state.endpoints:
            assert MICROPHONE not in on(sitting, "e-zhang")

    def test_a_screen_that_is_shared_in_turn_goes_off_with_the_floor_and_one_of_right_stays(self) -> None:
        officers = {f"o{n}": "hearing_officer" for n in range(3)}
        hearing = court("roll_call", kind="public_hearing", **officers, zhang="party", sun="prosecutor")
        for someone in ("zhang", "sun"):
            hearing.act("e-judge", GiveFloor(participant=someone))
            for source in (MICROPHONE, CAMERA, SCREEN):
                hearing.act(f"e-{someone}", SetSource(source=source, on=True))
        hearing.act("e-judge", TakeFloor())
        assert on(hearing, "e-zhang") == {CAMERA}
        assert on(hearing, "e-sun") == {CAMERA, SCREEN}

    def test_sides_have_their_clocks_and_the_clock_of_who_has_the_floor_runs(self) -> None:
        sitting = court("roll_call")
        for someone, seconds in (("zhang", 30), ("li", 10), ("zhang", 5)):
            sitting.act("e-judge", GiveFloor(participant=someone))
            sitting.now_us += (seconds - 1) * 1_000_000
        told = view(sitting, "e-li").sitting
        assert told.floor is not None
        assert told.floor.participant == "zhang"
        assert {s.side: (s.seconds, s.running) for s in told.speaking} == {
            "bench": (0.0, False),
            "left": (30.0, True),
            "right": (10.0, False),
            "middle": (0.0, False),
        }
        assert seen(sitting, "e-li", "zhang").spoke_s == 30.0
        assert seen(sitting, "e-li", "zhang").side == "left"

    def test_whoever_waits_is_not_told_whose_turn_it_is(self) -> None:
        sitting = court("roll_call")
        sitting.act("e-judge", GiveFloor(participant="li"))
        sitting.act("e-judge", ReturnToWaiting(participant="zhang"))
        told = view(sitting, "e-zhang").sitting
        assert (told.floor, told.speaking) == (None, ())

    @pytest.mark.parametrize(
        ("endpoint", "command", "code"),
        [
            ("e-zhang", GiveFloor(participant="zhang"), "not_allowed"),
            ("e-clerk", GiveFloor(participant="zhang"), "not_allowed"),
            ("e-judge", GiveFloor(participant="stranger"), "participant_unknown"),
            ("e-judge", GiveFloor(participant="witness"), "not_inside"),
            ("e-judge", GiveFloor(participant="gallery"), "not_in_stage"),
            ("e-clerk", TakeFloor(), "not_allowed"),
            ("e-zhang", YieldFloor(), "not_allowed"),
        ],
    )
    def test_what_is_refused_changes_nothing(self, endpoint: str, command: Any, code: str) -> None:
        sitting = court("roll_call")
        sitting.act("e-judge", GiveFloor(participant="li"))
        before = sitting.state
        with refused(code):
            sitting.act(endpoint, command)
        assert sitting.state == before


class TestRollCall:
    def test_who_is_awaited_is_called_and_the_next_stage_waits_for_every_answer(self) -> None:
        sitting = court("roll_call")
        assert missing(sitting, "identity")["roll_call_missing"] == ["clerk 某", "zhang 某", "li 某"]
        assert "blocked" in missing(sitting, "identity")
        with refused("roll_call_missing"):
            to_stage(sitting, "identity")
        called(sitting, "clerk", "zhang")
        sitting.act("e-judge", CallRoll(participant="li", answer="absent"))
        assert missing(sitting, "identity").keys() == {"consent_missing"}, "of the sitting as a whole, which is told and refuses nothing"
        assert to_stage(sitting, "identity") == ["stage_changed"]
        sitting.act("e-clerk", CallRoll(participant="li", answer="late"))
        assert seen(sitting, "e-clerk", "li").roll == seen(sitting, "e-li", "li").roll == "late"
        assert seen(sitting, "e-zhang", "li").roll == ""

    def test_an_answer_is_taken_back_and_noted_once(self) -> None:
        sitting = court("roll_call")
        called(sitting, "zhang")
        assert sitting.act("e-clerk", CallRoll(participant="zhang", answer="present")) == []
        sitting.act("e-clerk", CallRoll(participant="zhang", answer=""))
        assert "zhang 某" in missing(sitting, "identity")["roll_call_missing"]

    def test_nobody_is_noted_present_who_is_not_there_and_no_party_calls(self) -> None:
        sitting = court("roll_call")
        with refused("not_inside"):
            called(sitting, "witness")
        with refused("not_allowed"):
            sitting.act("e-zhang", CallRoll(participant="zhang", answer="present"))
        with refused("participant_unknown"):
            called(sitting, "stranger")


class TestIdentity:
    def test_stills_of_face_and_document_are_evidence_for_chair_and_clerk_alone(self) -> None:
        sitting = court("roll_call")
        for still in ("ab" * 32, "cd" * 32):
            assert sitting.system(KeepStill("clerk", still, 1000)) == ["still_kept"]
        assert sitting.system(KeepStill("clerk", "ab" * 32, 1000)) == []
        sitting.act("e-clerk", Identify(participant="zhang", result="confirmed", face="ab" * 32, document="cd" * 32))
        told = seen(sitting, "e-judge", "zhang").identity
        assert told is not None
        assert (told.result, told.face, told.document) == ("confirmed", "ab" * 32, "cd" * 32)
        assert seen(sitting, "e-zhang", "zhang").identity is seen(sitting, "e-li", "zhang").identity is None

    def test_the_investigation_waits_until_everybody_inside_is_who_he_says(self) -> None:
        sitting = court("roll_call")
        called(sitting, "clerk", "zhang", "li")
        to_stage(sitting, "identity")
        identified(sitting, "zhang")
        sitting.act("e-clerk", Identify(participant="li", result="refused", note="与证件不符"))
        assert missing(sitting, "investigation")["identity_missing"] == ["li 某"]
        with refused("identity_missing"):
            to_stage(sitting, "investigation")
        sitting.act("e-judge", ReturnToWaiting(participant="li"))
        assert "identity_missing" not in missing(sitting, "investigation")

    @pytest.mark.parametrize(
        ("endpoint", "fields", "code"),
        [
            ("e-zhang", {"note": "身份证"}, "not_allowed"),
            ("e-clerk", {"participant": "witness", "note": "身份证"}, "not_inside"),
            ("e-clerk", {"participant": "stranger", "note": "身份证"}, "participant_unknown"),
            ("e-clerk", {"face": "ab" * 32, "note": "身份证"}, "still_unknown"),
            ("e-clerk", {"note": " "}, "reason_missing"),
            ("e-clerk", {"result": "refused"}, "reason_missing"),
        ],
    )
    def test_what_is_refused_changes_nothing(self, endpoint: str, fields: dict[str, Any], code: str) -> None:
        sitting = court("roll_call")
        before = sitting.state
        with refused(code):
            sitting.act(endpoint, Identify(**({"participant": "zhang", "result": "confirmed"} | fields)))
        assert sitting.state == before

    def test_nobody_but_the_desk_keeps_a_still(self) -> None:
        sitting = court("roll_call")
        for someone in ("zhang", "witness", "stranger"):
            with refused("not_allowed"):
                sitting.system(KeepStill(someone, "ab" * 32, 1000))


class TestConsents:
    def before_investigation(self) -> Sitting:
        sitting = court("roll_call")
        called(sitting, "clerk", "zhang", "li")
        to_stage(sitting, "identity")
        identified(sitting, "zhang", "li")
        return sitting

    def test_each_consents_for_himself_and_for_the_stages_that_he_names(self) -> None:
        sitting = self.before_investigation()
        assert stages_of(sitting.state.procedure) == ("investigation", "debate")
        due = seen(sitting, "e-zhang", "zhang").consents_due
        assert [each.stage for each in due] == ["investigation", "debate"]
        assert all(each.names["zh-CN"] in each.text and each.names["en"] in each.text and each.version == VERSION for each in due)
        assert seen(sitting, "e-li", "zhang").consents_due == ()
        assert sitting.act("e-zhang", ConsentToStages(stages=("investigation",), agree=True)) == ["words_stated", "stage_consented"]
        assert sitting.act("e-zhang", ConsentToStages(stages=("investigation",), agree=True)) == []
        assert seen(sitting, "e-clerk", "zhang").consents_missing == ("debate",)
        assert missing(sitting, "investigation")["consent_missing"] == ["li 某"]
        with refused("consent_missing"):
            to_stage(sitting, "investigation")
        sitting.act("e-li", ConsentToStages(stages=("investigation",), agree=True))
        assert to_stage(sitting, "investigation") == ["stage_changed"]
        with refused("consent_missing"):
            to_stage(sitting, "debate")
        (said, _) = [event for event in sitting.log if event.type == "stage_consented"]
        assert {"version": VERSION, "stage": "investigation", "device": "Chromium · Debian"}.items() <= said.data.items()
        assert len(said.data["text_sha256"]) == 64

    def test_a_consent_that_is_withdrawn_in_its_stage_is_told_and_the_sitting_does_not_come_back_to_it_without(self) -> None:
        sitting = self.before_investigation()
        for someone in ("e-zhang", "e-li"):
            sitting.act(someone, ConsentToStages(stages=("investigation",), agree=True))
        to_stage(sitting, "investigation")
        withdrawn = sitting.act("e-zhang", ConsentToStages(stages=("investigation",), agree=False))
        assert withdrawn == ["stage_consent_withdrawn", "alert_raised"]
        to_stage(sitting, "recess", "recess")
        with refused("consent_missing"):
            to_stage(sitting, "investigation")
        assert sitting.act("e-zhang", ConsentToStages(stages=("investigation",), agree=True)) == ["stage_consented"]
        assert to_stage(sitting, "investigation") == ["stage_changed"]

    def test_whoever_waits_may_consent(self) -> None:
        sitting = court()
        sitting.act("e-judge", ReturnToWaiting(participant="zhang"))
        assert sitting.act("e-zhang", ConsentToStages(stages=("debate",), agree=True)) == ["words_stated", "stage_consented"]

    @pytest.mark.parametrize(
        ("endpoint", "fields", "code"),
        [
            ("e-li", {"participant": "zhang"}, "not_allowed"),
            ("e-judge", {"participant": "zhang"}, "not_allowed"),
            ("e-gallery", {}, "not_allowed"),
            ("e-zhang", {"stages": ("judgment",)}, "stage_unknown"),
            ("e-nobody", {}, "not_inside"),
            ("phone", {}, "not_inside"),
        ],
    )
    def test_nobody_consents_for_another_or_to_what_needs_none(self, endpoint: str, fields: dict[str, Any], code: str) -> None:
        sitting = court()
        sitting.system(Arrive(ticket("zhang", "phone")))
        before = sitting.state
        with refused(code):
            sitting.act(endpoint, ConsentToStages.model_validate({"stages": ("debate",), "agree": True} | fields))
        assert sitting.state == before


class TestNeeds:
    @pytest.mark.parametrize(("officers", "enough"), [(2, False), (3, True), (7, True), (8, False)])
    def test_a_hearing_has_three_to_seven_hearing_officers(self, officers: int, enough: bool) -> None:
        sitting = court(kind="public_hearing", **{f"o{n}": "hearing_officer" for n in range(officers)})
        assert ("quorum_missing" not in missing(sitting, "roll_call")) == enough
        if enough:
            assert to_stage(sitting, "roll_call") == ["stage_changed"]
        else:
            with refused("quorum_missing"):
                to_stage(sitting, "roll_call")

    def test_an_interrogation_needs_two_and_a_suspect_and_each_is_told(self) -> None:
        sitting = court(kind="remote_interrogation", suspect="suspect")
        (entry, _) = view(sitting, "e-judge").sitting.next_stages
        (told,) = [each for each in entry["missing"] if each["code"] == "quorum_missing"]
        assert (told["least"], told["most"], told["present"], told["roles"]) == (2, None, 1, ["clerk", "interrogator"])
        with refused("quorum_missing"):
            to_stage(sitting, "out_of_cell")

    def test_the_minutes_are_signed_by_the_chairs_word(self) -> None:
        sitting = court(kind="petition_intake", clerk="clerk", zhang="petitioner")
        identified(sitting, "zhang")
        for stage in ("identity", "statement", "explanation", "minutes"):
            to_stage(sitting, stage)
        (routed, *_) = view(sitting, "e-judge").sitting.next_stages
        assert (routed["reasons"], routed["blocked"]) == (["minutes_signed"], False)
        assert "minutes_missing" in missing(sitting, "routing")
        with refused("minutes_missing"):
            to_stage(sitting, "routing", "because")
        assert to_stage(sitting, "routing", "minutes_signed") == ["stage_changed"]

    def test_nothing_keeps_a_sitting_from_being_closed(self) -> None:
        assert to_stage(court("roll_call"), "closed") == ["stage_changed"]

    def test_the_chair_sees_every_stage_and_what_may_follow_by_its_names(self) -> None:
        sitting = court("roll_call")
        told = view(sitting, "e-zhang").sitting
        assert [stage.name for stage in told.stages] == list(PROCEDURES["remote_court"].stages)
        assert (told.procedure.version, told.next_stages) == (PROCEDURES["remote_court"].version, ())
        recess = next(each for each in view(sitting, "e-judge").sitting.next_stages if each["to"] == "recess")
        assert (recess["names"]["zh-CN"], recess["reasons"]) == ("休庭", ["recess", "closed_evidence", "mediation"])


class TestWarnings:
    def test_prompts_and_warnings_are_counted_for_chair_clerk_and_himself(self) -> None:
        sitting = court("roll_call")
        sitting.act("e-judge", Warn(participant="zhang", degree="prompt", reason="请围绕争议焦点"))
        sitting.act("e-judge", Warn(participant="zhang", degree="warning", reason="不得打断他人"))
        sitting.act("e-judge", Warn(participant="zhang", degree="warning", reason="再次打断"))
        for endpoint in ("e-clerk", "e-zhang"):
            told = seen(sitting, endpoint, "zhang")
            assert (told.prompts, told.warnings) == (1, 2)
            assert told.admonition is not None
            assert told.admonition.reason == "再次打断"
        assert seen(sitting, "e-li", "zhang").warnings == 0

    @pytest.mark.parametrize(
        ("endpoint", "who", "reason", "code"),
        [
            ("e-clerk", "zhang", "why", "not_allowed"),
            ("e-judge", "stranger", "why", "participant_unknown"),
            ("e-judge", "zhang", " ", "reason_missing"),
        ],
    )
    def test_what_is_refused_changes_nothing(self, endpoint: str, who: str, reason: str, code: str) -> None:
        sitting = court("roll_call")
        before = sitting.state
        with refused(code):
            sitting.act(endpoint, Warn(participant=who, degree="warning", reason=reason))
        assert sitting.state == before


class TestRecordingAtWill:
    def table(self) -> Sitting:
        return court("report", kind="round_table", clerk="clerk", wu="member")

    def test_a_round_table_is_recorded_while_the_convenor_wants_it_and_the_wish_outlives_a_pause(self) -> None:
        sitting = self.table()
        assert not recording(sitting.state).on
        assert not sitting.state.recording.ever
        assert sitting.act("e-judge", RecordWish(on=True)) == ["recording_wanted"]
        assert sitting.act("e-judge", RecordWish(on=True)) == []
        assert recording(sitting.state).on
        assert sitting.state.recording.ever
        assert routing(sitting.state).record
        to_stage(sitting, "recess", "rest")
        assert not recording(sitting.state).on
        assert view(sitting, "e-wu").sitting.recording_wanted
        assert view(sitting, "e-wu").sitting.called_from == "report"
        to_stage(sitting, "report")
        assert recording(sitting.state).on
        sitting.act("e-judge", RecordWish(on=False))
        assert not recording(sitting.state).on

    def test_it_begins_only_when_the_recorder_writes(self) -> None:
        sitting = self.table()
        with refused("recording_not_ready"):
            sitting.act("e-judge", RecordWish(on=True), Facts(recorder_ready=False))
        sitting.act("e-judge", RecordWish(on=True))
        with refused("recording_not_ready"):
            sitting.act("e-judge", ChangeStage(to="opinions"), Facts(recorder_ready=False))
        assert sitting.state.stage == "report"

    def test_nobody_else_runs_it_and_what_is_recorded_by_rule_is_nobodys_wish(self) -> None:
        with refused("not_allowed"):
            self.table().act("e-wu", RecordWish(on=True))
        with refused("not_in_stage"):
            court("roll_call").act("e-clerk", RecordWish(on=False))
