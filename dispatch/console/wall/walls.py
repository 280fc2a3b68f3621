"""Walls as they go: what each shows now, whose turn it is in a patrol, and who looks.

One :class:`Walls` for a site. What officers put is kept in the database, in the transaction of its audit row, so that a screen shows the
same after a restart; whose turn it is in a patrol is not. Nothing of a wall goes on while nobody looks at it: who looks, turns it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from prometheus_client import Gauge
from sqlalchemy import select

from dispatch import audit
from dispatch.console.wall import patrol
from dispatch.console.wall.arrangement import EMPTY, Arrangement
from dispatch.console.wall.patrol import Source
from dispatch.errors import NotFound, Refused
from dispatch.store.tables import User
from dispatch.store.wall_tables import Wall

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

LIT = Gauge("dispatch_wall_windows", "Browser windows that show a wall: a screen of the room, or an officer's own", ["wall"])


@dataclass(frozen=True, slots=True)
class Place:
    """Which wall: a screen's `number`, or the own wall of the officer with the id `owner`."""

    number: int | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Answering:
    """The officer who put a sitting on a wall."""

    user: str
    name: str


class Looking:
    """One browser window that shows a wall. Wakes whoever serves it."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something changed."""
        self._woken.set()

    async def wait(self, limit_s: float) -> None:
        """Until woken, at most `limit_s`."""
        try:
            async with asyncio.timeout(limit_s):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()


@dataclass(slots=True)
class Going:
    """A wall as it goes. `at`: the source whose turn it is; `turned_s`: since when, by the monotonic clock."""

    place: Place
    name: str
    arrangement: Arrangement
    answers: Mapping[str, Answering]
    at: int = 0
    turned_s: float = 0.0
    looking: set[Looking] = field(default_factory=set)
    gone: bool = False

    def shown(self, is_on: patrol.IsOn) -> tuple[Source | None, ...]:
        """What each window shows now."""
        found = list(self.arrangement.standing())
        turning = self.arrangement.patrol
        if turning is not None:
            for window, source in zip(turning.windows, patrol.shown(turning, self.at, is_on), strict=True):
                found[window] = source
        return tuple(found)

    def wake(self) -> None:
        """Tell every window that looks."""
        for looking in self.looking:
            looking.wake()


Change = Callable[[Arrangement], Arrangement]
Overviews = Callable[[str], Mapping[str, Any] | None]


class Walls:
    """All walls of a site. `overview` gives what is known of a live sitting (:func:`dispatch.console.wall.patrol.is_on`)."""

    def __init__(self, db: Database, overview: Overviews, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._overview = overview
        self._clock_s = clock_s
        self._going: dict[Place, Going] = {}
        self._turn = asyncio.Lock()
        self._watching_room: set[Looking] = set()
        self.room_version = 0
        """grows when screens or presets change"""

    async def wall(self, place: Place) -> Going:
        """The wall at a place. Raises NotFound("screen_unknown"); an officer's own is there from the first."""
        found = self._going.get(place)
        if found is None:
            async with self._turn:
                found = self._going.get(place) or await self._read(place)
                self._going[place] = found
        return found

    def is_on(self, source: Source) -> bool:
        """Whether there is something to see of it."""
        return patrol.is_on(source, self._overview(source.sitting))

    def lit(self, place: Place) -> int:
        """How many browser windows show it."""
        found = self._going.get(place)
        return len(found.looking) if found else 0

    # -- looking ------------------------------------------------------------------------------------------------

    @contextmanager
    def look(self, going: Going) -> Iterator[Looking]:
        """A browser window that shows this wall while the block runs."""
        looking, kind = Looking(), "screen" if going.place.number else "own"
        going.looking.add(looking)
        LIT.labels(kind).inc()
        self.wake_room()
        try:
            yield looking
        finally:
            going.looking.discard(looking)
            LIT.labels(kind).dec()
            self.wake_room()

    @contextmanager
    def look_at_room(self, looking: Looking) -> Iterator[None]:
        """Have it woken too when screens, their names, or presets change."""
        self._watching_room.add(looking)
        try:
            yield
        finally:
            self._watching_room.discard(looking)

    def wake_room(self) -> None:
        """Screens or presets changed, or who shows which."""
        self.room_version += 1
        for looking in self._watching_room:
            looking.wake()

    def changed(self, source: str) -> None:
        """What is to be seen of this source may have changed; windows that show it, or list it, look again."""
        for going in self._going.values():
            turning = going.arrangement.patrol
            if source in going.arrangement.sittings() or (turning and any(each.sitting == source for each in turning.sources)):
                going.wake()
        for looking in self._watching_room:
            looking.wake()

    def turn(self, going: Going) -> float:
        """Let the patrol go on if it is time; in how many seconds it will be, infinity where none goes."""
        turning = going.arrangement.patrol
        if turning is None or turning.paused:
            return float("inf")
        now_s = self._clock_s()
        if now_s - going.turned_s >= turning.dwell_s:
            self._step(going, turning, patrol.following)
        return going.turned_s + turning.dwell_s - now_s

    def step(self, going: Going, back: bool = False) -> None:
        """The next ones at once, or those before. Raises Refused("no_patrol")."""
        turning = going.arrangement.patrol
        if turning is None:
            raise Refused("no_patrol")
        self._step(going, turning, patrol.preceding if back else patrol.following)

    def _step(self, going: Going, turning: patrol.Patrol, way: Callable[[patrol.Patrol, int, patrol.IsOn], int]) -> None:
        going.at, going.turned_s = way(turning, going.at, self.is_on), self._clock_s()
        going.wake()

    # -- putting ------------------------------------------------------------------------------------------------

    async def put(self, going: Going, change: Change, by: User, now: datetime, preset: str = "") -> None:
        """Have the wall show what `change` makes of what it shows. Who puts a sitting there answers for it until it is gone from there;
        on a screen, the audit says what was put. `preset`: the name of the one that was called. Raises what `change` raises."""
        async with self._turn:
            if going.gone:
                raise NotFound("screen_unknown")
            arrangement = change(going.arrangement)
            if arrangement == going.arrangement and not preset:
                return
            answers = answering(going.answers, arrangement, Answering(by.id, by.name))
            async with self._db.writer() as session:
                row = await _row(session, going.place)
                if row is None:
                    if going.place.number is not None:
                        raise NotFound("screen_unknown")
                    row = Wall(owner_id=going.place.owner, created_at=now)
                    session.add(row)
                row.arrangement = arrangement.to_json()
                row.answers = {sitting: {"user": each.user, "name": each.name} for sitting, each in answers.items()}
                detail = {"screen": going.place.number, "windows": len(arrangement.sources), "sittings": sorted(arrangement.sittings())}
                if preset:
                    await audit.write(session, by, "preset_called", preset, detail=detail, now=now)
                elif going.place.number is not None and named(arrangement) != named(going.arrangement):
                    await audit.write(session, by, "wall_put", going.name, detail=detail, now=now)
            if arrangement.patrol != going.arrangement.patrol:
                going.turned_s = self._clock_s()
                going.at = going.at if _same_group(going.arrangement, arrangement) else 0
            going.arrangement, going.answers = arrangement, answers
        going.wake()

    def forget(self, place: Place) -> None:
        """A screen was removed, or its name changed: read it again."""
        found = self._going.pop(place, None)
        if found is not None:
            found.gone = True
            found.wake()
        self.wake_room()

    def wake(self, place: Place) -> None:
        """A screen's sign-in changed: whoever serves its windows looks whether it is still good."""
        if (found := self._going.get(place)) is not None:
            found.wake()
        self.wake_room()

    async def _read(self, place: Place) -> Going:
        async with self._db.reader() as session:
            row = await _row(session, place)
        if row is None:
            if place.number is not None:
                raise NotFound("screen_unknown")
            return Going(place, "", EMPTY, {}, turned_s=self._clock_s())
        answers = {sitting: Answering(each["user"], each["name"]) for sitting, each in row.answers.items()}
        return Going(place, row.name, Arrangement.from_json(row.arrangement), answers, turned_s=self._clock_s())


def answering(former: Mapping[str, Answering], arrangement: Arrangement, by: Answering) -> dict[str, Answering]:
    """Who answers for each sitting of an arrangement that `by` has made: who did before, else he himself. Pure."""
    return {sitting: former.get(sitting, by) for sitting in sorted(arrangement.sittings())}


def named(arrangement: Arrangement) -> tuple[object, ...]:
    """What of an arrangement says who is watched where."""
    turning = arrangement.patrol
    return (arrangement.layout, arrangement.sources, turning and (turning.sources, turning.windows))


def _same_group(one: Arrangement, other: Arrangement) -> bool:
    return one.patrol is not None and other.patrol is not None and one.patrol.sources == other.patrol.sources


async def _row(session: AsyncSession, place: Place) -> Wall | None:
    wanted = select(Wall).where(Wall.number == place.number if place.number is not None else Wall.owner_id == place.owner)
    found: Wall | None = await session.scalar(wanted)
    return found
