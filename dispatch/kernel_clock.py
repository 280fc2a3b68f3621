"""Whether the machine's kernel holds its clock to a source of time."""

from __future__ import annotations

import ctypes
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
    """Whether the kernel's clock is kept right by a time service (chrony, ntpd, systemd-timesyncd), and its largest error by its own
    estimate."""

    synchronised: bool
    max_error_ms: float


def discipline() -> Discipline | None:
    """What the kernel says; None where it cannot be asked (no Linux, or a sandbox without the call).

    adjtimex(2) changes nothing while `modes` is 0. Without a word of its source for long enough the kernel calls itself unsynchronised.
    """
    try:
        ask = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    found = _Timex()
    state = ask(ctypes.byref(found))
    if state < 0:
        return None
    return Discipline(state != _TIME_ERROR and not found.status & _STA_UNSYNC, found.maxerror / 1000)
