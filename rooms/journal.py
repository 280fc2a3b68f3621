"""One sitting's log and the state that follows from it: decisions are written here before they take effect.

While the log cannot be written, acts that restrict and what was merely seen take effect at once and go to the reserve;
acts that permit are refused (UserError "log_unwritable"). As soon as the log takes writes again it gets what was kept,
each event marked, with a `log_outage` behind it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import structlog

from rooms.fold import apply
from rooms.log import Event, EventLog, LogUnwritable, Row
from rooms.metrics import DEPARTURES, EVENTS, RESERVED
from rooms.protocol import UserError
from rooms.reserve import Reserve, Reserved, ReserveFull
from rooms.state import State

Kind = Literal["restricts", "permits", "seen"]
NEWEST = 64
"""Rows that are still at hand when the recorder asks for what is new; older ones are read again."""

EVENT_KINDS: Mapping[str, Kind] = {
    "conference_opened": "permits",
    "plan_revised": "permits",
    "conference_cancelled": "restricts",
    "consented": "permits",
    "consent_refused": "seen",
    "seated": "permits",
    "unseated": "restricts",
    "voice": "seen",
    "device_checked": "seen",
    "endpoint_arrived": "seen",
    "endpoint_lost": "seen",
    "endpoint_resumed": "seen",
    "left": "restricts",
    "device_pending": "seen",
    "device_replaced": "permits",
    "device_refused": "restricts",
    "observer_joined": "permits",
    "observer_left": "restricts",
    "broken_in": "permits",
    "break_in_ended": "restricts",
    "talk_began": "permits",
    "talk_to_all_began": "permits",
    "talk_answered": "permits",
    "talk_hung_up": "restricts",
    "talk_ended": "restricts",
    "admitted": "permits",
    "returned_to_waiting": "restricts",
    "muted": "restricts",
    "allowed": "permits",
    "removed": "restricts",
    "readmitted": "permits",
    "revoked": "restricts",
    "recording_started": "seen",
    "recording_stopped": "seen",
    "recording_failed": "seen",
    "recording_restored": "seen",
    "gap": "seen",
    "engine_lost": "seen",
    "engine_restored": "seen",
    "recorder_lost": "seen",
    "recorder_restored": "seen",
    "server_restarted": "seen",
    "alert_raised": "seen",
    "alert_cleared": "seen",
    "alert_acknowledged": "seen",
    "next_booking": "seen",
    "hand_raised": "seen",
    "hand_lowered": "seen",
    "message_sent": "permits",
    "floor_given": "permits",
    "floor_taken": "restricts",
    "roll_called": "seen",
    "identified": "permits",
    "still_kept": "permits",
    "words_stated": "seen",
    "stage_consented": "permits",
    "stage_consent_withdrawn": "restricts",
    "warned": "restricts",
    "recording_wanted": "permits",
    "recording_unwanted": "restricts",
    "locked": "restricts",
    "unlocked": "permits",
    "log_outage": "seen",
    "sealed": "permits",
    "disobedient": "seen",
    "consult_opened": "permits",
    "consult_ended": "restricts",
    "stepped_out": "restricts",
    "stepped_in": "permits",
    "listens": "seen",
    "opinion_given": "permits",
    "opinions_opened": "permits",
    "question_put": "permits",
    "voted": "permits",
    "question_closed": "permits",
    "refused": "seen",
    "departure_classified": "seen",
    "departure_declared": "seen",
    "rebooked": "seen",
    "stopped": "restricts",
    "resumed": "seen",
}
"""What each type of event does. `source_switched` and `stage_changed` depend on their data, see :func:`permits`."""


def permits(state: State | None, event: Event) -> bool:
    """Whether the event gives somebody something; what is not known is taken to permit."""
    if event.type == "source_switched":
        return bool(event.data["on"])
    if event.type == "stage_changed" and state is not None:
        stage = state.procedure.stages[event.data["to"]]
        return not (stage.closes_sources or event.data["to"] == state.procedure.last)
    return EVENT_KINDS.get(event.type, "permits") == "permits"


class Journal:
    """The log of one sitting. Used by the one task that owns the conference; nothing here is reentrant."""

    def __init__(self, sitting: str, log: EventLog, reserve: Reserve, written: Callable[[Sequence[Row]], None]) -> None:
        self.sitting = sitting
        self.epoch = 0
        self.seq = 0
        self.last_us = 0
        self.state: State | None = None
        self.failing_since_us: int | None = None
        self._log = log
        self._reserve = reserve
        self._written = written
        self._kept: list[Reserved] = []
        self._newest: deque[Row] = deque(maxlen=NEWEST)

    async def take_over(self, owner: str) -> None:
        """Lease the sitting and rebuild the state from log and reserve; raises LogUnwritable."""
        self.epoch = await self._log.lease(self.sitting, owner)
        known: set[Any] = set()
        for row in await self._log.read(self.sitting):
            self.state = apply(self.state, row)
            self.seq, self.last_us = row.seq, row.at_us
            known.add(row.data.get("reserve"))
        for kept in self._reserve.pending:
            if kept.sitting == self.sitting and kept.key not in known:
                self.state = apply(self.state, kept.event)
                self.last_us = kept.event.at_us
                self._kept.append(kept)
        if self._kept:
            self.failing_since_us = self._kept[0].event.at_us
        else:
            self._reserve.taken_over(self.sitting)

    async def write(self, events: Sequence[Event], now_us: int) -> None:
        """Make `events` durable, then fold them.

        Raises UserError "log_unwritable" if the log fails and one of them permits something, and LogRefused when another
        server has taken the sitting over.
        """
        if not events:
            return
        try:
            rows = await self._append(events, now_us)
        except LogUnwritable as error:
            self._keep(events, now_us, error)
            return
        for event in events:
            self._fold(event)
        self._written(rows)

    async def recover(self, now_us: int) -> bool:
        """Try the log again after it failed: True when everything kept is in it."""
        if self.failing_since_us is None:
            return True
        try:
            rows = await self._append((), now_us)
        except LogUnwritable:
            return False
        self._written(rows)
        return True

    async def rows(self, after_seq: int = 0) -> Sequence[Row]:
        """The log from `after_seq` on. What follows a row is mostly what was just written, which need not be read from the file behind
        all that is still to be written; the log from its beginning is always read."""
        if after_seq and self._newest and self._newest[0].seq <= after_seq + 1:
            return [row for row in self._newest if row.seq > after_seq]
        return await self._log.read(self.sitting, after_seq)

    async def _append(self, events: Sequence[Event], now_us: int) -> Sequence[Row]:
        backlog: list[Event] = [kept.marked() for kept in self._kept]
        outage: list[Event] = []
        if self.failing_since_us is not None:
            data = {"from_us": self.failing_since_us, "to_us": now_us, "rows": len(backlog)}
            outage = [Event("log_outage", now_us, data)]
        rows = await self._log.append(self.sitting, self.epoch, self.seq + 1, [*backlog, *outage, *events])
        self.seq, self.last_us = rows[-1].seq, rows[-1].at_us
        self._newest.extend(rows)
        if outage:
            self.failing_since_us = None
            RESERVED.dec(len(self._kept))
            self._kept = []
            self._reserve.taken_over(self.sitting)
        return rows

    def _keep(self, events: Sequence[Event], now_us: int, error: LogUnwritable) -> None:
        if self.failing_since_us is None and self.state is not None:  # a log begins with its conference and not with an outage
            self.failing_since_us = now_us
            structlog.get_logger().error("log_unwritable", sitting=self.sitting, error=str(error))
        if any(permits(self.state, event) for event in events):
            raise UserError("log_unwritable", "the event log cannot be written; only what restricts is done") from error
        try:
            kept = self._reserve.keep(self.sitting, events)
        except ReserveFull as full:
            # What restricts is done all the same: it is kept in memory and goes to the log when that recovers.
            structlog.get_logger().error("reserve_full", sitting=self.sitting, error=str(full))
            kept = [Reserved("", self.sitting, event) for event in events]
        self._kept += kept
        RESERVED.inc(len(kept))
        for event in events:
            self._fold(event)

    def _fold(self, event: Event) -> None:
        EVENTS.labels(event.type).inc()
        if event.type == "departure_declared":
            DEPARTURES.labels(event.data["cause"], event.data["consequence"]).inc()
        self.state = apply(self.state, event)
        self.last_us = max(self.last_us, event.at_us)
