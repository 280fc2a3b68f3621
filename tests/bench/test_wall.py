"""The wall's measurement, in a short form: every tile plays, and its figures stand beside a smaller wall and no wall."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.wall import Cost, Costs, descendants, figures, measure


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_every_tile_of_a_small_wall_plays(tmp_path: Path) -> None:
    found = {str(each["figure"]): each for each in await measure(tmp_path, 4, 4.0)}
    assert float(str(found["wall_tile_frames_per_s"]["value"])) > 10
    assert float(str(found["wall_received_kbit_s"]["value"])) > 4 * 100
    assert all(float(str(found[f"wall_{part}_cpu_percent"]["value"])) > 0 for part in ("browser", "engine", "web"))


def test_a_wall_is_told_beside_a_smaller_one_and_beside_none() -> None:
    few = Cost(6.0, 3.0, 20.0, (25.0,) * 4, 600.0, (900, 500))
    many = Cost(9.0, 4.0, 50.0, (*[25.0] * 15, 24.0), 2400.0, (450, 250))
    found = {str(each["figure"]): each for each in figures(Costs(Cost(5.0, 2.0), few, many, Cost(5.5, 2.0)))}
    assert (found["wall_browser_cpu_percent"]["value"], found["wall_browser_cpu_percent"]["ratio"]) == (50.0, 2.5)
    assert (found["wall_engine_cpu_percent"]["value"], found["wall_engine_cpu_percent"]["peer_value"]) == (9.0, 5.0)
    assert found["wall_tile_frames_per_s"]["value"] == 24.0, "the least of all tiles"
    unwatched = found["wall_unwatched_engine_cpu_percent"]
    assert (unwatched["value"], unwatched["peer_value"], unwatched["ratio"]) == (5.5, 5.0, 1.1)
    assert "16 recorded sittings" in str(unwatched["conditions"])
    assert "windows of 450 × 250 points; 4 in windows of 900 × 500" in str(unwatched["conditions"])


def test_the_processes_of_a_browser_are_found_below_the_one_that_started_it() -> None:
    program = "import subprocess, sys; subprocess.Popen(['sleep', '30']); print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        below = descendants(os.getpid())
        (grandchild,) = descendants(child.pid)
        assert {child.pid, grandchild} <= set(below)
        os.kill(grandchild, 15)
        child.communicate()
