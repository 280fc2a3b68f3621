"""The sending side of the UDP port: packets are protected in preallocated memory and leave by one ``sendmmsg`` a wake-up.

What came together leaves together: the packets of a frame that go to one viewer are one message, which the kernel takes once
through its layers and cuts into datagrams at the end (UDP_SEGMENT). Whoever queues must call :meth:`Outbox.flush` before it gives
the loop back.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Callable, Sequence
from typing import Any

from . import adapter
from .adapter import SLOT, TRAILER
from .address import Address
from .batch import HEADER_SIZE, MAX_SEGMENTS, MSG_DONTWAIT, VECTOR_SIZE, Batch, Segmentation, sendmmsg, takes_segments
from .packets import HEADER

SLOTS = 256
#: Packets of one track that are copied together.
MOST_TOGETHER = 32
MAX_PACKET = SLOT - TRAILER
#: Why a message of several datagrams is refused that go through one by one: larger than the path takes whole, or no device for it.
_SINGLY = (errno.EINVAL, errno.EMSGSIZE, errno.EIO, errno.EOPNOTSUPP)

_read_header = struct.Struct("!HI").unpack_from
_writers: dict[int, Callable[..., None]] = {}


def _writer(size: int) -> Callable[..., None]:
    """Writes a packet of `size` bytes in one call: the fields of the head, then the rest as it is."""
    write = _writers.get(size)
    if write is None:
        write = _writers[size] = struct.Struct(f"!BBHII{size - HEADER}s").pack_into
    return write


class Destination:
    """A socket address in C memory. Kept alive by whoever sends to it until the next flush.

    `whole`: several datagrams may go to it as one message, until the kernel refuses that.
    """

    __slots__ = ("_memory", "address", "pointer", "whole")

    def __init__(self, address: Address) -> None:
        self.address = address
        self._memory = ctypes.create_string_buffer(address, len(address))
        self.pointer = ctypes.addressof(self._memory)
        self.whole = True


class Target:
    """Where copies of a track go, and renumbered how: the fields that the inner loop reads."""

    __slots__ = ("destination", "outbox", "payload_type", "pointer", "seq_offset", "session", "ssrc", "ts_offset")

    def __init__(self, outbox: Outbox, session: Any, destination: Destination, ssrc: int, payload_type: int) -> None:
        self.outbox = outbox
        self.session = session
        self.destination = destination
        self.pointer = destination.pointer
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.seq_offset = 0
        self.ts_offset = 0

    def renumber(self, seq_offset: int, ts_offset: int) -> None:
        """From the next packet on: what is queued keeps the numbers that it was queued with."""
        self.outbox.settle()
        self.seq_offset, self.ts_offset = seq_offset, ts_offset


class Outbox:
    """Slots for :data:`SLOTS` packets of up to :data:`MAX_PACKET` bytes before protection. `name_length` is that of the socket's
    addresses, bytes."""

    def __init__(self, descriptor: int, name_length: int) -> None:
        self._descriptor = descriptor
        self._batch = batch = Batch(SLOTS, name_length)
        self._view, self._pointers, self._length_pointers = batch.view, batch.pointers, batch.length_pointers
        self._lengths, self._names, self._begins, self._vectors = batch.lengths, batch.names, batch.begins, batch.vectors
        self._segmentation = Segmentation(SLOT) if takes_segments(descriptor) else None
        self._pending: list[tuple[Sequence[Target], bytes]] = []
        self._used = 0
        #: How many messages are made, and where those of several datagrams go, by number.
        self._made = 0
        self._several: dict[int, Destination] = {}
        self.sent = 0
        self.messages = 0
        self.failed = 0

    def fan_out(self, packet: bytes, targets: Sequence[Target]) -> None:
        """Queue a copy of an RTP packet (without header extension) for each target."""
        if len(packet) > MAX_PACKET:
            self.failed += 1
        else:
            self._pending.append((targets, packet))

    def settle(self) -> None:
        """Make the copies of what is queued."""
        pending = self._pending
        if not pending:
            return
        self._pending = []
        if len(pending) == 1:
            self._copy_one(*pending[0])
            return
        groups: dict[int, tuple[Sequence[Target], list[bytes]]] = {}
        for targets, packet in pending:
            group = groups.get(id(targets))
            if group is None or len(group[1]) == MOST_TOGETHER:
                if group is not None:
                    self._copy(*group)
                groups[id(targets)] = (targets, [packet])
            else:
                group[1].append(packet)
        for targets, packets in groups.values():
            if len(packets) == 1:
                self._copy_one(targets, packets[0])
            else:
                self._copy(targets, packets)

    def _copy_one(self, targets: Sequence[Target], packet: bytes) -> None:
        """Copies of one packet."""
        size = len(packet)
        seq, timestamp = _read_header(packet, 2)
        first, marker, rest = packet[0], packet[1] & 0x80, packet[HEADER:]
        view, pointers, lengths, length_pointers = self._view, self._pointers, self._lengths, self._length_pointers
        names, begins, vectors = self._names, self._begins, self._vectors
        protect, write = adapter.protect, _writer(size)
        used, made = self._used, self._made
        for target in targets:
            if used == SLOTS:
                self._used, self._made = used, made
                self._send()
                used = made = 0
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
            names[made] = target.pointer
            begins[made] = vectors[used]
            used += 1
            made += 1
        self._used, self._made = used, made

    def _copy(self, targets: Sequence[Target], packets: Sequence[bytes]) -> None:
        """Copies of several packets, those for one target in a row."""
        heads = [
            (_writer(len(packet)), len(packet), packet[0], packet[1] & 0x80, *_read_header(packet, 2), packet[HEADER:])
            for packet in packets
        ]
        together, singly = _runs([len(packet) for packet in packets]), [(index, 1) for index in range(len(packets))]
        view, pointers, lengths, length_pointers = self._view, self._pointers, self._lengths, self._length_pointers
        names, begins, vectors, batch, segmentation = self._names, self._begins, self._vectors, self._batch, self._segmentation
        protect, several = adapter.protect, self._several
        used, made = self._used, self._made
        for target in targets:
            if used + len(heads) > SLOTS:
                self._used, self._made = used, made
                self._send()
                used = made = 0
            session, ssrc, payload_type, pointer = target.session, target.ssrc, target.payload_type, target.pointer
            seq_offset, ts_offset = target.seq_offset, target.ts_offset
            start = used
            for write, size, first, marker, seq, timestamp, rest in heads:
                number, stamp = (seq + seq_offset) & 0xFFFF, (timestamp + ts_offset) & 0xFFFFFFFF
                write(view, used * SLOT, first, marker | payload_type, number, stamp, ssrc, rest)
                lengths[used] = size
                if protect(session, pointers[used], length_pointers[used]):
                    self.failed += 1
                else:
                    used += 1
            runs = together if segmentation is not None and target.destination.whole else singly
            for begin, count in runs if used - start == len(heads) else singly[: used - start]:
                slot = start + begin
                names[made] = pointer
                begins[made] = vectors[slot]
                if count > 1 and segmentation is not None:
                    batch.spans[made] = count
                    batch.controls[made] = segmentation.address_of(lengths[slot])
                    batch.control_lengths[made] = segmentation.LENGTH
                    several[made] = target.destination
                made += 1
        self._used, self._made = used, made

    def put(self, packet: bytes, session: Any, destination: Destination, rtcp: bool) -> None:
        """Queue one complete RTP or RTCP packet."""
        if len(packet) > MAX_PACKET:
            self.failed += 1
            return
        if self._used == SLOTS:
            self._send()
        used = self._used
        at = used * SLOT
        self._view[at : at + len(packet)] = packet
        self._lengths[used] = len(packet)
        if (adapter.protect_rtcp if rtcp else adapter.protect)(session, self._pointers[used], self._length_pointers[used]):
            self.failed += 1
            return
        self._names[self._made] = destination.pointer
        self._begins[self._made] = self._vectors[used]
        self._used = used + 1
        self._made += 1

    def flush(self) -> None:
        """Send what is queued. What the socket does not take is lost, as on any full link."""
        if self._pending:
            self.settle()
        if self._used:
            self._send()

    def _send(self) -> None:
        made, used, several = self._made, self._used, self._several
        self._made = self._used = 0
        sent = sendmmsg(self._descriptor, self._batch.headers, made, MSG_DONTWAIT)
        if sent == made:
            self.messages += sent
            self.sent += used
        else:
            self._send_rest(made, sent)
        if several:
            spans, control_lengths = self._batch.spans, self._batch.control_lengths
            for number in several:
                spans[number] = 1
                control_lengths[number] = 0
            several.clear()

    def _send_rest(self, made: int, sent: int) -> None:
        """Not all messages were taken; `sent` is what the last call said of those from the first on."""
        batch, start = self._batch, 0
        while True:
            if sent > 0:
                self.messages += sent
                self.sent += sum(batch.spans[start : start + sent])
                start += sent
            else:
                # The first of the rest is refused (a full buffer, or no route): pass over it alone.
                self._refused(start, adapter.last_error())
                start += 1
            if start == made:
                return
            sent = sendmmsg(self._descriptor, batch.headers + start * HEADER_SIZE, made - start, MSG_DONTWAIT)

    def _refused(self, number: int, why: int) -> None:
        batch, destination = self._batch, self._several.get(number)
        count = batch.spans[number]
        if destination is None or why not in _SINGLY:
            self.failed += count
            return
        destination.whole = False
        batch.spans[number] = 1
        batch.control_lengths[number] = 0
        for _ in range(count):
            if sendmmsg(self._descriptor, batch.headers + number * HEADER_SIZE, 1, MSG_DONTWAIT) == 1:
                self.messages += 1
                self.sent += 1
            else:
                self.failed += 1
            batch.begins[number] += VECTOR_SIZE


def _runs(sizes: list[int]) -> list[tuple[int, int]]:
    """How packets of these sizes are put into messages: index of the first and number. All in a message are equal; the last may be
    smaller."""
    runs = []
    begin = 0
    for index in range(1, len(sizes) + 1):
        if index == len(sizes) or sizes[index] > sizes[begin] or sizes[index - 1] < sizes[begin] or index - begin == MAX_SEGMENTS:
            runs.append((begin, index - begin))
            begin = index
    return runs
