"""Time in steps of five minutes as the bits of a whole number: what is free when, over months, in microseconds. Pure.

Bit i stands for the step that begins i steps after the grid's origin. Two resources are free together where the AND of their numbers
has a bit; a span of n steps fits where n bits in a row are set, which takes about log2 n shifts (:func:`fitting`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from dispatch.booking.spans import STEP, Span

STEP_MINUTES = int(STEP.total_seconds() // 60)
DAY_STEPS = 24 * 60 // STEP_MINUTES


@dataclass(frozen=True, slots=True)
class Grid:
    """`size` steps from `origin` on, a moment (UTC) on full five minutes."""

    origin: datetime
    size: int

    @property
    def span(self) -> Span:
        """From the first step to the end of the last."""
        return Span(self.origin, self.moment(self.size))

    @property
    def all(self) -> int:
        """Every step."""
        return (1 << self.size) - 1

    def moment(self, step: int) -> datetime:
        """When a step begins."""
        return self.origin + step * STEP

    def first_from(self, at: datetime) -> int:
        """The first step that begins at `at` or later; may lie outside the grid."""
        return -((self.origin - at) // STEP)

    def last_until(self, at: datetime) -> int:
        """The step that holds at `at`; may lie outside the grid."""
        return (at - self.origin) // STEP

    def within(self, spans: Iterable[Span]) -> int:
        """The steps that lie wholly in one of the spans: what is open."""
        return self._bits((self.first_from(span.start), self.last_until(span.end)) for span in spans)

    def touched(self, spans: Iterable[Span]) -> int:
        """The steps of which a moment lies in one of the spans: what is taken."""
        return self._bits((self.last_until(span.start), self.first_from(span.end)) for span in spans if span.start < span.end)

    def _bits(self, ranges: Iterable[tuple[int, int]]) -> int:
        # One character a step, then all at once: thousands of spans by OR would each copy the whole number.
        signs = bytearray(b"0" * self.size)
        for first, after in ranges:
            first, after = max(first, 0), min(after, self.size)
            if first < after:
                signs[self.size - after : self.size - first] = b"1" * (after - first)
        return int(signs or b"0", 2)


def steps_of(minutes: int) -> int:
    """So many minutes in steps, rounded up."""
    return -(-minutes // STEP_MINUTES)


def fitting(free: int, length: int) -> int:
    """The steps from which on `length` steps in a row are free; `length` at least 1."""
    have = 1
    while have < length:
        more = min(have, length - have)
        free &= free >> more
        have += more
    return free


def spread(taken: int, steps: int) -> int:
    """The steps that are taken, and so many before and after each."""
    return following(taken, 2 * steps + 1) >> steps


def following(steps: int, length: int) -> int:
    """The steps that spans of that length cover which begin at one of the steps; `length` at least 1."""
    have = 1
    while have < length:
        more = min(have, length - have)
        steps |= steps << more
        have += more
    return steps


def below(step: int) -> int:
    """All steps before `step`."""
    return (1 << step) - 1 if step > 0 else 0


def first_step(steps: int) -> int:
    """The first of the steps; -1 where there is none."""
    return (steps & -steps).bit_length() - 1


def last_step(steps: int) -> int:
    """The last of the steps; -1 where there is none."""
    return steps.bit_length() - 1


def nearest_step(steps: int, wanted: int) -> int:
    """The step nearest to the wanted one, of two equally near the later; -1 where there is none."""
    before = last_step(steps & below(wanted))
    after = first_step(steps >> wanted if wanted > 0 else steps)
    if after < 0:
        return before
    after += max(wanted, 0)
    return after if before < 0 or after - wanted <= wanted - before else before


def each_step(steps: int) -> Iterator[int]:
    """The steps in order."""
    while steps:
        lowest = steps & -steps
        yield lowest.bit_length() - 1
        steps ^= lowest


def runs(steps: int) -> Iterator[tuple[int, int]]:
    """The rows of steps without a hole, as (first, the one after the last), in order."""
    at = 0
    while steps:
        gap = first_step(steps)
        steps >>= gap
        length = first_step(~steps)
        yield at + gap, at + gap + length
        steps >>= length
        at += gap + length
