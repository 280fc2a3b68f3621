"""The folder of a recorded sitting as a stranger finds it: lines of JSON, and libav. None of the code that wrote it is used."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

WHITE = 225


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of one track. `start_s`: the wall clock, s since the epoch, at the file's time 0."""

    path: Path
    endpoint: str
    source: str
    start_s: float


@dataclass(frozen=True, slots=True)
class Content:
    """What decoding a file gave, wall clock in s: where it begins and ends, how much of that time is filled with frames (of
    sound), and the longest time between two frames."""

    begins: float
    ends: float
    filled: float
    pause: float
    frames: int


@dataclass(frozen=True, slots=True)
class Folder:
    """A sitting's folder, while it is written or sealed."""

    root: Path

    @property
    def sealed(self) -> bool:
        """Whether it has its manifest."""
        return (self.root / "manifest.json").exists()

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The whole lines of a list, as "events" or "heartbeat"."""
        text = (self.root / f"{name}.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def written(self, endpoint: str, source: str) -> tuple[float, int, int]:
        """The newest heartbeat of a track: (wall clock s, packets taken, frames written)."""
        beat = self.rows("heartbeat")[-1]
        track = next(t for t in beat["tracks"] if (t["endpoint"], t["source"]) == (endpoint, source))
        return beat["at_us"] / 1e6, track["packets"], track["frames"]

    def pieces(self) -> list[Piece]:
        """All files of tracks that the manifest names, in order of time."""
        manifest = json.loads((self.root / "manifest.json").read_bytes())
        rows = sorted(manifest["segments"], key=lambda row: row["start_us"])
        return [Piece(self.root / row["file"], row["endpoint"], row["source"], row["start_us"] / 1e6) for row in rows]


def content(piece: Piece) -> Content:
    """Decode a whole file; libav raises where it cannot."""
    spans: list[tuple[float, float]] = []
    for at_s, frame in _frames(piece.path):
        length_s = frame.samples / frame.sample_rate if isinstance(frame, av.AudioFrame) else 0.0
        spans.append((at_s, at_s + length_s))
    filled = sum(end - begin for begin, end in spans)
    pause = max((after[0] - before[1] for before, after in itertools.pairwise(spans)), default=0.0)
    return Content(piece.start_s + spans[0][0], piece.start_s + max(end for _, end in spans), filled, pause, len(spans))


def flashes(path: Path) -> tuple[list[float], tuple[int, ...]]:
    """Seconds on the file's own time axis at which the picture turns white, and its usual colour between (RGB)."""
    starts: list[float] = []
    colours: list[np.ndarray] = []
    was_white = True
    for at_s, frame in _frames(path):
        assert isinstance(frame, av.VideoFrame)
        pixel = frame.reformat(width=16, height=9, format="rgb24").to_ndarray()[3, 8]
        is_white = bool((pixel > WHITE).all())
        if is_white and not was_white:
            starts.append(at_s)
        if not is_white:
            colours.append(pixel)
        was_white = is_white
    return starts, tuple(int(part) for part in np.median(colours, axis=0))


def _frames(path: Path) -> Iterator[tuple[float, av.AudioFrame | av.VideoFrame]]:
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams[0]):
            assert isinstance(frame, av.AudioFrame | av.VideoFrame)
            assert frame.pts is not None
            assert frame.time_base is not None
            yield float(frame.pts * frame.time_base), frame
