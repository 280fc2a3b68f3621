"""The film of a hearing: the bench in front, the parties opposite each other, who has no picture with name and state, a recess as
such; and beside the film everybody's sound alone, in step with it. Real ffmpeg throughout."""

from __future__ import annotations

import itertools
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from rooms.log import GENESIS, Event, Row, chain
from rooms.procedure import BRIEF_COURT, PROCEDURES
from rooms.recording.attendance import ASIDE_US, hall, held_by, places, read_rows, voice
from rooms.recording.film import Film
from rooms.recording.film_words import AWAY, CAMERA_OFF, CARDS, UNSEEN, captions, fitted
from rooms.recording.fonts import find_font
from rooms.recording.layout import HEIGHT, WIDTH, Box, caption, court, picture
from rooms.recording.running import ffmpeg_program
from rooms.recording.timeline import load
from rooms.verification.folder import verify
from tests.rooms.making import make_plan
from tests.rooms.recording.held import hold
from tests.rooms.recording.streams import FPS, beeps_of
from tests.rooms.recording.test_composite import drawn, film, ink, likeness, pictures

STATES = (AWAY, CAMERA_OFF, UNSEEN)


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hall") / "s1"
    hold(root, "s1")
    return root


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def frames(hearing: Path) -> list[NDArray[np.uint8]]:
    return pictures(await film(hearing))


BENCH, LEFT, RIGHT = (picture(cell) for cell in court(1, 1, 1, 0))


def inside(frame: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    return frame[box.y + 8 : box.y + box.height - 8, box.x + 8 : box.x + box.width - 8]


def says(frame: NDArray[np.uint8], box: Box, texts: tuple[str, ...], size: int) -> str:
    """Which of `texts` is written in the box, "" if nothing is."""
    font = find_font()
    assert font is not None
    written = inside(frame, box)
    if not (written > 130).any():
        return ""
    return max(texts, key=lambda text: likeness(ink(written), ink(drawn(text, font, size, WIDTH))))


def state(frame: NDArray[np.uint8], box: Box) -> str:
    size = max(12, min(24, box.width // 15))
    return says(frame, box, tuple(fitted([text, text.split("  ")[0]], box.width, size) for text in STATES), size)


def striped(frame: NDArray[np.uint8], box: Box) -> bool:
    """The known picture has stripes all over, an empty place one colour."""
    return float(np.median(np.abs(np.diff(inside(frame, box).astype(int), axis=1)))) > 0


def test_the_bench_is_large_in_front_and_the_parties_sit_opposite_each_other(hearing: Path, frames: list[NDArray[np.uint8]]) -> None:
    timeline, manifest = load(hearing)
    shown = places(timeline, manifest, read_rows(hearing / "events.jsonl"))
    assert [place.people[0].name for place in shown] == ["周正", "张某", "李某"], "who can only watch has no place"
    seats = hall(PROCEDURES["remote_court"], shown)
    assert (seats.bench, seats.left, seats.right) == ((0,), (1,), (2,))
    assert BENCH.width > 1.4 * LEFT.width
    assert LEFT.x + LEFT.width <= BENCH.x
    assert BENCH.x + BENCH.width <= RIGHT.x
    now = frames[2 * FPS]
    assert [striped(now, box) for box in (BENCH, LEFT, RIGHT)] == [True, True, False]
    for cell in court(1, 1, 1, 0):
        under = caption(cell)
        assert (now[under.y : under.y + under.height, under.x : under.x + under.width] > 150).any(), "a name is missing"


def test_an_officer_who_broke_in_has_a_place_under_his_name_while_he_was_there(hearing: Path) -> None:
    timeline, manifest = load(hearing)
    timeline = replace(timeline, tracks=(*timeline.tracks, replace(timeline.tracks[0], endpoint="watch-1")))
    rows = list(read_rows(hearing / "events.jsonl"))
    after = next(index for index, row in enumerate(rows) if row.type == "stage_changed") + 1
    named = {"endpoint": "watch-1", "user": "u-gao", "name": "高卫东"}
    began = {**named, "office": "lead", "rank": 2, "reason": "设备故障说明", "camera": True}
    ended = {**named, "cause": "ended", "reason": "", "by": {"user": "u-gao", "name": "高卫东"}}
    told: list[tuple[str, dict[str, Any], int]]
    told = [("observer_joined", named, 0), ("broken_in", began, 500_000), ("break_in_ended", ended, 900_000)]
    since_us = rows[after - 1].at_us
    rows[after:after] = [replace(rows[after - 1], type=kind, data=data, at_us=since_us + us) for kind, data, us in told]
    last = places(timeline, manifest, rows)[-1]
    assert [(person.name, person.role) for person in last.people] == [("高卫东", "command_centre")]
    assert last.here == last.camera_on == ((since_us + 500_000, since_us + 900_000),)
    assert captions(last)[0] == "高卫东 · 指挥中心 Command centre"


def test_what_is_said_aside_is_in_the_originals_and_not_in_the_film(hearing: Path, tmp_path: Path) -> None:
    timeline, manifest = load(hearing)
    timeline = replace(timeline, tracks=(*timeline.tracks, replace(timeline.tracks[0], endpoint="watch-1", source="microphone")))
    rows = list(read_rows(hearing / "events.jsonl"))
    after = next(index for index, row in enumerate(rows) if row.type == "stage_changed") + 1
    judge = next(row.data for row in rows if row.type == "endpoint_arrived")
    named = {"endpoint": "watch-1", "user": "u-gao", "name": "高卫东"}
    called = {**named, "office": "lead", "rank": 2, "reason": "核实", "participants": judge["participants"]}
    answered = {"endpoint": judge["endpoint"], "participants": judge["participants"]}
    over = {**named, "participants": judge["participants"], "cause": "ended", "reason": "", "by": {"user": "u-gao", "name": "高卫东"}}
    told: list[tuple[str, dict[str, Any], int]]
    told = [("observer_joined", named, 0), ("talk_began", called, 300_000), ("talk_answered", answered, 500_000)]
    told.append(("talk_ended", over, 1_500_000))
    since_us = rows[after - 1].at_us
    rows[after:after] = [replace(rows[after - 1], type=kind, data=data, at_us=since_us + us) for kind, data, us in told]
    found = places(timeline, manifest, rows)
    officer, first = found[-1], found[0]
    assert [person.name for person in officer.people] == ["高卫东"]
    assert not officer.heard, "he has no place in the hearing"
    assert officer.aside == ((since_us + 300_000, since_us + 1_500_000 + ASIDE_US),)
    assert first.heard
    assert first.aside == ((since_us + 500_000, since_us + 1_500_000 + ASIDE_US),)
    seats = hall(PROCEDURES["remote_court"], found[:-1])
    made = Film.plan(timeline, manifest["meta"], seats, found[:-1], tmp_path, (None, tmp_path / "font"), "Asia/Shanghai")
    subprocess.run(made.sound_command(ffmpeg_program("")), check=True, capture_output=True)
    assert beeps_of(made.voice_file(first)) == pytest.approx([9.0], abs=0.05), "the one of the first second was said aside"
    assert 1.0 not in [round(at) for at in beeps_of(made.sound_file)]


def test_who_has_no_picture_is_shown_with_the_reason(frames: list[NDArray[np.uint8]]) -> None:
    assert state(frames[2 * FPS], RIGHT).startswith("未在线"), "李某 has not come yet"
    assert state(frames[5 * FPS], RIGHT).startswith("摄像头已关闭")
    assert state(frames[round(5.5 * FPS)], LEFT).startswith("摄像头已关闭"), "张某 switched it off"
    assert state(frames[11 * FPS], LEFT).startswith("未在线"), "张某 was lost"
    assert striped(frames[11 * FPS], BENCH)


def test_a_recess_is_a_card_with_its_times(frames: list[NDArray[np.uint8]]) -> None:
    card = frames[7 * FPS]
    assert not any(striped(card, box) for box in (BENCH, LEFT, RIGHT))
    middle = HEIGHT // 2
    title, times = Box(0, middle - 70, WIDTH, 84), Box(0, middle + 12, WIDTH, 60)
    assert says(card, title, tuple(CARDS.values()), 44) == CARDS["recess"]
    # 1790000000.25 s is 22:13:20.25 in Shanghai
    assert says(card, times, tuple(f"22\\:13\\:{26 + s} – 22\\:13\\:{28 + s}" for s in range(-3, 4)), 30) == "22\\:13\\:26 – 22\\:13\\:28"


def test_each_voice_is_alone_and_in_step_with_the_film(hearing: Path, frames: list[NDArray[np.uint8]]) -> None:
    assert frames
    timeline, manifest = load(hearing)
    judge, zhang, li = places(timeline, manifest, read_rows(hearing / "events.jsonl"))
    heard = {name: beeps_of(voice(hearing, place)) for name, place in (("judge", judge), ("zhang", zhang), ("li", li))}
    assert heard["judge"] == pytest.approx([1.0, 9.0], abs=0.05)
    assert heard["zhang"] == pytest.approx([2.0], abs=0.05)
    assert heard["li"] == pytest.approx([4.5, 11.0], abs=0.05)
    assert beeps_of(hearing / "derived" / "composite.mp4") == pytest.approx(sorted(itertools.chain(*heard.values())), abs=0.05)
    for place in (judge, zhang, li):
        with av.open(str(voice(hearing, place))) as sound_file:
            assert sound_file.streams.audio[0].codec_context.name == "opus"
            assert sound_file.duration is not None
            assert sound_file.duration / 1e6 == pytest.approx(12, abs=0.1)
    assert verify(hearing).problems == []


OWN = PROCEDURES["remote_court"].text.replace("version: 2026-1", "version: 云河 2027").replace("seat: opposed", "seat: right")
"""A court in which the parties sit at one side."""


def opened_by(text: str) -> Row:
    return chain("s1", 1, 1, GENESIS, Event("conference_opened", 1, {"plan": make_plan("s1", procedure=text).to_json()}))


def test_people_sit_and_speak_by_the_version_that_the_sealed_log_names(hearing: Path) -> None:
    timeline, manifest = load(hearing)
    meta = manifest["meta"]
    held = held_by(meta, [opened_by(OWN)])
    assert held is not None
    assert held.version == "云河 2027"
    shown = places(timeline, manifest, read_rows(hearing / "events.jsonl"))
    assert (hall(held, shown).left, hall(held, shown).right) == ((), (1, 2))
    assert held_by(meta, [opened_by("")]) == BRIEF_COURT, "logs of before do not say it"
    assert held_by(meta | {"procedure": OWN}, []) == held, "a folder without a log has the manifest"
    assert held_by(meta | {"procedure": None}, []) == PROCEDURES["remote_court"]
    assert held_by(meta, [opened_by("words: of another time")]) == PROCEDURES["remote_court"]
    assert held_by(meta | {"kind": "trial by ordeal"}, [opened_by(OWN)]) is None


def test_a_log_of_another_make_leaves_everybody_who_was_recorded(hearing: Path) -> None:
    timeline, manifest = load(hearing)
    assert [place.people[0].name for place in places(timeline, manifest, [])] == ["周正", "张某", "李某"]


async def test_a_voice_that_is_no_more_goes_when_the_film_is_made_again(hearing: Path, frames: list[NDArray[np.uint8]]) -> None:
    assert frames
    former = hearing / "derived" / "voices" / "0000000000000000.webm"
    former.write_bytes(b"x")
    await film(hearing)
    assert len(list(former.parent.iterdir())) == 3
    assert not former.exists()
