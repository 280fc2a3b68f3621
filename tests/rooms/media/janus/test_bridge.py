"""Plain RTP to the recorder's feed: what passes, under which numbers, and what is dropped and counted."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rooms.media.engine import Source, TrackKey
from rooms.media.forwarding.codecs import OPUS, VP8, Codec
from rooms.media.forwarding.feed import Feed
from rooms.media.janus.bridge import HOST, PAYLOAD_TYPE, Forward
from tests.rooms.media.process import until
from tests.rooms.media.recorder import FeedSocket

KEY, DELTA = b"\x10\x00\x9d\x01\x2a", b"\x10\x01\x00\x00\x00"


class Bridge:
    """A forward with a recorder behind it, and a Janus that is a socket."""

    def __init__(self, folder: Path, codec: Codec) -> None:
        self.recorder = FeedSocket(folder / "recorder.sock", folder / "engine.sock")
        self.feed = Feed(folder / "engine.sock", folder / "recorder.sock")
        self.asked = 0
        self.forward = Forward(self.feed, "sitting", TrackKey("ana", Source.CAMERA), codec, self._ask)
        self.janus = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.recorder.want("sitting", "first")

    def _ask(self) -> None:
        self.asked += 1

    def send(
        self, *numbers: int, payload: bytes = DELTA, ssrc: int | None = None, kind: int = PAYLOAD_TYPE, extension: bytes = b""
    ) -> None:
        for number in numbers:
            first = 0x90 if extension else 0x80
            source = self.forward.ssrc if ssrc is None else ssrc
            packet = struct.pack("!BBHII", first, kind, number & 0xFFFF, number * 3000 & 0xFFFFFFFF, source) + extension + payload
            self.janus.sendto(packet, (HOST, self.forward.port))

    @property
    def numbers(self) -> list[int]:
        heard = self.recorder.track("ana", "camera")
        return heard.sequence if heard is not None else []

    def close(self) -> None:
        self.forward.close()
        self.feed.close()
        self.recorder.close()
        self.janus.close()


@pytest.fixture
async def bridge(tmp_path: Path) -> AsyncIterator[Bridge]:
    made = Bridge(tmp_path, VP8)
    await asyncio.sleep(0)
    yield made
    made.close()


async def test_packets_pass_as_they_came_without_their_extension(bridge: Bridge) -> None:
    bridge.forward.permit(True)
    bridge.send(65534, payload=KEY, extension=b"\xbe\xde\x00\x01\x10\x80\x00\x00")
    bridge.send(65535, 0, 1)
    await until(lambda: len(bridge.numbers) == 4)
    assert bridge.numbers == [65534, 65535, 0, 1]
    heard = bridge.recorder.track("ana", "camera")
    assert heard is not None
    assert heard.packets[0][12:] == KEY
    assert heard.packets[0][0] == 0x80
    assert (heard.announcement["codec"], heard.announcement["payload_type"]) == ("VP8", PAYLOAD_TYPE)
    assert bridge.forward.fed == bridge.forward.recorded == 4


async def test_what_is_sent_while_the_gate_is_closed_passes_at_no_time(bridge: Bridge) -> None:
    """A packet of then that is repaired afterwards neither; and the numbers have no hole."""
    bridge.forward.permit(True)
    bridge.send(10, payload=KEY)
    await until(lambda: bridge.numbers == [10])
    bridge.forward.permit(False)
    bridge.send(11, 12, 13, 14)
    await until(lambda: bridge.forward.dropped["not_permitted"] == 4)
    bridge.forward.permit(True)
    bridge.send(15, 16)
    bridge.send(13)
    bridge.send(17)
    await until(lambda: len(bridge.numbers) == 4)
    assert bridge.numbers == [10, 11, 12, 13]
    assert bridge.forward.dropped["not_permitted"] == 5


async def test_what_waits_in_the_socket_is_judged_by_what_was_permitted_then(bridge: Bridge) -> None:
    bridge.forward.permit(True)
    bridge.send(1, payload=KEY)
    await until(lambda: bridge.numbers == [1])
    bridge.send(2)
    bridge.forward.permit(False)
    bridge.send(3)
    bridge.forward.permit(True)
    bridge.send(4)
    await until(lambda: len(bridge.numbers) == 3)
    assert bridge.forward.dropped["not_permitted"] == 1


async def test_strangers_on_the_machine_are_dropped_and_counted(bridge: Bridge) -> None:
    bridge.forward.permit(True)
    bridge.send(1, ssrc=bridge.forward.ssrc ^ 1)
    bridge.send(2, kind=97)
    bridge.janus.sendto(b"", (HOST, bridge.forward.port))
    bridge.janus.sendto(b"\x90\x60" + bytes(8) + b"\xff\xff", (HOST, bridge.forward.port))
    bridge.send(3, payload=KEY)
    await until(lambda: bridge.numbers == [3])
    assert bridge.forward.dropped["unknown_source"] == 2
    assert bridge.forward.dropped["no_rtp"] == 2


async def test_a_cut_extension_is_no_rtp(bridge: Bridge) -> None:
    bridge.forward.permit(True)
    bridge.send(1, payload=b"", extension=b"\xbe\xde\x00\xff")
    bridge.send(2, payload=KEY)
    await until(lambda: bridge.numbers == [2])
    assert bridge.forward.dropped["no_rtp"] == 1


async def test_packets_without_payload_leave_no_hole(bridge: Bridge) -> None:
    bridge.forward.permit(True)
    bridge.send(1, payload=KEY)
    bridge.send(2, payload=b"")
    bridge.send(3, 4)
    await until(lambda: len(bridge.numbers) == 3)
    assert bridge.numbers == [1, 2, 3]


async def test_a_sender_that_begins_anew_is_another_track(bridge: Bridge) -> None:
    bridge.forward.permit(True)
    bridge.send(1, payload=KEY)
    await until(lambda: bridge.numbers == [1])
    bridge.send(30_000, payload=KEY)
    await until(lambda: bridge.numbers == [30_000])
    assert [heard.ended for heard in bridge.recorder.tracks.values()] == ["replaced", ""]


async def test_a_key_frame_is_asked_for_when_a_picture_does_not_begin_with_one(bridge: Bridge) -> None:
    bridge.send(1)
    await until(lambda: bridge.forward.dropped["not_permitted"] == 1)
    assert bridge.asked == 0
    bridge.forward.permit(True)
    assert bridge.asked == 1
    for _ in range(20):
        bridge.forward.request_key_frame()
    assert bridge.asked == 1, "at most one in half a second"


async def test_sound_has_no_key_frames(tmp_path: Path) -> None:
    bridge = Bridge(tmp_path, OPUS)
    bridge.forward.permit(True)
    bridge.send(1, payload=b"\xf8\xff\xfe")
    await until(lambda: len(bridge.numbers) == 1)
    assert bridge.asked == 0
    bridge.close()


async def test_closing_twice_is_closing_once_and_the_track_ends(bridge: Bridge) -> None:
    bridge.forward.permit(True)
    bridge.send(1, payload=KEY)
    await until(lambda: bridge.numbers == [1])
    bridge.send(2)
    bridge.forward.close("closed")
    bridge.forward.close("closed")
    await until(lambda: any(heard.ended == "closed" for heard in bridge.recorder.tracks.values()))
    assert bridge.numbers == [1, 2], "what had come is not lost"
    assert bridge.forward.fed is None
