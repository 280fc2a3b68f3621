"""Tiles of a map that the site has by itself: a directory of them, or one file of MBTiles (version 1.3). Raster tiles alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

MOST_ZOOM = 22
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_MAGIC = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))


class NoTiles(Exception):
    """What the setting names has no tiles that a browser can show; the text says why."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Where the tiles are, and between which zoom levels there are any."""

    path: Path
    least: int
    most: int

    @property
    def packed(self) -> bool:
        """Whether they are in one file."""
        return self.path.is_file()

    def tile(self, zoom: int, x: int, y: int) -> tuple[bytes, str] | None:
        """A tile with its media type, by the numbering of web maps (y from the north); None where there is none. Reads the disk."""
        if not (0 <= zoom <= MOST_ZOOM and 0 <= x < 2**zoom and 0 <= y < 2**zoom):
            return None
        body = self._packed(zoom, x, y) if self.packed else self._loose(zoom, x, y)
        kind = media_type(body)
        return (body, kind) if kind else None

    def _packed(self, zoom: int, x: int, y: int) -> bytes:
        with closing(_opened(self.path)) as file:
            found = file.execute(
                "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?",
                (zoom, x, 2**zoom - 1 - y),  # MBTiles counts from the south
            ).fetchone()
        return bytes(found[0]) if found else b""

    def _loose(self, zoom: int, x: int, y: int) -> bytes:
        for suffix in SUFFIXES:
            file = self.path / str(zoom) / str(x) / f"{y}{suffix}"
            if file.is_file():
                return file.read_bytes()
        return b""


def tiles_at(path: Path) -> Tiles:
    """The tiles that are there. Raises :class:`NoTiles`. Reads the disk."""
    if path.is_dir():
        zooms = sorted(int(each.name) for each in path.iterdir() if each.is_dir() and each.name.isdecimal() and int(each.name) <= MOST_ZOOM)
        if not zooms:
            raise NoTiles(f"{path} has no directories of zoom levels")
        return Tiles(path, zooms[0], zooms[-1])
    if not path.is_file():
        raise NoTiles(f"{path} is not there")
    try:
        with closing(_opened(path)) as file:
            least, most = file.execute("SELECT min(zoom_level), max(zoom_level) FROM tiles").fetchone()
            sample = file.execute("SELECT tile_data FROM tiles LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise NoTiles(f"{path} is no MBTiles file: {error}") from None
    if sample is None or not media_type(bytes(sample[0])):
        raise NoTiles(f"{path} has no raster tiles (PNG, JPEG or WebP)")
    return Tiles(path, least, most)


def media_type(body: bytes) -> str:
    """The media type of a picture by its first bytes; "" for what is none."""
    return next((kind for magic, kind in _MAGIC if body.startswith(magic)), "")


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
