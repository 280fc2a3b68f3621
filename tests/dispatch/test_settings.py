"""Settings: the environment over the file over the defaults; whatever is wrong stops the start with one line that names it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from annotated_types import Ge, Gt, Le
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dispatch.settings import PREFIX, Settings, SettingsError, load
from dispatch.store.site import Site

NUMBERS = {name: field for name, field in Settings.model_fields.items() if field.annotation in (int, float, int | None)}
SWITCHES = [name for name, field in Settings.model_fields.items() if field.annotation is bool]


def line(environment: dict[str, str]) -> str:
    """What a start with these settings is refused with."""
    with pytest.raises(SettingsError) as told:
        load(environment)
    text = str(told.value)
    assert len(text.splitlines()) == 1
    return text


def written(tmp_path: Path, text: str) -> dict[str, str]:
    """An environment that names a file with that text."""
    (tmp_path / "dispatch.toml").write_text(text, encoding="utf-8")
    return {"DISPATCH_CONFIG": str(tmp_path / "dispatch.toml")}


def beyond() -> list[tuple[str, str]]:
    """For each setting that is a number, what is just not allowed, and what is none."""
    found = [(name, text) for name in NUMBERS for text in ("eighty", "1e999", "nan", "--", "5 5")]
    for name, field in NUMBERS.items():
        for bound in field.metadata:
            if isinstance(bound, (Ge, Gt)):
                found.append((name, str(bound.ge - 1 if isinstance(bound, Ge) else bound.gt)))  # type: ignore[operator]
            elif isinstance(bound, Le):
                found.append((name, str(bound.le + 1)))  # type: ignore[operator]
    return found


# ------------------------------------------------------------------------------------------------ where settings come from


def test_without_any_setting_the_defaults_count() -> None:
    settings = load({"HOME": "/root", "PATH": "/bin", "dispatch_port": "1"})
    assert (settings.port, settings.lockout_failures, settings.lockout_minutes) == (8080, 5, 30)
    assert settings.zone == ZoneInfo("Asia/Shanghai")
    assert settings.database == f"sqlite:///{Path('var').resolve()}/dispatch.db"
    assert (settings.secrets, settings.recordings, settings.run) == (Path("var/secrets"), Path("var/recordings"), Path("var/run"))


def test_the_environment_sets_every_kind_of_value() -> None:
    settings = load(
        {"DISPATCH_PORT": "9000", "DISPATCH_BEHIND_PROXY": "yes", "DISPATCH_LINK_HOURS": "1.5", "DISPATCH_COURT": "第二人民法院"}
    )
    assert (settings.port, settings.behind_proxy, settings.link_hours, settings.court) == (9000, True, 1.5, "第二人民法院")


def test_an_empty_setting_is_none() -> None:
    assert load({"DISPATCH_PORT": "", "DISPATCH_TIME_ZONE": "", "DISPATCH_CONFIG": ""}).port == 8080


def test_a_file_sets_what_the_environment_does_not(tmp_path: Path) -> None:
    environment = written(tmp_path, 'port = 9000\ncourt = "第二人民法院"\nbehind_proxy = true\nlink_hours = 2\n')
    settings = load(environment | {"DISPATCH_PORT": "9100"})
    assert (settings.port, settings.court, settings.behind_proxy, settings.link_hours) == (9100, "第二人民法院", True, 2)


def test_an_empty_setting_of_the_environment_leaves_the_file_its_say(tmp_path: Path) -> None:
    assert load(written(tmp_path, "port = 9000") | {"DISPATCH_PORT": ""}).port == 9000


def test_nothing_is_taken_from_files_that_were_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("DISPATCH_PORT=9000\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPATCH_PORT", "9100")
    assert load({}).port == 8080
    assert load().port == 9100
    assert Settings().port == 8080


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load({}).port = 1  # type: ignore[misc]


def test_limits_reach_those_who_keep_them(tmp_path: Path) -> None:
    site = Site.of(load({"DISPATCH_DATA": str(tmp_path), "DISPATCH_SESSION_HOURS": "0.5", "DISPATCH_DEVICE_CODE_MINUTES": "5"}))
    assert (site.session_life, site.device_code_life) == (timedelta(minutes=30), timedelta(minutes=5))


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(("name", "value"), beyond())
def test_every_number_beyond_its_bounds_is_refused_by_name(name: str, value: str) -> None:
    assert line({PREFIX + name.upper(): value}).startswith(f"{PREFIX}{name.upper()}={value}: ")


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_on_or_off(name: str) -> None:
    assert line({PREFIX + name.upper(): "maybe"}).startswith(f"{PREFIX}{name.upper()}=maybe: ")


def test_every_number_has_bounds() -> None:
    unbound = [name for name, field in NUMBERS.items() if len([m for m in field.metadata if isinstance(m, (Ge, Gt, Le))]) < 2]
    assert unbound == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("TIME_ZONE", "Mars/Olympus", "no such time zone"),
        ("TIME_ZONE", "../../etc/passwd", "no such time zone"),
        ("TIME_ZONE", "Asia", "no such time zone"),
        ("PUBLIC_URL", "court.example", "not an address"),
        ("PUBLIC_URL", "ftp://court.example", "not an address"),
        ("PUBLIC_URL", "https://", "not an address"),
        ("PUBLIC_URL", "https://court.example/?x=1", "not an address"),
        ("PUBLIC_URL", "https://court.example:port", "not an address"),
        ("PUBLIC_URL", "https://court.example:99999", "not an address"),
        ("PUBLIC_URL", "https://[::1", "not an address"),
        ("DATABASE_URL", "postgresql://court", "neither sqlite:///path nor"),
        ("DATABASE_URL", "postgresql:///", "neither sqlite:///path nor"),
        ("DATABASE_URL", "mysql://court/dispatch", "neither sqlite:///path nor"),
        ("DATABASE_URL", "sqlite://", "neither sqlite:///path nor"),
        ("DATABASE_URL", "sqlite:///", "neither sqlite:///path nor"),
        ("DATABASE_URL", "sqlite:///:memory:", "neither sqlite:///path nor"),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(name: str, value: str, reason: str) -> None:
    told = line({f"DISPATCH_{name}": value})
    assert told.startswith(f"DISPATCH_{name}={value}: ")
    assert reason in told


@pytest.mark.parametrize(
    "name", ["DISPATCH_PROT", "DISPATCH_port", "DISPATCH_", "DISPATCH_DATABASE", "DISPATCH_MODEL_CONFIG", "DISPATCH_ZONE"]
)
def test_an_unknown_name_is_refused_whatever_its_value(name: str) -> None:
    assert line({name: ""}) == line({name: "x"}) == f"{name}: there is no such setting"


@given(st.text(st.characters(categories=("Lu", "Nd")), min_size=1, max_size=12))
def test_no_slip_of_the_pen_is_taken_for_a_setting(name: str) -> None:
    if name.lower() not in Settings.model_fields and name != "CONFIG":
        assert line({PREFIX + name: "1"}).startswith(PREFIX + name)


def test_a_value_of_several_lines_is_told_in_one() -> None:
    assert line({"DISPATCH_PORT": "80\n90"}).startswith("DISPATCH_PORT=80 90: ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("port = ", "dispatch.toml: "),
        ("prot = 8080", "there is no setting prot"),
        ("[dispatch]\nport = 8080", "there is no setting dispatch"),
        ("config = 'x'", "there is no setting config"),
        ("port = 1\nport = 2", "dispatch.toml: "),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_name(tmp_path: Path, text: str, reason: str) -> None:
    environment = written(tmp_path, text)
    told = line(environment)
    assert told.startswith(f"DISPATCH_CONFIG={environment['DISPATCH_CONFIG']}: ")
    assert reason in told


@pytest.mark.parametrize("text", ["port = 'eighty'", "port = 8080.5", "port = [8080]", "port = {a = 1}", "port = 99999"])
def test_a_wrong_value_in_a_file_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    assert "PORT=" in line(written(tmp_path, text))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing, folder, binary = tmp_path / "none.toml", tmp_path, tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (missing, folder, binary):
        assert line({"DISPATCH_CONFIG": str(path)}).startswith(f"DISPATCH_CONFIG={path}: ")


def test_the_first_wrong_setting_is_told_and_not_what_follows_from_it() -> None:
    wrong: dict[str, Any] = {"DISPATCH_PORT": "eighty", "DISPATCH_TIME_ZONE": "Mars"}
    assert line(wrong).startswith("DISPATCH_PORT=eighty")


def test_each_media_worker_has_a_port_of_its_own() -> None:
    assert load({}).udp_ports == load({}).media_ports == (8081,)
    several = load({"DISPATCH_MEDIA_WORKERS": "3", "DISPATCH_UDP_PORT": "9000", "DISPATCH_MEDIA_PORT": "443"})
    assert (several.udp_ports, several.media_ports) == ((9000, 9001, 9002), (443, 444, 445))
    assert load({"DISPATCH_MEDIA_WORKERS": "2", "DISPATCH_UDP_PORT": "0"}).udp_ports == (0, 0)


@pytest.mark.parametrize("name", ["UDP_PORT", "MEDIA_PORT"])
def test_media_workers_that_would_need_a_port_that_there_is_not_are_refused(name: str) -> None:
    told = f"^DISPATCH_MEDIA_WORKERS=4 and DISPATCH_{name}=65533: the last worker would have port 65536$"
    with pytest.raises(SettingsError, match=told):
        load({"DISPATCH_MEDIA_WORKERS": "4", f"DISPATCH_{name}": "65533"})


TURN = {"DISPATCH_TURN_URLS": "turn:turn.court:3478?transport=udp, turns:turn.court:443?transport=tcp", "DISPATCH_TURN_SECRET": "north"}


def test_relays_are_named_in_order_and_their_secret_may_be_in_a_file(tmp_path: Path) -> None:
    assert load({}).turn_servers == ()
    settings = load(TURN)
    assert settings.turn_servers == ("turn:turn.court:3478?transport=udp", "turns:turn.court:443?transport=tcp")
    assert settings.read_turn_secret() == "north"
    assert "north" not in repr(settings)
    file = tmp_path / "secret"
    file.write_text("south\n")
    kept = load({"DISPATCH_TURN_URLS": "turn:[2001:db8::1]", "DISPATCH_TURN_SECRET_FILE": str(file)})
    assert kept.read_turn_secret() == "south"
    file.write_text("\n")
    with pytest.raises(SettingsError, match="the file is empty"):
        kept.read_turn_secret()
    file.unlink()
    with pytest.raises(SettingsError, match=r"^DISPATCH_TURN_SECRET_FILE="):
        kept.read_turn_secret()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"DISPATCH_TURN_SECRET": ""}, "neither DISPATCH_TURN_SECRET nor DISPATCH_TURN_SECRET_FILE"),
        ({"DISPATCH_TURN_SECRET_FILE": "x"}, "both set"),
        ({"DISPATCH_TURN_URLS": "", "DISPATCH_FORCE_RELAY": "true"}, "no media could pass"),
        ({"DISPATCH_TURN_URLS": "http://turn.court"}, "is no address like turn:"),
        ({"DISPATCH_TURN_URLS": "turn:turn.court?transport=sctp"}, "is no address like turn:"),
        ({"DISPATCH_TURN_HOURS": "0"}, "greater than 0"),
    ],
)
def test_a_relay_that_could_not_work_is_refused(given: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load(TURN | given)


def test_links_follow_the_port_of_the_pages_unless_their_address_is_set() -> None:
    assert load({"DISPATCH_PORT": "8765"}).public_url == "http://127.0.0.1:8765"
    assert load({"DISPATCH_PORT": "0"}).public_url == load({}).public_url == "http://127.0.0.1:8080"
    assert load({"DISPATCH_PORT": "8765", "DISPATCH_PUBLIC_URL": "https://court.example"}).public_url == "https://court.example"
    assert load({"DISPATCH_PORT": "8765", "DISPATCH_LAN": "192.168.7.20"}).public_url == "https://192.168.7.20:8443"
