"""When the recording says that something was seen and heard, against when it was: flashes and beeps whose moments are known, through the
real engine into the real recorder. Janus forwards no sender reports: what is recorded of it goes by the clock of arrivals.
"""

from __future__ import annotations

import asyncio
import fractions
import itertools
import json
import math
import statistics
import sys
import time
from array import array
from pathlib import Path

import av
import pytest

from rooms.participant.tracks import RATE_HZ, SAMPLES, Paced
from tests.rooms.courthouse import until
from tests.rooms.recording.streams import beeps_of

from .chamber import Chamber

pytestmark = [pytest.mark.timeout(240), pytest.mark.long]

EVERY_S, LASTS_S = 1.0, 0.2
MARKS = 15
IN_STEP_MS, CLOCK_MS = 80.0, 1000.0
"""Sound and picture against each other; both against the clock of the server."""


class Marking(Paced):
    """Something that is marked at each full second of the wall clock. `made`: when each mark began, s since the epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[float] = []
        self._marked = False

    def is_marked(self) -> bool:
        now = time.time()
        marked = now % EVERY_S < LASTS_S
        if marked and not self._marked:
            self.made.append(now)
        self._marked = marked
        return marked


class Beeps(Marking):
    """Silence, and beeps of 1 kHz."""

    kind = "audio"

    async def recv(self) -> av.AudioFrame:
        first = await self.due() * SAMPLES
        loudness = 16_000 if self.is_marked() else 0
        frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        wave = (int(loudness * math.sin(2 * math.pi * 1000 / RATE_HZ * number)) for number in range(first, first + SAMPLES))
        frame.planes[0].update(array("h", wave).tobytes())
        frame.pts, frame.sample_rate, frame.time_base = first, RATE_HZ, fractions.Fraction(1, RATE_HZ)
        return frame


class Flashes(Marking):
    """Dark, and flashes; thirty pictures a second."""

    kind = "video"
    period_s = 1 / 30

    async def recv(self) -> av.VideoFrame:
        number = await self.due()
        frame = av.VideoFrame(160, 90, "yuv420p")
        for plane, value in zip(frame.planes, (220 if self.is_marked() else 30, 128, 128), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts, frame.time_base = number * 3000, fractions.Fraction(1, 90_000)
        return frame


def flashes_of(path: Path) -> list[float]:
    """Times (s) in a file at which it becomes bright."""
    with av.open(str(path)) as container:
        shown = [(float(frame.time or 0.0), float(frame.to_ndarray(format="gray").mean()) > 125) for frame in container.decode(video=0)]
    return [at for (_, before), (at, bright) in itertools.pairwise(shown) if bright and not before]


def recorded(folder: Path, source: str) -> list[float]:
    """When the recording says that each mark began, s since the epoch."""
    segments = [json.loads(line) for line in (folder / "segments.jsonl").read_text().splitlines()]
    found = []
    for row in (row for row in segments if row["row"] == "opened" and row["source"] == source):
        path = folder / row["file"]
        found += [row["start_us"] / 1e6 + at for at in (flashes_of(path) if source == "camera" else beeps_of(path))]
    return found


def late_ms(marks: list[float], made: list[float]) -> list[float]:
    """How much later than it was each was recorded; the nearest that was made is the one."""
    return [1000 * (at - min(made, key=lambda one: abs(one - at))) for at in marks]


async def test_what_is_recorded_is_in_step_and_has_the_time_of_the_clock(chamber: Chamber) -> None:
    walk = await chamber.open("remote_interrogation")
    await walk.to("questioning")
    beeps, flashes = Beeps(), Flashes()
    await chamber.people["zhang"].sends(beeps, flashes)
    await until(lambda: min(len(beeps.made), len(flashes.made)) > 1)
    await asyncio.sleep(MARKS * EVERY_S)
    folder = chamber.recordings / "sitting"
    heard, seen = late_ms(recorded(folder, "microphone"), beeps.made), late_ms(recorded(folder, "camera"), flashes.made)
    assert min(len(heard), len(seen)) > MARKS // 2
    sound_ms, picture_ms = statistics.median(heard), statistics.median(seen)
    figures = (
        f"{chamber.engine.name}: sound {sound_ms:.0f} ms late ({min(heard):.0f} to {max(heard):.0f}), "
        f"picture {picture_ms:.0f} ms late ({min(seen):.0f} to {max(seen):.0f}), apart {sound_ms - picture_ms:.0f} ms"
    )
    sys.stdout.write(f"{figures}\n")
    assert abs(sound_ms - picture_ms) <= IN_STEP_MS, figures
    assert max(abs(each) for each in (*heard, *seen)) <= CLOCK_MS, figures
