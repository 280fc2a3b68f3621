"""What the film says where nothing was recorded: a private phase as such and with its name, beside a recess. Real ffmpeg."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rooms.log import GENESIS, Event, Row, chain
from rooms.procedure import PROCEDURES
from rooms.recording.batch import Source
from rooms.recording.film_words import CARDS
from rooms.recording.folder import SittingFolder
from rooms.recording.fonts import find_font
from rooms.recording.layout import HEIGHT, WIDTH
from rooms.recording.seal import seal_folder
from rooms.recording.timeline import Band, Timeline
from rooms.recording.unrecorded import explained
from tests.rooms.making import make_plan
from tests.rooms.recording.held import PEOPLE
from tests.rooms.recording.streams import FPS, vp8_frames
from tests.rooms.recording.test_composite import at, drawn, film, ink, likeness, pictures, put, video

COURT = PROCEDURES["remote_court"]
STAGES = ((0.0, "investigation"), (3.0, "deliberation"), (5.0, "judgment"), (7.0, "recess"), (8.0, "judgment"), (9.0, "closed"))
RECORDED = ((0.0, 3.1), (5.1, 7.1), (8.1, 9.0))
"""The recorder follows a stage a little later."""


def rows(*stages: tuple[float, str]) -> list[Row]:
    found: list[Row] = []
    events = [Event("conference_opened", at(-60), {"plan": make_plan("s1", PEOPLE, procedure=COURT.text).to_json()})]
    for when, to in stages:
        names = dict(COURT.stages[to].names)
        data = {"from": "", "to": to, "names": names, "by": {"participant": "judge"}, "reason": ""}
        events.append(Event("stage_changed", at(when), data))
    for event in events:
        found.append(chain("s1", 1, len(found) + 1, found[-1].hash if found else GENESIS, event))
    return found


def stopped(begin: float, end: float) -> Timeline:
    before, after = Band(at(0), at(begin), "recording"), Band(at(end), at(60), "gap")
    return Timeline(at(0), at(60), (before, Band(at(begin), at(end), "recess"), after), ())


@pytest.mark.parametrize(
    ("stages", "found"),
    [
        ((), [("recess", 10.1, 20.1)]),
        (((0, "investigation"), (10, "recess"), (20, "investigation")), [("recess", 10.1, 20.1)]),
        (((0, "investigation"), (10, "deliberation"), (20, "judgment")), [("private", 10.1, 20.1)]),
        (((10, "deliberation"), (15, "recess"), (20, "judgment")), [("private", 10.1, 15), ("recess", 15, 20.1)]),
        (((10.2, "deliberation"), (20, "judgment")), [("private", 10.1, 20.1)]),
        (((0, "investigation"),), [("recess", 10.1, 20.1)]),
    ],
)
def test_a_stop_is_told_apart_by_the_stages_it_went_through(
    stages: tuple[tuple[float, str], ...], found: list[tuple[str, float, float]]
) -> None:
    before, *between, after = explained(stopped(10.1, 20.1), rows(*stages), COURT).bands
    assert [(band.pause, band.from_us, band.to_us) for band in between] == [(why, at(begin), at(end)) for why, begin, end in found]
    assert {band.kind for band in between} == {"recess"}
    assert (before.kind, after.kind) == ("recording", "gap")
    assert all(band.names["zh-CN"] == "休庭评议" for band in between if band.pause == "private")


def test_a_stage_that_nobody_wanted_recorded_is_no_private_phase() -> None:
    table = PROCEDURES["round_table"]
    stage = next(name for name, about in table.stages.items() if about.recordable and not about.private)
    change = Event("stage_changed", at(10), {"to": stage, "names": dict(table.stages[stage].names)})
    (_, band, _) = explained(stopped(10.1, 20.1), [chain("s1", 1, 1, GENESIS, change)], table).bands
    assert band.pause == "unrecorded"


def test_a_log_by_no_known_procedure_says_recess_as_before() -> None:
    (_, band, _) = explained(stopped(10.1, 20.1), rows((10, "recess")), None).bands
    assert band.pause == "recess"


@pytest.fixture
async def frames(tmp_path: Path) -> list[NDArray[np.uint8]]:
    """The film of 9 s: behind closed doors from 3 to 5 s, a recess from 7 to 8 s."""
    root = tmp_path / "s1"
    folder = SittingFolder(root, lambda name, fields: None)
    folder.open()
    for number, (begin, end) in enumerate(RECORDED, start=1):
        folder.start(1, at(begin), "hearing_opened", "周正")
        put(folder, Source(number, "e-judge", "camera", "VP8", 1), video(begin, vp8_frames(end - begin)), at(end))
        folder.stop(1, at(end), "stage", "周正")
    folder.append_events([row.line() for row in rows(*STAGES)])
    folder.close_lines()
    meta = {"sitting": "s1", **make_plan("s1", PEOPLE, procedure=COURT.text).to_json()}
    seal_folder(root, meta | {"endpoints": {"e-judge": {"participants": ["judge"], "device": "Chromium"}}}, at(10))
    return pictures(await film(root))


def read(frame: NDArray[np.uint8], top: int, bottom: int, texts: tuple[str, ...], size: int) -> tuple[str, float]:
    """The likest of `texts` to what is written between the two lines over the whole width, and how like it is."""
    font = find_font()
    assert font is not None
    written = ink(frame[top:bottom])
    found = {text: likeness(written, ink(drawn(text, font, size, WIDTH))) for text in texts}
    best = max(found, key=lambda text: found[text])
    return best, found[best]


async def test_the_film_says_that_a_private_phase_is_not_recorded(frames: list[NDArray[np.uint8]]) -> None:
    middle = HEIGHT // 2
    for second, why in ((4.0, "private"), (7.5, "recess")):
        card = frames[round(second * FPS)]
        assert int((card > 130).sum()) > 2000, "the card is not black"
        text, sure = read(card, middle - 70, middle + 12, tuple(CARDS.values()), 44)
        assert text == CARDS[why]
        assert sure > 0.8
        edge = card[100 : middle - 80, 100 : WIDTH - 100]
        assert edge.max() - edge.min() < 20, "nobody's picture is beside it"
    # 1790000000.25 s is 22:13:20.25 in Shanghai: the recorder stopped at 23.35 s
    lines = tuple(f"休庭评议  Deliberation  22\\:13\\:{a} – 22\\:13\\:{b}" for a, b in ((22, 24), (23, 25), (24, 26), (23, 27)))
    line, _ = read(frames[4 * FPS], middle + 15, middle + 75, lines, 30)
    assert line == lines[1]
    before, during = (frames[second * FPS][100 : middle - 80, 100 : WIDTH - 100] for second in (2, 4))
    assert float(before.std()) > 4 * float(during.std()), "before it the judge is seen"
