"""The conferences of this server: taken up from the log after a restart, opened by a plan, and over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from rooms.commands import Actor, Open
from rooms.live import Live, Ports
from rooms.log import LogUnwritable
from rooms.plan import SittingPlan
from rooms.state import State

log = structlog.get_logger()


class Conferences:
    """Owns them. `owner` names this server in leases; `introduce` tells a conference that has begun to work of engine, recorder and
    restart. `lives` are those that are not over, by sitting."""

    def __init__(self, ports: Ports, owner: str, introduce: Callable[[Live], Awaitable[None]]) -> None:
        self.lives: dict[str, Live] = {}
        self._ports = ports
        self._owner = owner
        self._introduce = introduce
        self._opening: dict[str, asyncio.Lock] = {}
        self._over: set[str] = set()
        self._untaken: set[str] = set()

    async def start(self) -> None:
        """Take up every conference that is not over; raises LogUnwritable if the log cannot be read."""
        self._untaken = {sitting for sitting, stage in (await self._ports.log.sittings()).items() if stage != "closed"}
        await self.take_up()

    async def close(self) -> None:
        """Every browser is told to come back; media and recordings go on."""
        await asyncio.gather(*(live.close() for live in self.lives.values()))

    @property
    def all_taken_up(self) -> bool:
        """Whether the log has refused none of them."""
        return not self._untaken

    def is_over(self, sitting: str) -> bool:
        """Whether it was here and is over."""
        return sitting in self._over

    async def take_up(self) -> None:
        """Restore what is not taken up yet; what the log refuses just now stays for the next time."""
        for sitting in sorted(self._untaken):
            async with self._lock(sitting):
                if sitting in self.lives:
                    self._untaken.discard(sitting)
                    continue
                try:
                    await self._restored(sitting)
                except LogUnwritable as error:
                    log.error("conference_not_taken_up", sitting=sitting, error=str(error))
                    continue
                except Exception:  # a log that nobody understands must not keep the other conferences down
                    log.exception("conference_not_understood", sitting=sitting)
                self._untaken.discard(sitting)

    async def open(self, plan: SittingPlan) -> None:
        """Make the conference, or revise its plan; nothing happens to one that is over. Raises UserError, LogUnwritable."""
        async with self._lock(plan.id):
            live = self.lives.get(plan.id)
            if live is None and plan.id not in self._over:
                live = await self._restored(plan.id)
            if live is None:
                return
            try:
                await live.act(Actor(), Open(plan))
            finally:
                if live.state is None:  # refused: there is no conference, and the next one who asks tries again
                    del self.lives[plan.id]
                    await live.close(None)

    async def end(self, live: Live) -> None:
        """It has finished: it works no more."""
        await live.close(None)
        del self.lives[live.sitting]
        self._over.add(live.sitting)

    async def _restored(self, sitting: str) -> Live | None:
        """The conference as the log has it, working, with word of the restart in it; None if there is nothing left to do for it."""
        live = Live(sitting, self._ports)
        await live.restore(self._owner)
        if live.state is not None and live.state.closed and not _unsealed(live.state):
            self._over.add(sitting)
            return None
        self.lives[sitting] = live
        live.start()
        await self._introduce(live)
        return live

    def _lock(self, sitting: str) -> asyncio.Lock:
        return self._opening.setdefault(sitting, asyncio.Lock())


def _unsealed(state: State) -> bool:
    return state.recording.ever and not state.sealed
