"""Just enough RTP and RTCP for a recorder: the header of a packet, a sender report, and 32-bit time that never wraps."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_FIXED = struct.Struct("!BBHII")
_REPORT = struct.Struct("!BBHIQI")
_NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970, RFC 868
SENDER_REPORT_TYPE = 200


@dataclass(slots=True)
class Packet:
    """One RTP packet (RFC 3550 section 5.1) with the time at which the engine received it, µs since the epoch."""

    sequence: int
    timestamp: int
    ssrc: int
    payload_type: int
    marker: bool
    payload: bytes
    arrival_us: int


def parse(data: bytes, arrival_us: int, start: int = 0) -> Packet:
    """The packet in `data` from byte `start`; header extensions and padding are taken off. Raises ValueError."""
    end = len(data)
    if end - start < 12:
        raise ValueError(f"RTP packet of {end - start} bytes")
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data, start)
    if first >> 6 != 2:
        raise ValueError(f"RTP version {first >> 6}")
    offset = start + 12 + 4 * (first & 0x0F)
    if first & 0x10:
        if offset + 4 > end:
            raise ValueError("RTP header extension is cut")
        offset += 4 + 4 * int.from_bytes(data[offset + 2 : offset + 4], "big")
    if first & 0x20:
        end -= data[-1]
    if offset > end:
        raise ValueError("RTP header or padding is longer than the packet")
    return Packet(sequence, timestamp, ssrc, second & 0x7F, second >= 0x80, data[offset:end], arrival_us)


@dataclass(frozen=True, slots=True)
class SenderReport:
    """RFC 3550 section 6.4.1: the sender's own clock (µs since the epoch, by that clock) at an RTP timestamp."""

    ssrc: int
    ntp_us: int
    timestamp: int


def parse_sender_report(data: bytes, start: int = 0) -> SenderReport:
    """The sender report in `data` from byte `start`. Raises ValueError."""
    if len(data) - start < 28:
        raise ValueError(f"sender report of {len(data) - start} bytes")
    first, kind, _, ssrc, ntp, timestamp = _REPORT.unpack_from(data, start)
    if first >> 6 != 2 or kind != SENDER_REPORT_TYPE:
        raise ValueError(f"RTCP version {first >> 6} type {kind}")
    return SenderReport(ssrc, ((ntp * 1_000_000) >> 32) - _NTP_EPOCH_S * 1_000_000, timestamp)


class Unwrapper:
    """Turns a counter of `bits` bits that wraps into one that does not: the nearest value to the one before."""

    def __init__(self, bits: int) -> None:
        self._size = 1 << bits
        self._last: int | None = None

    def __call__(self, value: int) -> int:
        self._last = self.near(value)
        return self._last

    def near(self, value: int) -> int:
        """The same without moving on: what `value` stands for, next to the last one."""
        if self._last is None:
            return value
        step = (value - self._last) % self._size
        return self._last + (step - self._size if step >= self._size >> 1 else step)
