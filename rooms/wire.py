"""JSON lines over a Unix stream socket: requests with answers, and notices in both directions.

One line is one UTF-8 JSON object of at most :data:`MAX_LINE` bytes:

* request  ``{"id": 7, "do": "publish", ...arguments}``
* answer   ``{"re": 7, "ok": {...}}`` or ``{"re": 7, "error": {"code": "...", "message": "..."}}``
* notice   ``{"note": "offer", ...fields}``

The same :class:`Peer` serves the server's side and the worker's side, so an engine or a recorder can live in a
process of its own and be replaced while the other side goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

MAX_LINE = 1 << 20
REQUEST_LIMIT_S = 10.0

Json = dict[str, Any]
Handler = Callable[["Peer", str, Json], Awaitable[Json]]
NoteHandler = Callable[["Peer", str, Json], None]


class WireError(Exception):
    """The other side refused a request (`code` is for programs, `message` for logs), or the line broke (`code` "lost")."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Peer:
    """One end of a connection. `run()` reads until the other side goes; `close()` may be called twice."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_request: Handler | None = None,
        on_note: NoteHandler | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._on_request = on_request
        self._on_note = on_note
        self._next = 0
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.closed = False

    async def run(self) -> None:
        """Read lines until the connection ends, or until one comes that is no message, which ends it.

        Every request still waiting then fails with code "lost".
        """
        try:
            while line := await self._reader.readline():
                self._dispatch(json.loads(line))
        except (ConnectionError, LookupError, TypeError, ValueError):
            pass
        finally:
            await self.close()

    def _dispatch(self, message: Json) -> None:
        if not isinstance(message, dict):
            raise ValueError("no object")
        if "re" in message:
            waiting = self._waiting.get(message["re"])
            if waiting is None or waiting.done():
                return
            if "error" in message:
                waiting.set_exception(WireError(message["error"]["code"], message["error"]["message"]))
            else:
                waiting.set_result(message["ok"])
        elif "do" in message:
            task = asyncio.create_task(self._answer(message.pop("id"), message.pop("do"), message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif "note" in message and self._on_note is not None:
            self._on_note(self, message.pop("note"), message)

    async def _answer(self, number: int, do: str, arguments: Json) -> None:
        try:
            if self._on_request is None:
                raise WireError("unknown", f"no request {do!r} here")
            result = {"re": number, "ok": await self._on_request(self, do, arguments)}
        except WireError as error:
            result = {"re": number, "error": {"code": error.code, "message": error.message}}
        except (KeyError, TypeError, ValueError) as error:
            result = {"re": number, "error": {"code": "malformed", "message": f"{type(error).__name__}: {error}"}}
        except Exception as error:  # a worker answers every request, whatever went wrong inside
            result = {"re": number, "error": {"code": "failed", "message": f"{type(error).__name__}: {error}"}}
        self._write(result)

    def _write(self, message: Json) -> None:
        if not self.closed:
            self._writer.write(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")

    def note(self, name: str, **fields: Any) -> None:
        """Send a notice; it is lost if the connection is."""
        self._write({"note": name, **fields})

    async def request(self, do: str, limit_s: float = REQUEST_LIMIT_S, **arguments: Any) -> Json:
        """Send a request and return its answer; raises :class:`WireError` (codes "lost" and "timeout" are ours)."""
        if self.closed:
            raise WireError("lost", "not connected")
        self._next += 1
        number = self._next
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._write({"id": number, "do": do, **arguments})
        try:
            async with asyncio.timeout(limit_s):
                return await future
        except TimeoutError:
            raise WireError("timeout", f"{do} not answered within {limit_s} s") from None
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """End the connection and fail what still waits."""
        if self.closed:
            return
        self.closed = True
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(WireError("lost", "connection ended"))
        self._writer.close()
        with contextlib.suppress(ConnectionError, OSError):
            await self._writer.wait_closed()


async def connect(path: Path, on_request: Handler | None = None, on_note: NoteHandler | None = None) -> Peer:
    """Open a connection to the worker behind `path`; the caller runs :meth:`Peer.run`."""
    reader, writer = await asyncio.open_unix_connection(str(path), limit=MAX_LINE)
    return Peer(reader, writer, on_request, on_note)


async def serve(path: Path, accept: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> asyncio.Server:
    """Listen on `path`, readable by the owner alone; a socket file left by a killed process is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    server = await asyncio.start_unix_server(accept, str(path), limit=MAX_LINE)
    os.chmod(path, 0o600)
    return server
