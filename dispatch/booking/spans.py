"""Spans of time [start, end) and the free time nearest to a wanted one. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

STEP = timedelta(minutes=5)
"""Starts are proposed on full five minutes."""
STEP_S = 300
EPOCH, SECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1)
DAY_BEGINS, DAY_ENDS = time(8), time(20)
"""Within these hours of the court a free time is proposed; outside when the wanted one was outside too, or none is free within."""
DAYS = 14
"""So many days before and after the wanted one have their hours looked at."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open span of time: one that ends when another starts is not in its way."""

    start: datetime
    end: datetime

    def overlaps(self, other: Span) -> bool:
        """Whether the two have a moment in common."""
        return self.start < other.end and other.start < self.end


def in_hours(span: Span, zone: ZoneInfo) -> bool:
    """Whether the span lies within the court's usual hours of one day."""
    start, end = span.start.astimezone(zone), span.end.astimezone(zone)
    return start.date() == end.date() and start.time() >= DAY_BEGINS and end.time() <= DAY_ENDS


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same moments as disjoint spans, in order."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def nearest_free(
    wanted: Span, taken: Iterable[Span], earliest: datetime, zone: ZoneInfo, opened: Sequence[Span] = ()
) -> datetime:  # fmt: skip
    """The start nearest to the wanted one, not before `earliest`, at which the wanted length meets nothing that is taken.

    There always is one: after everything. Of two equally near the later is taken, as people have been told the wanted day.
    `opened`: disjoint spans, in order, in which nothing stands against it; where the wanted one lies in one of them, so does what is
    found, if there is any such. Times are UTC.
    """
    # Whole seconds since the beginning of 1970, where full five minutes begin too: some hundred starts are looked at.
    at, until, soonest_at = _seconds(wanted.start), _seconds(wanted.end), -(-(earliest - EPOCH) // SECOND)
    length = until - at
    busy = _joined((_seconds(span.start), -(-(span.end - EPOCH) // SECOND)) for span in taken)
    opens = [(-(-(span.start - EPOCH) // SECOND), _seconds(span.end)) for span in opened]
    day = wanted.start.astimezone(zone).date()
    days = [day + timedelta(days=n) for n in range(-DAYS, DAYS + 1)]
    # A nearest free start lies where something taken or the night ends, or just so far before either begins that it still fits.
    soonest = {at, soonest_at, *(end for _, end in busy), *(_moment(day, DAY_BEGINS, zone) for day in days)}
    latest = {*(begin - length for begin, _ in busy), *(_moment(day, DAY_ENDS, zone) - length for day in days)}
    if inside := any(begin <= at and until <= end for begin, end in opens):
        soonest |= {begin for begin, _ in opens}
        latest |= {end - length for _, end in opens}
    starts = {-(-moment // STEP_S) * STEP_S for moment in soonest} | {moment // STEP_S * STEP_S for moment in latest}
    begins, opened_at = [begin for begin, _ in busy], [begin for begin, _ in opens]

    def is_free(start: int) -> bool:
        before_its_end = bisect_left(begins, start + length)
        return before_its_end == 0 or busy[before_its_end - 1][1] <= start

    def is_open(start: int) -> bool:
        around = bisect_right(opened_at, start)
        return around > 0 and start + length <= opens[around - 1][1]

    # Sorted first, since the best of some hundreds is most often among the first few.
    nearest = sorted((abs(start - at), start < at, start) for start in starts if start >= soonest_at)
    if inside and (best := next((start for _, _, start in nearest if is_open(start) and is_free(start)), None)) is not None:
        return EPOCH + best * SECOND
    free = [Span(EPOCH + start * SECOND, EPOCH + (start + length) * SECOND) for _, _, start in nearest if is_free(start)]
    usual = (span for span in free if in_hours(span, zone)) if in_hours(wanted, zone) else iter(free)
    return next(usual, free[0]).start


def is_nearest(found: datetime, wanted: Span, reach: timedelta, opened: Sequence[Span]) -> bool:
    """Whether what :func:`nearest_free` found among all that is taken and opened within `reach` of the wanted span is what it would find
    among everything: it lies within that, and in one of the opened spans where the wanted one does."""
    if abs(found - wanted.start) >= reach:
        return False
    proposed = Span(found, found + (wanted.end - wanted.start))
    return _lies_in(proposed, opened) or not _lies_in(wanted, opened)


def _lies_in(span: Span, spans: Iterable[Span]) -> bool:
    """Whether the span lies whole within one of these."""
    return any(each.start <= span.start and span.end <= each.end for each in spans)


def _seconds(moment: datetime) -> int:
    return (moment - EPOCH) // SECOND


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """:func:`merged`, of seconds."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


@lru_cache(maxsize=4096)
def _moment(day: date, clock: time, zone: ZoneInfo) -> int:
    return _seconds(datetime.combine(day, clock, zone).astimezone(UTC))


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What of `spans` is not taken, as disjoint spans in order."""
    found: list[Span] = []
    away = merged(taken)
    next_away = 0
    for span in merged(spans):
        start = span.start
        while next_away < len(away) and away[next_away].end <= start:
            next_away += 1
        for other in away[next_away:]:
            if other.start >= span.end:
                break
            if other.start > start:
                found.append(Span(start, other.start))
            start = max(start, other.end)
        if start < span.end:
            found.append(Span(start, span.end))
    return found


def within(spans: Iterable[Span], window: Span) -> list[Span]:
    """What of `spans` lies in the window, in their order."""
    cut = (Span(max(span.start, window.start), min(span.end, window.end)) for span in spans)
    return [span for span in cut if span.start < span.end]
