"""What the event loop of a worker waits with: packets that only have to be sent on pass meanwhile, and wake no Python.

A turn of the event loop costs more than sending a packet to several viewers. asyncio's own loop takes a selector of ours, and gives it
the time until its next timer; other loops do not.
"""

from __future__ import annotations

import math
import os
import select
import selectors
from typing import TYPE_CHECKING

from .native.layout import NOTHING, TURNED

if TYPE_CHECKING:
    from .inbox import Inbox

_Ready = list[tuple[selectors.SelectorKey, int]]


class Waiting(selectors.EpollSelector):
    """Selects as any other; once it serves an inbox, packets of that pass while it waits."""

    _inbox: Inbox | None = None
    _descriptor = -1

    def serve(self, inbox: Inbox, descriptor: int) -> None:
        """`inbox` reads this socket, for which a reader is registered already.

        From now on its events tell once of what came and not until it is taken: each wake-up asks the socket once less.
        """
        self._inbox, self._descriptor = inbox, descriptor
        self._tell(select.EPOLLIN | select.EPOLLET)

    def leave(self) -> None:
        """Serve nobody any more, while the socket is still open. May be called twice."""
        if self._inbox is not None:
            self._tell(select.EPOLLIN)
            self._inbox, self._descriptor = None, -1

    def _tell(self, events: int) -> None:
        with select.epoll.fromfd(os.dup(self.fileno())) as same:
            same.modify(self._descriptor, events)

    def select(self, timeout: float | None = None) -> _Ready:
        """As :meth:`selectors.BaseSelector.select`. The socket of the inbox is ready also where its datagrams were taken already, and
        something of them is left to do."""
        if self._inbox is None:
            return super().select(timeout)
        limit_ms = -1 if timeout is None else math.ceil(max(timeout, 0) * 1000)
        found = self._inbox.watch(self.fileno(), limit_ms)
        if found == NOTHING:
            return []
        if found == TURNED:
            return [(self.get_key(self._descriptor), selectors.EVENT_READ)]
        return super().select(0)
