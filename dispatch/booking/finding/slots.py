"""What is looked for when a time is sought, and what is found. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dispatch.booking.catalogue.hours import WeeklyHours
from dispatch.booking.spans import Span
from dispatch.booking.wall_clock import day_span


@dataclass(frozen=True, slots=True)
class Candidate:
    """A resource that would do for a need. `before`, `after`: set-up and clear-up in minutes."""

    id: str
    kind: str = "room"
    site_id: str = ""
    seats: int = 0
    features: frozenset[str] = frozenset()
    before: int = 0
    after: int = 0
    needs_approval: bool = False


def suiting(
    candidates: Iterable[Candidate], kinds: Iterable[str] = (), seats: int = 0, features: Iterable[str] = ()
) -> tuple[Candidate, ...]:
    """Those of one of the kinds (any, where none is named), with so many seats and all of the features."""
    wanted_kinds, wanted = frozenset(kinds), frozenset(features)
    return tuple(
        each for each in candidates if each.seats >= seats and wanted <= each.features and (not wanted_kinds or each.kind in wanted_kinds)
    )


@dataclass(frozen=True, slots=True)
class Need:
    """Any one of the candidates is needed. `seats`: how many are wanted, which decides what is too large. `travels`: a person or a
    thing that is brought to the room, wherever it was before; else it serves from where it is (a cell, a second room)."""

    candidates: tuple[Candidate, ...]
    seats: int = 0
    travels: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. The first need is the place: slots are ranked by it.

    `earliest`: nothing starts before (the present). `noticed_from`: what starts sooner than statutory notice allows (DOMAIN.md
    section 7) needs an override; None where none is due. `near`: the wanted time, else the earliest possible. `preferred`: hours of
    the day that people like. `site_id`: where the case was heard last. `outside_hours`: whether slots may lie outside working hours,
    at a cost. `travel`: minutes between two sites; a pair that is missing takes none. `most` slots, `per_room` of one place.
    """

    minutes: int
    needs: tuple[Need, ...]
    window: Span
    earliest: datetime
    zone: ZoneInfo
    noticed_from: datetime | None = None
    near: datetime | None = None
    preferred: WeeklyHours | None = None
    site_id: str = ""
    outside_hours: bool = False
    travel: Mapping[tuple[str, str], int] = field(default_factory=dict)
    most: int = 20
    per_room: int = 3

    def travel_minutes(self, one: str, other: str) -> int:
        """How long it takes from one site to the other."""
        return 0 if one == other else self.travel.get((one, other), self.travel.get((other, one), 0))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a slot is good (cost 0) or what it costs; pages say "slot.<code>" with the data.

    right_size, large_room (seats, wanted) · same_site, other_site (site_id) · in_hours, outside_hours (resource_id of a single one) ·
    short_notice (earliest: needs an override) · needs_approval (resource_id) · preferred, not_preferred · tight (minutes) ·
    gap (minutes) · travel (resource_id, site_id it comes from) · days_off (days)
    """

    code: str
    cost: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slot:
    """A proposal: the span of the sitting itself (UTC), a resource for each need in their order, and why."""

    span: Span
    resource_ids: tuple[str, ...]
    cost: int
    reasons: tuple[Reason, ...]


def notice_from(now: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The first moment for which notice given now is given `days` days before (DOMAIN.md section 7: three): midnight of the local day
    that comes so many whole days after today. The day of the act does not count (CPL art. 105)."""
    today: date = now.astimezone(zone).date()
    return day_span(today + timedelta(days=days + 1), zone).start.astimezone(UTC)
