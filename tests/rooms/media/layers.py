"""A publisher of a simulcast: three layers of VP8 under rids of their own, packed by the test, and a log of what a subscriber is sent."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import itertools
import random
import re
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import av
from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpRtpfbPacket, unpack_remb_fci

from rooms.media.engine import Source
from rooms.media.forwarding import packets, sdp, vp8

from .peer import ONE_TRANSPORT, Peer

RID_ID, REPAIRED_ID = 10, 11
FRAME_S = 0.04
PAYLOAD = 900
HEIGHTS = {"q": 48, "h": 96, "f": 192}
_HEAD = struct.Struct("!BBHII")


class Encoder:
    """VP8 pictures of one size, each a little different."""

    def __init__(self, height: int) -> None:
        self.height = height
        self._codec: Any = av.CodecContext.create("libvpx", "w")
        self._codec.width, self._codec.height = height * 4 // 3, height
        self._codec.pix_fmt, self._codec.time_base = "yuv420p", fractions.Fraction(1, 90_000)
        self._codec.bit_rate = height * 2_000
        self._codec.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": "9999"}

    def encode(self, count: int, key: bool) -> bytes:
        frame = av.VideoFrame(self._codec.width, self.height, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([(count * 7 + 11 * i) % 256 for i in range(64)]) * (plane.buffer_size // 64) + bytes(plane.buffer_size % 64))
        frame.pts, frame.time_base = count * 3600, fractions.Fraction(1, 90_000)
        if key:
            frame.pict_type = av.video.frame.PictureType.I
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


@dataclass
class Layer:
    """One layer as it is sent: numbers of its own from anywhere. `sent` keeps packets for repair; `frames` counts those made."""

    rid: str
    ssrc: int
    rtx_ssrc: int
    encoder: Encoder
    seq: int
    timestamp: int
    picture: int
    base: int
    rtx_seq: int = 0
    frames: int = 0
    active: bool = True
    key_wanted: bool = True
    plis: int = 0
    nacks: int = 0
    sent: dict[int, bytes] = field(default_factory=dict)


class Simulcast(Peer):
    """Publishes a camera in layers. `lose` names sequence numbers (counted from a layer's first) that are sent only when asked for.
    `ceilings`: what it was told to send at most (REMB), bit/s. `pause_s`: how long it sent nothing at most, for want of the processor."""

    def __init__(self, *arguments: Any, seed: int = 1, **options: Any) -> None:
        super().__init__(*arguments, **options)
        rng = random.Random(seed)
        self.layers = {
            rid: Layer(
                rid,
                rng.getrandbits(31),
                rng.getrandbits(31),
                Encoder(height),
                seq=rng.getrandbits(16),
                timestamp=rng.getrandbits(32),
                picture=rng.getrandbits(15),
                base=rng.getrandbits(8),
            )
            for rid, height in HEIGHTS.items()
        }
        self.lose: set[tuple[str, int]] = set()
        self.answer_sdp = ""
        self.told: list[tuple[bool, list[str]]] = []
        self.ceilings: list[int] = []
        self.obeys = False
        self.pause_s = 0.0
        self._first = {rid: layer.seq for rid, layer in self.layers.items()}
        self._dtls: Any = None
        self._sending: asyncio.Task[None] | None = None
        self.client.on_event(self._demanded)

    def _demanded(self, event: Any) -> None:
        if event.name == "demand" and event.endpoint == self.endpoint and event.router == self.router:
            wanted, rids = event.fields["wanted"], event.fields["rids"]
            self.told.append((wanted, rids))
            if self.obeys:
                for rid, layer in self.layers.items():
                    layer.key_wanted = layer.key_wanted or (rid in rids and not layer.active)
                    layer.active = rid in rids

    async def publish_layers(self) -> None:
        """Offer the camera as a simulcast of q, h and f, and begin to send."""
        connection = self.publishing = RTCPeerConnection(ONE_TRANSPORT)
        transceiver = connection.addTransceiver("video", direction="sendonly")
        known = RTCRtpSender.getCapabilities("video").codecs
        transceiver.setCodecPreferences([c for c in known if c.mimeType in ("video/VP8", "video/rtx")])
        await connection.setLocalDescription(await connection.createOffer())
        offer = self._layered(connection.localDescription.sdp)
        published = await self.client.publish(self.router, self.epoch, self.endpoint, offer, {str(transceiver.mid): Source.CAMERA})
        self.answer_sdp = published.sdp
        await connection.setRemoteDescription(RTCSessionDescription(self._through(published.sdp), "answer"))
        section = sdp.parse(offer).sections[0].chosen()
        self._types = section.payload_type, section.rtx_payload_type or 0
        self._mid = str(transceiver.mid)
        self._dtls = transceiver.sender.transport
        self._dtls._handle_rtcp_data = self._on_rtcp
        self._sending = asyncio.create_task(self._send())

    def _layered(self, text: str) -> str:
        lines = [line for line in text.split("\r\n") if not re.match(r"a=ssrc(-group)?:", line)]
        lines = lines[:-1] if not lines[-1] else lines
        extra = [f"a=extmap:{RID_ID} {sdp.RID_EXTENSION}", f"a=extmap:{REPAIRED_ID} {sdp.REPAIRED_RID_EXTENSION}"]
        extra += [f"a=rid:{rid} send" for rid in self.layers] + [f"a=simulcast:send {';'.join(self.layers)}"]
        return "\r\n".join([*lines, *extra, ""])

    async def _send(self) -> None:
        while self._dtls.state != "connected":
            await asyncio.sleep(0.02)
        loop = asyncio.get_running_loop()
        due = before = loop.time()
        while True:
            before, since_s = loop.time(), loop.time() - before
            self.pause_s = max(self.pause_s, since_s)
            missed = max(0, int((before - due) / FRAME_S))  # a camera on a busy machine drops pictures, it does not make up for them
            for layer in self.layers.values():
                layer.timestamp = layer.timestamp + round((1 + missed) * FRAME_S * 90_000) & 0xFFFFFFFF
                if layer.active:
                    await self._frame(layer)
            due += (1 + missed) * FRAME_S
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _frame(self, layer: Layer) -> None:
        key, layer.key_wanted = layer.key_wanted, False
        data = layer.encoder.encode(layer.frames, key)
        layer.frames += 1
        layer.picture, layer.base = layer.picture + 1 & 0x7FFF, layer.base + 1 & 0xFF
        parts = [data[at : at + PAYLOAD] for at in range(0, len(data), PAYLOAD)]
        for index, part in enumerate(parts):
            descriptor = struct.pack("!BBHBB", 0x90 if index == 0 else 0x80, 0xE0, 0x8000 | layer.picture, layer.base, 0)
            marker = 0x80 if index == len(parts) - 1 else 0
            head = _HEAD.pack(0x90, marker | self._types[0], layer.seq, layer.timestamp, layer.ssrc)
            packet = head + self._extension(RID_ID, layer.rid) + descriptor + part
            layer.sent[layer.seq] = packet
            if (layer.rid, layer.seq - self._first[layer.rid] & 0xFFFF) not in self.lose:
                await self._out(packet)
            layer.seq = layer.seq + 1 & 0xFFFF

    async def _out(self, packet: bytes) -> None:
        """Send it, whether the other end has said goodbye or not."""
        with contextlib.suppress(ConnectionError):
            await self._dtls.transport._send(self._dtls._tx_srtp.protect(packet))

    def _extension(self, number: int, rid: str) -> bytes:
        mid = self._mid.encode()
        elements = bytes([1 << 4 | len(mid) - 1]) + mid + bytes([number << 4 | len(rid) - 1]) + rid.encode()
        elements += bytes(-len(elements) % 4)
        return struct.pack("!HH", 0xBEDE, len(elements) // 4) + elements

    async def _on_rtcp(self, data: bytes) -> None:
        for packet in RtcpPacket.parse(data):
            if isinstance(packet, RtcpPsfbPacket) and packet.fmt == 15:
                self.ceilings.append(unpack_remb_fci(packet.fci)[0])
            layer = next((x for x in self.layers.values() if x.ssrc == getattr(packet, "media_ssrc", None)), None)
            if layer is None:
                continue
            if isinstance(packet, RtcpPsfbPacket) and packet.fmt == 1:
                layer.plis += 1
                layer.key_wanted = True
            elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == 1:
                layer.nacks += len(packet.lost)
                for seq in packet.lost:
                    await self._again(layer, seq)

    async def _again(self, layer: Layer, seq: int) -> None:
        packet = layer.sent.get(seq)
        if packet is None:
            return
        layer.rtx_seq += 1
        payload = packet[packets.header_length(packet) :]
        timestamp = int.from_bytes(packet[4:8], "big")
        head = _HEAD.pack(0x90, packet[1] & 0x80 | self._types[1], layer.rtx_seq, timestamp, layer.rtx_ssrc)
        await self._out(head + self._extension(REPAIRED_ID, layer.rid) + struct.pack("!H", seq) + payload)

    async def close(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
        await super().close()


class Log:
    """What a subscriber was sent of a picture, by its numbers: every packet of the media stream, and how many were sent again.
    `pause_s`: how long nothing came at most."""

    def __init__(self, peer: Peer) -> None:
        assert peer.receiving is not None
        self.packets: list[bytes] = []
        self.kinds: Counter[int] = Counter()
        self.pause_s = 0.0
        self._heard_at = 0.0
        dtls: Any = next(t.receiver.transport for t in peer.receiving.getTransceivers())
        self._take = dtls._handle_rtp_data
        dtls._handle_rtp_data = self._heard

    async def _heard(self, data: bytes, arrival_time_ms: int) -> None:
        kind = data[1] & 0x7F
        self.kinds[kind] += 1
        if kind == 96:
            before, self._heard_at = self._heard_at, asyncio.get_running_loop().time()
            self.pause_s = max(self.pause_s, self._heard_at - before) if self.packets else 0.0
            self.packets.append(data)
        await self._take(data, arrival_time_ms)

    def steps(self) -> list[int]:
        """By how much each sequence number follows the one before."""
        numbers = [int.from_bytes(p[2:4], "big") for p in self.packets]
        return [(b - a) & 0xFFFF for a, b in itertools.pairwise(numbers)]

    def frames(self) -> list[tuple[int, vp8.Descriptor]]:
        """Timestamp and VP8 numbers of the first packet of each frame, in order."""
        found = []
        for packet in self.packets:
            told = vp8.describe(packet, packets.HEADER)
            assert told is not None
            if told.begins:
                found.append((int.from_bytes(packet[4:8], "big"), told))
        return found

    def sources(self) -> set[int]:
        return {int.from_bytes(p[8:12], "big") for p in self.packets}
