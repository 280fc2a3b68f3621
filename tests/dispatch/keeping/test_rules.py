"""The rules of keeping: when a time is over, what forbids a destruction, and that no order of acts gets around two people or a hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from dispatch.errors import Forbidden, Refused, UserError
from dispatch.keeping import rules
from dispatch.keeping.rules import Kept, Proposed
from tests.effort import examples

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("retention", "since", "expires"),
    [
        ("permanent", date(1950, 1, 1), None),
        ("years_60", date(1966, 11, 25), date(2026, 11, 25)),
        ("years_30", date(1996, 11, 24), date(2026, 11, 24)),
        ("years_10", date(2016, 2, 29), date(2026, 3, 1)),
        ("years_60", date(9990, 1, 1), None),
    ],
)
def test_a_time_counts_in_years_from_its_first_day(retention: str, since: date, expires: date | None) -> None:
    assert rules.expires_on(Kept(retention, since)) == expires


def test_what_expires_today_is_due_and_what_expires_tomorrow_is_not() -> None:
    assert rules.is_due(Kept("years_30", date(1996, 11, 24)), TODAY)
    assert not rules.is_due(Kept("years_30", date(1996, 11, 25)), TODAY)
    assert not rules.is_due(Kept("years_30", date(1996, 1, 1), destroyed=True), TODAY)


def test_a_hold_is_stronger_than_expiry_and_than_an_order() -> None:
    expired = Kept("years_10", date(2000, 1, 1))
    assert rules.why_not(expired, TODAY, order=False) == ""
    assert rules.why_not(replace(expired, holds=1), TODAY, order=False) == "on_hold"
    assert rules.why_not(replace(expired, holds=1), TODAY, order=True) == "on_hold"


def test_an_order_takes_the_place_of_expiry_alone() -> None:
    kept = Kept("permanent", date(2000, 1, 1))
    assert rules.why_not(kept, TODAY, order=False) == "not_expired"
    assert rules.why_not(kept, TODAY, order=True) == ""
    assert rules.why_not(replace(kept, destroyed=True), TODAY, order=True) == "already_destroyed"


def test_whoever_proposed_does_not_approve() -> None:
    with pytest.raises(Refused, match="destruction_own"):
        rules.approve(Proposed("zhao"), "zhao", NOW, WEEK)


def test_a_destruction_is_not_carried_out_before_its_time_is_over() -> None:
    approved = rules.approve(Proposed("zhao"), "chen", NOW, WEEK)
    with pytest.raises(Refused, match="destruction_not_ready"):
        rules.begin(approved, NOW + WEEK - timedelta(seconds=1))
    assert rules.begin(approved, NOW + WEEK).state == "under_way"


def test_either_of_the_two_stops_it_and_nobody_else_once_it_is_approved() -> None:
    approved = rules.approve(Proposed("zhao"), "chen", NOW, WEEK)
    assert {rules.stop(approved, by, may_approve=False).state for by in ("zhao", "chen")} == {"stopped"}
    with pytest.raises(Forbidden, match="destruction_not_yours"):
        rules.stop(approved, "lin", may_approve=True)
    assert rules.stop(Proposed("zhao"), "lin", may_approve=True).state == "stopped"


def test_what_is_under_way_can_only_be_finished() -> None:
    under_way = rules.begin(rules.approve(Proposed("zhao"), "chen", NOW, WEEK), NOW + WEEK)
    with pytest.raises(Refused, match="destruction_begun"):
        rules.stop(under_way, "zhao", may_approve=True)
    assert rules.finish(under_way).state == "done"


def test_nothing_can_be_held_that_is_gone_or_going() -> None:
    kept = Kept("years_10", date(2000, 1, 1))
    rules.must_be_holdable(kept)
    for code, gone in (("being_destroyed", replace(kept, destroying=True)), ("already_destroyed", replace(kept, destroyed=True))):
        with pytest.raises(Refused, match=code):
            rules.must_be_holdable(gone)


def test_a_hold_is_lifted_by_whoever_placed_it_or_has_the_power() -> None:
    assert rules.may_lift("zhao", "zhao", ())
    assert not rules.may_lift("zhao", "chen", (rules.APPROVE, rules.SEALED))
    assert rules.may_lift("zhao", "chen", (rules.HOLDS,))


@pytest.mark.parametrize(("given", "code"), [("", "reason_missing"), (" \n\t", "reason_missing"), ("因" * 401, "too_long")])
def test_a_reason_is_there_and_not_endless(given: str, code: str) -> None:
    with pytest.raises(UserError, match=code):
        rules.stated(given, "reason")


def test_every_kind_has_a_class_and_an_unknown_one_is_kept_for_ever() -> None:
    assert set(rules.DEFAULTS.values()) <= set(rules.CLASSES)
    assert rules.default_of("remote_court", {"remote_court": "years_60"}) == "years_60"
    assert rules.default_of("something new", {}) == "permanent"


PEOPLE = st.sampled_from(["zhao", "chen", "lin"])


class Keeping(RuleBasedStateMachine):
    """Three people, two recordings, days that pass; whatever they try, in whatever order."""

    listed = Bundle("listed")

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.kept = {"a": Kept("years_10", date(2016, 11, 20)), "b": Kept("permanent", date(2000, 1, 1))}
        self.held: dict[str, set[int]] = {"a": set(), "b": set()}
        self.lists: list[tuple[Proposed, str]] = []
        self.approvals: dict[int, set[str]] = {}
        self.gone: list[tuple[str, int, set[str], bool, int, bool]] = []
        self.number = 0

    @property
    def today(self) -> date:
        return self.now.date()

    @rule(days=st.integers(0, 400))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(which=st.sampled_from("ab"), retention=st.sampled_from(sorted(rules.CLASSES)))
    def another_class(self, which: str, retention: str) -> None:
        self.kept[which] = replace(self.kept[which], retention=retention)

    @rule(which=st.sampled_from("ab"))
    def hold(self, which: str) -> None:
        try:
            rules.must_be_holdable(self.kept[which])
        except Refused:
            return
        self.number += 1
        self.held[which].add(self.number)
        self._count(which)

    @rule(which=st.sampled_from("ab"))
    def lift(self, which: str) -> None:
        if self.held[which]:
            self.held[which].pop()
            self._count(which)

    def _count(self, which: str) -> None:
        self.kept[which] = replace(self.kept[which], holds=len(self.held[which]))

    @rule(target=listed, by=PEOPLE, which=st.sampled_from("ab"), order=st.booleans())
    def propose(self, by: str, which: str, order: bool) -> int:
        try:
            self.lists.append((rules.propose(by, [self.kept[which]], self.today, order=order), which))
        except Refused:
            self.lists.append((Proposed(by, order, state="stopped"), which))
        return len(self.lists) - 1

    def _try(self, number: int, act: object) -> bool:
        proposed, which = self.lists[number]
        try:
            self.lists[number] = (act(proposed), which)  # type: ignore[operator]
        except (Refused, Forbidden):
            return False
        return True

    @rule(number=listed, by=PEOPLE)
    def approve(self, number: int, by: str) -> None:
        if self._try(number, lambda found: rules.approve(found, by, self.now, WEEK)):
            self.approvals.setdefault(number, set()).add(by)

    @rule(number=listed, by=PEOPLE, may=st.booleans())
    def stop(self, number: int, by: str, may: bool) -> None:
        self._try(number, lambda found: rules.stop(found, by, may_approve=may))

    @rule(number=listed)
    def carry_out(self, number: int) -> None:
        if not self._try(number, lambda found: rules.begin(found, self.now)):
            return
        proposed, which = self.lists[number]
        kept = self.kept[which]
        if not rules.why_not(kept, self.today, order=proposed.order):
            people = {proposed.proposed_by} | self.approvals.get(number, set())
            expired = rules.is_due(kept, self.today)
            self.gone.append((which, len(self.held[which]), people, expired, number, proposed.order))
            self.kept[which] = replace(kept, destroyed=True)
        self._try(number, rules.finish)

    @invariant()
    def nothing_goes_that_is_held(self) -> None:
        assert all(holds == 0 for _, holds, *_ in self.gone)

    @invariant()
    def nothing_goes_by_one_person(self) -> None:
        assert all(len(people) == 2 for _, _, people, *_ in self.gone)

    @invariant()
    def nothing_goes_before_its_time_but_by_an_order(self) -> None:
        assert all(expired or order for *_, expired, _, order in self.gone)

    @invariant()
    def nothing_goes_twice(self) -> None:
        assert len({which for which, *_ in self.gone}) == len(self.gone)


Keeping.TestCase.settings = settings(max_examples=examples(150), stateful_step_count=40, deadline=None)
TestKeeping = Keeping.TestCase
