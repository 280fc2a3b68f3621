"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aioice.ice
import pytest

from .peer import Peer
from .process import EngineProcess
from .recorder import FeedSocket

MakePeer = Callable[..., Peer]


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peers of these tests have no address but 127.0.0.1, which aioice would pass over."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EngineProcess]:
    """A running engine process with a connected client."""
    process = await EngineProcess(tmp_path).start()
    yield process
    await process.stop()


@pytest.fixture
async def make_peer(engine: EngineProcess) -> AsyncIterator[MakePeer]:
    """Makes peers of the engine; they are closed at the end."""
    peers: list[Peer] = []

    def make(endpoint: str, **options: object) -> Peer:
        peer = Peer(engine.client, endpoint, **options)  # type: ignore[arg-type]
        peers.append(peer)
        return peer

    yield make
    for peer in peers:
        await peer.close()


@pytest.fixture
async def recorder(engine: EngineProcess) -> AsyncIterator[FeedSocket]:
    """A recorder's socket beside the engine."""
    end = FeedSocket(engine.recorder_feed_socket, engine.feed_socket)
    yield end
    end.close()
