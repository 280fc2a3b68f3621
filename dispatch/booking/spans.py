"""Spans of time [start, end) and the free time nearest to a wanted one. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

STEP = timedelta(minutes=5)
"""Starts are proposed on full five minutes."""
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


def rounded_up(moment: datetime) -> datetime:
    """The next full five minutes, the moment itself where it is one."""
    over = (moment - datetime.min.replace(tzinfo=moment.tzinfo)) % STEP
    return moment + (STEP - over) if over else moment


def rounded_down(moment: datetime) -> datetime:
    """The last full five minutes, the moment itself where it is one."""
    return moment - (moment - datetime.min.replace(tzinfo=moment.tzinfo)) % STEP


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
    length = wanted.end - wanted.start
    busy = merged(taken)
    day = wanted.start.astimezone(zone).date()
    days = [day + timedelta(days=n) for n in range(-DAYS, DAYS + 1)]
    # A nearest free start lies where something taken or the night ends, or just so far before either begins that it still fits.
    soonest = {wanted.start, earliest, *(span.end for span in busy), *(_moment(day, DAY_BEGINS, zone) for day in days)}
    latest = {*(span.start - length for span in busy), *(_moment(day, DAY_ENDS, zone) - length for day in days)}
    if inside := any(each.start <= wanted.start and wanted.end <= each.end for each in opened):
        soonest |= {each.start for each in opened}
        latest |= {each.end - length for each in opened}
    starts = {rounded_up(moment) for moment in soonest} | {rounded_down(moment) for moment in latest}
    begins = [span.start for span in busy]

    def is_free(span: Span) -> bool:
        before_its_end = bisect_left(begins, span.end)
        return before_its_end == 0 or busy[before_its_end - 1].end <= span.start

    spans = (Span(start, start + length) for start in starts if start >= earliest)
    free = sorted(filter(is_free, spans), key=lambda span: (abs(span.start - wanted.start), span.start < wanted.start))
    if inside:
        opens = [each.start for each in opened]

        def is_open(span: Span) -> bool:
            around = bisect_right(opens, span.start)
            return around > 0 and span.end <= opened[around - 1].end

        if (best := next(filter(is_open, free), None)) is not None:
            return best.start
    usual = (span for span in free if in_hours(span, zone)) if in_hours(wanted, zone) else iter(free)
    return next(usual, free[0]).start


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)


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
