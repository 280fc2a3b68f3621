"""What a kill costs: ``crash_lost_s_max`` and ``outage_s_max``, the worst of some ``kill -9`` at random moments.

Recorder, media worker, server and all three are killed in turn, in an order and at moments that chance chooses, under four
participants who send a known picture and sound (tests/kills.py). What was received before a kill and can be decoded of no file is
lost; nobody else's picture or sound is an outage, and where the recorder went, no heartbeat on the disk. Both
distributions go to standard error. A run fails where a file does not play, ``verify`` finds something, or the ledger is wrong by
more than 0.1 s.

``python -m bench.survival --kills 100`` kills a hundred times, twenty in a hearing; ``--seed`` does the same again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path

from bench.load.usage import machine
from tests.kills import KILLS, LOST_BOUND_S, OUTAGE_BOUNDS_S, Course, Kill, Verdict, in_turns, told

A_HEARING = 20


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.survival", description="What a kill costs.")
    parser.add_argument("--kills", type=int, default=16, help="how often something is killed (default: 16)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32), help="of the moments and their order")
    return parser.parse_args()


async def hearing(folder: Path, seed: int, count: int) -> Verdict:
    """One hearing with so many kills."""
    course = Course(folder, seed)
    try:
        await course.begin()
        for what in in_turns(count, course.chance):
            kill = await course.kill(what)
            print(json.dumps(kill.to_json()), file=sys.stderr, flush=True)
        await course.seal()
        return await asyncio.to_thread(course.judge)
    finally:
        await course.close()


def figure(name: str, value: float, conditions: str) -> str:
    """A line. No peer: whoever records as we do has no such measurement."""
    return json.dumps(
        {"figure": name, "value": round(value, 3), "unit": "s", "peer": None, "peer_value": None, "ratio": None, "conditions": conditions}
    )


def main() -> int:
    """Print the figures; 1 where something is wrong with what was left."""
    asked = options()
    kills: list[Kill] = []
    faults: list[str] = []
    error_s = 0.0
    for first in range(0, asked.kills, A_HEARING):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            count = min(A_HEARING, asked.kills - first)
            verdict = asyncio.run(hearing(Path(folder) / "site", asked.seed + first, count))
        kills += verdict.kills
        faults += verdict.faults
        error_s = max(error_s, verdict.ledger_error_s)
    for line in (*told(kills), *faults):
        print(line, file=sys.stderr, flush=True)
    about = f"{len(kills)} kills, seed {asked.seed}, ledger within {error_s * 1000:.0f} ms, {machine()}"
    print(figure("crash_lost_s_max", max(kill.lost_s for kill in kills), f"bound {LOST_BOUND_S}, {about}"), flush=True)
    worst = {what: max((kill.outage_s for kill in kills if kill.what == what), default=0.0) for what in KILLS}
    each = ", ".join(f"{what} {value:.2f} (bound {OUTAGE_BOUNDS_S[what]:.0f})" for what, value in worst.items())
    print(figure("outage_s_max", max(worst.values()), f"{each}, {about}"), flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
