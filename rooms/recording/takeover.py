"""The second target folder: a recording whose disk fails, or hangs, goes on there at once, and comes home when it is sealed.

What the lists of the folder said is in memory, so nothing has to be read from the disk that fails. Tracks begin new files, as after a
restart of the recorder, and the engine sends again what it retained. Until it is sealed, the second folder has all lists and the files
that were begun there; what was written before lies in the first.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rooms.log import canonical
from rooms.recording.folder import SittingFolder
from rooms.recording.gaps import GAP_US, Gap
from rooms.recording.matroska import block_times_ms
from rooms.recording.seal import CHUNK_BYTES, LISTS, write

UNREAD_FROM = 5000
"""Numbers of files where nobody could read which the first folder has already."""
REASON = "second_target"


def go_on(
    former: SittingFolder,
    root: Path,
    notify: Callable[[str, dict[str, Any]], None],
    keys: Iterable[tuple[str, str]],
    cause: str,
    span_us: tuple[int, int],
    epoch: int,
) -> SittingFolder:
    """A folder at `root` that goes on with the recording of `former`, whose disk failed for `cause` at the beginning of `span_us`; `keys`
    are the tracks that were being written. Nothing of the former's disk is touched. Raises FolderError, OSError."""
    since_us, at_us = span_us
    (root / "tracks").mkdir(parents=True, exist_ok=True)
    for name, lines in former.left(cause).items():
        write(root / name, b"".join(lines))
    folder = SittingFolder(root, notify)
    found = folder.open()
    if former.was_open and not former.failed:
        folder.note_alarm("alarm", cause, since_us, "the disk does not answer")
    folder.continued(keys, cause, since_us, UNREAD_FROM if not former.was_open else 0)
    if found.running:
        folder.start(epoch, at_us, REASON, "", cause)
    folder.note_alarm("alarm_cleared", cause, at_us, f"goes on in {root}")
    return folder


def goes_on_there(first: Path, second: Path) -> bool:
    """Whether a recording that is not sealed was going on in `second` when its recorder was killed."""
    if not (second / LISTS[0]).exists():
        return False
    try:
        return not (first / "manifest.json").exists()
    except OSError:
        return True


def bring_home(first: Path, second: Path) -> None:
    """Put everything that lies in `second` to what lies in `first`; safe to be done again after a kill. Raises OSError."""
    (first / "tracks").mkdir(parents=True, exist_ok=True)
    for path in sorted((second / "tracks").iterdir()):
        _copy(path, first / "tracks" / path.name)
    for name in LISTS:
        if (second / name).exists():
            write(first / name, b"".join(_merged(first / name, second / name)))
    _measured(first, {path.name for path in (second / "tracks").iterdir()})


def _measured(first: Path, there: set[str]) -> None:
    """What the kernel had taken and the failing disk lost: files that are shorter than the lists say are listed as they are, and what is
    missing of them is a gap."""
    segments: dict[str, dict[str, Any]] = {}
    for row in map(json.loads, _whole(first / "segments.jsonl")):
        segments.setdefault(row["file"], {}).update(row)
    shorter, gaps = [], []
    for row in segments.values():
        path = first / row["file"]
        if path.name in there or row["row"] != "closed" or not path.exists():
            continue
        times = list(block_times_ms(path))
        if len(times) >= row["frames"]:
            continue
        end_us = row["start_us"] + 1000 * max(times, default=0)
        told = ("row", "file", "packets", "lost", "bytes", "cause")
        shorter.append({name: row[name] for name in told} | {"end_us": end_us, "frames": len(times)})
        if row["end_us"] - end_us > GAP_US:
            about = Gap(row["endpoint"], row["source"], end_us, row["end_us"], row["cause"])
            gaps.append({"kind": "gap", "at_us": row["end_us"], "epoch": 0, **about.to_json()})
    for name, rows in (("segments.jsonl", shorter), ("ledger.jsonl", gaps)):
        if rows:
            write(first / name, (first / name).read_bytes() + b"".join(canonical(row).encode() + b"\n" for row in rows))


def _copy(source: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    with open(source, "rb") as reader, open(part, "wb") as writer:
        shutil.copyfileobj(reader, writer, CHUNK_BYTES)
        writer.flush()
        os.fsync(writer.fileno())
    os.replace(part, target)


def _merged(first: Path, second: Path) -> list[bytes]:
    """The whole rows of the first, behind them those of the second that it has not."""
    with contextlib.suppress(FileNotFoundError):
        there = _whole(first)
        known = set(there)
        return there + [line for line in _whole(second) if line not in known]
    return _whole(second)


def _whole(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
