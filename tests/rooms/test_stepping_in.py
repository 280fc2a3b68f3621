"""What the command centre does in a sitting: in each kind and stage, by the server's own interface, and what comes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rooms.commands import Actor, StepIn
from rooms.media.engine import Source
from rooms.procedure import PROCEDURES
from rooms.protocol import UserError
from tests.rooms.courthouse import Courthouse, until
from tests.rooms.making import PEOPLE, Sitting, observer, refused
from tests.rooms.test_watching import stages_of
from tests.rooms.walking import Walk

OFFICER = Actor(name="值班长 高卫东", user="u-gao")
CLOSED_STAGES = {
    "remote_court": {"deliberation"},
    "petition_intake": set[str](),
    "public_hearing": {"discussion"},
    "remote_interrogation": set[str](),
}
"""By kind the stages in which nobody of the command centre does anything (DOMAIN.md section 4); of a round table all: it is not watched."""
NOBODY_STEPS_INTO = {"remote_interrogation": {"mute", "admit", "waiting", "release"}}
"""By kind the acts that it does not know."""


def order(act: str, participant: str = "zhang", reason: str = "网络回声") -> StepIn:
    return StepIn(act, reason, "指挥中心的通知", participant)


@pytest.mark.parametrize("kind", PROCEDURES)
async def test_each_act_is_refused_in_each_stage_where_it_must_be_and_done_elsewhere(house: Courthouse, kind: str) -> None:
    walk, refusals = await Walk.begun(house, kind), 0
    for stage in stages_of(kind):
        if stage not in PROCEDURES[kind].changes[house.state().stage]:
            continue
        await walk.go(stage)
        closed = kind == "round_table" or stage in CLOSED_STAGES[kind]
        for act in ("time", "restart", "mute"):
            expected = "centre_private" if closed else "centre_not_here" if act in NOBODY_STEPS_INTO.get(kind, ()) else ""
            if act == "restart" and not expected and not PROCEDURES[kind].stages[stage].recorded:
                continue
            try:
                await house.hub.step_in("sitting", order(act), user="u-gao", name="高卫东")
                said = ""
            except UserError as error:
                said = error.code
            assert said == expected, (stage, act)
            refusals += bool(expected)
        if "zhang" in house.state().seats and Source.MICROPHONE in house.state().seats["zhang"].muted:
            await walk.chair.send("allow", participant="zhang", source="microphone")
            await house.logged("allowed")
    await until(lambda: house.types().count("refused") == refusals)
    ended = order("release", "", reason="")
    with refused("centre_not_here" if kind == "remote_interrogation" else "centre_private" if kind == "round_table" else "reason_missing"):
        await house.hub.step_in("sitting", ended, user="u-gao", name="高卫东")


async def test_while_somebody_consults_nobody_steps_in_and_writes(house: Courthouse) -> None:
    walk = await Walk.begun(house, "remote_court")
    await walk.to("investigation")
    await walk.chair.send("consult", participants=["zhang", "lawyer"])
    await house.logged("consult_opened")
    with refused("centre_private"):
        await house.hub.step_in("sitting", order("mute", "li"), user="u-gao", name="高卫东")
    assert house.hub.may_step_in("sitting", "time") is not None
    assert house.hub.overview("sitting").centre == ()  # type: ignore[union-attr]
    (talk,) = house.state().consults
    await walk.chair.send("end_consult", consult=talk)
    await house.logged("consult_ended")
    assert house.hub.may_step_in("sitting", "time") is None


async def test_only_who_is_named_watches_an_interrogation(house: Courthouse) -> None:
    await Walk.begun(house, "remote_interrogation")
    stranger = await house.connect(replace(observer("值班员 宋", "e-song"), user="u-song"))
    await stranger.send("hello")
    assert await stranger.sent_away() == (4403, "not_named")
    named = await house.enter(observer(endpoint="e-watcher"))
    assert named.view["place"] == "observing"
    await house.hub.revise(replace(house.state().plan, watchers=("u-song",)))
    await house.routed(lambda routing: "e-watcher" not in routing.publish)
    assert await named.sent_away() == (4410, "revoked"), "who is named no more leaves"
    assert (await house.enter(replace(observer("值班员 宋", "e-song"), user="u-song"))).view["place"] == "observing"


def opened() -> Sitting:
    return Sitting().opened("clerk", "zhang", "li")


def does(sitting: Sitting, act: str, participant: str = "zhang", reason: str = "网络回声") -> list[str]:
    return sitting.outside(OFFICER, order(act, participant, reason))


def test_a_mute_is_kept_and_everybody_there_is_told_by_whom_and_why() -> None:
    sitting = opened()
    assert does(sitting, "mute") == ["muted", "message_sent"]
    assert Source.MICROPHONE in sitting.state.seats["zhang"].muted
    (muted, told) = sitting.log[-2:]
    assert (muted.data["by"], muted.data["reason"]) == ({"user": "u-gao", "name": "值班长 高卫东"}, "网络回声")
    assert told.data["notice"]
    assert set(told.data["readers"]) == {"judge", "clerk", "zhang", "li"}
    assert does(sitting, "mute") == []
    with refused("chair_not_muted"):
        does(sitting, "mute", "judge")


def test_somebody_is_sent_out_and_let_in_again() -> None:
    sitting = opened()
    assert does(sitting, "waiting") == ["returned_to_waiting", "message_sent"]
    assert sitting.presence("zhang") == "waiting"
    with refused("not_inside"):
        does(sitting, "waiting")
    assert does(sitting, "admit")[0] == "admitted"
    assert sitting.presence("zhang") == "present"
    with refused("not_waiting"):
        does(sitting, "admit")
    with refused("needs_no_admission"):
        does(sitting, "waiting", "clerk")
    with refused("participant_unknown"):
        does(sitting, "mute", "nobody")


def test_a_sitting_that_hangs_is_ended_with_a_reason_and_nothing_follows() -> None:
    sitting = opened()
    assert does(sitting, "release") == ["stage_changed", "message_sent"]
    assert (sitting.state.stage, sitting.state.closed) == ("closed", True)
    assert sitting.log[-2].data["forced"] is True
    with refused("sitting_over"):
        does(sitting, "mute")


def test_no_act_is_without_a_reason() -> None:
    with refused("reason_missing"):
        does(opened(), "mute", reason="  ")


async def test_a_recording_begins_anew_by_order_and_the_log_says_who_gave_it(house: Courthouse) -> None:
    await house.opened(*(p.id for p in PEOPLE if p.id not in ("judge", "witness")))
    await house.logged("recording_started")
    before = len(house.recorder.commands)
    await house.hub.step_in("sitting", order("restart"), user="u-gao", name="高卫东")
    stopped = await house.logged("recording_stopped")
    assert (stopped.data["reason"], stopped.data["by"]["name"]) == ("restart_ordered", "高卫东")
    await until(lambda: house.state().recording.running_since_us is not None)
    records = [command for command in house.recorder.commands[before:] if command[0] == "record"]
    assert records == [("record", False, "restart_ordered", "高卫东"), ("record", True, "restart_ordered", "高卫东")]
