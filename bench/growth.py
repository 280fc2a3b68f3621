"""Memory of the engine: ``rss_mb_per_participant`` in hearings of six where everybody sees everybody, with packets kept for repair,
and ``rss_growth_mb`` after 500 joins and leaves one after another.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from bench.load.isolation import enter
from bench.load.peers import LoadPeer, use_address
from bench.load.targets import SOURCES, Embedded
from bench.load.traffic import run
from bench.load.usage import machine, rss_mb
from bench.media import GCM, Case
from rooms.media.engine import Routing, TrackKey

ROOMS, PEOPLE = 3, 6
#: Joins before the first look: what is made once is there then.
FIRST, JOINS = 100, 500
SENDING_S = 6.0
SETTLED_S = 3.0


def routing(names: list[str]) -> Routing:
    """Everybody may send everything and watches all others."""
    everything = frozenset(SOURCES.values())
    watch = {name: frozenset(TrackKey(other, source) for other in names if other != name for source in everything) for name in names}
    return Routing(publish=dict.fromkeys(names, everything), watch=watch)


class Hearings:
    """Rooms of an engine whose participants send and receive."""

    def __init__(self, target: Embedded) -> None:
        self._client = target.client

    async def open(self, room: str, epoch: int, names: list[str]) -> None:
        await self._client.apply(room, epoch, routing(names))

    async def join(self, room: str, epoch: int, name: str) -> tuple[LoadPeer, LoadPeer]:
        """Both connections of a participant."""
        client = self._client

        async def exchange(offer: str) -> str:
            return (await client.publish(room, epoch, name, offer, SOURCES)).sdp

        sending = await LoadPeer(GCM).publish(exchange)
        offer = await client.subscribe(room, epoch, name)

        async def finish(answer: str) -> None:
            await client.answer(room, epoch, name, offer.transport, offer.revision, answer)

        return sending, await LoadPeer(GCM).subscribe(offer.sdp, finish)


async def per_participant(target: Embedded) -> tuple[float, int]:
    """Memory that each participant adds, MB, while the rings are full; and how many there were."""
    hearings = Hearings(target)
    before = rss_mb(target.pid)
    case = Case((PEOPLE, PEOPLE), GCM, frames=True)
    streams, receivers, peers = [], [], []
    for number in range(ROOMS):
        names = [f"p{i}" for i in range(PEOPLE)]
        await hearings.open(f"room{number}", 1, names)
        for place, name in enumerate(names):
            sending, receiving = await hearings.join(f"room{number}", 1, name)
            streams += case.streams(sending, place)
            receivers.append(receiving.take()[0])
            peers += [sending, receiving]
    await asyncio.to_thread(run, streams, receivers, lambda: 0.0, 1.0, SENDING_S)
    used = rss_mb(target.pid) - before
    for peer in peers:
        await peer.drop()
    for sock in {id(s): s for s in [*(stream.socket for stream in streams), *receivers]}.values():
        sock.close()
    for number in range(ROOMS):
        await target.client.close_router(f"room{number}", 1)
    return used / (ROOMS * PEOPLE), ROOMS * PEOPLE


async def growth(target: Embedded) -> float:
    """By how much memory grew from the hundredth join and leave to 500 later, MB."""
    hearings = Hearings(target)
    first = 0.0
    for number in range(1, FIRST + JOINS + 1):
        name = f"guest{number}"
        await hearings.open("turns", number, [name])
        for peer in await hearings.join("turns", number, name):
            await peer.drop()
        if number == FIRST:
            await asyncio.sleep(SETTLED_S)
            first = rss_mb(target.pid)
        if number % 100 == 0:
            print(f"  {number} joins: {rss_mb(target.pid):.1f} MB", file=sys.stderr, flush=True)
    await hearings.open("turns", FIRST + JOINS + 1, [])
    await asyncio.sleep(SETTLED_S)
    return rss_mb(target.pid) - first


async def main(address: str) -> None:
    """Both figures."""
    use_address(address)
    none = {"peer": None, "peer_value": None, "ratio": None}
    with tempfile.TemporaryDirectory() as folder:
        target = await Embedded(Path(folder), address).start()
        try:
            each, people = await per_participant(target)
            what = f"{people} in hearings of {PEOPLE}, each sending one picture and sound and receiving all others, rings full; {machine()}"
            line = {"figure": "rss_mb_per_participant", "value": round(each, 2), "unit": "MB", **none, "conditions": what}
            print(json.dumps(line), flush=True)
            what = f"{JOINS} joins and leaves (both connections each) after {FIRST} that are not counted; {machine()}"
            line = {"figure": "rss_growth_mb", "value": round(await growth(target), 2), "unit": "MB", **none, "conditions": what}
            print(json.dumps(line), flush=True)
        finally:
            await target.stop()


if __name__ == "__main__":
    asyncio.run(main(enter("bench.growth")))
