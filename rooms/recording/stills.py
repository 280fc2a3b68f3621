"""Stills of faces and documents among the originals: taken over when a sitting is sealed, because they are evidence like its tracks.

While the sitting goes on they lie beside the recordings, each under its sitting and its own SHA-256; the log of the sitting states
each of them when it is kept (rules of online litigation of the people's courts, 2021, article 7).
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

FOLDER = "stills"


def name(sitting: str, digest: str) -> str:
    """What the file of a still is called while the sitting goes on."""
    return f"{sitting}.{digest}.jpg"


def take_over(root: Path, sitting: str, source: Path | None) -> list[str]:
    """Copy each still that the log in `root` states to ``stills/<SHA-256>.jpg``; the names of those that are gone or are not what
    the log says. Again it copies only what is not there yet. Raises OSError where the recordings' disk refuses."""
    lost = []
    for digest in _stated(root / "events.jsonl"):
        target = root / FOLDER / f"{digest}.jpg"
        if not target.exists() and not (source is not None and _copied(source / name(sitting, digest), target, digest)):
            lost.append(f"{FOLDER}/{target.name}")
    return lost


def _stated(log: Path) -> list[str]:
    if not log.exists():
        return []
    with open(log, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return list(dict.fromkeys(str(row["data"]["still"]) for row in rows if row["type"] == "still_kept"))


def _copied(source: Path, target: Path, digest: str) -> bool:
    try:
        content = source.read_bytes()
    except OSError:
        return False
    if hashlib.sha256(content).hexdigest() != digest:
        return False
    target.parent.mkdir(exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    with open(part, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
    return True
