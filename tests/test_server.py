"""The command line: what stops a start, in one line each, and what the commands answer."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.site import Site, free_port, until

TOP = Path(__file__).resolve().parent.parent


def server(*arguments: str, said: str = "", program: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run ``server.py`` to its end, with these DISPATCH_* settings and no others; `said` is its standard input, `program`
    Python that stands in place of the file and runs it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DISPATCH_")}
    environment |= {f"DISPATCH_{name}": value for name, value in settings.items()}
    command = [sys.executable, *(("-c", program) if program else ("server.py",)), *arguments]
    return subprocess.run(command, cwd=TOP, env=environment, input=said, capture_output=True, text=True, timeout=60, check=False)


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    """The line of a refused start; fails when there is more, or a traceback."""
    lines = result.stderr.strip().splitlines()
    assert result.returncode == 1, result.stderr
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.fixture
def data(tmp_path: Path) -> dict[str, str]:
    """Settings of a server of one's own."""
    return {
        "DATA": str(tmp_path / "var"),
        "PORT": str(free_port(socket.SOCK_STREAM)),
        "UDP_PORT": str(free_port(socket.SOCK_DGRAM)),
        "MEDIA_BIND": "127.0.0.1",
    }


@pytest.mark.parametrize(
    "command", [(), ("serve",), ("demo",), ("migrate",), ("user", "add"), ("verify",), ("check",), ("backup",), ("restore",)]
)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    result = server(*command, "--help")
    assert result.returncode == 0
    assert "usage" in result.stdout.lower()


@pytest.mark.parametrize("arguments", [(), ("sreve",), ("serve", "--only", "nothing"), ("user", "add", "zhao"), ("verify",)])
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    assert server(*arguments).returncode == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "eighty"), ("UDP_PORT", "70000"), ("TIME_ZONE", "Mars/Olympus"), ("PUBLIC_URL", "court"), ("SESSION_HOURS", "0")],
)
def test_a_wrong_setting_stops_the_start_and_is_named(name: str, value: str, data: dict[str, str]) -> None:
    assert f"DISPATCH_{name}={value}" in one_line(server("serve", **(data | {name: value})))


def test_an_unknown_setting_stops_the_start_and_is_named(data: dict[str, str]) -> None:
    assert "DISPATCH_PROT" in one_line(server("serve", **data, PROT="8080"))


def test_a_port_in_use_is_named(data: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        line = one_line(server("serve", **(data | {"PORT": port})))
    assert f"127.0.0.1:{port}" in line
    assert "DISPATCH_PORT" in line


def test_a_media_port_in_use_is_named(data: dict[str, str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = str(other.getsockname()[1])
        line = one_line(server("serve", **(data | {"UDP_PORT": port})))
    assert port in line
    assert "DISPATCH_UDP_PORT" in line


def test_a_path_too_long_for_sockets_is_named(data: dict[str, str], tmp_path: Path) -> None:
    assert "DISPATCH_DATA" in one_line(server("serve", **(data | {"DATA": str(tmp_path / ("long" * 30))})))


def test_a_database_that_is_none_stops_the_start_and_is_left_alone(data: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir()
    (folder / "dispatch.db").write_text("these are minutes, not a database. " * 200)
    assert str(folder / "dispatch.db") in one_line(server("serve", **data))
    assert (folder / "dispatch.db").read_text().startswith("these are minutes")


def test_a_data_directory_that_cannot_be_made_stops_the_start(data: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "file" in one_line(server("serve", **(data | {"DATA": str(tmp_path / "file" / "var")})))


def test_migrating_twice_is_migrating_once(data: dict[str, str], tmp_path: Path) -> None:
    assert [server("migrate", **data).returncode for _ in range(2)] == [0, 0]
    with sqlite3.connect(tmp_path / "var" / "dispatch.db") as database:
        assert database.execute("SELECT count(*) FROM user").fetchone() == (0,)


def test_a_person_is_added_once_and_only_with_a_good_password(data: dict[str, str], tmp_path: Path) -> None:
    weak = server("user", "add", "zhao", "--role", "clerk", said="short\n", **data)
    assert "zhao" in one_line(weak)
    made = server("user", "add", "zhao", "--role", "clerk", "--name", "赵敏", **data)
    assert made.returncode == 0, made.stderr
    assert "password" in made.stdout
    assert "zhao" in one_line(server("user", "add", "zhao", "--role", "clerk", **data))
    with sqlite3.connect(tmp_path / "var" / "dispatch.db") as database:
        assert database.execute("SELECT name, role FROM user").fetchall() == [("赵敏", "clerk")]


def test_the_verifier_says_that_an_empty_folder_is_no_recording(tmp_path: Path) -> None:
    result = server("verify", str(tmp_path))
    assert result.returncode in (1, 2)
    assert "Traceback" not in result.stderr


def test_a_demonstration_starts_again_with_the_same_people_and_ends_in_order(tmp_path: Path) -> None:
    site = Site(tmp_path / "var", command="demo")

    def printed(starts: int) -> None:
        until(lambda: (site.data / "server.out").read_text().count(site.url) >= starts, 60, f"the address was printed {starts} times")

    try:
        site.start()
        printed(1)
        accounts = (tmp_path / "var" / "secrets" / "demo-accounts.json").read_text()
        first = site.process
        assert first is not None
        site.stop()
        assert first.returncode == 0, site.log()
        site.start()
        printed(2)
        assert (tmp_path / "var" / "secrets" / "demo-accounts.json").read_text() == accounts
    finally:
        site.stop()


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path, data: dict[str, str]) -> None:
    site = Site(tmp_path / "var")
    try:
        site.start()
        assert "already runs" in one_line(server("serve", **data))
    finally:
        site.stop()


def test_a_new_site_says_where_its_first_administrator_is_made(tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    try:
        site.start()
        until(lambda: f"{site.url}/first-run, set-up code " in site.log(), 30, "the code is told")
        assert (site.data / "secrets" / "first-run-code").read_text().strip() in site.log()
    finally:
        site.stop()
