"""The mailbox of one conference: what is asked of it is done one after another, and so is what it is told from outside.

Whoever posts a command waits until it is done or refused. Notices (of the engine, the recorder, the clock) nobody waits for; they may
post commands, and so have a line of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from rooms.commands import Actor, Command, Facts
from rooms.log import LogRefused
from rooms.protocol import CloseCode, ProtocolError, UserError

Notice = Callable[[], Awaitable[None]]
log = structlog.get_logger()


@dataclass(slots=True)
class Job:
    """A command that waits for its turn; None: try the log again."""

    actor: Actor
    command: Command | None
    facts: Facts
    done: asyncio.Future[None]


class Worker(Protocol):
    """The conference, as its mailbox needs it."""

    async def decide(self, job: Job) -> None:
        """Decide a command and let it take effect. Raises UserError, ProtocolError, LogRefused."""

    def refused(self, job: Job, code: str) -> None:
        """The command was refused with a UserError of this code."""

    def decided(self) -> None:
        """A job is over, however it ended; the mailbox goes on."""

    def superseded(self, why: str) -> None:
        """Another server owns the conference; the mailbox works no more."""


class Mailbox:
    """Make it, `start()` it, `close()` it."""

    def __init__(self, sitting: str, worker: Worker) -> None:
        self._sitting = sitting
        self._worker = worker
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._notices: asyncio.Queue[Notice] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work."""
        self._tasks = [
            asyncio.create_task(self._work(), name=f"conference {self._sitting}"),
            asyncio.create_task(self._take_notice(), name=f"notices {self._sitting}"),
        ]

    async def close(self) -> None:
        """Stop; whoever waits is told to come back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while not self._jobs.empty():
            _fail(self._jobs.get_nowait(), _restarting())

    async def post(self, actor: Actor, command: Command | None, facts: Facts) -> None:
        """Have it done in its turn. Raises what refused it."""
        job = Job(actor, command, facts, asyncio.get_running_loop().create_future())
        self._jobs.put_nowait(job)
        await job.done

    def notice(self, notice: Notice) -> None:
        """Have it done behind the notices that came before."""
        self._notices.put_nowait(notice)

    async def _work(self) -> None:
        while True:
            job = await self._jobs.get()
            try:
                await self._worker.decide(job)
            except asyncio.CancelledError:
                _fail(job, _restarting())
                raise
            except LogRefused as error:
                _fail(job, _restarting())
                self._worker.superseded(str(error))
                return
            except Exception as error:  # whoever asked is told; the conference goes on
                if isinstance(error, UserError):
                    self._worker.refused(job, error.code)
                if not isinstance(error, UserError | ProtocolError):
                    log.exception("command_failed", sitting=self._sitting, command=type(job.command).__name__)
                _fail(job, error)
            else:
                if not job.done.done():
                    job.done.set_result(None)
            self._worker.decided()

    async def _take_notice(self) -> None:
        while True:
            notice = await self._notices.get()
            try:
                await notice()
            except Exception:  # one notice must not cost the next
                log.exception("notice_failed", sitting=self._sitting)


def _restarting() -> ProtocolError:
    return ProtocolError(CloseCode.RESTARTING, "reconnect")


def _fail(job: Job, error: Exception) -> None:
    if not job.done.done():
        job.done.set_exception(error)
