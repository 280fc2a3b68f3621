"""Frames that no other needs are left out for one viewer: what he gets has no hole, and what he lost is found again."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from rooms.media.engine import Source, TrackKey
from rooms.media.forwarding import packets, vp8
from rooms.media.forwarding.consumer import Consumer
from rooms.media.forwarding.subscribe import SubscribeTransport
from tests.effort import examples

from .test_fuzz import KEY, PROFILE, Target

CAMERA = TrackKey("ana", Source.CAMERA)
SSRC, RTX_SSRC = 6, 7


class Stage:
    """A real worker with Ana, whose packets the test makes, and Bo, who is connected to her camera."""

    def __init__(self, folder: Path) -> None:
        self.target = target = Target(folder)
        target.port._loop.remove_reader(target.port._socket.fileno())
        viewer = target.connect("subscribe")
        assert isinstance(viewer, SubscribeTransport)
        self.consumer: Consumer = next(c for c in viewer.consumers if c.track.key == CAMERA)
        self.consumer.accepted = (self.consumer.codec,)
        self.consumer.update()
        self.theirs = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=PROFILE))
        target.connect("publish")
        self.seq, self.picture, self.base, self.frames = 65_500, 0x7FF0, 250, 0
        self.made: dict[int, bytes] = {}

    def frame(self, count: int, temporal: int, key: bool = False) -> list[int]:
        """Make a frame of so many packets; their numbers."""
        self.picture, self.frames = (self.picture + 1) & 0x7FFF, self.frames + 1
        if temporal == 0:
            self.base = (self.base + 1) & 0xFF
        numbers = []
        for index in range(count):
            descriptor = struct.pack("!BBHBB", 0x90 if index == 0 else 0x80, 0xE0, 0x8000 | self.picture, self.base, temporal << 6)
            head = struct.pack("!BBHII", 0x80, 96 | (0x80 if index == count - 1 else 0), self.seq, self.frames * 3000, SSRC)
            self.made[self.seq] = head + descriptor + bytes([0 if key else 1]) + struct.pack("!IH", self.frames, index)
            numbers.append(self.seq)
            self.seq = (self.seq + 1) & 0xFFFF
        return numbers

    def send(self, numbers: Iterable[int], again: bool = False) -> list[bytes]:
        """These packets of Ana come; the packets that Bo gets."""
        out = []
        for number in numbers:
            packet = self.made[number]
            if again:
                packet = packets.rtx_wrap(packet, 97, RTX_SSRC, self.rtx(), number, int.from_bytes(packet[4:8], "big"))
            out.append(self.target.sender.protect(packet))
        return self.got(self.target.receive(*out))

    def padded(self, octets: int) -> list[bytes]:
        """Bo is sent so much padding; the packets of it."""
        self.target.port.inbox.tell()  # as before any request and any padding
        self.consumer.pad(octets, self.target.worker._clock())
        self.target.port.outbox.flush()
        return self.got(self.target.receive())

    _rtx = 0

    def rtx(self) -> int:
        self._rtx += 1
        return self._rtx

    def got(self, datagrams: Iterable[bytes]) -> list[bytes]:
        return [self.theirs.unprotect(d) for d in datagrams if 127 < d[0] < 192 and not 192 <= d[1] <= 223]

    def asks(self, *numbers: int) -> list[bytes]:
        """Bo asks for these again; the packets that he gets."""
        self.target.port.inbox.tell()  # as before any request and any padding
        self.consumer.resend(numbers, self.target.worker._clock())
        self.target.port.outbox.flush()
        return self.got(self.target.receive())

    async def close(self) -> None:
        await self.target.worker.close()
        self.target.world.close()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(tmp_path)
    yield made
    await made.close()


def number(packet: bytes) -> int:
    return int.from_bytes(packet[2:4], "big")


def told(packet: bytes) -> vp8.Descriptor:
    found = vp8.describe(packet, packets.HEADER)
    assert found is not None
    return found


def frame_of(packet: bytes) -> int:
    """Which frame it is of, as the test wrote it."""
    return int(struct.unpack("!I", packet[-6:-2])[0])


def assert_whole(got: list[bytes]) -> None:
    """No hole in the numbers, none in the picture ids, nothing twice."""
    assert all((number(b) - number(a)) & 0xFFFF == 1 for a, b in pairwise(got))
    begun = [told(packet).picture for packet in got if told(packet).begins]
    assert all(b is not None and a is not None and (b - a) & 0x7FFF == 1 for a, b in pairwise(begun))


async def test_thinned_frames_leave_no_hole_in_numbers_and_picture_ids(stage: Stage) -> None:
    got = stage.send(stage.frame(2, 0, key=True))
    stage.consumer.copy.thin(True)
    for _ in range(30):
        got += stage.send(stage.frame(3, 0)) + stage.send(stage.frame(2, 1))
    assert len(got) == 2 + 30 * 3
    assert_whole(got)
    assert {told(packet).temporal for packet in got} == {0}
    assert stage.consumer.copy.sent == len(got)


async def test_all_frames_come_again_from_the_next_key_frame_on_and_not_before(stage: Stage) -> None:
    got = stage.send(stage.frame(1, 0, key=True))
    stage.consumer.copy.thin(True)
    got += stage.send(stage.frame(1, 1)) + stage.send(stage.frame(1, 0))
    stage.consumer.copy.thin(False)
    got += stage.send(stage.frame(1, 1)) + stage.send(stage.frame(1, 0)) + stage.send(stage.frame(2, 0, key=True))
    before = len(got)
    got += stage.send(stage.frame(1, 1)) + stage.send(stage.frame(1, 0))
    assert (before, len(got)) == (5, 7)
    assert_whole(got)


async def test_who_goes_to_another_layer_is_whole_there_at_once(stage: Stage) -> None:
    consumer, clock = stage.consumer, stage.target.worker._clock
    got = stage.send(stage.frame(1, 0, key=True))
    consumer.copy.thin(True)
    got += stage.send(stage.frame(1, 1)) + stage.send(stage.frame(1, 0))
    consumer.track.direct(consumer.copy, (), clock())
    consumer.copy.thin(False)
    consumer.track.layers[0]._key_frame = None  # that of before is long ago
    consumer.track.direct(consumer.copy, consumer.track.layers, clock())
    got += stage.send(stage.frame(1, 0, key=True)) + stage.send(stage.frame(1, 1))
    assert len(got) == 4
    assert all((number(b) - number(a)) & 0xFFFF == 1 for a, b in pairwise(got))


async def test_what_was_lost_on_the_way_down_is_found_among_thinned_numbers(stage: Stage) -> None:
    got = stage.send(stage.frame(1, 0, key=True))
    stage.consumer.copy.thin(True)
    for _ in range(20):
        got += stage.send(stage.frame(2, 0)) + stage.send(stage.frame(2, 1))
    for packet in got[-12:]:
        (again,) = stage.asks(number(packet))
        assert again[12:14] == packet[2:4], "RFC 4588: the original number stands first"
        assert again[14:] == packet[12:], "and the packet is the one that went out under it"


async def test_a_packet_is_sent_again_once_in_a_round_trip(stage: Stage) -> None:
    got = stage.send(stage.frame(3, 0, key=True))
    stage.consumer.rtt_ms = 60_000.0
    assert len(stage.asks(number(got[1]))) == 1
    assert stage.asks(number(got[1])) == []
    assert len(stage.asks(number(got[2]))) == 1


async def test_repairs_of_pictures_have_a_bound(stage: Stage) -> None:
    got = [packet for i in range(200) for packet in stage.send(stage.frame(1, 0, key=i == 0))]
    stage.consumer.transport.downlink._media_bps = 0  # they are as good as nothing in a second
    again = stage.asks(*map(number, got))
    assert 0 < len(again) < len(got)
    assert stage.consumer.unrepaired == len(got) - len(again)


async def test_padding_while_nothing_flows_goes_on_in_the_numbers_and_is_never_repaired(stage: Stage) -> None:
    got = stage.send(stage.frame(2, 0, key=True))
    stage.consumer.track.direct(stage.consumer.copy, (), 0.0)
    padding = stage.padded(600)
    assert [number(p) - number(got[-1]) & 0xFFFF for p in padding] == [1, 2, 3]
    assert all(packets.payload_end(p) == packets.HEADER for p in padding)
    stage.consumer.track.direct(stage.consumer.copy, stage.consumer.track.layers, stage.target.worker._clock())
    got = stage.send(stage.frame(1, 0, key=True))
    assert number(got[0]) - number(padding[-1]) & 0xFFFF == 1
    assert stage.asks(*map(number, padding)) == []
    assert len(stage.asks(number(got[0]))) == 1


async def test_padding_while_pictures_flow_is_the_last_packets_again(stage: Stage) -> None:
    got = stage.send([n for i in range(20) for n in stage.frame(1, 0, key=i == 0)])
    again = stage.padded(100)
    assert again
    assert all(p[1] & 0x7F == 97 for p in again)
    assert {p[12:14] for p in again} <= {p[2:4] for p in got}


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_whatever_comes_late_no_number_is_given_twice_and_each_frame_keeps_its_own(tmp_path: Path, data: st.DataObject) -> None:
    """Packets of Ana come late, over one another, or as repairs, while Bo is thinned and made whole again."""
    stage = Stage(tmp_path)
    try:
        numbers = [stage.frame(1, 0, key=True)]
        got = stage.send(numbers[0])
        late: list[int] = []
        for _ in range(data.draw(st.integers(5, 40))):
            act = data.draw(st.sampled_from(["base", "base", "upper", "upper", "late", "late", "thin", "whole", "key"]))
            if act in ("thin", "whole"):
                stage.consumer.copy.thin(act == "thin")
            elif act == "late":
                come, late = late, []
                got += stage.send(come, again=data.draw(st.booleans()))
            else:
                for n in stage.frame(data.draw(st.integers(1, 3)), int(act == "upper"), key=act == "key"):
                    if data.draw(st.integers(0, 4)) == 0:
                        late.append(n)
                    else:
                        got += stage.send([n])
        assert len({number(p) for p in got}) == len(got), "a number went out twice"
        by_picture: dict[int | None, set[int]] = {}
        for packet in got:
            if told(packet).temporal == 0:
                by_picture.setdefault(told(packet).picture, set()).add(frame_of(packet))
        assert all(len(frames) == 1 for frames in by_picture.values()), "two frames under one picture id"
    finally:
        await stage.close()


async def test_a_right_that_is_taken_away_holds_for_the_very_next_packet(stage: Stage) -> None:
    track, now = stage.consumer.track, stage.target.worker._clock()
    producer = track.layers[0].producer
    stage.send(stage.frame(2, 0, key=True))
    counted = producer.packets
    assert len(stage.send(stage.frame(5, 0))) == 5
    assert producer.packets < counted + 5, "they passed without Python"
    track.permit(False, now)
    assert (producer.packets, producer.dropped_not_permitted) == (counted + 5, 0), "what passed until then is counted"
    assert stage.send(stage.frame(3, 0)) == []
    assert producer.dropped_not_permitted == 3
    track.permit(True, now)
    assert len(stage.send(stage.frame(2, 0, key=True))) == 2


async def test_what_passed_before_a_recording_is_not_in_it(stage: Stage) -> None:
    track = stage.consumer.track
    stage.send(stage.frame(2, 0, key=True))
    assert len(stage.send(stage.frame(5, 0))) == 5
    track.record(True, "")
    assert track.recorded == 0
    assert len(stage.send(stage.frame(4, 0))) == 4
    track.record(False, "over")
    assert track.recorded == 4
    assert len(stage.send(stage.frame(4, 0))) == 4
    stage.target.port.inbox.tell()
    assert track.recorded == 4


async def test_who_leaves_gets_nothing_that_comes_then(stage: Stage) -> None:
    stage.send(stage.frame(2, 0, key=True))
    assert len(stage.send(stage.frame(5, 0))) == 5
    stage.consumer.allowed = False
    stage.consumer.update()
    assert stage.consumer.copy.sent == 7
    assert stage.send(stage.frame(3, 0)) == []
    stage.consumer.transport.close()
    assert stage.send(stage.frame(3, 0)) == []


async def test_a_publisher_that_is_closed_passes_no_more(stage: Stage) -> None:
    stage.send(stage.frame(2, 0, key=True))
    producer = stage.consumer.track.layers[0].producer
    assert len(stage.send(stage.frame(5, 0))) == 5
    producer.transport.close()
    assert producer.packets == 7
    assert stage.send(stage.frame(3, 0)) == []
    assert stage.target.port.dropped["media_from_unknown_address"] == 3
