"""What engine and recorder should be doing, in every stage and for everybody: complete, and from the state alone."""

from __future__ import annotations

import pytest

from rooms.commands import Cancel, Disappear, Observe
from rooms.desired import LARGE, SMALL, SMALLEST, Recording, ceiling, may_observe, quality, recording, routing, tracks
from rooms.media.engine import Routing, Source, TrackKey
from rooms.plan import PlanParticipant
from rooms.protocol import Admit, Allow, ChangeStage, Mute, ReturnToWaiting, SetSource
from tests.rooms.making import PEOPLE, Sitting

MICROPHONE, CAMERA, SCREEN = Source.MICROPHONE, Source.CAMERA, Source.SCREEN


def stages_of(sitting: Sitting) -> dict[str, Routing]:
    """The routing in each stage of a sitting in which everybody switches everything on as soon as he may."""
    found = {}
    for stage in ("waiting", "hearing", "recess", "closed"):
        if stage != "waiting":
            sitting.act("e-judge", ChangeStage(to=stage))
        for endpoint in list(sitting.state.inside()):
            for source in sitting.state.publishable(endpoint):
                sitting.act(endpoint.id, SetSource(source=source, on=True))
        found[stage] = routing(sitting.state)
    return found


def test_each_stage_gives_each_role_what_the_procedure_says() -> None:
    found = stages_of(Sitting().gathered("clerk", "zhang", "witness", "gallery"))
    everything, speaks = {MICROPHONE, CAMERA, SCREEN}, {MICROPHONE, CAMERA}
    in_session = {"e-judge": everything, "e-clerk": speaks, "e-zhang": everything, "e-witness": speaks, "e-gallery": set()}
    assert found["waiting"].publish == found["hearing"].publish == in_session
    assert found["recess"].publish == dict.fromkeys(in_session, frozenset())
    assert found["closed"] == Routing()
    assert {e: {t.endpoint for t in ts} for e, ts in found["hearing"].watch.items()} == {
        e: {other for other in in_session if in_session[other] and other != e} for e in in_session
    }
    assert found["recess"].watch == {}
    assert found["waiting"].record == found["recess"].record == frozenset()
    assert found["hearing"].record == {TrackKey(e, s) for e, given in in_session.items() for s in given}


def test_what_may_be_watched_is_what_the_stage_permits_switched_on_or_not() -> None:
    sitting = Sitting().opened("zhang")
    permitted = tracks(sitting.state)
    assert {t.source for t in permitted if t.endpoint == "e-zhang"} == {MICROPHONE, CAMERA, SCREEN}
    sitting.act("e-zhang", SetSource(source=CAMERA, on=True))
    sitting.act("e-judge", Mute(participant="zhang", source=CAMERA))
    sitting.act("e-judge", Allow(participant="zhang", source=CAMERA))
    assert tracks(sitting.state) == permitted == routing(sitting.state).record


@pytest.mark.parametrize("way", ["lost", "waiting", "never"])
def test_who_is_not_inside_is_in_nothing(way: str) -> None:
    sitting = Sitting().opened("zhang", "li")
    if way == "lost":
        sitting.system(Disappear("e-li"))
    elif way == "waiting":
        sitting.act("e-judge", ReturnToWaiting(participant="li"))
    else:
        sitting = Sitting().opened("zhang")
        sitting.arrive("li")
    wanted = routing(sitting.state)
    assert "e-li" not in wanted.publish.keys() | wanted.watch.keys()
    assert "e-li" not in {t.endpoint for ts in (*wanted.watch.values(), wanted.record) for t in ts}


def test_a_device_that_asks_has_nothing() -> None:
    sitting = Sitting().opened("zhang")
    before = routing(sitting.state)
    sitting.arrive("zhang", "phone")
    assert routing(sitting.state) == before


def test_the_ceiling_falls_when_there_is_a_crowd_and_rises_again() -> None:
    sitting = Sitting(people=(*PEOPLE, PlanParticipant("agent", "代理人 钱", "agent"))).opened("clerk", "zhang", "li")
    assert quality(sitting.state) == LARGE == (720, 1_500_000)
    sitting.arrive("agent")
    assert quality(sitting.state) == LARGE
    sitting.act("e-judge", Admit())
    assert quality(sitting.state) == SMALL == (360, 500_000)
    assert routing(sitting.state).video_ceiling_bps == 500_000
    sitting.system(Disappear("e-agent"))
    assert routing(sitting.state).video_ceiling_bps == 1_500_000


def test_no_sitting_is_more_to_receive_than_one_of_four() -> None:
    assert [ceiling(people) for people in (1, 4, 5, 8, 9, 12)] == [LARGE, LARGE, SMALL, SMALL, SMALLEST, SMALLEST]
    assert max((people - 1) * ceiling(people)[1] for people in range(1, 13)) == 3 * LARGE[1]


def test_people_at_one_device_count_each() -> None:
    sitting = Sitting().gathered("clerk", "gallery")
    sitting.arrive("zhang", "room", more=("li",))
    sitting.act("e-judge", Admit())
    assert quality(sitting.state) == SMALL


def test_a_private_stage_reaches_neither_recorder_nor_command_centre(in_camera: str) -> None:
    sitting = Sitting(procedure=in_camera).opened("clerk", "zhang")
    sitting.watch()
    assert may_observe(sitting.state)
    sitting.act("e-judge", ChangeStage(to="deliberation"))
    wanted = routing(sitting.state)
    assert wanted.private
    assert not may_observe(sitting.state)
    assert (wanted.record, recording(sitting.state).on) == (frozenset(), False)
    assert set(wanted.publish) == {"e-judge", "e-clerk", "e-zhang", "e-officer"}, "the officer keeps his connection"
    assert wanted.publish["e-officer"] == frozenset()
    assert {e: {t.endpoint for t in ts} for e, ts in wanted.watch.items()} == {"e-judge": set(), "e-clerk": {"e-judge"}}
    sitting.act("e-judge", ChangeStage(to="hearing"))
    assert "e-officer" in routing(sitting.state).watch


def test_the_recorder_is_ready_before_it_is_needed_and_seals_what_it_has() -> None:
    sitting = Sitting()
    path = [recording(sitting.state)]
    sitting.gathered("zhang")
    path.append(recording(sitting.state))
    for stage in ("hearing", "recess", "hearing", "closed"):
        sitting.act("e-judge", ChangeStage(to=stage))
        path.append(recording(sitting.state))
    sitting.system(Observe("sealed", {"manifest_sha256": "ab" * 32}))
    path.append(recording(sitting.state))
    nothing, ready, on = Recording(False, False, False), Recording(True, False, False), Recording(True, True, False)
    assert path == [nothing, ready, on, ready, on, Recording(True, False, True), nothing]


def test_nothing_is_sealed_that_was_never_recorded() -> None:
    sitting = Sitting().gathered("zhang")
    sitting.act("e-judge", ChangeStage(to="closed"))
    assert recording(sitting.state) == Recording(False, False, False)


def test_a_cancelled_hearing_is_sealed() -> None:
    sitting = Sitting().opened("zhang")
    sitting.system(Cancel("moved"))
    assert (recording(sitting.state), routing(sitting.state)) == (Recording(True, False, True), Routing())


def test_a_routing_comes_over_the_wire_as_it_was() -> None:
    sitting = Sitting().opened("zhang", "li")
    sitting.act("e-zhang", SetSource(source=MICROPHONE, on=True))
    wanted = routing(sitting.state)
    assert Routing.from_json(wanted.to_json()) == wanted
    with pytest.raises((KeyError, TypeError, ValueError)):
        Routing.from_json(wanted.to_json() | {"publish": {"e-zhang": ["smell"]}})


def test_a_rooms_device_is_heard_through_its_pauses_too() -> None:
    sitting = Sitting().gathered("clerk")
    assert routing(sitting.state).continuous == frozenset()
    sitting.sit_down("zhang")
    sitting.room_comes()
    sitting.act("e-judge", Admit())
    assert routing(sitting.state).continuous == {"room"}
    wanted = routing(sitting.state)
    assert Routing.from_json(wanted.to_json()) == wanted
