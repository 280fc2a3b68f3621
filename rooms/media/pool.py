"""Several engine processes as one engine: :class:`EnginePool` places each conference on one of them and finds it there again.

A place once chosen is kept until its process is given up: because another one came in its stead, or because it is away, or does
not answer, for longer than :data:`MOVE_AFTER_S`. Then the conference is placed anew and its browsers build new connections; others
notice nothing. After a restart of the server the workers say which routers they hold, and nobody is moved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import structlog

from rooms.media import metrics
from rooms.media.engine import Engine, EngineError, EngineEvent, Offer, Published, Routing, Source, TrackKey
from rooms.media.load import Load
from rooms.media.traffic import Traffic

#: A worker that is away so long is given up, if there is another: a spare is there in a tenth of that.
MOVE_AFTER_S = 1.0
#: At its start the server waits so long for every worker to say what it holds before it places anything.
FIND_S = 1.5
#: A worker that does not report within this hangs: it is treated like one that is away.
HANGS_S = 4.0
#: A report is made without those who have not answered within this, from what they said last.
PATIENCE_S = 0.5

log = structlog.get_logger()


class Member(Engine, Protocol):
    """An engine of one process. `held`: its routers and their epochs when it was connected. `draining`: it is to take no new ones."""

    instance: str
    held: Mapping[str, int]
    draining: bool

    async def start(self) -> None:
        """Begin to connect, and to connect again."""

    def drop(self) -> None:
        """End the connection to a process that does not answer."""


@dataclass(slots=True, eq=False)
class _Worker:
    name: str
    engine: Member
    load: Load = field(default_factory=Load)
    traffic: Traffic = field(default_factory=Traffic)
    given_up: bool = False
    timer: asyncio.TimerHandle | None = None
    asked: asyncio.Task[None] | None = None
    report: Mapping[str, Any] = field(default_factory=dict)


class EnginePool(Engine):
    """An engine over `members`, by name. `start()` returns at once; event ``up`` tells when conferences can be placed."""

    def __init__(self, members: Mapping[str, Member]) -> None:
        self._workers = [_Worker(name, engine) for name, engine in members.items()]
        self._places: dict[str, _Worker] = {}
        self._epochs: dict[str, int] = {}
        self._listeners: list[Callable[[EngineEvent], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._found = False
        self._finding: asyncio.TimerHandle | None = None
        for worker in self._workers:
            worker.engine.on_event(partial(self._event, worker))

    async def start(self) -> None:
        """Begin to connect to all."""
        self._finding = asyncio.get_running_loop().call_later(FIND_S, self._all_found)
        for worker in self._workers:
            await worker.engine.start()

    @property
    def connected(self) -> bool:
        return self._found and any(worker.engine.connected for worker in self._workers)

    # -- where a conference is ----------------------------------------------------------------------------------

    def place(self, router: str) -> str:
        if not self._found:
            return ""
        worker = self._places.get(router) or self._choose(router)
        if worker is None:
            return ""
        self._places[router] = worker
        return worker.engine.instance if worker.engine.connected else ""

    def _choose(self, router: str) -> _Worker | None:
        """The least busy of those who take new conferences. One that runs already has to go on, on a draining one if need be."""
        there = [worker for worker in self._workers if worker.engine.connected]
        free = [worker for worker in there if not worker.engine.draining] or (there if router in self._epochs else [])
        return min(free, key=self._busy, default=None)

    def _busy(self, worker: _Worker) -> float:
        return worker.load.with_routers(sum(placed is worker for placed in self._places.values()))

    def _at(self, router: str, epoch: int) -> Member:
        """The engine of a router; raises EngineError "lost"."""
        if not self.place(router):
            raise EngineError("lost", "no engine process for this conference is connected")
        self._epochs[router] = max(epoch, self._epochs.get(router, 0))
        return self._places[router].engine

    # -- workers that come and go -------------------------------------------------------------------------------

    def _event(self, worker: _Worker, event: EngineEvent) -> None:
        if event.name == "up":
            self._up(worker)
        elif event.name == "lost":
            self._lost(worker)
        elif event.name == "draining":
            log.info("engine_worker_draining", worker=worker.name, on=event.fields["on"])
            metrics.DRAINING.labels(worker.name).set(worker.engine.draining)
            self._look_again()
        elif self._places.get(event.router) is worker:
            self._emit(event)

    def _up(self, worker: _Worker) -> None:
        if worker.timer is not None:
            worker.timer.cancel()
        worker.timer, worker.given_up, worker.load = None, False, Load()
        worker.report = {}
        metrics.UP.labels(worker.name).set(1)
        metrics.DRAINING.labels(worker.name).set(worker.engine.draining)
        held = worker.engine.held
        log.info("engine_worker_up", worker=worker.name, instance=worker.engine.instance, routers=len(held))
        self._displace(worker, [router for router in self._routers_of(worker) if router not in held])
        for other in self._workers:
            if other.given_up:
                self._displace(other, self._routers_of(other))
        for router, epoch in held.items():
            self._take(worker, router, epoch)
        if not self._found and all(w.engine.connected for w in self._workers):
            self._all_found()
        else:
            self._look_again()

    def _take(self, worker: _Worker, router: str, epoch: int) -> None:
        """A worker has this router. Two never may: the higher epoch counts at the start, later on what people were told."""
        other = self._places.get(router)
        newer = epoch > self._epochs.get(router, 0)
        self._epochs[router] = max(epoch, self._epochs.get(router, 0))
        if other is None or (newer and not self._found):
            self._places[router] = worker
        if other is not None and other is not worker:
            self._later(self._end_copy(worker if self._places[router] is other else other, router))

    async def _end_copy(self, worker: _Worker, router: str) -> None:
        log.warning("engine_router_twice", router=router, ended_at=worker.name)
        await worker.engine.close_router(router, self._epochs.get(router, 0))

    def _all_found(self) -> None:
        """From now on conferences that no worker has are placed."""
        if self._finding is not None:
            self._finding.cancel()
            self._finding = None
        self._found = True
        self._look_again()

    def _lost(self, worker: _Worker) -> None:
        log.warning("engine_worker_lost", worker=worker.name, routers=len(self._routers_of(worker)))
        metrics.UP.labels(worker.name).set(0)
        worker.timer = asyncio.get_running_loop().call_later(MOVE_AFTER_S, self._give_up, worker)
        self._emit(EngineEvent("lost"))

    def _give_up(self, worker: _Worker) -> None:
        """It is not back: its conferences move to others, now or when one comes."""
        worker.timer, worker.given_up = None, True
        if any(other.engine.connected for other in self._workers):
            self._displace(worker, self._routers_of(worker))
            self._look_again()

    def _displace(self, worker: _Worker, routers: Sequence[str]) -> None:
        for router in routers:
            del self._places[router]
        if routers:
            metrics.MOVED.labels(worker.name).inc(len(routers))
            log.warning("engine_routers_displaced", worker=worker.name, routers=len(routers))

    def _routers_of(self, worker: _Worker) -> list[str]:
        return [router for router, placed in self._places.items() if placed is worker]

    def _look_again(self) -> None:
        if self.connected:
            self._emit(EngineEvent("up", fields={"instance": ""}))

    def _emit(self, event: EngineEvent) -> None:
        for listener in self._listeners:
            listener(event)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        async def survive() -> None:
            try:
                await work
            except EngineError as error:  # it is asked again by whoever sees that it was not done
                log.warning("engine_pool", error=str(error))

        task = asyncio.get_running_loop().create_task(survive())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- draining -----------------------------------------------------------------------------------------------

    async def _leave_idle(self, worker: _Worker) -> None:
        """A draining worker's conferences in which nobody has media move at once; it need not wait for their end."""
        for router, found in worker.report.get("routers", {}).items():
            idle = not any(side for endpoint in found["endpoints"].values() for side in endpoint.values())
            others = any(w.engine.connected and not w.engine.draining for w in self._workers)
            if idle and others and worker.engine.draining and self._places.get(router) is worker:
                await worker.engine.close_router(router, self._epochs.get(router, int(found["epoch"])))
                self._displace(worker, [router])
                self._look_again()

    # -- requests -----------------------------------------------------------------------------------------------

    async def apply(self, router: str, epoch: int, routing: Routing) -> None:
        await self._at(router, epoch).apply(router, epoch, routing)

    async def publish(self, router: str, epoch: int, endpoint: str, sdp: str, sources: Mapping[str, Source]) -> Published:
        return await self._at(router, epoch).publish(router, epoch, endpoint, sdp, sources)

    async def subscribe(self, router: str, epoch: int, endpoint: str) -> Offer:
        return await self._at(router, epoch).subscribe(router, epoch, endpoint)

    async def answer(self, router: str, epoch: int, endpoint: str, transport: str, revision: int, sdp: str) -> None:
        await self._at(router, epoch).answer(router, epoch, endpoint, transport, revision, sdp)

    async def restart(self, router: str, epoch: int, endpoint: str, transport: str) -> Offer:
        return await self._at(router, epoch).restart(router, epoch, endpoint, transport)

    async def show(self, router: str, epoch: int, endpoint: str, heights: Mapping[TrackKey, int]) -> None:
        await self._at(router, epoch).show(router, epoch, endpoint, heights)

    async def close_router(self, router: str, epoch: int) -> None:
        """End the router where it is; its place is free again. A router without a place is ended already."""
        if router in self._places:
            await self._at(router, epoch).close_router(router, epoch)
            self._places.pop(router, None)
        self._epochs.pop(router, None)

    # -- reports ------------------------------------------------------------------------------------------------

    async def report(self) -> Mapping[str, Any]:
        """``{"workers": {name: {"connected", "draining", "instance", "routers" (number), "load", "cpu", "packets_per_s", "transports",
        ...}}, "routers": {...}}``. One that does not answer at once is told of by its last report; if it hangs, it is given up."""
        asking = [self._ask(worker) for worker in self._workers if worker.engine.connected]
        if asking:
            await asyncio.wait(asking, timeout=PATIENCE_S)
        routers: dict[str, Any] = {}
        for worker in self._workers:
            reported = worker.report.get("routers", {})
            routers |= {router: found for router, found in reported.items() if self._places.get(router) is worker}
        return {"workers": {worker.name: self._described(worker) for worker in self._workers}, "routers": routers}

    def _described(self, worker: _Worker) -> dict[str, Any]:
        known = {"connected": worker.engine.connected, "draining": worker.engine.draining, "instance": worker.engine.instance}
        own = worker.report.get("worker", {})
        return {**own, **known, "routers": len(self._routers_of(worker)), "load": round(self._busy(worker), 3), **worker.load.figures()}

    def _ask(self, worker: _Worker) -> asyncio.Task[None]:
        if worker.asked is None or worker.asked.done():
            worker.asked = asyncio.get_running_loop().create_task(self._have_reported(worker))
        return worker.asked

    async def _have_reported(self, worker: _Worker) -> None:
        try:
            async with asyncio.timeout(HANGS_S):
                report = await worker.engine.report()
        except EngineError:
            return
        except TimeoutError:
            if len(self._workers) > 1:
                log.error("engine_worker_hangs", worker=worker.name)
                worker.engine.drop()
            return
        worker.report = report
        worker.load.reported(report.get("worker", {}), asyncio.get_running_loop().time())
        worker.traffic.reported(report)
        metrics.show(worker.name, worker.load, worker.traffic, len(self._routers_of(worker)), report.get("worker", {}))
        if worker.engine.draining:
            self._later(self._leave_idle(worker))

    def on_event(self, listener: Callable[[EngineEvent], None]) -> None:
        self._listeners.append(listener)

    async def close(self) -> None:
        """Disconnect from all; the processes go on. May be called twice."""
        for timer in (self._finding, *(worker.timer for worker in self._workers)):
            if timer is not None:
                timer.cancel()
        tasks = [*self._tasks, *(worker.asked for worker in self._workers if worker.asked is not None)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for worker in self._workers:
            await worker.engine.close()
            if worker.timer is not None:
                worker.timer.cancel()
