"""IPv4 and IPv6 on one UDP port of a real engine process: who has only one of them meets who has only the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aioice.ice
import pytest

from rooms.media.engine import Source
from rooms.media.forwarding.address import EVERYWHERE, bound

from .peer import Peer
from .process import EngineProcess, until
from .rights import everybody

BOTH = (Source.MICROPHONE, Source.CAMERA)


def has_ipv6() -> bool:
    try:
        bound("::1", 0).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this host has no IPv6")
async def test_one_with_ipv4_and_one_with_ipv6_see_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = await EngineProcess(tmp_path, bind=EVERYWHERE).start("::1,127.0.0.1")
    peers = [Peer(engine.client, "ana"), Peer(engine.client, "bo")]
    try:
        await engine.client.apply("room", 1, everybody("ana", "bo"))
        for peer, own in zip(peers, ("127.0.0.1", "::1"), strict=True):
            monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6, own=own: [own])
            await peer.publish(BOTH)
            await peer.subscribe()
        ana, bo = peers
        await until(lambda: bo.frames("ana", Source.CAMERA) > 3 and ana.frames("bo", Source.CAMERA) > 3)
        for peer, own in ((ana, "127.0.0.1"), (bo, "::1")):
            for connection in (peer.publishing, peer.receiving):
                assert connection is not None
                pair = connection.getTransceivers()[0].sender.transport.transport._connection._nominated[1]
                assert (pair.local_addr[0], pair.remote_addr[0]) == (own, own)
                assert pair.local_candidate.type == "host", "the engine told it the address that it has"
        report = await engine.client.report()
        assert report["worker"]["failed"] == 0
    finally:
        await asyncio.gather(*(peer.close() for peer in peers))
        await engine.stop()


@pytest.mark.parametrize("address", ["court.example", "127.0.0.1,", "0.0.0.0"])
async def test_a_wrong_address_ends_the_start_with_one_line(tmp_path: Path, address: str) -> None:
    engine = EngineProcess(tmp_path)
    process = await engine.spawn(address)
    assert await process.wait() == 1
    (line,) = engine.log().splitlines()
    assert "address" in line
