"""Sends what is in the outbox, one after the other for each line, and writes down what became of it.

Whoever sends holds a lease: what a killed process had in hand is sent by the next one when the lease has run out, and
nothing else is sent twice, because each outcome is written before the next is begun. (Whether a server took a message when the
connection broke before it said so, SMTP cannot tell; the Message-ID tells the receiver's side that both are one.)
A line that cannot be reached rests, the longer the more often; that counts against no message.
"""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

import structlog
from sqlalchemy import ColumnElement, and_, or_, select, true

from dispatch.store.database import CannotWrite
from dispatch.store.notice_tables import Outgoing
from dispatch.store.tables import utc_now

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

log = structlog.get_logger("notices")

IDLE_S = 2.0
"""How often an idle line looks for work."""
LEASE = timedelta(seconds=180)
LONGEST_S = 90.0
"""How long one attempt may take: half of a lease."""
LAST_WORD_S = 10.0
"""How long an attempt under way is waited for when the process is told to stop."""
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
REST_S = (5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""How long a line rests that could not be reached once, twice …"""
EXPIRED = "expired"
"""Outcome of what was of no use any more before it could be sent."""

O = TypeVar("O", bound=Outgoing)  # noqa: E741  the row that a line sends
Act = Callable[[], Awaitable[str]]


class Rejected(Exception):
    """The other side does not want it, and never will: the text says why."""


class TryLater(Exception):
    """It could not be delivered now."""


class Unreachable(Exception):
    """Nothing can be sent at all at present: no connection, or we are not let in."""


class Line(ABC, Generic[O]):
    """One way out: what it sends, and how."""

    name: str
    row: type[O]

    def own(self) -> ColumnElement[bool]:
        """Which rows are this line's."""
        return true()

    @abstractmethod
    async def pack(self, session: AsyncSession, row: O, now: datetime) -> Act | None:
        """Inside the transaction of the claim: load what is needed; the act that sends it and gives what the other side said.
        None: what it was to tell is so no longer. The act raises :class:`Rejected`, :class:`TryLater` or :class:`Unreachable`."""

    async def rest(self) -> None:
        """Nothing is waiting: let go of connections."""

    async def close(self) -> None:
        """The last call."""
        await self.rest()


class Sender(Generic[O]):
    """Works for one line. Several of them, in several processes, never send the same; on PostgreSQL they take what is due beside each other
    and beside bookings."""

    def __init__(
        self,
        db: Database,
        line: Line[O],
        clock: Callable[[], datetime] = utc_now,
        rest_s: tuple[float, ...] = REST_S,
        idle_s: float = IDLE_S,
    ) -> None:
        self._db = db
        self._line = line
        self._clock = clock
        self._rest_s = rest_s
        self._idle_s = idle_s
        self._owner = secrets.token_hex(8)
        self._unreached = 0

    async def run(self) -> None:
        """Until cancelled. What is on its way is then given a moment to arrive."""
        task = asyncio.current_task()
        try:
            # A call that ends in the very moment in which it is cancelled keeps that to itself: asyncio.wait_for, until Python 3.12, by
            # which a mail server is spoken to.
            while task is None or not task.cancelling():
                try:
                    busy = await self.work()
                except CannotWrite as error:  # the disk is full, or a backup holds the lock: it stays in the outbox
                    log.warning("outbox_unwritable", line=self._line.name, error=error.code)
                    busy = False
                if self._unreached:
                    await asyncio.sleep(self._rest_s[min(self._unreached, len(self._rest_s)) - 1])
                elif not busy:
                    await self._line.rest()
                    await asyncio.sleep(self._idle_s)
        finally:
            await self._line.close()

    async def work(self) -> bool:
        """Send the next one, if one is due; whether there was one."""
        claimed = await self._claim()
        if claimed is None:
            return False
        row, act = claimed
        sending = asyncio.ensure_future(self._send(row, act))
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            with suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(sending, LAST_WORD_S)
            raise
        return True

    async def _send(self, row: O, act: Act) -> None:
        try:
            async with asyncio.timeout(LONGEST_S):
                said = await act()
        except Rejected as error:
            await self._settle(row, "failed", str(error))
        except TryLater as error:
            await self._again(row, str(error))
        except TimeoutError:
            await self._again(row, f"no answer within {LONGEST_S:.0f} s")
        except Unreachable as error:
            self._unreached += 1
            log.warning("line_unreachable", line=self._line.name, error=str(error), times=self._unreached)
            await self._give_back(row, str(error))
            return
        except Exception as error:  # a defect at one message must not hold up all others; it is shown in the list and can be sent again
            log.exception("message_broken", line=self._line.name, row=row.id)
            await self._settle(row, "failed", f"{type(error).__name__}: {error}")
        else:
            await self._settle(row, "sent", said)
        self._unreached = 0

    # -- the outbox -----------------------------------------------------------------------------------------------

    def _due(self, now: datetime) -> ColumnElement[bool]:
        row = self._line.row
        waits = and_(row.state == "queued", row.next_at <= now)
        left = and_(row.state == "sending", row.leased_until <= now)
        return and_(self._line.own(), or_(waits, left))

    async def _claim(self) -> tuple[O, Act] | None:
        """The row that is due for longest, ours for the time of a lease. Rows before it that are of no use are settled."""
        now, row = self._clock(), self._line.row
        async with self._db.reader() as reading:
            # Looking first keeps an idle process from taking the write lock every two seconds.
            if await reading.scalar(select(row.id).where(self._due(now)).limit(1)) is None:
                return None
        return await self._db.act(lambda session: self._take(session, now))

    async def _take(self, session: AsyncSession, now: datetime) -> tuple[O, Act] | None:
        row = self._line.row
        # What another sender, or a booking that changes what is to be told, has in hand is left to it: nobody waits for anybody.
        next_one = select(row).where(self._due(now)).order_by(row.next_at, row.id).limit(1).with_for_update(skip_locked=True, of=row)
        while True:
            due: O | None = await session.scalar(next_one)
            if due is None:
                return None
            if due.good_until <= now:
                _close(due, "failed", due.outcome or EXPIRED, now)
            elif (act := await self._line.pack(session, due, now)) is None:
                _close(due, "superseded", "", now)
            else:
                due.state, due.owner, due.leased_until = "sending", self._owner, now + LEASE
                due.attempts += 1
                return due, act
            await session.flush()

    async def _own(self, session: AsyncSession, row: O) -> O | None:
        """The row, locked, unless another has taken it: we were silent for too long."""
        own = await session.get(self._line.row, row.id, with_for_update={"of": self._line.row})
        return own if own is not None and own.owner == self._owner and own.state == "sending" else None

    async def _close_own(self, session: AsyncSession, row: O, state: str, outcome: str) -> None:
        if (own := await self._own(session, row)) is not None:
            _close(own, state, outcome, self._clock())

    async def _settle(self, row: O, state: str, outcome: str) -> None:
        log.info("message_settled", line=self._line.name, row=row.id, state=state, attempts=row.attempts)
        while True:
            try:
                await self._db.act(lambda session: self._close_own(session, row, state, outcome))
                return
            except CannotWrite as error:  # what was sent must not be forgotten over a full disk, or it is sent again
                log.warning("outbox_unwritable", line=self._line.name, row=row.id, error=error.code)
                await asyncio.sleep(self._idle_s)

    async def _again(self, row: O, outcome: str) -> None:
        wait = min(FIRST_WAIT * 2 ** min(row.attempts - 1, 16), LONGEST_WAIT)
        log.info("message_later", line=self._line.name, row=row.id, attempts=row.attempts, seconds=wait.total_seconds())
        await self._back(row, outcome, wait, row.attempts)

    async def _give_back(self, row: O, outcome: str) -> None:
        await self._back(row, outcome, timedelta(), row.attempts - 1)

    async def _back(self, row: O, outcome: str, wait: timedelta, attempts: int) -> None:
        async def back(session: AsyncSession) -> None:
            if (own := await self._own(session, row)) is not None:
                own.state, own.owner, own.leased_until = "queued", "", None
                own.next_at, own.attempts, own.outcome = self._clock() + wait, attempts, outcome[:400]

        await self._db.act(back)


def _close(row: Outgoing, state: str, outcome: str, now: datetime) -> None:
    row.state, row.owner, row.leased_until = state, "", None
    row.outcome, row.settled_at = outcome[:400], now
