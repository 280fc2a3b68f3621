"""The two connections of a participant (docs/protocol.md) on aiortc's RTCPeerConnection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aioice.ice
from aiortc import MediaStreamTrack, RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcconfiguration import RTCBundlePolicy, RTCIceTransportPolicy

from rooms.media.engine import Source
from rooms.protocol import Ice


class NotConnected(Exception):
    """The media connection could not be made."""


def configuration(ice: Ice) -> RTCConfiguration:
    """As a page makes its connections. Of several relays aiortc takes the first."""
    servers = [RTCIceServer(list(server.urls), server.username, server.credential) for server in ice.servers]
    return RTCConfiguration(
        iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE, iceTransportPolicy=RTCIceTransportPolicy(ice.policy)
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """Counted on one connection: packets sent or received, those `lost`, jitter and round trip in ms (None: not yet known)."""

    packets: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    rtt_ms: float | None = None


class _Connection:
    def __init__(self, ice: Ice) -> None:
        self.pc = RTCPeerConnection(configuration(ice))

    async def connected(self, limit_s: float) -> None:
        """Wait until media can pass; raises :class:`NotConnected` after `limit_s`, or when it fails."""
        changed = asyncio.Event()
        self.pc.on("connectionstatechange", changed.set)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self.pc.connectionState not in ("connected", "failed", "closed"):
                    changed.clear()
                    await changed.wait()
        if self.pc.connectionState != "connected":
            raise NotConnected(f"{self.pc.connectionState} after {limit_s:.0f} s")

    async def _stats(self, kind: str) -> list[Any]:
        return [found for found in (await self.pc.getStats()).values() if found.type == kind]

    async def close(self) -> None:
        """End it. May be called twice."""
        await self.pc.close()


class Sending(_Connection):
    """What it publishes."""

    def __init__(self, tracks: Mapping[Source, MediaStreamTrack], ice: Ice | None = None) -> None:
        super().__init__(ice or Ice())
        self._sources = [(self.pc.addTransceiver(track, direction="sendonly"), source) for source, track in tracks.items()]

    async def offer(self) -> tuple[str, list[dict[str, str]]]:
        """SDP and tracks for ``publish``."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp, [{"mid": str(line.mid), "source": source.value} for line, source in self._sources]

    async def take(self, answer: str) -> None:
        """The answer; connects."""
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def figures(self) -> Figures:
        """Packets sent; of them `lost` on the way, as the other side reports."""
        sent = await self._stats("outbound-rtp")
        told = await self._stats("remote-inbound-rtp")
        rtts = [one.roundTripTime * 1000 for one in told if one.roundTripTime]
        lost = sum(max(0, one.packetsLost) for one in told)
        return Figures(sum(one.packetsSent for one in sent), lost, rtt_ms=min(rtts, default=None))


class Receiving(_Connection):
    """What it receives. `frames` are decoded frames by (endpoint, source)."""

    def __init__(self, ice: Ice | None = None) -> None:
        super().__init__(ice or Ice())
        self.frames: dict[tuple[str, str], int] = {}
        self._names: dict[str, tuple[str, str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.pc.on("track", self._track)

    def _track(self, track: MediaStreamTrack) -> None:
        mid = next(str(line.mid) for line in self.pc.getTransceivers() if line.receiver.track is track)
        task = asyncio.create_task(self._count(mid, track))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _count(self, mid: str, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                await track.recv()
                name = self._names.get(mid)
                if name is not None:
                    self.frames[name] = self.frames.get(name, 0) + 1

    async def answer(self, offer: str, tracks: Iterable[Mapping[str, str]]) -> str:
        """The answer to an offer; what it names is counted from now on."""
        self._names = {track["mid"]: (track["endpoint"], track["source"]) for track in tracks}
        await self.pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        return str(self.pc.localDescription.sdp)

    async def figures(self) -> Figures:
        """Packets received, and what was lost on the way to here."""
        got = await self._stats("inbound-rtp")
        rates = {"audio": 48_000, "video": 90_000}
        jitter_ms = max((1000 * one.jitter / rates[one.kind] for one in got), default=0.0)
        return Figures(sum(one.packetsReceived for one in got), sum(max(0, one.packetsLost) for one in got), jitter_ms)

    async def close(self) -> None:
        await super().close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def include_loopback() -> None:
    """From now on connections have 127.0.0.1 among their addresses, for a site on this very machine: aioice leaves it out."""
    usual = aioice.ice.get_host_addresses

    def addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        found: list[str] = usual(use_ipv4, use_ipv6)
        return found if not use_ipv4 or "127.0.0.1" in found else [*found, "127.0.0.1"]

    aioice.ice.get_host_addresses = addresses
