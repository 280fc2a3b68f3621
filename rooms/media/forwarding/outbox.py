"""The sending side of the UDP port: packets are protected in preallocated memory and leave by one ``sendmmsg`` a wake-up.

What came together leaves together: the packets of a frame that go to one viewer are one message, which the kernel takes once
through its layers and cuts into datagrams at the end (UDP_SEGMENT). Whoever queues must call :meth:`Outbox.flush` before it gives
the loop back. What is done for each copy is in :mod:`native.sending`; here is what those loops read.

**Lifetimes.** Machine code knows addresses only. An address that it meets is one of the outbox itself or one that what is queued names:
a packet and a :class:`Group`, with its :class:`Target` s, their streams and :class:`Destination` s. The outbox keeps packets, groups
and destinations until everything is sent. A target keeps its stream, and that the keys of its association, until :meth:`Target.end`: what
is queued is copied then, and from then on its row names no stream and the loops pass it over.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any

from . import adapter
from .adapter import SLOT, TRAILER
from .address import Address
from .batch import Batch, Segmentation, c_function, takes_segments
from .keys import tools
from .native import layout
from .native.image import Code
from .native.layout import word, words
from .protection import Protection, Stream

SLOTS = 256
#: Packets that are kept before they are copied.
WAITING = 256
MAX_PACKET = SLOT - TRAILER


class Destination:
    """A socket address in C memory. Kept alive by whoever sends to it until the next flush."""

    __slots__ = ("_memory", "_words", "address", "pointer")

    def __init__(self, address: Address) -> None:
        self.address = address
        self._memory = ctypes.create_string_buffer(bytes(layout.SOCKET_ADDRESS) + address)
        self._words = memoryview(self._memory)[: layout.SOCKET_ADDRESS].cast("B").cast("q")
        self._words[word(layout.WHOLE)] = 1
        self.pointer = ctypes.addressof(self._memory)

    @property
    def whole(self) -> bool:
        """Several datagrams may go to it as one message, until the kernel refuses that."""
        return self._words[word(layout.WHOLE)] != 0

    @property
    def name(self) -> int:
        """Where the socket address is."""
        return self.pointer + layout.SOCKET_ADDRESS


class Target:
    """Where copies of a track go, as which stream of the association there, and renumbered how."""

    __slots__ = ("_destination", "_outbox", "_row", "_stream", "address", "alone")

    def __init__(self, outbox: Outbox, stream: Stream, destination: Destination, payload_type: int) -> None:
        self._outbox = outbox
        self._stream: Stream | None = stream
        self._row = words(word(layout.TARGET))
        #: Where the row is.
        self.address = adapter.memory_address(self._row)
        self._row[word(layout.STREAM)] = stream.address
        self._row[word(layout.PAYLOAD_TYPE)] = payload_type
        self._destination = destination
        self._row[word(layout.DESTINATION)] = destination.pointer
        #: The group of this target alone.
        self.alone = Group((self,))

    @property
    def destination(self) -> Destination:
        """Where its packets go."""
        return self._destination

    def move(self, destination: Destination) -> None:
        """Send there from now on, what is queued as well."""
        self._outbox.flush()
        self._destination = destination
        self._row[word(layout.DESTINATION)] = destination.pointer

    def retype(self, payload_type: int) -> None:
        """Another payload type from the next packet on."""
        self._outbox.settle()
        self._row[word(layout.PAYLOAD_TYPE)] = payload_type

    def renumber(self, seq_offset: int, ts_offset: int) -> None:
        """From the next packet on: what is queued keeps the numbers that it was queued with."""
        self._outbox.settle()
        self._row[word(layout.SEQ_OFFSET)] = seq_offset & 0xFFFF
        self._row[word(layout.TS_OFFSET)] = ts_offset & 0xFFFFFFFF

    def end(self) -> None:
        """No more copies are made for it; of what is queued they are made first. May be called twice."""
        if self._stream is not None:
            self._outbox.settle()
            self._row[word(layout.STREAM)] = 0
            self._stream = None
            self.alone = Group()


class Group:
    """The targets of a stream, in C memory. They never change: where they do, there is another group."""

    __slots__ = ("_row", "address", "targets")

    def __init__(self, targets: Iterable[Target] = ()) -> None:
        self.targets = tuple(targets)
        self._row = words(1 + len(self.targets))
        self._row[0] = len(self.targets)
        for number, target in enumerate(self.targets):
            self._row[word(layout.GROUP_TARGETS) + number] = target.address
        self.address = adapter.memory_address(self._row)

    def __len__(self) -> int:
        return len(self.targets)


class Outbox:
    """Slots for :data:`SLOTS` packets of up to :data:`MAX_PACKET` bytes before protection. `name_length` is that of the socket's
    addresses, bytes; `code` the loops."""

    def __init__(self, descriptor: int, name_length: int, code: Code) -> None:
        self._batch = batch = Batch(SLOTS, name_length)
        self._segmentation = Segmentation(SLOT) if takes_segments(descriptor) else None
        self._box = words(word(layout.OUTBOX))
        self.address = adapter.memory_address(self._box)
        self._memory = {
            layout.DESTINATIONS: words(SLOTS),
            layout.ENTRIES: words(word(layout.ENTRY) * WAITING),
            layout.HEADS: words(word(layout.HEAD) * layout.MOST_TOGETHER),
            layout.RUNS: words(layout.MOST_TOGETHER),
        }
        for offset, memory in self._memory.items():
            self._box[word(offset)] = adapter.memory_address(memory)
        for offset, value in {
            layout.TOOLS: tools().address,
            layout.PROTECT_RTCP: adapter.c_function("srtp_protect_rtcp"),
            layout.SENDMMSG: c_function("sendmmsg"),
            layout.ERRNO: c_function("__errno_location"),
            layout.MEMMOVE: c_function("memmove"),
            layout.DESCRIPTOR: descriptor,
            layout.SLOTS: batch.slots,
            layout.VECTORS: batch.vectors,
            layout.HEADERS: batch.headers,
            layout.CAPACITY: SLOTS,
            layout.SEGMENTS: self._segmentation.address if self._segmentation is not None else 0,
            layout.SEGMENT_LENGTH: Segmentation.LENGTH,
            layout.MOST_WAITING: WAITING,
        }.items():
            self._box[word(offset)] = value
        self._code = code  # its memory ends with it
        self._queue, self._settle, self._flush = code.queue, code.settle, code.flush
        self._single, self._single_rtcp = code.single, code.single_rtcp
        #: What the loops know by address alone, until everything is sent.
        self._kept: list[object] = []

    @property
    def sent(self) -> int:
        """Datagrams that the kernel took."""
        return self._box[word(layout.SENT)]

    @property
    def messages(self) -> int:
        """In how many messages."""
        return self._box[word(layout.MESSAGES)]

    @property
    def failed(self) -> int:
        """Packets that could not be sent."""
        return self._box[word(layout.FAILED)]

    def fail(self) -> None:
        """Count a packet that could not be sent."""
        self._box[word(layout.FAILED)] += 1

    def fan_out(self, packet: bytes, group: Group) -> None:
        """Queue a copy of an RTP packet (without header extension) for each target."""
        if len(packet) > MAX_PACKET:
            self.fail()
            return
        self._kept += (packet, group)
        self._queue(self.address, packet, len(packet), group.address)

    def settle(self) -> None:
        """Make the copies of what is queued."""
        self._settle(self.address)

    def keep(self, what: object) -> None:
        """The loops may still know this by its address: it lives until everything is sent."""
        self._kept.append(what)

    def put(self, packet: bytes, protection: Protection, destination: Destination) -> None:
        """Queue one complete RTP packet, as part of the stream that it names."""
        if not layout.FIXED_HEADER <= len(packet) <= MAX_PACKET:
            self.fail()
            return
        self._kept.append(destination)
        stream = protection.stream(int.from_bytes(packet[8:12], "big"))
        self._single(self.address, packet, len(packet), stream.address, destination.pointer)

    def put_rtcp(self, packet: bytes, session: Any, destination: Destination) -> None:
        """Queue one RTCP packet, protected by this session."""
        if len(packet) > MAX_PACKET:
            self.fail()
            return
        self._kept.append(destination)
        self._single_rtcp(self.address, packet, len(packet), adapter.address_of(session), destination.pointer)

    def flush(self) -> None:
        """Send what is queued. What the socket does not take is lost, as on any full link."""
        self._flush(self.address)
        self._kept.clear()
