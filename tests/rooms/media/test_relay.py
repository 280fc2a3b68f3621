"""Media through a real coturn, by each way into it, to the real engine."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection
from aiortc.rtcconfiguration import RTCBundlePolicy, RTCIceTransportPolicy

from rooms.media.engine import Source
from rooms.relay import Relay
from tests import turn
from tests.turn import Turn

from . import peer as peers
from .conftest import MakePeer
from .process import EngineProcess, until
from .rights import everybody

BOTH = (Source.MICROPHONE, Source.CAMERA)
pytestmark = pytest.mark.skipif(not turn.PROGRAM, reason=turn.MISSING)


@pytest.fixture
def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Turn]:
    made = Turn(tmp_path / "turn").start()
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    yield made
    made.stop()


def through(url: str, secret: str = turn.SECRET, name: str = "ana", now_s: float | None = None) -> RTCConfiguration:
    """As a page that was told to use the relay alone."""
    ice = Relay((url,), secret, 3600, forced=True).ice_for(name, time.time() if now_s is None else now_s)
    server = ice.servers[0]
    return RTCConfiguration(
        iceServers=[RTCIceServer(list(server.urls), server.username, server.credential)],
        bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
        iceTransportPolicy=RTCIceTransportPolicy(ice.policy),
    )


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_picture_and_sound_pass_in_both_directions(
    relay: Turn, engine: EngineProcess, make_peer: MakePeer, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(peers, "ONE_TRANSPORT", through(relay.url(way)))
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana, bo = make_peer("ana"), make_peer("bo")
    connection = await ana.publish(BOTH)
    await bo.subscribe()
    await until(lambda: bo.frames("ana", Source.CAMERA) > 10 and bo.frames("ana", Source.MICROPHONE) > 25)
    offered = set(re.findall(r"typ (\w+)", connection.localDescription.sdp))
    assert offered == {"relay"}, "nothing but the relay's addresses was used"
    assert {user.partition(":")[2] for user in relay.users()} == {"ana"}


async def test_nobody_gets_through_with_expired_credentials_or_another_secret(relay: Turn, engine: EngineProcess) -> None:
    await engine.client.apply("room", 1, everybody("ana"))
    for wrong in (through(relay.url("udp"), secret="guessed"), through(relay.url("udp"), now_s=time.time() - 7200)):
        gathered = RTCPeerConnection(wrong)
        gathered.addTransceiver("audio", direction="sendonly")
        await gathered.setLocalDescription(await gathered.createOffer())
        assert "typ relay" not in gathered.localDescription.sdp
        await gathered.close()
    assert relay.users() == set()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Turn]:
    """A relay that leads to another address."""
    made = Turn(tmp_path / "elsewhere", peer="192.0.2.1").start()
    yield made
    made.stop()


async def test_the_relay_leads_to_the_engine_and_to_nobody_else(
    elsewhere: Turn, engine: EngineProcess, make_peer: MakePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "ONE_TRANSPORT", through(elsewhere.url("udp")))
    await engine.client.apply("room", 1, everybody("ana"))
    await make_peer("ana").publish(BOTH)
    await until(lambda: "Forbidden IP" in elsewhere.log())
    assert elsewhere.users(), "there was an allocation, and it was of no use"
    assert (await engine.client.report())["worker"]["received"] == 0
