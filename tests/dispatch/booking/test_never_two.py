"""Whatever is booked, moved, extended, cancelled, closed and confirmed in whatever order: no two active holds of a resource ever
overlap, and none is lost. Held against a model of what the court was told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from dispatch.booking import bookings, catalogue, decisions
from dispatch.booking.catalogue import Terms
from dispatch.booking.extension import extend
from dispatch.errors import Conflict, Refused, ValidationFailed
from dispatch.store.database import Database
from dispatch.store.tables import Booking, Hold, Resource, Sitting
from tests.dispatch.making import NOW, URGENT, Court, at, bring_to, make_draft

STEP = timedelta(minutes=15)
TENTATIVE = timedelta(minutes=40)
EVERYTHING = ("a", "b", "stand")

slots, lengths = st.integers(0, 12), st.integers(1, 5)
subsets = st.sets(st.sampled_from(EVERYTHING), min_size=1).filter(lambda names: names != {"stand"})
judges = st.sampled_from(("chen", "lin"))
which = st.integers(0, 5)
acts = st.one_of(
    st.tuples(st.just("book"), slots, lengths, subsets, judges),
    st.tuples(st.just("hold"), slots, lengths, subsets, judges),
    st.tuples(st.just("move"), which, slots, lengths, st.sampled_from(("a", "b"))),
    st.tuples(st.just("change"), which, subsets, judges),
    st.tuples(st.just("extend"), which, st.sampled_from((15, 30))),
    st.tuples(st.just("cancel"), which),
    st.tuples(st.just("confirm"), which),
    st.tuples(st.just("close"), which),
    st.tuples(st.just("lapse")),
    st.tuples(st.just("wait"), st.integers(1, 3)),
)


@dataclass
class Course:
    """The court in the course of a day, with what it was told and did not refuse: sitting → its resources and span."""

    court: Court
    db: Database
    names: dict[str, str]
    now: datetime = NOW
    made: list[str] = field(default_factory=list)
    expected: dict[str, tuple[frozenset[str], datetime, datetime]] = field(default_factory=dict)
    tentative: dict[str, datetime] = field(default_factory=dict)
    refused: int = 0

    def resources(self, names: set[str], judge: str) -> frozenset[str]:
        return frozenset(self.names[name] for name in names) | {self.names[judge]}

    def draft(self, start: datetime, length: int, names: set[str], judge: str) -> Any:
        rooms = tuple(self.names[name] for name in sorted(names - {"stand"}))
        return replace(
            make_draft(self.court, chair_id=self.names[judge], clerk_id="", title=f"{len(self.made)}"),
            starts_at=start,
            ends_at=start + length * STEP,
            room_id=rooms[0],
            rooms=rooms,
            equipment=(self.names["stand"],) if "stand" in names else (),
        )

    async def do(self, act: tuple[Any, ...]) -> None:
        try:
            await getattr(self, f"_{act[0]}")(*act[1:])
        except (Conflict, Refused, ValidationFailed):
            self.refused += 1
        for sitting, until in list(self.tentative.items()):
            if until <= self.now:  # nobody is bound by it any more, whether its holds are there or not
                self.expected.pop(sitting, None)

    async def _book(self, slot: int, length: int, names: set[str], judge: str) -> None:
        await self._make(slot, length, names, judge, None)

    async def _hold(self, slot: int, length: int, names: set[str], judge: str) -> None:
        await self._make(slot, length, names, judge, self.now + TENTATIVE)

    async def _make(self, slot: int, length: int, names: set[str], judge: str, until: datetime | None) -> None:
        draft = self.draft(at("10:00") + slot * STEP, length, names, judge)
        sitting = await bookings.create_sitting(self.db, draft, self.court.clerk, self.now, held_until=until)
        self.made.append(sitting.id)
        self.expected[sitting.id] = self.resources(names, judge), sitting.starts_at, sitting.ends_at
        if until is not None:
            self.tentative[sitting.id] = until

    def _sitting(self, number: int) -> str:
        if not self.made:
            raise Refused("none")
        return self.made[number % len(self.made)]

    async def _move(self, number: int, slot: int, length: int, room: str) -> None:
        sitting, start = self._sitting(number), at("10:00") + slot * STEP
        moved = await bookings.move(
            self.db, sitting, self.names[room], start, start + length * STEP, self.court.clerk, self.now, override_reason=URGENT
        )
        self.expected[sitting] = await self._now_holds(sitting), moved.starts_at, moved.ends_at

    async def _change(self, number: int, names: set[str], judge: str) -> None:
        sitting = self._sitting(number)

        def changed(found: Sitting) -> Any:
            length = (found.ends_at - found.starts_at) // STEP
            return self.draft(found.starts_at, length, names, judge)

        after = await bookings.update_sitting(self.db, sitting, changed, self.court.clerk, self.now)
        self.expected[sitting] = self.resources(names, judge), after.starts_at, after.ends_at

    async def _extend(self, number: int, minutes: int) -> None:
        sitting = self._sitting(number)
        after = await extend(self.db, sitting, minutes, self.court.clerk, self.now)
        # What was planned for time that has passed and never began gives way to one that runs over.
        for other, (resources, start, end) in list(self.expected.items()):
            overlap = start < after.ends_at and end > after.starts_at and resources & self.expected[sitting][0]
            if other != sitting and end <= self.now and overlap:
                del self.expected[other]
                self.made.remove(other)
        self.expected[sitting] = self.expected[sitting][0], after.starts_at, after.ends_at

    async def _cancel(self, number: int) -> None:
        sitting = self._sitting(number)
        await bookings.cancel(self.db, sitting, "撤诉", self.court.clerk, self.now)
        self.expected.pop(sitting, None)

    async def _confirm(self, number: int) -> None:
        sitting = self._sitting(number)
        await decisions.confirm(self.db, sitting, self.court.clerk, self.now)
        del self.tentative[sitting]

    async def _close(self, number: int) -> None:
        sitting = self._sitting(number)
        async with self.db.reader() as session:
            found = await session.get_one(Sitting, sitting)
        if found.status != "planned":
            raise Refused("over")
        await bring_to(self.db, found, "closed")
        self.expected.pop(sitting, None)
        self.tentative.pop(sitting, None)

    async def _lapse(self) -> None:
        due = {sitting for sitting, until in self.tentative.items() if until <= self.now}
        gone = set(await decisions.lapse(self.db, self.now))
        assert gone <= due

    async def _wait(self, quarters: int) -> None:
        self.now += quarters * STEP

    async def _now_holds(self, sitting: str) -> frozenset[str]:
        async with self.db.reader() as session:
            rows = await session.scalars(select(Hold.resource_id).join(Hold.booking).where(Booking.sitting_id == sitting))
            return frozenset(rows)

    async def check(self) -> None:
        """Every hold that must be there is, with its set-up and clear-up, and no two of a resource overlap."""
        async with self.db.reader() as session:
            rows = list(
                await session.execute(
                    select(
                        Booking.sitting_id, Hold.resource_id, Hold.starts_at, Hold.ends_at, Resource.before_minutes, Resource.after_minutes
                    )
                    .join(Hold.booking)
                    .join(Hold.resource)
                    .where(Hold.active)
                    .order_by(Hold.resource_id, Hold.starts_at)
                )
            )
        for one, next_one in pairwise(rows):
            assert one.resource_id != next_one.resource_id or one.ends_at <= next_one.starts_at, (one, next_one)
        found: dict[str, set[tuple[str, datetime, datetime]]] = {}
        for row in rows:
            span = row.starts_at + timedelta(minutes=row.before_minutes), row.ends_at - timedelta(minutes=row.after_minutes)
            found.setdefault(row.sitting_id, set()).add((row.resource_id, *span))
        for sitting, (resources, start, end) in self.expected.items():
            assert found.get(sitting, set()) == {(resource, start, end) for resource in resources}
        bound = self.expected.keys() | {sitting for sitting, until in self.tentative.items() if until <= self.now}
        assert found.keys() <= bound


@pytest.fixture
async def furnished(court: Court) -> tuple[Court, dict[str, str]]:
    (stand,) = await catalogue.add_movable(court.db, "equipment", "实物展台", court.users["xu"], NOW)
    await catalogue.set_terms(court.db, court.other_room.id, Terms(before_minutes=15, after_minutes=15), court.users["xu"], NOW)
    names = {"a": court.room.id, "b": court.other_room.id, "stand": stand.id, "chen": court.judge.id, "lin": court.other_judge.id}
    return court, names


@pytest.mark.timeout(400)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(course=st.lists(acts, min_size=4, max_size=18))
def test_nothing_is_held_twice_and_nothing_is_lost(furnished: tuple[Court, dict[str, str]], course: list[tuple[Any, ...]]) -> None:
    court, names = furnished

    async def run() -> None:
        db = await Database.connect(court.db.url, court.db.site)
        try:
            async with db.writer() as session:
                # Others' bookings of earlier examples; the audit log stays, as it must.
                for table in ("invitation", "hold", "booking", "participant", "sitting"):
                    await session.execute(text(f"DELETE FROM {table}"))
            day = Course(court, db, names)
            for act in course:
                await day.do(act)
                await day.check()
            assert db.again == 0
        finally:
            await db.close()

    asyncio.run(run())
