"""Participants without codecs, cheap enough that dozens come and go: ICE, DTLS and SRTP are real, their packets carry their name."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable

from bench.load.peers import AUDIO_TYPE, VIDEO_TYPE, LoadPeer
from bench.load.traffic import KEY_FRAME
from rooms.media.client import EngineClient
from rooms.media.engine import EngineEvent, Offer, Source

from .rights import everybody

SECTIONS = {"0": Source.MICROPHONE, "1": Source.CAMERA}
EVERY_S = 0.1


class Member:
    """One participant. `seen`: the endpoints and kinds ("audio", "video") of which packets came that it could decrypt."""

    def __init__(self, client: EngineClient, router: str, endpoint: str) -> None:
        self.client, self.router, self.endpoint = client, router, endpoint
        self.seen: set[tuple[str, str]] = set()
        self._publishing: LoadPeer | None = None
        self._receiving: LoadPeer | None = None
        self._count = 0
        self._sending: asyncio.Task[None] | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self._newest = 0
        client.on_event(self._on_event)

    # -- what it does

    async def publish(self) -> None:
        """Send sound, and a picture of key frames alone, ten times a second."""
        self._publishing = LoadPeer("AES-GCM-128")

        async def exchange(offer: str) -> str:
            return (await self.client.publish(self.router, 1, self.endpoint, offer, SECTIONS)).sdp

        await self._publishing.publish(exchange)
        self._sending = asyncio.create_task(self._send(self._publishing))

    async def subscribe(self) -> None:
        """Take everything that there is, and that will be."""
        offer = await self.client.subscribe(self.router, 1, self.endpoint)
        peer = LoadPeer("AES-GCM-128")
        peer._dtls._handle_rtp_data = self._received  # type: ignore[method-assign]
        self._newest = offer.revision
        await peer.subscribe(offer.sdp, lambda answer: self._answer(offer, answer))
        self._receiving = peer
        if self._pending is not None:
            self._on_offer(self._pending)

    async def leave(self) -> None:
        """Close the page; the engine hears it by DTLS."""
        self.client._listeners.remove(self._on_event)
        if self._sending is not None:
            self._sending.cancel()
        for task in self._answers:
            task.cancel()
        for peer in (self._publishing, self._receiving):
            if peer is not None:
                await peer._dtls.stop()
                await peer.drop()
        self._publishing = self._receiving = None

    # -- how

    _pending: Offer | None = None

    def _on_event(self, event: EngineEvent) -> None:
        if event.name == "offer" and (event.router, event.endpoint) == (self.router, self.endpoint):
            self._on_offer(event.fields["offer"])

    def _on_offer(self, offer: Offer) -> None:
        if self._receiving is None:
            self._pending = offer  # the first answer is still on its way
        elif offer.revision > self._newest:
            self._newest = offer.revision
            task = asyncio.create_task(self._answer_again(self._receiving, offer))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

    async def _answer_again(self, peer: LoadPeer, offer: Offer) -> None:
        await self._answer(offer, await peer.answer(offer.sdp))

    async def _answer(self, offer: Offer, answer: str) -> None:
        if offer.revision == self._newest:
            await self.client.answer(self.router, 1, self.endpoint, offer.transport, offer.revision, answer)

    async def _send(self, peer: LoadPeer) -> None:
        name = self.endpoint.encode()
        while True:
            self._count += 1
            for ssrc, payload_type, ticks, head in (
                (peer.audio_ssrc, AUDIO_TYPE, 4800, b"audio"),
                (peer.video_ssrc, VIDEO_TYPE, 9000, KEY_FRAME + b"video"),
            ):
                first = struct.pack("!BBHII", 0x80, 0x80 | payload_type, self._count & 0xFFFF, self._count * ticks & 0xFFFFFFFF, ssrc)
                await peer._dtls._send_rtp(first + head + name)
            await asyncio.sleep(EVERY_S)

    async def _received(self, data: bytes, arrival_time_ms: int) -> None:  # named by aiortc
        for kind in ("audio", "video"):
            _, found, name = data[12:].partition(kind.encode())
            if found:
                self.seen.add((name.decode(), kind))


class Swarm:
    """A room and who is in it."""

    def __init__(self, client: EngineClient, router: str) -> None:
        self.client, self.router = client, router
        self.members: dict[str, Member] = {}

    async def admit(self, *endpoints: str) -> list[Member]:
        """Let these come in; they neither send nor take anything yet."""
        newcomers = [Member(self.client, self.router, endpoint) for endpoint in endpoints]
        self.members |= {member.endpoint: member for member in newcomers}
        await self.client.apply(self.router, 1, everybody(*self.members))
        return newcomers

    def missing(self) -> list[tuple[str, str, str]]:
        """(viewer, publisher, kind) of every pair of which nothing has come."""
        return [
            (viewer.endpoint, other, kind)
            for viewer in self.members.values()
            for other in self.members
            for kind in ("audio", "video")
            if other != viewer.endpoint and (other, kind) not in viewer.seen
        ]

    async def all_see_all(self, limit_s: float = 60) -> None:
        """Wait until every pair has sound and picture; fails naming those that have not."""
        try:
            async with asyncio.timeout(limit_s):
                while self.missing():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{len(self.missing())} of the pairs got nothing: {self.missing()[:6]}") from None

    async def leave(self, endpoints: Iterable[str]) -> None:
        """These go; the others stay."""
        for endpoint in list(endpoints):
            await self.members.pop(endpoint).leave()
        await self.client.apply(self.router, 1, everybody(*self.members))

    async def end(self) -> None:
        """Everybody goes, and the room ends."""
        await self.leave(self.members)
        await self.client.close_router(self.router, 1)
