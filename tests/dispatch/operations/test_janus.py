"""Janus as the engine: which ports and secrets, and what is refused before anything starts."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from dispatch.operations import janus
from dispatch.settings import Settings, SettingsError, load
from rooms.media.janus import configuration
from rooms.media.janus.configuration import Secrets

DEPLOYED = Path(__file__).resolve().parents[3] / "deploy" / "janus"
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu/janus")


def settings(tmp_path: Path, **more: str) -> Settings:
    given = {"DISPATCH_DATA": str(tmp_path), "DISPATCH_ENGINE": "janus", "DISPATCH_MEDIA_ADDRESS": "192.0.2.10"}
    return load(given | {f"DISPATCH_{name.upper()}": value for name, value in more.items()})


def test_each_worker_has_a_janus_with_ports_of_its_own(tmp_path: Path) -> None:
    first, second = janus.nodes(settings(tmp_path, media_workers="2", janus_port="9000", janus_rtp_ports="30000-30999"))
    assert (first.name, first.url, first.admin_url, first.rtp_ports) == (
        "janus",
        "ws://127.0.0.1:9000",
        "ws://127.0.0.1:9001",
        (30000, 30499),
    )
    assert (second.name, second.url, second.rtp_ports) == ("janus-2", "ws://127.0.0.1:9002", (30500, 30999))
    assert first.own


def test_a_janus_elsewhere_is_named_with_its_admin_api(tmp_path: Path) -> None:
    addresses = {"janus_urls": "ws://10.0.0.1:8188, ws://10.0.0.2:8188", "janus_admin_urls": "ws://10.0.0.1:7188,ws://10.0.0.2:7188"}
    found = janus.nodes(settings(tmp_path, media_workers="2", **addresses))
    assert [(node.url, node.admin_url, node.own) for node in found] == [
        ("ws://10.0.0.1:8188", "ws://10.0.0.1:7188", False),
        ("ws://10.0.0.2:8188", "ws://10.0.0.2:7188", False),
    ]
    with pytest.raises(janus.JanusRefused, match="runs elsewhere"):
        janus.command(settings(tmp_path, media_workers="2", **addresses), 1)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"janus_urls": "http://127.0.0.1"}, "no address like ws://"),
        ({"janus_urls": "ws://127.0.0.1:8188"}, "JANUS_ADMIN_URLS 0"),
        ({"janus_urls": "ws://a:1,ws://b:1", "janus_admin_urls": "ws://a:2,ws://b:2"}, "MEDIA_WORKERS=1"),
        ({"janus_rtp_ports": "20000"}, "range"),
        ({"janus_rtp_ports": "20000-20010"}, "range"),
        ({"janus_rtp_ports": "60000-70000"}, "range"),
        ({"engine": "other"}, "ENGINE"),
    ],
)
def test_wrong_settings_are_refused_with_a_line_that_names_them(tmp_path: Path, given: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        settings(tmp_path, **given)


def test_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    made = janus.read_secrets(settings(tmp_path))
    assert janus.read_secrets(settings(tmp_path)) == made
    assert len({made.api, made.admin, made.room}) == 3
    folder = janus.secrets_folder(settings(tmp_path))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_secrets_of_another_place_are_read_and_never_made(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.raises(janus.JanusRefused, match="DISPATCH_JANUS_SECRETS"):
        janus.read_secrets(settings(tmp_path, janus_secrets=str(elsewhere)))
    for name in configuration.SECRETS:
        (elsewhere / name).write_text(f'{name}"; ws_ip = "0.0.0.0')
    with pytest.raises(janus.JanusRefused, match="letters and digits"):
        janus.read_secrets(settings(tmp_path, janus_secrets=str(elsewhere)))
    for name in configuration.SECRETS:
        (elsewhere / name).write_text(f"{name}0123456789abcdef\n")
    assert janus.read_secrets(settings(tmp_path, janus_secrets=str(elsewhere))).room == "room0123456789abcdef"


def test_the_loopback_address_is_refused_and_a_missing_janus_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "LIBRARIES", (tmp_path,))
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/janus")
    with pytest.raises(janus.JanusRefused, match="no loopback address"):
        janus.check(settings(tmp_path, media_address="127.0.0.1"))
    with pytest.raises(janus.JanusRefused, match="no other is of IPv4"):
        janus.check(settings(tmp_path, media_address="127.0.0.1,2001:db8::1"))
    janus.check(settings(tmp_path, media_address="127.0.0.1,192.0.2.10,2001:db8::1"))
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(janus.JanusRefused, match="Debian's package janus"):
        janus.check(settings(tmp_path))


def test_behind_address_translation_media_is_taken_here_and_the_public_address_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("plugins", "transports"):
        (tmp_path / "lib" / kind).mkdir(parents=True)
    monkeypatch.setattr(configuration, "LIBRARIES", (tmp_path / "lib",))
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/janus")
    command = janus.command(settings(tmp_path, media_bind="10.0.0.5"), 1)
    written = Path(command[2]) / "janus.jcfg"
    assert command[0] == "janus"
    assert 'ice_enforce_list = "10.0.0.5"' in written.read_text()
    assert 'nat_1_1_mapping = "192.0.2.10"' in written.read_text()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert 'ws_ip = "127.0.0.1"' in (written.parent / "janus.transport.websockets.jcfg").read_text()


def test_what_is_deployed_is_what_the_program_writes() -> None:
    if not LIBRARIES.is_dir():
        pytest.skip("the plugins to be switched off are those of Debian's janus: apt-get install janus")
    secrets = Secrets("CHANGE-ME-api", "CHANGE-ME-admin", "CHANGE-ME-room")
    files = configuration.rendered(Path("/etc/janus"), LIBRARIES, secrets, 8188, 7188, "192.0.2.10", (20000, 29999), "")
    for name, text in files.items():
        deployed = [line for line in (DEPLOYED / name).read_text().splitlines() if not line.startswith("#")]
        assert deployed == text.splitlines(), name
