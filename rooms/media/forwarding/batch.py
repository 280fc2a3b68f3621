"""Memory for many datagrams, laid out so that one ``sendmmsg`` or ``recvmmsg`` takes them all and libsrtp works in place.

No compiler is needed: both functions are the C library's, called through ctypes.
"""

from __future__ import annotations

import ctypes

from . import adapter
from .adapter import SLOT

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


HEADER_SIZE = ctypes.sizeof(_MMsgHdr)
_WORD = ctypes.sizeof(ctypes.c_size_t)
_HALF = ctypes.sizeof(ctypes.c_uint)

_libc = ctypes.CDLL(None, use_errno=True)
#: `(descriptor, address of the first header, count, flags) -> datagrams taken, or -1 with ctypes.get_errno()`
sendmmsg = _libc.sendmmsg
sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
#: The same with a time limit, which has to be None.
recvmmsg = _libc.recvmmsg
recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)


class Batch:
    """`count` slots of :data:`SLOT` bytes.

    `view` is the memory of all slots. By slot: `pointers` for libsrtp, `lengths` (words that may be set: bytes in the slot, or room
    for them), `length_pointers` for libsrtp into the same words, `names` (words: where the kernel finds the socket address), and
    `received` (bytes that ``recvmmsg`` put there).
    """

    def __init__(self, count: int, name_length: int) -> None:
        self._memory = adapter.new_buffer(count * SLOT)
        self.view = adapter.buffer_view(self._memory)
        base = adapter.buffer_address(self._memory)
        self.pointers = [self._memory + i * SLOT for i in range(count)]
        self._vectors = (_IoVec * count)()
        self._headers = (_MMsgHdr * count)()
        self.headers: int = ctypes.addressof(self._headers)
        stride = ctypes.sizeof(_IoVec)
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
        self.names = words[(_MMsgHdr.header.offset + _MsgHdr.name.offset) // _WORD :: HEADER_SIZE // _WORD]
        self.received = halves[_MMsgHdr.length.offset // _HALF :: HEADER_SIZE // _HALF]
