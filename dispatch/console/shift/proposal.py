"""Who could look after which sitting: officers on shift, by hours and load. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OnShift:
    """An officer who is on, and until when he means to be."""

    officer: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """A sitting and its time."""

    sitting: str
    begin: datetime
    end: datetime


def proposed(officers: Sequence[OnShift], sittings: Sequence[Span], in_charge: Mapping[str, str]) -> dict[str, str]:
    """An officer for each sitting that has none. `in_charge`: officers by sitting, of those that have one.

    Only who is on until the sitting's end gets it; where nobody is, who is on at its beginning and stays longest. Among those, who has
    the fewest sittings at that time, then the fewest at all, then who comes first. A sitting that begins after everybody has gone gets
    nobody.
    """
    spans = {span.sitting: span for span in sittings}
    held: dict[str, list[Span]] = {one.officer: [] for one in officers}
    for sitting, officer in in_charge.items():
        if officer in held and sitting in spans:
            held[officer].append(spans[sitting])
    found: dict[str, str] = {}
    for span in sorted((span for span in sittings if span.sitting not in in_charge), key=lambda span: (span.begin, span.sitting)):
        able = [one for one in officers if one.until >= span.end]
        if not able:
            longest = max((one.until for one in officers if one.until > span.begin), default=None)
            able = [one for one in officers if one.until == longest]
        if able:
            chosen = min(able, key=lambda one: (_at_once(held[one.officer], span), len(held[one.officer])))
            held[chosen.officer].append(span)
            found[span.sitting] = chosen.officer
    return found


def _at_once(held: Sequence[Span], span: Span) -> int:
    return sum(one.begin < span.end and span.begin < one.end for one in held)
