"""The sending side of the UDP port: packets are protected in preallocated memory and leave by one ``sendmmsg`` a wake-up.

Whoever queues must call :meth:`Outbox.flush` before it gives the loop back.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Iterable
from typing import Any

from . import adapter
from .adapter import SLOT, TRAILER
from .address import Address
from .batch import HEADER_SIZE, MSG_DONTWAIT, Batch, sendmmsg
from .packets import HEADER

SLOTS = 256
MAX_PACKET = SLOT - TRAILER

_read_header = struct.Struct("!HI").unpack_from
_writers: dict[int, Callable[..., None]] = {}


def _writer(size: int) -> Callable[..., None]:
    """Writes a packet of `size` bytes in one call: the fields of the head, then the rest as it is."""
    write = _writers.get(size)
    if write is None:
        write = _writers[size] = struct.Struct(f"!BBHII{size - HEADER}s").pack_into
    return write


class Destination:
    """A socket address in C memory. Kept alive by whoever sends to it until the next flush."""

    __slots__ = ("_memory", "address", "pointer")

    def __init__(self, address: Address) -> None:
        self.address = address
        self._memory = ctypes.create_string_buffer(address, len(address))
        self.pointer = ctypes.addressof(self._memory)


class Target:
    """Where copies of a track go, and renumbered how: the fields that the inner loop reads."""

    __slots__ = ("destination", "payload_type", "pointer", "seq_offset", "session", "ssrc", "ts_offset")

    def __init__(self, session: Any, destination: Destination, ssrc: int, payload_type: int) -> None:
        self.session = session
        self.destination = destination
        self.pointer = destination.pointer
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.seq_offset = 0
        self.ts_offset = 0


class Outbox:
    """Slots for :data:`SLOTS` packets of up to :data:`MAX_PACKET` bytes before protection. `name_length` is that of the socket's
    addresses, bytes."""

    def __init__(self, descriptor: int, name_length: int) -> None:
        self._descriptor = descriptor
        self._batch = batch = Batch(SLOTS, name_length)
        self._view, self._pointers, self._length_pointers = batch.view, batch.pointers, batch.length_pointers
        self._lengths, self._names = batch.lengths, batch.names
        self._used = 0
        self.sent = 0
        self.failed = 0

    def fan_out(self, packet: bytes, targets: Iterable[Target]) -> None:
        """Queue a copy of an RTP packet (without header extension) for each target."""
        size = len(packet)
        if size > MAX_PACKET:
            self.failed += 1
            return
        seq, timestamp = _read_header(packet, 2)
        first, marker, rest = packet[0], packet[1] & 0x80, packet[HEADER:]
        view, pointers, lengths, length_pointers, names = self._view, self._pointers, self._lengths, self._length_pointers, self._names
        protect, write = adapter.protect, _writer(size)
        used = self._used
        for target in targets:
            if used == SLOTS:
                self._used = used
                self.flush()
                used = 0
            write(
                view,
                used * SLOT,
                first,
                marker | target.payload_type,
                (seq + target.seq_offset) & 0xFFFF,
                (timestamp + target.ts_offset) & 0xFFFFFFFF,
                target.ssrc,
                rest,
            )
            lengths[used] = size
            if protect(target.session, pointers[used], length_pointers[used]):
                self.failed += 1
                continue
            names[used] = target.pointer
            used += 1
        self._used = used

    def put(self, packet: bytes, session: Any, destination: Destination, rtcp: bool) -> None:
        """Queue one complete RTP or RTCP packet."""
        if len(packet) > MAX_PACKET:
            self.failed += 1
            return
        if self._used == SLOTS:
            self.flush()
        used = self._used
        at = used * SLOT
        self._view[at : at + len(packet)] = packet
        self._lengths[used] = len(packet)
        if (adapter.protect_rtcp if rtcp else adapter.protect)(session, self._pointers[used], self._length_pointers[used]):
            self.failed += 1
            return
        self._names[used] = destination.pointer
        self._used = used + 1

    def flush(self) -> None:
        """Send what is queued. What the socket does not take is lost, as on any full link."""
        used, self._used = self._used, 0
        start = 0
        headers = self._batch.headers
        while start < used:
            sent = sendmmsg(self._descriptor, headers + start * HEADER_SIZE, used - start, MSG_DONTWAIT)
            if sent <= 0:
                # The first of the rest is refused (a full buffer, or no route): pass over it alone.
                self.failed += 1
                sent = 1
            else:
                self.sent += sent
            start += sent
