"""The control socket of an engine process: requests of the server in, events out (rooms/wire.py).

Requests: ``hello`` (answer: instance, routers with their epochs, draining), ``apply``, ``publish``, ``subscribe``, ``answer``,
``restart``, ``show``, ``close_router``, ``report``; their arguments are those of :class:`rooms.media.engine.Engine`. Notices:
``offer``, ``producer``, ``transport``, ``demand``, ``speaker``, ``downlink`` with ``router``, ``endpoint`` and the fields of
:class:`rooms.media.engine.EngineEvent`; ``draining`` with ``on``. Who said hello last is the server; an older one is closed.
``drain`` (``on``: bool, or absent to ask; answer: draining, routers, transports) is for an operator's connection beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

import structlog

from rooms import wire
from rooms.media.drain import Drain
from rooms.media.engine import EngineError, Offer, Published, Routing, Source, TrackKey, mapping
from rooms.media.forwarding.worker import EventListener

#: What a page may say of what it shows: device pixels, and pictures at once.
MOST_HEIGHT = 16_384
MOST_PICTURES = 1_000
log = structlog.get_logger()

T = TypeVar("T")
Soon: TypeAlias = T | Awaitable[T]


class ServedRouter(Protocol):
    """A router of a worker: what :class:`rooms.media.engine.Engine` asks of one conference."""

    def apply(self, routing: Routing, /) -> Soon[None]: ...
    def publish(self, name: str, text: str, sources: Mapping[str, Source], /) -> Soon[Published]: ...
    def subscribe(self, name: str, /) -> Soon[Offer]: ...
    def answer(self, name: str, transport: str, revision: int, text: str, /) -> Soon[None]: ...
    def restart(self, name: str, transport: str, /) -> Soon[Offer]: ...
    def show(self, name: str, heights: dict[TrackKey, int], /) -> Soon[None]: ...


class Served(Protocol):
    """A worker of whichever engine, as its control socket needs it."""

    instance: str
    on_event: EventListener

    def router(self, name: str, epoch: int) -> ServedRouter: ...
    def open_router(self, name: str, epoch: int) -> ServedRouter: ...
    def close_router(self, name: str, epoch: int) -> Soon[None]: ...
    def report(self) -> Soon[dict[str, Any]]: ...
    def held(self) -> Mapping[str, int]: ...
    def server_lost(self) -> None: ...


async def _done(result: Soon[T]) -> T:
    """What a worker answers, now or later: where it answers at once, nothing comes between."""
    return await result if isinstance(result, Awaitable) else result


class Control:
    """Serves one worker to one server at a time."""

    def __init__(self, worker: Served, drain: Drain) -> None:
        self._worker = worker
        self._drain = drain
        self._requests: dict[str, Callable[[wire.Json], Awaitable[wire.Json]]] = {
            "apply": self._apply,
            "publish": self._publish,
            "subscribe": self._subscribe,
            "answer": self._answer,
            "restart": self._restart,
            "show": self._show,
            "close_router": self._close_router,
            "report": lambda _: _done(worker.report()),
        }
        self._peers: set[wire.Peer] = set()
        self._current: wire.Peer | None = None
        self._server: asyncio.Server | None = None
        worker.on_event = self._event

    async def listen(self, path: Path) -> None:
        """Serve on `path`."""
        self._server = await wire.serve(path, self._accept)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = wire.Peer(reader, writer, self._on_request)
        self._peers.add(peer)
        try:
            await peer.run()
        finally:
            self._peers.discard(peer)
            if self._current is peer:
                self._current = None
                self._worker.server_lost()
                log.warning("server_lost")

    async def _hello(self, peer: wire.Peer) -> wire.Json:
        former, self._current = self._current, peer
        if former is not peer:
            self._worker.server_lost()
            log.info("server_replaced" if former is not None else "server_connected")
        if former is not None and former is not peer:
            await former.close()
        return {"instance": self._worker.instance, "routers": self._worker.held(), "draining": self._drain.on}

    def _drained(self, arguments: wire.Json) -> wire.Json:
        on = arguments.get("on")
        if on is not None and not isinstance(on, bool):
            raise wire.WireError("malformed", f"on is {on!r}")
        if on is not None and on != self._drain.on:
            self._drain.set(on)
            if self._current is not None:
                self._current.note("draining", on=on)
        return self._drain.progress()

    async def _on_request(self, peer: wire.Peer, do: str, arguments: wire.Json) -> wire.Json:
        if do == "hello":
            return await self._hello(peer)
        if do == "drain":
            return self._drained(arguments)
        if peer is not self._current:
            raise wire.WireError("lost", "another server took over")
        request = self._requests.get(do)
        if request is None:
            raise wire.WireError("malformed", f"no request {do!r}")
        try:
            return await request(arguments)
        except EngineError as error:
            raise wire.WireError(error.code, error.message) from None
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise wire.WireError("malformed", f"{type(error).__name__}: {error}") from None
        except Exception:  # a defect here must not end the worker, and has to be seen
            log.exception("request_failed", do=do)
            raise

    def _event(self, name: str, router: str, endpoint: str, fields: dict[str, Any]) -> None:
        if name == "transport":
            log.info("transport", router=router, endpoint=endpoint, **fields)
        if self._current is not None:
            self._current.note(name, router=router, endpoint=endpoint, **fields)

    async def close(self) -> None:
        """Serve nobody any more. May be called twice."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for peer in list(self._peers):
            await peer.close()

    # -- requests

    async def _apply(self, arguments: wire.Json) -> wire.Json:
        routing = Routing.from_json(arguments["routing"])
        await _done(self._worker.open_router(*_router_of(arguments)).apply(routing))
        return {}

    async def _publish(self, arguments: wire.Json) -> wire.Json:
        sources = {str(mid): Source(source) for mid, source in mapping(arguments["sources"]).items()}
        router = self._worker.router(*_router_of(arguments))
        published = await _done(router.publish(str(arguments["endpoint"]), str(arguments["sdp"]), sources))
        return {"transport": published.transport, "sdp": published.sdp}

    async def _subscribe(self, arguments: wire.Json) -> wire.Json:
        offer = await _done(self._worker.router(*_router_of(arguments)).subscribe(str(arguments["endpoint"])))
        return {**asdict(offer), "tracks": list(offer.tracks)}

    async def _answer(self, arguments: wire.Json) -> wire.Json:
        router = self._worker.router(*_router_of(arguments))
        endpoint, transport = str(arguments["endpoint"]), str(arguments["transport"])
        await _done(router.answer(endpoint, transport, int(arguments["revision"]), str(arguments["sdp"])))
        return {}

    async def _restart(self, arguments: wire.Json) -> wire.Json:
        router = self._worker.router(*_router_of(arguments))
        offer = await _done(router.restart(str(arguments["endpoint"]), str(arguments["transport"])))
        return {**asdict(offer), "tracks": list(offer.tracks)}

    async def _show(self, arguments: wire.Json) -> wire.Json:
        heights = {TrackKey(str(endpoint), Source(source)): int(height) for endpoint, source, height in arguments["heights"]}
        if any(not 0 <= height <= MOST_HEIGHT for height in heights.values()) or len(heights) > MOST_PICTURES:
            raise ValueError(f"heights are 0 to {MOST_HEIGHT}, of {MOST_PICTURES} pictures at most")
        await _done(self._worker.router(*_router_of(arguments)).show(str(arguments["endpoint"]), heights))
        return {}

    async def _close_router(self, arguments: wire.Json) -> wire.Json:
        await _done(self._worker.close_router(*_router_of(arguments)))
        return {}


def _router_of(arguments: wire.Json) -> tuple[str, int]:
    """Name and epoch of the router that a request is about."""
    return str(arguments["router"]), int(arguments["epoch"])
