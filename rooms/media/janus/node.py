"""One Janus as an engine's worker: its rooms, their epochs, the feed to the recorder, and the clockwork."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from typing import Any

import structlog

from rooms.media.engine import EngineError
from rooms.media.forwarding.feed import Feed
from rooms.media.forwarding.told import STATES
from rooms.media.forwarding.worker import RIGHTS_HOLD_S, TRANSPORTS_HOLD_S, EventListener
from rooms.media.routers import Routers

from .connection import Admin, Connection, Handle, JanusError, Json
from .place import Place, destroy_all
from .room import Room

TICK_S = 0.25
LOOK_S = 1.0
FEED_TICK_S = 1.0
FRESH_S = 0.5
"""Janus's core is asked for its counters at most so often."""

log = structlog.get_logger()


class Node:
    """Made by :meth:`open`. `on_event(name, router, endpoint, fields)` is called for every event."""

    def __init__(self, connection: Connection, admin: Admin, control: Handle, admin_key: str, feed: Feed) -> None:
        self.instance = secrets.token_hex(8)
        self.started_at = time.time()
        self.feed = feed
        self.on_event: EventListener = lambda name, router, endpoint, fields: None
        self._connection = connection
        self._admin = admin
        self._control = control
        self._admin_key = admin_key
        self._rooms = Routers(self._made)
        self._infos: dict[int, Json] = {}
        self._infos_at = float("-inf")
        loop = asyncio.get_running_loop()
        self._clockwork = [loop.create_task(self._run()), loop.create_task(self._look())]

    @classmethod
    async def open(cls, connection: Connection, admin: Admin, admin_key: str, feed: Feed) -> Node:
        """On a connection that is open. Rooms that a former process left are destroyed; raises :class:`JanusError`."""
        control = await connection.attach(lambda event: None)
        left = await destroy_all(control, admin_key)
        if left:
            log.warning("janus_rooms_destroyed", rooms=left)
        return cls(connection, admin, control, admin_key, feed)

    # -- rooms

    def router(self, name: str, epoch: int) -> Room:
        """The router `name`, for a request of `epoch`; raises EngineError (unknown_router, stale_epoch)."""
        return self._rooms.ask(name, epoch)

    def open_router(self, name: str, epoch: int) -> Room:
        """The router `name`, made if it is new; raises EngineError (stale_epoch)."""
        return self._rooms.open(name, epoch)

    async def close_router(self, name: str, epoch: int) -> None:
        """End a router. Idempotent; raises EngineError (stale_epoch)."""
        room = self._rooms.take(name, epoch)
        if room is not None:
            await room.close()

    def _made(self, name: str) -> Room:
        return Room(self._connection, Place(self._control, self._admin_key, name), self.feed, self._emit)

    def held(self) -> dict[str, int]:
        """The routers that are here, each with its epoch."""
        return self._rooms.held()

    def transports(self) -> int:
        """How many transports all of them have."""
        return sum(len(room.transports()) for room in self._rooms.values())

    def server_lost(self) -> None:
        """No server speaks to this process any more: the last rights hold for a while, nobody new is connected."""
        now = time.monotonic()
        for room in self._rooms.values():
            if room.away_since is None:
                room.away_since = now

    def _emit(self, name: str, router: str, endpoint: str, **fields: Any) -> None:
        self.on_event(name, router, endpoint, fields)

    # -- time

    async def _run(self) -> None:
        next_tick = time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            for room in list(self._rooms.values()):
                try:
                    await self._hold(room, now)
                except Exception:  # one room's trouble must not leave others with former rights
                    log.exception("janus_hold_failed", router=room.name)
            if now >= next_tick:
                next_tick = now + FEED_TICK_S
                self.feed.tick()

    async def _hold(self, room: Room, now: float) -> None:
        if room.away_since is None:
            return
        away = now - room.away_since
        if away > TRANSPORTS_HOLD_S:
            self._rooms.pop(room.name, None)
            await room.close()
        elif away > RIGHTS_HOLD_S:
            await room.stop()

    async def _look(self) -> None:
        """Look at the counters each second, and have every viewer sent what his path carries."""
        while True:
            await asyncio.sleep(LOOK_S)
            if not any(room.transports() for room in self._rooms.values()):
                continue
            await self._count()
            for room in list(self._rooms.values()):
                if room.busy:  # its next look is soon
                    continue
                try:
                    await room.look()
                except EngineError as error:  # a viewer who goes just now
                    log.info("janus_look_failed", router=room.name, code=error.code)
                except Exception:  # one room's trouble must not be everybody's
                    log.exception("janus_look_failed", router=room.name)

    # -- state

    async def report(self) -> dict[str, Any]:
        """In the shape of the embedded engine's (:meth:`rooms.media.forwarding.worker.Worker.report`). Of ``worker``, `udp_port` is 0
        (Janus has many) and `received` and `sent` are packets of the transports there are; `plis` counts what the recorder asked
        for, `last_arrival_us` is 0. ``janus`` has `claimed`: how often the connection to it broke."""
        await self._count()
        received, sent = self._traffic()
        viewers = Counter(state for room in self._rooms.values() for state in room.downlinks())
        return {
            "instance": self.instance,
            "worker": {
                "started_at": round(self.started_at, 3),
                "udp_port": 0,
                "received": received,
                "sent": sent,
                "failed": 0,
                "dropped": {},
                "feed": self.feed.report(),
                "transports": self.transports(),
                "downlinks": {state: viewers[state] for state in STATES},
                "cpu_s": time.process_time(),
                "janus": {"claimed": self._connection.claimed},
            },
            "routers": {name: room.report() for name, room in self._rooms.items()},
        }

    async def _count(self) -> None:
        now = time.monotonic()
        if now - self._infos_at < FRESH_S:
            return
        self._infos_at = now
        handles = [t.handle.number for room in self._rooms.values() for t in room.transports() if t.handle is not None]
        try:
            self._infos = await self._admin.handle_info(self._connection.session, handles)
        except JanusError as error:
            log.warning("janus_counts_unknown", error=str(error))
            return
        for room in self._rooms.values():
            room.counted(self._infos, time.monotonic())

    def _traffic(self) -> tuple[int, int]:
        media = [m for info in self._infos.values() for m in info.get("webrtc", {}).get("media", {}).values()]
        return sum(int(m["stats"]["in"]["packets"]) for m in media), sum(int(m["stats"]["out"]["packets"]) for m in media)

    async def close(self) -> None:
        """End every router (browsers are told), then the session and the feed. May be called twice."""
        for task in self._clockwork:
            task.cancel()
        await asyncio.gather(*self._clockwork, return_exceptions=True)
        for room in list(self._rooms.values()):
            await room.close()
        self._rooms.clear()
        await self._admin.close()
        await self._connection.close()
        self.feed.close()
