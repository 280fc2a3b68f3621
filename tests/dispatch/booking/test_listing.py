"""Many waiting sittings placed at once."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import combinations, pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.booking.catalogue.hours import ALWAYS, COURT_HOURS, open_spans, weekly_hours
from dispatch.booking.finding.finding import A_DAY_OFF, NOT_PREFERRED
from dispatch.booking.finding.obstacles import Obstacle
from dispatch.booking.finding.occupancy import Held, Occupancy, Times
from dispatch.booking.finding.slots import Candidate, Need
from dispatch.booking.listing.bound import lower_bound
from dispatch.booking.listing.docket import CASE_DAY, CHANGED, MOST_WAITING, ROOM_OF_DAY, UNPLACED, Docket, Placement, Prepared, Waiting
from dispatch.booking.listing.first import cheapest_fit, earliest_fit, improved, pulled_forward
from dispatch.booking.listing.listing import Effort, propose
from dispatch.booking.listing.proposal import Progress, Proposal, Stop
from dispatch.booking.spans import Span
from dispatch.web.translations import catalogue
from tests.dispatch.making import SHANGHAI, at
from tests.effort import examples

MINUTE = timedelta(minutes=1)
ROOM, OTHER_ROOM = Candidate("r1", "room", "east", before=10, after=5), Candidate("r2", "room", "west")
JUDGE, OTHER_JUDGE = Candidate("j1", "person"), Candidate("j2", "person")
CELL = Candidate("c1", "custody")
EVERYTHING = (ROOM, OTHER_ROOM, JUDGE, OTHER_JUDGE, CELL)
TRAVEL = {("east", "west"): 30}
EFFORT = Effort(work=2.0, seconds=60)
"""More than these small dockets need; the seconds are for a machine that stands still."""


def span(start: str, end: str, days: int = 0) -> Span:
    return Span(at(start, days), at(end, days))


def occupancy(**held: list[Held]) -> Occupancy:
    """All resources work the court's hours, from the day before today to the fourth after."""
    made = Occupancy(at("00:00", -1), 6)
    for each in EVERYTHING:
        made.put(each.id, 1, Times(COURT_HOURS, SHANGHAI, held.get(each.id, [])))
    return made


def sitting(name: str, minutes: int = 60, *, place: tuple[Candidate, ...] = (ROOM,), judge: Candidate = JUDGE, **more: Any) -> Waiting:
    return Waiting(name, minutes, (Need(place), Need((judge,), travels=True), *more.pop("needs", ())), **more)


def docket(*waiting: Waiting, window: Span | None = None, **more: Any) -> Docket:
    """Today alone, on the quarters."""
    return Docket(waiting, window or span("00:00", "23:59"), SHANGHAI, TRAVEL, **more)


def listed(of: Docket, on: Occupancy | None = None, effort: Effort = EFFORT) -> Proposal:
    return propose(of, on or occupancy(), effort)


def when(proposal: Proposal) -> dict[str, str]:
    return {
        key: f"{each.start.astimezone(SHANGHAI):%d %H:%M} {' '.join(each.resource_ids)}"
        for key, each in sorted(proposal.placements.items())
    }


def codes(obstacles: list[Obstacle]) -> list[tuple[Any, ...]]:
    return [(each.code, *each.data.values()) for each in obstacles]


def test_sittings_of_one_room_follow_each_other_with_set_up_and_clear_up() -> None:
    found = listed(docket(sitting("a", 75), sitting("b", 75, judge=OTHER_JUDGE), window=span("09:00", "12:00")))
    starts = sorted(each.start for each in found.placements.values())
    assert starts[1] - starts[0] >= 90 * MINUTE
    assert (found.ended, found.gap) == ("optimal", 0.0)


def test_the_relaxation_is_exact_where_nothing_is_in_the_way_of_anything() -> None:
    alone = Prepared(docket(sitting("a", 75), sitting("b", 60, place=(OTHER_ROOM,), judge=OTHER_JUDGE)), occupancy())
    assert lower_bound(alone) == listed(alone.docket).cost
    full = Prepared(docket(sitting("a", 240), sitting("b", 240), sitting("c", 180)), occupancy())
    assert lower_bound(full) >= UNPLACED
    assert lower_bound(full, 1) <= listed(full.docket).cost


def test_nobody_is_in_two_places_and_the_way_between_them_takes_its_time() -> None:
    found = listed(docket(sitting("a", 75), sitting("b", 75, place=(OTHER_ROOM,)), window=span("09:00", "12:00")))
    starts = {each.resource_ids[0]: each.start for each in found.placements.values()}
    assert abs(starts["r1"] - starts["r2"]) >= 105 * MINUTE
    with_two_judges = listed(
        docket(sitting("a", 75), sitting("b", 75, place=(OTHER_ROOM,), judge=OTHER_JUDGE), window=span("09:00", "12:00"))
    )
    assert len({each.start for each in with_two_judges.placements.values()}) == 1
    too_short = listed(docket(sitting("a", 75), sitting("b", 90, place=(OTHER_ROOM,)), window=span("09:00", "12:00")))
    assert len(too_short.placements) == 1


def test_what_is_booked_already_stays_and_counts_for_the_way() -> None:
    found = listed(
        docket(sitting("a", 30, place=(ROOM,))),
        occupancy(r1=[Held(span("09:00", "10:00"), "east")], j1=[Held(span("10:00", "11:00"), "west")]),
    )
    assert when(found) == {"a": "24 11:30 r1 j1"}


def test_notice_and_deadline_hold() -> None:
    week = Span(at("00:00"), at("00:00", 4))
    found = listed(docket(sitting("a", not_before=at("00:00", 2)), sitting("b", deadline=at("10:00", 1), judge=OTHER_JUDGE), window=week))
    assert when(found) == {"a": "26 09:00 r1 j1", "b": "24 09:00 r1 j2"}


def test_one_custody_slot_serves_one_at_a_time() -> None:
    need = Need((CELL,))
    found = listed(
        docket(
            sitting("a", 90, needs=[need]),
            sitting("b", 90, place=(OTHER_ROOM,), judge=OTHER_JUDGE, needs=[need]),
            window=span("09:00", "12:00"),
        )
    )
    assert {each[3:] for each in when(found).values()} == {"09:00 r1 j1 c1", "10:30 r2 j2 c1"} or {
        each[3:] for each in when(found).values()
    } == {"10:30 r1 j1 c1", "09:00 r2 j2 c1"}


def test_the_more_important_is_placed_where_only_one_can_be() -> None:
    found = listed(docket(sitting("a", 150), sitting("b", 150, priority=2), window=span("09:00", "12:00")))
    assert list(found.placements) == ["b"]
    assert codes(found.unplaced["a"]) == [("listed", 1, ("j1",), ("b",)), ("window", 150)]


def test_preferences_are_followed_where_that_costs_nothing_else() -> None:
    afternoons = weekly_hours({"tue": ["14:00-17:30"]})
    found = listed(docket(sitting("a", preferred=afternoons), sitting("b")))
    assert when(found)["a"] == "24 14:00 r1 j1"


def test_a_case_is_heard_on_one_day_and_a_judge_stays_in_one_room() -> None:
    both = (ROOM, OTHER_ROOM)
    week = Span(at("00:00"), at("00:00", 3))
    found = listed(docket(*(sitting(name, 120, place=both, case_id="31", chair_id="j1") for name in "abc"), window=week))
    assert len({each[:2] for each in when(found).values()}) == 1
    assert len({each.resource_ids[0] for each in found.placements.values()}) == 1
    assert found.cost == CASE_DAY + ROOM_OF_DAY


def test_what_is_pinned_stays_also_outside_hours_and_before_notice() -> None:
    early = Placement(at("07:05"), ("r1", "j1"))
    found = listed(docket(sitting("a", pinned=early, not_before=at("12:00")), sitting("b")))
    assert found.placements["a"] == early
    assert len(found.placements) == 2


def test_an_adjustment_changes_little() -> None:
    names = "abcd"
    first = listed(docket(*(sitting(name) for name in names)))
    late = Placement(at("16:00"), ("r1", "j1"))
    again = [sitting(name, previous=first.placements[name], pinned=late if name == "c" else None) for name in names]
    second = listed(docket(*again))
    assert second.placements["c"] == late
    assert {name for name in names if second.placements[name] != first.placements[name]} == {"c"}
    assert second.cost == CHANGED


def test_an_odd_former_time_can_be_kept() -> None:
    odd = Placement(at("09:25"), ("r1", "j1"))
    assert listed(docket(sitting("a", previous=odd))).placements["a"] == odd
    gone = Placement(at("09:25"), ("r2", "j1"))
    assert listed(docket(sitting("a", previous=gone))).cost == CHANGED


def test_a_sitting_without_a_place_says_why() -> None:
    full = occupancy(j2=[Held(span("00:00", "23:59"))])
    found = listed(
        docket(
            sitting("no room", place=()),
            sitting("late", deadline=at("09:30")),
            sitting("judge away", judge=OTHER_JUDGE),
            sitting("long", 300),
            Waiting("twice", 30, (Need((ROOM,)), Need((ROOM,)))),
        ),
        full,
    )
    assert found.placements == {}
    assert {key: [each.code for each in obstacles] for key, obstacles in found.unplaced.items()} == {
        "no room": ["no_candidate"],
        "late": ["resource_not_free", "window", "deadline"],
        "judge away": ["resource_not_free", "window"],
        "long": ["resource_not_free"],
        "twice": ["shared"],
    }
    assert found.cost == found.bound == 5 * UNPLACED


def test_an_impossible_request_names_what_cannot_hold_together_and_nothing_else() -> None:
    # Free for 7 h, needed for 6 h and three quarters: only that none of them fits beside another into the morning forbids it.
    long = [sitting(name, 135, required=True) for name in "abc"]
    free = sitting("d", 30, place=(OTHER_ROOM,), judge=OTHER_JUDGE, required=True)
    found = listed(docket(*long, free))
    assert found.ended == "impossible"
    assert found.placements == {}
    named = set(codes(found.impossible))
    assert {("required", name) for name in "abc"} <= named
    assert not any("d" in each or "r2" in each or "j2" in each for each in named)
    assert any(each[0] == "one_at_a_time" for each in named)
    for missing in "abc":
        assert listed(docket(*(each for each in long if each.id != missing), free)).ended == "optimal"


def test_what_is_required_is_listed_where_others_would_be_cheaper() -> None:
    """Important ones fill the morning unless the required one, which fits nowhere else, is put first."""
    important = [sitting(name, 60, priority=9) for name in "ab"]
    found = listed(docket(*important, sitting("c", 150, required=True), window=span("09:00", "12:00")))
    assert list(found.placements) == ["c"]
    assert set(found.unplaced) == {"a", "b"}


def test_more_than_somebody_is_free_for_is_named_as_that() -> None:
    long = [sitting(name, 120, place=(ROOM, OTHER_ROOM), required=True) for name in "abcde"]
    (full,) = listed(docket(*long, sitting("f", 30, judge=OTHER_JUDGE, required=True))).impossible
    assert full == Obstacle("overfull", {"resource_ids": ("j1",), "sitting_ids": ("b", "c", "d", "e"), "minutes": 480, "free": 420})


def test_two_pinned_in_one_room_at_one_time_are_impossible() -> None:
    there = Placement(at("09:00"), ("r1", "j1"))
    found = listed(docket(sitting("a", pinned=there), sitting("b", judge=OTHER_JUDGE, pinned=Placement(at("09:30"), ("r1", "j2")))))
    assert codes(found.impossible) == [("pinned", "a"), ("pinned", "b"), ("one_at_a_time", "r1")]


def test_notice_deadline_hours_bookings_and_the_way_are_named_where_they_are_in_the_way() -> None:
    noticed = sitting("a", required=True, not_before=at("11:00"), deadline=at("11:30"))
    assert {each.code for each in listed(docket(noticed)).impossible} == {"required", "notice", "deadline"}
    night = sitting("a", required=True, deadline=at("09:30"))
    assert {each.code for each in listed(docket(night)).impossible} >= {"required", "deadline", "hours"}
    busy = listed(docket(sitting("a", required=True)), occupancy(r1=[Held(span("00:00", "23:59"), "east")]))
    assert codes(busy.impossible) == [("required", "a"), ("booked", "r1")]
    here, there = Placement(at("09:00"), ("r1", "j1")), Placement(at("10:15"), ("r2", "j1"))
    apart = listed(docket(sitting("a", pinned=here), sitting("b", place=(OTHER_ROOM,), pinned=there)))
    assert codes(apart.impossible) == [("pinned", "a"), ("pinned", "b"), ("travel", "j1")]
    assert [each.code for each in listed(docket(sitting("a", place=(), required=True))).impossible] == ["required", "no_candidate"]


def test_every_obstacle_has_a_text_in_both_languages() -> None:
    named = ["required", "pinned", "notice", "deadline", "no_candidate", "hours", "booked", "one_at_a_time", "travel", "window"]
    named += ["resource_not_free", "none_free", "listed", "shared", "left_over", "overfull"]
    for language in ("zh-CN", "en"):
        assert [code for code in named if f"obstacle.{code}" not in catalogue(language)] == []


@pytest.mark.parametrize("workers", [1, 2])
def test_the_same_docket_gives_the_same_listing(workers: int) -> None:
    waiting = [
        sitting(f"{n}", 45 + 15 * (n % 4), place=(ROOM, OTHER_ROOM), judge=(JUDGE, OTHER_JUDGE)[n % 2], chair_id="j1") for n in range(12)
    ]
    effort = Effort(work=0.05, seconds=60, workers=workers)
    first, second = (listed(docket(*waiting), effort=effort) for _ in range(2))
    assert (first.placements, first.cost, first.bound) == (second.placements, second.cost, second.bound)


def test_progress_is_told_and_the_last_of_it_is_the_answer() -> None:
    told: list[Progress] = []
    found = propose(docket(*(sitting(name) for name in "abcdef")), occupancy(), EFFORT, told.append)
    assert (told[-1].cost, told[-1].placed) == (found.cost, len(found.placements))
    assert all(one.cost >= two.cost for one, two in pairwise(told))


def test_a_listing_that_is_stopped_gives_what_it_has() -> None:
    waiting = [
        sitting(f"{n}", 30 + 15 * (n % 5), place=(ROOM, OTHER_ROOM), judge=(JUDGE, OTHER_JUDGE)[n % 2], case_id=f"{n // 3}")
        for n in range(40)
    ]
    week = Span(at("00:00"), at("00:00", 4))
    stop = Stop()
    stop.set()
    before = propose(docket(*waiting, window=week), occupancy(), Effort(work=1e9, seconds=100), stop=stop)
    begun, stop = threading.Event(), Stop()
    found: list[Proposal] = []

    def work() -> None:
        found.append(propose(docket(*waiting, window=week), occupancy(), Effort(work=1e9, seconds=100), lambda _: begun.set(), stop))

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(60)
    stop.set()
    thread.join(60)
    for each in (before, *found):
        assert each.ended == "stopped"
        assert faults(docket(*waiting, window=week), {}, each.placements) == []
    assert len(found) == 1


def test_bad_dockets_are_mistakes() -> None:
    for bad in (
        docket(sitting("a"), sitting("a")),
        docket(*(sitting(str(n)) for n in range(MOST_WAITING + 1))),
        docket(sitting("a", pinned=Placement(at("09:00"), ("r2", "j1")))),
        docket(sitting("a", pinned=Placement(at("09:00"), ("r1",)))),
        docket(sitting("a", pinned=Placement(at("09:00", 1), ("r1", "j1")))),
    ):
        with pytest.raises(ValueError, match=r"a docket lists|is pinned"):
            listed(bad)
    with pytest.raises(KeyError):
        listed(docket(sitting("a", place=(replace(ROOM, id="unknown"),))))


# The rules of a listing in plain times, and every listing of a tiny docket.


def faults(of: Docket, times: Mapping[str, Times], placements: Mapping[str, Placement]) -> list[str]:
    """What is wrong with a listing."""
    found = []
    sittings = {each.id: each for each in of.waiting}
    uses: list[tuple[str, str, Span, str, bool]] = []
    for key, placement in placements.items():
        each = sittings[key]
        sitting_span = Span(placement.start, placement.start + each.minutes * MINUTE)
        if sitting_span.start < max(of.window.start, each.not_before or of.window.start) or sitting_span.end > (
            each.deadline or of.window.end
        ):
            found.append(f"{key} is out of time")
        chosen = [
            next((candidate for candidate in need.candidates if candidate.id == resource_id), None)
            for need, resource_id in zip(each.needs, placement.resource_ids, strict=True)
        ]
        place = chosen[0]
        if place is None or None in chosen or len(set(placement.resource_ids)) < len(each.needs):
            found.append(f"{key} has the wrong resources")
            continue
        for need, candidate in zip(each.needs, chosen, strict=True):
            assert candidate is not None
            rows = times.get(candidate.id, Times(COURT_HOURS, SHANGHAI))
            if not any(
                opened.start <= sitting_span.start and sitting_span.end <= opened.end
                for opened in open_spans(of.window, rows.hours, SHANGHAI)
            ):
                found.append(f"{key} is outside the hours of {candidate.id}")
            wide = Span(sitting_span.start - candidate.before * MINUTE, sitting_span.end + candidate.after * MINUTE)
            uses.append((candidate.id, key, wide, place.site_id, need.travels))
    for resource_id, rows in times.items():
        uses += [(resource_id, "booked", held.span, held.site_id, True) for held in rows.held]
    for (one, key, first, site, goes), (other, key_there, second, site_there, goes_there) in combinations(uses, 2):
        way = (
            0 if site == site_there or not (goes and goes_there) else TRAVEL.get((site, site_there), TRAVEL.get((site_there, site), 0))
        ) * MINUTE
        if one == other and first.start < second.end + way and second.start < first.end + way and (key, key_there) != ("booked", "booked"):
            found.append(f"{one} is needed by {key} and {key_there}")
    return found


def price(of: Docket, placements: Mapping[str, Placement]) -> int:
    """What the head of `docket` says."""
    cost, case_days, rooms = 0, set(), set()
    for each in of.waiting:
        placement = placements.get(each.id)
        cost += CHANGED * (each.previous is not None and each.previous != placement)
        if placement is None:
            cost += UNPLACED * each.priority
            continue
        day = (placement.start.astimezone(SHANGHAI).date() - of.window.start.astimezone(SHANGHAI).date()).days
        cost += A_DAY_OFF * day * each.priority
        sitting_span = Span(placement.start, placement.start + each.minutes * MINUTE)
        liked = open_spans(of.window, each.preferred or ALWAYS, SHANGHAI)
        cost += 0 if any(one.start <= sitting_span.start and sitting_span.end <= one.end for one in liked) else NOT_PREFERRED
        if sum(each.case_id == other.case_id for other in of.waiting) > 1 and each.case_id:
            case_days.add((each.case_id, day))
        if each.chair_id:
            rooms.add((each.chair_id, day, placement.resource_ids[0]))
    return cost + CASE_DAY * len(case_days) + ROOM_OF_DAY * len(rooms)


def every_listing(of: Docket, times: Mapping[str, Times]) -> int:
    """The lowest price of all listings, by trying each."""
    ways: list[list[Placement | None]] = []
    for each in of.waiting:
        starts = [of.window.start + n * of.grain * MINUTE for n in range(int((of.window.end - of.window.start) / (of.grain * MINUTE)))]
        some = [Placement(start, ids) for start in starts for ids in product(*((one.id for one in need.candidates) for need in each.needs))]
        ways.append([None, *(placement for placement in some if not faults(of, times, {each.id: placement}))])
    prices = []
    for choice in product(*ways):
        placements = {each.id: placement for each, placement in zip(of.waiting, choice, strict=True) if placement is not None}
        if not faults(of, times, placements):
            prices.append(price(of, placements))
    return min(prices)


@st.composite
def tiny_docket(draw: st.DrawFn) -> tuple[Docket, dict[str, Times]]:
    rooms, judges = (ROOM, OTHER_ROOM), (JUDGE, OTHER_JUDGE)
    day = draw(st.sampled_from((0, 1)))
    waiting = [
        Waiting(
            name,
            draw(st.sampled_from((30, 60, 90, 120))),
            (
                Need(draw(st.sampled_from(((ROOM,), (OTHER_ROOM,), rooms)))),
                Need(draw(st.sampled_from(((JUDGE,), (OTHER_JUDGE,), judges))), travels=True),
            ),
            case_id=draw(st.sampled_from(("", "31"))),
            chair_id=draw(st.sampled_from(("", "j1"))),
            priority=draw(st.integers(1, 3)),
            not_before=draw(st.sampled_from((None, at("10:00"), at("09:00", 1)))),
            deadline=draw(st.sampled_from((None, None, at("11:00"), at("12:00", day)))),
            preferred=draw(st.sampled_from((None, weekly_hours({"tue": ["10:00-12:00"]})))),
        )
        for name in "abc"[: draw(st.integers(1, 3))]
    ]
    held = {
        each.id: [Held(span("09:00", "09:40"), draw(st.sampled_from(("east", "west"))))] if draw(st.booleans()) else []
        for each in (ROOM, OTHER_ROOM, JUDGE)
    }
    times = {each.id: Times(COURT_HOURS, SHANGHAI, held.get(each.id, [])) for each in EVERYTHING}
    window = Span(at("09:00"), at("12:00", day)) if day else span("09:00", "12:00")
    return Docket(tuple(waiting), window, SHANGHAI, TRAVEL, grain=60 if day else 30), times


@settings(max_examples=examples(40), deadline=None)
@given(made=tiny_docket())
def test_no_listing_of_a_tiny_docket_is_better(made: tuple[Docket, dict[str, Times]]) -> None:
    of, times = made
    on = Occupancy(at("00:00", -1), 6)
    for key, rows in times.items():
        on.put(key, 1, rows)
    found = listed(of, on)
    assert faults(of, times, found.placements) == []
    assert found.ended == "optimal"
    assert found.cost == found.bound == price(of, found.placements) == every_listing(of, times)
    assert found.placements.keys() | found.unplaced.keys() == {each.id for each in of.waiting}
    assert all(found.unplaced.values())
    prepared = Prepared(of, on)
    missing = sum(each.priority for each in of.waiting if each.id not in found.placements)
    assert 0 <= lower_bound(prepared) <= lower_bound(prepared, missing) <= found.cost
    quickly = cheapest_fit(prepared)
    assert prepared.cost_of(improved(prepared, quickly, 1)) <= prepared.cost_of(quickly)
    for quick in (earliest_fit(prepared), quickly, improved(prepared, quickly, 1), pulled_forward(prepared, quickly)):
        assert faults(of, times, quick) == []
        assert prepared.cost_of(quick) == price(of, quick) >= found.cost
