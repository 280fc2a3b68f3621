"""The intercom of the command centre: who hears whom, who may be talked with, and what becomes of it in each kind and stage, by the
server's own interface."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from rooms.commands import Actor, Arrive, BreakIn, Cancel, Disappear, EndTalk, Talk
from rooms.desired import routing
from rooms.fold import fold
from rooms.measured import Measured
from rooms.media.engine import Source, TrackKey
from rooms.plan import PlanParticipant
from rooms.procedure import PROCEDURES
from rooms.protocol import Admit, AnswerCentre, ChangeStage, Mute, Remove, SetSource, UserError
from rooms.views import view_for
from tests.rooms.courthouse import Courthouse, until
from tests.rooms.making import PEOPLE, Sitting, observer, refused
from tests.rooms.test_watching import stages_of
from tests.rooms.walking import Walk

WATCHER = observer("值班长 高卫东", "e-officer")
OTHER = replace(observer("值班员 宋", "e-song"), user="u-song")
OFFICER = Actor(name="值班长 高卫东", user="u-officer")
SONG = Actor(name="值班员 宋", user="u-song")
COMMANDER = Actor(name="指挥长 郑", user="u-zheng")
REASON = "核实设备情况"
RECORD = "record"


def wish(*people: str, reason: str = REASON, endpoint: str = "e-officer", rank: int = 2) -> Talk:
    return Talk(endpoint, "lead", rank, reason, people)


def microphone(endpoint: str) -> TrackKey:
    return TrackKey(endpoint, Source.MICROPHONE)


def watched(**plan: Any) -> Sitting:
    """The hearing is recorded; two officers watch it."""
    sitting = Sitting(**plan).opened(*(p.id for p in plan.get("people", PEOPLE) if p.id in ("clerk", "zhang", "li", "gallery", "child")))
    for ticket in (WATCHER, OTHER):
        sitting.system(Arrive(ticket))
    return sitting


def talking(*people: str) -> Sitting:
    sitting = watched()
    assert sitting.outside(OFFICER, wish(*people)) == ["talk_began" if people else "talk_to_all_began"]
    return sitting


def hear(sitting: Sitting, endpoint: str) -> set[str]:
    """Who gets the microphone of an endpoint, the record among them."""
    desired = routing(sitting.state)
    passes = Source.MICROPHONE in desired.publish.get(endpoint, ())
    found = {who for who, tracks in desired.watch.items() if passes and microphone(endpoint) in tracks}
    return found | ({RECORD} if passes and microphone(endpoint) in desired.record else set())


def intercom_at(sitting: Sitting, endpoint: str) -> Any:
    found = view_for(sitting.state, Measured(), endpoint)
    assert found is not None
    return found.intercom


def test_with_all_he_is_heard_by_all_who_watches_and_the_record() -> None:
    sitting = talking()
    assert hear(sitting, "e-officer") == {"e-judge", "e-clerk", "e-zhang", "e-li", "e-gallery", "e-song", RECORD}
    assert routing(sitting.state).publish["e-officer"] == {Source.MICROPHONE}, "an intercom has no picture"
    with refused("not_called"):
        sitting.act("e-zhang", AnswerCentre(on=True))
    assert intercom_at(sitting, "e-gallery").to_all
    assert sitting.outside(OFFICER, wish()) == []


@pytest.mark.parametrize("people", [("zhang",), ("judge",), ("zhang", "li"), ("gallery",)])
def test_with_a_few_nobody_else_hears_a_word(people: tuple[str, ...]) -> None:
    sitting = talking(*people)
    called = {f"e-{p}" for p in people}
    assert hear(sitting, "e-officer") == called | {RECORD}
    for who in people:
        sitting.act(f"e-{who}", AnswerCentre(on=True))
    for who in called:
        assert hear(sitting, who) == (called - {who}) | {"e-officer", RECORD}
    sitting.outside(OFFICER, EndTalk(2))
    assert [hear(sitting, who) for who in (*called, "e-officer")] == [set()] * (len(called) + 1), "who answered is closed until he opens"


def test_who_answers_is_heard_in_the_room_no_more_and_keeps_his_picture_there() -> None:
    sitting = watched()
    for source in (Source.MICROPHONE, Source.CAMERA):
        sitting.act("e-judge", SetSource(source=source, on=True))
    room = {"e-clerk", "e-zhang", "e-li", "e-gallery", "e-officer", "e-song", RECORD}
    sitting.outside(OFFICER, wish("judge"))
    assert hear(sitting, "e-judge") == room, "he is called, and goes on in the room until he answers"
    sitting.act("e-judge", AnswerCentre(on=True))
    assert hear(sitting, "e-judge") == {"e-officer", RECORD}
    assert TrackKey("e-judge", Source.CAMERA) in routing(sitting.state).watch["e-zhang"]
    sitting.act("e-judge", AnswerCentre(on=False))
    assert hear(sitting, "e-judge") == set()
    sitting.act("e-judge", SetSource(source=Source.MICROPHONE, on=True))
    assert hear(sitting, "e-judge") == room


def test_a_listener_and_who_is_muted_answer_and_get_no_right_in_the_room() -> None:
    sitting = watched()
    sitting.act("e-judge", Mute(participant="zhang", source=Source.MICROPHONE))
    sitting.outside(OFFICER, wish("zhang", "gallery"))
    for who in ("zhang", "gallery"):
        sitting.act(f"e-{who}", AnswerCentre(on=True))
        assert hear(sitting, f"e-{who}") >= {"e-officer"}
    with refused("source_not_in_stage"):
        sitting.act("e-gallery", SetSource(source=Source.CAMERA, on=True))
    assert routing(sitting.state).publish["e-gallery"] == {Source.MICROPHONE}
    sitting.outside(OFFICER, EndTalk(2))
    with refused("muted_by_chair"):
        sitting.act("e-zhang", SetSource(source=Source.MICROPHONE, on=True))
    with refused("source_not_in_stage"):
        sitting.act("e-gallery", SetSource(source=Source.MICROPHONE, on=True))


def test_it_is_shown_to_who_is_called_and_to_chair_clerk_and_officers() -> None:
    sitting = talking("zhang")
    sitting.act("e-zhang", AnswerCentre(on=True))
    seen = {e: intercom_at(sitting, e) for e in ("e-judge", "e-clerk", "e-zhang", "e-officer", "e-song")}
    assert all((view.participants, view.answering, view.recorded) == (("zhang",), ("zhang",), True) for view in seen.values())
    assert [e for e, view in seen.items() if view.called] == ["e-zhang"]
    assert [e for e, view in seen.items() if view.you] == ["e-officer"]
    assert [intercom_at(sitting, e) for e in ("e-li", "e-gallery")] == [None, None]


def test_others_see_his_microphone_closed_while_he_answers() -> None:
    sitting = talking("zhang")
    sitting.act("e-zhang", AnswerCentre(on=True))
    measured = Measured(producers=frozenset({("e-zhang", Source.MICROPHONE)}))
    for viewer, live in (("e-zhang", True), ("e-li", False), ("e-judge", False)):
        found = view_for(sitting.state, measured, viewer)
        assert found is not None
        zhang = next(p for p in found.participants if p.id == "zhang")
        assert (zhang.sources["microphone"].on, zhang.sources["microphone"].live) == (live, live), viewer


def test_only_by_who_watches_with_a_reason_and_not_when_he_has_broken_in() -> None:
    sitting = watched()
    with refused("reason_missing"):
        sitting.outside(OFFICER, wish("zhang", reason=" "))
    for endpoint in ("e-song", "e-zhang", "nowhere"):
        with refused("not_watching"):
            sitting.outside(OFFICER, wish("zhang", endpoint=endpoint))
    sitting.outside(OFFICER, BreakIn("e-officer", "lead", 2, REASON))
    with refused("talk_broken_in"):
        sitting.outside(OFFICER, wish("zhang"))


def test_breaking_in_ends_it() -> None:
    sitting = talking("zhang")
    assert sitting.outside(OFFICER, BreakIn("e-officer", "lead", 2, REASON)) == ["talk_ended", "broken_in"]
    assert sitting.log[-2].data["cause"] == "broke_in"


@pytest.mark.parametrize(("people", "code"), [(("nobody",), "participant_unknown"), (("witness",), "not_inside")])
def test_only_with_who_is_inside(people: tuple[str, ...], code: str) -> None:
    with refused(code):
        watched().outside(OFFICER, wish(*people))


def test_a_witness_who_testifies_is_not_talked_to_aside() -> None:
    held = {"kind": "remote_court", "procedure": PROCEDURES["remote_court"].text}
    sitting = Sitting(people=PEOPLE, **held).gathered("clerk")
    sitting.system(Arrive(WATCHER))
    sitting._state = replace(sitting.state, stage="investigation")
    sitting.arrive("witness")
    sitting.act("e-judge", Admit(participants=("witness",)))
    with refused("talk_to_witness"):
        sitting.outside(OFFICER, wish("witness"))


def test_a_minor_is_talked_with_only_beside_who_guards_him() -> None:
    people = (*PEOPLE[:3], PlanParticipant("li", "监护人 李", "guardian", guards="child"), PlanParticipant("child", "小李", "party"))
    sitting = watched(people=people)
    sitting.act("e-judge", Admit())
    with refused("talk_to_minor"):
        sitting.outside(OFFICER, wish("child"))
    assert sitting.outside(OFFICER, wish("child", "li")) == ["talk_began"]


def test_not_with_two_who_must_not_hear_each_other() -> None:
    sitting = watched(apart=(("zhang", "li"),))
    with refused("talk_kept_apart"):
        sitting.outside(OFFICER, wish("zhang", "li"))
    assert sitting.outside(OFFICER, wish("zhang", "clerk")) == ["talk_began"]


def test_a_rooms_device_is_talked_with_whole_and_who_sits_down_there_ends_the_answer() -> None:
    sitting = Sitting().gathered("clerk")
    sitting.sit_down("zhang", "li")
    sitting.room_comes()
    sitting.act("e-judge", Admit())
    sitting.act("e-judge", ChangeStage(to="hearing"))
    sitting.system(Arrive(WATCHER))
    with refused("talk_overheard"):
        sitting.outside(OFFICER, wish("zhang"))
    sitting.outside(OFFICER, wish("zhang", "li"))
    sitting.act("room", AnswerCentre(on=True))
    assert hear(sitting, "room") == {"e-officer", RECORD}
    sitting.sit_down("gallery")
    sitting.act("e-judge", Admit())
    assert "gallery" in sitting.state.endpoints["room"].participants
    assert hear(sitting, "room") == hear(sitting, "e-officer") - {RECORD} == set(), "nobody overhears, and the room hears nothing either"


def test_he_ends_it_himself_and_a_higher_rank_does_and_says_why() -> None:
    sitting = talking("zhang")
    with refused("talk_outranked"):
        sitting.outside(SONG, EndTalk(2, "轮到我"))
    with refused("reason_missing"):
        sitting.outside(COMMANDER, EndTalk(3, " "))
    assert sitting.outside(COMMANDER, EndTalk(3, "庭审恢复")) == ["talk_ended"]
    assert (sitting.log[-1].data["cause"], sitting.log[-1].data["by"]["name"]) == ("released", COMMANDER.name)
    with refused("nobody_talks"):
        sitting.outside(OFFICER, EndTalk(2))


def test_a_higher_rank_has_priority_and_his_equal_waits() -> None:
    sitting = talking("zhang")
    with refused("talk_taken"):
        sitting.outside(SONG, wish("li", endpoint="e-song"))
    assert sitting.outside(SONG, wish("li", endpoint="e-song", rank=3)) == ["talk_ended", "talk_began"]
    assert sitting.log[-2].data["cause"] == "priority"
    assert (hear(sitting, "e-officer"), hear(sitting, "e-song")) == (set(), {"e-li", RECORD})


def test_with_others_than_before_the_former_hear_no_more() -> None:
    sitting = talking("zhang")
    sitting.act("e-zhang", AnswerCentre(on=True))
    assert sitting.outside(OFFICER, wish("li")) == ["talk_ended", "talk_began"]
    assert (hear(sitting, "e-officer"), hear(sitting, "e-zhang")) == ({"e-li", RECORD}, set())


@pytest.mark.parametrize(("to", "cause"), [("recess", "stage"), ("closed", "over")])
def test_the_stage_ends_it_before_it_begins(to: str, cause: str) -> None:
    sitting = talking("zhang")
    sitting.act("e-zhang", AnswerCentre(on=True))
    assert sitting.act("e-judge", ChangeStage(to=to, reason="合议"))[:2] == ["talk_ended", "stage_changed"]
    assert next(row for row in sitting.log if row.type == "talk_ended").data["cause"] == cause
    assert hear(sitting, "e-officer") == hear(sitting, "e-zhang") == set()
    with refused("nobody_hears" if to == "recess" else "sitting_over"):
        sitting.outside(OFFICER, wish("zhang"))


def test_his_connection_and_the_cancellation_end_it_and_who_is_removed_hears_no_more() -> None:
    sitting = talking("zhang", "li")
    sitting.act("e-judge", Remove(participant="zhang", reason="扰乱秩序"))
    assert hear(sitting, "e-officer") == {"e-li", RECORD}
    assert sitting.system(Disappear("e-officer")) == ["talk_ended", "observer_left"]
    assert talking("zhang").outside(Actor(), Cancel("停电")) == ["talk_ended", "conference_cancelled"]


def test_who_loses_his_connection_answers_again_when_it_is_back() -> None:
    sitting = talking("zhang")
    sitting.act("e-zhang", AnswerCentre(on=True))
    sitting.system(Disappear("e-zhang"))
    assert hear(sitting, "e-zhang") == set()
    sitting.arrive("zhang")
    assert hear(sitting, "e-zhang") == {"e-officer", RECORD}


def test_the_log_alone_gives_it_back() -> None:
    sitting = talking("zhang")
    sitting.act("e-zhang", AnswerCentre(on=True))
    again = fold(sitting.log)
    assert again is not None
    assert routing(again) == routing(sitting.state)


def _talks(to_all: bool | None, view: dict[str, Any]) -> bool:
    """Whether a talk of this kind goes on; None: none does."""
    talk = view["intercom"]
    return talk is None if to_all is None else talk is not None and talk["to_all"] is to_all


@pytest.mark.parametrize("kind", PROCEDURES)
async def test_where_it_must_the_server_refuses_it_in_each_stage_and_elsewhere_the_called_alone_hear(house: Courthouse, kind: str) -> None:
    walk, refusals = await Walk.begun(house, kind), 0
    if PROCEDURES[kind].stages[house.state().stage].observable:
        await house.enter(WATCHER)
    called = next(who for who in walk.pages if who not in ("judge", "clerk"))
    for stage in stages_of(kind):
        if stage not in PROCEDURES[kind].changes[house.state().stage]:
            continue
        await walk.go(stage)
        about = PROCEDURES[kind].stages[stage]
        closed = about.private or not about.observable
        expected = "centre_private" if closed else "centre_not_here" if kind == "remote_interrogation" else ""
        for people in ((called,), ()):
            try:
                await house.hub.step_in("sitting", wish(*people), user="u-officer", name=OFFICER.name)
                said = ""
            except UserError as error:
                said = error.code
            assert said == expected, stage
            refusals += bool(expected)
            if expected:
                await walk.chair.sees(partial(_talks, None))
                await house.routed(lambda routing: not routing.publish.get("e-officer"))
                continue
            await walk.chair.sees(partial(_talks, not people))
            await house.routed(lambda routing: routing.publish["e-officer"] == {Source.MICROPHONE})
            hearers = {e for e, tracks in house.engine.routings["sitting"].watch.items() if microphone("e-officer") in tracks}
            assert hearers == ({e.id for e in house.state().inside()} if not people else {f"e-{called}"}), stage
    await until(lambda: house.types().count("refused") == refusals)


async def test_the_deliberation_and_a_consultation_cut_it_off_before_they_begin(house: Courthouse) -> None:
    walk = await Walk.begun(house, "remote_court")
    await walk.to("investigation")
    officer = await house.enter(WATCHER)
    await house.hub.step_in("sitting", wish("zhang"), user="u-officer", name=OFFICER.name)
    await officer.sees(lambda view: view["intercom"] and view["intercom"]["you"])
    await walk.pages["zhang"].send("answer_centre", on=True)
    await officer.sees(lambda view: view["intercom"] and view["intercom"]["answering"] == ["zhang"])
    await walk.chair.send("consult", participants=["zhang", "lawyer"])
    assert (await house.logged("talk_ended")).data["cause"] == "private"
    await walk.chair.sees(lambda view: view["consults"] and view["intercom"] is None)
    assert not house.engine.routings["sitting"].publish["e-officer"]
    assert microphone("e-zhang") not in house.engine.routings["sitting"].watch.get("e-judge", set())
    with refused("centre_private"):
        await house.hub.step_in("sitting", wish("judge"), user="u-officer", name=OFFICER.name)
