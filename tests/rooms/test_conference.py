"""What the conference decides, in the domain's words. No sockets, no clock, no log: commands in, events out."""

from __future__ import annotations

import pytest

from rooms.commands import (
    SYSTEM,
    Arrive,
    CheckDevice,
    ClearAlert,
    Consent,
    Disappear,
    Facts,
    Open,
    RaiseAlert,
    Revise,
    Revoke,
    SetNextBooking,
)
from rooms.conference import handle
from rooms.media.engine import Source
from rooms.plan import PlanParticipant
from rooms.protocol import (
    AcknowledgeAlert,
    Admit,
    AdmitDevice,
    Allow,
    ChangeStage,
    CloseCode,
    Leave,
    Mute,
    MuteAll,
    ProtocolError,
    Readmit,
    Remove,
    ReturnToWaiting,
    SetSource,
    UserError,
)
from tests.rooms.making import PEOPLE, Sitting, make_plan, ticket

MICROPHONE, CAMERA, SCREEN = Source.MICROPHONE, Source.CAMERA, Source.SCREEN


def refused(code: str) -> pytest.RaisesExc[UserError]:
    return pytest.RaisesExc(UserError, check=lambda error: error.code == code)


def closed(code: int) -> pytest.RaisesExc[ProtocolError]:
    return pytest.RaisesExc(ProtocolError, check=lambda error: error.close_code == code)


class TestComing:
    def test_chair_and_clerk_are_inside_at_once(self) -> None:
        sitting = Sitting()
        assert sitting.arrive("judge") == ["endpoint_arrived", "admitted"]
        assert sitting.arrive("clerk") == ["endpoint_arrived", "admitted"]
        assert sitting.presence("judge") == sitting.presence("clerk") == "present"

    def test_a_party_waits_until_he_is_admitted(self) -> None:
        sitting = Sitting()
        sitting.arrive("judge")
        assert sitting.arrive("zhang") == ["endpoint_arrived"]
        assert sitting.presence("zhang") == "waiting"
        assert sitting.act("e-judge", Admit(participants=("zhang",))) == ["admitted"]
        assert sitting.presence("zhang") == "present"

    def test_early_arrival_admits_nobody(self) -> None:
        sitting = Sitting()
        sitting.arrive("zhang")
        sitting.arrive("li")
        assert sitting.state.people_inside() == 0

    def test_all_who_wait_are_admitted_at_once(self) -> None:
        sitting = Sitting().gathered()
        sitting.arrive("zhang")
        sitting.arrive("li")
        assert sitting.act("e-judge", Admit()) == ["admitted", "admitted"]

    def test_who_is_inside_already_is_not_admitted_again(self) -> None:
        sitting = Sitting().gathered("zhang")
        assert sitting.act("e-judge", Admit(participants=("zhang",))) == []

    def test_nobody_is_admitted_who_is_not_there(self) -> None:
        with refused("not_waiting"):
            Sitting().gathered().act("e-judge", Admit(participants=("zhang",)))

    def test_a_stranger_does_not_get_in(self) -> None:
        with closed(CloseCode.FORBIDDEN):
            Sitting().arrive("nobody")

    def test_a_connection_that_comes_back_in_time_leaves_no_trace(self) -> None:
        assert Sitting().gathered("zhang").arrive("zhang") == []

    def test_coming_back_after_a_restart_of_the_server_is_noted(self) -> None:
        sitting = Sitting().gathered("zhang")
        assert sitting.system(Arrive(ticket("zhang"), awaited=True)) == ["endpoint_resumed"]


class TestLosing:
    def test_who_is_lost_keeps_place_role_and_mute(self) -> None:
        sitting = Sitting().opened("zhang")
        sitting.act("e-judge", Mute(participant="zhang", source=MICROPHONE))
        assert sitting.system(Disappear("e-zhang")) == ["endpoint_lost", "alert_raised"]
        assert sitting.presence("zhang") == "lost"
        assert sitting.arrive("zhang") == ["alert_cleared", "endpoint_resumed"]
        assert sitting.presence("zhang") == "present"
        assert sitting.state.seats["zhang"].muted == {MICROPHONE}

    def test_who_waits_and_is_lost_comes_back_to_the_waiting_room(self) -> None:
        sitting = Sitting().gathered()
        sitting.arrive("zhang")
        assert sitting.system(Disappear("e-zhang")) == ["endpoint_lost"]
        sitting.arrive("zhang")
        assert sitting.presence("zhang") == "waiting"

    def test_who_is_lost_twice_is_lost_once(self) -> None:
        sitting = Sitting().gathered("zhang")
        sitting.system(Disappear("e-zhang"))
        assert sitting.system(Disappear("e-zhang")) == []

    def test_who_left_waits_again(self) -> None:
        sitting = Sitting().gathered("zhang")
        assert sitting.act("e-zhang", Leave()) == ["left"]
        assert sitting.presence("zhang") == "left"
        sitting.arrive("zhang")
        assert sitting.presence("zhang") == "waiting"

    def test_the_chair_does_not_leave_while_the_court_is_in_session(self) -> None:
        sitting = Sitting().opened()
        with refused("chair_cannot_leave"):
            sitting.act("e-judge", Leave())


class TestDevices:
    def test_another_device_waits_for_leave(self) -> None:
        sitting = Sitting().gathered("zhang")
        assert sitting.arrive("zhang", "phone") == ["device_pending"]
        assert not sitting.state.is_inside(sitting.state.endpoints["phone"])
        assert sitting.state.seats["zhang"].endpoint == "e-zhang"

    def test_an_admitted_device_replaces_the_first_in_its_place(self) -> None:
        sitting = Sitting().gathered("zhang")
        sitting.arrive("zhang", "phone")
        assert sitting.act("e-judge", AdmitDevice(endpoint="phone", accept=True)) == ["device_replaced"]
        assert set(sitting.state.endpoints) == {"e-judge", "phone"}
        assert sitting.presence("zhang") == "present"

    def test_a_refused_device_is_gone(self) -> None:
        sitting = Sitting().gathered("zhang")
        sitting.arrive("zhang", "phone")
        sitting.act("e-judge", AdmitDevice(endpoint="phone", accept=False))
        assert "phone" not in sitting.state.endpoints
        assert sitting.presence("zhang") == "present"

    def test_a_device_that_replaces_a_lost_one_takes_its_alert_away(self) -> None:
        sitting = Sitting().gathered("zhang")
        sitting.system(Disappear("e-zhang"))
        sitting.arrive("zhang", "phone")
        sitting.act("e-judge", AdmitDevice(endpoint="phone", accept=True))
        assert sitting.state.alerts == {}
        assert sitting.presence("zhang") == "present"

    def test_signed_in_staff_change_the_device_by_themselves(self) -> None:
        sitting = Sitting().gathered()
        assert sitting.arrive("judge", "laptop", user="u-judge") == ["device_pending", "device_replaced"]
        assert sitting.state.seats["judge"].endpoint == "laptop"
        assert sitting.state.rights("laptop").direct

    def test_whoever_becomes_clerk_while_he_waits_comes_in_with_his_next_device(self) -> None:
        sitting = Sitting()
        sitting.arrive("zhang")
        zhang = PlanParticipant("zhang", "书记员 张", "clerk")
        sitting.system(Revise(make_plan(people=tuple(zhang if p.id == "zhang" else p for p in PEOPLE))))
        assert sitting.arrive("zhang", "laptop", user="u-zhang") == ["device_pending", "device_replaced", "admitted"]
        assert sitting.state.is_inside(sitting.state.endpoints["laptop"])

    def test_only_a_device_that_asks_is_admitted(self) -> None:
        with refused("device_unknown"):
            Sitting().gathered("zhang").act("e-judge", AdmitDevice(endpoint="e-zhang", accept=True))


class TestSharedEndpoints:
    def test_who_is_let_in_is_let_in_with_everybody_at_his_device_and_sent_back_with_them(self) -> None:
        sitting = Sitting().gathered()
        sitting.arrive("zhang", "room", more=("li",))
        assert sitting.act("e-judge", Admit(participants=("zhang",))) == ["admitted", "admitted"]
        assert sitting.state.is_inside(sitting.state.endpoints["room"])
        assert sitting.act("e-judge", ReturnToWaiting(participant="li")) == ["returned_to_waiting", "returned_to_waiting"]
        assert (sitting.presence("zhang"), sitting.presence("li")) == ("waiting", "waiting")

    def test_it_may_do_what_all_of_them_may(self) -> None:
        sitting = Sitting().gathered()
        sitting.arrive("zhang", "room", more=("gallery",))
        sitting.act("e-judge", Admit())
        room = sitting.state.endpoints["room"]
        assert sitting.state.rights("room").see
        assert sitting.state.publishable(room) == frozenset()

    def test_a_mute_of_one_closes_the_microphone_of_all(self) -> None:
        sitting = Sitting().gathered()
        sitting.arrive("zhang", "room", more=("li",))
        sitting.act("e-judge", Admit())
        sitting.act("room", SetSource(source=MICROPHONE, on=True))
        sitting.act("e-judge", Mute(participant="li", source=MICROPHONE))
        assert sitting.state.passing(sitting.state.endpoints["room"]) == frozenset()

    def test_a_clerk_beside_the_judge_takes_the_chairs_power_off_the_shared_device(self) -> None:
        sitting = Sitting()
        sitting.arrive("judge", "court", more=("clerk",))
        assert sitting.state.rights("court").admit
        with refused("not_allowed"):
            sitting.act("court", ChangeStage(to="hearing"))

    def test_removing_one_leaves_the_other(self) -> None:
        sitting = Sitting().gathered()
        sitting.arrive("zhang", "room", more=("li",))
        sitting.act("e-judge", Admit())
        sitting.act("e-judge", Remove(participant="zhang", reason="disturbs"))
        assert sitting.state.endpoints["room"].participants == ("li",)
        assert sitting.presence("li") == "present"


class TestSources:
    def test_who_speaks_switches_himself_on(self) -> None:
        sitting = Sitting().gathered("zhang")
        assert sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True)) == ["source_switched"]
        assert sitting.state.passing(sitting.state.endpoints["e-zhang"]) == {MICROPHONE}
        assert sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True)) == []

    def test_a_mute_closes_and_an_allowance_opens_nothing(self) -> None:
        sitting = Sitting().gathered("zhang")
        sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
        assert sitting.act("e-judge", Mute(participant="zhang", source=MICROPHONE)) == ["muted"]
        with refused("muted_by_chair"):
            sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
        assert sitting.act("e-judge", Allow(participant="zhang", source=MICROPHONE)) == ["allowed"]
        assert sitting.state.passing(sitting.state.endpoints["e-zhang"]) == frozenset()
        sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
        assert sitting.state.passing(sitting.state.endpoints["e-zhang"]) == {MICROPHONE}

    def test_who_is_muted_is_not_muted_twice(self) -> None:
        sitting = Sitting().gathered("zhang")
        assert sitting.act("e-judge", Mute(participant="zhang", source=MICROPHONE)) == ["muted"]
        assert sitting.act("e-judge", Mute(participant="zhang", source=MICROPHONE)) == []
        assert sitting.act("e-judge", Mute(participant="judge", source=MICROPHONE)) == ["muted"]

    def test_mute_all_spares_the_bench(self) -> None:
        sitting = Sitting().gathered("clerk", "zhang", "li", "gallery")
        sitting.act("e-clerk", MuteAll())
        muted = {p for p, seat in sitting.state.seats.items() if MICROPHONE in seat.muted}
        assert muted == {"zhang", "li", "gallery"}

    def test_the_clerk_does_not_mute_the_chair(self) -> None:
        sitting = Sitting().gathered("clerk")
        with refused("chair_not_muted"):
            sitting.act("e-clerk", Mute(participant="judge", source=MICROPHONE))

    def test_the_gallery_publishes_nothing(self) -> None:
        sitting = Sitting().gathered("gallery")
        with refused("source_not_in_stage"):
            sitting.act("e-gallery", SetSource(source=CAMERA, on=True))

    def test_a_witness_shares_no_screen(self) -> None:
        sitting = Sitting().gathered("witness")
        with refused("source_not_in_stage"):
            sitting.act("e-witness", SetSource(source=SCREEN, on=True))

    def test_a_recess_closes_everything_and_nothing_opens_by_itself_afterwards(self) -> None:
        sitting = Sitting().opened("zhang")
        sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
        sitting.act("e-judge", ChangeStage(to="recess"))
        with refused("source_not_in_stage"):
            sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
        sitting.act("e-judge", ChangeStage(to="hearing"))
        assert sitting.state.passing(sitting.state.endpoints["e-zhang"]) == frozenset()


class TestRemoving:
    def test_who_is_removed_does_not_come_back_until_he_is_readmitted(self) -> None:
        sitting = Sitting().opened("zhang")
        assert sitting.act("e-judge", Remove(participant="zhang", reason="disturbs")) == ["removed"]
        with closed(CloseCode.REMOVED):
            sitting.arrive("zhang")
        assert sitting.act("e-judge", Readmit(participant="zhang")) == ["readmitted"]
        sitting.arrive("zhang")
        assert sitting.presence("zhang") == "waiting"

    def test_who_is_removed_is_not_removed_twice(self) -> None:
        sitting = Sitting().opened("zhang")
        sitting.act("e-judge", Remove(participant="zhang", reason="disturbs"))
        assert sitting.act("e-judge", Remove(participant="zhang", reason="again")) == []

    def test_nobody_is_sent_back_who_is_not_inside(self) -> None:
        sitting = Sitting().opened("zhang")
        sitting.arrive("li")
        sitting.system(Disappear("e-zhang"))
        for participant in ("li", "zhang", "gallery"):
            with refused("not_inside"):
                sitting.act("e-judge", ReturnToWaiting(participant=participant))

    def test_a_reason_is_needed(self) -> None:
        sitting = Sitting().opened("zhang")
        with refused("reason_missing"):
            sitting.act("e-judge", Remove(participant="zhang", reason="  "))

    def test_nobody_removes_the_chair(self) -> None:
        with refused("chair_not_removed"):
            Sitting().gathered().act("e-judge", Remove(participant="judge", reason="x"))

    def test_only_the_chair_removes(self) -> None:
        sitting = Sitting().gathered("clerk", "zhang")
        with refused("not_allowed"):
            sitting.act("e-clerk", Remove(participant="zhang", reason="x"))

    def test_back_to_the_waiting_room_switches_everything_off(self) -> None:
        sitting = Sitting().gathered("witness")
        sitting.act("e-witness", SetSource(source=CAMERA, on=True))
        assert sitting.act("e-judge", ReturnToWaiting(participant="witness")) == ["returned_to_waiting"]
        sitting.act("e-judge", Admit())
        assert sitting.state.passing(sitting.state.endpoints["e-witness"]) == frozenset()

    def test_the_clerk_does_not_wait(self) -> None:
        sitting = Sitting().gathered("clerk")
        with refused("needs_no_admission"):
            sitting.act("e-judge", ReturnToWaiting(participant="clerk"))

    def test_a_revoked_link_disconnects(self) -> None:
        sitting = Sitting().gathered("zhang")
        assert sitting.system(Revoke("zhang", "reissued")) == ["revoked"]
        assert "e-zhang" not in sitting.state.endpoints
        assert sitting.presence("zhang") == "absent"


class TestStages:
    @pytest.mark.parametrize(
        ("path", "next_one"),
        [
            ((), "hearing"),
            ((), "closed"),
            (("hearing",), "recess"),
            (("hearing",), "closed"),
            (("hearing", "recess"), "hearing"),
            (("hearing", "recess"), "closed"),
        ],
    )
    def test_allowed_changes(self, path: tuple[str, ...], next_one: str) -> None:
        sitting = Sitting().gathered()
        for stage in path:
            sitting.act("e-judge", ChangeStage(to=stage))
        assert sitting.act("e-judge", ChangeStage(to=next_one)) == ["stage_changed"]
        assert sitting.state.stage == next_one

    @pytest.mark.parametrize(
        ("path", "wrong"), [((), "recess"), (("hearing",), "waiting"), (("hearing", "recess"), "waiting"), ((), "waiting")]
    )
    def test_no_other_change(self, path: tuple[str, ...], wrong: str) -> None:
        sitting = Sitting().gathered()
        for stage in path:
            sitting.act("e-judge", ChangeStage(to=stage))
        with refused("stage_not_next"):
            sitting.act("e-judge", ChangeStage(to=wrong))

    def test_only_the_chair_directs(self) -> None:
        sitting = Sitting(people=(*PEOPLE, PlanParticipant("second", "审判员 吴", "judge"))).gathered("clerk", "zhang")
        sitting.arrive("second")
        for endpoint in ("e-clerk", "e-zhang", "e-second"):
            with refused("not_allowed"):
                sitting.act(endpoint, ChangeStage(to="hearing"))

    def test_the_hearing_does_not_open_while_nothing_can_be_recorded(self) -> None:
        sitting = Sitting().gathered()
        with refused("recording_not_ready"):
            sitting.act("e-judge", ChangeStage(to="hearing"), Facts(recorder_ready=False))
        assert sitting.act("e-judge", ChangeStage(to="closed"), Facts(recorder_ready=False)) == ["stage_changed"]

    def test_nobody_is_left_in_a_closed_sitting_and_nobody_comes_in(self) -> None:
        sitting = Sitting().opened("zhang")
        sitting.watch()
        sitting.act("e-judge", ChangeStage(to="closed"))
        assert not sitting.state.endpoints
        assert not sitting.state.observers
        with closed(CloseCode.CLOSED):
            sitting.arrive("zhang")
        with closed(CloseCode.CLOSED):
            sitting.watch()


class TestObservers:
    def test_watching_is_logged_and_has_no_right(self) -> None:
        sitting = Sitting().opened()
        assert sitting.watch() == ["observer_joined"]
        for command in (Admit(), ChangeStage(to="recess"), Mute(participant="judge", source=MICROPHONE)):
            with refused("not_allowed"):
                sitting.act("e-officer", command)
        assert sitting.act("e-officer", Leave()) == ["observer_left"]

    def test_an_observer_who_vanishes_watches_no_more(self) -> None:
        sitting = Sitting().opened()
        sitting.watch()
        assert sitting.system(Disappear("e-officer")) == ["observer_left"]

    def test_an_officer_acknowledges(self) -> None:
        sitting = Sitting().opened()
        sitting.watch()
        sitting.system(RaiseAlert("engine_lost", "critical"))
        assert sitting.act("e-officer", AcknowledgeAlert(alert="engine_lost")) == ["alert_acknowledged"]
        assert sitting.state.alerts["engine_lost"].acknowledged_by == "指挥员 孙"
        assert sitting.act("e-judge", AcknowledgeAlert(alert="engine_lost")) == []

    def test_a_party_does_not(self) -> None:
        sitting = Sitting().opened("zhang")
        sitting.system(RaiseAlert("engine_lost", "critical"))
        with refused("not_allowed"):
            sitting.act("e-zhang", AcknowledgeAlert(alert="engine_lost"))


class TestThePlan:
    def test_who_is_struck_off_is_disconnected(self) -> None:
        sitting = Sitting().gathered("zhang")
        plan = make_plan(people=tuple(p for p in PEOPLE if p.id != "zhang"))
        assert sitting.system(Revise(plan)) == ["plan_revised"]
        assert "zhang" not in sitting.state.seats
        assert "e-zhang" not in sitting.state.endpoints

    def test_the_same_plan_is_no_event(self) -> None:
        assert Sitting().system(Open(make_plan())) == []

    def test_the_kind_stays(self) -> None:
        with refused("kind_fixed"):
            Sitting().system(Revise(make_plan(kind="round_table")))

    def test_what_was_never_opened_takes_no_command(self) -> None:
        with refused("sitting_unknown"):
            handle(None, SYSTEM, Arrive(ticket("zhang")), 1)

    def test_a_kind_without_procedure_is_refused(self) -> None:
        with refused("kind_unknown"):
            handle(None, SYSTEM, Open(make_plan(kind="karaoke")), 1)

    def test_consent_and_device_check_are_kept(self) -> None:
        sitting = Sitting()
        sitting.system(Consent("zhang", "2026-1", "ab" * 32, "phone"))
        sitting.system(CheckDevice("zhang", {"camera": True}))
        assert sitting.state.seats["zhang"].consent == "2026-1"
        assert sitting.state.seats["zhang"].device_check == {"camera": True}

    def test_the_next_booking_is_an_alert_until_it_is_gone(self) -> None:
        sitting = Sitting().opened()
        assert sitting.system(SetNextBooking({"title": "听证", "room": "第一法庭", "starts_at_us": 5})) == ["next_booking", "alert_raised"]
        assert sitting.system(SetNextBooking({"title": "听证", "room": "第一法庭", "starts_at_us": 5})) == []
        assert sitting.system(SetNextBooking(None)) == ["next_booking", "alert_cleared"]

    def test_an_alert_is_raised_once(self) -> None:
        sitting = Sitting()
        assert sitting.system(RaiseAlert("recorder_lost", "critical")) == ["alert_raised"]
        assert sitting.system(RaiseAlert("recorder_lost", "critical")) == []
        assert sitting.system(ClearAlert("recorder_lost")) == ["alert_cleared"]
        assert sitting.system(ClearAlert("recorder_lost")) == []
