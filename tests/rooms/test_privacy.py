"""Consultations, stepping out, pairs who must not see or hear each other, guardians, and what one wants to hear."""

from __future__ import annotations

import pytest

from rooms.commands import Disappear, Revise
from rooms.desired import may_observe, recording, routing
from rooms.fold import fold
from rooms.measured import Measured
from rooms.media.engine import Source, TrackKey
from rooms.overview import overview
from rooms.plan import PlanParticipant
from rooms.procedure import PROCEDURES
from rooms.protocol import Admit, ChangeStage, Consult, EndConsult, Identify, Leave, Listen, Mute, Remove, SetSource, Step, View, Write
from rooms.views import view_for
from tests.rooms.court import COURT, EVERYBODY, court, go, path_to
from tests.rooms.making import SEAL, Sitting, make_plan, refused

MICROPHONE, CAMERA = Source.MICROPHONE, Source.CAMERA


def seen(sitting: Sitting, viewer: str) -> View:
    found = view_for(sitting.state, Measured(seal=SEAL), viewer)
    assert found is not None
    return found


def heard_by(sitting: Sitting, viewer: str) -> set[str]:
    """The devices of which this one gets anything."""
    return {t.endpoint for t in routing(sitting.state).watch.get(viewer, frozenset())}


def talking(*inside: str) -> Sitting:
    """Lawyer and client consult; everybody is inside."""
    sitting = court(*(inside or EVERYBODY))
    sitting.act("e-judge", Consult(participants=("zhang", "lawyer")))
    return sitting


def test_who_consults_is_heard_by_nobody_else_and_hears_nobody_else() -> None:
    sitting = court(*EVERYBODY)
    sitting.watch()
    assert "e-zhang" in heard_by(sitting, "e-officer")
    sitting.act("e-judge", Consult(participants=("zhang", "lawyer")))
    assert heard_by(sitting, "e-zhang") == {"e-lawyer"}
    assert heard_by(sitting, "e-lawyer") == {"e-zhang"}
    wanted = routing(sitting.state)
    for viewer in ("e-judge", "e-panel", "e-clerk", "e-li", "e-gallery", "e-interpreter"):
        assert not {"e-zhang", "e-lawyer"} & heard_by(sitting, viewer)
    assert "e-officer" not in wanted.watch
    assert not may_observe(sitting.state)
    assert recording(sitting.state).on
    assert {t.endpoint for t in wanted.record} & {"e-zhang", "e-lawyer"} == set()
    assert "e-judge" in {t.endpoint for t in wanted.record}


def test_in_a_talk_aside_one_speaks_without_the_floor_and_whatever_was_muted() -> None:
    sitting = court("zhang", "lawyer")
    sitting.act("e-judge", Mute(participant="zhang", source=MICROPHONE))
    with refused("source_not_in_stage"):
        sitting.act("e-lawyer", SetSource(source=MICROPHONE, on=True))
    sitting.act("e-judge", Consult(participants=("zhang", "lawyer")))
    for endpoint in ("e-zhang", "e-lawyer"):
        sitting.act(endpoint, SetSource(source=MICROPHONE, on=True))
        assert MICROPHONE in routing(sitting.state).publish[endpoint]
    sitting.act("e-lawyer", EndConsult(consult="1"))
    assert routing(sitting.state).publish["e-zhang"] == routing(sitting.state).publish["e-lawyer"] == frozenset()


@pytest.mark.parametrize("end", ["member", "chair", "stage", "step"])
def test_whoever_comes_out_is_heard_only_after_an_act_of_his_own(end: str) -> None:
    sitting = talking("zhang", "lawyer", "interpreter")
    sitting.act("e-zhang", SetSource(source=CAMERA, on=True))
    if end == "step":
        sitting.act("e-zhang", Step(out=True))
    elif end == "stage":
        go(sitting, "debate")
    else:
        sitting.act("e-judge" if end == "chair" else "e-zhang", EndConsult(consult="1"))
    assert routing(sitting.state).publish["e-zhang"] == frozenset()
    assert "e-judge" in heard_by(sitting, "e-zhang")
    assert (end == "step") == ("1" in sitting.state.consults)


def test_out_by_one_click_and_in_again_by_one_click() -> None:
    sitting = talking("zhang", "lawyer")
    assert sitting.act("e-zhang", Step(out=True)) == ["stepped_out"]
    assert sitting.act("e-zhang", Step(out=True)) == []
    assert "e-judge" in heard_by(sitting, "e-zhang")
    assert "e-lawyer" not in heard_by(sitting, "e-zhang")
    private = seen(sitting, "e-zhang").private
    assert private is not None
    assert (private.kind, private.member, private.out) == ("consultation", True, True)
    sitting.act("e-zhang", Step(out=False))
    assert heard_by(sitting, "e-zhang") == {"e-lawyer"}
    with refused("no_private_phase"):
        sitting.act("e-judge", Step(out=True))


def test_who_was_lost_comes_back_into_the_same_talk_and_who_left_does_not() -> None:
    sitting = talking("zhang", "lawyer", "li")
    sitting.system(Disappear("e-zhang"))
    assert heard_by(sitting, "e-lawyer") == set()
    sitting.arrive("zhang")
    assert heard_by(sitting, "e-zhang") == {"e-lawyer"}
    sitting.act("e-zhang", Leave())
    assert sitting.state.consults["1"].members == ("lawyer",)
    sitting.act("e-judge", Remove(participant="lawyer", reason="order"))
    assert sitting.state.consults == {}
    assert fold(sitting.log) == sitting.state


def test_only_the_chair_allows_it_and_only_to_those_for_whom_it_is_provided() -> None:
    sitting = court(*EVERYBODY)
    for endpoint in ("e-zhang", "e-clerk", "e-lawyer", "nowhere"):
        with refused("not_allowed"):
            sitting.act(endpoint, Consult(participants=("zhang", "lawyer")))
    for people in (("zhang", "li"), ("zhang", "lawyer", "judge"), ("judge", "panel"), ("lawyer", "gallery")):
        with refused("consult_not_provided"):
            sitting.act("e-judge", Consult(participants=people))
    with refused("participant_unknown"):
        sitting.act("e-judge", Consult(participants=("zhang", "nobody")))
    with refused("not_inside"):
        sitting.act("e-judge", Consult(participants=("zhang", "witness")))
    sitting.act("e-judge", Consult(participants=("zhang", "lawyer", "interpreter", "guardian")))
    assert heard_by(sitting, "e-zhang") == {"e-lawyer", "e-interpreter", "e-guardian"}
    with refused("consults_already"):
        sitting.act("e-judge", Consult(participants=("li", "lawyer")))
    with refused("not_allowed"):
        sitting.act("e-li", EndConsult(consult="1"))
    with refused("consult_unknown"):
        sitting.act("e-judge", EndConsult(consult="2"))


def test_the_chair_is_offered_who_belongs_together_and_nobody_else() -> None:
    sitting = court(*EVERYBODY)
    (offer,) = seen(sitting, "e-judge").talks
    assert (offer.members, offer.helpers) == (("zhang", "lawyer"), ("guardian", "interpreter"))
    assert seen(sitting, "e-clerk").talks == seen(sitting, "e-zhang").talks == ()
    with refused("consult_not_provided"):
        sitting.act("e-judge", Consult(participants=("li", "lawyer")))
    sitting.act("e-judge", Consult(participants=("zhang", "lawyer")))
    assert seen(sitting, "e-judge").talks == (), "one talk at a time"


def test_a_guardian_is_with_his_own_minor_and_whom_one_must_not_hear_with_nobody() -> None:
    people = (*(p for p in COURT if p.id != "guardian"), PlanParticipant("guardian", "法定代理人", "guardian", guards="li"))
    sitting = court(*EVERYBODY, people=people, apart=(("lawyer", "interpreter"),))
    (offer,) = seen(sitting, "e-judge").talks
    assert offer.helpers == ()
    for helper in ("guardian", "interpreter"):
        with refused("consult_not_provided"):
            sitting.act("e-judge", Consult(participants=("zhang", "lawyer", helper)))


def test_nobody_of_whom_it_is_not_known_who_he_is_hears_what_client_and_lawyer_say() -> None:
    sitting = court("zhang", "lawyer")
    sitting.act("e-judge", Identify(participant="lawyer", result="refused", note="与律师证不符"))
    assert seen(sitting, "e-judge").talks == ()
    with refused("identity_missing"):
        sitting.act("e-judge", Consult(participants=("zhang", "lawyer")))


def test_nobody_talks_aside_at_a_device_at_which_others_sit_or_sit_down_later() -> None:
    sitting = Sitting(people=COURT, procedure=PROCEDURES["remote_court"].text).gathered("lawyer")
    sitting.sit_down("zhang", "li")
    sitting.room_comes()
    sitting.act("e-judge", Admit())
    with refused("consult_overheard"):
        sitting.act("e-judge", Consult(participants=("zhang", "lawyer")))
    alone = Sitting(people=COURT, procedure=PROCEDURES["remote_court"].text).gathered("lawyer")
    alone.sit_down("zhang")
    alone.room_comes()
    alone.act("e-judge", Admit())
    alone.act("e-judge", Consult(participants=("zhang", "lawyer")))
    assert heard_by(alone, "room") == {"e-lawyer"}
    alone.sit_down("li")
    alone.act("e-judge", Admit())
    assert alone.presence("li") == "present"
    assert (heard_by(alone, "room"), heard_by(alone, "e-lawyer")) == (set(), set())
    with refused("no_private_phase"):
        alone.act("room", Step(out=True))


def test_the_others_learn_what_kind_of_talk_it_is_and_not_who_talks() -> None:
    sitting = talking()
    sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
    sitting.arrive("witness")
    assert seen(sitting, "e-witness").private is None
    for viewer in ("e-li", "e-gallery"):
        private = seen(sitting, viewer).private
        assert private is not None
        assert (private.kind, private.id, private.members, private.member) == ("consultation", "", (), False)
        assert seen(sitting, viewer).consults == ()
        (zhang,) = (p for p in seen(sitting, viewer).participants if p.id == "zhang")
        assert not zhang.sources["microphone"].on
    own = seen(sitting, "e-zhang").private
    assert own is not None
    assert (own.id, own.members, own.member, own.out) == ("1", ("zhang", "lawyer"), True, False)
    assert [c.members for c in seen(sitting, "e-judge").consults] == [("zhang", "lawyer")]
    people = {p["id"]: p for p in overview(sitting.state, Measured()).participants}
    assert not people["zhang"]["sources"]["microphone"]["on"]


def test_what_is_written_in_a_talk_aside_stays_there() -> None:
    sitting = talking()
    sitting.act("e-zhang", Write(to="all", text="只给你看"))
    assert [m.text for m in seen(sitting, "e-lawyer").messages] == ["只给你看"]
    for viewer in ("e-judge", "e-clerk", "e-li"):
        assert seen(sitting, viewer).messages == ()
    with refused("nobody_there"):
        sitting.act("e-zhang", Write(to="chair", text="审判长"))
    sitting.act("e-judge", Write(to="all", text="大家好"))
    assert [m.text for m in seen(sitting, "e-lawyer").messages] == ["只给你看"]
    assert sitting.log[-2].data["private"]
    assert not sitting.log[-2].data["observed"]
    assert "private" not in sitting.log[-1].data


def test_in_deliberation_the_members_are_among_themselves_and_step_out_and_in() -> None:
    sitting = court(*EVERYBODY, stage="final_statements")
    sitting.watch()
    go(sitting, "deliberation")
    assert {e: heard_by(sitting, e) for e in routing(sitting.state).watch} == {"e-judge": {"e-panel"}, "e-panel": {"e-judge"}}
    sitting.act("e-panel", SetSource(source=MICROPHONE, on=True))
    sitting.act("e-judge", Step(out=True))
    assert routing(sitting.state).watch == {"e-panel": frozenset()}
    assert sitting.state.rights("e-judge").direct
    with refused("no_private_phase"):
        sitting.act("e-zhang", Step(out=False))
    with refused("not_allowed"):
        sitting.act("e-judge", Admit())
    sitting.act("e-judge", Step(out=False))
    assert heard_by(sitting, "e-judge") == {"e-panel"}
    sitting.act("e-judge", Write(to="all", text="合议意见"))
    assert sitting.log[-1].data["readers"] == ["judge", "panel"]
    assert sitting.log[-1].data["private"]
    sitting.act("e-judge", ChangeStage(to="judgment"))
    assert routing(sitting.state).publish["e-panel"] == frozenset()
    assert sitting.state.out == frozenset()


def test_of_a_deliberation_only_its_members_know_who_is_in_it() -> None:
    sitting = court(*EVERYBODY, stage="deliberation")
    sitting.arrive("witness")
    for viewer in ("e-zhang", "e-clerk", "e-witness", "e-gallery"):
        private = seen(sitting, viewer).private
        assert private is not None
        assert (private.kind, private.members, private.member) == ("deliberation", (), False)
    own = seen(sitting, "e-panel").private
    assert own is not None
    assert (own.members, own.member) == (("judge", "panel"), True)


def test_a_member_beside_others_at_a_rooms_device_hears_nothing_of_the_deliberation() -> None:
    sitting = Sitting(people=COURT, procedure=PROCEDURES["remote_court"].text).gathered("zhang")
    sitting.sit_down("panel", "li")
    sitting.room_comes()
    sitting.act("e-judge", Admit())
    go(sitting, *path_to("remote_court", "deliberation"))
    assert heard_by(sitting, "room") == set()
    assert routing(sitting.state).publish["room"] == frozenset()
    assert heard_by(sitting, "e-judge") == set()


# ------------------------------------------------------------------------------------------------ pairs


@pytest.mark.parametrize("stage", ["waiting", "investigation", "deliberation", "final_statements"])
def test_whom_one_must_not_see_he_neither_sees_nor_hears_and_does_not_find_on_his_page(stage: str) -> None:
    sitting = court(*EVERYBODY, stage=stage, apart=(("li", "zhang"), ("panel", "judge")))
    for one, other in (("li", "zhang"), ("zhang", "li"), ("panel", "judge"), ("judge", "panel")):
        assert f"e-{other}" not in heard_by(sitting, f"e-{one}")
        assert other not in {p.id for p in seen(sitting, f"e-{one}").participants}
        assert one in {p.id for p in seen(sitting, f"e-{one}").participants}
        assert f'"{other}"' not in seen(sitting, f"e-{one}").model_dump_json()
    if stage != "deliberation":
        assert {"e-zhang", "e-li"} <= heard_by(sitting, "e-clerk")


def test_a_pair_holds_at_shared_devices_and_in_what_is_written() -> None:
    sitting = Sitting(people=COURT, procedure=PROCEDURES["remote_court"].text, apart=(("zhang", "li"),)).gathered("lawyer")
    sitting.sit_down("zhang")
    with refused("sits_apart"):
        sitting.sit_down("li")
    sitting.sit_down("guardian")
    sitting.room_comes()
    sitting.arrive("li")
    sitting.act("e-judge", Admit())
    assert "room" not in heard_by(sitting, "e-li")
    assert "e-li" not in heard_by(sitting, "room")
    assert {"room", "e-li"} <= heard_by(sitting, "e-judge")
    (room,) = seen(sitting, "e-li").rooms
    assert room.people == ("guardian",)
    sitting.act("e-li", Write(to="all", text="李某说"))
    assert set(sitting.log[-1].data["readers"]) == {"judge", "lawyer", "guardian", "li"}
    sitting.act("e-judge", Write(to="people", participants=("zhang", "li"), text="都看"))
    assert {m.text for m in seen(sitting, "room").messages} == {"都看"}


def test_a_pair_that_the_booking_made_of_two_at_one_device_leaves_it_deaf_and_mute() -> None:
    sitting = Sitting(people=COURT, procedure=PROCEDURES["remote_court"].text).gathered("lawyer")
    sitting.sit_down("zhang", "li")
    sitting.room_comes()
    sitting.act("e-judge", Admit())
    assert heard_by(sitting, "room") == {"e-judge", "e-lawyer"}
    sitting.system(Revise(make_plan(people=COURT, apart=(("zhang", "li"),))))
    assert heard_by(sitting, "room") == set()
    assert routing(sitting.state).publish["room"] == frozenset()


# ------------------------------------------------------------------------------------------------ guardians


def test_neither_minor_nor_guardian_is_heard_while_the_other_is_not_there() -> None:
    sitting = court("zhang", "lawyer", stage="waiting", people=COURT)
    sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
    sitting.act("e-zhang", SetSource(source=CAMERA, on=True))
    assert routing(sitting.state).publish["e-zhang"] == {CAMERA}
    sitting.arrive("guardian")
    sitting.act("e-judge", Admit())
    sitting.act("e-guardian", SetSource(source=MICROPHONE, on=True))
    assert MICROPHONE in routing(sitting.state).publish["e-zhang"] & routing(sitting.state).publish["e-guardian"]
    sitting.system(Disappear("e-zhang"))
    assert MICROPHONE not in routing(sitting.state).publish["e-guardian"]
    sitting.arrive("zhang")
    assert MICROPHONE in routing(sitting.state).publish["e-guardian"]
    (guardian,) = (p for p in seen(sitting, "e-judge").participants if p.id == "guardian")
    (zhang,) = (p for p in seen(sitting, "e-judge").participants if p.id == "zhang")
    assert (guardian.guards, zhang.guarded_by) == ("zhang", ("guardian",))
    sitting.act("e-judge", Consult(participants=("zhang", "lawyer")))
    assert MICROPHONE not in routing(sitting.state).publish["e-guardian"]


# ------------------------------------------------------------------------------------------------ interpretation


def test_one_hears_the_original_the_interpretation_or_both() -> None:
    sitting = court("zhang", "clerk", "interpreter", stage="waiting")
    floor, sound = TrackKey("e-clerk", MICROPHONE), TrackKey("e-interpreter", MICROPHONE)
    pictures = {TrackKey(e, CAMERA) for e in ("e-judge", "e-clerk", "e-interpreter")}

    def given() -> frozenset[TrackKey]:
        return routing(sitting.state).watch["e-zhang"]

    assert {floor, sound, *pictures} <= given()
    assert sitting.act("e-zhang", Listen(to="original")) == ["listens"]
    assert floor in given()
    assert sound not in given()
    assert pictures <= given()
    sitting.act("e-zhang", Listen(to="interpretation"))
    assert {t for t in given() if t.source is MICROPHONE} == {sound}
    assert pictures <= given()
    assert {t for t in routing(sitting.state).watch["e-clerk"] if t.source is MICROPHONE} == {
        TrackKey(e, MICROPHONE) for e in ("e-judge", "e-zhang", "e-interpreter")
    }
    assert (seen(sitting, "e-zhang").listening, seen(sitting, "e-zhang").interpreters) == ("interpretation", ("interpreter",))
    assert seen(court("zhang", "interpreter", stage="deliberation"), "e-judge").interpreters == ()  # nobody interprets among the panel
    sitting.system(Disappear("e-interpreter"))
    assert floor in given()
    sitting.act("e-judge", ChangeStage(to="roll_call"))
    assert {floor, TrackKey("e-judge", MICROPHONE)} <= routing(sitting.state).record
