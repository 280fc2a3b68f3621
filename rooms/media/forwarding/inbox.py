"""The receiving side of the UDP port: ``recvmmsg`` into preallocated memory, where SRTP is taken off in place.

What is exactly the next packet of an open :class:`Flow` is sent on by :mod:`native.receiving` before Python sees it, and kept; the flow's
owner is given it soon after (:meth:`Inbox.tell`), in order, to count and keep it like any other. All else is for Python at once.
So whoever is about to change where packets of a stream go, or who may have them, calls :meth:`Flow.hold` first: what passed until then
is told, and nothing more passes until the owner opens the flow again, at a packet that Python took the long way.

**Lifetimes.** Machine code knows a flow by the table alone, and a flow is in it only while the inbox keeps it there, with its group, its
stream and the keys of that.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import time
from collections import Counter
from typing import Any, Protocol
from weakref import WeakValueDictionary

from . import adapter
from .adapter import SLOT
from .batch import Batch, c_function
from .native import layout, receiving
from .native.image import Code
from .native.layout import word, words
from .outbox import Group, Outbox
from .ring import Ring
from .unprotection import Incoming, Unprotection

_NOTHING = (errno.EAGAIN, errno.EINTR)
#: Stands for the ring of a flow that was never opened.
_NO_RING = Ring(mmap.PAGESIZE)


class Passed:
    """What passed of one flow since its owner was told last: `count` packets from the number `first` (16 bits) on, one after another, each
    with a payload and no padding.

    `bytes` counts them as they came, `octets` what is behind their headers, `frames` their marker bits. `begins`: a key frame may begin in
    them. `jitter` is that of the stream after them, ticks. They are in the ring until more comes.
    """

    __slots__ = ("_now", "_ring", "begins", "bytes", "count", "first", "frames", "jitter", "octets")

    def __init__(self, flow: Flow, now_ns: int) -> None:
        self._ring, self._now = flow.ring, now_ns
        self.bytes, self.octets, self.frames, begins, self.count, jitter, following = flow.counted()
        self.first = (following - self.count) & 0xFFFF
        self.begins = begins > 0
        self.jitter = jitter / layout.JITTER_PARTS

    def _number(self, index: int) -> int:
        return self.first + index & 0xFFFF

    def packet(self, index: int) -> bytes:
        """One of them as it was sent on, without header extension."""
        packet = self._ring.get(self._number(index))
        if packet is None:
            raise LookupError("what passed is kept until its owner was told")
        return packet

    def arrival_us(self, index: int) -> int:
        """When one came, microseconds since 1970."""
        return self._ring.came_us(self._number(index))

    def age_s(self, index: int) -> float:
        """How long ago that is."""
        return (self._now - self._ring.came_ns(self._number(index))) / 1e9

    def level(self, index: int) -> int | None:
        """How loud it says that it is (RFC 6464), 0 to 127 -dBov; None if it does not."""
        return self._ring.level(self._number(index))


class Owner(Protocol):
    """Whose stream it is: a producer."""

    def passed(self, came: Passed) -> None:
        """These packets went to all in the flow's group, one after another. Raises ValueError if one is malformed."""


class Flow:
    """The one stream of an owner, while it may pass without Python."""

    __slots__ = ("__weakref__", "_inbox", "_row", "_stream", "address", "group", "number", "owner", "ring")

    def __init__(self, inbox: Inbox, owner: Owner, number: int, clock_hz: int, frames: bool, keys: int) -> None:
        self._inbox = inbox
        self.owner = owner
        self.number = number
        self.group = Group()
        self.ring = _NO_RING
        self._stream: Incoming | None = None
        self._row = words(word(layout.FLOW))
        self._row[word(layout.FLOW_NUMBER)] = number
        self._row[word(layout.FLOW_FRAMES)] = int(frames)
        self._row[word(layout.FLOW_KEYS)] = keys
        self._row[word(layout.FLOW_HZ)] = clock_hz
        self.address = adapter.memory_address(self._row)

    @property
    def ssrc(self) -> int:
        """The source that it was opened for last."""
        return self._row[word(layout.FLOW_SSRC)]

    def open(
        self,
        ssrc: int,
        payload_type: int,
        following: int,
        group: Group,
        ring: Ring,
        stream: Incoming,
        slot: int,
        *,
        soon: bool,
        jitter: float = 0.0,
        level: int = 0,
    ) -> None:
        """From the packet numbered `following` on it goes to `group`, if it comes from where the datagram in `slot` came from.

        `stream` is that of the source; `ring` keeps what passes. `soon`: the owner is to be told within
        :data:`layout.LONG_PASSED_NS`; else it is when many passed, and whenever somebody calls :meth:`Inbox.tell`. `jitter`: that of the
        stream until now, ticks. `level`: the header extension that tells how loud it is (RFC 6464), 0 for none.
        """
        row = self._row
        if row[word(layout.FLOW_COUNT)]:
            self._inbox.tell()
        if ssrc != self.ssrc:
            self._inbox.hide(self)
        if group is not self.group:
            self._inbox.keep(self.group)
            self.group = group
            row[word(layout.FLOW_GROUP)] = group.address
        if ring is not self.ring:
            self.ring = ring
            row[word(layout.FLOW_RING)] = ring.address
        self._stream = stream
        row[word(layout.FLOW_STREAM)] = stream.address
        row[word(layout.FLOW_SSRC)] = ssrc
        row[word(layout.FLOW_TYPE)] = payload_type
        row[word(layout.FLOW_SOON)] = int(soon)
        row[word(layout.FLOW_NEXT)] = following & 0xFFFF
        row[word(layout.FLOW_LEVEL)] = level
        row[word(layout.FLOW_JITTER)] = int(jitter * layout.JITTER_PARTS)
        row[word(layout.FLOW_TIMESTAMP)] = int.from_bytes(self._inbox.view[slot * SLOT + 4 : slot * SLOT + 8], "big")
        row[word(layout.FLOW_AT)] = self._inbox.came_at
        name = self._inbox.names[slot]
        start = layout.FLOW_FROM
        row.cast("B")[start : start + len(name)] = name
        self._inbox.show(self)

    def counted(self) -> tuple[int, int, int, int, int, int, int]:
        """Of what passed since this was asked last: bytes as they came, octets behind the headers, marker bits, packets that may begin a
        key frame, packets; and the jitter, in :data:`layout.JITTER_PARTS` of a tick, and the number of the packet after them."""
        row, first = self._row, word(layout.FLOW_BYTES)
        came, octets, marks, begins, count, jitter = row[first : first + 6]
        row[first] = row[first + 1] = row[first + 2] = row[first + 3] = row[first + 4] = 0
        return came, octets, marks, begins, count, jitter, row[word(layout.FLOW_NEXT)]

    def hold(self) -> None:
        """Have the owner told of all that passed; nothing more does until it is opened again."""
        self._inbox.hide(self)
        self._inbox.tell()


class Inbox:
    """Slots for datagrams, :data:`layout.BATCH` at a time. What is in a slot is good until the next :meth:`quiet`.

    `name_length` is that of the socket's addresses, bytes; `outbox` takes what passes; `code` the loops. `dropped`: how many datagrams
    were, by reason.
    """

    def __init__(self, descriptor: int, name_length: int, outbox: Outbox, code: Code) -> None:
        count = layout.IN_CAPACITY
        self._outbox = outbox
        self._batch = batch = Batch(count, name_length)
        self._name_memory = ctypes.create_string_buffer(count * name_length)
        names = memoryview(self._name_memory).cast("B")
        #: Where each came from: :data:`~.address.Address` by slot.
        self.names = [names[i * name_length : (i + 1) * name_length] for i in range(count)]
        for i in range(count):
            batch.names[i] = ctypes.addressof(self._name_memory) + i * name_length
        #: The memory of all slots, :data:`SLOT` bytes each.
        self.view = batch.view
        self._pointers, self._length_pointers = batch.pointers, batch.length_pointers
        self._lengths = batch.lengths
        #: The bytes that came, by slot.
        self.sizes = batch.received
        self._tray = words(word(layout.INBOX))
        self._address = adapter.memory_address(self._tray)
        self._table, self._plain, self._others = words(layout.BUCKETS), words(count), words(layout.BATCH)
        self._told = words(layout.MOST_PASSED)
        self._events = words(2 * layout.MOST_EVENTS)
        for offset, value in {
            layout.RECVMMSG: c_function("recvmmsg"),
            layout.CLOCK: c_function("clock_gettime"),
            layout.EPOLL_WAIT: c_function("epoll_wait"),
            layout.SOCKET: descriptor,
            layout.BOX: outbox.address,
            layout.IN_SLOTS: batch.slots,
            layout.IN_HEADERS: batch.headers,
            layout.NAMES: ctypes.addressof(self._name_memory),
            layout.IN_NAME_LENGTH: name_length,
            layout.PLAIN: adapter.memory_address(self._plain),
            layout.OTHERS: adapter.memory_address(self._others),
            layout.TABLE: adapter.memory_address(self._table),
            layout.TOLD: adapter.memory_address(self._told),
            layout.EVENTS: adapter.memory_address(self._events),
        }.items():
            self._tray[word(offset)] = value
        self._turn, self._watch, self._open_at, self._code = code.turn, code.watch, code.open_at, code
        self._turned = False
        self._flows: WeakValueDictionary[int, Flow] = WeakValueDictionary()
        self._shown: dict[int, Flow] = {}
        self._next = 0
        self.dropped: Counter[str] = Counter()

    @property
    def came_at(self) -> int:
        """When the newest batch came, ns of the monotonic clock."""
        return self._tray[word(layout.MONOTONIC_NS)]

    @property
    def received(self) -> int:
        """Datagrams so far."""
        return self._tray[word(layout.TAKEN)]

    # -- datagrams

    def quiet(self) -> bool:
        """Take the datagrams that wait and send on what may pass. True if that was all: the usual case, at the least cost.

        What :meth:`watch` took last is taken for that.
        """
        if not self._turned:
            self._turn(self._address)
        self._turned = False
        return not self._tray[word(layout.ATTENTION)]

    def alarm(self, descriptor: int) -> None:
        """When this descriptor is ready, :meth:`watch` has nothing to tell."""
        self._tray[word(layout.ALARM)] = descriptor

    def watch(self, polled: int, *, wait: bool) -> int:
        """Wait on the epoll descriptor `polled`, which has the socket and the alarm among others (or, without `wait`, only look), and send
        on what may pass meanwhile. :data:`layout.TURNED`: :meth:`quiet` is to be called; :data:`layout.ELSE`: look what is ready;
        :data:`layout.NOTHING`: the alarm went off, or nothing was ready."""
        tray = self._tray
        if self._turned:
            return layout.TURNED
        tray[word(layout.POLLED)] = polled
        self._watch(self._address, int(wait))
        self._turned = tray[word(layout.READY)] == layout.TURNED
        return tray[word(layout.READY)]

    def others(self) -> list[int]:
        """The slots of what :meth:`quiet` left for Python, in order. If there is any, more may wait, and nothing was sent yet.

        Raises OSError for what an earlier send met.
        """
        tray = self._tray
        fault = tray[word(layout.FAULT)]
        if fault and fault not in _NOTHING:
            raise OSError(fault, "recvmmsg")
        return self._others[: tray[word(layout.OTHER_COUNT)]].tolist()

    def turn(self) -> list[int]:
        """Both in one."""
        return [] if self.quiet() else self.others()

    def datagram(self, slot: int) -> bytes:
        """A datagram as it came; after :meth:`open` as much as that left."""
        start = slot * SLOT
        return self.view[start : start + self.sizes[slot]].tobytes()

    def open(self, slot: int, unprotection: Unprotection) -> bytes | int:
        """The plain RTP packet, or the status that refused it; a packet refused as replayed is left as it came."""
        start, plain = slot * SLOT, self._plain[slot]
        if not plain:
            ssrc = int.from_bytes(self.view[start + 8 : start + 12], "big")
            plain = unprotection.open(self._open_at, self._batch.slots + start, self.sizes[slot], ssrc)
        return self.view[start : start + plain].tobytes() if plain > 0 else -plain

    def open_rtcp(self, slot: int, session: Any) -> bytes | int:
        """The plain RTCP packet, or the libsrtp status that refused it."""
        start = slot * SLOT
        self._lengths[slot] = self.sizes[slot]
        status = adapter.unprotect_rtcp(session, self._pointers[slot], self._length_pointers[slot])
        opened = status or self.view[start : start + self._lengths[slot]].tobytes()
        self._lengths[slot] = SLOT
        return opened

    # -- flows

    def flow(self, owner: Owner, clock_hz: int, *, frames: bool, keys: int = layout.NO_KEYS) -> Flow:
        """A flow for the stream of `owner`, who keeps it; it has to be opened. `frames`: several packets may be one frame, which comes
        at once, and the marker bit is at its end, as in pictures (RFC 7741 section 4.1, RFC 6184 section 5.1). `keys`: how its key frames
        are told (:data:`layout.NO_KEYS` and so on)."""
        self._next += 1
        made = self._flows[self._next] = Flow(self, owner, self._next, clock_hz, frames, keys)
        return made

    def show(self, flow: Flow) -> None:
        """The loops may take packets of this flow. Another whose source falls into the same place goes the long way from now on."""
        place = receiving.bucket(flow.ssrc)
        former = self._shown.get(place)
        if former is not None and former is not flow:
            former.hold()
        self._shown[place] = flow
        self._table[place] = flow.address

    def hide(self, flow: Flow) -> None:
        """The loops do not know this flow any more."""
        place = receiving.bucket(flow.ssrc)
        if self._shown.get(place) is flow:
            self._table[place] = 0
            self.keep(flow.group)
            del self._shown[place]

    def keep(self, group: Group) -> None:
        """Copies for this group may still have to be made."""
        self._outbox.keep(group)

    @property
    def due(self) -> bool:
        """Whether it is time for :meth:`tell`."""
        return self._tray[word(layout.DUE)] != 0

    def tell(self) -> None:
        """Tell every owner of what passed since the last time, in order."""
        tray = self._tray
        count = tray[word(layout.TOLD_COUNT)]
        if not count:
            return
        now = time.monotonic_ns()
        flows = [flow for number in self._told[:count].tolist() if (flow := self._flows.get(number)) is not None]
        passed = [(flow.owner, Passed(flow, now)) for flow in flows]
        # Owners may hold flows while they are told.
        tray[word(layout.TOLD_COUNT)] = tray[word(layout.PASSED_COUNT)] = tray[word(layout.DUE)] = tray[word(layout.SINCE)] = 0
        for owner, came in passed:
            try:
                owner.passed(came)
            except ValueError:
                self.dropped["media_malformed"] += 1
