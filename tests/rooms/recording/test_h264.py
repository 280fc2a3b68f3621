"""H.264: whole access units come out, after a loss nothing until the next IDR picture, and files that any player reads."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.recording.frame import Frame, Timed
from rooms.recording.h264 import H264Depacketiser, kind_of, picture_size
from rooms.recording.matroska import block_times_ms
from rooms.recording.rtp import Packet
from rooms.recording.segment import Segment
from tests.rooms.recording.streams import frames_of, h264_frames, h264_key, h264_payloads, nal_units

FRAMES = h264_frames(1.0, key_every=10)
KEYS = [index for index, frame in enumerate(FRAMES) if h264_key(frame)]
SPS_1080P = bytes.fromhex("67640028acd940780227e5c044000003000400000300f03c60c658")
"""High profile, 1920 × 1080 with the lowest eight rows cut off, as x264 writes it."""


def packets(frames: tuple[bytes, ...] = FRAMES, first: int = 0) -> list[Packet]:
    out: list[Packet] = []
    for index, frame in enumerate(frames, first):
        payloads = h264_payloads(frame)
        for number, payload in enumerate(payloads):
            out.append(Packet(len(out), index * 3600, 1, 98, number == len(payloads) - 1, payload, index))
    return out


def frames_from(source: list[Packet | None], depacketiser: H264Depacketiser | None = None) -> list[Frame]:
    """Access units from packets in order, None where one was lost."""
    depacketiser = depacketiser or H264Depacketiser()
    out: list[Frame] = []
    for packet in source:
        if packet is None:
            depacketiser.lose()
        elif (frame := depacketiser.push(packet)) is not None:
            out.append(frame)
    return out


def test_access_units_come_out_as_they_went_in() -> None:
    sent = packets()
    kinds = {kind_of(packet.payload) for packet in sent}
    assert kinds >= {24, 28}, "small units went together and large ones in fragments"
    out = frames_from(list(sent))
    assert [frame.data for frame in out] == list(FRAMES)
    assert [index for index, frame in enumerate(out) if frame.key] == KEYS == [0, 10, 20]
    assert out[0].size == (320, 180)
    assert (out[1].size, out[1].private) == (None, b"")


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


def test_what_begins_behind_a_loss_without_parameter_sets_is_not_trusted() -> None:
    """The lost packet may have been the first of this access unit: another slice, or new parameter sets."""
    bare = [strip(frame) if index in (10, 20) else frame for index, frame in enumerate(FRAMES)]
    sent: list[Packet | None] = list(packets(tuple(bare)))
    last_of_nine = next(i for i, p in enumerate(sent) if p is not None and p.timestamp == 9 * 3600 and p.marker)
    sent[last_of_nine] = None
    assert [frame.timestamp // 3600 for frame in frames_from(sent)][-6:] == [8, 20, 21, 22, 23, 24]


def strip(frame: bytes) -> bytes:
    """A key frame whose parameter sets were sent before."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in nal_units(frame) if kind_of(unit) not in (6, 7, 8))


def test_a_key_frame_gets_the_parameter_sets_that_were_sent_before() -> None:
    bare = tuple(strip(frame) if index == 10 else frame for index, frame in enumerate(FRAMES))
    out = frames_from(list(packets(bare)))
    assert out[10].key
    assert out[10].private == out[0].private
    assert [kind_of(unit) for unit in nal_units(out[10].data)] == [7, 8, 5]


def test_a_key_frame_without_any_parameter_sets_is_none() -> None:
    depacketiser = H264Depacketiser()
    assert frames_from(list(packets((strip(FRAMES[0]), *FRAMES[1:3]))), depacketiser) == []
    assert depacketiser.wants_key_frame


def test_a_stream_that_begins_in_the_middle_waits_for_its_key_frame() -> None:
    assert next(frame.timestamp // 3600 for frame in frames_from(list(packets()[4:]))) == 10


def test_an_access_unit_that_never_ended_costs_what_follows_up_to_the_key_frame() -> None:
    sent = [p for p in packets() if not (p.timestamp == 3 * 3600 and p.marker)]
    assert [frame.timestamp // 3600 for frame in frames_from(list(sent))][:4] == [0, 1, 2, 10]


def test_a_probe_of_padding_changes_nothing() -> None:
    sent = packets()
    probe = Packet(0, 0, 1, 98, False, b"", 0)
    assert len(frames_from([sent[0], probe, *sent[1:]])) == len(FRAMES)


def test_a_key_frame_is_asked_for_while_one_is_missing() -> None:
    depacketiser = H264Depacketiser()
    assert depacketiser.wants_key_frame
    frames_from(list(packets()), depacketiser)
    assert not depacketiser.wants_key_frame
    depacketiser.lose()
    assert depacketiser.wants_key_frame


@pytest.mark.parametrize(
    "payload",
    [
        "78 0004 6742",  # STAP-A that is cut
        "78 0000",
        "7c 85",  # FU-A without content
        "7c 05 88",  # a fragment whose beginning never came
        "79 0002 6742",  # STAP-B: another packetization mode
        "7d 85 88",
        "00 11",
    ],
)
def test_what_is_malformed_drops_its_access_unit(payload: str) -> None:
    depacketiser = H264Depacketiser()
    frames_from(list(packets(FRAMES[:2])), depacketiser)
    assert depacketiser.push(Packet(0, 2 * 3600, 1, 98, True, bytes.fromhex(payload), 2)) is None
    assert depacketiser.wants_key_frame
    assert [frame.timestamp // 3600 for frame in frames_from(list(packets(FRAMES[10:12], 10)), depacketiser)] == [10, 11]


@given(st.lists(st.tuples(st.binary(max_size=40), st.booleans(), st.integers(0, 2))))
def test_no_payload_breaks_it(payloads: list[tuple[bytes, bool, int]]) -> None:
    depacketiser = H264Depacketiser()
    for payload, marker, timestamp in payloads:
        frame = depacketiser.push(Packet(0, timestamp, 1, 98, marker, payload, 0))
        assert frame is None or frame.size is not None or not depacketiser.wants_key_frame


@given(st.binary(max_size=60))
def test_no_parameter_set_breaks_the_reading(data: bytes) -> None:
    for unit in (b"\x67" + data, SPS_1080P[: 4 + len(data) % 20] + data):
        try:
            width, height = picture_size(unit)
        except ValueError:
            continue
        assert width > 0 < height


@pytest.mark.parametrize("size", [(320, 180), (640, 360), (642, 362), (1280, 720), (176, 144)])
def test_the_size_is_read_from_the_parameter_set(size: tuple[int, int]) -> None:
    sequence = next(unit for unit in nal_units(h264_frames(0.04, size=size)[0]) if kind_of(unit) == 7)
    assert picture_size(sequence) == size


def test_the_size_of_a_high_profile_with_cropping_is_read() -> None:
    assert picture_size(SPS_1080P) == (1920, 1080)


def matroska_of_libavformat(frames: tuple[bytes, ...]) -> bytes:
    """CodecPrivate as libavformat makes it of the same pictures in a byte stream (ITU-T H.264 annex B)."""
    stream = io.BytesIO(b"".join(b"\0\0\1" + unit for frame in frames for unit in nal_units(frame)))
    out = io.BytesIO()
    with av.open(stream, "r", format="h264") as source, av.open(out, "w", format="matroska") as container:
        copy = container.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream, packet.pts, packet.dts = copy, 0, 0
                container.mux_one(packet)
    out.seek(0)
    with av.open(out) as container:
        return container.streams.video[0].codec_context.extradata or b""


def test_the_configuration_is_what_libavformat_makes_of_the_same_sets() -> None:
    assert frames_from(list(packets(FRAMES[:1])))[0].private == matroska_of_libavformat(FRAMES[:1])


def timed(frames: list[Frame]) -> list[Timed]:
    return [Timed(1_000_000 + f.timestamp * 100 // 9, 0, f.key, f.data, f.size, f.private) for f in frames]


def test_a_file_holds_every_picture_and_what_its_decoder_needs(tmp_path: Path) -> None:
    sent = frames_from(list(packets()))
    segment = Segment(tmp_path / "a.mkv", "H264", timed(sent)[0])
    for frame in timed(sent):
        assert segment.holds(frame)
        segment.append(frame)
    segment.close()
    assert list(block_times_ms(tmp_path / "a.mkv")) == [i * 40 for i in range(len(FRAMES))]
    assert frames_of(tmp_path / "a.mkv") == segment.frames == len(FRAMES)
    with av.open(str(tmp_path / "a.mkv")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 320, 180)
        assert stream.codec_context.extradata == sent[0].private
        assert sum(1 for _ in container.decode(video=0)) == len(FRAMES)
    assert b"V_MPEG4/ISO/AVC" in (tmp_path / "a.mkv").read_bytes()


def test_another_size_has_to_begin_another_file(tmp_path: Path) -> None:
    small, large = (timed(frames_from(list(packets(h264_frames(0.2, size=size))))) for size in ((320, 180), (640, 360)))
    segment = Segment(tmp_path / "a.mkv", "H264", small[0])
    assert segment.holds(small[0])
    assert segment.holds(small[1])
    assert not segment.holds(large[0])
    segment.close()
