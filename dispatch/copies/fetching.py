"""Where the files of a copy lie. A copy in the form of a folder is fetched file by file; others are one file."""

from __future__ import annotations

from pathlib import Path

from dispatch.store.copy_tables import Copy


def location(directory: Path, copy: Copy, name: str = "") -> Path | None:
    """The file to be given: of a folder the one of that name in it; None where there is none. No name leads out of the folder."""
    if not copy.file or copy.state != "ready":
        return None
    path = directory / copy.file
    if copy.form != "folder":
        return path if not name and path.is_file() else None
    return next((each for each in files_below(path) if each.relative_to(path).as_posix() == name), None)


def files_below(folder: Path) -> list[Path]:
    """Every file of a folder, by name."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def files_of(directory: Path, copy: Copy) -> list[tuple[str, int]]:
    """Name and size of each file of a copy that is a folder; nothing for others."""
    if copy.form != "folder" or copy.state != "ready" or not copy.file:
        return []
    folder = directory / copy.file
    return [(path.relative_to(folder).as_posix(), path.stat().st_size) for path in files_below(folder)]
