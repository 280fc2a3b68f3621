"""Several people at a room's own device: who sits there, whose voice it is, and what the device may do with them."""

from __future__ import annotations

import pytest

from rooms.commands import Consent, Disappear, RefuseConsent, Revoke, SitDown, StandUp
from rooms.desired import routing
from rooms.farewells import farewells
from rooms.measured import Measured
from rooms.media.engine import Source
from rooms.overview import overview
from rooms.protocol import (
    Admit,
    ChangeStage,
    Leave,
    Lock,
    Mute,
    ProtocolError,
    Remove,
    ReturnToWaiting,
    Seat,
    SetSource,
    Unseat,
    Voice,
    Write,
)
from rooms.recording_link import _meta
from rooms.views import view_for
from tests.rooms.making import Sitting, refused

MICROPHONE = Source.MICROPHONE


def room(sitting: Sitting, *people: str) -> Sitting:
    """The hearing is open; the room's device is inside with `people`."""
    sitting.gathered()
    sitting.sit_down(*people)
    sitting.room_comes()
    sitting.act("e-judge", Admit())
    sitting.act("e-judge", ChangeStage(to="hearing"))
    return sitting


def at(sitting: Sitting) -> tuple[str, ...]:
    return sitting.state.endpoints["room"].participants


class TestSittingDown:
    def test_nobody_sits_down_who_has_not_consented_himself(self) -> None:
        sitting = Sitting().gathered()
        sitting.system(Consent("zhang", "2026-11", "ab" * 32, "第一法庭主机"))
        assert sitting.sit_down("zhang") == ["seated"]
        with refused("consent_missing"):
            sitting.system(SitDown("li", "room", "第一法庭主机"))

    def test_a_refusal_of_one_is_logged_and_leaves_the_others(self) -> None:
        sitting = Sitting().gathered()
        sitting.sit_down("zhang")
        assert sitting.system(RefuseConsent("li", "2026-11", "ab" * 32, "第一法庭主机")) == ["consent_refused"]
        sitting.room_comes()
        assert at(sitting) == ("zhang",)

    def test_a_device_at_which_nobody_sits_does_not_come_in(self) -> None:
        with pytest.raises(ProtocolError, match="nobody_seated"):
            Sitting().gathered().room_comes()

    def test_whoever_is_elsewhere_does_not_sit_here(self) -> None:
        sitting = Sitting().gathered("zhang")
        with refused("seated_elsewhere"):
            sitting.sit_down("zhang")

    def test_whoever_moves_to_another_device_sits_at_the_first_no_more(self) -> None:
        sitting = Sitting().gathered()
        sitting.sit_down("zhang", device="other-room")
        assert sitting.sit_down("zhang") == ["seated"]
        sitting.room_comes()
        assert at(sitting) == ("zhang",)
        with pytest.raises(ProtocolError, match="nobody_seated"):
            sitting.room_comes("other-room")

    def test_chair_and_clerk_enter_by_themselves(self) -> None:
        with refused("enters_by_himself"):
            Sitting().gathered().sit_down("clerk")

    def test_a_witness_sits_alone(self) -> None:
        sitting = Sitting().gathered()
        sitting.sit_down("zhang")
        with refused("sits_apart"):
            sitting.sit_down("witness")
        sitting.sit_down("witness", device="other-room")
        with refused("sits_apart"):
            sitting.sit_down("li", device="other-room")

    def test_whoever_was_removed_does_not_come_back_by_the_room(self) -> None:
        sitting = Sitting().opened("zhang")
        sitting.act("e-judge", Remove(participant="zhang", reason="disturbs"))
        with refused("was_removed"):
            sitting.sit_down("zhang")

    def test_sitting_down_twice_is_sitting_down_once(self) -> None:
        sitting = Sitting().gathered()
        sitting.sit_down("zhang")
        assert sitting.sit_down("zhang") == []
        assert sitting.system(StandUp("zhang", "room", "第一法庭主机")) == ["unseated"]
        assert sitting.system(StandUp("zhang", "room", "第一法庭主机")) == []
        assert sitting.presence("zhang") == "absent"


class TestInside:
    def test_one_admission_lets_the_device_in_with_everybody(self) -> None:
        sitting = Sitting().gathered()
        sitting.sit_down("zhang", "gallery")
        assert sitting.room_comes() == ["endpoint_arrived"]
        assert sitting.act("e-judge", Admit(participants=("zhang",))) == ["admitted", "admitted"]
        assert sitting.state.is_inside(sitting.state.endpoints["room"])

    def test_a_newcomer_who_sits_down_inside_is_let_in_first(self) -> None:
        sitting = room(Sitting(), "zhang")
        assert sitting.sit_down("li") == ["seated"]
        assert (at(sitting), sitting.presence("li")) == (("zhang",), "waiting")
        assert sitting.act("e-judge", Admit(participants=("li",))) == ["admitted"]
        assert (at(sitting), sitting.presence("li")) == (("zhang", "li"), "present")

    def test_the_others_cannot_go_and_leave_the_place_to_a_newcomer(self) -> None:
        sitting = room(Sitting(), "zhang")
        sitting.sit_down("li")
        before = sitting.state
        sitting.act("room", Unseat(participant="zhang"))
        assert (sitting.presence("li"), sitting.state.seats["li"].device) == ("absent", None)
        told = farewells(before, sitting.state, sitting.log[-1:], {"room": None})
        assert (told["room"].code, told["room"].reason) == (4403, "nobody_seated")

    def test_chair_or_clerk_seat_whoever_has_consented_and_nobody_else(self) -> None:
        sitting = room(Sitting(), "zhang")
        with refused("consent_missing"):
            sitting.act("e-judge", Seat(participant="li", endpoint="room"))
        sitting.system(Consent("li", "2026-11", "ab" * 32, "手机"))
        with refused("not_allowed"):
            sitting.act("room", Seat(participant="li", endpoint="room"))
        assert sitting.act("e-judge", Seat(participant="li", endpoint="room")) == ["seated", "admitted"]
        assert at(sitting) == ("zhang", "li")

    def test_nobody_is_seated_in_a_locked_hearing(self) -> None:
        sitting = room(Sitting(), "zhang")
        sitting.system(Consent("li", "2026-11", "ab" * 32, "手机"))
        sitting.act("e-judge", Lock(on=True))
        with refused("sitting_locked"):
            sitting.act("e-judge", Seat(participant="li", endpoint="room"))

    def test_a_device_that_is_lost_comes_back_with_everybody_and_with_who_came_meanwhile(self) -> None:
        sitting = room(Sitting(), "zhang")
        sitting.system(Disappear("room"))
        sitting.sit_down("li")
        sitting.act("e-judge", Admit(participants=("li",)))
        assert (sitting.presence("zhang"), sitting.presence("li")) == ("lost", "lost")
        sitting.room_comes()
        assert (sitting.presence("zhang"), sitting.presence("li")) == ("present", "present")

    def test_all_leave_with_the_device_and_sit_down_anew(self) -> None:
        sitting = room(Sitting(), "zhang", "li")
        assert sitting.act("room", Leave()) == ["left", "left"]
        with pytest.raises(ProtocolError, match="nobody_seated"):
            sitting.room_comes()
        sitting.sit_down("zhang")
        sitting.room_comes()
        assert (sitting.presence("zhang"), sitting.presence("li")) == ("waiting", "left")

    def test_a_device_that_is_sent_back_waits_with_everybody(self) -> None:
        sitting = room(Sitting(), "zhang", "li")
        sitting.sit_down("gallery")
        sitting.act("e-judge", ReturnToWaiting(participant="zhang"))
        assert {sitting.presence(p) for p in ("zhang", "li", "gallery")} == {"waiting"}
        sitting.act("e-judge", Admit(participants=("li",)))
        assert sitting.state.is_inside(sitting.state.endpoints["room"])
        assert set(at(sitting)) == {"zhang", "li", "gallery"}

    def test_a_device_that_was_taken_away_is_put_out_with_whoever_waits_beside_it(self) -> None:
        sitting = room(Sitting(), "zhang")
        sitting.sit_down("li")
        for person in ("zhang", "li"):
            sitting.system(Revoke(person, "device_revoked"))
        assert "room" not in sitting.state.endpoints
        assert sitting.presence("li") == "absent"


class TestRights:
    def test_a_party_beside_the_gallery_may_not_speak_and_is_told_whose_right_is_missing(self) -> None:
        sitting = room(Sitting(), "zhang", "gallery")
        with refused("source_not_for_all"):
            sitting.act("room", SetSource(source=MICROPHONE, on=True))
        assert MICROPHONE not in routing(sitting.state).publish["room"]
        view = view_for(sitting.state, Measured(), "room")
        assert view is not None
        allowed = {p.id: p.sources["microphone"].allowed for p in view.participants if p.you}
        assert allowed == {"zhang": True, "gallery": False}

    def test_a_newcomer_who_may_not_speak_closes_the_microphone_and_it_stays_closed_when_he_goes(self) -> None:
        sitting = room(Sitting(), "zhang")
        sitting.act("room", SetSource(source=MICROPHONE, on=True))
        assert MICROPHONE in routing(sitting.state).publish["room"]
        sitting.sit_down("gallery")
        assert MICROPHONE in routing(sitting.state).publish["room"], "he has no place yet"
        sitting.act("e-judge", Admit(participants=("gallery",)))
        assert MICROPHONE not in routing(sitting.state).publish["room"]
        sitting.act("e-judge", Unseat(participant="gallery"))
        assert MICROPHONE not in routing(sitting.state).publish["room"]
        sitting.act("room", SetSource(source=MICROPHONE, on=True))
        assert MICROPHONE in routing(sitting.state).publish["room"]

    def test_a_mute_goes_with_the_person_who_was_muted(self) -> None:
        sitting = room(Sitting(), "zhang", "li")
        sitting.act("e-judge", Mute(participant="li", source=MICROPHONE))
        with refused("muted_by_chair"):
            sitting.act("room", SetSource(source=MICROPHONE, on=True))
        sitting.act("room", Unseat(participant="li"))
        assert sitting.act("room", SetSource(source=MICROPHONE, on=True)) == ["source_switched"]


class TestVoice:
    def test_the_device_and_chair_and_clerk_say_whose_voice_it_is(self) -> None:
        sitting = room(Sitting(), "zhang", "li")
        assert sitting.act("room", Voice(participant="zhang")) == ["voice"]
        assert sitting.log[-1].data == {"endpoint": "room", "participant": "zhang", "by": {"user": "", "name": "第一法庭主机"}}
        assert sitting.act("e-judge", Voice(participant="li", endpoint="room")) == ["voice"]
        assert sitting.log[-1].data["by"] == {"participant": "judge"}
        assert sitting.act("room", Voice(participant="li")) == []
        view = view_for(sitting.state, Measured(), "e-judge")
        assert view is not None
        assert (view.rooms[0].voice, view.rooms[0].voice_at_us) == ("li", sitting.log[-1].at_us)

    def test_nobody_else_says_it_and_of_nobody_else(self) -> None:
        sitting = room(Sitting(), "zhang", "li")
        with refused("not_seated"):
            sitting.act("room", Voice(participant="gallery"))
        with refused("device_unknown"):
            sitting.act("e-judge", Voice(participant="judge"))
        sitting.arrive("gallery")
        with refused("not_allowed"):
            sitting.act("e-gallery", Voice(participant="zhang", endpoint="room"))

    def test_where_nobody_may_speak_nobody_is_marked(self) -> None:
        sitting = room(Sitting(), "zhang", "li")
        sitting.act("room", Voice(participant="zhang"))
        sitting.sit_down("gallery")
        sitting.act("e-judge", Admit())
        assert sitting.state.endpoints["room"].voice is None
        with refused("nobody_heard"):
            sitting.act("room", Voice(participant="zhang"))

    @pytest.mark.parametrize("ends", [Unseat(participant="zhang"), ChangeStage(to="recess"), Voice(participant=None, endpoint="room")])
    def test_a_mark_ends_with_its_person_with_a_recess_or_by_hand(self, ends: Unseat | ChangeStage | Voice) -> None:
        sitting = room(Sitting(), "zhang", "li")
        sitting.act("room", Voice(participant="zhang"))
        sitting.act("e-judge", ends)
        assert sitting.state.endpoints["room"].voice is None


class TestSeen:
    def test_people_inside_see_who_sits_there_and_only_those_who_lead_who_is_coming(self) -> None:
        sitting = room(Sitting(), "zhang", "li")
        sitting.sit_down("gallery")
        for viewer, coming in (("e-judge", ("gallery",)), ("room", ("gallery",))):
            view = view_for(sitting.state, Measured(), viewer)
            assert view is not None
            assert [(r.name, r.people, r.coming) for r in view.rooms] == [("第一法庭主机", ("zhang", "li"), coming)]
        assert overview(sitting.state, Measured()).to_json()["rooms"][0]["people"] == ["zhang", "li"]
        sitting.arrive("witness")
        sitting.act("e-judge", Admit(participants=("witness",)))
        view = view_for(sitting.state, Measured(), "e-witness")
        assert view is not None
        assert [(r.people, r.coming) for r in view.rooms] == [(("zhang", "li"), ())]

    def test_what_is_written_at_a_shared_device_is_by_all_who_sit_there(self) -> None:
        sitting = room(Sitting(), "zhang", "li")
        sitting.act("room", Write(to="chair", text="请求休庭"))
        view = view_for(sitting.state, Measured(), "e-judge")
        assert view is not None
        assert (view.messages[-1].sender, view.messages[-1].role) == ("张某、李某", "party")

    def test_the_manifest_names_everybody_whom_the_device_carried_and_no_other(self) -> None:
        sitting = room(Sitting(), "zhang")
        sitting.sit_down("li")
        sitting.act("e-judge", Admit(participants=("li",)))
        sitting.sit_down("gallery")
        carried = _meta(sitting.state.plan.to_json(), sitting.log)["endpoints"]["room"]
        assert carried == {"participants": ["zhang", "li"], "device": "第一法庭主机"}
