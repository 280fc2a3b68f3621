"""``server.py probe`` against a real site: from a network that lets everything through, and from others."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from dispatch.sittings import sittings
from tests import turn
from tests.browser.court import Court, Held
from tests.browser.network import SERVER, Network, NetworkSite, NoNamespaces
from tests.browser.site import TOP, Site, free_port
from tests.turn import Turn

WAYS = ("udp", "tcp", "tls")
PARTY = "李明"


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turn]:
    if not turn.PROGRAM:
        pytest.skip(turn.MISSING)
    made = Turn(tmp_path_factory.mktemp("turn")).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, relay: Turn) -> Iterator[Site]:
    """With a relay by every way."""
    with Site(tmp_path_factory.mktemp("site"), command="demo", settings=relay.site_settings(*WAYS)) as made:
        yield made


@pytest.fixture
def misled(tmp_path: Path) -> Iterator[Site]:
    """A site whose browsers are told a port at which no media arrive, and which has no relay."""
    with Site(tmp_path / "misled", command="demo", settings={"MEDIA_PORT": str(free_port(socket.SOCK_DGRAM))}) as made:
        yield made


@pytest_asyncio.fixture
async def court(site: Site) -> AsyncIterator[Court]:
    court = await Court.open(site)
    yield court
    await court.close()


async def held_at(site: Site) -> Held:
    court = await Court.open(site)
    try:
        return await court.sitting(((PARTY, "party"),))
    finally:
        await court.close()


def probe(*arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*before, sys.executable, "server.py", "probe", *arguments]
    return subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=110, check=False)


def found(link: str, *arguments: str) -> tuple[int, dict[str, tuple[str, str]], dict[str, dict[str, Any]]]:
    """Exit code; state and code of each item; the data of each item."""
    done = probe(link, "--json", *arguments)
    assert done.stderr == ""
    items = json.loads(done.stdout)["items"]
    return done.returncode, {one["item"]: (one["state"], one["code"]) for one in items}, {one["item"]: one["data"] for one in items}


async def test_where_everything_gets_through_each_step_says_so_with_figures(court: Court, relay: Turn) -> None:
    held = await court.sitting(((PARTY, "party"),))
    code, states, data = found(held.links[PARTY], "--ca", str(relay.certificate))
    assert states == {
        "name": ("ok", "well"), "https": ("ok", "plain"), "link": ("ok", "well"), "websocket": ("ok", "well"),
        "udp": ("ok", "well"), "turn_udp": ("ok", "well"), "turn_tcp": ("ok", "well"), "turn_tls": ("ok", "well"), "path": ("ok", "well"),
    }  # fmt: skip
    assert code == 0
    for item in ("udp", "turn_udp", "turn_tcp", "turn_tls"):
        assert data[item]["sent"] > 100
        assert data[item]["received"] > 100
        assert data[item]["lost"] < 5
        assert 0 < data[item]["rtt_ms"] < 500
    assert data["path"]["ways"] == "UDP, TURN UDP, TURN TCP, TURN TLS"


@pytest.mark.long
async def test_a_sitting_is_not_disturbed_by_it(court: Court, relay: Turn) -> None:
    """Nobody has come, nothing was consented to or kept, and the link opens again."""
    held = await court.sitting(((PARTY, "party"),))
    assert found(held.links[PARTY], "--ca", str(relay.certificate))[0] == 0
    sitting = await sittings.get(court.db, held.id)
    person = next(one for one in sitting.participants if one.name == PARTY)
    assert (sitting.status, person.consented_at, person.device_check) == ("planned", None, None)
    assert found(held.links[PARTY], "--ca", str(relay.certificate))[1]["link"] == ("ok", "well")


async def test_a_relay_whose_certificate_is_not_trusted_is_named_and_the_rest_is_well(court: Court) -> None:
    held = await court.sitting(((PARTY, "party"),))
    done = probe(held.links[PARTY], "--lang", "zh-CN")
    lines = done.stdout.splitlines()
    assert any("中继（TLS）" in line and "证书在本机不受信任" in line for line in lines)
    assert lines[-1].endswith("可以到达法院并返回，通路：UDP, TURN UDP, TURN TCP")
    assert done.returncode == 0


async def test_blocked_udp_without_a_relay_is_named_with_its_remedy(misled: Site) -> None:
    held = await held_at(misled)
    done = probe(held.links[PARTY], "--lang", "en")
    remedy = "and the site has no relay; have UDP to it allowed, or set up TURN"
    assert f"blocked: UDP to the court does not come through, {remedy}" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("reach the court by no way: have UDP to it allowed, or TCP to its relay")
    assert done.returncode == 1


MEDIA = "192.168.78.1"
"""The engine's address in the office's case: what is sent there is swallowed."""


@pytest.fixture
def office() -> Iterator[Network]:
    """A network in which nothing comes through to MEDIA, and nobody is told."""
    try:
        network = Network.make()
    except NoNamespaces as error:
        pytest.skip(str(error))
    firewall, device = "192.168.77.9", f"h{network.home.name.partition('-')[2]}"
    for machine, *command in (
        (network.court, "addr", "add", f"{MEDIA}/32", "dev", "lo"),
        (network.home, "neigh", "add", firewall, "lladdr", "02:00:00:00:00:09", "dev", device),
        (network.home, "route", "add", f"{MEDIA}/32", "via", firewall),
    ):
        subprocess.run(["ip", "-n", machine.name, *command], check=True)
    yield network
    network.close()


@pytest.mark.long
async def test_in_an_office_that_lets_no_udp_out_the_relay_over_tcp_and_tls_carries(office: Network, tmp_path: Path) -> None:
    if not turn.PROGRAM:
        pytest.skip(turn.MISSING)
    relay = Turn(tmp_path / "turn", peer=MEDIA, address=SERVER, before=office.court.before).start()
    urls = (f"turn:{MEDIA}:{relay.port}?transport=udp", relay.url("tcp"), relay.url("tls"))
    settings = relay.site_settings() | {"TURN_URLS": ",".join(urls), "MEDIA_ADDRESS": MEDIA, "MEDIA_BIND": MEDIA}
    site = NetworkSite.in_lan(office, tmp_path / "var", settings, adopts=())
    try:
        site.start()
        held = await held_at(site)
        authorities = tmp_path / "authorities.pem"
        own = (site.data / "secrets" / "authority.crt").read_text()
        authorities.write_text(own + relay.certificate.read_text())
        done = probe(held.links[PARTY], "--ca", str(authorities), "--json", before=office.home.before)
    finally:
        site.stop()
        relay.stop()
    items = {one["item"]: one for one in json.loads(done.stdout)["items"]}
    assert {item: (one["state"], one["code"]) for item, one in items.items()} == {
        "name": ("ok", "well"), "https": ("ok", "well"), "link": ("ok", "well"), "websocket": ("ok", "well"),
        "udp": ("note", "blocked"), "turn_udp": ("note", "blocked"), "turn_tcp": ("ok", "well"), "turn_tls": ("ok", "well"),
        "path": ("ok", "well"),
    }  # fmt: skip
    assert items["path"]["data"]["ways"] == "TURN TCP, TURN TLS"
    assert items["turn_tls"]["data"]["received"] > 100
    assert (done.returncode, done.stderr) == (0, "")


def test_a_link_that_is_void_is_told(site: Site) -> None:
    code, states, _ = found(f"{site.url}/join/0123456789")
    assert (code, states["link"], "udp" in states) == (1, ("mend", "refused"), False)


@pytest.mark.parametrize(
    ("link", "item", "told"),
    [("https://court.invalid/join/x", "name", "unresolved"), ("http://127.0.0.1:9/join/x", "https", "refused")],
)
def test_a_site_that_is_not_there_is_told(link: str, item: str, told: str) -> None:
    code, states, _ = found(link)
    assert (code, states[item]) == (1, ("mend", told))
    assert "link" not in states


@pytest.mark.parametrize("link", ["court.example", "ftp://court.example/join/x", "https://court.example/sign-in", "https://[/join/x"])
def test_what_is_no_personal_link_is_wrong_usage(link: str) -> None:
    done = probe(link)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("server.py probe: ")
    assert len(done.stderr.splitlines()) == 1
