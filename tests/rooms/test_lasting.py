"""What is loaded when a process is up is out of the collector's sight, and what comes later is not."""

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


def test_the_collector_looks_at_what_came_later_alone() -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60).stdout.split()
    kept, seen, later, lasting = int(said[0]), int(said[1]), said[2], said[3]
    assert kept >= 50_000
    assert 1_000 <= seen < 10_000
    assert (later, lasting) == ("True", "False")
