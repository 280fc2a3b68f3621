"""Who may have a copy, what has to be said for one, and what becomes of it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from dispatch.copies import rules
from dispatch.copies.rules import NEXT, STATES, Wish, after, checked, may_decide, may_fetch, may_revoke, remaining_s, seconds_of
from dispatch.errors import Refused, ValidationFailed
from tests.dispatch.making import NOW

WISH = Wish("film", "zip", "王律师", "云河律师事务所", "准备二审", "刑事诉讼法第四十条")
SPAN = replace(WISH, content="span", from_s=10.0, to_s=20.0)


def wrong(wish: Wish, film_s: float | None = 60.0) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as refused:
        checked(wish, film_s)
    return {name: code for name, code, _ in refused.value.errors}


def test_whoever_asks_says_for_whom_for_what_and_by_which_law() -> None:
    bare = Wish("film", "zip", " ", "", "", "")
    assert wrong(bare) == dict.fromkeys(("receiver", "unit", "purpose", "basis"), "copy_text_missing")
    assert wrong(replace(WISH, purpose="因" * 401)) == {"purpose": "copy_text_long"}
    assert checked(replace(WISH, receiver="  王  律师 "), 60).receiver == "王 律师"


def test_originals_need_a_reason_as_they_carry_no_mark() -> None:
    whole = replace(WISH, content="package")
    assert wrong(whole) == {"originals_reason": "copy_text_missing"}
    assert checked(replace(whole, originals_reason="司法鉴定"), None).originals_reason == "司法鉴定"
    assert checked(replace(WISH, originals_reason="司法鉴定"), 60).originals_reason == "", "none are given"


def test_there_is_no_film_of_what_was_not_filmed() -> None:
    assert wrong(WISH, None) == {"content": "copy_no_film"}


@pytest.mark.parametrize(
    ("begin", "end", "field"),
    [
        *((begin, 20, "from_s") for begin in (None, -1, math.nan)),
        *((10, end, "to_s") for end in (None, math.inf, 10.5)),
        (60, 70, "from_s"),
    ],
)
def test_a_span_lies_in_the_film(begin: float | None, end: float | None, field: str) -> None:
    assert list(wrong(replace(SPAN, from_s=begin, to_s=end))) == [field]


def test_a_span_is_kept_for_a_span_alone() -> None:
    assert checked(SPAN, 60) == SPAN
    assert checked(replace(SPAN, content="film"), 60).from_s is None


def test_unknown_contents_and_forms_are_refused() -> None:
    assert wrong(replace(WISH, content="all", form="tape")) == {"content": "copy_content", "form": "copy_form"}


def test_states_change_by_the_table_alone() -> None:
    acts = {act for _, act in NEXT}
    for state in STATES:
        for act in acts:
            if (state, act) in NEXT:
                assert after(state, act) == NEXT[state, act]
            else:
                with pytest.raises(Refused, match="copy_state"):
                    after(state, act)
    for end in ("refused", "revoked", "removed"):
        assert not [key for key in NEXT if key[0] == end], f"{end} is the end"


def test_what_was_fetched_cannot_be_taken_back() -> None:
    with pytest.raises(Refused, match="copy_fetched"):
        after("ready", "revoke", fetched=True)
    assert after("ready", "expire", fetched=True) == "removed"


def test_nobody_decides_on_his_own_and_no_program_decides() -> None:
    assert may_decide("admin", "administrator", "clerk", presides=False, member=True)
    assert may_decide("judge", "judge", "clerk", presides=True, member=True)
    assert not may_decide("judge", "judge", "judge", presides=True, member=True)
    assert not may_decide("admin", "administrator", "admin", presides=True, member=True)
    assert not may_decide("other", "judge", "clerk", presides=False, member=True)
    assert not may_decide("other", "clerk", "clerk", presides=False, member=True)
    assert not may_decide("program", "administrator", "clerk", presides=False, member=False)


def test_who_asked_and_who_approved_fetch_and_take_back() -> None:
    assert may_fetch("clerk", "clerk", "judge")
    assert may_fetch("judge", "clerk", "judge")
    assert not may_fetch("other", "clerk", "judge")
    assert not may_fetch("", "clerk", "")
    assert may_revoke("other", "administrator", "clerk", "judge")
    assert not may_revoke("other", "clerk", "clerk", "judge")


def test_a_copy_is_there_until_its_time_is_over() -> None:
    until = NOW + timedelta(days=7)
    assert rules.is_there("ready", until, until - timedelta(seconds=1))
    assert not rules.is_there("ready", until, until)
    assert not rules.is_there("removed", until, NOW)


def test_the_remaining_time_follows_from_the_time_so_far() -> None:
    assert remaining_s(NOW, 0.25, NOW + timedelta(seconds=30)) == pytest.approx(90)
    assert remaining_s(NOW, 0.0, NOW + timedelta(seconds=30)) is None
    assert remaining_s(None, 0.5, NOW) is None


def test_times_are_read_as_people_write_them() -> None:
    assert [seconds_of(text) for text in ("75", "1:15", "0:01:15.5", "1：15", " ")] == [75, 75, 75.5, 75, None]
    assert all(math.isnan(seconds_of(text) or 0) for text in ("x", "1:2:3:4", "-5", "1:", "٣"))
