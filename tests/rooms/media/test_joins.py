"""People come in every order and go again: each sees and hears each, and nothing of them stays behind."""

from __future__ import annotations

import asyncio
import itertools
import random
from pathlib import Path
from typing import Any

import pytest

from .process import EngineProcess
from .swarm import Swarm

TWELVE = [f"e-{number}" for number in range(12)]
ORDERS = list(itertools.permutations(["publish 0", "subscribe 0", "publish 1", "subscribe 1"]))
"""Each order in which two people's connections can be made."""


@pytest.mark.timeout(300)
async def test_two_then_three_then_twelve_in_every_order_and_every_pair_gets_frames(engine: EngineProcess) -> None:
    for number, order in enumerate(ORDERS):
        dice = random.Random(number)
        swarm = Swarm(engine.client, f"room-{number}")
        two = await swarm.admit(*TWELVE[:2])
        for act in order:
            name, who = act.split()
            await getattr(two[int(who)], name)()
        await swarm.all_see_all()
        for size in (3, 12) if number % 4 == 0 else (3,):
            newcomers = await swarm.admit(*TWELVE[len(swarm.members) : size])
            connect = [act for member in newcomers for act in (member.publish, member.subscribe)]
            dice.shuffle(connect)
            if dice.random() < 0.5:  # all at once
                await asyncio.gather(*(act() for act in connect))
            else:
                for one in connect:
                    await one()
            await swarm.all_see_all()
        await swarm.end()


async def figures(engine: EngineProcess) -> dict[str, Any]:
    """What the process holds: memory of its own (MB), open files, and the lengths of its tables."""
    assert engine.process is not None
    folder = Path(f"/proc/{engine.process.pid}")
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    tables = (await engine.client.report())["worker"]["tables"]
    return {"memory_mb": int(status["RssAnon"].split()[0]) / 1024, "files": len(list((folder / "fd").iterdir())), **tables}


async def comings_and_goings(engine: EngineProcess, rooms: range, joins: int) -> None:
    """`joins` people for each room, six at a time."""
    for number in rooms:
        swarm = Swarm(engine.client, f"hall-{number}")
        await swarm.admit("e-stays")
        for first in range(0, joins, 6):
            names = [f"e-{first + n}" for n in range(6)]
            await asyncio.gather(*(act() for member in await swarm.admit(*names) for act in (member.publish, member.subscribe)))
            await swarm.leave(names)
        await swarm.end()


@pytest.mark.timeout(300)
async def test_five_hundred_who_join_and_leave_leave_nothing_behind(engine: EngineProcess) -> None:
    await comings_and_goings(engine, range(4), 126)  # until the memory is taken that it works in
    before = await figures(engine)
    await comings_and_goings(engine, range(4, 8), 126)
    async with asyncio.timeout(30):  # connections that have ended say farewell for a moment
        while (after := await figures(engine))["tasks"] > before["tasks"]:
            await asyncio.sleep(0.1)
    print(f"before {before}\nafter  {after}")  # noqa: T201
    assert after["memory_mb"] - before["memory_mb"] < 8
    grown = {name: (before[name], after[name]) for name in before if name not in ("memory_mb", "epochs") and after[name] > before[name]}
    assert not grown
    assert after["addresses"] == after["credentials"] == after["routers"] == 0
