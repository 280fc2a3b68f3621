"""What the installation keeps for itself: the key that seals links, and the court's clock."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from dispatch.settings import Settings
from dispatch.store.site import Sealer, Site, key_file
from tests.dispatch.making import at


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "links.key"
    key = key_file(path)
    assert len(key) == 32
    assert key_file(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


async def test_servers_that_start_together_end_up_with_one_key(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "links.key"
    keys = await asyncio.gather(*(asyncio.to_thread(key_file, path) for _ in range(12)))
    assert len(set(keys)) == 1
    assert list(path.parent.iterdir()) == [path]


def test_what_is_sealed_opens_for_its_owner_under_its_key_only() -> None:
    sealer = Sealer(b"k" * 32)
    sealed = sealer.seal("the token", "participant")
    assert sealer.open(sealed, "participant") == "the token"
    assert "token" not in sealed
    assert sealer.seal("the token", "participant") != sealed
    for other, owner in ((sealer, "somebody else"), (Sealer(b"x" * 32), "participant")):
        with pytest.raises(InvalidTag):
            other.open(sealed, owner)


def test_the_site_is_that_of_the_settings(tmp_path: Path) -> None:
    site = Site.of(Settings(data=tmp_path, time_zone="Europe/Berlin", lockout_failures=3, lockout_minutes=10, link_hours=1))
    assert site.zone.key == "Europe/Berlin"
    assert (site.lockout_failures, site.lockout.total_seconds(), site.link_life.total_seconds()) == (3, 600, 3600)
    again = Site.of(Settings(data=tmp_path))
    assert again.sealer.open(site.sealer.seal("x", "p"), "p") == "x"


def test_defaults_of_the_site_are_those_of_the_settings(tmp_path: Path) -> None:
    site, default = Site.of(Settings(data=tmp_path)), Site()
    for name in ("zone", "court", "session_life", "lockout_failures", "lockout", "link_life", "device_code_life"):
        assert getattr(site, name) == getattr(default, name), name


def test_a_clock_time_has_its_day_unless_it_is_that_of_its_neighbour() -> None:
    site = Site()
    assert site.clock(at("09:30")) == "2026-11-24 09:30"
    assert site.clock(at("09:30"), at("23:59")) == "09:30"
    assert site.clock(at("00:10", 1), at("23:59")) == "2026-11-25 00:10"
