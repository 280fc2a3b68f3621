"""Whatever is done to series and to single sittings of them, in whatever order: no two active holds of a resource overlap, none is lost,
and what a series is said to be is what its sittings are."""

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

from dispatch.booking import bookings, decisions
from dispatch.booking.series import changes as series_changes
from dispatch.booking.series import series
from dispatch.booking.series.recurrence import Series, expand
from dispatch.booking.series.rules import read_rule
from dispatch.booking.wall_clock import wall_time
from dispatch.errors import Refused, UserError
from dispatch.store.database import Database
from dispatch.store.tables import Booking, Hold, Resource, SeriesRow, Sitting
from tests.dispatch.booking.test_never_two import STEP, furnished, judges, lengths, slots, which
from tests.dispatch.making import NOW, SHANGHAI, URGENT, Court, at, draft_of, make_draft
from tests.effort import examples

__all__ = ["furnished"]

RULES = ("FREQ=DAILY;COUNT=3", "FREQ=DAILY;INTERVAL=2;COUNT=2", "FREQ=WEEKLY;BYDAY=TU,WE;COUNT=3")
subsets = st.sets(st.sampled_from(("a", "b", "stand")), min_size=1).filter(lambda names: names != {"stand"})
scopes = st.sampled_from(("later", "all"))
repeats = st.tuples(st.just("repeat"), slots, lengths, subsets, judges, st.sampled_from(RULES), st.sampled_from((None, 45)))
acts = st.one_of(
    repeats,
    st.tuples(st.just("shift"), which, scopes, st.sampled_from((-96, -2, -1, 1, 2, 96)), st.sampled_from((0, 1))),
    st.tuples(st.just("rename"), which, scopes),
    st.tuples(st.just("end"), which, scopes),
    st.tuples(st.just("book"), slots, lengths, subsets, judges),
    st.tuples(st.just("move"), which, slots, lengths, st.sampled_from(("a", "b"))),
    st.tuples(st.just("cancel"), which),
    st.tuples(st.just("confirm"), which),
    st.tuples(st.just("lapse")),
    st.tuples(st.just("wait"), st.integers(1, 4)),
)


@dataclass
class SeriesCourse:
    """The court in the course of a day, with what it was told and did not refuse: sitting → its resources and span. `apart`: sittings that
    were moved by themselves, which a series may leave where they are."""

    court: Court
    db: Database
    names: dict[str, str]
    now: datetime = NOW
    made: list[str] = field(default_factory=list)
    expected: dict[str, tuple[frozenset[str], datetime, datetime]] = field(default_factory=dict)
    tentative: dict[str, datetime] = field(default_factory=dict)
    refused: int = 0
    apart: set[str] = field(default_factory=set)

    async def do(self, act: tuple[Any, ...]) -> None:
        try:
            await getattr(self, f"_{act[0]}")(*act[1:])
        except UserError:
            self.refused += 1
        for sitting, until in list(self.tentative.items()):
            if until <= self.now:  # nobody is bound by it any more, whether its holds are there or not
                self.expected.pop(sitting, None)

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

    async def _book(self, slot: int, length: int, names: set[str], judge: str, until: datetime | None = None) -> None:
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

    async def _cancel(self, number: int) -> None:
        sitting = self._sitting(number)
        await bookings.cancel(self.db, sitting, "撤诉", self.court.clerk, self.now)
        self.expected.pop(sitting, None)

    async def _confirm(self, number: int) -> None:
        sitting = self._sitting(number)
        await decisions.confirm(self.db, sitting, self.court.clerk, self.now)
        del self.tentative[sitting]

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

    async def _move(self, number: int, slot: int, length: int, room: str) -> None:
        sitting, start = self._sitting(number), at("10:00") + slot * STEP
        moved = await bookings.move(
            self.db, sitting, self.names[room], start, start + length * STEP, self.court.clerk, self.now, override_reason=URGENT
        )
        self.expected[sitting] = await self._now_holds(sitting), moved.starts_at, moved.ends_at
        self.apart.add(sitting)

    async def _repeat(self, slot: int, length: int, names: set[str], judge: str, rule: str, minutes: int | None) -> None:
        draft = self.draft(at("10:00") + slot * STEP, length, names, judge)
        until = self.now + timedelta(minutes=minutes) if minutes else None
        plan = Series(wall_time(at("10:00") + slot * STEP, SHANGHAI), length * 15, SHANGHAI, read_rule(rule, SHANGHAI))
        made = await series.create(self.db, draft, plan, self.court.clerk, self.now, held_until=until)
        _, _, sittings = await series.get(self.db, made)
        for sitting in sittings:
            self.made.append(sitting.id)
            self.expected[sitting.id] = self.resources(names, judge), sitting.starts_at, sitting.ends_at
            if until is not None:
                self.tentative[sitting.id] = until

    async def _found(self, number: int) -> Sitting:
        async with self.db.reader() as session:
            return await session.get_one(Sitting, self._sitting(number))

    async def _shift(self, number: int, scope: series_changes.Scope, quarters: int, longer: int) -> None:
        chosen, by = await self._found(number), quarters * STEP
        start, end = chosen.starts_at + by, chosen.ends_at + by + longer * STEP
        done = await series_changes.move(
            self.db, chosen.id, scope, chosen.room.id, start, end, self.court.clerk, self.now, override_reason=URGENT
        )
        assert chosen.id in done
        for sitting in done:
            resources, former, former_end = self.expected[sitting]
            async with self.db.reader() as session:
                found = await session.get_one(Sitting, sitting)
            stays = (found.starts_at, found.ends_at) == (former, former_end)
            assert stays or found.starts_at == former + by
            assert not stays or sitting in self.apart
            assert sitting != chosen.id or (found.starts_at, found.ends_at) == (start, end)
            self.expected[sitting] = resources, found.starts_at, found.ends_at

    async def _rename(self, number: int, scope: series_changes.Scope) -> None:
        chosen = await self._found(number)
        draft = replace(draft_of(chosen), title=f"改期{number}")
        done = await series_changes.change(self.db, chosen.id, scope, draft, self.court.clerk, self.now)
        assert chosen.id in done

    async def _end(self, number: int, scope: series_changes.Scope) -> None:
        for sitting in await series_changes.cancel(self.db, self._sitting(number), scope, "撤诉", self.court.clerk, self.now):
            self.expected.pop(sitting, None)

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
        async with self.db.reader() as session:
            every = list(await session.scalars(select(SeriesRow.id)))
        for series_id in every:
            _, plan, sittings = await series.get(self.db, series_id)
            said = sorted((each.span.start, each.span.end) for each in expand(plan).occurrences)
            assert said == sorted((each.starts_at, each.ends_at) for each in sittings)


@pytest.mark.timeout(400)
@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(first=repeats, course=st.lists(acts, min_size=3, max_size=14))
def test_series_hold_nothing_twice_and_lose_nothing(
    furnished: tuple[Court, dict[str, str]], first: tuple[Any, ...], course: list[tuple[Any, ...]]
) -> None:
    court, names = furnished

    async def run() -> None:
        db = await Database.connect(court.db.url, court.db.site)
        try:
            async with db.writer() as session:
                for table in ("invitation", "hold", "booking", "participant", "sitting", "series"):
                    await session.execute(text(f"DELETE FROM {table}"))
            days = SeriesCourse(court, db, names, NOW)
            for act in (first, *course):
                await days.do(act)
                await days.check()
            assert db.again == 0
        finally:
            await db.close()

    asyncio.run(run())
