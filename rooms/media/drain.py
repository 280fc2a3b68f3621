"""The end of a worker that is no longer needed: it takes no new conferences and ends when the last one has closed.

That a worker drains is a file beside its socket, so that a worker that dies meanwhile comes back draining, and whoever starts
workers (:mod:`dispatch.supervise`, systemd) leaves one alone that has ended: the file says that it is to stay away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import structlog

EMPTY_S = 3.0
"""So long a draining worker waits without a conference: one that it had when it was killed may be on its way back."""
LOOK_S = 0.25
log = structlog.get_logger()


def marker(socket: Path) -> Path:
    """The file that says that the worker behind `socket` drains, or has ended by it."""
    return socket.with_suffix(".drained")


class Held(Protocol):
    """A worker, as its drain needs it."""

    def held(self) -> Mapping[str, int]:
        """The routers that are here, each with its epoch."""

    def transports(self) -> int:
        """How many transports all of them have."""


class Drain:
    """Whether a worker drains, and when that is over. Made on the loop it runs on."""

    def __init__(self, worker: Held, file: Path) -> None:
        self._worker = worker
        self._file = file
        self._on = asyncio.Event()
        if file.exists():
            self._on.set()

    @property
    def on(self) -> bool:
        """Whether it takes no new conferences and ends with its last."""
        return self._on.is_set()

    def set(self, on: bool) -> None:
        """Begin to drain, or take new conferences again. Raises OSError when that cannot be kept."""
        if on:
            self._file.touch(mode=0o600)
            self._on.set()
        else:
            self._file.unlink(missing_ok=True)
            self._on.clear()
        log.info("draining" if on else "drain_cancelled", **self.progress())

    def progress(self) -> dict[str, int | bool]:
        """What is left here: conferences, and connections in them."""
        return {"draining": self.on, "routers": len(self._worker.held()), "transports": self._worker.transports()}

    async def over(self, clock: Callable[[], float] | None = None) -> None:
        """Return when the worker drains and has had no conference for :data:`EMPTY_S`."""
        now = clock or asyncio.get_running_loop().time
        empty_since: float | None = None
        while True:
            if not self.on:
                # A worker is woken for nothing else that it does not need.
                empty_since = None
                await self._on.wait()
            if self._worker.held():
                empty_since = None
            elif empty_since is None:
                empty_since = now()
            elif now() - empty_since >= EMPTY_S:
                log.info("drained")
                return
            await asyncio.sleep(LOOK_S)
