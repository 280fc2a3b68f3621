"""Memory and C functions by address: what the inner loops are made of.

As they stand here these work in any Python, by ctypes. :mod:`translate` puts one machine instruction or call in the place of each.
Addresses and values are 64-bit integers. Nothing is checked: an address that is none ends the process.
"""

from __future__ import annotations

import ctypes
import time

_Packet = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
_Begin = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 5)
_Update = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 4, ctypes.c_int)
_Control = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
_Messages = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p, use_errno=True)


def get8(address: int) -> int:
    """The byte at `address`."""
    return ctypes.c_uint8.from_address(address).value


def get16(address: int) -> int:
    """Two bytes in the machine's order."""
    return ctypes.c_uint16.from_address(address).value


def get32(address: int) -> int:
    """Four bytes in the machine's order."""
    return ctypes.c_uint32.from_address(address).value


def get64(address: int) -> int:
    """A word, signed."""
    return ctypes.c_int64.from_address(address).value


def put8(address: int, value: int) -> None:
    """Set a byte to the lowest eight bits of `value`."""
    ctypes.c_uint8.from_address(address).value = value


def put16(address: int, value: int) -> None:
    """Set two bytes, in the machine's order."""
    ctypes.c_uint16.from_address(address).value = value


def put32(address: int, value: int) -> None:
    """Set four bytes, in the machine's order."""
    ctypes.c_uint32.from_address(address).value = value


def put64(address: int, value: int) -> None:
    """Set a word."""
    ctypes.c_int64.from_address(address).value = value


def move(function: int, to: int, start: int, size: int) -> None:
    """``memmove``, which is at address `function`."""
    ctypes.memmove(to, start, size)


def transform(function: int, session: int, packet: int, length: int) -> int:
    """``srtp_protect`` or one of its like at address `function`; `length` is where the packet's length is, before and after. The
    status, 0 for success. As well any other that takes three words: ``EVP_EncryptFinal_ex`` (context, where to, where a length is told),
    ``SHA1_Update`` (context, start, size)."""
    return int(_Packet(function)(session, packet, length))


def begin(function: int, context: int, nonce: int) -> int:
    """``EVP_EncryptInit_ex``: another packet with the same key. 1 for success."""
    return int(_Begin(function)(context, None, None, None, nonce))


def begin_tagged(function: int, context: int, nonce: int, parameters: int) -> int:
    """``EVP_DecryptInit_ex2``: another packet with the same key, and what its tag has to be. 1 for success."""
    return int(_Begin(function)(context, None, None, nonce, parameters))


def update(function: int, context: int, to: int, length: int, start: int, size: int) -> int:
    """``EVP_EncryptUpdate``; `to` is 0 for what is authenticated only, `length` where it tells how much it wrote. 1 for success."""
    return int(_Update(function)(context, to, length, start, size))


def control(function: int, context: int, kind: int, number: int, where: int) -> int:
    """``EVP_CIPHER_CTX_ctrl``. 1 for success."""
    return int(_Control(function)(context, kind, number, where))


def exchange(function: int, descriptor: int, headers: int, count: int, flags: int) -> int:
    """``sendmmsg``, ``recvmmsg`` or ``epoll_wait`` (whose last argument is a time, ms) at address `function`: how many messages were
    taken or events there are, or -1."""
    return int(_Messages(function)(descriptor, headers, count, flags, None))


def tell_time(function: int, clock: int, where: int) -> None:
    """``clock_gettime``, which is at address `function`: puts seconds and nanoseconds of that clock `where` there is room for both."""
    seconds, nanoseconds = divmod(time.clock_gettime_ns(clock), 1_000_000_000)
    put64(where, seconds)
    put64(where + 8, nanoseconds)


def error_number(function: int) -> int:
    """The errno of the last :func:`exchange`; `function` is the address of ``__errno_location``."""
    return ctypes.get_errno()
