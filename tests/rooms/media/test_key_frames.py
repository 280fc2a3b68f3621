"""When a key frame is asked for: at once and again until one comes for a newcomer, never of a stream that begins with one."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rooms.media.engine import Source, TrackKey
from rooms.media.forwarding import packets, sdp
from rooms.media.forwarding.codecs import VP8
from rooms.media.forwarding.copies import Copy
from rooms.media.forwarding.feed import Feed
from rooms.media.forwarding.native.image import load
from rooms.media.forwarding.outbox import Outbox
from rooms.media.forwarding.producer import PLI_AGAIN_S, PLI_EVERY_S, Producer
from rooms.media.forwarding.publish import PublishTransport
from rooms.media.forwarding.track import Track

SSRC = 7
FRAME_S = 0.05


@dataclass
class Publisher:
    """The publisher's end as its producer sees it: a clock, and when it was asked for a key frame."""

    now: float = 100.0
    own_ssrc: int = 1
    ready: bool = True
    asked_at: list[float] = field(default_factory=list)

    @property
    def context(self) -> Any:
        return SimpleNamespace(clock=lambda: self.now)

    def send_rtcp(self, data: bytes) -> None:
        assert data == packets.picture_loss(self.own_ssrc, SSRC)
        self.asked_at.append(self.now)


class Camera:
    """A camera's stream into a real producer and track, one packet a frame."""

    def __init__(self, outbox: Outbox) -> None:
        self.publisher = Publisher()
        self.track = Track(TrackKey("ana", Source.CAMERA), outbox, Feed(None, None), "room")
        self.producer = Producer(cast("PublishTransport", self.publisher), self.track, "0", sdp.Format(VP8, 96, 97, ""))
        self.track.set_producers((self.producer,), self.publisher.now)
        self.track.permit(True, self.publisher.now)
        self._frames = 0

    def send(self, *, key: bool = False) -> None:
        """One frame, a little later than the last."""
        self.publisher.now += FRAME_S
        head = struct.pack("!BBHII", 0x80, 0x80 | 96, self._frames, self._frames * 4500, SSRC)
        self._frames += 1
        if self.producer.ssrc is None:
            self.producer.begin(SSRC)
        self.producer.arrived(head + (b"\x10\x00" if key else b"\x10\x01") + bytes(20), retransmitted=False)

    def somebody_watches(self) -> None:
        copy = Copy(lambda ntp, timestamp: None)
        self.track.attach(copy, cast("Any", None), self.publisher.now)
        self.track.direct(copy, self.track.layers, self.publisher.now)

    def asked_after(self, since: float) -> list[float]:
        """When it was asked, seconds after `since`."""
        return [round(at - since, 3) for at in self.publisher.asked_at]


@pytest.fixture
async def camera() -> AsyncIterator[Camera]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        yield Camera(Outbox(unused.fileno(), 16, load()))


async def test_a_stream_that_begins_with_a_key_frame_is_not_asked_for_one(camera: Camera) -> None:
    camera.send(key=True)
    for _ in range(20):
        camera.send()
    assert camera.publisher.asked_at == []


async def test_a_stream_that_begins_without_one_is_asked_at_once(camera: Camera) -> None:
    began = camera.publisher.now + FRAME_S
    camera.send()
    assert camera.asked_after(began) == [0.0]


async def test_a_newcomer_is_asked_for_at_once_and_again_until_a_key_frame_comes(camera: Camera) -> None:
    camera.send(key=True)
    came = camera.publisher.now
    camera.somebody_watches()
    while camera.publisher.now < came + 2.5 * PLI_AGAIN_S:
        camera.send()
    first, *again = camera.asked_after(came)
    assert first == 0.0
    assert len(again) == 2
    assert all(PLI_AGAIN_S <= b - a < PLI_AGAIN_S + 2 * FRAME_S for a, b in zip([first, *again], again, strict=False))
    camera.send(key=True)
    for _ in range(20):
        camera.send()
    assert camera.asked_after(came) == [first, *again]


async def test_two_newcomers_share_a_request(camera: Camera) -> None:
    camera.send(key=True)
    came = camera.publisher.now
    camera.somebody_watches()
    camera.send()
    camera.somebody_watches()
    camera.send(key=True)
    assert camera.asked_after(came) == [0.0]


async def test_who_lost_packets_asks_no_more_than_twice_a_second(camera: Camera) -> None:
    camera.send(key=True)
    lost = camera.publisher.now
    for _ in range(30):
        camera.send()
        camera.producer.request_key_frame(camera.publisher.now)
    assert all(b - a >= PLI_EVERY_S for a, b in zip(camera.publisher.asked_at, camera.publisher.asked_at[1:], strict=False))
    assert len(camera.asked_after(lost)) == 3
