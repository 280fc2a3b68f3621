"""Hands, written messages and the lock: who may, who reads it, and that nothing is shown to whoever comes later."""

from __future__ import annotations

import pytest

from rooms.commands import Actor, Notify
from rooms.conference import handle
from rooms.conversation import MESSAGES_KEPT
from rooms.fold import apply
from rooms.measured import Measured
from rooms.protocol import Admit, ChangeStage, Leave, Lock, LowerHand, RaiseHand, ReturnToWaiting, Write
from rooms.views import view_for
from tests.rooms.making import Sitting, refused

OFFICER = Actor(name="指挥员 孙", user="u-officer")


def texts(sitting: Sitting, viewer: str) -> list[str]:
    view = view_for(sitting.state, Measured(), viewer)
    assert view is not None
    return [message.text for message in view.messages]


def notify(sitting: Sitting, text: str, *participants: str) -> None:
    sitting.now_us += 1_000_000
    for event in handle(sitting.state, OFFICER, Notify(text, participants), sitting.now_us):
        sitting._state = apply(sitting.state, event)
        sitting.log.append(event)


# -- hands


def test_hands_are_seen_by_all_in_the_order_in_which_they_went_up() -> None:
    sitting = Sitting().opened("zhang", "li")
    sitting.act("e-li", RaiseHand(up=True))
    sitting.act("e-zhang", RaiseHand(up=True))
    view = view_for(sitting.state, Measured(), "e-judge")
    assert view is not None
    hands = sorted((p.hand_at_us, p.id) for p in view.participants if p.hand_at_us is not None)
    assert [name for _, name in hands] == ["li", "zhang"]


def test_raising_a_raised_hand_says_nothing_new() -> None:
    sitting = Sitting().opened("zhang")
    assert sitting.act("e-zhang", RaiseHand(up=True)) == ["hand_raised"]
    assert sitting.act("e-zhang", RaiseHand(up=True)) == []


def test_the_chair_lowers_a_hand_and_a_party_does_not() -> None:
    sitting = Sitting().opened("zhang", "li")
    sitting.act("e-zhang", RaiseHand(up=True))
    with refused("not_allowed"):
        sitting.act("e-li", LowerHand(participant="zhang"))
    assert sitting.act("e-judge", LowerHand(participant="zhang")) == ["hand_lowered"]
    with refused("participant_unknown"):
        sitting.act("e-judge", LowerHand(participant="nobody"))


@pytest.mark.parametrize("end", ["recess", "sent back", "left"])
def test_a_hand_goes_down_with_its_owner_and_with_a_recess(end: str) -> None:
    sitting = Sitting().opened("zhang")
    sitting.act("e-zhang", RaiseHand(up=True))
    if end == "recess":
        sitting.act("e-judge", ChangeStage(to="recess"))
    elif end == "sent back":
        sitting.act("e-judge", ReturnToWaiting(participant="zhang"))
    else:
        sitting.act("e-zhang", Leave())
    assert sitting.state.seats["zhang"].hand_at_us is None


def test_whoever_waits_raises_no_hand() -> None:
    sitting = Sitting().opened()
    sitting.arrive("zhang")
    with refused("not_inside"):
        sitting.act("e-zhang", RaiseHand(up=True))


# -- messages


def test_a_message_to_all_is_read_by_those_inside_and_by_nobody_who_comes_later() -> None:
    sitting = Sitting().opened("zhang")
    sitting.arrive("witness")
    sitting.act("e-zhang", Write(to="all", text=" 证据三请看第二页 "))
    sitting.act("e-judge", Admit(participants=("witness",)))
    assert texts(sitting, "e-judge") == texts(sitting, "e-zhang") == ["证据三请看第二页"]
    assert texts(sitting, "e-witness") == []


def test_a_message_to_the_chair_is_the_chairs_alone() -> None:
    sitting = Sitting().opened("zhang", "li")
    sitting.watch()
    sitting.arrive("clerk")
    sitting.act("e-zhang", Write(to="chair", text="请求休庭"))
    assert texts(sitting, "e-judge") == texts(sitting, "e-zhang") == ["请求休庭"]
    assert [texts(sitting, viewer) for viewer in ("e-li", "e-clerk", "e-officer")] == [[], [], []]


def test_whoever_waits_may_write_to_the_clerk_and_gets_the_answer() -> None:
    sitting = Sitting().opened()
    sitting.arrive("clerk")
    sitting.arrive("zhang")
    sitting.act("e-zhang", Write(to="clerk", text="听不到声音"))
    sitting.act("e-clerk", Write(to="people", participants=("zhang",), text="请检查扬声器"))
    assert texts(sitting, "e-zhang") == texts(sitting, "e-clerk") == ["听不到声音", "请检查扬声器"]
    assert texts(sitting, "e-judge") == []
    with refused("not_inside"):
        sitting.act("e-zhang", Write(to="all", text="大家好"))


def test_a_party_writes_to_no_single_other() -> None:
    sitting = Sitting().opened("zhang", "li")
    with refused("not_allowed"):
        sitting.act("e-zhang", Write(to="people", participants=("li",), text="和解吧"))


def test_in_a_recess_parties_write_to_the_clerk_and_not_to_each_other() -> None:
    sitting = Sitting().opened("zhang")
    sitting.arrive("clerk")
    sitting.act("e-judge", ChangeStage(to="recess"))
    with refused("not_allowed"):
        sitting.act("e-zhang", Write(to="all", text="在吗"))
    assert sitting.act("e-zhang", Write(to="clerk", text="几点继续")) == ["message_sent"]


def test_an_empty_message_and_one_for_nobody_are_refused() -> None:
    sitting = Sitting().opened("zhang")
    with refused("text_missing"):
        sitting.act("e-zhang", Write(to="chair", text="   "))
    with refused("nobody_there"):
        sitting.act("e-zhang", Write(to="clerk", text="有人吗"))
    with refused("participant_unknown"):
        sitting.act("e-judge", Write(to="people", text="给谁"))


def test_who_could_read_it_stands_in_the_log() -> None:
    sitting = Sitting().opened("zhang", "li")
    sitting.act("e-zhang", Write(to="all", text="一"))
    assert sitting.log[-1].data == {
        "message": "1",
        "by": {"participant": "zhang"},
        "to": "all",
        "readers": ["judge", "zhang", "li"],
        "observed": True,
        "text": "一",
        "notice": False,
    }


def test_the_state_keeps_the_newest_and_the_numbers_go_on() -> None:
    sitting = Sitting().opened("zhang")
    for number in range(MESSAGES_KEPT + 5):
        sitting.act("e-zhang", Write(to="chair", text=str(number)))
    assert len(sitting.state.messages) == MESSAGES_KEPT
    assert sitting.state.messages[-1].id == str(MESSAGES_KEPT + 5)
    assert texts(sitting, "e-judge")[-1] == str(MESSAGES_KEPT + 4)


# -- the command centre


def test_a_message_of_the_command_centre_reaches_all_who_are_there_or_those_it_names() -> None:
    sitting = Sitting().opened("zhang")
    sitting.arrive("li")
    notify(sitting, "网络将切换")
    notify(sitting, "请靠近麦克风", "zhang")
    assert texts(sitting, "e-zhang") == ["网络将切换", "请靠近麦克风"]
    assert texts(sitting, "e-li") == texts(sitting, "e-judge") == ["网络将切换"]
    view = view_for(sitting.state, Measured(), "e-zhang")
    assert view is not None
    assert [(m.sender, m.role, m.notice, m.to_names) for m in view.messages] == [
        ("指挥员 孙", None, True, ()),
        ("指挥员 孙", None, True, ("张某",)),
    ]


def test_the_command_centre_writes_to_nobody_who_is_not_there() -> None:
    sitting = Sitting().opened("zhang")
    with refused("nobody_there"):
        notify(sitting, "在吗", "li")
    with refused("participant_unknown"):
        notify(sitting, "在吗", "stranger")


def test_nobody_writes_into_a_private_stage_from_outside(in_camera: str) -> None:
    sitting = Sitting(procedure=in_camera).opened("zhang")
    sitting.act("e-judge", ChangeStage(to="deliberation"))
    with refused("stage_private"):
        notify(sitting, "时间到")
    sitting.arrive("clerk")
    sitting.act("e-judge", Write(to="all", text="合议内容"))
    assert texts(sitting, "e-zhang") == []


# -- the lock


def test_a_locked_hearing_lets_nobody_in_until_it_is_unlocked() -> None:
    sitting = Sitting().opened("zhang")
    assert sitting.act("e-judge", Lock(on=True)) == ["locked"]
    sitting.arrive("li")
    with refused("sitting_locked"):
        sitting.act("e-judge", Admit())
    view = view_for(sitting.state, Measured(), "e-li")
    assert view is not None
    assert view.sitting.locked
    sitting.act("e-judge", Lock(on=False))
    assert sitting.act("e-judge", Admit()) == ["admitted"]


def test_chair_and_clerk_come_in_to_a_locked_hearing_and_a_party_cannot_lock_it() -> None:
    sitting = Sitting().opened("zhang")
    with refused("not_allowed"):
        sitting.act("e-zhang", Lock(on=True))
    sitting.act("e-judge", Lock(on=True))
    sitting.arrive("clerk")
    assert sitting.presence("clerk") == "present"
