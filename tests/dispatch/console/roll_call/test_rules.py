"""The rules of a roll-call: order, present, late, absent, once more, pause, the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from dispatch.console.roll_call import rules
from dispatch.console.roll_call.rules import Line, RollCall
from dispatch.errors import NotFound, Refused

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)


def after(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def begun(*names: str, limit_s: int = 30) -> RollCall:
    return rules.begin([Line(f"room/{name}", name) for name in names], limit_s, NOW)


def standings(roll: RollCall) -> list[str]:
    return [line.standing for line in roll.lines]


def test_one_is_called_at_a_time_in_order() -> None:
    roll = begun("a", "b", "c")
    assert standings(roll) == ["ringing", "waiting", "waiting"]
    roll = rules.answer(roll, "room/a", "device", "第一法庭", after(5))
    assert standings(roll) == ["present", "ringing", "waiting"]
    assert (roll.lines[0].answered_at, roll.lines[0].how, roll.lines[1].called_at) == (after(5), "device", after(5))


def test_who_does_not_answer_within_the_limit_is_absent_and_the_next_is_called() -> None:
    roll = begun("a", "b")
    assert rules.passed(roll, after(29)) is roll
    roll = rules.passed(roll, after(30))
    assert standings(roll) == ["absent", "ringing"]
    assert rules.passed(roll, after(59)) is roll
    roll = rules.passed(roll, after(60))
    assert standings(roll) == ["absent", "absent"]
    assert rules.passed(roll, after(600)) is roll


def test_who_answers_after_the_limit_is_late_and_nobody_is_skipped_by_it() -> None:
    roll = rules.answer(rules.passed(begun("a", "b"), after(30)), "room/a", "device", "", after(40))
    assert standings(roll) == ["late", "ringing"]


def test_a_second_answer_changes_nothing() -> None:
    roll = rules.answer(begun("a"), "room/a", "device", "甲", after(1))
    assert rules.answer(roll, "room/a", "phone", "乙", after(2)) is roll


def test_nobody_answers_before_he_is_called_but_the_officer_may_mark_him() -> None:
    roll = begun("a", "b")
    with pytest.raises(Refused, match="roll_call_not_yet"):
        rules.answer(roll, "room/b", "device", "", after(1))
    assert standings(rules.answer(roll, "room/b", "voice", "高卫东", after(1))) == ["ringing", "present"]
    with pytest.raises(NotFound, match="roll_call_other"):
        rules.answer(roll, "room/x", "device", "", after(1))


def test_the_officer_takes_back_what_he_marked() -> None:
    roll = rules.absent(rules.answer(begun("a", "b"), "room/a", "voice", "高", after(1)), "room/a", "高", after(2))
    assert standings(roll) == ["absent", "ringing"]
    assert roll.lines[0].answered_at is None
    assert standings(rules.absent(roll, "room/b", "高", after(3))) == ["absent", "absent"]


def test_the_absent_are_called_once_more_in_order() -> None:
    roll = rules.passed(rules.answer(begun("a", "b", "c"), "room/a", "device", "", after(1)), after(31))
    roll = rules.again(rules.passed(roll, after(61)), after(70))
    assert standings(roll) == ["present", "ringing", "waiting"]
    assert (roll.lines[1].tries, roll.lines[1].called_at) == (2, after(70))
    with pytest.raises(Refused, match="nobody_absent"):
        rules.again(roll, after(71))


def test_while_it_is_paused_nobody_is_called_and_no_time_passes() -> None:
    roll = rules.pause(begun("a", "b"))
    assert standings(roll) == ["waiting", "waiting"]
    assert rules.passed(roll, after(600)) is roll
    roll = rules.resume(roll, after(700))
    assert (standings(roll), roll.lines[0].tries, roll.lines[0].called_at) == (["ringing", "waiting"], 1, after(700))


def test_when_it_is_over_who_has_not_answered_is_absent_and_nothing_changes() -> None:
    roll = rules.end(rules.answer(begun("a", "b", "c"), "room/a", "device", "", after(1)))
    assert (standings(roll), roll.count("present", "late")) == (["present", "absent", "absent"], 1)
    acts: list[Callable[[RollCall], RollCall]] = [
        rules.end,
        rules.pause,
        lambda over: rules.again(over, NOW),
        lambda over: rules.resume(over, NOW),
        lambda over: rules.answer(over, "room/b", "voice", "", NOW),
        lambda over: rules.absent(over, "room/a", "", NOW),
    ]
    for act in acts:
        with pytest.raises(Refused, match="roll_call_ended"):
            act(roll)


def test_a_roll_call_calls_somebody_and_its_limit_is_kept_within_bounds() -> None:
    with pytest.raises(Refused, match="roll_call_empty"):
        rules.begin([], 30, NOW)
    with pytest.raises(Refused, match="roll_call_long"):
        begun(*map(str, range(201)))
    assert (begun("a", limit_s=0).limit_s, begun("a", limit_s=10_000).limit_s) == (5, 600)
