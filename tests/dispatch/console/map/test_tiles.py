"""Tiles of the site's own: a directory, an MBTiles file, and what is neither."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dispatch.console.map.tiles import NoTiles, tiles_at

PNG = b"\x89PNG\r\n\x1a\n...."


def packed(path: Path, body: bytes = PNG) -> Path:
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)")
        file.execute("INSERT INTO tiles VALUES (3, 6, 4, ?)", (body,))
    file.close()
    return path


def test_a_directory_is_served_by_zoom_column_and_row(tmp_path: Path) -> None:
    (tmp_path / "3" / "6").mkdir(parents=True)
    (tmp_path / "3" / "6" / "2.png").write_bytes(PNG)
    tiles = tiles_at(tmp_path)
    assert (tiles.least, tiles.most) == (3, 3)
    assert tiles.tile(3, 6, 2) == (PNG, "image/png")
    assert tiles.tile(3, 6, 3) is None


def test_mbtiles_count_their_rows_from_the_south(tmp_path: Path) -> None:
    tiles = tiles_at(packed(tmp_path / "a b.mbtiles"))
    assert tiles.tile(3, 6, 3) == (PNG, "image/png")
    assert tiles.tile(3, 6, 4) is None


@pytest.mark.parametrize("tile", [(3, 8, 0), (3, 0, 8), (40, 0, 0)])
def test_what_lies_outside_of_the_world_is_not_there(tmp_path: Path, tile: tuple[int, int, int]) -> None:
    assert tiles_at(packed(tmp_path / "map.mbtiles")).tile(*tile) is None


def test_what_has_no_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoTiles, match="is not there"):
        tiles_at(tmp_path / "none")
    with pytest.raises(NoTiles, match="no directories"):
        tiles_at(tmp_path)
    (tmp_path / "text").write_text("no tiles")
    with pytest.raises(NoTiles, match="no MBTiles file"):
        tiles_at(tmp_path / "text")
    with pytest.raises(NoTiles, match="no raster tiles"):
        tiles_at(packed(tmp_path / "vector.mbtiles", b"\x1f\x8b vector"))
