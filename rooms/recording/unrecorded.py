"""Why nothing was recorded between a stop and the next start: by the stages of the event log. Pure.

A recess is one; a private phase (deliberation) is another, of which nothing is ever recorded; and a stage that is recorded only where
somebody wants it is a third. Whoever watches the film is told which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from rooms.log import Row
from rooms.procedure import Procedure
from rooms.procedure.model import Stage
from rooms.recording.timeline import Band, Pause, Timeline


@dataclass(frozen=True, slots=True)
class _Held:
    """From when on a stage was held. `pause`: why it is not recorded, None where it is."""

    at_us: int
    pause: Pause | None
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Named:
    """A stage and how long it lasted, wall-clock µs; its names by language."""

    from_us: int
    to_us: int
    names: Mapping[str, str]


def named(line: Timeline, rows: Iterable[Row], held: Procedure | None) -> tuple[Named, ...]:
    """The stages of the recording, in order, each until the next one began."""
    changes = [_of(row.at_us, row.data, held) for row in rows if row.type == "stage_changed"]
    ends = [*(change.at_us for change in changes[1:]), line.end_us]
    spans = ((max(change.at_us, line.start_us), min(end, line.end_us), change.names) for change, end in zip(changes, ends, strict=False))
    return tuple(Named(begin, end, names) for begin, end, names in spans if begin < end)


def explained(line: Timeline, rows: Iterable[Row], held: Procedure | None) -> Timeline:
    """The same time line, each stop of the recording told apart by the stages that it went through."""
    changes = [_of(row.at_us, row.data, held) for row in rows if row.type == "stage_changed"]
    if not changes:
        return line
    bands = (part for band in line.bands for part in (_parts(band, changes) if band.kind == "recess" else (band,)))
    return replace(line, bands=tuple(bands))


def _of(at_us: int, data: Mapping[str, Any], held: Procedure | None) -> _Held:
    stage = held.stages.get(data["to"]) if held is not None else None
    return _Held(at_us, _pause(stage, str(data["to"])), data.get("names") or (stage.names if stage is not None else {}))


def _pause(stage: Stage | None, name: str) -> Pause | None:
    if stage is None:
        return "recess" if name == "recess" else None
    if stage.private and not stage.recorded:
        return "private"  # also where the sitting as a whole is in recess meanwhile
    if stage.pause or stage.status == "recess":
        return "recess"
    return None if stage.recorded else "unrecorded"


def _parts(band: Band, changes: Sequence[_Held]) -> list[Band]:
    """The recorder stops a little after the stage began and starts a little after the next one did: those moments belong to what lies
    between them."""
    begun = [each for each in changes if each.at_us <= band.from_us][-1:]
    within = [*begun, *(each for each in changes if band.from_us < each.at_us < band.to_us)]
    paused = [each for each in within if each.pause is not None]
    if not paused:
        return [band]
    cuts = [band.from_us, *(each.at_us for each in paused[1:]), band.to_us]
    return [
        Band(begin, end, "recess", each.pause or "recess", each.names)
        for (begin, end), each in zip(pairwise(cuts), paused, strict=True)
        if end > begin
    ]
