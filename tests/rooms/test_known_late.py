"""Whoever comes in after the identities were established: he is seen, and neither heard nor counted, until somebody has looked at face and
document."""

from __future__ import annotations

import pytest

from rooms.commands import Disappear
from rooms.consents import stages_of
from rooms.desired import routing
from rooms.fold import fold
from rooms.log import Event
from rooms.media.engine import Source
from rooms.procedure import PROCEDURES, read_procedure
from rooms.protocol import (
    Admit,
    AdmitDevice,
    CastVote,
    ConsentToStages,
    GiveFloor,
    Identify,
    Leave,
    PutQuestion,
    RaiseHand,
    SetSource,
    Write,
)
from tests.rooms.making import Sitting, held_by, refused
from tests.rooms.test_desk import called, court, identified, missing, seen, to_stage, view

MICROPHONE, CAMERA, SCREEN = Source.MICROPHONE, Source.CAMERA, Source.SCREEN
PETITION = {"clerk": "clerk", "zhang": "petitioner", "li": "petitioner", "lawyer": "lawyer"}


def in_person(*late: str, **roles: str) -> Sitting:
    """A petition whose petitioner was identified and speaks; the `late` were not there."""
    people = roles or PETITION
    sitting = Sitting(**held_by("petition_intake", **people))
    for someone in ("judge", *people):
        if someone not in late:
            sitting.arrive(someone)
    sitting.act("e-judge", Admit())
    to_stage(sitting, "identity")
    identified(sitting, "zhang")
    to_stage(sitting, "statement")
    return sitting


def comes(sitting: Sitting, someone: str, endpoint: str = "") -> None:
    sitting.arrive(someone, endpoint)
    sitting.act("e-judge", Admit())


def with_witness() -> Sitting:
    """A court in its investigation, which has just called the witness."""
    sitting = court("roll_call")
    called(sitting, "clerk", "zhang", "li")
    to_stage(sitting, "identity")
    identified(sitting, "zhang", "li")
    for someone in ("zhang", "li"):
        sitting.act(f"e-{someone}", ConsentToStages(stages=stages_of(sitting.state.procedure), agree=True))
    to_stage(sitting, "investigation")
    comes(sitting, "witness")
    return sitting


class TestLate:
    def test_before_the_stage_that_needs_it_nobody_is_held_back(self) -> None:
        sitting = court("roll_call")
        assert not seen(sitting, "e-zhang", "zhang").held_back
        assert seen(sitting, "e-judge", "zhang").identity_missing
        sitting.act("e-judge", GiveFloor(participant="zhang"))

    def test_he_is_seen_and_not_heard_until_the_clerk_has_looked(self) -> None:
        sitting = in_person("li")
        comes(sitting, "li")
        with refused("source_not_in_stage"):
            sitting.act("e-li", SetSource(source=MICROPHONE, on=True))
        with refused("source_not_in_stage"):
            sitting.act("e-li", SetSource(source=SCREEN, on=True))
        assert sitting.act("e-li", SetSource(source=CAMERA, on=True)) == ["source_switched"]
        assert routing(sitting.state).publish["e-li"] == {CAMERA}
        assert sitting.act("e-clerk", Identify(participant="li", result="confirmed", note="身份证")) == ["identified"]
        sitting.act("e-li", SetSource(source=MICROPHONE, on=True))
        assert routing(sitting.state).publish["e-li"] == {CAMERA, MICROPHONE}

    def test_the_hand_by_which_he_said_that_he_is_ready_goes_down(self) -> None:
        sitting = in_person("li")
        comes(sitting, "li")
        sitting.act("e-li", RaiseHand(up=True))
        refused_once = Identify(participant="li", result="refused", note="照片不清")
        assert sitting.act("e-clerk", refused_once) == ["identified"]
        assert sitting.act("e-clerk", Identify(participant="li", result="confirmed", note="身份证")) == ["identified", "hand_lowered"]
        sitting.act("e-li", RaiseHand(up=True))
        assert sitting.act("e-clerk", Identify(participant="li", result="confirmed", note="再看一次")) == ["identified"]

    def test_he_is_told_and_the_desk_is_told_and_nobody_else(self) -> None:
        sitting = in_person("li")
        comes(sitting, "li")
        assert seen(sitting, "e-li", "li").held_back
        assert seen(sitting, "e-judge", "li").held_back
        assert seen(sitting, "e-clerk", "li").identity_missing
        assert not seen(sitting, "e-zhang", "li").held_back
        assert not seen(sitting, "e-zhang", "li").identity_missing

    def test_the_chair_sees_it_as_missing_for_each_next_stage_and_may_go_on_without_him(self) -> None:
        sitting = in_person("li")
        comes(sitting, "li")
        assert missing(sitting, "explanation") == {"identity_missing": ["li 某"]}
        assert to_stage(sitting, "explanation") == ["stage_changed"]
        identified(sitting, "li")
        assert missing(sitting, "minutes") == {}

    def test_he_writes_to_the_desk_and_not_to_everybody(self) -> None:
        sitting = in_person("li")
        comes(sitting, "li")
        with refused("identity_missing"):
            sitting.act("e-li", Write(to="all", participants=(), text="各位好"))
        assert sitting.act("e-li", Write(to="clerk", participants=(), text="我的身份证在这里")) == ["message_sent"]

    def test_the_witness_is_given_the_floor_when_it_is_known_who_he_is(self) -> None:
        sitting = with_witness()
        assert missing(sitting, "debate")["identity_missing"] == ["witness 某"]
        with refused("identity_missing"):
            sitting.act("e-judge", GiveFloor(participant="witness"))
        identified(sitting, "witness")
        assert sitting.act("e-judge", GiveFloor(participant="witness")) == ["floor_given"]

    def test_whoever_turns_out_to_be_somebody_else_loses_the_floor_and_is_heard_no_more(self) -> None:
        sitting = with_witness()
        identified(sitting, "witness")
        sitting.act("e-judge", GiveFloor(participant="witness"))
        sitting.act("e-witness", SetSource(source=MICROPHONE, on=True))
        sitting.act("e-clerk", Identify(participant="witness", result="refused", note="与证件不符"))
        assert sitting.state.floor is None
        assert MICROPHONE not in routing(sitting.state).publish.get("e-witness", frozenset())
        identified(sitting, "witness")
        assert MICROPHONE not in sitting.state.endpoints["e-witness"].on, "nothing opens by itself"

    def test_he_blocks_no_stage_with_a_consent_that_he_has_not_given(self) -> None:
        sitting = with_witness()
        sitting.act("e-li", Leave())
        comes(sitting, "li", "e-phone")
        sitting.act("e-phone", ConsentToStages(stages=("debate",), agree=False))
        assert "blocked" not in missing(sitting, "debate")
        identified(sitting, "li")
        assert missing(sitting, "debate") == {"consent_missing": ["li 某"], "blocked": [], "identity_missing": ["witness 某"]}


class TestDevices:
    def test_whoever_comes_back_at_the_same_device_is_known(self) -> None:
        sitting = in_person("li")
        sitting.system(Disappear("e-zhang"))
        sitting.arrive("zhang")
        assert not sitting.state.held_back("zhang")

    def test_whoever_comes_back_at_another_one_is_looked_at_again(self) -> None:
        sitting = in_person("li")
        sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
        sitting.arrive("zhang", "e-phone")
        sitting.act("e-judge", AdmitDevice(endpoint="e-phone", accept=True))
        assert seen(sitting, "e-phone", "zhang").held_back
        with refused("source_not_in_stage"):
            sitting.act("e-phone", SetSource(source=MICROPHONE, on=True))
        identified(sitting, "zhang")
        assert not seen(sitting, "e-phone", "zhang").held_back

    def test_a_device_that_comes_again_as_another_person_has_shown_nothing(self) -> None:
        sitting = in_person("li")
        sitting.act("e-zhang", Leave())
        comes(sitting, "li", "e-zhang")
        assert sitting.state.held_back("li")

    def test_who_sits_down_with_others_silences_their_device_until_he_is_known(self) -> None:
        sitting = in_person("li", "wang", **PETITION, wang="petitioner")
        sitting.sit_down("wang")
        sitting.room_comes()
        sitting.act("e-judge", Admit())
        identified(sitting, "wang")
        sitting.act("room", SetSource(source=MICROPHONE, on=True))
        sitting.sit_down("li")
        sitting.act("e-judge", Admit())
        assert MICROPHONE not in routing(sitting.state).publish["room"]
        identified(sitting, "li")
        sitting.act("room", SetSource(source=MICROPHONE, on=True))
        assert MICROPHONE in routing(sitting.state).publish["room"]


class TestCounting:
    def interrogated(self) -> Sitting:
        sitting = Sitting(**held_by("remote_interrogation", clerk="clerk", zhang="suspect"))
        for someone in ("judge", "clerk", "zhang"):
            sitting.arrive(someone)
        sitting.act("e-judge", Admit())
        for stage in ("out_of_cell", "identity"):
            to_stage(sitting, stage)
        identified(sitting, "zhang")
        for stage in ("rights", "recording_notice"):
            to_stage(sitting, stage)
        return sitting

    def test_who_is_not_known_is_not_there_for_the_quorum(self) -> None:
        sitting = self.interrogated()
        assert missing(sitting, "questioning") == {}
        sitting.act("e-clerk", Identify(participant="zhang", result="refused", note="与提讯证不符"))
        assert missing(sitting, "questioning") == {"quorum_missing": ["zhang 某"], "identity_missing": ["zhang 某"], "blocked": []}
        with refused("quorum_missing"):
            to_stage(sitting, "questioning")

    def test_his_vote_and_his_opinion_are_asked_when_he_is_known(self) -> None:
        text = PROCEDURES["round_table"].text.replace("member: {is: [awaited]", "member: {is: [awaited, identified]")
        text = text.replace("is: [unobservable, recordable, votes]", "is: [unobservable, recordable, votes]\n    needs: [identity]")
        assert read_procedure(text).identified == {"member"}
        people = held_by("round_table", wang="member", li="member")
        sitting = Sitting(**people | {"procedure": text})
        for someone in ("judge", "wang"):
            sitting.arrive(someone)
        sitting.act("e-judge", Admit())
        to_stage(sitting, "report")
        sitting.act("e-judge", Identify(participant="wang", result="confirmed", note="工作证"))
        to_stage(sitting, "opinions")
        comes(sitting, "li")
        sitting.act("e-judge", PutQuestion(text="是否立案"))
        with refused("no_vote"):
            sitting.act("e-li", CastVote(question="1", choice="for"))
        sitting.act("e-judge", Identify(participant="li", result="confirmed", note="工作证"))
        assert sitting.act("e-li", CastVote(question="1", choice="for")) == ["voted"]


@pytest.mark.parametrize("kind", list(PROCEDURES))
def test_it_is_the_version_that_asks_for_it(kind: str) -> None:
    """A version in which no stage needs the identities holds nobody back."""
    asks = any("identity" in stage.needs for stage in PROCEDURES[kind].stages.values())
    assert asks == (kind not in {"round_table", "public_hearing"})


def test_a_log_from_before_the_device_was_noted_is_read_as_the_device_of_then() -> None:
    sitting = in_person("li")
    old = [
        Event(e.type, e.at_us, {k: v for k, v in e.data.items() if k != "device"}) if e.type == "identified" else e for e in sitting.log
    ]
    assert fold(old) == sitting.state
    assert view(sitting, "e-zhang").rights.speak
