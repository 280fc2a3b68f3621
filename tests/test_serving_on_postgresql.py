"""The whole site with its database on PostgreSQL: it starts, shows what is booked, starts again, and says what is not for it."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.site import TOP, Site, free_port
from tests.dispatch import cluster


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    if not cluster.is_possible():
        pytest.skip(cluster.MISSING)
    with cluster.running("fsync=off") as folder:
        cluster.told(folder, "CREATE DATABASE dispatch")
        site = Site(tmp_path / "var", "demo", {"DATABASE_URL": cluster.url(folder, "dispatch")}, port=free_port(socket.SOCK_STREAM))
        try:
            yield site
        finally:
            site.stop()


def said(site: Site, *command: str) -> subprocess.CompletedProcess[str]:
    """What a command of the same settings answers."""
    return subprocess.run(
        [sys.executable, "server.py", *command], cwd=TOP, env=site.environment, capture_output=True, text=True, timeout=60, check=False
    )


def booked(site: Site) -> list[str]:
    """Room by room, how many holds the database has of the demonstration."""
    folder = Path(site.settings["DATABASE_URL"].partition("?host=")[2])
    return cluster.told(
        folder,
        "SELECT room.name || ' ' || count(*) FROM room JOIN hold ON hold.resource_id = room.id WHERE hold.active"
        " GROUP BY room.name ORDER BY room.name",
        "dispatch",
    ).splitlines()


def test_the_demonstration_runs_on_postgresql_and_starts_again_with_what_it_has(site: Site) -> None:
    site.start()
    assert site.answers("/sign-in")
    first = booked(site)
    assert {"第一法庭 3", "第二法庭 3", "公开听证室 1", "远程提讯室 1"} <= set(first)
    site.stop()
    site.start()
    assert site.answers("/readyz")
    assert booked(site) == first
    assert not (site.data / "dispatch.db").exists()


def test_of_a_site_that_never_ran_no_backup_is_made_and_one_line_says_why(site: Site, tmp_path: Path) -> None:
    assert said(site, "migrate").returncode == 0
    for command in (("backup", str(tmp_path / "backup")), ("restore", str(tmp_path / "backup"))):
        result = said(site, *command)
        assert (result.returncode, len(result.stderr.strip().splitlines())) == (1, 1), result.stderr
    assert not (tmp_path / "backup").exists()


def test_a_server_that_is_not_there_stops_the_start_in_one_line_without_its_password(tmp_path: Path) -> None:
    site = Site(tmp_path / "var", "serve", {"DATABASE_URL": f"postgresql://court:geheim@/dispatch?host={tmp_path}"}, port=1)
    result = said(site, "migrate")
    assert (result.returncode, len(result.stderr.strip().splitlines())) == (1, 1), result.stderr
    assert "postgresql://court:***@/dispatch" in result.stderr
    assert "geheim" not in result.stderr
