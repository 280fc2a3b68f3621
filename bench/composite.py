"""How fast the film of a sitting is made: ``composite_realtime_factor``, its length by the time that it took; bound 2 from below.

Four people, each with VP8 of 1280×720 at about 1.2 Mbit/s and Opus, :data:`SECONDS` s, sealed; then made into a film and single voices
as the jobs process does it (:func:`rooms.recording.composite.compose`), by ffmpeg at the lowest priority: on a busy machine it takes
longer.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path

from bench.load.film import LOOP_S, picture
from bench.load.usage import machine
from rooms.log import GENESIS, Event, Row, chain
from rooms.plan import PlanParticipant
from rooms.recording.batch import Source
from rooms.recording.composite import compose
from rooms.recording.folder import SittingFolder
from rooms.recording.fonts import any_font
from rooms.recording.seal import seal_folder
from tests.rooms.making import make_plan
from tests.rooms.recording.streams import opus_packets
from tests.rooms.recording.test_composite import at, put, sound, video

SECONDS = 48
BIT_RATE = 1_200_000
PEOPLE = (
    PlanParticipant("judge", "周正", "judge", chair=True),
    *(PlanParticipant(f"p{number}", name, "party") for number, name in enumerate(("张某", "李某", "王某"))),
)


def log() -> list[Row]:
    """Everybody is there from the beginning to the end."""
    events = [Event("conference_opened", at(-60), {"plan": make_plan("bench", PEOPLE).to_json()})]
    for who in PEOPLE:
        arrived = {"endpoint": f"e-{who.id}", "participants": [who.id], "device": "Chromium"}
        events += [Event("endpoint_arrived", at(-30), arrived), Event("admitted", at(-30), {"participant": who.id, "by": {"system": True}})]
    for moment, before, to in ((0, "waiting", "hearing"), (SECONDS, "hearing", "closed")):
        data = {"from": before, "to": to, "by": {"participant": "judge"}, "reason": ""}
        events.append(Event("stage_changed", at(moment), data))
    rows: list[Row] = []
    for seq, event in enumerate(events, start=1):
        rows.append(chain("bench", 1, seq, rows[-1].hash if rows else GENESIS, event))
    return rows


def recorded(root: Path) -> None:
    """The sealed folder."""
    folder = SittingFolder(root, lambda name, fields: None)
    folder.open()
    folder.start(1, at(0), "hearing_opened", "周正")
    frames, packets = picture(1280, 720, BIT_RATE), opus_packets(float(LOOP_S), (1.0,))
    number = itertools.count(1)
    for who in PEOPLE:
        for source, codec, made in (
            ("camera", "VP8", [f for begin in range(0, SECONDS, LOOP_S) for f in video(begin, frames)]),
            ("microphone", "opus", [f for begin in range(0, SECONDS, LOOP_S) for f in sound(begin, packets)]),
        ):
            put(folder, Source(next(number), f"e-{who.id}", source, codec, 1), made, made[-1].wall_us)
    folder.stop(1, at(SECONDS), "closed", "周正")
    folder.append_events([row.line() for row in log()])
    folder.close_lines()
    endpoints = {f"e-{who.id}": {"participants": [who.id], "device": "Chromium"} for who in PEOPLE}
    seal_folder(root, {"sitting": "bench", **make_plan("bench", PEOPLE).to_json(), "endpoints": endpoints}, at(SECONDS + 1))


async def made(root: Path) -> float:
    """Make the film; the seconds that it took."""
    began = time.perf_counter()
    async for _ in compose(root, font=any_font(), tz="Asia/Shanghai"):
        pass
    return time.perf_counter() - began


def main() -> int:
    """Print the figure."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        root = Path(directory) / "sealed"
        recorded(root)
        took_s = asyncio.run(made(root))
    figure = {
        "figure": "composite_realtime_factor",
        "value": round(SECONDS / took_s, 2),
        "unit": "times real time",
        "peer": None,
        "peer_value": None,
        "ratio": None,
        "conditions": f"four VP8 1280x720 25/s {BIT_RATE // 1000} kbit/s and Opus, {SECONDS} s, in {took_s:.1f} s, {machine()}",
    }
    print(json.dumps(figure), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
