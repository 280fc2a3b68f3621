"""The machine's clock: evidence is only as good as the time on it."""

from __future__ import annotations

import ctypes
import ctypes.util
import time
from collections.abc import Callable
from dataclasses import dataclass

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_STA_UNSYNC = 0x0040


class _Timex(ctypes.Structure):
    """``struct timex`` of adjtimex(2) on 64-bit Linux."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", ctypes.c_long * 2),
        ("tick", ctypes.c_long),
        ("more", ctypes.c_long * 16),
    )


@dataclass(frozen=True, slots=True)
class Discipline:
    """Whether the kernel's clock is kept right by a time service, and its largest error by its own estimate."""

    synchronised: bool
    max_error_ms: float


def discipline() -> Discipline | None:
    """What the kernel says; None where it cannot be asked (no Linux, or a sandbox without the call)."""
    try:
        ask = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    found = _Timex()
    state = ask(ctypes.byref(found))
    if state < 0:
        return None
    return Discipline(state != _TIME_ERROR and not found.status & _STA_UNSYNC, found.maxerror / 1000)


class Stepping:
    """Notices that the wall clock was set while it was watched: it then moved otherwise than the monotonic one."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._at_first = self._difference()

    def stepped_s(self) -> float:
        """By how many seconds it was set since; a few milliseconds are a time service at work."""
        return self._difference() - self._at_first

    def _difference(self) -> float:
        """Wall clock less monotonic one. On a busy machine much may pass between two readings: the tightest of several counts."""
        readings = []
        for _ in range(8):
            before, wall, after = self._monotonic(), self._wall(), self._monotonic()
            readings.append((after - before, wall - (before + after) / 2))
        return min(readings)[1]
