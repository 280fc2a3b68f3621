"""What a sealed folder holds on one axis of time: where each segment plays, and where nothing was recorded.

Position 0 is the first start in the ledger; position = wall-clock time − start. Recesses keep their length.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from itertools import groupby, pairwise
from typing import Any, Literal

from rooms.recording.matroska import block_times_ms

GAP_US = 100_000
ABSENT_MS = 1500
"""Video without a frame for this long is shown as off."""
Span = tuple[int, int]
Pause = Literal["recess", "private", "unrecorded"]


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the recording, wall-clock µs. "recess": it was stopped; `pause` says for what, `names` are those of the stage, by
    language, where the log tells them (:mod:`rooms.recording.unrecorded`)."""

    from_us: int
    to_us: int
    kind: Literal["recording", "recess", "gap"]
    pause: Pause = "recess"
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Placement:
    """A segment on the axis: file time 0 is `start_us`; it plays until `to_us`, where a later segment may take over."""

    file: Traversable
    start_us: int
    to_us: int


@dataclass(frozen=True, slots=True)
class TrackLine:
    """Segments of one source of one endpoint in one codec, in order, none overlapping the next.

    A source that came back in another codec goes on in another line: a player takes one codec for one input.
    """

    endpoint: str
    source: str
    placements: tuple[Placement, ...]

    def present(self) -> list[Span]:
        """Wall-clock spans in which the track has frames, read from the files."""
        return [span for _placement, spans in self.pieces(ABSENT_MS) for span in spans]

    def pieces(self, longest_pause_ms: int) -> Iterator[tuple[Placement, list[Span]]]:
        """Each file with the wall-clock spans of it in which there is no longer pause between two frames."""
        for placement in self.placements:
            times = [placement.start_us + 1000 * ms for ms in block_times_ms(placement.file)]
            yield placement, _runs([at for at in times if at < placement.to_us], longest_pause_ms * 1000)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A sitting's recording: `start_us` to `end_us`."""

    start_us: int
    end_us: int
    bands: tuple[Band, ...]
    tracks: tuple[TrackLine, ...]

    @property
    def duration_s(self) -> float:
        """Length of the composite."""
        return (self.end_us - self.start_us) / 1e6

    def to_json(self) -> dict[str, Any]:
        """``derived/timeline.json``: {"start_us", "duration_s", "bands": [{"from_us", "to_us", "kind"}]}."""
        bands = [{"from_us": band.from_us, "to_us": band.to_us, "kind": band.kind} for band in self.bands]
        return {"start_us": self.start_us, "duration_s": self.duration_s, "bands": bands}


def load(folder: Traversable) -> tuple[Timeline, dict[str, Any]]:
    """Timeline and manifest of a sealed folder. Raises OSError or ValueError if it is not sealed, or has no recording."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    tracks = track_lines(folder, manifest["segments"], set(manifest["missing"]))
    on = recorded_spans(manifest["ledger"])
    if not on:
        raise ValueError(f"{folder} holds no recording")
    covered = [(p.start_us, p.to_us) for track in tracks for p in track.placements]
    bands = list(_bands(on, list(_outages(manifest["ledger"], on[-1][1])), covered))
    return Timeline(on[0][0], on[-1][1], tuple(bands), tracks), manifest


def track_lines(folder: Traversable, segments: Iterable[Mapping[str, Any]], missing: set[str]) -> tuple[TrackLine, ...]:
    """Segments by track and run of one codec; where two overlap (a restarted recorder is sent the last seconds again) the later
    one plays."""
    by_track: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in segments:
        if row["file"] not in missing and row.get("frames"):
            by_track.setdefault((row["endpoint"], row["source"]), []).append(row)
    lines = []
    for (endpoint, source), rows in sorted(by_track.items()):
        rows.sort(key=lambda row: (row["start_us"], row["number"]))
        ends = [min(row["end_us"], after["start_us"]) for row, after in pairwise(rows)] + [rows[-1]["end_us"]]
        for _, run in groupby(zip(rows, ends, strict=True), key=lambda pair: pair[0]["codec"]):
            placements = (Placement(folder / row["file"], row["start_us"], end) for row, end in run)
            lines.append(TrackLine(endpoint, source, tuple(p for p in placements if p.to_us > p.start_us)))
    return tuple(lines)


def recorded_spans(ledger: Iterable[Mapping[str, Any]]) -> list[Span]:
    """From each start to its stop."""
    spans: list[Span] = []
    since: int | None = None
    for row in ledger:
        if row["kind"] == "start" and since is None:
            since = row["at_us"]
        elif row["kind"] == "stop" and since is not None:
            spans.append((since, row["at_us"]))
            since = None
    return spans


def _outages(ledger: Sequence[Mapping[str, Any]], end_us: int) -> Iterable[Span]:
    alarm_us: int | None = None
    for row in ledger:
        if row["kind"] == "restart":
            yield row["from_us"], row["to_us"]
        elif row["kind"] == "alarm" and row["cause"] != "clock":
            alarm_us = row["at_us"]
        elif row["kind"] == "alarm_cleared" and alarm_us is not None:
            yield alarm_us, row["at_us"]
            alarm_us = None
    if alarm_us is not None:
        yield alarm_us, end_us


def _bands(on: Sequence[Span], outages: Sequence[Span], covered: Sequence[Span]) -> Iterable[Band]:
    for index, (start, end) in enumerate(on):
        if index:
            yield Band(on[index - 1][1], start, "recess")
        at = start
        for gap_start, gap_end in _uncovered(_clipped(outages, start, end), covered):
            if gap_start > at:
                yield Band(at, gap_start, "recording")
            yield Band(gap_start, gap_end, "gap")
            at = gap_end
        if end > at:
            yield Band(at, end, "recording")


def _clipped(spans: Iterable[Span], start: int, end: int) -> list[Span]:
    return merge((max(a, start), min(b, end)) for a, b in spans if b > start and a < end)


def _uncovered(spans: Sequence[Span], covered: Sequence[Span]) -> Iterable[Span]:
    """The parts of `spans` longer than 100 ms in which no track was recorded."""
    for start, end in spans:
        at = start
        for a, b in merge(covered):
            if b <= at or a >= end:
                continue
            if a - at > GAP_US:
                yield at, a
            at = max(at, b)
        if end - at > GAP_US:
            yield at, end


def merge(spans: Iterable[Span]) -> list[Span]:
    """Spans sorted, those that touch made one."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def common(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """The time that is in both."""
    return [span for a, b in one for c, d in other if (span := (max(a, c), min(b, d)))[0] < span[1]]


def without(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """The time of `spans` that is in none of `taken` (merged)."""
    return [rest for span in spans for rest in _rests(span, taken)]


def _rests(span: Span, taken: Sequence[Span]) -> Iterator[Span]:
    at, end = span
    for a, b in taken:
        if b <= at or a >= end:
            continue
        if a > at:
            yield at, a
        at = max(at, b)
    if at < end:
        yield at, end


def _runs(times: Sequence[int], longest_pause: int) -> list[Span]:
    """Spans of `times` with no pause longer than that; each span ends one usual frame after its last time."""
    runs: list[Span] = []
    for at in times:
        if runs and at - runs[-1][1] <= longest_pause:
            runs[-1] = (runs[-1][0], at)
        else:
            runs.append((at, at))
    return [(start, end + 100_000) for start, end in runs]
