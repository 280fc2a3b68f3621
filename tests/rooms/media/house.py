"""Several real worker processes and the pool over them."""

from __future__ import annotations

from pathlib import Path

from rooms.media.client import EngineClient
from rooms.media.engine import EngineEvent, Source
from rooms.media.pool import EnginePool

from .peer import Peer
from .process import EngineProcess, until
from .rights import everybody

BOTH = (Source.MICROPHONE, Source.CAMERA)


class House:
    """Workers "1", "2" … and the server's pool. `events` are those of the pool."""

    def __init__(self, folder: Path, count: int = 2) -> None:
        self.workers: dict[str, EngineProcess] = {}
        for name in map(str, range(1, count + 1)):
            (folder / name).mkdir()
            self.workers[name] = EngineProcess(folder / name)
        self.events: list[EngineEvent] = []
        self.peers: list[Peer] = []
        self.pool = self._pool()

    def _pool(self) -> EnginePool:
        pool = EnginePool({name: EngineClient(worker.socket) for name, worker in self.workers.items()})
        pool.on_event(self.events.append)
        return pool

    async def start(self) -> House:
        for worker in self.workers.values():
            await worker.spawn()
        await self.pool.start()
        await self._all_connected()
        return self

    async def _all_connected(self) -> None:
        """A busy machine takes longer to start them than the pool waits."""
        await until(lambda: self.pool.connected and all(worker.engine.connected for worker in self.pool._workers), 60)

    async def another_server(self) -> None:
        """The server ends; the next one connects to the workers."""
        await self.pool.close()
        self.pool = self._pool()
        await self.pool.start()
        await self._all_connected()
        for peer in self.peers:
            peer.client = self.pool

    async def instances(self) -> dict[str, str]:
        """Which process each worker is now: name → instance."""
        return {name: str(one["instance"]) for name, one in (await self.pool.report())["workers"].items()}

    async def worker_of(self, router: str) -> str:
        """The name of the worker that has this router."""
        here = self.pool.place(router)
        return next(name for name, instance in (await self.instances()).items() if instance == here)

    async def hearing(self, router: str, epoch: int = 1) -> Peer:
        """Ana speaks and bo sees her, in this router; returns bo."""
        await self.pool.apply(router, epoch, everybody("ana", "bo"))
        ana, bo = Peer(self.pool, "ana", router, epoch), Peer(self.pool, "bo", router, epoch)
        self.peers += [ana, bo]
        await ana.publish(BOTH)
        await bo.subscribe()
        await until(lambda: bo.frames("ana", Source.CAMERA) > 3)
        return bo

    async def close(self) -> None:
        for peer in self.peers:
            await peer.close()
        await self.pool.close()
        for worker in self.workers.values():
            await worker.stop()
