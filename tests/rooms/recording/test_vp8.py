"""VP8 and Opus: whole frames come out, and after a loss nothing until the next key frame."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.recording.frame import Frame
from rooms.recording.opus import OpusDepacketiser, duration_us
from rooms.recording.rtp import Packet
from rooms.recording.vp8 import Vp8Depacketiser, key_frame_size, payload_start
from tests.rooms.recording.streams import opus_packets, vp8_frames, vp8_payloads

FRAMES = vp8_frames(1.0, key_every=10)
KEYS = [index for index, frame in enumerate(FRAMES) if key_frame_size(frame)]


def packets(frames: tuple[bytes, ...] = FRAMES) -> list[Packet]:
    out: list[Packet] = []
    for index, frame in enumerate(frames):
        payloads = vp8_payloads(frame, index)
        for number, payload in enumerate(payloads):
            out.append(Packet(len(out), index * 3600, 1, 96, number == len(payloads) - 1, payload, index))
    return out


def frames_from(source: list[Packet | None]) -> list[Frame]:
    """Frames from packets in order, None where one was lost."""
    depacketiser = Vp8Depacketiser()
    out: list[Frame] = []
    for packet in source:
        if packet is None:
            depacketiser.lose()
        elif (frame := depacketiser.push(packet)) is not None:
            out.append(frame)
    return out


def test_frames_come_out_as_they_went_in() -> None:
    out = frames_from(list(packets()))
    assert [frame.data for frame in out] == list(FRAMES)
    assert [index for index, frame in enumerate(out) if frame.key] == KEYS == [0, 10, 20]
    assert out[0].size == (320, 180)
    assert out[1].size is None


@given(lost=st.sets(st.integers(0, len(packets()) - 1), max_size=8))
def test_after_a_loss_nothing_passes_until_the_next_key_frame(lost: set[int]) -> None:
    sent = packets()
    out = [frame.timestamp // 3600 for frame in frames_from([None if i in lost else packet for i, packet in enumerate(sent)])]
    expected, whole = [], False
    for index in range(len(FRAMES)):
        broken = any(i in lost for i, packet in enumerate(sent) if packet.timestamp == index * 3600)
        whole = not broken and (whole or index in KEYS)
        if whole:
            expected.append(index)
    assert out == expected


def test_a_stream_that_begins_in_the_middle_waits_for_its_key_frame() -> None:
    assert next(frame.timestamp // 3600 for frame in frames_from(list(packets()[7:]))) == 10


def test_a_probe_of_padding_changes_nothing() -> None:
    sent = packets()
    probe = Packet(0, 0, 1, 96, False, b"", 0)
    assert len(frames_from([sent[0], probe, *sent[1:]])) == len(FRAMES)


def test_a_key_frame_is_asked_for_while_one_is_missing() -> None:
    depacketiser = Vp8Depacketiser()
    assert depacketiser.wants_key_frame
    for packet in packets():
        depacketiser.push(packet)
    assert not depacketiser.wants_key_frame
    depacketiser.lose()
    assert depacketiser.wants_key_frame


@pytest.mark.parametrize(
    ("descriptor", "length", "begins"),
    [
        ("10", 1, True),
        ("00", 1, False),
        ("11", 1, False),  # a later partition
        ("9080 11", 3, True),
        ("9080 8122", 4, True),
        ("90c0 8122 07", 5, True),
        ("90f0 8122 07 21", 6, True),
        ("9020 21", 3, True),
        ("b000", 2, True),  # no other frame depends on this one
    ],
)
def test_payload_descriptors_of_every_length(descriptor: str, length: int, begins: bool) -> None:
    assert payload_start(bytes.fromhex(descriptor) + b"payload") == (length, begins)


@given(st.binary(max_size=40))
def test_no_payload_breaks_it(payload: bytes) -> None:
    depacketiser = Vp8Depacketiser()
    for marker in (False, True):
        frame = depacketiser.push(Packet(0, 0, 1, 96, marker, payload, 0))
        assert frame is None or frame.size is not None


def test_an_opus_packet_is_a_frame_of_its_length() -> None:
    sent = opus_packets(0.2)
    assert {duration_us(packet) for packet in sent} == {20_000}
    frame = OpusDepacketiser().push(Packet(0, 5, 1, 111, True, sent[0], 9))
    assert frame is not None
    assert (frame.data, frame.timestamp, frame.key) == (sent[0], 5, True)
    assert OpusDepacketiser().push(Packet(0, 5, 1, 111, True, b"", 9)) is None


@pytest.mark.parametrize(
    ("toc", "us"),
    [("00", 10_000), ("18", 60_000), ("60", 10_000), ("80", 2_500), ("f8", 20_000), ("f9", 40_000), ("fb03", 60_000), ("fb", 0), ("", 0)],
)
def test_the_length_of_opus_packets(toc: str, us: int) -> None:
    """RFC 6716 section 3.1 and 3.2."""
    assert duration_us(bytes.fromhex(toc)) == us
