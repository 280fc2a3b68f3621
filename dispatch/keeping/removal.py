"""Removing what there is of a recording: its key, originals and what was derived from them, wherever they lie, and the stills of its
hearing.

Each step can be done again: whoever was interrupted begins anew and finds less.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rooms.vault import putting
from rooms.vault.cipher import Spoilt
from rooms.vault.keys import KeyMissing
from rooms.vault.vault import NotThere, Vault


class StillThere(OSError):
    """Something of the recording is left after it was removed; the text names it."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where things of recordings lie. `stills`: files that begin with the sitting's id; `certificates`: where those of destructions are
    kept."""

    vault: Vault
    stills: Path
    certificates: Sequence[Path]


def inventory(places: Places, folder: str, sitting: str) -> list[dict[str, Any]]:
    """Everything that will be removed: file, bytes and, of originals, the SHA-256 that the manifest has. What cannot be read any more is
    left out: it goes too. Raises StoreUnavailable, OSError."""
    digests: dict[str, str] = {}
    try:
        files = places.vault.files(folder)
        digests = places.vault.sealed_digests(folder)
    except (NotThere, KeyMissing, Spoilt, ValueError, KeyError, TypeError):
        files = {}
    sizes = {name: about.bytes for name, about in files.items()}
    root = places.vault.recordings / folder
    if not root.is_symlink():
        for at, _folders, names in os.walk(root):
            for path in (Path(at) / name for name in names):
                sizes.setdefault(path.relative_to(root).as_posix(), path.lstat().st_size)
    found: list[dict[str, Any]] = [
        {"file": name, "bytes": sizes[name]} | ({"sha256": digests[name]} if name in digests else {}) for name in sorted(sizes)
    ]
    return found + [{"file": f"stills/{path.name}", "bytes": path.lstat().st_size} for path in _stills(places.stills, sitting)]


def remove(places: Places, folder: str, sitting: str) -> None:
    """Remove all of it, and look that nothing is left. Waits for those who read it. Raises StillThere, StoreUnavailable, OSError."""
    if not folder or folder.startswith(".") or "/" in folder:
        raise StillThere(f"{folder!r} is no folder of a sitting")
    vault, root = places.vault, places.vault.recordings / folder
    if root.is_symlink():
        raise StillThere(f"{root} is a link; what it leads to is not ours to remove")
    putting.destroy(vault, folder)
    for path in _stills(places.stills, sitting):
        path.unlink(missing_ok=True)
    for directory in (vault.recordings, places.stills):
        if directory.is_dir():
            _sync(directory)
    left = [str(root)] if os.path.lexists(root) else [str(path) for path in _stills(places.stills, sitting)]
    if not left and vault.has_key(folder):
        left = [f"the key of {folder}"]
    if not left and vault.store is not None:
        left = [name for name, _size in vault.store.list(f"{folder}/")]
    if left:
        raise StillThere(f"{left[0]} is still there")


def _stills(folder: Path, sitting: str) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.name.startswith(f"{sitting}.")) if folder.is_dir() else []


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
