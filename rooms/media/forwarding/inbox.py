"""The receiving side of the UDP port: one ``recvmmsg`` a wake-up into preallocated memory, where SRTP is taken off in place."""

from __future__ import annotations

import ctypes
import errno
from typing import Any

from . import adapter
from .adapter import SLOT
from .batch import MSG_DONTWAIT, Batch, recvmmsg

#: Datagrams taken at once.
BATCH = 64
_NOTHING = (errno.EAGAIN, errno.EINTR)


class Inbox:
    """Slots for :data:`BATCH` datagrams. What is in a slot is good until the next :meth:`receive`.

    `name_length` is that of the socket's addresses, bytes.
    """

    def __init__(self, descriptor: int, name_length: int) -> None:
        self._descriptor = descriptor
        self._batch = batch = Batch(BATCH, name_length)
        self._name_memory = ctypes.create_string_buffer(BATCH * name_length)
        names = memoryview(self._name_memory)
        #: Where each came from: :data:`~.address.Address` by slot.
        self.names = [names[i * name_length : (i + 1) * name_length] for i in range(BATCH)]
        for i in range(BATCH):
            batch.names[i] = ctypes.addressof(self._name_memory) + i * name_length
        #: The memory of all slots, :data:`SLOT` bytes each.
        self.view = batch.view
        self._pointers, self._length_pointers = batch.pointers, batch.length_pointers
        self._lengths = batch.lengths
        #: The bytes that came, by slot.
        self.sizes = batch.received

    def receive(self) -> int:
        """Take the datagrams that wait, at most :data:`BATCH`; how many there were. Raises OSError for what an earlier send met."""
        count: int = recvmmsg(self._descriptor, self._batch.headers, BATCH, MSG_DONTWAIT, 0)
        if count >= 0:
            return count
        number = adapter.last_error()
        if number in _NOTHING:
            return 0
        raise OSError(number, "recvmmsg")

    def datagram(self, slot: int) -> bytes:
        """A datagram as it came; after :meth:`open` as much as that left."""
        start = slot * SLOT
        return self.view[start : start + self.sizes[slot]].tobytes()

    def open(self, slot: int, session: Any, rtcp: bool) -> bytes | int:
        """The plain packet, or the libsrtp status that refused it; a packet refused as replayed is left as it came."""
        self._lengths[slot] = self.sizes[slot]
        status = (adapter.unprotect_rtcp if rtcp else adapter.unprotect)(session, self._pointers[slot], self._length_pointers[slot])
        start = slot * SLOT
        plain = status or self.view[start : start + self._lengths[slot]].tobytes()
        self._lengths[slot] = SLOT
        return plain
