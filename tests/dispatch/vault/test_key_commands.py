"""The keys of the store at the command line: listed, rotated, forgotten; and a recording written out without a database."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.settings import Settings
from dispatch.store.database import Database
from dispatch.vault import keys, site
from rooms.vault import putting
from rooms.vault.checkout import checked_out, write_out
from rooms.vault.keys import KeyMissing
from rooms.verification.folder import verify
from tests.dispatch.archive.sealed import make_sealed
from tests.test_server import one_line, server


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    """A site with two recordings that are put away."""
    found = Settings(data=tmp_path / "data")
    await (await Database.open(found)).close()
    site.ring_of(found).ensure()
    for sitting in ("0011223344556677", "8899aabbccddeeff"):
        make_sealed(found.recordings.resolve(), sitting)
        putting.put_away(site.of(found), sitting)
    return found


async def test_a_rotation_wraps_every_key_anew_and_the_old_one_can_go(settings: Settings) -> None:
    vault = site.of(settings)
    assert await keys.command(settings, "list", "") == ["0001  2 recordings  wraps from now on"]
    with pytest.raises(keys.KeysRefused, match="make a new one first"):
        await keys.command(settings, "forget", "0001")
    assert "the keys of 2 recordings" in (await keys.command(settings, "rotate", ""))[0]
    assert await keys.command(settings, "list", "") == ["0001  0 recordings  kept to unwrap", "0002  2 recordings  wraps from now on"]
    await keys.command(settings, "forget", "0001")
    async with checked_out(vault, "0011223344556677") as folder:
        assert verify(folder).ok
    with pytest.raises(keys.KeysRefused, match="no key 0009"):
        await keys.command(settings, "forget", "0009")


async def test_a_rotation_that_broke_off_goes_on_with_the_same_key(settings: Settings) -> None:
    vault, ring = site.of(settings), site.ring_of(settings)
    putting.wrap_anew(vault, "0011223344556677", ring.make())
    with pytest.raises(keys.KeysRefused, match="still wraps the keys of 1 recordings"):
        keys.forget(vault, ring, "0001")
    assert "the keys of 1 recordings" in (await keys.command(settings, "rotate", ""))[0]
    assert ring.ids == ["0001", "0002"]


async def test_a_recording_is_written_out_with_store_and_key_alone(settings: Settings, tmp_path: Path) -> None:
    (settings.data / "dispatch.db").unlink()
    write_out(site.of(settings), "0011223344556677", tmp_path / "out")
    assert verify(tmp_path / "out").ok
    with pytest.raises(FileExistsError):
        write_out(site.of(settings), "0011223344556677", tmp_path / "out")
    for path in settings.secrets.glob("store-*.key"):
        path.unlink()
    with pytest.raises(KeyMissing, match="key 0001"):
        write_out(site.of(settings), "8899aabbccddeeff", tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]


def test_the_command_line_says_what_is_wrong_in_one_line(settings: Settings, tmp_path: Path) -> None:
    environment = {"DATA": str(settings.data)}
    assert "no such recording" in one_line(server("checkout", "ffff", str(tmp_path / "x"), **environment))
    assert "no key 0007" in one_line(server("keys", "forget", "0007", **environment))
    assert server("keys", "list", **environment).stdout.strip() == "0001  2 recordings  wraps from now on"
