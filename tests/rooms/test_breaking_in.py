"""An officer who watches breaks in: who may be where, and what becomes of it, in each kind and stage, by the server's own interface."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rooms.commands import Actor, Arrive, BreakIn, Cancel, Disappear, EndBreakIn
from rooms.desired import routing
from rooms.fold import fold
from rooms.media.engine import Source, TrackKey
from rooms.procedure import PROCEDURES
from rooms.protocol import ChangeStage, UserError
from tests.rooms.courthouse import Courthouse, until
from tests.rooms.making import PEOPLE, Sitting, observer, refused
from tests.rooms.test_watching import stages_of
from tests.rooms.walking import Walk

WATCHER = observer("值班长 高卫东", "e-officer")
OFFICER = Actor(name="值班长 高卫东", user="u-officer")
COMMANDER = Actor(name="指挥长 郑", user="u-zheng")
HIS = frozenset({TrackKey("e-officer", Source.MICROPHONE), TrackKey("e-officer", Source.CAMERA)})
REASON = "法庭设备故障，由指挥中心说明"


def wish(reason: str = REASON, camera: bool = True, endpoint: str = "e-officer") -> BreakIn:
    return BreakIn(endpoint, "lead", 2, reason, camera)


def watched() -> Sitting:
    """The hearing is recorded; an officer watches it, and so does another."""
    sitting = Sitting().opened("clerk", "zhang", "li")
    for ticket in (WATCHER, replace(observer("值班员 宋", "e-song"), user="u-song")):
        sitting.system(Arrive(ticket))
    return sitting


def broken_into() -> Sitting:
    sitting = watched()
    assert sitting.outside(OFFICER, wish()) == ["broken_in"]
    return sitting


def reached(sitting: Sitting) -> set[str]:
    """Who gets anything of the officer, the record among them."""
    desired = routing(sitting.state)
    return {who for who, tracks in desired.watch.items() if HIS & tracks} | ({"record"} if HIS & desired.record else set())


def test_he_is_routed_to_everybody_inside_to_who_watches_and_into_the_record_and_not_to_himself() -> None:
    sitting = watched()
    assert reached(sitting) == set()
    assert routing(sitting.state).publish["e-officer"] == frozenset()
    sitting.outside(OFFICER, wish())
    desired = routing(sitting.state)
    assert reached(sitting) == {"e-judge", "e-clerk", "e-zhang", "e-li", "e-song", "record"}
    assert desired.publish["e-officer"] == {Source.MICROPHONE, Source.CAMERA}
    assert desired.publish["e-song"] == frozenset()
    assert "e-officer" in desired.floor
    assert desired.watch["e-zhang"] >= HIS
    assert sitting.outside(OFFICER, wish()) == []


def test_without_a_picture_he_is_heard_alone() -> None:
    sitting = watched()
    sitting.outside(OFFICER, wish(camera=False))
    assert routing(sitting.state).publish["e-officer"] == {Source.MICROPHONE}
    assert HIS & routing(sitting.state).watch["e-zhang"] == {TrackKey("e-officer", Source.MICROPHONE)}


def test_he_ends_it_himself_and_then_reaches_nobody() -> None:
    sitting = broken_into()
    assert sitting.outside(OFFICER, EndBreakIn(2)) == ["break_in_ended"]
    assert sitting.log[-1].data["cause"] == "ended"
    assert reached(sitting) == set()
    assert routing(sitting.state).publish["e-officer"] == frozenset()
    with refused("nobody_broke_in"):
        sitting.outside(OFFICER, EndBreakIn(2))


def test_only_a_higher_rank_ends_it_for_him_and_says_why() -> None:
    sitting = broken_into()
    with refused("break_in_outranked"):
        sitting.outside(Actor(name="值班长 何", user="u-he"), EndBreakIn(2, "轮到我"))
    with refused("reason_missing"):
        sitting.outside(COMMANDER, EndBreakIn(3, " "))
    assert sitting.outside(COMMANDER, EndBreakIn(3, "庭审恢复")) == ["break_in_ended"]
    ended = sitting.log[-1].data
    assert (ended["cause"], ended["reason"], ended["by"]["name"]) == ("released", "庭审恢复", COMMANDER.name)


def test_one_at_a_time_by_who_watches_and_with_a_reason() -> None:
    sitting = watched()
    with refused("reason_missing"):
        sitting.outside(OFFICER, wish("  "))
    with refused("not_watching"):
        sitting.outside(OFFICER, wish(endpoint="e-song"))
    with refused("not_watching"):
        sitting.outside(OFFICER, wish(endpoint="e-zhang"))
    sitting.outside(OFFICER, wish())
    with refused("break_in_taken"):
        sitting.outside(Actor(name="值班员 宋", user="u-song"), wish(endpoint="e-song"))


@pytest.mark.parametrize(("to", "cause"), [("recess", "stage"), ("closed", "over")])
def test_the_stage_ends_it_before_it_begins(to: str, cause: str) -> None:
    sitting = broken_into()
    assert sitting.act("e-judge", ChangeStage(to=to, reason="合议"))[:2] == ["break_in_ended", "stage_changed"]
    assert next(row for row in sitting.log if row.type == "break_in_ended").data["cause"] == cause
    assert reached(sitting) == set()
    assert sitting.state.broken_in is None


def test_a_consultation_his_connection_and_the_cancellation_end_it() -> None:
    sitting = broken_into()
    assert sitting.system(Disappear("e-officer")) == ["break_in_ended", "observer_left"]
    sitting = broken_into()
    assert sitting.outside(Actor(), Cancel("停电")) == ["break_in_ended", "conference_cancelled"]
    sitting = broken_into()
    assert sitting.system(Disappear("e-song")) == ["observer_left"]
    assert sitting.state.broken_in is not None


def test_the_log_alone_gives_it_back() -> None:
    sitting = broken_into()
    again = fold(sitting.log)
    assert again is not None
    assert routing(again) == routing(sitting.state)


@pytest.mark.parametrize("kind", PROCEDURES)
async def test_in_each_stage_where_it_must_be_the_server_refuses_it_and_elsewhere_everybody_sees_him(house: Courthouse, kind: str) -> None:
    walk, refusals = await Walk.begun(house, kind), 0
    if PROCEDURES[kind].stages[house.state().stage].observable:
        await house.enter(WATCHER)
    for stage in stages_of(kind):
        if stage not in PROCEDURES[kind].changes[house.state().stage]:
            continue
        await walk.go(stage)
        about = PROCEDURES[kind].stages[stage]
        closed = about.private or not about.observable
        expected = "centre_private" if closed else "centre_not_here" if kind == "remote_interrogation" else ""
        try:
            await house.hub.step_in("sitting", wish(), user="u-officer", name=OFFICER.name)
            said = ""
        except UserError as error:
            said = error.code
        assert said == expected, stage
        refusals += bool(expected)
        if expected:
            await walk.chair.sees(lambda view: view["break_in"] is None)
            await house.routed(lambda routing: not routing.publish.get("e-officer"))
            continue
        await walk.chair.sees(lambda view: view["break_in"] and view["break_in"]["reason"] == REASON)
        await house.routed(lambda routing: routing.publish["e-officer"] == {Source.MICROPHONE, Source.CAMERA})
    await until(lambda: house.types().count("refused") == refusals)


async def test_the_deliberation_cuts_him_off_before_it_begins(house: Courthouse) -> None:
    walk = await Walk.begun(house, "remote_court")
    await walk.to("final_statements")
    officer = await house.enter(WATCHER)
    await house.hub.step_in("sitting", wish(), user="u-officer", name=OFFICER.name)
    await officer.sees(lambda view: view["break_in"] and view["break_in"]["you"])
    await walk.go("deliberation")
    assert (await house.logged("break_in_ended")).data["cause"] == "private"
    assert house.types().index("break_in_ended") == max(n for n, kind in enumerate(house.types()) if kind == "stage_changed") - 1
    await house.routed(lambda routing: not routing.publish["e-officer"] and "e-officer" not in routing.watch)


async def test_while_somebody_consults_he_is_cut_off_and_kept_out(house: Courthouse) -> None:
    walk = await Walk.begun(house, "remote_court")
    await walk.to("investigation")
    officer = await house.enter(WATCHER)
    await house.hub.step_in("sitting", wish(), user="u-officer", name=OFFICER.name)
    await officer.sees(lambda view: view["break_in"] and view["break_in"]["you"])
    await walk.chair.send("consult", participants=["zhang", "lawyer"])
    assert (await house.logged("break_in_ended")).data["cause"] == "private"
    await walk.chair.sees(lambda view: view["consults"] and view["break_in"] is None)
    with refused("centre_private"):
        await house.hub.step_in("sitting", wish(), user="u-officer", name=OFFICER.name)
    assert not house.engine.routings["sitting"].publish["e-officer"]


async def test_everybody_inside_reads_name_rank_and_reason_and_who_waits_nothing(house: Courthouse) -> None:
    pages = await house.opened(*(p.id for p in PEOPLE if p.id not in ("judge", "witness")))
    waiting = await house.enter("witness")
    officer = await house.enter(WATCHER)
    await house.hub.step_in("sitting", wish(), user="u-officer", name=OFFICER.name)
    for page in (*pages.values(), officer):
        await page.sees(lambda view: view["break_in"] is not None)
    seen = pages["zhang"].view["break_in"]
    assert (seen["name"], seen["office"], seen["reason"], seen["you"]) == (OFFICER.name, "lead", REASON, False)
    assert waiting.view["break_in"] is None
