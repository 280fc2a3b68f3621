"""Every feed of a server. They live in memory alone: whose server ended begins his feed anew, by his page that still sends."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from rooms.feeds import feed as feeds
from rooms.feeds.feed import PREFIX, About, Cause, Feed
from rooms.feeds.room import OVER, Around, FeedRoom
from rooms.media.engine import Engine, EngineEvent
from rooms.metrics import FEED_WATCHERS, FEEDS, FEEDS_OVER
from rooms.protocol import CloseCode, Farewell, UserError
from rooms.relay import Relay

LIMIT = 50
"""Feeds at one time on one server."""
RESTARTING = Farewell(code=CloseCode.RESTARTING, reason="reconnect")
log = structlog.get_logger()


def id_of(owner: str) -> str:
    """The name of somebody's feed, the same each time that he sends, so that a wall on which it stands shows the next one too."""
    return PREFIX + hashlib.sha256(owner.encode()).hexdigest()[:16]


class Feeds:
    """Owned by the hub, which passes on the engine's events and the clock."""

    def __init__(self, engine: Engine, relay: Relay, clock_us: Callable[[], int]) -> None:
        # As of a device check: higher than the epoch of any server before.
        self._around = Around(engine, relay, time.time_ns() // 1_000_000_000, clock_us, self._changed)
        self._rooms: dict[str, FeedRoom] = {}
        self._change_listeners: list[Callable[[str], None]] = []
        self._end_listeners: list[Callable[[Feed, Cause], Awaitable[None]]] = []

    def start(self, about: About) -> tuple[FeedRoom, bool]:
        """Somebody wants to send: his feed, and whether it is new. One that goes on is of the task that is named now. Raises UserError
        "too_many_feeds"."""
        found = self._rooms.get(about.id)
        if found is not None:
            if found.feed.about != about:
                found.feed = replace(found.feed, about=about)
                found.tell()
            return found, False
        if len(self._rooms) >= LIMIT:
            raise UserError("too_many_feeds", f"{LIMIT} feeds at one time")
        self._rooms[about.id] = room = FeedRoom.of(about, self._around)
        self._changed(about.id)
        return room, True

    def room(self, feed: str) -> FeedRoom | None:
        """The feed of this id, while it goes."""
        return self._rooms.get(feed)

    def overview(self, feed: str) -> Mapping[str, Any] | None:
        """How a feed stands, see :func:`rooms.feeds.feed.overview`."""
        found = self._rooms.get(feed)
        return feeds.overview(found.feed, found.producers) if found is not None else None

    def overviews(self) -> list[dict[str, Any]]:
        """All that go on, the longest first."""
        rooms = sorted(self._rooms.values(), key=lambda room: room.feed.since_us)
        return [feeds.overview(room.feed, room.producers) for room in rooms]

    async def end(self, feed: str, cause: Cause, farewell: Farewell = OVER) -> None:
        """End one. Idempotent."""
        room = self._rooms.pop(feed, None)
        if room is None:
            return
        FEEDS_OVER.labels(cause).inc()
        self._changed(feed)
        await room.close(farewell)
        for listener in self._end_listeners:
            try:
                await listener(room.feed, cause)
            except Exception:  # it has ended whatever a listener does with it
                log.exception("feed_listener_failed", feed=feed)

    async def close(self) -> None:
        """The server ends: phones are told to come back."""
        for feed in list(self._rooms):
            await self.end(feed, "server", RESTARTING)

    def on_change(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the id of a feed that may have changed."""
        self._change_listeners.append(listener)

    def on_end(self, listener: Callable[[Feed, Cause], Awaitable[None]]) -> None:
        """Have `listener` do what it does with each feed that has ended."""
        self._end_listeners.append(listener)

    # -- from the hub -------------------------------------------------------------------------------------------

    def engine_event(self, event: EngineEvent) -> bool:
        """An event of a feed's router; False if it is of none."""
        room = self._rooms.get(event.router)
        if room is not None:
            room.engine_event(event)
        return room is not None

    def engine_changed(self) -> None:
        """Engine processes came or went."""
        for room in self._rooms.values():
            room.engine_changed()

    def reported(self, routers: Mapping[str, Any]) -> None:
        """The engine's report, by router."""
        for room in self._rooms.values():
            room.reported(routers.get(room.id, {}))

    async def each_second(self) -> None:
        """End what is over, and keep the routers of the others at what is desired."""
        for room in list(self._rooms.values()):
            if (cause := room.tick()) is not None:
                await self.end(room.id, cause)
        FEEDS.set(len(self._rooms))
        FEED_WATCHERS.set(sum(len(room.feed.watchers) for room in self._rooms.values()))
        await asyncio.gather(*(room.each_second() for room in self._rooms.values()))

    def _changed(self, feed: str) -> None:
        for listener in self._change_listeners:
            listener(feed)

