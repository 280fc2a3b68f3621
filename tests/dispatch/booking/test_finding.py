"""Finding a time for what a sitting needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.booking.catalogue.calendar_days import CalendarDay, WorkingCalendar
from dispatch.booking.catalogue.hours import ALWAYS, COURT_HOURS, open_spans, weekly_hours
from dispatch.booking.finding import finding
from dispatch.booking.finding.finding import Finder, find, nearest_free
from dispatch.booking.finding.occupancy import Held, Occupancy, Times
from dispatch.booking.finding.slots import Candidate, Need, Search, Slot, notice_from, suiting
from dispatch.booking.spans import STEP, Span
from dispatch.web.translations import catalogue
from tests.dispatch.making import NOW, SHANGHAI, at
from tests.effort import examples

MINUTE = timedelta(minutes=1)
ROOM, OTHER_ROOM = Candidate("r1", "room", "east", 10, frozenset({"camera"})), Candidate("r2", "room", "west", 20, frozenset({"camera"}))
JUDGE, INTERPRETER, OTHER_INTERPRETER = Candidate("j", "person"), Candidate("i1", "person"), Candidate("i2", "person")
TRAVEL = {("east", "west"): 30}


def span(start: str, end: str, days: int = 0) -> Span:
    return Span(at(start, days), at(end, days))


def occupancy(**held: list[Held]) -> Occupancy:
    """All resources work the court's hours, from the day before today to the fourth after."""
    made = Occupancy(at("00:00", -1), 6)
    for each in (ROOM, OTHER_ROOM, JUDGE, INTERPRETER, OTHER_INTERPRETER):
        made.put(each.id, 1, Times(COURT_HOURS, SHANGHAI, held.get(each.id, [])))
    return made


def search(*needs: Need, **changes: Any) -> Search:
    """An hour today, in room one unless another place is named."""
    good = Search(60, needs or (Need((ROOM,)),), span("00:00", "23:59"), at("00:00"), SHANGHAI, travel=TRAVEL)
    return replace(good, **changes)


def found(slot: Slot) -> str:
    return f"{slot.span.start.astimezone(SHANGHAI):%H:%M} {' '.join(slot.resource_ids)}"


def costs(slot: Slot) -> dict[str, int]:
    return {reason.code: reason.cost for reason in slot.reasons}


def data(slot: Slot, code: str) -> dict[str, Any]:
    return dict(next(reason.data for reason in slot.reasons if reason.code == code))


def first(made: Occupancy, wanted: Search) -> Slot:
    return find(made, wanted)[0]


def test_the_first_free_hour_of_the_morning_is_found() -> None:
    slot = first(occupancy(r1=[Held(span("09:00", "10:00"))]), search())
    assert found(slot) == "10:30 r1"  # neither close to what was before nor with a gap that nobody can use
    assert costs(slot)["in_hours"] == 0


def test_set_up_and_clear_up_are_kept_free_but_may_lie_outside_hours() -> None:
    place = replace(ROOM, before=15, after=20)
    made = occupancy(r1=[Held(span("10:30", "12:00"))])
    morning = span("08:00", "12:00")
    assert [found(slot) for slot in find(made, search(Need((place,)), minutes=70, window=morning))] == ["09:00 r1"]
    assert find(made, search(Need((place,)), minutes=75, window=morning)) == []


def test_the_room_that_is_just_large_enough_comes_first() -> None:
    large = first(occupancy(r1=[Held(span("09:00", "17:30"))]), search(Need((ROOM, OTHER_ROOM), seats=6)))
    assert (large.resource_ids, costs(large)["large_room"]) == (("r2",), 8)
    assert data(large, "large_room") == {"seats": 20, "wanted": 6}
    slot = first(occupancy(), search(Need((OTHER_ROOM, ROOM), seats=6)))
    assert (slot.resource_ids, costs(slot)["right_size"]) == (("r1",), 0)


def test_rooms_are_chosen_by_kind_seats_and_equipment() -> None:
    rooms = (ROOM, OTHER_ROOM, replace(ROOM, id="r3", features=frozenset()), replace(ROOM, id="r4", kind="cell"))
    assert [each.id for each in suiting(rooms, ["room"], 8, ["camera"])] == ["r1", "r2"]
    assert [each.id for each in suiting(rooms, seats=11)] == ["r2"]


def test_any_interpreter_who_is_free_will_do_but_nobody_twice() -> None:
    busy = occupancy(i1=[Held(span("09:00", "12:00"))])
    either = Need((INTERPRETER, OTHER_INTERPRETER), travels=True)
    assert first(busy, search(Need((ROOM,)), either)).resource_ids == ("r1", "i2")
    assert found(first(busy, search(Need((ROOM,)), either, either))).startswith("13:30")
    assert find(occupancy(), search(Need((ROOM,)), either, either, either)) == []


def test_one_room_does_not_serve_for_two() -> None:
    both = Need((ROOM, OTHER_ROOM))
    assert {frozenset(slot.resource_ids) for slot in find(occupancy(), search(both, both))} == {frozenset({"r1", "r2"})}
    assert find(occupancy(), search(Need((ROOM,)), Need((ROOM,)))) == []


def test_a_judge_gets_the_time_to_come_from_another_site_and_the_slot_says_so() -> None:
    made = occupancy(j=[Held(span("09:00", "10:00"), "west")])
    slot = first(made, search(Need((ROOM,)), Need((JUDGE,), travels=True), near=at("10:00")))
    assert found(slot) == "11:00 r1 j"  # half an hour to travel; sooner is close
    assert costs(slot)["travel"] == finding.TRAVEL
    assert data(slot, "travel") == {"resource_id": "j", "site_id": "west"}
    assert found(first(made, search(Need((OTHER_ROOM,)), Need((JUDGE,), travels=True), near=at("10:00")))) == "10:10 r2 j"


def test_short_notice_is_offered_last_and_says_until_when() -> None:
    noticed = notice_from(NOW, 3, SHANGHAI)
    assert noticed == at("00:00", 4)
    wanted = search(window=Span(at("00:00"), at("23:00", 3)), noticed_from=noticed)
    slot = first(occupancy(), wanted)
    assert (costs(slot)["short_notice"], data(slot, "short_notice")) == (finding.SHORT_NOTICE, {"earliest": noticed})


def test_what_the_slot_costs_is_the_sum_of_its_reasons() -> None:
    place = replace(OTHER_ROOM, needs_approval=True)
    made = occupancy(r2=[Held(span("09:00", "09:15")), Held(span("10:25", "17:30"))])
    afternoon = weekly_hours({day: ["14:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")})
    slot = first(made, search(Need((place,), seats=5), site_id="east", preferred=afternoon, noticed_from=at("00:00", 1)))
    assert costs(slot) == {
        "short_notice": finding.SHORT_NOTICE,
        "needs_approval": finding.APPROVAL,
        "not_preferred": finding.NOT_PREFERRED,
        "other_site": finding.OTHER_SITE,
        "large_room": 10,
        "tight": finding.TIGHT,
        "gap": finding.GAP,
        "in_hours": 0,
    }
    assert (slot.cost, data(slot, "gap")) == (sum(costs(slot).values()), {"minutes": 10})


def test_every_reason_and_obstacle_has_a_text_in_both_languages() -> None:
    reasons = ["right_size", "large_room", "same_site", "other_site", "in_hours", "outside_hours", "short_notice", "needs_approval"]
    reasons += ["preferred", "not_preferred", "tight", "gap", "travel", "days_off"]
    texts = [f"slot.{code}" for code in reasons]
    texts += [f"obstacle.{code}" for code in ("window", "no_candidate", "resource_not_free", "none_free", "shared")]
    for language in ("zh-CN", "en"):
        assert [text for text in texts if text not in catalogue(language)] == []


def test_nobody_works_outside_hours_unless_asked_and_then_it_costs() -> None:
    full = occupancy(r1=[Held(span("09:00", "17:30"))])
    assert find(full, search()) == []
    slot = first(full, search(outside_hours=True, near=at("18:00")))
    assert (found(slot), costs(slot)["outside_hours"]) == ("18:00 r1", finding.OUTSIDE_HOURS)


def test_a_closed_room_is_not_open_outside_hours_either() -> None:
    made = occupancy()
    made.put("r1", 2, Times(COURT_HOURS, SHANGHAI, closed=[span("00:00", "23:59")]))
    assert find(made, search(outside_hours=True)) == []


def test_holidays_are_days_off_but_not_for_what_keeps_none() -> None:
    made = Occupancy(at("00:00", -1), 6, WorkingCalendar.of([CalendarDay(date(2026, 11, 24), "holiday")]))
    made.put("r1", 1, Times(COURT_HOURS, SHANGHAI))
    assert find(made, search()) == []
    made.put("r1", 2, Times(COURT_HOURS, SHANGHAI, keeps_holidays=False))
    assert found(first(made, search())) == "09:00 r1"


def test_no_two_slots_of_a_room_overlap_and_no_room_has_more_than_its_share() -> None:
    slots = find(occupancy(), search(Need((ROOM, OTHER_ROOM)), per_room=2, most=10))
    assert sorted(slot.resource_ids[0] for slot in slots) == ["r1", "r1", "r2", "r2"]
    mine = [slot.span for slot in slots if slot.resource_ids == ("r1",)]
    assert not mine[0].overlaps(mine[1])


def test_nothing_starts_before_the_present_nor_ends_after_the_window() -> None:
    assert found(first(occupancy(), search(earliest=at("09:32")))) == "09:35 r1"
    assert find(occupancy(), search(window=span("09:00", "09:59"))) == []
    assert len(find(occupancy(), search(window=span("09:00", "10:00")))) == 1


def test_a_search_without_a_place_or_a_length_is_a_mistake() -> None:
    for bad in (Search(60, (), span("09:00", "10:00"), NOW, SHANGHAI), search(minutes=0)):
        with pytest.raises(ValueError, match="a search needs"):
            find(occupancy(), bad)
    with pytest.raises(KeyError):
        find(occupancy(), search(Need((replace(ROOM, id="unknown"),))))


def test_the_nearest_time_at_which_all_are_free_is_found_on_either_side() -> None:
    made = occupancy(r1=[Held(span("10:00", "11:00"))], j=[Held(span("11:00", "11:30"))])
    both = (Need((ROOM,)), Need((JUDGE,)))
    assert nearest_free(made, search(*both, near=at("10:00"))) == at("09:00")
    assert nearest_free(made, search(*both, near=at("10:45"), minutes=30)) == at("11:30")
    assert nearest_free(made, search(Need((ROOM,)), Need((INTERPRETER, JUDGE)), near=at("10:55"))) == at("11:00")
    assert nearest_free(made, search(*both, minutes=300)) is None


def test_what_is_in_the_way_is_named_and_nothing_else() -> None:
    made = occupancy(r1=[Held(span("09:00", "12:00"))], j=[Held(span("13:30", "17:30"))], i1=[Held(span("09:00", "09:30"))])
    needs = (Need((ROOM,)), Need((JUDGE,), travels=True), Need((INTERPRETER,)))
    assert [(each.code, each.data.get("resource_ids")) for each in Finder(made, search(*needs)).obstacles()] == [
        ("window", None),  # tomorrow there would be room
        ("resource_not_free", ("r1",)),
        ("resource_not_free", ("j",)),
    ]
    assert Finder(made, search(Need((ROOM,)), Need((INTERPRETER,)))).obstacles() == []
    assert [each.code for each in Finder(made, search(Need(()))).obstacles()] == ["no_candidate"]
    assert [each.code for each in Finder(made, search(Need((ROOM, OTHER_ROOM)), Need(()))).obstacles()] == ["no_candidate"]
    assert [each.code for each in Finder(made, search(minutes=300)).obstacles()] == ["resource_not_free"]
    assert [each.code for each in Finder(made, search(Need((ROOM,)), Need((ROOM,)))).obstacles()] == ["shared"]


def test_only_what_has_another_revision_is_loaded_again() -> None:
    made = Occupancy(at("00:00"), 2)
    asked: list[set[str]] = []

    def load(ids: Collection[str]) -> dict[str, Times]:
        asked.append(set(ids))
        return {each: Times(ALWAYS, SHANGHAI) for each in ids if each != "gone"}

    made.refresh({"r1": 1, "r2": 1, "gone": 1}, load)
    made.refresh({"r1": 1, "r2": 2}, load)
    assert made.refresh({"r1": 1, "r2": 2}, load) == []
    assert asked == [{"r1", "r2", "gone"}, {"r2"}]
    assert ("r1" in made, "gone" in made) == (True, False)


# A second way to the same answer: every start of every room, in plain times, sorted by what it costs.


def overlaps_any(span: Span, held: list[Held], more: dict[str, int]) -> bool:
    return any(
        span.start - wide < each.span.end and each.span.start < span.end + wide
        for each in held
        if (wide := more[each.site_id] * MINUTE) or True
    )


def one_by_one(times: dict[str, Times], wanted: Search) -> Iterator[tuple[int, timedelta, int, datetime, tuple[str, ...]]]:
    whole = Span(at("00:00", -1), at("00:00", 5))
    opened = {key: open_spans(whole, each.hours, SHANGHAI, None, each.closed) for key, each in times.items()}
    preferred = open_spans(whole, wanted.preferred or ALWAYS, SHANGHAI)
    length = wanted.minutes * MINUTE
    near = wanted.near or max(wanted.window.start, wanted.earliest)

    def has(spans: list[Span], span: Span) -> bool:
        return any(each.start <= span.start and span.end <= each.end for each in spans)

    for number, room in enumerate(wanted.needs[0].candidates):
        start = wanted.window.start
        while start + length <= wanted.window.end:
            sitting, start = Span(start, start + length), start + STEP
            if sitting.start < wanted.earliest:
                continue
            best = None
            for chosen in product(*(need.candidates for need in wanted.needs[1:])):
                everything = (room, *chosen)
                if len({each.id for each in everything}) < len(everything):
                    continue
                cost, tight, outside, away = 0, False, False, False
                for need, each in zip(wanted.needs, everything, strict=True):
                    rows = times[each.id]
                    ways = {site: wanted.travel_minutes(site, room.site_id) if need.travels else 0 for site in ("east", "west")}
                    wide = Span(sitting.start - each.before * MINUTE, sitting.end + each.after * MINUTE)
                    closed = [Held(span, room.site_id) for span in rows.closed]
                    if overlaps_any(wide, [*rows.held, *closed], ways):
                        break
                    in_hours = has(opened[each.id], sitting)
                    if not in_hours and not wanted.outside_hours:
                        break
                    cost += finding.APPROVAL * each.needs_approval
                    slack = finding.SLACK_MINUTES * MINUTE
                    if need is wanted.needs[0] or len(need.candidates) == 1:
                        tight |= overlaps_any(Span(wide.start - slack, wide.end + slack), [*rows.held, *closed], ways)
                        outside |= not in_hours
                        day = sitting.start.astimezone(SHANGHAI).date()
                        away |= any(ways[held.site_id] and day == held.span.start.astimezone(SHANGHAI).date() for held in rows.held)
                    else:
                        cost += finding.OUTSIDE_HOURS * (not in_hours)
                else:
                    cost += finding.TIGHT * tight + finding.OUTSIDE_HOURS * outside + finding.TRAVEL * away
                    best = min(best or (cost, chosen), (cost, chosen), key=lambda each: each[0])
            if best is None:
                continue
            cost, chosen = best
            seats = wanted.needs[0].seats
            cost += min(max(room.seats - 2 * seats, 0), finding.LARGE_MOST) if seats else 0
            cost += finding.OTHER_SITE * bool(wanted.site_id and wanted.site_id != room.site_id)
            cost += finding.SHORT_NOTICE * bool(wanted.noticed_from and sitting.start < wanted.noticed_from)
            cost += finding.NOT_PREFERRED * (not has(preferred, sitting))
            cost += finding.A_DAY_OFF * abs(sitting.start - near) // timedelta(days=1)
            rows = times[room.id]

            def usable(step: datetime, rows: Times = rows, room: Candidate = room) -> bool:
                span = Span(step, step + STEP)
                return has(opened[room.id], span) and not overlaps_any(span, list(rows.held), {"east": 0, "west": 0})

            begins, ends = sitting.start - room.before * MINUTE, sitting.end + room.after * MINUTE
            before = next((n for n in range(6) if not usable(begins - (n + 1) * STEP)), 6)
            after = next((n for n in range(6) if not usable(ends + n * STEP)), 6)
            cost += finding.GAP * (0 < before < 6 or 0 < after < 6)
            yield cost, abs(sitting.start - near), number, sitting.start, (room.id, *(each.id for each in chosen))


def best_of(times: dict[str, Times], wanted: Search) -> list[tuple[int, datetime, str]]:
    taken: list[tuple[int, datetime, str]] = []
    for cost, _, _, start, ids in sorted(one_by_one(times, wanted)):
        mine = [each for _, each, room in taken if room == ids[0]]
        if len(taken) < wanted.most and len(mine) < wanted.per_room and all(abs(each - start) >= wanted.minutes * MINUTE for each in mine):
            taken.append((cost, start, ids[0]))
    return taken


minutes = st.integers(0, 16).map(lambda n: n * 5)
some_hours = st.sampled_from((COURT_HOURS, ALWAYS, weekly_hours({"tue": ["10:00-15:00"], "wed": ["08:00-11:00"]})))


@st.composite
def some_times(draw: st.DrawFn) -> Times:
    held = []
    for _ in range(draw(st.integers(0, 5))):
        start = at("08:00", draw(st.integers(0, 1))) + draw(st.integers(0, 120)) * STEP
        held.append(Held(Span(start, start + draw(st.integers(1, 40)) * STEP), draw(st.sampled_from(("east", "west")))))
    closed = [span("13:30", "14:00")] if draw(st.booleans()) else []
    return Times(draw(some_hours), SHANGHAI, held, closed)


@st.composite
def some_search(draw: st.DrawFn) -> Search:
    def place(number: int) -> Candidate:
        return Candidate(
            f"r{number}", "room", draw(st.sampled_from(("east", "west"))), draw(st.integers(4, 20)),
            before=draw(minutes) // 2 // 5 * 5, after=draw(minutes) // 2 // 5 * 5, needs_approval=draw(st.booleans()),
        )  # fmt: skip

    rooms = tuple(place(number) for number in (1, 2))
    more = [
        Need((JUDGE,), travels=True),
        Need((INTERPRETER, replace(OTHER_INTERPRETER, needs_approval=True)), travels=draw(st.booleans())),
        Need(rooms[::-1]),
    ]
    needs = (Need(rooms, seats=draw(st.sampled_from((0, 4)))), *draw(st.lists(st.sampled_from(more), max_size=2, unique_by=id)))
    start = at("08:00") + draw(st.integers(0, 60)) * STEP
    return Search(
        minutes=draw(st.integers(1, 30)) * 5,
        needs=needs,
        window=Span(start, start + draw(st.integers(1, 30)) * timedelta(hours=1)),
        earliest=at("09:00"),
        zone=SHANGHAI,
        noticed_from=draw(st.sampled_from((None, at("14:00")))),
        near=draw(st.sampled_from((None, at("11:00"), at("07:00"), at("15:00", 1)))),
        preferred=draw(st.sampled_from((None, COURT_HOURS))),
        site_id=draw(st.sampled_from(("", "east"))),
        outside_hours=draw(st.booleans()),
        travel=TRAVEL,
        most=draw(st.integers(1, 8)),
        per_room=draw(st.integers(1, 3)),
    )


@settings(max_examples=examples(120), deadline=None)
@given(wanted=some_search(), times=st.fixed_dictionaries(dict.fromkeys(("r1", "r2", "j", "i1", "i2"), some_times())))
def test_no_slot_is_better_than_those_that_are_given(wanted: Search, times: dict[str, Times]) -> None:
    made = Occupancy(at("00:00", -1), 6)
    for key, each in times.items():
        made.put(key, 1, each)
    slots = find(made, wanted)
    assert [(slot.cost, slot.span.start, slot.resource_ids[0]) for slot in slots] == best_of(times, wanted)
    assert all(slot.cost == sum(reason.cost for reason in slot.reasons) for slot in slots)
    possible = list(one_by_one(times, wanted))
    near = wanted.near or max(wanted.window.start, wanted.earliest)
    nearest = min((start for _, _, _, start, _ in possible), key=lambda start: (abs(start - near), start < near), default=None)
    assert nearest_free(made, wanted) == nearest
    assert bool(Finder(made, wanted).obstacles()) == (not possible)
