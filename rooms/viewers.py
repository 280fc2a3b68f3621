"""What those who are connected to one conference are shown of it: each a complete view of his own, when it differs from his last.

Many changes at once are one view. Of a private phase pages are told when the router has its rights: who is told that nobody else hears
is not heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from rooms.desired import routing
from rooms.measured import Measured
from rooms.media_link import MediaLink
from rooms.plan import Ticket
from rooms.protocol import Farewell, ServerMessage, View
from rooms.protocol import State as StateMessage
from rooms.state import State
from rooms.views import Common, view_for

COALESCE_S = 0.05
PRIVATE_FIRST_S = 2.0
"""So long pages wait to be told of a private phase for the router to have its rights."""


class Connection(Protocol):
    """One WebSocket as the conference sees it. No method waits."""

    ticket: Ticket

    def send(self, message: ServerMessage) -> None:
        """Queue a message."""

    def end(self, farewell: Farewell) -> None:
        """Queue the farewell and close behind it. Idempotent."""


class Shown(Protocol):
    """The conference, as far as it is shown."""

    @property
    def state(self) -> State | None: ...
    @property
    def media(self) -> MediaLink: ...
    @property
    def connections(self) -> Mapping[str, Connection]: ...
    def measured(self) -> Measured: ...
    def now_us(self) -> int: ...


class Viewers:
    """Tells the connections of `shown`, by endpoint, what they may see."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._sent: dict[str, View] = {}
        self._common: Common | None = None
        self._flush: asyncio.TimerHandle | None = None
        self._flushed_s = 0.0
        self._held = False

    def changed(self, *, at_once: bool) -> None:
        """Viewers may see something new: each gets his view, at most once in 50 ms; `at_once` where rights have changed for everybody."""
        if at_once and self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if self._flush is None:
            loop = asyncio.get_running_loop()
            when = loop.time() if at_once else max(loop.time(), self._flushed_s + COALESCE_S)
            self._flush = loop.call_at(when, self._show_all)

    def rights_hold(self) -> None:
        """The router has the present rights: pages that waited for it are told."""
        if self._held and self._flush is not None:
            self._flush.cancel()
            self._show_all()

    def begin(self, endpoint: str, connection: Connection) -> None:
        """A new connection of this endpoint gets its first view."""
        self.forget(endpoint)
        self._show(endpoint, connection, self._shown.measured())

    def forget(self, endpoint: str) -> None:
        """It is not connected any more."""
        self._sent.pop(endpoint, None)

    def sees(self, endpoint: str) -> bool:
        """Whether it was told that it may see and hear the others."""
        return _sees(self._sent.get(endpoint))

    def close(self) -> None:
        """Nobody is told anything more. Idempotent."""
        if self._flush:
            self._flush.cancel()

    def _holds_back(self) -> bool:
        """Whether pages are not told yet, because a private phase is on and the router has not what it asks for."""
        state, media = self._shown.state, self._shown.media
        private = state is not None and (state.now.private or bool(state.consults))
        return private and media.up and not media.is_settled and not self._held

    def _show_all(self) -> None:
        if self._holds_back():
            self._held = True
            self._flush = asyncio.get_running_loop().call_later(PRIVATE_FIRST_S, self._show_all)
            return
        self._held = False
        self._flush = None
        self._flushed_s = asyncio.get_running_loop().time()
        state, measured = self._shown.state, self._shown.measured()
        self._common = Common(state, measured, self._common) if state else None
        for endpoint, connection in list(self._shown.connections.items()):
            self._show(endpoint, connection, measured, self._common)

    def _show(self, endpoint: str, connection: Connection, measured: Measured, common: Common | None = None) -> None:
        state = self._shown.state
        view = view_for(state, measured, endpoint, common) if state else None
        if state is None or view is None or view == self._sent.get(endpoint):
            return
        former = self._sent.get(endpoint)
        self._sent[endpoint] = view
        connection.send(StateMessage(now_us=self._shown.now_us(), view=view))
        if _sees(view) and not _sees(former):
            for message in self._shown.media.flow.seen_by(endpoint, routing(state)):
                connection.send(message)


def _sees(view: View | None) -> bool:
    return view is not None and (view.place == "inside" or (view.place == "observing" and view.rights.see))
