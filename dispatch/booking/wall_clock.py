"""Between moments and what a clock on the wall shows, right on the days on which it is put forward or back. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dispatch.booking.spans import Span

MIDNIGHT = time()
DAY_MINUTES = 24 * 60
_MINUTE = timedelta(minutes=1)


def moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment (UTC) at which the clock of `zone` shows `wall`, which has no zone.

    A time that comes twice means the first, one that is left out is reckoned by the offset before the gap (RFC 5545 section 3.3.5).
    """
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def wall_time(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clock of `zone` shows at a moment, without a zone."""
    return at.astimezone(zone).replace(tzinfo=None)


def day_span(day: date, zone: ZoneInfo) -> Span:
    """From midnight to midnight of a local day: 23, 24 or 25 hours."""
    return Span(_midnight(day, zone), _midnight(day + timedelta(days=1), zone))


@lru_cache(maxsize=8192)
def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return moment(datetime.combine(day, MIDNIGHT), zone)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).replace(tzinfo=UTC) - at


@lru_cache(maxsize=8192)
def _offsets(day: date, zone: ZoneInfo) -> tuple[tuple[timedelta, datetime | None, datetime | None], ...]:
    """The offsets that hold somewhere from a day before `day` until two after, each with the moments between which it does; None
    where it did before or does afterwards. No zone changes its offset twice in four days."""
    noon = datetime.combine(day, time(12), UTC)
    low, high = noon - timedelta(days=2), noon + timedelta(days=3)
    before, after = _offset(low, zone), _offset(high, zone)
    if before == after:
        return ((before, None, None),)
    while high - low > _MINUTE:
        middle = low + (high - low) // 2 // _MINUTE * _MINUTE
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return (before, None, high), (after, high, None)


@lru_cache(maxsize=8192)
def moments_shown(day: date, begins: int, ends: int, zone: ZoneInfo) -> tuple[Span, ...]:
    """The spans (UTC) in which the clock of `zone` shows a time from `begins` to `ends`, minutes since midnight of `day`; `ends`
    may lie in the next day, at most 48 h.

    One span on most days, and none where the clock is put forward over all of it. Two, which may touch, where it is put forward or back
    within it.
    """
    midnight = datetime.combine(day, MIDNIGHT, UTC)
    found = []
    for offset, since, until in _offsets(day, zone):
        start, end = midnight + timedelta(minutes=begins) - offset, midnight + timedelta(minutes=ends) - offset
        start, end = max(start, since or start), min(end, until or end)
        if start < end:
            found.append(Span(start, end))
    return tuple(found)
