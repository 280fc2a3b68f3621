"""An engine behind address translation: browsers are told the public address and port alone, and a firewall forwards them to another
port of a machine whose own address nobody learns."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import aioice.ice
import pytest

from rooms.media.engine import Source
from tests.browser.site import free_port
from tests.relay import Relay

from .peer import Peer
from .process import EngineProcess, until
from .rights import everybody

PUBLIC, OWN = "127.0.0.2", "127.0.0.1"
BOTH = (Source.MICROPHONE, Source.CAMERA)


async def test_media_come_and_go_by_the_public_address_and_by_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [OWN])
    port = free_port(socket.SOCK_DGRAM)
    async with Relay(port, host=PUBLIC) as firewall:
        engine = EngineProcess(tmp_path, udp_port=port, bind=OWN)
        engine.options += ["--media-port", str(firewall.port)]
        await engine.start(PUBLIC)
        ana, bo = peers = [Peer(engine.client, "ana"), Peer(engine.client, "bo")]
        try:
            await engine.client.apply("room", 1, everybody("ana", "bo"))
            for peer in peers:
                await peer.publish(BOTH)
                await peer.subscribe()
            for viewer, other in ((ana, "bo"), (bo, "ana")):
                await until(lambda v=viewer, o=other: all(v.frames(o, source) > 3 for source in BOTH))  # type: ignore[misc]
            for peer in peers:
                for connection in (peer.publishing, peer.receiving):
                    assert connection is not None
                    told = connection.remoteDescription.sdp
                    assert set(re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", told)) == {(PUBLIC, str(firewall.port))}
                    assert f"{OWN} {port}" not in told
                    pair = connection.getTransceivers()[0].sender.transport.transport._connection._nominated[1]
                    assert pair.remote_addr == (PUBLIC, firewall.port)
            assert firewall.up.passed > 20
            assert firewall.down.passed > 20
            assert (await engine.client.report())["worker"]["failed"] == 0
        finally:
            await asyncio.gather(*(peer.close() for peer in peers))
            await engine.stop()
