"""``kill -9`` of recorder, media worker, server and all three at moments that chance chooses, under four who send what is known.

``KILLS=100`` does it a hundred times, :data:`A_HEARING` in each hearing (``make soak SOAK=100``); both distributions are printed.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path

import pytest

from tests.kills import LEDGER_BOUND_S, LOST_BOUND_S, Course, Kill, in_turns, told

COUNT = int(os.environ.get("KILLS", "4"))
A_HEARING = 20
MARGIN = 3
"""How much is lost with a process depends a little on how busy the machine is: a stated time is asserted with this margin."""


@pytest.fixture(scope="module")
def all_kills() -> list[Kill]:
    """Those of every hearing, for the last line."""
    return []


@pytest.mark.timeout(180 + 30 * min(COUNT, A_HEARING))
@pytest.mark.parametrize("hearing", range(-(-COUNT // A_HEARING)))
async def test_of_what_was_received_before_a_kill_nearly_all_can_be_read(hearing: int, all_kills: list[Kill], tmp_path: Path) -> None:
    seed = random.SystemRandom().getrandbits(32)
    course = Course(tmp_path / "site", seed)
    count = min(A_HEARING, COUNT - hearing * A_HEARING)
    try:
        await course.begin()
        for what in in_turns(count, course.chance):
            await course.kill(what)
        await course.seal()
        verdict = await asyncio.to_thread(course.judge)
    finally:
        await course.close()
    all_kills += verdict.kills
    for kill in verdict.kills:
        sys.stdout.write(json.dumps(kill.to_json()) + "\n")
    sys.stdout.write("\n".join([f"seed {seed}", *verdict.faults, *told(all_kills)]) + "\n")
    assert verdict.faults == [], seed
    assert len(verdict.kills) == count
    assert verdict.files >= 2 * len(course.people)
    assert verdict.ledger_error_s <= LEDGER_BOUND_S
    assert max(kill.lost_s for kill in verdict.kills) <= LOST_BOUND_S * MARGIN, verdict.kills
    for kill in verdict.kills:
        if kill.what == "server":
            assert not kill.interrupted, kill  # nobody missed a packet or had to connect anew
        if kill.what in ("worker", "all"):
            assert verdict.gaps >= len(course.people), "what was not received is a gap"
