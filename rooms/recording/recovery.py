"""What an earlier recorder left in a sitting's folder, and how its last files ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rooms.recording.matroska import block_times_ms

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What an opened folder already held.

    `running`: started and not stopped; `stopped_us`: the last stop, or 0; `epoch`: the highest in the ledger;
    `last_event`: the last `seq` in the event log.
    """

    running: bool = False
    stopped_us: int = 0
    epoch: int = 0
    last_event: int = 0
    sealed: bool = False


def read_ledger(ledger: Iterable[Row], last_event: int) -> Found:
    """What the ledger says of starts and stops."""
    rows = list(ledger)
    turns = [row for row in rows if row["kind"] in ("start", "restart", "stop")]
    stops = [int(row["at_us"]) for row in turns if row["kind"] == "stop"]
    epochs = [int(row["epoch"]) for row in rows]
    return Found(bool(turns) and turns[-1]["kind"] != "stop", max(stops, default=0), max(epochs, default=0), last_event)


def interrupted(root: Path, segments: Sequence[Row]) -> Iterator[tuple[Row, dict[str, Any]]]:
    """Segments that were opened and never closed, each with the row that closes it, measured from the file itself."""
    closed = {row["file"] for row in segments if row["row"] == "closed"}
    for opened in segments:
        if opened["row"] == "opened" and opened["file"] not in closed:
            path = root / opened["file"]
            times = list(block_times_ms(path)) if path.exists() else []
            yield (
                opened,
                {
                    "row": "closed",
                    "file": opened["file"],
                    "end_us": opened["start_us"] + 1000 * max(times, default=0),
                    "packets": None,
                    "frames": len(times),
                    "lost": None,
                    "bytes": None,
                    "cause": "interrupted",
                },
            )


def ends(segments: Sequence[Row]) -> Iterator[tuple[tuple[str, str], int]]:
    """(endpoint, source) and end of every closed segment."""
    tracks = {row["file"]: (row["endpoint"], row["source"]) for row in segments if row["row"] == "opened"}
    yield from ((tracks[row["file"]], row["end_us"]) for row in segments if row["row"] == "closed")


def last_number(tracks: Path, segments: Sequence[Row]) -> int:
    """The highest number a segment has had, in the list or on the disk."""
    listed = [int(row["number"]) for row in segments if row["row"] == "opened"]
    there = [int(path.name.split("-", 1)[0]) for path in tracks.glob("[0-9]*-*.mkv") if path.name.split("-", 1)[0].isdigit()]
    return max([0, *listed, *there])
