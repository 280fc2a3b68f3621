"""Time in a worker: consent, and what holds how long without a server. The clock is the test's."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aioice import stun
from aiortc import RTCPeerConnection, RTCSessionDescription

from rooms.media.client import EngineClient
from rooms.media.control import Control
from rooms.media.drain import Drain
from rooms.media.engine import Source
from rooms.media.forwarding.address import readable
from rooms.media.forwarding.feed import Feed
from rooms.media.forwarding.port import PortTaken, bind
from rooms.media.forwarding.transport import CONSENT_S, FORGET_S, STALE_S
from rooms.media.forwarding.worker import RIGHTS_HOLD_S, TRANSPORTS_HOLD_S, Worker
from tests.relay import Relay

from .peer import Peer
from .process import until
from .recorder import FeedSocket
from .rights import everybody, tracks

BOTH = (Source.MICROPHONE, Source.CAMERA)


class Clock:
    """Stands still until it is moved. Transports see checks of the present moment, however long the test takes."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Site:
    """A worker on this loop, with its control socket, a client and a recorder's socket."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        feed = Feed(folder / "engine-feed.sock", folder / "recorder-feed.sock")
        self.worker = Worker(bind("127.0.0.1", 0), "127.0.0.1", feed, self.clock)
        self.control = Control(self.worker, Drain(self.worker, folder / "engine.drained"))
        self.client = EngineClient(folder / "engine.sock")
        self.recorder = FeedSocket(folder / "recorder-feed.sock", folder / "engine-feed.sock")
        self.events: list[dict[str, Any]] = []
        self.client.on_event(lambda e: self.events.append({"name": e.name, "endpoint": e.endpoint, **e.fields}))
        self.folder = folder
        self.peers: list[Peer] = []

    def peer(self, name: str, port: int | None = None) -> Peer:
        self.peers.append(Peer(self.client, name, port=port))
        return self.peers[-1]

    def states(self, endpoint: str) -> list[str]:
        return [e["state"] for e in self.events if e["name"] == "transport" and e["endpoint"] == endpoint]

    def producer(self, endpoint: str, source: str = "camera") -> dict[str, int]:
        found: dict[str, int] = self.worker.report()["routers"]["room"]["endpoints"][endpoint]["publish"]["producers"][source]
        return found

    async def some_packets(self, endpoint: str) -> dict[str, int]:
        """The counters of a camera after at least ten more packets of it came."""
        before = self.producer(endpoint)["packets"]
        await until(lambda: self.producer(endpoint)["packets"] > before + 10)
        return self.producer(endpoint)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    await made.control.listen(tmp_path / "engine.sock")
    await made.client.start()
    await until(lambda: made.client.connected)
    yield made
    for peer in made.peers:
        await peer.close()
    await made.client.close()
    await made.control.close()
    await made.worker.close()
    made.recorder.close()


async def connected(site: Site) -> tuple[Peer, Peer]:
    """Ana is seen by Bo."""
    ana, bo = site.peer("ana"), site.peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await until(lambda: bo.frames("ana", Source.CAMERA) > 3)
    return ana, bo


async def test_without_a_server_the_last_rights_hold_and_then_nothing_flows(site: Site) -> None:
    await site.client.apply("room", 1, everybody("ana", "bo", record=tracks("ana")))
    site.recorder.want("room", "first")
    await connected(site)
    await site.client.close()
    await until(lambda: site.worker._routers["room"].away_since is not None)
    held = await site.some_packets("ana")
    site.clock.now += RIGHTS_HOLD_S - 1
    # The clock jumped: consent of every transport is renewed by the next check before it is judged.
    for transport in site.worker._routers["room"].transports():
        transport.last_check = site.clock.now
    flowing = await site.some_packets("ana")
    assert flowing["forwarded"] > held["forwarded"]
    assert flowing["recorded"] > held["recorded"]

    site.clock.now += 2
    await until(lambda: site.worker._routers["room"].stopped)
    stopped = site.producer("ana")
    later = await site.some_packets("ana")
    assert (later["forwarded"], later["recorded"]) == (stopped["forwarded"], stopped["recorded"])
    assert later["dropped_not_permitted"] > 0
    assert site.worker.report()["worker"]["transports"] == 2

    await site.client.start()
    await until(lambda: site.client.connected)
    again = await site.some_packets("ana")
    assert again["forwarded"] == stopped["forwarded"], "a connection alone confirms no rights"
    await site.client.apply("room", 2, everybody("ana", "bo", record=tracks("ana")))
    back = await site.some_packets("ana")
    assert back["forwarded"] > stopped["forwarded"]


async def test_without_a_server_for_a_minute_the_transports_end(site: Site) -> None:
    await site.client.apply("room", 1, everybody("ana", "bo"))
    await connected(site)
    await site.client.close()
    await until(lambda: site.worker._routers["room"].away_since is not None)
    site.clock.now += TRANSPORTS_HOLD_S + 1
    await until(lambda: site.worker.report()["routers"] == {})
    assert site.worker.report()["worker"]["transports"] == 0


async def test_without_a_server_nobody_is_connected_anew(site: Site) -> None:
    await site.client.apply("room", 1, everybody("ana", "bo", private=True))
    ana, bo = site.peer("ana"), site.peer("bo")
    await ana.publish(BOTH)
    offer = await site.client.subscribe("room", 1, "bo")
    connection = bo.receiving = RTCPeerConnection()
    await connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
    answer = await connection.createAnswer()
    await site.client.answer("room", 1, "bo", offer.transport, offer.revision, answer.sdp)
    await site.client.close()
    await until(lambda: site.worker._routers["room"].away_since is not None)
    await connection.setLocalDescription(answer)
    await until(lambda: connection.connectionState == "connected")
    assert (await site.some_packets("ana"))["forwarded"] == 0
    await site.client.start()
    await until(lambda: site.client.connected)
    await site.client.apply("room", 2, everybody("ana", "bo", private=True))
    assert (await site.some_packets("ana"))["forwarded"] > 0


async def test_a_silent_browser_goes_stale_then_gets_no_media_then_is_forgotten(site: Site) -> None:
    await site.client.apply("room", 1, everybody("ana", "bo"))
    async with Relay(site.worker.port.number) as relay:
        ana, bo = site.peer("ana"), site.peer("bo", relay.port)
        await ana.publish(BOTH)
        await bo.subscribe()
        await until(lambda: bo.frames("ana", Source.CAMERA) > 3)
        relay.up_drop, relay.everything = 1.0, True

        def pass_time(seconds: float) -> None:
            site.clock.now += seconds
            for transport in site.worker._routers["room"].transports():
                if transport.endpoint == "ana":
                    transport.last_check = site.clock.now

        pass_time(STALE_S + 1)
        await until(lambda: site.states("bo") == ["connected", "stale"])
        still = site.producer("ana")
        assert (await site.some_packets("ana"))["forwarded"] > still["forwarded"]

        pass_time(CONSENT_S - STALE_S)
        subscribed = next(t for t in site.worker._routers["room"].transports() if t.endpoint == "bo")
        await until(lambda: not subscribed.ready)
        silent = site.producer("ana")
        assert (await site.some_packets("ana"))["forwarded"] == silent["forwarded"]

        relay.up_drop = 0.0
        await until(lambda: site.states("bo") == ["connected", "stale", "connected"])
        assert (await site.some_packets("ana"))["forwarded"] > silent["forwarded"]

        relay.up_drop = 1.0
        pass_time(FORGET_S + 1)
        await until(lambda: site.states("bo")[-1] == "closed")
    assert site.states("ana") == ["connected"]


async def test_a_browser_that_moves_is_followed_by_a_nominating_check_alone(site: Site) -> None:
    await site.client.apply("room", 1, everybody("ana", "bo"))
    _, bo = await connected(site)
    transport = next(t for t in site.worker._routers["room"].transports() if t.endpoint == "bo")
    assert transport.destination is not None
    former = transport.destination.address

    def check(nominate: bool) -> bytes:
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{transport.ufrag}:{transport.remote_ufrag}"
        if nominate:
            message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(transport.password.encode())
        return bytes(message)

    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.1", 0))
        elsewhere.setblocking(False)
        await loop.sock_sendto(elsewhere, check(nominate=False), ("127.0.0.1", site.worker.port.number))
        answer = stun.parse_message(await loop.sock_recv(elsewhere, 2048))
        assert answer.check_message_integrity(transport.password.encode())
        assert "FINGERPRINT" in answer.attributes
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == elsewhere.getsockname()
        assert transport.destination.address == former

        await loop.sock_sendto(elsewhere, check(nominate=True), ("127.0.0.1", site.worker.port.number))
        async with asyncio.timeout(20):
            await loop.sock_recv(elsewhere, 2048)
            media = await loop.sock_recv(elsewhere, 2048)
        assert 127 < media[0] < 192
        assert readable(transport.destination.address) == elsewhere.getsockname()
        assert site.worker.port._by_address.get(former) is None
    assert bo.frames("ana", Source.CAMERA) > 0


async def test_a_port_in_use_is_found(site: Site) -> None:
    with pytest.raises(PortTaken, match="is in use"):
        bind("127.0.0.1", site.worker.port.number)
    with pytest.raises(PortTaken, match="is in use"):
        bind("0.0.0.0", site.worker.port.number)


async def test_closing_twice_is_closing_once(site: Site) -> None:
    await site.client.apply("room", 1, everybody("ana", "bo"))
    await connected(site)
    await site.worker.close()
    await site.worker.close()
    left = {getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()}
    assert not [name for name in left if name.startswith(("Worker.", "Transport.", "Dtls."))]


async def test_what_a_former_recording_took_counts_for_no_later_one(site: Site) -> None:
    await site.client.apply("room", 1, everybody("ana", "bo", record=tracks("ana")))
    site.recorder.want("room", "first")
    await connected(site)
    before = await site.some_packets("ana")
    assert before["fed"] == before["recorded"] > 0
    await site.client.apply("room", 1, everybody("ana", "bo"))
    resting = await site.some_packets("ana")
    assert resting["recorded"] == before["recorded"]
    assert resting.get("fed") is None
    await site.client.apply("room", 1, everybody("ana", "bo", record=tracks("ana")))
    again = await site.some_packets("ana")
    assert again["fed"] == again["recorded"] - before["recorded"] > 0
