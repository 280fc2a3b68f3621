"""Credentials for the relay."""

from __future__ import annotations

import base64
import hashlib
import hmac

from rooms.protocol import Ice
from rooms.relay import Relay
from tests.rooms.courthouse import Courthouse

URLS = ("turn:turn.court:3478?transport=udp", "turns:turn.court:443?transport=tcp")


def test_credentials_are_those_that_coturn_makes_from_the_same_secret() -> None:
    (server,) = Relay(URLS, "north", 3600).ice_for("e-zhang", 1_700_000_000.9).servers
    assert (server.urls, server.username) == (URLS, "1700003600:e-zhang")
    assert server.credential == base64.b64encode(hmac.new(b"north", b"1700003600:e-zhang", hashlib.sha1).digest()).decode()


def test_each_endpoint_has_its_own_and_they_change_with_time() -> None:
    relay = Relay(URLS, "north")
    made = [relay.ice_for(name, now).servers[0] for name, now in (("a", 0), ("b", 0), ("a", 1))]
    assert len({server.credential for server in made}) == 3


def test_without_a_relay_nothing_is_said_of_one() -> None:
    assert Relay().ice_for("a", 0) == Ice(servers=(), policy="all")
    assert Relay(URLS, "north", forced=True).ice_for("a", 0).policy == "relay"


def test_the_secret_is_in_no_log() -> None:
    assert "north" not in repr(Relay(URLS, "north"))


async def test_who_is_let_in_gets_credentials_with_the_welcome(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    told = {name: next(message for message in page.heard if message["type"] == "welcome")["ice"] for name, page in pages.items()}
    assert {name: ice["servers"][0]["username"].partition(":")[2] for name, ice in told.items()} == {name: f"e-{name}" for name in told}
    assert {ice["policy"] for ice in told.values()} == {"all"}
    check = house.hub.device_checks.ice("e-li")
    assert check.servers[0].username.endswith(":e-li")
