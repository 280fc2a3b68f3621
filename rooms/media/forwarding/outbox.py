"""The sending side of the UDP port: packets are protected in preallocated memory and leave by one ``sendmmsg`` a wake-up.

No compiler is needed: SRTP is pylibsrtp's libsrtp called in place, ``sendmmsg`` is the C library's through ctypes.
Whoever queues must call :meth:`Outbox.flush` before it gives the loop back.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Any

from . import adapter
from .adapter import SLOT, TRAILER
from .packets import HEADER

SLOTS = 256
MAX_PACKET = SLOT - TRAILER
MSG_DONTWAIT = 0x40


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _MsgHdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iov_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _MMsgHdr(ctypes.Structure):
    _fields_ = (("header", _MsgHdr), ("length", ctypes.c_uint))


_WORD = ctypes.sizeof(ctypes.c_size_t)
_NAME = _MMsgHdr.header.offset + _MsgHdr.name.offset
_sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
_sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
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

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        raw = struct.pack("=H", socket.AF_INET) + struct.pack("!H", address[1]) + socket.inet_aton(address[0]) + bytes(8)
        self._memory = ctypes.create_string_buffer(raw, 16)
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
    """Slots for :data:`SLOTS` packets of up to :data:`MAX_PACKET` bytes before protection."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._memory = adapter.new_buffer(SLOTS * SLOT)
        self._view = adapter.buffer_view(self._memory)
        base = adapter.buffer_address(self._memory)
        self._pointers = [self._memory + i * SLOT for i in range(SLOTS)]
        self._vectors = (_IoVec * SLOTS)()
        self._headers = (_MMsgHdr * SLOTS)()
        stride = ctypes.sizeof(_IoVec)
        for i in range(SLOTS):
            self._vectors[i].base = base + i * SLOT
            header = self._headers[i].header
            header.iov = ctypes.addressof(self._vectors) + i * stride
            header.iov_length = 1
            header.name_length = 16
        # libsrtp writes a packet's length behind protection to where sendmmsg reads it.
        first = ctypes.addressof(self._vectors) + _IoVec.length.offset
        self._length_pointers = [adapter.length_in(first + i * stride) for i in range(SLOTS)]
        # Plain words over the same memory, one for each slot: a store costs a third of an attribute of a ctypes structure.
        self._lengths = memoryview(self._vectors).cast("B").cast("P")[_IoVec.length.offset // _WORD :: stride // _WORD]
        self._names = memoryview(self._headers).cast("B").cast("P")[_NAME // _WORD :: ctypes.sizeof(_MMsgHdr) // _WORD]
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
        address = ctypes.addressof(self._headers)
        size = ctypes.sizeof(_MMsgHdr)
        while start < used:
            sent = _sendmmsg(self._descriptor, address + start * size, used - start, MSG_DONTWAIT)
            if sent <= 0:
                # The first of the rest is refused (a full buffer, or no route): pass over it alone.
                self.failed += 1
                sent = 1
            else:
                self.sent += sent
            start += sent


class Inbox:
    """Unprotects one packet at a time in preallocated memory."""

    def __init__(self) -> None:
        self._memory = adapter.new_buffer(SLOT)
        self._view = adapter.buffer_view(self._memory)
        self._length = adapter.new_length()

    def open(self, data: bytes, session: Any, rtcp: bool) -> bytes | int:
        """The plain packet, or the libsrtp status that refused it."""
        size = len(data)
        self._view[:size] = data
        self._length[0] = size
        status = (adapter.unprotect_rtcp if rtcp else adapter.unprotect)(session, self._memory, self._length)
        return status or bytes(self._view[: self._length[0]])
