"""A thread that writes, so that a slow disk never delays reception. Bounded: what does not fit is refused."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

BACKLOG_BYTES = 64 << 20
T = TypeVar("T")


class DiskThread:
    """Runs jobs one after the other. Made and used on an event loop; `close` waits for what is queued."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any] | None, int] | None] = queue.SimpleQueue()
        self._asked: set[asyncio.Future[Any]] = set()
        self._queued_bytes = 0
        self._done_bytes = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def backlog_bytes(self) -> int:
        """Bytes handed over and not yet written."""
        return self._queued_bytes - self._done_bytes

    def offer(self, job: Callable[[], None], size: int) -> bool:
        """Queue a job that handles its own errors; False when :data:`BACKLOG_BYTES` wait already."""
        if self.backlog_bytes + size > BACKLOG_BYTES:
            return False
        self._queued_bytes += size
        self._jobs.put((job, None, size))
        return True

    def call(self, job: Callable[[], T]) -> asyncio.Future[T]:
        """Queue a job and get its result or exception."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._asked.add(future)
        future.add_done_callback(self._asked.discard)
        self._jobs.put((job, future, 0))
        return future

    def _run(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, future, size = item
            result: Any = None
            error: BaseException | None = None
            try:
                result = job()
            except BaseException as raised:  # the loop's side decides what it means
                error = raised
            self._done_bytes += size
            if future is not None:
                self._tell(future, result, error)
            elif error is not None:
                self._loop.call_soon_threadsafe(self._loop.call_exception_handler, {"message": "disk job failed", "exception": error})

    def _tell(self, future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
        def settle() -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

        try:
            self._loop.call_soon_threadsafe(settle)
        except RuntimeError:
            return  # the loop is gone, nobody asks any more

    def abandon(self, error: Exception, last: Callable[[], None] = lambda: None) -> None:
        """The disk hangs, and others go on without it: what waits is never done, and whoever waits for it gets `error`. Should it
        answer again, `last` is done."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._jobs.get_nowait()
        self._jobs.put((last, None, 0))
        self._jobs.put(None)
        for future in list(self._asked):
            if not future.done():
                future.set_exception(error)

    async def close(self, limit_s: float = 10.0) -> None:
        """Finish what is queued and end the thread; a disk that hangs longer than `limit_s` is left alone."""
        self._jobs.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join, limit_s)
