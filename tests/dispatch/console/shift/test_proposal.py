"""Who is proposed for which sitting."""

from __future__ import annotations

from dispatch.console.shift.proposal import OnShift, Span, proposed
from tests.dispatch.making import at


def span(sitting: str, begin: str, end: str) -> Span:
    return Span(sitting, at(begin), at(end))


LI, WANG = OnShift("li", at("18:00")), OnShift("wang", at("18:00"))


def test_sittings_at_one_time_go_to_different_officers() -> None:
    found = proposed([LI, WANG], [span("a", "10:00", "11:00"), span("b", "10:30", "11:30"), span("c", "14:00", "15:00")], {})
    assert found["a"] != found["b"]
    assert len(found) == 3


def test_who_has_fewest_at_that_time_gets_it_and_who_has_one_keeps_it() -> None:
    sittings = [span("a", "10:00", "11:00"), span("b", "10:00", "11:00"), span("c", "10:00", "11:00")]
    assert proposed([LI, WANG], sittings, {"a": "li", "b": "li"}) == {"c": "wang"}


def test_a_sitting_goes_to_who_stays_until_its_end() -> None:
    early = OnShift("early", at("11:00"))
    assert proposed([early, LI], [span("a", "10:30", "11:30"), span("b", "10:30", "11:30")], {}) == {"a": "li", "b": "li"}


def test_where_nobody_stays_so_long_who_stays_longest_begins_it() -> None:
    early = OnShift("early", at("15:00"))
    assert proposed([early, LI], [span("late", "17:30", "19:00")], {}) == {"late": "li"}


def test_nobody_gets_what_begins_after_all_have_gone() -> None:
    assert proposed([LI], [span("night", "20:00", "21:00")], {}) == {}
    assert proposed([], [span("a", "10:00", "11:00")], {}) == {}
