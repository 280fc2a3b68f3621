"""The figures of a report: how they come out of sittings, incidents and tasks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from dispatch.console.reports.incidents import Answer, Incidents

ON_TIME_S = 300
"""So long after its booked time a sitting still begins on time; early counts as on time."""
LATE_S = (900, 1800)
"""Where the next columns of delays begin to end: up to a quarter and up to half of an hour; then more."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Of some durations, seconds; None where there are none. `p90`: nine of ten took no longer (nearest rank)."""

    count: int = 0
    median: float | None = None
    p90: float | None = None
    most: float | None = None

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Spread:
        """Of those that are known."""
        known = sorted(value for value in values if value is not None)
        if not known:
            return cls()
        middle = len(known) // 2
        median = known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2
        return cls(len(known), median, known[-(-len(known) * 9 // 10) - 1], known[-1])


@dataclass(frozen=True, slots=True)
class Held:
    """A sitting of the period, and what went wrong in it. Times as booked and as it was opened and closed."""

    day: date
    kind: str
    status: str
    starts_at: datetime
    ends_at: datetime
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    incidents: Incidents = field(default_factory=Incidents)


@dataclass(frozen=True, slots=True)
class Delays:
    """Of the sittings of a kind that were opened: how many on time, a little late, later, and much later; how late those that were late;
    how many went on past their booked end, and by how much."""

    opened: int
    steps: tuple[int, int, int, int]
    late: Spread
    over: Spread


@dataclass(frozen=True, slots=True)
class Lost:
    """Of the opened sittings of a kind: `hit`: in how many a connection was lost; `lost`: how many connections; `gone`: of whom nobody came
    back; `away`: how long the others were away."""

    opened: int
    hit: int
    lost: int
    gone: int
    away: Spread


@dataclass(frozen=True, slots=True)
class Answered:
    """Alerts of a code: how many, how many somebody answered, how long that took, how long they lasted."""

    raised: int
    answered: Spread
    lasted: Spread


@dataclass(frozen=True, slots=True)
class Step:
    """What a team's task took, seconds since it was sent; None for what has not come. `late`: done after its deadline, or overdue;
    `team_en`: its name in English, or ""."""

    team: str
    signed_s: float | None
    arrived_s: float | None
    reported_s: float | None
    ended_s: float | None
    late: bool
    team_en: str = ""


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of a team."""

    sent: int
    late: int
    signed: Spread
    arrived: Spread
    reported: Spread
    ended: Spread


def delays(sittings: Sequence[Held]) -> Delays:
    """Against the booking."""
    begun = [(each.opened_at - each.starts_at).total_seconds() for each in sittings if each.opened_at is not None]
    steps = [0, 0, 0, 0]
    for late in begun:
        steps[sum(late > limit for limit in (ON_TIME_S, *LATE_S))] += 1
    over = [(each.closed_at - each.ends_at).total_seconds() for each in sittings if each.opened_at and each.closed_at is not None]
    return Delays(
        len(begun),
        (steps[0], steps[1], steps[2], steps[3]),
        Spread.of(late for late in begun if late > ON_TIME_S),
        Spread.of(late for late in over if late > 0),
    )


def lost(sittings: Sequence[Held]) -> Lost:
    """Disconnections."""
    opened = [each for each in sittings if each.opened_at is not None]
    all_of_them = [one for each in opened for one in each.incidents.disconnections]
    away = Spread.of(one.away_s for one in all_of_them)
    return Lost(
        len(opened), sum(bool(each.incidents.disconnections) for each in opened), len(all_of_them), len(all_of_them) - away.count, away
    )


def answered(alerts: Sequence[Answer]) -> Answered:
    """Time to answer."""
    return Answered(len(alerts), Spread.of(each.answered_s for each in alerts), Spread.of(each.lasted_s for each in alerts))


def tasks(steps: Sequence[Step]) -> Tasks:
    """Task times."""
    times = [Spread.of(getattr(each, name) for each in steps) for name in ("signed_s", "arrived_s", "reported_s", "ended_s")]
    return Tasks(len(steps), sum(each.late for each in steps), *times)


@dataclass(frozen=True, slots=True)
class Day:
    """A day, or a month where the period is long: sittings that were not cancelled, lost connections, alerts."""

    first: date
    held: int
    lost: int
    alerts: int


MOST_COLUMNS = 62
"""Of more days the months are shown."""


def by_day(sittings: Sequence[Held], days: Sequence[date]) -> list[Day]:
    """Each day of the period, also those on which there was nothing."""
    months = len(days) > MOST_COLUMNS
    columns = list(dict.fromkeys(day.replace(day=1) if months else day for day in days))
    found = {column: [0, 0, 0] for column in columns}
    for each in sittings:
        counts = found.get(each.day.replace(day=1) if months else each.day)
        if counts is not None and each.status != "cancelled":
            counts[0] += 1
            counts[1] += len(each.incidents.disconnections)
            counts[2] += len(each.incidents.alerts)
    return [Day(column, *counts) for column, counts in found.items()]
