"""An engine and a recorder that live in memory and keep their contracts, for tests of what the hub decides.

They know no media: a publish answer is any text, and tests make packets "arrive" by raising counters. `faults` maps a request
to the error that it meets, as long as it stands there; while `gate` is not set, requests wait, as those of a process that hangs;
:meth:`connection` is what another server has of the same process.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rooms.media.engine import EngineError, EngineEvent, Offer, Published, Routing, Source, TrackKey
from rooms.recording.control import RecorderError, RecorderEvent


def _open_gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


class MemoryEngine:
    """:class:`rooms.media.engine.Engine` without media."""

    def __init__(self) -> None:
        self.instance = "engine-1"
        self.connected = False
        self.faults: dict[str, str] = {}
        self.gate = _open_gate()
        self.routings: dict[str, Routing] = {}
        self.history: list[tuple[str, Routing]] = []
        self.epochs: dict[str, int] = {}
        self.endpoints: dict[str, dict[str, dict[str, Any]]] = {}
        self.shown: dict[tuple[str, str], Mapping[TrackKey, int]] = {}
        self.reports = 0
        self._listeners: list[Callable[[EngineEvent], None]] = []
        self._ids = itertools.count(1)

    def connection(self) -> MemoryEngine:
        """Another server's connection to this engine."""
        other = copy.copy(self)
        other.connected, other._listeners = False, []
        return other

    async def start(self) -> None:
        self.up()

    def up(self, instance: str | None = None) -> None:
        """The connection is there; another `instance` has forgotten everything."""
        if instance is not None and instance != self.instance:
            self.instance = instance
            for known in (self.routings, self.epochs, self.endpoints, self.shown):
                known.clear()
        self.connected = True
        self.emit(EngineEvent("up", fields={"instance": self.instance}))

    def place(self, router: str) -> str:
        return self.instance if self.connected else ""

    def lose(self) -> None:
        """The connection breaks."""
        self.connected = False
        self.emit(EngineEvent("lost"))

    def emit(self, event: EngineEvent) -> None:
        for listener in self._listeners:
            listener(event)

    async def _check(self, do: str, router: str, epoch: int) -> None:
        await self.gate.wait()
        if not self.connected:
            raise EngineError("lost", "not connected")
        if do in self.faults:
            raise EngineError(self.faults[do], f"{do} goes wrong")
        if epoch < self.epochs.get(router, 0):
            raise EngineError("stale_epoch", f"{epoch} < {self.epochs[router]}")
        self.epochs[router] = epoch

    async def apply(self, router: str, epoch: int, routing: Routing) -> None:
        await self._check("apply", router, epoch)
        self.routings[router] = routing
        self.history.append((router, routing))
        known = self.endpoints.setdefault(router, {})
        for gone in known.keys() - routing.publish.keys():
            del known[gone]

    def _endpoint(self, router: str, endpoint: str) -> dict[str, Any]:
        if router not in self.routings:
            raise EngineError("unknown_router", router)
        if endpoint not in self.routings[router].publish:
            raise EngineError("unknown_endpoint", endpoint)
        return self.endpoints[router].setdefault(endpoint, {"publish": None, "subscribe": None})

    async def publish(self, router: str, epoch: int, endpoint: str, sdp: str, sources: Mapping[str, Source]) -> Published:
        await self._check("publish", router, epoch)
        sides = self._endpoint(router, endpoint)
        if sdp == "bad":
            raise EngineError("bad_sdp", "not an offer")
        transport = f"p{next(self._ids)}"
        counters = {"packets": 0, "bytes": 0, "recorded": 0, "fed": 0, "dropped_not_permitted": 0, "fraction_lost": 0.0, "jitter_ms": 0.0}
        producers = {str(source): dict(counters) for source in sources.values()}
        sides["publish"] = {"transport": transport, "state": "connected", "rtt_ms": 12.0, "producers": producers}
        return Published(transport, f"answer to {sdp}")

    async def subscribe(self, router: str, epoch: int, endpoint: str) -> Offer:
        await self._check("subscribe", router, epoch)
        transport = f"s{next(self._ids)}"
        self._endpoint(router, endpoint)["subscribe"] = {"transport": transport, "state": "connected", "revision": 1, "consumers": {}}
        return Offer(transport, 1, "offer", ())

    async def restart(self, router: str, epoch: int, endpoint: str, transport: str) -> Offer:
        await self._check("restart", router, epoch)
        subscribe = self._endpoint(router, endpoint)["subscribe"]
        if subscribe is None or subscribe["transport"] != transport:
            raise EngineError("unknown_transport", transport)
        subscribe["revision"] += 1
        return Offer(transport, subscribe["revision"], "offer with new credentials", ())

    def offer_again(self, router: str, endpoint: str, *tracks: Mapping[str, str]) -> Offer:
        """What may be watched has changed: a newer offer of the subscribe transport, told to the server."""
        side = self.endpoints[router][endpoint]["subscribe"]
        side["revision"] += 1
        offer = Offer(side["transport"], side["revision"], f"offer {side['revision']}", tracks)
        self.emit(EngineEvent("offer", router, endpoint, {"offer": offer}))
        return offer

    async def answer(self, router: str, epoch: int, endpoint: str, transport: str, revision: int, sdp: str) -> None:
        await self._check("answer", router, epoch)
        subscribe = self._endpoint(router, endpoint)["subscribe"]
        if subscribe is None or subscribe["transport"] != transport:
            raise EngineError("unknown_transport", transport)
        if revision != subscribe["revision"]:
            raise EngineError("stale_revision", f"{revision} is not {subscribe['revision']}")

    async def show(self, router: str, epoch: int, endpoint: str, heights: Mapping[TrackKey, int]) -> None:
        await self._check("show", router, epoch)
        self._endpoint(router, endpoint)
        self.shown[router, endpoint] = dict(heights)

    async def close_router(self, router: str, epoch: int) -> None:
        await self._check("close_router", router, epoch)
        self.routings.pop(router, None)
        self.endpoints.pop(router, None)

    async def report(self) -> Mapping[str, Any]:
        if not self.connected or "report" in self.faults:
            raise EngineError(self.faults.get("report", "lost"), "no report")
        self.reports += 1
        routers = {r: {"epoch": self.epochs.get(r, 0), "endpoints": e} for r, e in self.endpoints.items()}
        return {"instance": self.instance, "worker": {}, "routers": routers}

    def on_event(self, listener: Callable[[EngineEvent], None]) -> None:
        self._listeners.append(listener)

    async def close(self) -> None:
        self.connected = False


class MemoryRecorder:
    """:class:`rooms.recording.control.Recorder` without files. Heartbeats come when the test calls :meth:`beat`."""

    def __init__(self, clock_us: Callable[[], int]) -> None:
        self.instance = "recorder-1"
        self.connected = False
        self.fault = ""
        self.faults: dict[str, str] = {}
        self.gate = _open_gate()
        self.epochs: dict[str, int] = {}
        self.on: dict[str, bool] = {}
        self.rows: dict[str, list[str]] = {}
        self.commands: list[tuple[Any, ...]] = []
        self.sealed: dict[str, Mapping[str, Any]] = {}
        self._clock_us = clock_us
        self._listeners: list[Callable[[RecorderEvent], None]] = []

    def connection(self) -> MemoryRecorder:
        """Another server's connection to this recorder."""
        other = copy.copy(self)
        other.connected, other._listeners = False, []
        return other

    async def start(self) -> None:
        self.up()

    def up(self, instance: str | None = None) -> None:
        """The connection is there; another `instance` has opened no folder yet."""
        if instance is not None and instance != self.instance:
            self.instance = instance
            self.on.clear()
            self.epochs.clear()
        self.connected = True
        self.emit(RecorderEvent("up", "", {"instance": self.instance}))

    def lose(self) -> None:
        self.connected = False
        self.emit(RecorderEvent("lost"))

    def emit(self, event: RecorderEvent) -> None:
        for listener in self._listeners:
            listener(event)

    async def _check(self, do: str, sitting: str, epoch: int) -> None:
        await self.gate.wait()
        if not self.connected:
            raise RecorderError("lost", "not connected")
        if self.fault or do in self.faults:
            raise RecorderError(self.fault or self.faults[do], "the disk")
        if do != "open" and sitting not in self.on:
            raise RecorderError("unknown_sitting", sitting)
        if epoch < self.epochs.get(sitting, 0):
            raise RecorderError("stale_epoch", f"{epoch} < {self.epochs[sitting]}")
        self.epochs[sitting] = epoch

    async def open(self, sitting: str, epoch: int, folder: str, title: str) -> None:
        await self._check("open", sitting, epoch)
        self.on.setdefault(sitting, False)
        self.rows.setdefault(sitting, [])

    async def record(self, sitting: str, epoch: int, on: bool, reason: str, operator: str) -> None:
        await self._check("record", sitting, epoch)
        self.on[sitting] = on
        self.commands.append(("record", on, reason, operator))
        if on:
            self.beat(sitting)

    async def events(self, sitting: str, epoch: int, rows: Sequence[str]) -> None:
        await self._check("events", sitting, epoch)
        known = self.rows[sitting]
        known += [row for row in rows if row not in known]

    async def seal(self, sitting: str, epoch: int, meta: Mapping[str, Any]) -> Mapping[str, Any]:
        await self._check("seal", sitting, epoch)
        self.sealed[sitting] = meta
        return {"manifest_sha256": "ab" * 32, "files": 3}

    async def report(self) -> Mapping[str, Any]:
        return {"instance": self.instance, "sittings": {}}

    def beat(self, sitting: str, tracks: Sequence[Mapping[str, Any]] = (), *, second: bool = False) -> None:
        """A heartbeat reached the disk; the `second` one, where the first failed."""
        fields = {"at_us": self._clock_us(), "recording": True, "free_bytes": 1 << 30, "second": second, "tracks": list(tracks)}
        self.emit(RecorderEvent("heartbeat", sitting, fields))

    def on_event(self, listener: Callable[[RecorderEvent], None]) -> None:
        self._listeners.append(listener)

    async def close(self) -> None:
        self.connected = False
