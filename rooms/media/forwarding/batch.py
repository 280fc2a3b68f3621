"""Memory for many datagrams, laid out so that one ``sendmmsg`` or ``recvmmsg`` takes them all and libsrtp works in place.

What is called is the C library's own, by libffi or from machine code (:mod:`native`).
"""

from __future__ import annotations

import ctypes
import socket
import struct

from . import adapter
from .adapter import SLOT

MSG_DONTWAIT = 0x40
#: Linux: a message is cut into datagrams of so many bytes (udp(7)).
UDP_SEGMENT = 103


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


HEADER_SIZE = ctypes.sizeof(_MMsgHdr)
VECTOR_SIZE = ctypes.sizeof(_IoVec)
_WORD = ctypes.sizeof(ctypes.c_size_t)
_HALF = ctypes.sizeof(ctypes.c_uint)

_libc = ctypes.CDLL(None)


def c_function(name: str) -> int:
    """The address of a function of the C library."""
    address = ctypes.cast(getattr(_libc, name), ctypes.c_void_p).value
    if address is None:
        raise OSError(f"the C library has no {name}")
    return address


#: `(descriptor, address of the first header, count, flags) -> datagrams taken, or -1 with :func:`adapter.last_error`.
sendmmsg = adapter.function("int(*)(int, uintptr_t, unsigned int, int)", c_function("sendmmsg"))
#: The same with a time limit, which has to be 0 (none).
recvmmsg = adapter.function("int(*)(int, uintptr_t, unsigned int, int, uintptr_t)", c_function("recvmmsg"))


def takes_segments(descriptor: int) -> bool:
    """Whether the kernel cuts one message of this UDP socket into several datagrams."""
    sock = socket.socket(fileno=descriptor)
    try:
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
    except OSError:
        return False
    finally:
        sock.detach()
    return True


class Segmentation:
    """Control messages for ``sendmmsg`` that say of which size the datagrams are, made once for each size up to `largest` bytes.

    `address` is where that for 0 bytes is, and :data:`LENGTH` how long each is, bytes.
    """

    LENGTH = socket.CMSG_SPACE(2)

    def __init__(self, largest: int) -> None:
        one = struct.Struct(f"@Nii H{self.LENGTH - socket.CMSG_LEN(2)}x")
        self._memory = ctypes.create_string_buffer((largest + 1) * self.LENGTH)
        for size in range(largest + 1):
            one.pack_into(self._memory, size * self.LENGTH, socket.CMSG_LEN(2), socket.IPPROTO_UDP, UDP_SEGMENT, size)
        self.address = ctypes.addressof(self._memory)


class Batch:
    """`count` slots of :data:`SLOT` bytes, and as many messages, of which each is one slot until something else is set.

    `view` is the memory of all slots, which begins at `slots`. By slot: `pointers` for libsrtp, `lengths` (words that may be set: bytes
    in the slot, or room for them), `length_pointers` for libsrtp into the same words. By message, words that may be set: `names` (where
    the kernel finds the socket address); and `received` (bytes that ``recvmmsg`` put there). `vectors` and `headers` are where the
    kernel's own structures begin.
    """

    def __init__(self, count: int, name_length: int) -> None:
        self._memory = adapter.new_buffer(count * SLOT)
        self.view = adapter.buffer_view(self._memory)
        self.slots = base = adapter.address_of(self._memory)
        self.pointers = [self._memory + i * SLOT for i in range(count)]
        self._vectors = (_IoVec * count)()
        self._headers = (_MMsgHdr * count)()
        self.headers: int = ctypes.addressof(self._headers)
        stride = VECTOR_SIZE
        for i in range(count):
            self._vectors[i].base = base + i * SLOT
            self._vectors[i].length = SLOT
            header = self._headers[i].header
            header.iov = ctypes.addressof(self._vectors) + i * stride
            header.iov_length = 1
            header.name_length = name_length
        # libsrtp writes a packet's length behind protection to where sendmmsg reads it.
        first = ctypes.addressof(self._vectors) + _IoVec.length.offset
        self.length_pointers = [adapter.length_in(first + i * stride) for i in range(count)]
        # Plain words over the same memory, one for each slot: a store costs a third of an attribute of a ctypes structure.
        words = memoryview(self._headers).cast("B").cast("L")
        halves = memoryview(self._headers).cast("B").cast("I")
        self.lengths = memoryview(self._vectors).cast("B").cast("L")[_IoVec.length.offset // _WORD :: stride // _WORD]
        self.vectors = ctypes.addressof(self._vectors)
        self.names = words[(_MMsgHdr.header.offset + _MsgHdr.name.offset) // _WORD :: HEADER_SIZE // _WORD]
        self.received = halves[_MMsgHdr.length.offset // _HALF :: HEADER_SIZE // _HALF]
