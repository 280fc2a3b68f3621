"""Runs the lists that are asked for, one after the other, each in a process of its own, and writes down what comes of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

from dispatch.booking.listing import week
from dispatch.booking.listing.process import packed, unpacked
from dispatch.booking.listing.proposal import Proposal
from dispatch.errors import UserError

if TYPE_CHECKING:
    from dispatch.store.database import Database
    from dispatch.store.waiting_tables import Listing

log = structlog.get_logger("listing")

TOLD_EVERY_S = 0.5
LIMIT_S = 120.0
"""A process that has not answered by then is ended: the effort of a list takes a tenth of it."""
LEASE = timedelta(seconds=30)
"""A server that has not said for so long that it is alive is taken to be gone."""
RENEW_S = 5.0
_TOP = Path(__file__).resolve().parents[3]

ENDED = Counter("dispatch_listings_total", "Lists that were made, by how that ended", ["ended"])
SECONDS = Histogram("dispatch_listing_seconds", "Time to make a list", buckets=(1, 2, 5, 10, 15, 20, 30, 60, 120))
GAP = Gauge("dispatch_listing_gap", "How much of its cost a better list than the last one could save at most, 0 to 1")


class Runs:
    """One for each server. Closing it ends what runs; that is found interrupted by this or another server when its lease has run out."""

    def __init__(self, db: Database, clock: Callable[[], datetime], travel_minutes: int) -> None:
        self._db, self._clock, self._travel_minutes = db, clock, travel_minutes
        self._turn = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stopped: set[str] = set()
        self._owner = secrets.token_hex(8)
        self._keeper: asyncio.Task[None] | None = None

    async def recover(self) -> None:
        """What servers that are gone had under way is interrupted, now and while this one runs; what others have under way is theirs."""
        await self._sweep()
        self._keep()

    def start(self, listing_id: str) -> None:
        """Have a listing that is queued run as soon as none runs before it."""
        self._keep()
        self._stopped.discard(listing_id)
        task = asyncio.create_task(self._run(listing_id))
        self._tasks[listing_id] = task
        task.add_done_callback(lambda done: self._tasks.pop(listing_id, None) if self._tasks.get(listing_id) is done else None)

    def stop(self, listing_id: str) -> None:
        """What is found by now is the answer. Nothing happens where it does not run any more."""
        if listing_id in self._tasks:
            self._stopped.add(listing_id)
        process = self._running.get(listing_id)
        if process is not None and process.stdin is not None:
            process.stdin.close()

    async def wait(self, listing_id: str) -> None:
        """Until it is over."""
        task = self._tasks.get(listing_id)
        if task is not None:
            await asyncio.wait([task])

    async def close(self) -> None:
        """End everything. Idempotent."""
        tasks = [*self._tasks.values(), *([self._keeper] if self._keeper else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _keep(self) -> None:
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._alive())

    async def _alive(self) -> None:
        while True:
            try:
                if self._tasks:
                    for listing_id in await week.held(self._db, list(self._tasks), self._owner, self._clock() + LEASE):
                        self.stop(listing_id)
                await self._sweep()
            except Exception:  # a database that is away comes back; the lists run on
                log.exception("listings_not_held")
            await asyncio.sleep(RENEW_S)

    async def _sweep(self) -> None:
        if count := await week.interrupted(self._db, self._owner, self._clock()):
            log.warning("listings_interrupted", count=count)

    async def _run(self, listing_id: str) -> None:
        async with self._turn:
            began = time.monotonic()
            try:
                row = await week.claim(self._db, listing_id, self._owner, self._clock() + LEASE)
                if row is None:
                    return
                if row.stop_wanted:
                    self._stopped.add(listing_id)
                changes = await self._made(row)
            except UserError as error:
                changes = {"state": "failed", "progress": {"error": error.code}}
            except Exception:  # whatever it is, the page must not wait for ever
                log.exception("listing_failed", listing=listing_id)
                changes = {"state": "failed", "progress": {"error": "listing_failed"}}
            SECONDS.observe(time.monotonic() - began)
            ENDED.labels(changes.get("proposal", {}).get("ended", changes["state"])).inc()
            await week.note(self._db, listing_id, self._owner, ended_at=self._clock(), **changes)

    async def _made(self, row: Listing) -> dict[str, Any]:
        listing_id = row.id
        prepared = await week.prepare(self._db, row, self._clock(), self._travel_minutes)
        body = await asyncio.to_thread(packed, prepared.docket, prepared.snapshot.occupancy)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "dispatch.booking.listing.process", cwd=_TOP, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._running[listing_id] = process
        try:
            async with asyncio.timeout(LIMIT_S):
                found = await self._answer(listing_id, process, body)
        finally:
            self._running.pop(listing_id, None)
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await process.wait()
        if isinstance(found, str):
            raise UserError(found)
        GAP.set(found.gap)
        state = "stopped" if listing_id in self._stopped else "done"
        return {"state": state, "proposal": week.proposal_document(found, prepared.needs)}

    async def _answer(self, listing_id: str, process: asyncio.subprocess.Process, body: bytes) -> Proposal | str:
        given, told = process.stdin, process.stdout
        if given is None or told is None:
            raise RuntimeError("the process has no pipes")
        given.write(body)
        await given.drain()
        if listing_id in self._stopped:
            given.close()
        at = 0.0
        while line := await told.readline():
            message = json.loads(line)
            if "answer" in message:
                return unpacked(await told.readexactly(message["answer"]))
            if time.monotonic() - at > TOLD_EVERY_S:
                at = time.monotonic()
                if not await week.note(self._db, listing_id, self._owner, progress=message):
                    self.stop(listing_id)
        raise RuntimeError("the process ended without an answer")
