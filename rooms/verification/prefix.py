"""How far the files of a folder that was never sealed are proven: by ``digests.jsonl``, which its recorder wrote with each heartbeat.

A row ``{"seq", "prev", "at_us", "files": [{"file", "bytes", "closed", "sha256", "sm3", "head": {"bytes", "sha256", "sm3"}}], "hash"}``
says: when it was written, `file` had its first `bytes` bytes on the disk. The digests are those of what follows the head; the
head of a Matroska file is rewritten once, when the file is closed, so that any that was ever written down for it will do.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rooms.verification.canonical import canonical
from rooms.verification.digests import HAS_SM3

DIGESTS = "digests.jsonl"
GENESIS = "0" * 64
CHUNK_BYTES = 1 << 20

Add = Callable[[str, str, object], None]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proven:
    """Of `bytes` bytes that the file has, the first `proven` are as they were when the recorder's clock said `at` (UTC, ISO 8601;
    "" where nothing is proven). `closed`: the recorder had finished the file."""

    file: str
    bytes: int
    proven: int
    at: str
    closed: bool

    @property
    def after(self) -> int:
        """Bytes of which nothing is known."""
        return self.bytes - self.proven


def check(path: Path, names: Sequence[str], add: Add) -> list[Proven]:
    """Hold each of `names`, the files there are, against what was written down. `add` is told what was changed or is missing."""
    rows = _rows(path / DIGESTS, add)
    for name in rows.keys() - set(names):
        add("file_missing", name, "")
    return [_proven(path, name, rows.get(name, ()), add) for name in names if name != DIGESTS]


def _rows(path: Path, add: Add) -> dict[str, list[dict[str, Any]]]:
    """By file, in order, each with its time. They end before the first that is not what was chained; a last line without its end
    is a kill's doing."""
    found: dict[str, list[dict[str, Any]]] = {}
    previous = GENESIS
    whole, _, _ = path.read_bytes().rpartition(b"\n") if path.is_file() else (b"", b"", b"")
    for number, line in enumerate(whole.split(b"\n") if whole else (), start=1):
        try:
            row = json.loads(line)
            body = {key: value for key, value in row.items() if key != "hash"}
            good = row["seq"] == number and row["prev"] == previous and canonical(row) == line
            good = good and row["hash"] == hashlib.sha256(canonical(body)).hexdigest()
            files = [{**each, "at_us": int(row["at_us"]), "bytes": int(each["bytes"])} for each in row["files"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            good = False
        if not good:
            add("rows_broken", path.name, number)
            break
        previous = row["hash"]
        for each in files:
            found.setdefault(each["file"], []).append(each)
    return found


def _proven(path: Path, name: str, rows: Sequence[Row], add: Add) -> Proven:
    try:
        about = os.lstat(path / name)
        if not stat.S_ISREG(about.st_mode):
            add("file_not_regular", name, "")
            return Proven(name, 0, 0, "", False)
        good = [row for row in rows if row["bytes"] <= about.st_size]
        matching = _matching(path / name, good) if good else []
    except OSError as error:
        add("file_unreadable", name, error.strerror)
        return Proven(name, 0, 0, "", False)
    last = rows[-1] if rows else None
    proven = matching[-1] if matching else None
    closed = bool(last and last["closed"])
    if last is not None and proven is not last:
        after = next(row for row in rows[(rows.index(proven) + 1) if proven else 0 :])
        add("prefix_changed", name, _said(after["at_us"]))
    elif closed and last is not None and about.st_size != last["bytes"]:
        add("file_resized", name, f"{about.st_size} B ≠ {last['bytes']} B")
    if proven is None:
        return Proven(name, about.st_size, 0, "", closed)
    return Proven(name, about.st_size, proven["bytes"], _said(proven["at_us"]), closed)


def _matching(path: Path, rows: Sequence[Row]) -> list[Row]:
    """Those rows that the file agrees with, in the order of the rows; the file is read once."""
    head_bytes = int(rows[0].get("head", {}).get("bytes", 0))
    heads = [row.get("head") for row in rows]
    at_bytes = sorted({row["bytes"] for row in rows})
    found: dict[int, dict[str, str]] = {}
    with open(path, "rb") as file:
        head = _digests(hashlib.sha256(data := file.read(head_bytes)), _sm3(data))
        sha256, sm3, at = hashlib.sha256(), _sm3(b""), head_bytes
        for end in at_bytes:
            while at < end and (chunk := file.read(min(CHUNK_BYTES, end - at))):
                sha256.update(chunk)
                if sm3 is not None:
                    sm3.update(chunk)
                at += len(chunk)
            found[end] = _digests(sha256.copy(), sm3.copy() if sm3 is not None else None)
    if head_bytes and not any(_agrees(head, each) and each["bytes"] == head_bytes for each in heads if each):
        return []
    return [row for row in rows if _agrees(found[row["bytes"]], row) and row.get("head", {}).get("bytes", 0) == head_bytes]


def _sm3(data: bytes) -> Any:
    return hashlib.new("sm3", data) if HAS_SM3 else None


def _digests(sha256: Any, sm3: Any) -> dict[str, str]:
    return {"sha256": sha256.hexdigest()} | ({"sm3": sm3.hexdigest()} if sm3 is not None else {})


def _agrees(found: Mapping[str, str], row: Row) -> bool:
    return all(row.get(name) == value for name, value in found.items())


def _said(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
