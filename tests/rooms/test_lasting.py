"""What is loaded when a process is up is out of the collector's sight, what comes later is not; full collections go by the clock."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
from rooms.lasting import keep_what_is_loaded
lasting = [[each] for each in range(50_000)]
keep_what_is_loaded()
later = [[each] for each in range(1_000)]
seen = gc.get_objects()
print(gc.get_freeze_count(), len(seen), any(each is later for each in seen), any(each is lasting for each in seen))
"""

ROUNDS = """
import gc, weakref
from rooms.lasting import ROUND_EVERY_S, WHOLE_AFTER_S, Rounds

class Sitting:
    def __init__(self):
        self.itself = self

def full():
    return gc.get_stats()[2]["collections"]

rounds = Rounds(0.0)
before = full()
sittings = [Sitting() for each in range(300_000)]
print(full() - before, rounds.look(ROUND_EVERY_S - 1, quiet=True) or "none")
print(rounds.look(ROUND_EVERY_S, quiet=False), any(each is sittings[7] for each in gc.get_objects()))
over = weakref.ref(sittings[7])
del sittings[7]
print(rounds.look(2 * ROUND_EVERY_S, quiet=False), over() is None)
print(rounds.look(3 * ROUND_EVERY_S, quiet=True), over() is None)
print(rounds.look(4 * ROUND_EVERY_S, quiet=False), rounds.look(3 * ROUND_EVERY_S + WHOLE_AFTER_S, quiet=False))
"""


def said_by(program: str) -> list[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


def test_full_collections_are_made_by_the_clock_and_look_at_what_is_new() -> None:
    growing, sees_new, later, *_ = said_by(ROUNDS)
    assert growing == "0 none", "none while objects come, and none before it is due"
    assert sees_new == "new False", "what a round leaves is put aside"
    assert later == "new False", "so that what became garbage after it stays"


def test_what_was_put_aside_and_became_garbage_goes_when_nobody_is_there() -> None:
    *_, quiet, never_quiet = said_by(ROUNDS)
    assert quiet == "whole True"
    assert never_quiet == "new whole", "a process in which somebody always is makes a whole round once a day"


def test_the_collector_looks_at_what_came_later_alone() -> None:
    said = said_by(PROGRAM)[0].split()
    kept, seen, later, lasting = int(said[0]), int(said[1]), said[2], said[3]
    assert kept >= 50_000
    assert 1_000 <= seen < 10_000
    assert (later, lasting) == ("True", "False")
