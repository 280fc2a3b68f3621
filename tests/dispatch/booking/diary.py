"""What a careful clerk would have in his diary: who holds what and when, by the rules as they are written, without a database.

The product is held against it (test_never_two.py): whatever it books must be free here, whatever it refuses must be taken here, the time
that it offers instead must be free here, and after each act both hold exactly the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

UNDER_WAY = ("live", "recess")
AHEAD = ("planned", "open")


@dataclass
class Held:
    """A resource held for a sitting, set-up and clear-up in it."""

    start: datetime
    end: datetime
    active: bool = True


@dataclass
class Entry:
    """A sitting. `until`: when it lapses, where it is tentative."""

    start: datetime
    end: datetime
    state: str
    until: datetime | None = None
    status: str = "planned"
    holds: dict[str, Held] = field(default_factory=dict)

    def lapsed(self, now: datetime) -> bool:
        """Whether it binds nobody any more."""
        return self.state == "tentative" and self.status in AHEAD and self.until is not None and self.until <= now

    @property
    def over(self) -> bool:
        """Whether it was held or cancelled."""
        return self.status in ("closed", "cancelled")


@dataclass
class Diary:
    """`buffers`: minutes before and after by resource; `asks`: resources for which one asks; `closures`: id → resource, start, end."""

    buffers: dict[str, tuple[int, int]]
    asks: set[str] = field(default_factory=set)
    entries: dict[str, Entry] = field(default_factory=dict)
    closures: dict[str, tuple[str, datetime, datetime]] = field(default_factory=dict)

    def around(self, resource: str, start: datetime, end: datetime) -> tuple[datetime, datetime]:
        """What is held of a resource for a sitting of that time."""
        before, after = self.buffers[resource]
        return start - timedelta(minutes=before), end + timedelta(minutes=after)

    def in_the_way(
        self, wanted: dict[str, tuple[datetime, datetime]], own: str, now: datetime, *, past_gives_way: bool = False
    ) -> Iterator[tuple[str, str]]:
        """Resource and sitting ("" for a closure) of all that forbids to hold `wanted`."""
        for resource, (start, end) in wanted.items():
            for name, entry in self.entries.items():
                held = entry.holds.get(resource)
                if name == own or held is None or entry.over or entry.lapsed(now):
                    continue
                past = past_gives_way and held.end <= now and entry.status not in UNDER_WAY
                if held.active and held.start < end and held.end > start and not past:
                    yield resource, name
                # A hearing that runs over has its rooms until it ends, which nobody knows.
                if entry.status in UNDER_WAY and held.end <= now and held.start < end and start <= now:
                    yield resource, name
            for closed, begins, ends in self.closures.values():
                if closed == resource and begins < end and ends > start:
                    yield resource, ""

    def is_free(self, resources: Iterable[str], start: datetime, end: datetime, own: str, now: datetime) -> bool:
        """Whether a sitting of these resources could lie there."""
        return not any(self.in_the_way({each: self.around(each, start, end) for each in resources}, own, now))

    # -- what acts that were not refused leave behind --------------------------------------------------------------------------

    def displace(self, wanted: dict[str, tuple[datetime, datetime]], own: str, now: datetime, *, past_gives_way: bool = False) -> None:
        """Holds that bind nobody make room for what is wanted."""
        for resource, (start, end) in wanted.items():
            for name, entry in self.entries.items():
                held = entry.holds.get(resource)
                if name == own or held is None or not (held.start < end and held.end > start):
                    continue
                past = past_gives_way and held.end <= now and entry.status not in UNDER_WAY
                if past or entry.lapsed(now) or entry.over:
                    held.active = False

    def wanted(self, name: str, resources: Collection[str], start: datetime, end: datetime) -> dict[str, tuple[datetime, datetime]]:
        """What a sitting has to be given anew to hold these resources then."""
        entry = self.entries.get(name)
        same = entry is not None and (entry.start, entry.end) == (start, end)
        has = {each for each, held in entry.holds.items() if held.active} if entry is not None and same else set()
        return {each: self.around(each, start, end) for each in resources if each not in has}

    def place(self, name: str, resources: Sequence[str], start: datetime, end: datetime, now: datetime, *, people: Collection[str]) -> None:
        """A sitting that is there holds exactly these resources at that time."""
        entry = self.entries[name]
        new = self.wanted(name, resources, start, end)
        self.displace(new, name, now)
        if (entry.start, entry.end) != (start, end) or new.keys() - set(people):
            entry.state = self.state_of(resources, tentative=entry.state == "tentative")
        entry.holds = {each: Held(*new[each]) if each in new else entry.holds[each] for each in resources}
        entry.start, entry.end = start, end

    def state_of(self, resources: Iterable[str], *, tentative: bool) -> str:
        """How firm a booking of these is."""
        return "tentative" if tentative else "requested" if self.asks & set(resources) else "confirmed"

    def make(self, name: str, resources: Sequence[str], start: datetime, end: datetime, now: datetime, until: datetime | None) -> None:
        """A new sitting."""
        new = self.wanted(name, resources, start, end)
        self.displace(new, name, now)
        state = self.state_of(resources, tentative=until is not None)
        self.entries[name] = Entry(start, end, state, until, holds={each: Held(*span) for each, span in new.items()})

    def longer(self, name: str, end: datetime, now: datetime) -> dict[str, tuple[datetime, datetime]]:
        """What a sitting has to be given anew to go on until `end`."""
        entry = self.entries[name]
        begin = max(entry.end, now)
        spans = {
            each: (held.end if held.active else begin, end + timedelta(minutes=self.buffers[each][1])) for each, held in entry.holds.items()
        }
        return {each: span for each, span in spans.items() if span[0] < span[1]}

    def extend(self, name: str, end: datetime, now: datetime) -> None:
        """A sitting goes on until `end`; what was planned for time that has passed, and never began, gives way."""
        entry, new = self.entries[name], self.longer(name, end, now)
        self.displace(new, name, now, past_gives_way=True)
        for each, (start, until) in new.items():
            held = entry.holds[each]
            entry.holds[each] = Held(held.start if held.active else start, until)
        entry.end = end

    def free(self, name: str, status: str) -> None:
        """A sitting is over: what it had is free."""
        entry = self.entries[name]
        entry.status = status
        for held in entry.holds.values():
            held.active = False

    def held(self) -> set[tuple[str, str, datetime, datetime]]:
        """Every hold that is active: sitting, resource, start, end."""
        return {
            (name, resource, held.start, held.end)
            for name, entry in self.entries.items()
            for resource, held in entry.holds.items()
            if held.active
        }
