"""What the procedure costs: ``commands_per_second`` in the pure core, and ``stage_change_p99_ms``.

* A command is decided and its events are folded, in a court of twelve by the ordinary procedure: hands, mutes, sources, no I/O.
* A stage change: twelve who send and receive and a gallery of fifty, each with its WebSocket and its media connections in another
  process; the chair sends the change, and it is done when the engine, a process too, has confirmed the new rights and the last of the
  62 was told. Hearing and recess in turn, so that each change sets every microphone, camera and view anew. The log is on disk.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.load.isolation import enter
from bench.load.targets import Embedded
from bench.load.usage import machine
from rooms.commands import Actor, Command
from rooms.conference import handle
from rooms.fold import apply
from rooms.lasting import keep_what_is_loaded
from rooms.live import Live
from rooms.log import Row
from rooms.media.engine import Source
from rooms.plan import PlanParticipant
from rooms.procedure import PROCEDURES
from rooms.protocol import Admit, Allow, ChangeStage, Mute, RaiseHand, SetSource
from tests.rooms.courthouse import Clock, Courthouse
from tests.rooms.making import NOW_US, Sitting, make_plan, ticket

INSIDE, GALLERY = 12, 50
CHANGES, WARM = 100, 4
ROUNDS, TURNS = 5, 1500
BOUNDS = {"stage_change_p99_ms": 100, "commands_per_second": 20_000}
STAGES = ("hearing", "recess")


def people(gallery: int) -> tuple[PlanParticipant, ...]:
    """Chair, clerk and parties, and so many who watch."""
    inside = [PlanParticipant("judge", "审判长 周正", "judge", chair=True), PlanParticipant("clerk", "书记员 赵敏", "clerk")]
    inside += [PlanParticipant(f"party{n}", f"当事人{n}", "party") for n in range(INSIDE - len(inside))]
    return (*inside, *(PlanParticipant(f"gallery{n}", f"旁听{n}", "gallery") for n in range(gallery)))


def commands(turn: int) -> list[tuple[Actor, Command]]:
    """What happens around one party: he asks to speak, the chair closes and opens his camera, he switches it."""
    party = f"party{turn % (INSIDE - 2)}"
    own, chair = Actor(endpoint=f"e-{party}"), Actor(endpoint="e-judge")
    return [
        (own, RaiseHand(up=True)),
        (chair, Mute(participant=party, source=Source.CAMERA)),
        (chair, Allow(participant=party, source=Source.CAMERA)),
        (own, SetSource(source=Source.CAMERA, on=True)),
        (own, SetSource(source=Source.CAMERA, on=False)),
        (own, RaiseHand(up=False)),
    ]


def decided_per_second() -> float:
    """Commands a second on one core, best of several rounds."""
    sitting = Sitting(people=people(0), procedure=PROCEDURES["remote_court"].text)
    for person in sitting.state.plan.participants:
        sitting.arrive(person.id)
    sitting.act("e-judge", Admit())
    sitting.act("e-judge", ChangeStage(to="roll_call"))
    best = 0.0
    for _ in range(ROUNDS):
        state, done = sitting.state, 0
        asked = [each for turn in range(TURNS) for each in commands(turn)]
        begun = time.perf_counter()
        for actor, command in asked:
            events = handle(state, actor, command, NOW_US + done)
            if not events:
                raise AssertionError(f"nothing followed from {command}")
            for event in events:
                state = apply(state, event)
            done += 1
        best = max(best, done / (time.perf_counter() - begun))
    return best


async def changed(folder: Path, address: str) -> list[float]:
    """How long each change of the stage took, ms."""
    target = await Embedded(folder, address).start()
    clock = Clock()
    engine: Any = target.client
    house = Courthouse(folder, clock=clock, engine=engine)
    rights: list[float] = []
    watching: set[asyncio.Task[None]] = set()

    async def settle(live: Live) -> None:
        await live.media.settled()
        rights.append(time.monotonic())

    def watch(row: Row) -> None:
        if row.type == "stage_changed":
            watching.add(asyncio.create_task(settle(house.live())))

    await house.start()
    keep_what_is_loaded()  # as the server does when it is up
    try:
        everybody = people(GALLERY)
        await house.hub.open(make_plan(people=everybody))
        house.hub.on_row(watch)
        urls = [[f"e-{person.id}", house.url(ticket(person.id)), person.role != "gallery"] for person in everybody]
        crowd = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.load.crowd", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20
        )
        asked = {"urls": urls, "address": address, "stages": STAGES, "changes": CHANGES + WARM}
        async with asyncio.timeout(500):
            out, _ = await crowd.communicate(json.dumps(asked).encode() + b"\n")
        seen = json.loads(out)
    finally:
        await house.close()
        await target.stop()
    if len(rights) != CHANGES + WARM:
        raise AssertionError(f"{len(rights)} changes reached the engine")
    pairs = zip(seen["sent"], seen["told"], rights, strict=True)
    return [(max(told, right) - sent) * 1000 for sent, told, right in pairs][WARM:]


async def main(address: str) -> None:
    """Both figures."""
    none = {"peer": None, "peer_value": None, "ratio": None}
    what = f"court of {INSIDE} by the ordinary procedure, decided and folded, best of {ROUNDS}; bound {BOUNDS['commands_per_second']};"
    value = round(decided_per_second())
    line = {"figure": "commands_per_second", "value": value, "unit": "1/s", **none, "conditions": f"{what} {machine()}"}
    print(json.dumps(line), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        taken = sorted(await changed(Path(folder), address))
    p99 = taken[int(len(taken) * 0.99) - 1]
    what = (
        f"{INSIDE} who send and receive and {GALLERY} in the gallery, hearing and recess in turn, {len(taken)} changes, until the engine"
        f" confirmed and the last was told; median {taken[len(taken) // 2]:.1f}, longest {taken[-1]:.1f}; bound"
        f" {BOUNDS['stage_change_p99_ms']}; {machine()}"
    )
    print(json.dumps({"figure": "stage_change_p99_ms", "value": round(p99, 1), "unit": "ms", **none, "conditions": what}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(enter("bench.procedure")))
