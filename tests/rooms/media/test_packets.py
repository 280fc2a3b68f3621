"""RTP and RTCP bytes, against aiortc's independent reading of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from aiortc import rtp
from hypothesis import given
from hypothesis import strategies as st

from rooms.media.forwarding import packets
from rooms.media.forwarding.codecs import h264_starts_key_frame, vp8_starts_key_frame
from rooms.media.forwarding.packets import KeyFrameRequest, Nack, ReferenceAnswer, ReportBlock, SenderReport
from rooms.media.forwarding.sequence import ReceptionReport


def read_by_aiortc(data: bytes) -> list[Any]:
    return list(rtp.RtcpPacket.parse(data))


def make(payload: bytes = b"payload", mid: bool = False, padding: int = 0) -> bytes:
    made = rtp.RtpPacket(payload_type=96, marker=1, sequence_number=7, timestamp=1000, ssrc=42, payload=payload)
    data = made.serialize()
    if mid:
        data = bytes((data[0] | 0x10,)) + data[1:12] + bytes((0xBE, 0xDE, 0, 2, 0x31)) + b"12" + bytes((0x10, 0x7F, 0, 0, 0)) + data[12:]
    if padding:
        data = bytes((data[0] | 0x20,)) + data[1:] + bytes(padding - 1) + bytes((padding,))
    return data


def test_header_extensions_are_read_and_taken_off() -> None:
    data = make(mid=True)
    assert packets.extensions(data) == {3: b"12", 1: b"\x7f"}
    assert packets.without_extension(data) == make()
    assert packets.without_extension(make()) == make()
    assert packets.extensions(make()) == {}


def parse_all(data: bytes) -> list[packets.Feedback]:
    return list(packets.parse_rtcp(data))


@given(st.binary(min_size=12, max_size=80))
def test_no_bytes_break_the_reading(data: bytes) -> None:
    readings: list[Callable[[bytes], object]] = [packets.extensions, packets.without_extension, packets.payload_end]
    for read in [*readings, parse_all]:
        with contextlib.suppress(ValueError):
            read(data)


@given(st.binary(max_size=30), st.integers(0, 30))
def test_no_payload_breaks_the_search_for_key_frames(payload: bytes, at: int) -> None:
    for starts in (vp8_starts_key_frame, h264_starts_key_frame):
        assert starts(payload, at) in (True, False)


def test_a_vp8_key_frame_is_known_by_its_first_packet() -> None:
    assert vp8_starts_key_frame(bytes((0x10, 0x00)), 0)
    assert not vp8_starts_key_frame(bytes((0x10, 0x01)), 0)
    assert not vp8_starts_key_frame(bytes((0x00, 0x00)), 0)
    assert vp8_starts_key_frame(bytes((0x90, 0xE0, 0x81, 0x02, 0x03, 0x20, 0x00)), 0)
    assert not vp8_starts_key_frame(bytes((0x90, 0xE0, 0x81, 0x02, 0x03, 0x20, 0x01)), 0)
    assert not vp8_starts_key_frame(bytes((0x11, 0x00)), 0), "a later partition"


@pytest.mark.parametrize(
    ("payload", "starts"),
    [
        ("65 88", True),  # an IDR slice
        ("67 42e01f", True),  # a sequence parameter set
        ("68 ce", False),
        ("41 9a", False),
        ("78 0004 6742e01f 0002 68ce", True),  # STAP-A: parameter sets
        ("78 0002 06ff 0002 65b8", True),
        ("78 0002 06ff 0002 419a", False),
        ("78 0002 06ff 0002", False),  # cut
        ("7c 85 88", True),  # FU-A: the first fragment of an IDR slice
        ("7c 05 88", False),
        ("5c 81 9a", False),
        ("7c", False),
        ("", False),
    ],
)
def test_a_key_frame_of_h264_is_seen_however_it_is_packed(payload: str, starts: bool) -> None:
    assert h264_starts_key_frame(b"header" + bytes.fromhex(payload), 6) is starts


def test_a_retransmission_is_wrapped_and_unwrapped() -> None:
    wrapped = packets.rtx_wrap(make(), 97, 43, 500, 7, 1000)
    original = rtp.unwrap_rtx(rtp.RtpPacket.parse(wrapped), payload_type=96, ssrc=42)
    assert original.serialize() == make()
    assert packets.rtx_unwrap(wrapped, 96, 42) == make()
    assert packets.rtx_unwrap(make(payload=b"", padding=20), 96, 42) is None


def test_padding_ends_the_payload() -> None:
    data = make(payload=b"", padding=20)
    assert packets.payload_end(data) == 12
    with pytest.raises(ValueError, match="padding"):
        packets.payload_end(data[:-1] + b"\xff")


def test_our_reports_are_read_by_another_implementation() -> None:
    report = ReceptionReport(64, 5, 70_000, 33)
    compound = packets.receiver_report(1, [(42, report, 111, 222)]) + packets.bitrate_ceiling(1, 1_500_000, [42, 43])
    receiver, remb = read_by_aiortc(compound)
    assert receiver.reports == [rtp.RtcpReceiverInfo(42, 64, 5, 70_000, 33, 111, 222)]
    bitrate, ssrcs = rtp.unpack_remb_fci(remb.fci)
    assert ssrcs == [42, 43]
    assert 1_490_000 < bitrate <= 1_500_000
    (sender,) = read_by_aiortc(packets.sender_report(42, 1 << 40, 90, 10, 1000))
    assert sender.sender_info == rtp.RtcpSenderInfo(1 << 40, 90, 10, 1000)
    (pli,) = read_by_aiortc(packets.picture_loss(1, 42))
    assert (pli.fmt, pli.media_ssrc) == (1, 42)


@given(st.sets(st.integers(0, 200), min_size=1, max_size=60), st.integers(0, 65535))
def test_a_nack_names_each_lost_packet_once(offsets: set[int], first: int) -> None:
    numbers = [(first + offset) & 0xFFFF for offset in sorted(offsets)]
    data = packets.generic_nack(1, 42, numbers)
    (parsed,) = read_by_aiortc(data)
    assert [number & 0xFFFF for number in parsed.lost] == numbers  # aiortc counts on over the wrap
    assert list(packets.parse_rtcp(data)) == [Nack(42, tuple(numbers))]


def test_feedback_of_another_implementation_is_read() -> None:
    info = rtp.RtcpReceiverInfo(42, 10, 3, 1000, 5, 77, 88)
    sender = rtp.RtcpSrPacket(ssrc=9, sender_info=rtp.RtcpSenderInfo(1 << 33, 100, 1, 2), reports=[info])
    fir = rtp.RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=0, fci=(44).to_bytes(4, "big") + bytes(4))
    pli = rtp.RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=45)
    read = list(packets.parse_rtcp(bytes(sender) + bytes(fir) + bytes(pli)))
    assert read == [SenderReport(9, 1 << 33, 100), ReportBlock(42, 10, 3, 77, 88, 1000), KeyFrameRequest(44), KeyFrameRequest(45)]


def test_the_answer_to_our_reference_time_is_read() -> None:
    answer = bytes((0x80, 207, 0, 5)) + (9).to_bytes(4, "big") + bytes((5, 0, 0, 3)) + b"".join(n.to_bytes(4, "big") for n in (1, 77, 88))
    assert list(packets.parse_rtcp(answer)) == [ReferenceAnswer(77, 88)]


def test_a_cut_compound_packet_is_refused() -> None:
    with pytest.raises(ValueError, match="cut"):
        list(packets.parse_rtcp(packets.picture_loss(1, 2)[:-1]))
