"""Whatever is booked, moved, changed, extended, decided, closed and cancelled in whatever order, by a clock that is also put back: no two
active holds of a resource overlap, and none is lost. Held against a diary that a careful clerk would keep (diary.py)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from dispatch.booking import bookings, decisions
from dispatch.booking.catalogue import closures
from dispatch.booking.catalogue.details import Details
from dispatch.booking.draft import SittingDraft, draft_of
from dispatch.booking.extension import extend
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.series import series
from dispatch.booking.series.recurrence import Series
from dispatch.booking.series.rules import read_rule
from dispatch.booking.wall_clock import wall_time
from dispatch.errors import Conflict, Refused, SeriesConflict, ValidationFailed
from dispatch.sittings import participants
from dispatch.store.database import Database
from dispatch.store.tables import Booking, Hold, Resource, Room, Sitting, new_id
from tests.dispatch.booking.diary import Diary
from tests.dispatch.making import NOW, SHANGHAI, URGENT, Court, add_movable, at, bring_to, make_draft, set_terms
from tests.effort import examples

STEP = timedelta(minutes=15)
TENTATIVE = 3 * STEP
ROOMS, THINGS, JUDGES = ("a", "b", "asks"), ("stand",), ("chen", "lin")

slots, lengths = st.integers(0, 12), st.integers(1, 5)
subsets = st.lists(st.sampled_from(ROOMS), min_size=1, max_size=3, unique=True).flatmap(
    lambda rooms: st.booleans().map(lambda also: (*rooms, "stand") if also else tuple(rooms))
)
judges, which, minutes = st.sampled_from(JUDGES), st.integers(0, 5), st.sampled_from((0, 10, 15, 30))
anything = st.sampled_from((*ROOMS, *THINGS, *JUDGES))
ACTS: list[st.SearchStrategy[tuple[Any, ...]]] = [
    st.tuples(st.just("book"), slots, lengths, subsets, judges),
    st.tuples(st.just("hold"), slots, lengths, subsets, judges),
    st.tuples(st.just("repeat"), slots, lengths, subsets, judges, st.integers(2, 3)),
    st.tuples(st.just("move"), which, slots, lengths, st.sampled_from(ROOMS), st.integers(0, 2)),
    st.tuples(st.just("change"), which, subsets, judges),
    st.tuples(st.just("shift"), which, slots, lengths),
    st.tuples(st.just("keep"), which),
    st.tuples(st.just("extend"), which, st.sampled_from((15, 30))),
    st.tuples(st.just("summon"), which),
    st.tuples(st.just("dismiss"), which),
    st.tuples(st.just("cancel"), which),
    st.tuples(st.just("confirm"), which),
    st.tuples(st.just("approve"), which),
    st.tuples(st.just("decline"), which),
    st.tuples(st.just("status"), which, st.sampled_from(("live", "closed"))),
    st.tuples(st.just("shut"), anything, slots, lengths),
    st.tuples(st.just("reopen"), which),
    st.tuples(st.just("terms"), st.sampled_from(("a", "stand")), minutes, minutes),
    st.tuples(st.just("lapse")),
    st.tuples(st.just("wait"), st.integers(1, 4)),
    st.tuples(st.just("wait"), st.integers(-4, -1)),
]
"""What can happen. Another kind of act is a row here and a method of :class:`Course` of that name: it does the act, and, where it was not
refused, writes in the diary what it says."""


@dataclass
class Course:
    """The court in the course of a day. `diary`: what it was told and did not refuse."""

    court: Court
    db: Database
    names: dict[str, str]
    diary: Diary
    now: datetime = NOW
    made: list[str] = field(default_factory=list)
    shut: list[str] = field(default_factory=list)
    length: timedelta = STEP
    """of the sitting that is asked for"""
    done: int = 0

    async def do(self, act: tuple[Any, ...]) -> None:
        """Do it, and look whether the product and the diary hold the same afterwards."""
        before, held = await self._revisions(), self.diary.held()
        try:
            await getattr(self, f"_{act[0]}")(*act[1:])
            self.done += 1
        except (Refused, ValidationFailed):
            pass
        await self._check(before, held)

    # -- what is asked of the product ------------------------------------------------------------------------------------------

    async def _asked(self, work: Any, name: str, wanted: dict[str, Any], resources: Any, *, past: bool = False) -> Any:
        """What `work` gives. A conflict is one by the diary too, and offers a time that is free; without one there is none in the diary.
        `resources`: those that have to be free at the time that is offered."""
        taken = set(self.diary.in_the_way(wanted, name, self.now, past_gives_way=past))
        try:
            found = await work
        except Conflict as error:
            told = error
        else:
            assert not taken, f"{taken} was in the way"
            return found
        assert (told.resource_id, told.sitting_id) in taken, f"{told} is not in the way of {wanted}"
        assert self.diary.is_free(resources, told.nearest_free, told.nearest_free + self.length, name, self.now), told
        raise Refused("conflict")

    def _resources(self, names: tuple[str, ...], judge: str, *more: str) -> list[str]:
        return [*(self.names[name] for name in names), self.names[judge], *more]

    def _draft(self, start: datetime, end: datetime, names: tuple[str, ...], judge: str) -> SittingDraft:
        rooms = tuple(self.names[name] for name in names if name in ROOMS)
        return replace(
            make_draft(self.court, chair_id=self.names[judge], clerk_id="", title=f"{len(self.made)}"),
            starts_at=start,
            ends_at=end,
            room_id=rooms[0],
            rooms=rooms,
            equipment=tuple(self.names[name] for name in names if name in THINGS),
        )

    def _one(self, number: int) -> str:
        if not self.made:
            raise Refused("none")
        return self.made[number % len(self.made)]

    async def _found(self, name: str) -> Sitting:
        async with self.db.reader() as session:
            return await session.get_one(Sitting, name)

    async def _book(self, slot: int, length: int, names: tuple[str, ...], judge: str, until: datetime | None = None) -> None:
        start = at("10:00") + slot * STEP
        end, resources = start + length * STEP, self._resources(names, judge)
        draft, self.length = self._draft(start, end, names, judge), length * STEP
        work = bookings.create_sitting(self.db, draft, self.court.clerk, self.now, held_until=until)
        made = await self._asked(work, "", self.diary.wanted("", resources, start, end), resources)
        self.made.append(made.id)
        self.diary.make(made.id, resources, start, end, self.now, until)

    async def _hold(self, slot: int, length: int, names: tuple[str, ...], judge: str) -> None:
        await self._book(slot, length, names, judge, self.now + TENTATIVE)

    async def _repeat(self, slot: int, length: int, names: tuple[str, ...], judge: str, days: int) -> None:
        """The same on each of some days, whole or not at all. What is done to one of them is done to it alone."""
        start = at("10:00") + slot * STEP
        resources, draft = self._resources(names, judge), self._draft(start, start + length * STEP, names, judge)
        plan = Series(wall_time(start, SHANGHAI), length * 15, SHANGHAI, read_rule(f"FREQ=DAILY;COUNT={days}", SHANGHAI))
        spans = [(start + timedelta(days=n), start + timedelta(days=n) + length * STEP) for n in range(days)]
        taken = {span[0]: set(self.diary.in_the_way(self.diary.wanted("", resources, *span), "", self.now)) for span in spans}
        try:
            made = await series.create(self.db, draft, plan, self.court.clerk, self.now)
        except SeriesConflict as error:
            told = {clash.starts_at: (clash.conflict.resource_id, clash.conflict.sitting_id) for clash in error.clashes}
        else:
            assert not any(taken.values()), f"{taken} was in the way"
            _, _, members = await series.get(self.db, made)
            assert [(each.starts_at, each.ends_at) for each in members] == spans
            for each in members:
                self.made.append(each.id)
                self.diary.make(each.id, resources, each.starts_at, each.ends_at, self.now, None)
            return
        assert told.keys() == {begin for begin, ways in taken.items() if ways}, "every one that cannot be is named, and no other"
        assert all(named in taken[begin] for begin, named in told.items())
        raise Refused("conflict")

    async def _move(self, number: int, slot: int, length: int, room: str, instead: int) -> None:
        name, start = self._one(number), at("10:00") + slot * STEP
        found, to = await self._found(name), self.names[room]
        end, old = start + length * STEP, found.rooms[instead % len(found.rooms)].id
        present = [hold.resource_id for hold in found.booking.holds]
        resources = [to if each == old else each for each in present if each == old or each != to]
        if resources == present and (start, end) == (found.starts_at, found.ends_at):
            raise Refused("nothing is different")
        self.length = length * STEP
        work = bookings.move(self.db, name, to, start, end, self.court.clerk, self.now, instead_of=old, override_reason=URGENT)
        await self._placed(work, name, found, resources, start, end)

    async def _placed(self, work: Any, name: str, found: Sitting, resources: list[str], start: datetime, end: datetime) -> None:
        after = await self._asked(work, name, self.diary.wanted(name, resources, start, end), resources)
        self.diary.place(name, resources, start, end, self.now, people=self._people(resources))
        rooms = [each.id for each in found.rooms]
        elsewhere = (start, end) != (found.starts_at, found.ends_at) or [each.id for each in after.rooms] != rooms
        assert after.sequence == found.sequence + elsewhere, "calendars take a change for what they have, or the same for a change"

    def _people(self, resources: list[str]) -> set[str]:
        return set(resources) - {self.names[name] for name in (*ROOMS, *THINGS)}

    async def _update(self, name: str, draft: SittingDraft) -> None:
        found, start, end = await self._found(name), draft.starts_at, draft.ends_at
        assert start is not None
        assert end is not None
        resources = list(dict.fromkeys((*draft.room_ids, *draft.equipment, *draft.user_ids)))
        self.length = end - start
        await self._placed(bookings.update_sitting(self.db, name, draft, self.court.clerk, self.now), name, found, resources, start, end)

    async def _change(self, number: int, names: tuple[str, ...], judge: str) -> None:
        name = self._one(number)
        found = await self._found(name)
        await self._update(name, self._draft(found.starts_at, found.ends_at, names, judge))

    async def _shift(self, number: int, slot: int, length: int) -> None:
        name, start = self._one(number), at("10:00") + slot * STEP
        await self._update(name, replace(draft_of(await self._found(name)), starts_at=start, ends_at=start + length * STEP))

    async def _keep(self, number: int) -> None:
        """The form is saved as it is."""
        name = self._one(number)
        await self._update(name, draft_of(await self._found(name)))

    async def _extend(self, number: int, minutes: int) -> None:
        name = self._one(number)
        found = await self._found(name)
        end = max(found.ends_at, self.now) + timedelta(minutes=minutes)
        wanted, self.length = self.diary.longer(name, end, self.now), timedelta(minutes=minutes)
        work = extend(self.db, name, minutes, self.court.clerk, self.now)
        after = await self._asked(work, name, wanted, self.diary.entries[name].holds, past=True)
        assert after.ends_at == end
        self.diary.extend(name, end, self.now)

    async def _summon(self, number: int) -> None:
        """The prosecutor is to come too."""
        name = self._one(number)
        found, sun = await self._found(name), self.court.users["sun"]
        resources = [*(hold.resource_id for hold in found.booking.holds), sun.id]
        self.length = found.ends_at - found.starts_at
        work = participants.add(self.db, name, ParticipantDraft(sun.name, "witness", user_id=sun.id), self.court.clerk, self.now)
        start, end = found.starts_at, found.ends_at
        await self._asked(work, name, self.diary.wanted(name, resources, start, end), resources)
        self.diary.place(name, resources, start, end, self.now, people=resources)

    async def _dismiss(self, number: int) -> None:
        name, sun = self._one(number), self.court.users["sun"].id
        who = [each.id for each in (await self._found(name)).participants if each.user_id == sun]
        if not who:
            raise Refused("nobody")
        await participants.remove(self.db, who[0], self.court.clerk, self.now)
        self.diary.entries[name].holds.pop(sun, None)

    async def _cancel(self, number: int) -> None:
        await bookings.cancel(self.db, self._one(number), "撤诉", self.court.clerk, self.now)
        self.diary.free(self._one(number), "cancelled")

    async def _confirm(self, number: int) -> None:
        name = self._one(number)
        entry = self.diary.entries[name]
        await decisions.confirm(self.db, name, self.court.clerk, self.now)
        assert all(held.active for held in entry.holds.values()), "it was made firm without what it was to have"
        entry.state, entry.until = self.diary.state_of(entry.holds, tentative=False), None

    async def _approve(self, number: int) -> None:
        entry = self.diary.entries[self._one(number)]
        await decisions.approve(self.db, self._one(number), self.court.users["xu"], self.now)
        assert entry.state == "requested"
        entry.state = "confirmed"

    async def _decline(self, number: int) -> None:
        await decisions.decline(self.db, self._one(number), "另有安排", self.court.users["xu"], self.now)
        self.diary.free(self._one(number), "cancelled")

    async def _status(self, number: int, status: str) -> None:
        name = self._one(number)
        found = await self._found(name)
        if found.status != "planned":
            raise Refused("not planned")
        await bring_to(self.db, found, status)
        entry = self.diary.entries[name]
        entry.status = status
        if entry.state in ("tentative", "requested"):
            entry.state = "confirmed"
        if status == "closed":
            self.diary.free(name, status)

    async def _shut(self, name: str, slot: int, length: int) -> None:
        start = at("10:00") + slot * STEP
        end, resource = start + length * STEP, self.names[name]
        by = self.court.users["xu"]
        closure = await closures.close(self.db, start, end, "maintenance", "检修", by, self.now, resource_id=resource)
        self.diary.closures[closure.id] = resource, start, end
        self.shut.append(closure.id)

    async def _reopen(self, number: int) -> None:
        if not self.shut:
            raise Refused("none")
        closure = self.shut.pop(number % len(self.shut))
        await closures.reopen(self.db, closure, self.court.users["xu"], self.now)
        del self.diary.closures[closure]

    async def _terms(self, name: str, before: int, after: int) -> None:
        await set_terms(self.db, self.names[name], Details(before, after), self.court.users["xu"], self.now)
        self.diary.buffers[self.names[name]] = before, after

    async def _lapse(self) -> None:
        gone = set(await decisions.lapse(self.db, self.now))
        assert gone == {name for name, entry in self.diary.entries.items() if entry.lapsed(self.now)}
        for name in gone:
            self.diary.free(name, "cancelled")

    async def _wait(self, quarters: int) -> None:
        """A clock that was wrong is put back too."""
        self.now += quarters * STEP

    # -- what holds after each act ----------------------------------------------------------------------------------------------

    async def _revisions(self) -> dict[str, int]:
        async with self.db.reader() as session:
            return {row.id: row.revision for row in await session.execute(select(Resource.id, Resource.revision))}

    async def _check(self, before: dict[str, int], held: set[tuple[str, str, datetime, datetime]]) -> None:
        columns = (Booking.sitting_id, Hold.resource_id, Hold.starts_at, Hold.ends_at)
        async with self.db.reader() as session:
            active = select(*columns).join(Hold.booking).where(Hold.active).order_by(Hold.resource_id, Hold.starts_at)
            rows = list(await session.execute(active))
            states = {row.sitting_id: row.state for row in await session.execute(select(Booking.sitting_id, Booking.state))}
        for one, other in pairwise(rows):
            assert one.resource_id != other.resource_id or one.ends_at <= other.starts_at, (one, other)
        now_held = self.diary.held()
        found = {tuple(row) for row in rows}
        assert found == now_held, f"lost {now_held - found}, more than was asked for {found - now_held}"
        for name, entry in self.diary.entries.items():
            assert states[name] == ("cancelled" if entry.status == "cancelled" else entry.state)
            assert entry.over or entry.lapsed(self.now) or entry.holds
        after = await self._revisions()
        touched = {resource for _, resource, _, _ in held ^ now_held}
        stale = [resource for resource in touched if after[resource] <= before[resource]]
        assert not stale, "whoever keeps what a resource is held for would not know that it changed"


@pytest.fixture
async def furnished(court: Court) -> tuple[Court, dict[str, str]]:
    (stand,) = await add_movable(court.db, "equipment", "实物展台", court.users["xu"], NOW)
    await set_terms(court.db, court.other_room.id, Details(before_minutes=15, after_minutes=15), court.users["xu"], NOW)
    asks = Room(id=new_id(), name="大法庭", kind="court", position=3)
    async with court.db.writer() as session:
        session.add(asks)
    names = {"a": court.room.id, "b": court.other_room.id, "asks": asks.id, "stand": stand.id}
    return court, names | {"chen": court.judge.id, "lin": court.other_judge.id}


async def course_of(court: Court, names: dict[str, str], acts: list[tuple[Any, ...]]) -> Course:
    """What is left after these acts on an empty calendar. Raises AssertionError where the product and the diary part."""
    db = await Database.connect(court.db.url, court.db.site)
    try:
        async with db.writer() as session:
            # Others' bookings of earlier examples; the audit log stays, as it must.
            for table in ("invitation", "hold", "booking", "participant", "sitting", "series", "closure"):
                await session.execute(text(f"DELETE FROM {table}"))
            terms = "UPDATE resource SET before_minutes = {0}, after_minutes = {0}, needs_approval = {1} WHERE id = '{2}'"
            for name, buffer in (("a", 0), ("b", 15), ("asks", 0), ("stand", 0)):
                await session.execute(text(terms.format(buffer, "true" if name == "asks" else "false", names[name])))
        buffers = dict.fromkeys((*names.values(), court.users["sun"].id), (0, 0)) | {names["b"]: (15, 15)}
        day = Course(court, db, names, Diary(buffers, {names["asks"]}))
        for act in acts:
            await day.do(act)
        assert db.again == 0
        return day
    finally:
        await db.close()


GAVE_WAY = [("hold", 4, 4, ("a", "b"), "chen"), ("wait", 3), ("book", 4, 2, ("a",), "lin"), ("wait", -3)]
"""A tentative booking lapsed, another took a part of it, and the clock was put back: it is not lapsed, and holds not all that it names."""


RUNS_OVER = [("book", 0, 2, ("a",), "chen"), ("status", 0, "live"), ("wait", 6)]
"""At eleven a hearing is still under way that was planned until half past ten."""


@pytest.mark.timeout(500)
@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example(acts=[*GAVE_WAY, ("confirm", 0), ("keep", 0), ("cancel", 1), ("keep", 0), ("confirm", 0)])
@example(acts=[*GAVE_WAY, ("change", 0, ("a", "b"), "chen"), ("cancel", 1), ("change", 0, ("a", "b"), "chen"), ("confirm", 0)])
@example(acts=[*GAVE_WAY, ("shift", 0, 10, 4), ("confirm", 0)])
@example(acts=[*GAVE_WAY, ("move", 0, 10, 4, "asks", 0), ("confirm", 0), ("approve", 0)])
@example(acts=[*GAVE_WAY, ("summon", 0), ("cancel", 1), ("summon", 0), ("dismiss", 0), ("confirm", 0)])
@example(acts=[*GAVE_WAY, ("extend", 0, 30), ("cancel", 1), ("extend", 0, 30)])
@example(acts=[("book", 0, 1, ("a",), "chen"), ("book", 1, 1, ("a",), "chen"), ("status", 0, "live"), ("wait", 4), ("extend", 0, 15)])
@example(acts=[("book", 0, 1, ("asks", "stand"), "chen"), ("decline", 0), ("book", 0, 1, ("a", "stand"), "chen"), ("shut", "a", 0, 2)])
@example(acts=[("book", 2, 2, ("a",), "chen"), ("terms", "a", 30, 30), ("book", 5, 2, ("a",), "lin"), ("keep", 0), ("shift", 0, 3, 2)])
@example(acts=[("book", 5, 1, ("a",), "chen"), ("repeat", 4, 4, ("a", "b"), "lin", 3), ("repeat", 6, 2, ("a",), "lin", 3), ("cancel", 2)])
@example(acts=[*RUNS_OVER, ("book", 4, 2, ("a",), "lin"), ("shut", "a", 5, 2), ("book", 5, 1, ("a",), "lin")])
@example(acts=[("book", 4, 2, ("a",), "lin"), ("book", 2, 2, ("a", "b"), "chen"), ("hold", 8, 2, ("a",), "lin"), ("wait", 3), ("lapse",)])
@given(acts=st.lists(st.one_of(ACTS), min_size=5, max_size=18))
def test_nothing_is_held_twice_and_nothing_is_lost(furnished: tuple[Court, dict[str, str]], acts: list[tuple[Any, ...]]) -> None:
    asyncio.run(course_of(*furnished, acts))


def test_the_acts_do_what_is_asked_and_are_not_all_refused(furnished: tuple[Court, dict[str, str]]) -> None:
    """Else the property would say nothing."""
    acts: list[tuple[Any, ...]] = [
        ("book", 0, 2, ("a", "stand"), "chen"), ("hold", 4, 2, ("b",), "lin"), ("confirm", 1), ("book", 8, 2, ("asks",), "chen"),
        ("approve", 2), ("book", 8, 2, ("asks",), "lin"), ("summon", 0), ("dismiss", 0), ("move", 0, 0, 2, "b", 0), ("keep", 0),
        ("shift", 1, 5, 2), ("change", 1, ("a", "b"), "lin"), ("extend", 0, 15), ("status", 0, "live"), ("shut", "a", 11, 2),
        ("reopen", 0), ("terms", "a", 10, 10), ("hold", 12, 1, ("a",), "lin"), ("wait", 4), ("lapse",), ("cancel", 1),
        ("book", 9, 1, ("asks",), "lin"), ("repeat", 11, 1, ("b",), "chen", 2),
    ]  # fmt: skip
    day = asyncio.run(course_of(*furnished, acts))
    assert day.done == len(acts) - 2, "two are refused: the room that asks is taken both times"
