"""What the event loop of a worker waits with: packets that only have to be sent on pass meanwhile, and wake no Python.

A turn of the event loop costs more than sending a packet to several viewers. asyncio's own loop takes a selector of ours, and gives it
the time until its next timer; other loops do not.
"""

from __future__ import annotations

import os
import select
import selectors
import struct
import time
from typing import TYPE_CHECKING

from . import adapter
from .batch import c_function
from .native.layout import NOTHING, TURNED

if TYPE_CHECKING:
    from .inbox import Inbox

_Ready = list[tuple[selectors.SelectorKey, int]]

_timerfd_create = adapter.function("int(*)(int, int)", c_function("timerfd_create"))
_timerfd_settime = adapter.function("int(*)(int, int, uintptr_t, uintptr_t)", c_function("timerfd_settime"))
_ABSOLUTE = 1
#: A wait need not be set anew for less, ns.
_NEAR_NS = 100_000
_SECOND_NS = 1_000_000_000


class _Alarm:
    """A timer of the kernel that epoll waits for (``timerfd``). It is set once for a turn of the loop, where the time limit of a wait
    would be set and taken back at each packet."""

    def __init__(self) -> None:
        self.descriptor = _timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self.descriptor < 0:
            raise OSError(adapter.last_error(), "timerfd_create")
        self._setting = memoryview(bytearray(struct.calcsize("4q"))).cast("q")
        self._at = 0

    def set(self, now_ns: int, at_ns: int) -> None:
        """Go off at this time of the monotonic clock, or near it, and at no other for which it was set before."""
        if self._at > now_ns and abs(at_ns - self._at) < _NEAR_NS:
            return
        self._at = at_ns
        self._setting[2], self._setting[3] = divmod(at_ns, _SECOND_NS)
        if _timerfd_settime(self.descriptor, _ABSOLUTE, adapter.memory_address(self._setting), 0):
            raise OSError(adapter.last_error(), "timerfd_settime")

    def close(self) -> None:
        os.close(self.descriptor)


class Waiting(selectors.EpollSelector):
    """Selects as any other; once it serves an inbox, packets of that pass while it waits."""

    _inbox: Inbox | None = None
    _descriptor = -1
    _alarm: _Alarm | None = None

    def serve(self, inbox: Inbox, descriptor: int) -> None:
        """`inbox` reads this socket, for which a reader is registered already.

        From now on its events tell once of what came and not until it is taken: each wake-up asks the socket once less.
        """
        self._inbox, self._descriptor, self._alarm = inbox, descriptor, _Alarm()
        inbox.alarm(self._alarm.descriptor)
        with self._same() as same:
            same.modify(descriptor, select.EPOLLIN | select.EPOLLET)
            same.register(self._alarm.descriptor, select.EPOLLIN | select.EPOLLET)

    def leave(self) -> None:
        """Serve nobody any more, while the socket is still open. May be called twice."""
        if self._alarm is not None:
            with self._same() as same:
                same.modify(self._descriptor, select.EPOLLIN)
            self._alarm.close()
            self._inbox, self._descriptor, self._alarm = None, -1, None

    def _same(self) -> select.epoll:
        return select.epoll.fromfd(os.dup(self.fileno()))

    def select(self, timeout: float | None = None) -> _Ready:
        """As :meth:`selectors.BaseSelector.select`, but that it may come back with nothing before its time. The socket of the inbox is
        ready also where its datagrams were taken already, and something of them is left to do."""
        if self._inbox is None or self._alarm is None:
            return super().select(timeout)
        if timeout is not None and timeout > 0:
            now = time.monotonic_ns()
            self._alarm.set(now, now + int(timeout * _SECOND_NS))
        found = self._inbox.watch(self.fileno(), wait=timeout is None or timeout > 0)
        if found == NOTHING:
            return []
        if found == TURNED:
            return [(self.get_key(self._descriptor), selectors.EVENT_READ)]
        return super().select(0)
