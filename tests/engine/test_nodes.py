"""Several engines of a kind behind the pool: hearings are placed, drained and moved, whichever engine it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import aioice.ice
import pytest

from rooms import wire
from rooms.media.client import EngineClient
from rooms.media.engine import Source
from rooms.media.janus.configuration import NoJanus
from rooms.media.pool import EnginePool
from tests.rooms.media.peer import Peer
from tests.rooms.media.process import until
from tests.rooms.media.rights import everybody

from .engines import ENGINES, Engine
from .network import NoNamespaces

BOTH = (Source.MICROPHONE, Source.CAMERA)
PLACED_S = 20.0


@pytest.fixture(params=ENGINES)
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Engine]]:
    """Two engines of a kind, by name."""
    with ExitStack() as stack:
        made: dict[str, Engine] = {}
        for name in ("1", "2"):
            (tmp_path / name).mkdir()
            try:
                made[name] = stack.enter_context(closing(ENGINES[request.param](tmp_path / name)))
            except (NoJanus, NoNamespaces) as error:
                pytest.skip(str(error))
            made[name].start()
        yield made


class Site:
    """The server's pool over the nodes, and people."""

    def __init__(self, nodes: dict[str, Engine]) -> None:
        self.nodes = nodes
        self.pool = EnginePool({name: EngineClient(node.socket) for name, node in nodes.items()})
        self.peers: list[Peer] = []

    async def where(self, router: str) -> str:
        """The name of the node that has this router."""
        workers: dict[str, Any] = (await self.pool.report())["workers"]
        return next(name for name in workers if workers[name]["instance"] == self.pool.place(router))

    async def hearing(self, router: str) -> Peer:
        """Ana speaks and bo sees her; returns bo."""
        await self.pool.apply(router, 1, everybody("ana", "bo"))
        ana, bo = Peer(self.pool, "ana", router), Peer(self.pool, "bo", router)
        self.peers += [ana, bo]
        await ana.publish(BOTH)
        await bo.subscribe()
        await self.goes_on(bo)
        return bo

    async def leave(self, router: str) -> None:
        """The pages of this hearing drop their connections, as they do when the engine is another one."""
        for peer in [peer for peer in self.peers if peer.router == router]:
            await peer.close()
            peer.publishing = peer.receiving = None
            self.peers.remove(peer)

    async def goes_on(self, viewer: Peer) -> None:
        """Wait until a viewer has had more frames of ana."""
        before = viewer.frames("ana", Source.CAMERA)
        await until(lambda: viewer.frames("ana", Source.CAMERA) > before + 3)

    async def ask(self, node: str, do: str, **arguments: Any) -> wire.Json:
        """An operator's request, beside the server, who connects again."""
        peer = await wire.connect(self.nodes[node].socket)
        reading = asyncio.create_task(peer.run())
        try:
            return await peer.request(do, **arguments)
        finally:
            await peer.close()
            await reading


@pytest.fixture
async def site(nodes: dict[str, Engine], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """A site whose people can reach every node."""
    addresses = sorted({node.address for node in nodes.values()})
    hosts: Callable[..., list[str]] = lambda use_ipv4, use_ipv6: addresses  # noqa: E731
    monkeypatch.setattr(aioice.ice, "get_host_addresses", hosts)
    made = Site(nodes)
    await made.pool.start()
    await until(lambda: made.pool.connected)
    yield made
    for peer in made.peers:
        await peer.close()
    await made.pool.close()


@pytest.mark.timeout(180)
async def test_hearings_are_spread_and_a_draining_node_takes_no_more_and_ends_with_its_last(site: Site) -> None:
    first, second = await site.hearing("one"), await site.hearing("two")
    leaving, staying = await site.where("one"), await site.where("two")
    assert leaving != staying
    told = await site.ask(leaving, "drain", on=True)
    assert told["draining"] is True
    async with asyncio.timeout(PLACED_S):
        while not (await site.pool.report())["workers"][leaving]["draining"]:
            await asyncio.sleep(0.05)
    for number in range(3):
        await site.pool.apply(f"new-{number}", 1, everybody("ana"))
        assert await site.where(f"new-{number}") == staying
    await site.goes_on(first)
    await site.goes_on(second)
    await site.pool.close_router("one", 1)
    driver = site.nodes[leaving].processes[-1]
    async with asyncio.timeout(PLACED_S):
        while driver.poll() is None:
            await asyncio.sleep(0.1)
    assert driver.returncode == 0
    await site.goes_on(second)


@pytest.mark.timeout(180)
async def test_hearings_of_a_node_that_dies_move_to_the_other(site: Site) -> None:
    await site.hearing("one")
    other = await site.hearing("two")
    dead, alive = await site.where("one"), await site.where("two")
    former = site.pool.place("one")
    await asyncio.to_thread(site.nodes[dead].kill)
    await until(lambda: site.pool.place("one") not in ("", former))
    assert await site.where("one") == alive
    await site.leave("one")
    await site.hearing("one")
    await site.goes_on(other)
