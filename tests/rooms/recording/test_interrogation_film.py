"""The film of an interrogation: the suspect large, the others over his picture with the panorama lowest, the stage beside the clock."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rooms.log import GENESIS, Event, Row, chain
from rooms.plan import PlanParticipant
from rooms.procedure import PROCEDURES
from rooms.recording.attendance import hall, places, read_rows
from rooms.recording.batch import Source
from rooms.recording.folder import SittingFolder
from rooms.recording.fonts import find_font
from rooms.recording.layout import HEAD, HEIGHT, WIDTH, Box, caption, picture, picture_in_picture
from rooms.recording.seal import seal_folder
from rooms.recording.timeline import load
from tests.rooms.making import make_plan
from tests.rooms.recording.streams import FPS, vp8_frames
from tests.rooms.recording.test_composite import at, drawn, film, ink, likeness, onsets, pictures, put, video
from tests.rooms.recording.test_layout import apart, inside

PEOPLE = (
    PlanParticipant("asks", "韩检", "interrogator", chair=True),
    PlanParticipant("writes", "书记", "clerk"),
    PlanParticipant("suspect", "赵某", "suspect"),
    PlanParticipant("house", "值班民警", "custody_officer"),
)
FLASHES = {"suspect": 1.0, "house": 2.0, "asks": 3.0}


def log() -> list[Row]:
    plan = make_plan("s1", PEOPLE, kind="remote_interrogation").to_json()
    events = [Event("conference_opened", at(-60), {"plan": plan})]
    for who in FLASHES:
        arrived = {"endpoint": f"e-{who}", "participants": [who], "device": "Chromium"}
        events += [Event("endpoint_arrived", at(-30), arrived), Event("admitted", at(-29), {"participant": who, "by": {"system": True}})]
    by = {"participant": "asks"}
    events.append(Event("stage_changed", at(0), {"from": "waiting", "to": "out_of_cell", "by": by, "reason": ""}))
    events.append(Event("stage_changed", at(2.5), {"from": "out_of_cell", "to": "questioning", "by": by, "reason": ""}))
    rows: list[Row] = []
    for seq, event in enumerate(events, start=1):
        rows.append(chain("s1", 1, seq, rows[-1].hash if rows else GENESIS, event))
    return rows


@pytest.fixture
def interrogation(tmp_path: Path) -> Path:
    """5 s; the pictures of suspect, detention house and interrogator flash one after the other."""
    root = tmp_path / "s1"
    folder = SittingFolder(root, lambda name, fields: None)
    folder.open()
    folder.start(1, at(0), "out_of_cell", "韩检")
    for number, (who, flash_s) in enumerate(FLASHES.items(), start=1):
        put(folder, Source(number, f"e-{who}", "camera", "VP8", 1), video(0, vp8_frames(5.0, (flash_s,))), at(5))
    folder.stop(1, at(5), "closed", "韩检")
    folder.append_events([row.line() for row in log()])
    folder.close_lines()
    endpoints = {f"e-{who}": {"participants": [who], "device": "Chromium"} for who in FLASHES}
    plan = make_plan("s1", PEOPLE, kind="remote_interrogation").to_json()
    seal_folder(root, {"sitting": "s1", **plan, "endpoints": endpoints}, at(6))
    return root


def flashing(frames: list[NDArray[np.uint8]], box: Box) -> list[float]:
    value = [frame[box.y + 10 : box.y + box.height - 10, box.x + 10 : box.x + box.width - 10].mean() > 190 for frame in frames]
    return [second for second in onsets(value) if second > 0.3]


async def test_the_suspect_is_large_and_the_panorama_and_the_others_are_over_his_picture(interrogation: Path) -> None:
    timeline, manifest = load(interrogation)
    shown = places(timeline, manifest, read_rows(interrogation / "events.jsonl"))
    seats = hall(PROCEDURES["remote_interrogation"], shown)
    assert [shown[index].role for index in (*seats.large, *seats.middle)] == ["suspect", "custody_officer", "interrogator"]
    frames = pictures(await film(interrogation))
    large, lowest, above = (picture(cell) for cell in picture_in_picture(1, 2))
    assert flashing(frames, Box(large.x, large.y, 700, large.height)) == pytest.approx([1.0], abs=0.13)
    assert flashing(frames, lowest) == pytest.approx([2.0], abs=0.13)
    assert flashing(frames, above) == pytest.approx([3.0], abs=0.13)
    # The stage is written between title and clock.
    font = find_font()
    assert font is not None
    for second, stage in ((1, "提出监室"), (4, "讯问与出示证据")):
        written = ink(frames[second * FPS + 5][6 : HEAD - 6, 640:990])
        names = [PROCEDURES["remote_interrogation"].stages[name].names for name in ("out_of_cell", "identity", "rights", "questioning")]
        likest = max(names, key=lambda each: likeness(written, ink(drawn(f"{each['zh-CN']}  {each['en']}", font, 20, WIDTH))))
        assert likest["zh-CN"] == stage


@pytest.mark.parametrize("inset", range(1, 8))
def test_insets_lie_over_the_picture_apart_from_each_other_and_from_the_name_below(inset: int) -> None:
    large, *others = picture_in_picture(1, inset)
    assert len(others) == inset
    assert all(inside(cell, Box(0, HEAD, WIDTH, HEIGHT - HEAD)) for cell in others)
    assert all(apart(one, other) for one, other in itertools.combinations(others, 2))
    assert all(cell.y + cell.height <= caption(large).y for cell in others)
    assert all(picture(cell).width < picture(large).width / 3 for cell in others)
    assert others[0].y == max(cell.y for cell in others), "the panorama is the lowest"
