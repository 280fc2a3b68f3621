"""Removing what there is of a recording on the disk: originals, what was derived from them, and the stills of its hearing.

Each step can be done again: whoever was interrupted begins anew and finds less.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class StillThere(OSError):
    """Something of the recording is left after it was removed; the text names it."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where things of recordings lie. `recordings`: the directories that have a folder for each sitting, the first of them that of the
    setting; `stills`: files that begin with the sitting's id; `certificates`: where those of destructions are kept."""

    recordings: Sequence[Path]
    stills: Path
    certificates: Sequence[Path]


def inventory(places: Places, folder: str, sitting: str) -> list[dict[str, Any]]:
    """Everything that will be removed: file, bytes and, of originals, the SHA-256 that the manifest has. Raises OSError."""
    found = []
    for base in places.recordings:
        root = base / folder
        digests = _digests(root / "manifest.json")
        for path in _files(root):
            name = path.relative_to(root).as_posix()
            row: dict[str, Any] = {"file": name, "bytes": path.lstat().st_size}
            found.append(row | ({"sha256": digests[name]} if name in digests else {}))
    found += [{"file": f"stills/{path.name}", "bytes": path.lstat().st_size} for path in _stills(places.stills, sitting)]
    return found


def remove(places: Places, folder: str, sitting: str) -> None:
    """Remove all of it, and look that nothing is left. Raises StillThere, OSError."""
    if not folder or folder in (".", "..") or "/" in folder:
        raise StillThere(f"{folder!r} is no folder of a sitting")
    for base in places.recordings:
        root = base / folder
        if root.is_symlink():
            raise StillThere(f"{root} is a link; what it leads to is not ours to remove")
        if root.is_dir():
            for at, _folders, _names in os.walk(root):
                os.chmod(at, 0o700)  # originals are sealed: their folders let nothing be removed
            shutil.rmtree(root)
            _sync(base)
    for path in _stills(places.stills, sitting):
        path.unlink(missing_ok=True)
    if places.stills.is_dir():
        _sync(places.stills)
    left = [base / folder for base in places.recordings if os.path.lexists(base / folder)] + list(_stills(places.stills, sitting))
    if left:
        raise StillThere(f"{left[0]} is still there")


def _files(root: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(root):
        folders.sort()
        yield from (Path(at) / name for name in sorted(names))


def _stills(folder: Path, sitting: str) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.name.startswith(f"{sitting}.")) if folder.is_dir() else []


def _digests(manifest: Path) -> dict[str, str]:
    try:
        return {row["file"]: row["sha256"] for row in json.loads(manifest.read_bytes())["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
