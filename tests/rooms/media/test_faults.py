"""The engine dies, the server dies, strangers send rubbish."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
from pathlib import Path

import pytest
from aioice import stun

from rooms import wire
from rooms.media.client import EngineClient
from rooms.media.engine import EngineError, EngineEvent, Source

from .conftest import MakePeer
from .process import EngineProcess, until
from .rights import everybody

BOTH = (Source.MICROPHONE, Source.CAMERA)


async def test_a_killed_engine_comes_back_empty_and_takes_everybody_again(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana, bo = make_peer("ana"), make_peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await until(lambda: bo.frames("ana", Source.CAMERA) > 3)
    former = engine.client.instance

    await engine.kill()
    await until(lambda: engine.events[-1].name == "lost")
    with pytest.raises(EngineError, match="lost"):
        await engine.client.report()
    await engine.start()
    assert engine.client.instance != former
    with pytest.raises(EngineError, match="unknown_router"):
        await engine.client.subscribe("room", 1, "bo")

    await engine.client.apply("room", 1, everybody("ana", "bo"))
    again, watcher = make_peer("ana"), make_peer("bo")
    await again.publish(BOTH)
    await watcher.subscribe()
    await until(lambda: watcher.frames("ana", Source.CAMERA) > 3)


async def test_media_flows_on_while_the_server_is_away_and_nothing_is_renegotiated(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana, bo = make_peer("ana"), make_peer("bo")
    await ana.publish(BOTH)
    await bo.subscribe()
    await until(lambda: bo.frames("ana", Source.CAMERA) > 3)
    await engine.client.close()
    frames = bo.frames("ana", Source.CAMERA)
    await until(lambda: bo.frames("ana", Source.CAMERA) > frames + 20)

    returned = EngineClient(engine.socket)
    events: list[EngineEvent] = []
    returned.on_event(events.append)
    await returned.start()
    await until(lambda: bool(events))
    assert (events[0].name, events[0].fields["instance"]) == ("up", engine.client.instance)
    assert (await returned.report())["routers"]["room"]["endpoints"]["bo"]["subscribe"]["state"] == "connected"
    await returned.apply("room", 2, everybody("ana", "bo"))
    frames = bo.frames("ana", Source.CAMERA)
    await until(lambda: bo.frames("ana", Source.CAMERA) > frames + 10)
    assert [e.name for e in events if e.name not in ("demand", "speaker")] == ["up"]
    await returned.close()


async def test_an_offer_that_the_server_missed_is_made_again(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    offer = await engine.client.subscribe("room", 1, "bo")
    await engine.client.close()
    engine.events.clear()
    await engine.client.start()
    await until(lambda: engine.client.connected)
    await engine.client.apply("room", 2, everybody("ana", "bo"))
    await until(lambda: any(e.name == "offer" for e in engine.events))
    assert [e.fields["offer"].transport for e in engine.events if e.name == "offer"] == [offer.transport]


async def test_the_newest_server_wins(engine: EngineProcess) -> None:
    second = await wire.connect(engine.socket)
    running = asyncio.create_task(second.run())
    await second.request("hello")
    # The first client connects again by itself and takes over in turn.
    await until(lambda: second.closed)
    await until(lambda: engine.client.connected)
    assert [e.name for e in engine.events] == ["up", "lost", "up"]
    await running


async def test_rubbish_is_dropped_and_counted_and_disturbs_nobody(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo"))
    ana, bo = make_peer("ana"), make_peer("bo")
    await ana.publish(BOTH)
    offer = await bo.subscribe()
    await until(lambda: bo.frames("ana", Source.CAMERA) > 3)
    ufrag = next(line.split(":")[1] for line in offer.sdp.split("\r\n") if line.startswith("a=ice-ufrag:"))

    def check(user: str, key: bytes | None) -> bytes:
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = user
        message.attributes["USE-CANDIDATE"] = None
        if key is not None:
            message.add_message_integrity(key)
        return bytes(message)

    datagrams = {
        "garbage": os.urandom(40)[:0] + b"\xff" * 40,
        "stun_malformed": b"\x00\x01" + os.urandom(30),
        "stun_unknown_user": check("nobody:x", b"key"),
        "stun_wrong_key": check(f"{ufrag}:x", b"wrong"),
        "media_from_unknown_address": struct.pack("!BBHII", 0x80, 96, 1, 1, 1) + bytes(100),
        "dtls_from_unknown_address": b"\x16\xfe\xff" + bytes(60),
    }
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.setblocking(False)
        for datagram in [*datagrams.values(), b"", check(f"{ufrag}:x", None)]:
            for _ in range(10):
                stranger.sendto(datagram, ("127.0.0.1", engine.udp_port))
        frames = bo.frames("ana", Source.CAMERA)
        await until(lambda: bo.frames("ana", Source.CAMERA) > frames + 5)
        with pytest.raises(BlockingIOError):
            stranger.recv(2048)
    dropped = (await engine.client.report())["worker"]["dropped"]
    assert {reason: dropped.get(reason) for reason in datagrams} == {**dict.fromkeys(datagrams, 10), "garbage": 20, "stun_wrong_key": 20}


async def test_a_port_in_use_is_one_line_and_exit_1(engine: EngineProcess, tmp_path: Path) -> None:
    second = EngineProcess(tmp_path / "second", engine.udp_port)
    second.folder.mkdir()
    process = await second.spawn()
    async with asyncio.timeout(20):
        assert await process.wait() == 1
    assert second.log() == f"UDP port {engine.udp_port} on 127.0.0.1 is in use\n"


async def test_sigterm_ends_the_engine_cleanly_and_tells_the_browsers(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana"))
    connection = await make_peer("ana").publish(BOTH)
    await until(lambda: connection.connectionState == "connected")
    assert engine.process is not None
    engine.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(20):
        assert await engine.process.wait() == 0
    await until(lambda: connection.connectionState in ("closed", "failed"))
    assert not engine.feed_socket.exists()
