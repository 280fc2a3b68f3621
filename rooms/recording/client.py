"""The server's side of the recorder: commands and events over one connection that comes back by itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from rooms import wire
from rooms.recording.control import Recorder, RecorderError, RecorderEvent

RETRY_FIRST_S = 0.1
RETRY_LAST_S = 0.5
EVENTS_BYTES = wire.MAX_LINE // 4
"""Rows of the event log sent in one request; JSON inside JSON may double in size."""
SEAL_LIMIT_S = 3600.0
log = structlog.get_logger()


class RecorderClient(Recorder):
    """Give it the recorder's socket, `start()` it, `close()` it. Requests fail with code "lost" while there is no connection.

    Events: "up" (fields: instance), "lost", and the recorder's notices. The server states again what it desires at
    each "up".
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._peer: wire.Peer | None = None
        self._task: asyncio.Task[None] | None = None
        self._listeners: list[Callable[[RecorderEvent], None]] = []

    async def start(self) -> None:
        """Begin to connect. Returns at once; "up" tells when the recorder is there."""
        if self._task is None:
            self._task = asyncio.create_task(self._stay_connected(), name="recorder-client")

    async def close(self) -> None:
        """Leave the recorder alone and disconnect. May be called twice."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def on_event(self, listener: Callable[[RecorderEvent], None]) -> None:
        """Call `listener` for every event, in order."""
        self._listeners.append(listener)

    async def open(self, sitting: str, epoch: int, folder: str, title: str) -> None:
        """See :mod:`rooms.recording.control`. All of these raise :class:`RecorderError`."""
        await self._request("open", sitting=sitting, epoch=epoch, folder=folder, title=title)

    async def record(self, sitting: str, epoch: int, on: bool, reason: str, operator: str) -> None:
        """Start or stop; returns when the first heartbeat, or the last byte, is on disk."""
        await self._request("record", sitting=sitting, epoch=epoch, on=on, reason=reason, operator=operator)

    async def events(self, sitting: str, epoch: int, rows: Sequence[str]) -> None:
        """Append log rows; returns when they are on disk."""
        for batch in _batches(rows):
            await self._request("events", sitting=sitting, epoch=epoch, rows=batch)

    async def seal(self, sitting: str, epoch: int, meta: Mapping[str, Any]) -> Mapping[str, Any]:
        """Seal the sitting's folder: {"manifest_sha256", "files", "signed_by"}. Digests take about a second per 300 MB."""
        return await self._request("seal", SEAL_LIMIT_S, sitting=sitting, epoch=epoch, meta=dict(meta))

    async def report(self) -> Mapping[str, Any]:
        """What the recorder does."""
        return await self._request("report")

    async def _request(self, do: str, limit_s: float = wire.REQUEST_LIMIT_S, **arguments: Any) -> Mapping[str, Any]:
        if self._peer is None:
            raise RecorderError("lost", "the recorder is not connected")
        try:
            return await self._peer.request(do, limit_s, **arguments)
        except wire.WireError as error:
            raise RecorderError(error.code, error.message) from error

    async def _stay_connected(self) -> None:
        wait_s = RETRY_FIRST_S
        while True:
            with contextlib.suppress(OSError, wire.WireError):
                await self._one_connection()
                wait_s = RETRY_FIRST_S
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, RETRY_LAST_S)

    async def _one_connection(self) -> None:
        peer = await wire.connect(self._path, on_note=self._noted)
        run = asyncio.create_task(peer.run())
        try:
            report = await peer.request("report")
            self._peer = peer
            self._tell(RecorderEvent("up", "", {"instance": report["instance"]}))
            await run
        finally:
            known, self._peer = self._peer is not None, None
            await peer.close()
            run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run
            if known:
                self._tell(RecorderEvent("lost"))

    def _noted(self, peer: wire.Peer, name: str, fields: wire.Json) -> None:
        if peer is self._peer:
            self._tell(RecorderEvent(name, fields.pop("sitting", ""), fields))

    def _tell(self, event: RecorderEvent) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # one listener's mistake must not cost the connection
                log.exception("listener failed", recorder_event=event.name)


def _batches(rows: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for row in rows:
        length = len(row.encode())
        if batch and size + length > EVENTS_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += length
    if batch:
        yield batch
