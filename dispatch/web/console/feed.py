"""The console's live source: what is booked today and what the hub says, put together when either changes.

One :class:`Feed` a hub. A listener is woken, never waited for: it asks for the newest message when it can send one, so a
slow browser skips states and holds up nobody. A sitting's part of the board is kept until that sitting changes
(:mod:`dispatch.web.console.parts`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from aiohttp import web

from dispatch.booking.catalogue.rooms import list_rooms
from dispatch.console import booked
from dispatch.console.alerts import handling
from dispatch.console.alerts.raising import on_change
from dispatch.console.event_words import EventWords
from dispatch.console.situation import Booked, Handled, kept_task, named_in_english, situation
from dispatch.web import lookups
from dispatch.web.console.parts import Part, Parts
from dispatch.web.context import CONTEXT
from dispatch.web.recording_words import seal
from dispatch.web.translations import catalogue

if TYPE_CHECKING:
    from dispatch.store.alert_tables import Alert
    from dispatch.web.context import Context
    from rooms.hub import Hub
    from rooms.log import Row
    from rooms.overview import Overview

Json = dict[str, Any]

BOOKED_FOR_S = 4.0
"""How long what is booked is not asked of the database again: bookings change by hand."""
_GOING = frozenset({"open", "live", "recess"})


def as_handled(alert: Alert) -> Handled:
    """An alert as the board takes it."""
    return Handled(
        alert=alert.id,
        code=alert.code,
        severity=alert.severity,
        subject=alert.subject,
        data=alert.data,
        since_us=int(alert.raised_at.timestamp() * 1_000_000),
        count=alert.count,
        owner=alert.owner_name,
        acknowledged_by=alert.acknowledged_by or None,
        escalated=alert.escalated_at is not None,
        closed=alert.closed_at is not None,
    )


def _goes_on(overview: Overview | None) -> bool:
    return overview is not None and overview.status in _GOING


class Listener:
    """Wakes one connection. `sitting` is the only one it cares for, "" for all."""

    def __init__(self, sitting: str) -> None:
        self.sitting = sitting
        self.over = False
        """The server goes: say nothing more."""
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something changed."""
        self._woken.set()

    async def wait(self, limit_s: float) -> bool:
        """Until woken, at most `limit_s`; whether it was woken."""
        try:
            async with asyncio.timeout(limit_s):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True


class Feed:
    """Puts the messages together. Get it with :func:`feed_of`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._listeners: set[Listener] = set()
        self._over = False
        self._booked: tuple[float, list[Booked], list[Json]] = (0.0, [], [])
        self._others: dict[str, Booked | None] = {}
        self._parts: dict[str, Parts] = {}
        self._reading = asyncio.Lock()
        self._handled: dict[str, tuple[Handled, ...]] = {}
        self._alerts_stale = True
        on_change(context.db, self._alerts_changed)
        context.hub.on_change(self._changed)
        context.hub.on_row(self._row)

    def _changed(self, sitting: str) -> None:
        for parts in self._parts.values():
            parts.touch(sitting)
        for listener in self._listeners:
            if listener.sitting in ("", sitting):
                listener.wake()

    def _alerts_changed(self) -> None:
        self._alerts_stale = True
        for listener in self._listeners:
            listener.wake()

    async def _read_alerts(self) -> None:
        """Alerts by sitting, "" for those of the site; sittings whose differ are built again."""
        self._alerts_stale = False
        found: dict[str, tuple[Handled, ...]] = {}
        for alert in await handling.on(self._context.db):
            found[alert.sitting] = (*found.get(alert.sitting, ()), as_handled(alert))
        former, self._handled = self._handled, found
        for sitting in former.keys() | found.keys():
            if former.get(sitting) != found.get(sitting):
                for parts in self._parts.values():
                    parts.touch(sitting)

    def _row(self, row: Row) -> None:
        self._changed(row.sitting)

    @contextmanager
    def listen(self, sitting: str = "") -> Iterator[Listener]:
        """A listener while the block runs."""
        listener = Listener(sitting)
        listener.over = self._over
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """The server goes: every connection ends. Idempotent."""
        self._over = True
        for listener in self._listeners:
            listener.over = True
            listener.wake()

    async def parts(self, language: str) -> tuple[list[Part], Json]:
        """The board's sittings, trouble first, and what else its message has; only what changed since the last call is built."""
        today, rooms = await self._now_booked()
        if self._alerts_stale:
            await self._read_alerts()
        known, hub = {one.id for one in today}, self._context.hub
        others = [other for other in hub.open_sittings() if other not in known and _goes_on(hub.overview(other))]
        today = [*today, *[one for other in others if (one := await self._other(other)) is not None]]
        english = language == "en"
        if english:
            today = [replace(b, room=b.room_en or b.room) for b in today]
        parts = self._parts.get(language)
        if parts is None:
            parts = self._parts[language] = Parts(catalogue(language).gettext)
        words = catalogue(language).gettext
        found = parts.update(today, self._overview, self.now_us(), self._handled)
        elsewhere = self._handled.keys() - {part.told["id"] for part in found}
        on = [(of, one) for of in sorted(elsewhere) for one in self._handled[of] if not one.closed]
        alerts = [kept_task(named_in_english(one) if english else one, None, words, of) for of, one in on]
        named = [{"id": room["id"], "name": (english and room["name_en"]) or room["name"]} for room in rooms]
        return found, {"alerts": alerts, "rooms": named}

    def _overview(self, sitting: str) -> Json | None:
        overview = self._context.hub.overview(sitting)
        return overview.to_json() if overview else None

    async def _other(self, sitting: str) -> Booked | None:
        """One that goes on and is not booked for today, kept as long as what is booked is."""
        if sitting not in self._others:
            self._others[sitting] = await self.booked(sitting)
        return self._others[sitting]

    async def message(self, language: str, sitting: str = "") -> Json:
        """The complete message for the board, or for one sitting with its participants."""
        if sitting:
            return await self._one(language, sitting)
        parts, rest = await self.parts(language)
        return {"type": "console", "now_us": self.now_us(), **rest, "sittings": [part.told for part in parts]}

    async def _one(self, language: str, sitting: str) -> Json:
        all_booked, _rooms = await self._now_booked()
        wanted = next((b for b in all_booked if b.id == sitting), None) or await self.booked(sitting)
        found: list[Json] = []
        if wanted is not None:
            recording = await lookups.sealed(self._context.db, sitting)
            if language == "en":
                wanted = replace(wanted, room=wanted.room_en or wanted.room)
            if self._alerts_stale:
                await self._read_alerts()
            words, handled = catalogue(language).gettext, self._handled.get(sitting, ())
            told = situation(wanted, self._overview(sitting), self.now_us(), words, people=True, handled=handled)
            if recording is not None:
                told["recording_path"] = f"/archive/{sitting}"
                seals = seal(recording, catalogue(language), bool(self._context.settings.tsa_url))
                told["seal"] = [{key: each[key] for key in ("family", "icon", "text", "more")} for each in seals]
            found.append(told)
        return {"type": "console", "now_us": self.now_us(), "alerts": [], "rooms": [], "sittings": found}

    def now_us(self) -> int:
        """Microseconds since the epoch by the application's clock."""
        return int(self._context.clock().timestamp() * 1_000_000)

    async def booked(self, sitting: str) -> Booked | None:
        """One sitting as booked; None if there is none of that id."""
        return await booked.one(self._context.db, sitting)

    async def _now_booked(self) -> tuple[list[Booked], list[Json]]:
        async with self._reading:
            read_at, found, rooms = self._booked
            if read_at and time.monotonic() - read_at < BOOKED_FOR_S:
                return found, rooms
            context, zone = self._context, self._context.settings.zone
            today = context.clock().astimezone(zone).date()
            found = await booked.of_day(context.db, today, zone)
            rooms = [{"id": room.id, "name": room.name, "name_en": room.name_en} for room in await list_rooms(context.db)]
            self._booked = (time.monotonic(), found, rooms)
            self._others.clear()
            return found, rooms

    def booked_anew(self) -> None:
        """What is booked, or who has it in charge, was changed by hand: it is read again at once."""
        self._booked = (0.0, *self._booked[1:])
        for listener in self._listeners:
            listener.wake()


_feeds: WeakKeyDictionary[Hub, Feed] = WeakKeyDictionary()


def feed_of(context: Context) -> Feed:
    """The one feed of this hub."""
    feed = _feeds.get(context.hub)
    if feed is None:
        feed = _feeds[context.hub] = Feed(context)
    return feed


async def close_lines(app: web.Application) -> None:
    """End the console's connections before the server goes, so that nobody waits for them (signal on_shutdown)."""
    feed = _feeds.get(app[CONTEXT].hub)
    if feed is not None:
        feed.close()


class LogLines:
    """The log of one sitting in words, told piece by piece to one connection."""

    def __init__(self, hub: Hub, sitting: str, language: str, after: int) -> None:
        self._hub, self._sitting = hub, sitting
        self._words = EventWords(catalogue(language).gettext)
        self._told = after
        self._read = 0

    async def new(self) -> list[Json]:
        """Lines not told before. The words of a line may need earlier rows, so reading begins at the first."""
        rows = await self._hub.rows(self._sitting, self._read)
        if not rows:
            return []
        self._read = rows[-1].seq
        return [line for line in self._words.lines(rows) if line["seq"] > self._told]
