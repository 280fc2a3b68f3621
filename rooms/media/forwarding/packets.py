"""RTP and RTCP in bytes: only what forwarding needs. Pure. Raises ValueError on what is malformed."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .sequence import ReceptionReport

HEADER = 12
SR, RR, SDES, BYE, APP, RTPFB, PSFB, XR = 200, 201, 202, 203, 204, 205, 206, 207
NACK, PLI, FIR, REMB = 1, 1, 4, 15
#: Seconds between the NTP epoch (1900) and the Unix one.
NTP_OFFSET = 2_208_988_800
NTP_SECOND = 1 << 32


def header_length(data: bytes) -> int:
    """Length of the fixed header, the contributing sources and the extension."""
    length = HEADER + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        if len(data) < length + 4:
            raise ValueError("RTP header is cut")
        length += 4 + 4 * (data[length + 2] << 8 | data[length + 3])
    if length > len(data):
        raise ValueError("RTP header is cut")
    return length


def payload_end(data: bytes) -> int:
    """Where the payload ends and padding begins."""
    if not data[0] & 0x20:
        return len(data)
    end = len(data) - data[-1]
    if data[-1] == 0 or end < HEADER:
        raise ValueError("RTP padding is too long")
    return end


def extensions(data: bytes) -> dict[int, bytes]:
    """Header extension elements by id (RFC 8285, one-byte and two-byte form)."""
    if not data[0] & 0x10:
        return {}
    start = HEADER + 4 * (data[0] & 0x0F)
    end = header_length(data)
    profile = data[start] << 8 | data[start + 1]
    found: dict[int, bytes] = {}
    at = start + 4
    while at < end:
        if data[at] == 0:
            at += 1
            continue
        if profile == 0xBEDE:
            number, size = data[at] >> 4, (data[at] & 0x0F) + 1
            at += 1
        elif profile & 0xFFF0 == 0x1000 and at + 1 < end:
            number, size = data[at], data[at + 1]
            at += 2
        else:
            break
        if at + size > end:
            break
        found[number] = data[at : at + size]
        at += size
    return found


def extension(data: bytes, number: int) -> bytes | None:
    """The header extension element `number` (from 1) of a packet."""
    start = HEADER + 4 * (data[0] & 0x0F)
    if not data[0] & 0x10 or data[start + 2 : start + 4] == b"\0\0":
        return None
    if data[start : start + 2] == b"\xbe\xde" and data[start + 4] >> 4 == number:  # the first of the one-byte form, as most often
        return data[start + 5 : start + 6 + (data[start + 4] & 0x0F)]
    return extensions(data).get(number)


def without_extension(data: bytes) -> bytes:
    """The packet with its header extension taken off: ids are agreed hop by hop (RFC 8285 section 4.1)."""
    if not data[0] & 0x10:
        return data
    start = HEADER + 4 * (data[0] & 0x0F)
    return bytes((data[0] & 0xEF,)) + data[1:start] + data[header_length(data) :]


def rtx_unwrap(data: bytes, payload_type: int, ssrc: int) -> bytes | None:
    """The original of a retransmission (RFC 4588 section 4), without its padding; None for a probe that carries nothing."""
    header = header_length(data)
    end = payload_end(data)
    if end - header < 3:
        return None
    head = bytes((data[0] & 0xDF, data[1] & 0x80 | payload_type)) + data[header : header + 2] + data[4:8] + ssrc.to_bytes(4, "big")
    return head + data[HEADER:header] + data[header + 2 : end]


def rtx_wrap(packet: bytes, payload_type: int, ssrc: int, seq: int, original_seq: int, timestamp: int) -> bytes:
    """`packet` (no extension, no contributing sources) as a retransmission."""
    head = struct.pack("!BBHIIH", packet[0], packet[1] & 0x80 | payload_type, seq, timestamp, ssrc, original_seq)
    return head + packet[HEADER:]


def padding(payload_type: int, ssrc: int, seq: int, timestamp: int) -> bytes:
    """A packet that carries nothing but padding (RFC 3550 section 5.1), 255 bytes of it."""
    return struct.pack("!BBHII", 0xA0, payload_type, seq, timestamp, ssrc) + bytes(254) + b"\xff"


def renumbered(packet: bytes, payload_type: int, ssrc: int, seq: int, timestamp: int) -> bytes:
    """`packet` with another payload type, source and numbers."""
    return struct.pack("!BBHII", packet[0], packet[1] & 0x80 | payload_type, seq, timestamp, ssrc) + packet[HEADER:]


def _pack(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def receiver_report(own_ssrc: int, blocks: Iterable[tuple[int, ReceptionReport, int, int]]) -> bytes:
    """RR. Each block: source, report, LSR, DLSR (1/65536 s)."""
    body = struct.pack("!I", own_ssrc)
    count = 0
    for ssrc, report, lsr, dlsr in blocks:
        lost = report.lost & 0xFFFFFF
        body += struct.pack("!IIIIII", ssrc, report.fraction_lost << 24 | lost, report.highest, report.jitter & 0xFFFFFFFF, lsr, dlsr)
        count += 1
    return _pack(RR, count, body)


def sender_report(ssrc: int, ntp: int, timestamp: int, packets: int, octets: int) -> bytes:
    """SR without report blocks."""
    return _pack(SR, 0, struct.pack("!IQIII", ssrc, ntp, timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF))


def picture_loss(own_ssrc: int, ssrc: int) -> bytes:
    """PLI (RFC 4585 section 6.3.1)."""
    return _pack(PSFB, PLI, struct.pack("!II", own_ssrc, ssrc))


def generic_nack(own_ssrc: int, ssrc: int, numbers: Iterable[int]) -> bytes:
    """NACK (RFC 4585 section 6.2.1) for 16-bit sequence numbers in sending order."""
    items: list[list[int]] = []
    for number in numbers:
        offset = (number - items[-1][0]) & 0xFFFF if items else 17
        if 0 < offset <= 16:
            items[-1][1] |= 1 << (offset - 1)
        elif offset != 0:
            items.append([number & 0xFFFF, 0])
    return _pack(RTPFB, NACK, struct.pack("!II", own_ssrc, ssrc) + b"".join(struct.pack("!HH", pid, blp) for pid, blp in items))


def bitrate_ceiling(own_ssrc: int, bps: int, ssrcs: list[int]) -> bytes:
    """REMB (draft-alvestrand-rmcat-remb-03)."""
    exponent = max(0, bps.bit_length() - 18)
    packed = len(ssrcs) << 24 | exponent << 18 | bps >> exponent
    return _pack(PSFB, REMB, struct.pack(f"!II4sI{len(ssrcs)}I", own_ssrc, 0, b"REMB", packed, *ssrcs))


def reference_time(own_ssrc: int, ntp: int) -> bytes:
    """XR with a receiver reference time block (RFC 3611 section 4.4), which the sender answers with DLRR."""
    return _pack(XR, 0, struct.pack("!IBBHQ", own_ssrc, 4, 0, 2, ntp))


def ntp_time(unix_s: float) -> int:
    """64-bit NTP time."""
    return int((unix_s + NTP_OFFSET) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True, slots=True)
class SenderReport:
    ssrc: int
    ntp: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says about our `ssrc`; `fraction_lost` in 1/256, `highest` extended number, `lsr` and `dlsr` in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    lost: int
    lsr: int
    dlsr: int
    highest: int


@dataclass(frozen=True, slots=True)
class Nack:
    ssrc: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyFrameRequest:
    ssrc: int


@dataclass(frozen=True, slots=True)
class ReferenceAnswer:
    """DLRR (RFC 3611 section 4.5): when our reference time was last seen, 1/65536 s."""

    lrr: int
    dlrr: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """REMB: what the receiver thinks that its path carries, bit/s."""

    bps: int


Feedback = SenderReport | ReportBlock | Nack | KeyFrameRequest | ReferenceAnswer | Estimate


def parse_rtcp(data: bytes) -> Iterator[Feedback]:
    """What a compound packet says that we act on; other parts are passed over."""
    at = 0
    while at + 4 <= len(data):
        count, kind, words = data[at] & 0x1F, data[at + 1], data[at + 2] << 8 | data[at + 3]
        end = at + 4 + 4 * words
        if data[at] >> 6 != 2 or end > len(data):
            raise ValueError("RTCP packet is cut")
        yield from _parse_one(kind, count, data[at + 4 : end])
        at = end


def _parse_one(kind: int, count: int, body: bytes) -> Iterator[Feedback]:
    if kind == SR and len(body) >= 24:
        ssrc, ntp, timestamp = struct.unpack_from("!IQI", body)
        yield SenderReport(ssrc, ntp, timestamp)
        yield from _blocks(body[24:], count)
    elif kind == RR and len(body) >= 4:
        yield from _blocks(body[4:], count)
    elif kind == RTPFB and count == NACK and len(body) >= 12:
        yield Nack(int.from_bytes(body[4:8], "big"), tuple(_nacked(body[8:])))
    elif kind == PSFB and count == PLI and len(body) >= 8:
        yield KeyFrameRequest(int.from_bytes(body[4:8], "big"))
    elif kind == PSFB and count == FIR:
        for at in range(8, len(body) - 7, 8):
            yield KeyFrameRequest(int.from_bytes(body[at : at + 4], "big"))
    elif kind == PSFB and count == REMB and len(body) >= 16 and body[8:12] == b"REMB":
        packed = int.from_bytes(body[13:16], "big")
        yield Estimate((packed & 0x3FFFF) << (packed >> 18))
    elif kind == XR:
        yield from _extended(body)


def _blocks(body: bytes, count: int) -> Iterator[ReportBlock]:
    for at in range(0, min(len(body) - 23, 24 * count), 24):
        ssrc, lost, highest, _, lsr, dlsr = struct.unpack_from("!IIIIII", body, at)
        yield ReportBlock(ssrc, lost >> 24, lost & 0xFFFFFF, lsr, dlsr, highest)


def _nacked(fci: bytes) -> Iterator[int]:
    for at in range(0, len(fci) - 3, 4):
        pid, blp = struct.unpack_from("!HH", fci, at)
        yield pid
        for bit in range(16):
            if blp >> bit & 1:
                yield (pid + bit + 1) & 0xFFFF


def _extended(body: bytes) -> Iterator[ReferenceAnswer]:
    at = 4
    while at + 4 <= len(body):
        kind, words = body[at], body[at + 2] << 8 | body[at + 3]
        if kind == 5:
            for item in range(at + 4, min(at + 4 + 4 * words, len(body)) - 11, 12):
                _, lrr, dlrr = struct.unpack_from("!III", body, item)
                yield ReferenceAnswer(lrr, dlrr)
        at += 4 + 4 * words
