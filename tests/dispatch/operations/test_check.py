"""The check names what is wrong before somebody finds out in a hearing, and says what to do about it."""

from __future__ import annotations

import ast
import json
import os
import socket
import sqlite3
import string
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dispatch.operations import check, check_host, check_media, check_network
from dispatch.operations.authority import certify
from dispatch.operations.check_network import Serving
from dispatch.operations.clock import Stepping
from dispatch.operations.findings import Finding, mend, ok
from dispatch.settings import Settings
from dispatch.web.translations import catalogue
from rooms.log import Event
from rooms.media.janus import configuration
from rooms.sqlite_log import SqliteLog
from tests import turn
from tests.browser.site import TOP, Site, free_port
from tests.test_server import server

STOPPED = Serving(None)


def codes(findings: Finding | Iterator[Finding]) -> list[str]:
    """State and code of each, as "mend full"."""
    return [f"{f.state} {f.code}" for f in ([findings] if isinstance(findings, Finding) else findings)]


# -- the whole ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def free(tmp_path: Path) -> dict[str, str]:
    """Settings of a site that could start."""
    ports = {"PORT": str(free_port(socket.SOCK_STREAM)), "UDP_PORT": str(free_port(socket.SOCK_DGRAM)), "MEDIA_BIND": "127.0.0.1"}
    return {"DATA": str(tmp_path / "var"), **ports}


def test_before_the_first_start_nothing_is_to_mend_and_nothing_is_made(free: dict[str, str], tmp_path: Path) -> None:
    result = server("check", "--json", **free)
    report = json.loads(result.stdout)
    assert [one for one in report["items"] if one["state"] == "mend"] == []
    assert report["ok"]
    assert result.returncode == 0
    assert "stopped" in [one["code"] for one in report["items"] if one["item"] == "server"]
    assert os.listdir(tmp_path) == []


def test_the_same_while_the_server_runs(tmp_path: Path) -> None:
    site = Site(tmp_path / "var")
    try:
        site.start()
        settings = {name.removeprefix("DISPATCH_"): value for name, value in site.environment.items() if name.startswith("DISPATCH_")}
        report = json.loads(server("check", "--json", **settings).stdout)
        found = {(one["item"], one["code"]) for one in report["items"]}
        assert report["ok"], report
        assert {("server", "running"), ("data", "well"), ("secrets", "well"), ("sqlite", "well"), ("public_url", "here")} <= found
        assert [one["code"] for one in report["items"] if one["item"] == "port"] == ["held", "held"]
        other = json.loads(server("check", "--json", **(settings | {"UDP_PORT": str(free_port(socket.SOCK_DGRAM))})).stdout)
        assert ("port", "elsewhere") in {(one["item"], one["code"]) for one in other["items"]}, "a changed setting waits for a restart"
    finally:
        site.stop()


def test_what_is_to_mend_is_exit_code_1_with_a_line_each_in_the_language_of_the_person(free: dict[str, str]) -> None:
    wrong = free | {"FONT": "/nowhere/font.ttf", "FFMPEG": "/bin/false"}
    chinese, english = (server("check", "--lang", tag, **wrong) for tag in ("zh-CN", "en"))
    assert (chinese.returncode, english.returncode) == (1, 1)
    for result, mark, words in ((chinese, "需处理", "没有这个文件"), (english, "MEND", "there is no such file")):
        lines = result.stdout.splitlines()
        assert len([line for line in lines if line.startswith(mark)]) == 2
        assert any("/nowhere/font.ttf" in line and words in line for line in lines)


def test_a_wrong_setting_is_the_one_thing_to_mend(free: dict[str, str]) -> None:
    result = server("check", "--lang", "en", **(free | {"TIME_ZONE": "Mars/Olympus"}))
    assert result.returncode == 1
    assert result.stdout.splitlines() == ["MEND settings: DISPATCH_TIME_ZONE=Mars/Olympus: no such time zone; correct it and check again"]


def test_one_broken_item_does_not_end_the_check(monkeypatch: pytest.MonkeyPatch, free: dict[str, str]) -> None:
    def broken(_settings: Settings) -> Finding:
        raise RuntimeError("the disk was pulled out")

    monkeypatch.setattr(check_host, "secrets", broken)
    found = list(check.run({f"DISPATCH_{name}": value for name, value in free.items()}))
    assert mend("secrets", "failed", why="RuntimeError: the disk was pulled out") in found
    assert found[-1].item == "clock"


# -- directory, disk, secrets ---------------------------------------------------------------------------------------------------


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert codes(check_host.data_directory(Settings(data=tmp_path / "file"))) == ["mend unwritable"]
    assert codes(check_host.data_directory(Settings(data=tmp_path / "file" / "var"))) == ["mend unmakeable"]
    assert codes(check_host.data_directory(Settings(data=tmp_path / ("long" * 30)))) == ["mend long"]
    (tmp_path / "var" / ".restoring").mkdir(parents=True)
    assert codes(check_host.data_directory(Settings(data=tmp_path / "var"))) == ["mend interrupted"]


def test_a_network_disk_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kind = check_host._filesystem(tmp_path)
    assert kind
    monkeypatch.setattr(check_host, "NETWORK_DISKS", frozenset({kind}))
    assert codes(check_host.data_directory(Settings(data=tmp_path))) == ["mend network_disk"]


@pytest.mark.parametrize(
    ("least", "comfortable", "code"), [(0, 0, "ok well"), (0, 1 << 60, "note little"), (1 << 60, 1 << 60, "mend full")]
)
def test_space_is_told_in_hours_of_hearings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, least: int, comfortable: int, code: str
) -> None:
    monkeypatch.setattr(check_host, "LEAST_FREE_BYTES", least)
    monkeypatch.setattr(check_host, "COMFORTABLE_BYTES", comfortable)
    found = list(check_host.disk(Settings(data=tmp_path / "var")))
    assert [f"{f.state} {f.code}" for f in found] == [code]
    assert float(str(found[0].data["hours"])) * check_host.HOUR_BYTES == pytest.approx(float(str(found[0].data["gb"])) * 1e9, rel=0.2)


def test_the_second_directory_has_to_be_on_another_disk(tmp_path: Path) -> None:
    beside = Settings(data=tmp_path / "var", recordings_second=tmp_path / "second")
    found = [each for each in check_host.disk(beside) if each.code == "same"]
    assert [each.state for each in found] == ["mend"]
    assert found[0].text(catalogue("en").gettext).startswith(f"{tmp_path} is on the disk of the recordings")
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    apart = list(check_host.disk(Settings(data=tmp_path / "var", recordings_second=other / "second")))
    assert "same" not in {each.code for each in apart}
    assert [each.data["path"] for each in apart] == [tmp_path, other], "its space is looked at too"


def test_a_key_that_others_can_read_is_named_with_the_command_that_mends_it(settings: Settings, held: str) -> None:
    assert held
    assert codes(check_host.secrets(settings)) == ["ok well"]
    key = settings.secrets / "links.key"
    key.chmod(0o640)
    found = check_host.secrets(settings)
    assert found.text(catalogue("en").gettext) == f"others can read {key}: chmod 600 {key}"
    key.chmod(0o600)
    settings.secrets.chmod(0o755)
    assert check_host.secrets(settings).text(catalogue("en").gettext).endswith(f"chmod 700 {settings.secrets}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another user")
def test_a_key_of_another_user_is_named(settings: Settings, held: str) -> None:
    assert held
    os.chown(settings.secrets / "links.key", 12_345, 12_345)
    assert codes(check_host.secrets(settings)) == ["mend owner"]


# -- databases and clock ----------------------------------------------------------------------------------------------------------


def test_sound_databases_are_well(settings: Settings, held: str) -> None:
    assert held
    assert codes(check_host.database(settings)) == ["ok well", "ok well"]


def test_a_damaged_log_is_named(settings: Settings, held: str) -> None:
    assert held
    with (settings.data / "log.db").open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(5000))
    found = list(check_host.database(settings))
    assert [f"{f.state} {f.code}" for f in found] == ["ok well", "mend damaged"]
    assert "log.db" in str(found[1].data["path"])


@pytest.mark.parametrize(("revision", "code"), [("0001", "note earlier"), ("9999", "mend later")])
def test_a_database_of_another_version_is_named(settings: Settings, held: str, revision: str, code: str) -> None:
    assert held
    with closing(sqlite3.connect(settings.data / "dispatch.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        database.commit()
    assert codes(check_host.database(settings))[0] == code


async def test_a_clock_behind_the_newest_row_of_the_log_is_named(tmp_path: Path) -> None:
    settings, log = Settings(data=tmp_path), SqliteLog(tmp_path / "log.db")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await log.append("s", await log.lease("s", "test"), 1, [Event("consented", int(tomorrow.timestamp() * 1e6), {})])
    await log.close()
    assert codes(check_host.clock(settings, Stepping()))[0] == "mend behind"


def test_a_clock_that_is_set_while_we_look_is_named(tmp_path: Path) -> None:
    now = [1000.0, 50.0]
    watched = Stepping(lambda: now[0], lambda: now[1])
    now[:] = [1002.0, 52.1]
    assert watched.stepped_s() == pytest.approx(-0.1)
    assert codes(check_host.clock(Settings(data=tmp_path), watched))[0] == "ok well"
    now[0] -= 3600
    assert codes(check_host.clock(Settings(data=tmp_path), watched))[0] == "mend stepped"


def test_the_wall_clock_and_the_monotonic_one_go_alike() -> None:
    watched = Stepping()
    time.sleep(0.05)
    assert abs(watched.stepped_s()) < check_host.STEP_S


# -- fonts and ffmpeg ---------------------------------------------------------------------------------------------------------------


def program(tmp_path: Path, encoders: str, filters: str, code: int = 0) -> Settings:
    """A site whose ffmpeg answers like this."""
    script = tmp_path / "ffmpeg"
    script.write_text(
        f'#!/bin/sh\ncase "$2" in -version) echo "ffmpeg version 7.1 x";; -encoders) echo "{encoders}";;\n'
        f'-filters) echo " T. {filters} V->V";; *) echo "no such font" >&2; exit {code};; esac\n'
    )
    script.chmod(0o755)
    return Settings(data=tmp_path, ffmpeg=str(script))


def test_the_ffmpeg_that_comes_with_us_does_all_that_is_needed(tmp_path: Path) -> None:
    assert codes(check_host.ffmpeg(Settings(data=tmp_path))) == ["ok well"]


@pytest.mark.parametrize(
    ("encoders", "filters", "exit_code", "code"),
    [("libx265", "drawtext", 0, "no_encoder"), ("libx264", "scale", 0, "no_drawtext"), ("libx264", "drawtext", 1, "fails")],
)
def test_what_an_ffmpeg_lacks_is_named(tmp_path: Path, encoders: str, filters: str, exit_code: int, code: str) -> None:
    assert codes(check_host.ffmpeg(program(tmp_path, encoders, filters, exit_code))) == [f"mend {code}"]


def test_an_ffmpeg_that_is_not_there_is_named(tmp_path: Path) -> None:
    found = check_host.ffmpeg(Settings(data=tmp_path, ffmpeg="/nowhere/ffmpeg"))
    assert (found.state, found.code, found.data["why"]) == ("mend", "fails", "No such file or directory")


def test_without_a_chinese_font_the_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(check_host, "find_font", lambda _setting: None)
    assert "fonts-noto-cjk" in check_host.font(Settings(data=tmp_path)).text(catalogue("zh-CN").gettext)


# -- ports and addresses ----------------------------------------------------------------------------------------------------------------


def test_a_port_that_another_program_has_is_named_with_its_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_network, "LIMIT_S", 1.0)  # the other program never answers
    with socket.create_server(("127.0.0.1", 0)) as other, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        media.bind(("127.0.0.1", 0))
        settings = Settings(data=tmp_path, port=other.getsockname()[1], udp_port=media.getsockname()[1], media_bind="127.0.0.1")
        found = list(check_network.ports(settings, check_network.serving(settings)))
    assert [f"{f.state} {f.code} {f.data['setting']}" for f in found] == ["mend taken DISPATCH_PORT", "mend taken DISPATCH_UDP_PORT"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
@pytest.mark.skipif(
    int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) < 1024, reason="every port is for everybody here"
)
def test_a_port_for_root_is_told_apart_while_the_server_runs_and_while_not(tmp_path: Path) -> None:
    """The server's unit may have port 443 though whoever checks may not even try it."""
    settings = Settings(data=tmp_path, port=443)
    as_nobody = (
        "import encodings.idna, os, sys; from dispatch.operations import check_network; from dispatch.settings import Settings\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "found = check_network.Serving(() if sys.argv[1] == 'runs' else None)\n"
        "print([f'{one.state} {one.code}' for one in check_network.ports(Settings(port=443), found)][0])"
    )

    def asked(state: str) -> str:
        result = subprocess.run([sys.executable, "-c", as_nobody, state], cwd=TOP, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    assert codes(check_network.ports(settings, STOPPED))[0] == "ok free"
    assert (asked("stopped"), asked("runs")) == ("note forbidden", "mend elsewhere")
    with socket.create_server(("127.0.0.1", 443)):
        assert asked("runs") == "ok held"


def test_an_address_that_is_not_the_machines_is_named(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, host="192.0.2.7", media_bind="192.0.2.7", port=8080)
    assert codes(check_network.ports(settings, STOPPED)) == ["mend impossible", "mend impossible"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, "note here"),
        ({"public_url": "http://192.0.2.7:8080"}, "mend plain"),
        ({"public_url": "https://192.0.2.7"}, "mend nobody_ends_tls"),
        ({"public_url": "https://192.0.2.7", "behind_proxy": True}, "ok untried"),
        ({"lan": "192.0.2.7"}, "ok untried"),
        ({"lan": "192.0.2.7", "public_url": "https://192.0.2.7:9443"}, "note another_port"),
        ({"public_url": "http://localhost:9999"}, "note another_port"),
        ({"public_url": "https://nowhere.invalid", "behind_proxy": True}, "mend unresolved"),
    ],
)
def test_a_public_address_that_contradicts_the_other_settings_is_named(tmp_path: Path, values: dict[str, object], code: str) -> None:
    assert codes(check_network.public_address(Settings.model_validate({"data": tmp_path, **values}), STOPPED)) == [code]


class _Other(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"It works!")

    def log_message(self, *_arguments: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def other_server() -> Iterator[int]:
    """The port of a web server that is not ours."""
    with HTTPServer(("127.0.0.1", 0), _Other) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        yield other.server_address[1]
        other.shutdown()
        thread.join()


def test_somebody_else_at_the_public_address_is_noticed(tmp_path: Path, other_server: int) -> None:
    settings = Settings(data=tmp_path, public_url=f"http://127.0.0.1:{other_server}", port=other_server)
    assert not check_network.serving(settings).running, "another server was taken for ours"
    assert codes(check_network.public_address(settings, Serving(()))) == ["mend other"]


def test_nobody_at_the_public_address_is_noticed(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, public_url=f"http://127.0.0.1:{free_port(socket.SOCK_STREAM)}")
    found = check_network.public_address(settings, Serving(()))
    assert (found.state, found.code, found.data["why"]) == ("mend", "unreached", "Connection refused")


def test_media_that_nobody_could_send_is_noticed(tmp_path: Path) -> None:
    assert codes(check_network.media_address(Settings(data=tmp_path))) == ["ok well"]
    elsewhere = Settings(data=tmp_path, public_url="https://192.0.2.7", behind_proxy=True)
    assert codes(check_network.media_address(elsewhere)) == ["mend loopback"]
    assert codes(check_network.media_address(elsewhere.model_copy(update={"media_address": "192.0.2.7"}))) == ["note forwarded"]


def test_parts_that_are_missing_are_named() -> None:
    found = check_network.server(Serving(("engine", "recorder")))
    assert "engine, recorder" in found.text(catalogue("zh-CN").gettext)


@pytest.mark.parametrize(("issued", "code"), [(0, "ok well"), (390, "mend ends"), (500, "mend refused")])
def test_a_given_certificate_is_spoken_of_before_it_ends(tmp_path: Path, issued: int, code: str) -> None:
    certify(tmp_path, "court.lan", "court", datetime.now(UTC) - timedelta(days=issued))
    pair = {"tls_certificate": tmp_path / "server.crt", "tls_key": tmp_path / "server.key"}
    settings = Settings.model_validate({"data": tmp_path, "public_url": "https://court.lan", **pair})
    assert codes(check_network.own_certificate(settings)) == [code]


def test_our_own_certificate_is_told_with_the_authoritys_fingerprint(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, lan="192.168.7.20")
    assert codes(check_network.own_certificate(settings)) == ["ok absent"]
    made = certify(settings.secrets, "192.168.7.20", "court", datetime.now(UTC))
    found = check_network.own_certificate(settings)
    assert (found.state, found.data["fingerprint"]) == ("ok", made.fingerprint)
    assert codes(check_network.own_certificate(Settings(data=tmp_path, lan="192.168.7.21"))) == ["note remade"]


# -- words -----------------------------------------------------------------------------------------------------------------------------


def stated() -> Iterator[tuple[str, str, set[str] | None]]:
    """Each finding in the source: item, code, and the names of its values (None where they come as a mapping)."""
    for module in (check, check_host, check_network):
        for function in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                items = _assigned(function)
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("ok", "note", "mend"):
                        first, second = node.args[:2]
                        item = items if isinstance(first, ast.Name) else ast.literal_eval(first)
                        names = {keyword.arg for keyword in node.keywords}
                        if isinstance(second, ast.Constant) and isinstance(item, str):
                            yield item, str(second.value), None if None in names else {str(name) for name in names}


def _assigned(function: ast.FunctionDef) -> str | None:
    """What the name `item` is in a function."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id == "item":
                    return str(ast.literal_eval(node.value))
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    for name, value in zip(target.elts, node.value.elts, strict=True):
                        if isinstance(name, ast.Name) and name.id == "item":
                            return str(ast.literal_eval(value))
    return None


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_everything_that_can_be_found_has_words_and_all_its_values(language: str) -> None:
    texts, found = catalogue(language), list(stated())
    assert len(found) > 50, "the search is broken"
    for item, code, names in found:
        assert f"check.item.{item}" in texts, item
        assert f"check.{item}.{code}" in texts, (item, code)
        wanted = {name for _, name, _, _ in string.Formatter().parse(texts.texts[f"check.{item}.{code}"]) if name}
        assert names is None or wanted <= names, (item, code)
    assert all(f"check.{item}.failed" in texts for item, _, _ in found if item != "settings")


# -- media ----------------------------------------------------------------------------------------------------------------------


def test_the_engine_that_is_set_has_to_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert check_media.engine(Settings(data=tmp_path, media_workers=2)) == ok("engine", "embedded", workers=2)
    elsewhere: dict[str, Any] = {"janus_urls": "ws://127.0.0.1:8188", "janus_admin_urls": "ws://127.0.0.1:7188", "janus_secrets": tmp_path}
    assert check_media.engine(Settings(data=tmp_path, engine="janus", **elsewhere)).code == "elsewhere"
    own = Settings(data=tmp_path / "var", engine="janus", media_address="192.0.2.7")
    monkeypatch.setattr(configuration, "installed", lambda: tmp_path)
    assert check_media.engine(own).code == "janus"
    assert not (tmp_path / "var").exists(), "the check makes nothing"

    def missing() -> Path:
        raise configuration.NoJanus("Janus is not installed")

    monkeypatch.setattr(configuration, "installed", missing)
    found = check_media.engine(own)
    assert (found.state, found.code) == ("mend", "refused")
    assert "Janus is not installed" in str(found.data["why"])


def test_a_relay_is_used_as_a_browser_would(tmp_path: Path) -> None:
    assert codes(check_media.relay(Settings(data=tmp_path))) == ["ok none"]
    if not turn.PROGRAM:
        pytest.skip(turn.MISSING)
    relay = turn.Turn(tmp_path / "turn").start()
    try:
        urls = ",".join(relay.url(way) for way in ("udp", "tcp", "tls"))
        well = Settings(data=tmp_path, turn_urls=urls, turn_secret=turn.SECRET)
        assert codes(check_media.relay(well)) == ["ok well", "ok well", "mend untrusted"]
        other = well.model_copy(update={"turn_secret": "another"})
        assert codes(check_media.relay(other))[:2] == ["mend forbidden", "mend forbidden"]
        nobody = well.model_copy(update={"turn_urls": f"turn:127.0.0.1:{free_port(socket.SOCK_STREAM)}?transport=tcp"})
        assert codes(check_media.relay(nobody)) == ["mend refused"]
        lost = well.model_copy(update={"turn_secret_file": tmp_path / "nowhere"})
        assert codes(check_media.relay(lost)) == ["mend secret"]
    finally:
        relay.stop()
