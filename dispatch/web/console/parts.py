"""The board's sittings in one language, each built again only when it changed, and what a line has yet to be told of them. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dispatch.console.situation import Booked, Handled, Words, clock_minutes, order, situation

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A sitting's part of the message. `version` is another one whenever it differs; `text` is `told` as JSON; `clock`: what of it
    only the clock says."""

    version: int
    booked: Booked
    told: Json
    text: str
    clock: tuple[str, int] | None


class Parts:
    """Mark what changed with :meth:`touch`, then :meth:`update`."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._parts: dict[str, Part] = {}
        self._touched: set[str] = set()
        self._versions = 0

    def touch(self, sitting: str) -> None:
        """Its overview may have changed."""
        self._touched.add(sitting)

    def update(
        self,
        booked: Sequence[Booked],
        overview: Callable[[str], Json | None],
        now_us: int,
        handled: Mapping[str, Sequence[Handled]] | None = None,
    ) -> list[Part]:
        """The parts as they are now, trouble first. `handled`: alerts by sitting; touch a sitting whose differ. `overview` is asked
        only for sittings that are new or were touched, were booked anew, or of which the clock says something else."""
        parts: dict[str, Part] = {}
        for sitting in booked:
            part = self._parts.get(sitting.id)
            if part is None or sitting.id in self._touched or part.booked != sitting or part.clock != _clock(part, now_us):
                part = self._built(sitting, overview(sitting.id), now_us, part, (handled or {}).get(sitting.id, ()))
            parts[sitting.id] = part
        self._touched.clear()
        self._parts = parts
        return sorted(parts.values(), key=lambda part: order(part.told))

    def _built(self, booked: Booked, live: Json | None, now_us: int, former: Part | None, handled: Sequence[Handled]) -> Part:
        told = situation(booked, live, now_us, self._words, handled=handled)
        text = dumped(told)
        if former is not None and former.text == text:
            version = former.version
        else:
            self._versions += 1
            version = self._versions
        return Part(version, booked, told, text, clock_minutes(booked, told["status"], now_us))


def _clock(part: Part, now_us: int) -> tuple[str, int] | None:
    return clock_minutes(part.booked, part.told["status"], now_us)


@dataclass(slots=True)
class Told:
    """What one line was told: the whole first, later only what is new, and which sittings went away."""

    _versions: dict[str, int] | None = None
    _rest: dict[str, str] = field(default_factory=dict)

    def next(self, parts: Sequence[Part], rest: Mapping[str, Any], now_us: int) -> str | None:
        """The next message as JSON; None where there is nothing new. `rest`: what else the message has, by name; of it too only what
        differs is told again."""
        former, versions = self._versions, {part.told["id"]: part.version for part in parts}
        new = [part for part in parts if former is None or former.get(part.told["id"]) != part.version]
        gone = [sitting for sitting in former or () if sitting not in versions]
        others = {name: text for name, value in rest.items() if (text := dumped(value)) != self._rest.get(name)}
        self._versions = versions
        self._rest |= others
        if former is not None and not new and not gone and not others:
            return None
        fields = {"type": '"console"' if former is None else '"changes"', "now_us": str(now_us), **others}
        fields["sittings"] = "[" + ",".join(part.text for part in new) + "]"
        if former is not None:
            fields["gone"] = dumped(gone)
        return "{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}"


def dumped(message: Any) -> str:
    """One text frame, or a piece of one."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
