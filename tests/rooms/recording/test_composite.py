"""The film of a sitting: everybody in place and in time, names readable, the court's clock, recesses as cards."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from rooms.recording.attendance import Person, Place
from rooms.recording.batch import Batch, Source
from rooms.recording.composite import CompositeError, compose, posix_zone
from rooms.recording.film_words import captions, fitted, from_to
from rooms.recording.folder import SittingFolder
from rooms.recording.fonts import any_font, find_font
from rooms.recording.frame import Timed
from rooms.recording.h264 import PPS, SPS, configuration, kind_of, picture_size
from rooms.recording.layout import HEAD, WIDTH, Box, caption, grid, people, people_beside_screen, picture, screen
from rooms.recording.running import ffmpeg_program
from rooms.recording.seal import seal_folder
from rooms.recording.vp8 import key_frame_size
from rooms.verification.folder import verify
from tests.rooms.recording.streams import FPS, beeps_of, h264_frames, h264_key, nal_units, opus_packets, vp8_frames

START_US = 1_790_000_000_250_000
META = {
    "title": "李某诉王某买卖合同纠纷",
    "case_number": "(2026)苏03民初12号",
    "participants": [{"id": "p1", "name": "李明", "role": "judge"}, {"id": "p2", "name": "王芳", "role": "party"}],
    "endpoints": {"alice": {"participants": ["p1"]}, "bob": {"participants": ["p2"]}},
}


def video(at_s: float, frames: tuple[bytes, ...]) -> list[Timed]:
    return [
        Timed(START_US + round((at_s + index / FPS) * 1e6), 0, key_frame_size(frame) is not None, frame, key_frame_size(frame))
        for index, frame in enumerate(frames)
    ]


def h264_video(at_s: float, frames: tuple[bytes, ...]) -> list[Timed]:
    """The same in H.264, as the depacketiser gives it out."""
    out: list[Timed] = []
    for index, frame in enumerate(frames):
        sets = [unit for unit in nal_units(frame) if kind_of(unit) in (SPS, PPS)]
        size, private = (picture_size(sets[0]), configuration(sets)) if h264_key(frame) else (None, b"")
        out.append(Timed(START_US + round((at_s + index / FPS) * 1e6), 0, size is not None, frame, size, private))
    return out


def sound(at_s: float, packets: tuple[bytes, ...]) -> list[Timed]:
    return [Timed(START_US + round((at_s + index * 0.02) * 1e6), 20_000, True, packet) for index, packet in enumerate(packets)]


def at(seconds: float) -> int:
    return START_US + round(seconds * 1e6)


def put(folder: SittingFolder, source: Source, frames: list[Timed], now_us: int) -> None:
    folder.write([Batch(source, frames, 1, 0)], now_us)


@pytest.fixture
def sitting(tmp_path: Path) -> Path:
    """12 s: alice with picture and sound throughout, bob from 1 s on with sound alone, a recess from 5 s to 7 s, then a shared screen."""
    root = tmp_path / "it's s1"
    folder = SittingFolder(root, lambda name, fields: None)
    folder.open()
    folder.start(1, at(0), "hearing_opened", "judge")
    camera, microphone = Source(1, "alice", "camera", "VP8", 1), Source(2, "alice", "microphone", "opus", 2)
    bob = Source(3, "bob", "microphone", "opus", 3)
    put(folder, camera, video(0, vp8_frames(5.0, (2.0,))), at(5))
    put(folder, microphone, sound(0, opus_packets(5.0, (2.0,))), at(5))
    put(folder, bob, sound(1, opus_packets(2.0, (0.5,))), at(5))  # then muted
    folder.stop(1, at(5), "recess", "judge")
    folder.start(1, at(7), "resumed", "judge")
    camera, microphone = Source(4, "alice", "camera", "VP8", 1), Source(5, "alice", "microphone", "opus", 2)
    shared = Source(6, "alice", "screen", "VP8", 4)
    put(folder, camera, video(7, vp8_frames(3.0)), at(12))
    folder.roll("clock")  # the same track goes on in another file that overlaps
    put(folder, camera, video(9.5, vp8_frames(2.5, (1.5,))), at(12))
    put(folder, microphone, sound(7, opus_packets(5.0, (4.0,))), at(12))
    put(folder, shared, video(9, vp8_frames(2.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8), (640, 360))), at(12))
    folder.stop(1, at(12), "closed", "judge")
    folder.close_lines()
    seal_folder(root, {"sitting": "s1", **META}, at(13))
    return root


async def film(folder: Path, font: Path | None = None) -> Path:
    async for _ in compose(folder, font=font or find_font(), tz="Asia/Shanghai"):
        pass
    return folder / "derived" / "composite.mp4"


def pictures(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray").astype(np.uint8) for frame in container.decode(video=0)]


def onsets(bright: list[bool]) -> list[float]:
    return [index / FPS for index in range(1, len(bright)) if bright[index] and not bright[index - 1]]


async def test_the_film_shows_and_sounds_what_was_made_when_it_was_made(sitting: Path) -> None:
    originals = {path: path.read_bytes() for path in sitting.rglob("*") if path.is_file()}
    steps = [step.fraction async for step in compose(sitting, font=find_font(), tz="Asia/Shanghai")]
    assert steps == sorted(steps)
    assert steps[-1] == 1.0
    path = sitting / "derived" / "composite.mp4"
    with av.open(str(path)) as container:
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(12.0, abs=0.1)
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 1280, 720)
        assert container.streams.audio[0].codec_context.name == "aac"
    frames = pictures(path)
    box = picture(people(2)[0])
    middle = [frame[box.y + 40 : box.y + box.height - 40, box.x + 40 : box.x + box.width - 40].mean() for frame in frames]
    flashes = [start for start in onsets([value > 180 for value in middle]) if not 8.9 < start < 9.1]  # there the white screen begins
    assert flashes == pytest.approx([2.0, 11.04], abs=0.13)
    assert beeps_of(path) == pytest.approx([1.5, 2.0, 11.0], abs=0.1)
    assert {path: path.read_bytes() for path in originals} == originals
    assert sorted(path.name for path in (sitting / "derived").iterdir()) == ["composite.mp4", "progress", "timeline.json", "voices"]


async def test_who_came_back_in_another_codec_and_another_size_is_shown_throughout(tmp_path: Path) -> None:
    root = tmp_path / "s1"
    folder = SittingFolder(root, lambda name, fields: None)
    folder.open()
    folder.start(1, at(0), "hearing_opened", "judge")
    first, second, third = (Source(n, "alice", "camera", codec, n) for n, codec in ((1, "VP8"), (2, "H264"), (3, "VP8")))
    put(folder, first, video(0, vp8_frames(2.0, (1.0,))), at(2))
    folder.end_track(first, "replaced", is_loss=False)
    put(folder, second, h264_video(2, h264_frames(2.0, (1.0,))), at(4))
    put(folder, second, h264_video(4, h264_frames(2.0, (1.0,), (640, 360))), at(6))
    folder.end_track(second, "replaced", is_loss=False)
    put(folder, third, video(6, vp8_frames(2.0, (1.0,))), at(8))
    put(folder, Source(4, "alice", "microphone", "opus", 4), sound(0, opus_packets(8.0, (1.0, 3.0, 5.0, 7.0))), at(8))
    folder.stop(1, at(8), "closed", "judge")
    folder.close_lines()
    seal_folder(root, {"sitting": "s1", **META}, at(9))

    rows = [json.loads(line) for line in (root / "segments.jsonl").read_text().splitlines()]
    cameras = [row for row in rows if row["row"] == "opened" and row["source"] == "camera"]
    assert [row["codec"] for row in cameras] == ["VP8", "H264", "H264", "VP8"]
    causes = {row["file"]: row["cause"] for row in rows if row["row"] == "closed"}
    assert [causes[row["file"]] for row in cameras] == ["replaced", "resized", "replaced", "stopped"]
    assert verify(root).problems == []

    path = await film(root)
    box = picture(people(1)[0])
    middle = [frame[box.y + 40 : box.y + box.height - 40, box.x + 40 : box.x + box.width - 40].mean() for frame in pictures(path)]
    assert onsets([value > 180 for value in middle]) == pytest.approx([1.0, 3.0, 5.0, 7.0], abs=0.1)
    assert min(middle) > 50, "there was a moment without a picture"
    assert beeps_of(path) == pytest.approx([1.0, 3.0, 5.0, 7.0], abs=0.1)


async def test_a_shared_screen_is_large_while_it_is_shared(sitting: Path) -> None:
    frames = pictures(await film(sitting))
    area = screen()
    value = [float(frame[area.y + 80 : area.y + area.height - 80, area.x + 20 : area.x + area.width - 20].mean()) for frame in frames]
    assert value[10 * FPS] > 200
    assert max(value[: 8 * FPS] + value[int(11.6 * FPS) :]) < 200


async def test_the_bands_say_where_nothing_was_recorded(sitting: Path) -> None:
    await film(sitting)
    line = json.loads((sitting / "derived" / "timeline.json").read_text())
    assert line["start_us"] == at(0)
    assert line["duration_s"] == 12.0
    assert [(band["kind"], band["from_us"], band["to_us"]) for band in line["bands"]] == [
        ("recording", at(0), at(5)),
        ("recess", at(5), at(7)),
        ("recording", at(7), at(12)),
    ]


def drawn(text: str, font: Path, size: int = 24, width: int = 420) -> NDArray[np.uint8]:
    """A text as ffmpeg draws it, white on black."""
    command = [
        *(ffmpeg_program(), "-loglevel", "error", "-f", "lavfi", "-i", f"color=c=black:s={width}x60:d=0.1:r=10"),
        *("-vf", f"drawtext=fontfile={font}:text='{text}':expansion=none:x=20:y=12:fontsize={size}:fontcolor=white"),
        *("-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-"),
    ]
    done = subprocess.run(command, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(60, width)


def ink(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The written part of a picture, cut to its edges."""
    dark = picture > 130
    rows, columns = np.nonzero(dark.any(axis=1))[0], np.nonzero(dark.any(axis=0))[0]
    return dark[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def likeness(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Share of the ink that two texts have in common."""
    height, width = max(first.shape[0], second.shape[0]), max(first.shape[1], second.shape[1])
    a, b = np.zeros((height, width), bool), np.zeros((height, width), bool)
    a[: first.shape[0], : first.shape[1]] = first
    b[: second.shape[0], : second.shape[1]] = second
    return float((a & b).sum() / (a | b).sum())


async def test_the_clock_of_the_court_is_burnt_in(sitting: Path) -> None:
    font = find_font()
    assert font is not None
    frames = pictures(await film(sitting))
    for second in (3, 6, 10):  # during the recess too
        shown = ink(frames[second * FPS][2 : HEAD - 2, WIDTH - 320 :])
        # 1790000000.25 s is 22:13:20.25 in Shanghai
        likest = max(range(13), key=lambda s: likeness(shown, ink(drawn(f"2026-09-21 22\\:13\\:{20 + s}", font))))
        assert likest == second


def test_a_chinese_name_is_no_box() -> None:
    font = find_font()
    assert font is not None, "install fonts-noto-cjk"
    court, box = drawn("庭", font, 40), drawn("\U0010ffff", font, 40)
    assert court.max() > 200
    assert np.abs(court.astype(int) - box.astype(int)).max() > 100


def strip(box: Box) -> tuple[slice, slice]:
    return slice(box.y + 2, box.y + box.height - 2), slice(box.x, box.x + box.width)


async def test_names_are_under_the_tiles_and_without_a_font_no_boxes_are(sitting: Path) -> None:
    def names(frames: list[NDArray[np.uint8]]) -> list[bool]:
        return [bool((frames[FPS][strip(caption(cell))] > 150).any()) for cell in people(2)]

    assert names(pictures(await film(sitting))) == [True, True]
    with_font = pictures(sitting / "derived" / "composite.mp4")[FPS]
    async for _ in compose(sitting, font=None, tz="Asia/Shanghai"):
        pass
    without = pictures(sitting / "derived" / "composite.mp4")[FPS]
    name = strip(caption(people(2)[0]))
    assert any_font() is not None
    assert 0 < (without[name] > 150).sum() < (with_font[name] > 150).sum()


def test_people_are_called_by_name_and_role_as_far_as_there_is_room() -> None:
    place = Place("x", (Person("p1", "李明", "judge"),), frozenset({"alice"}), (), ())
    assert captions(place)[0] == "李明 · 审判员 Judge"
    assert fitted(captions(place), 300, 19) == "李明 · 审判员 Judge"
    assert fitted(captions(place), 150, 19) == "李明 · 审判员"
    assert fitted(captions(place), 30, 19) == "…"
    assert captions(Place("x", (), frozenset({"unknown"}), (), ())) == ["unknown"]


def test_a_recess_over_midnight_is_told_with_its_dates() -> None:
    assert from_to(at(5), at(7), "Asia/Shanghai") == "22:13:25 – 22:13:27"
    assert from_to(at(5), at(7 + 86_400), "Asia/Shanghai") == "2026-09-21 22:13:25 – 2026-09-22 22:13:27"


def test_a_missing_font_that_was_set_is_told_by_none(tmp_path: Path) -> None:
    assert find_font(tmp_path / "none.ttf") is None
    assert find_font("") == find_font(None)


async def test_a_killed_ffmpeg_leaves_no_film_and_the_next_try_makes_it(sitting: Path) -> None:
    steps = compose(sitting, font=find_font(), tz="Asia/Shanghai")
    await anext(steps)
    await steps.aclose()
    assert not (sitting / "derived" / "composite.mp4").exists()
    assert (await film(sitting)).stat().st_size > 10_000


async def test_an_ffmpeg_that_fails_says_so(sitting: Path) -> None:
    with pytest.raises(CompositeError):
        async for _ in compose(sitting, font=find_font(), tz="UTC", ffmpeg="/bin/false"):
            pass
    assert not (sitting / "derived" / "composite.mp4").exists()


async def test_a_folder_that_is_not_sealed_makes_no_film(tmp_path: Path) -> None:
    with pytest.raises(CompositeError):
        async for _ in compose(tmp_path, font=None, tz="UTC"):
            pass


def test_ffmpeg_runs_at_the_lowest_priority_and_dies_with_its_owner(sitting: Path, tmp_path: Path) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text(f"#!/bin/sh\nps -o ni= -p $$ > {tmp_path}/nice || cut -d' ' -f19 /proc/$$/stat > {tmp_path}/nice\nexit 1\n")
    fake.chmod(0o755)

    async def run() -> None:
        async for _ in compose(sitting, font=find_font(), tz="UTC", ffmpeg=str(fake)):
            pass

    with pytest.raises(CompositeError):
        asyncio.run(run())
    assert (tmp_path / "nice").read_text().strip() == "19"


@pytest.mark.parametrize(
    ("zone", "posix"), [("Asia/Shanghai", "<+0800>-08:00:00"), ("UTC", "<+0000>-00:00:00"), ("America/St_Johns", "<-0230>02:30:00")]
)
def test_a_time_zone_is_given_to_ffmpeg_as_an_offset(zone: str, posix: str) -> None:
    assert posix_zone(zone, 1_790_000_000_000_000) == posix


@pytest.mark.parametrize("count", range(1, 17))
def test_tiles_never_overlap_nor_leave_the_picture(count: int) -> None:
    for cells in (people(count), people_beside_screen(count)):
        assert len(cells) == count
        taken = np.zeros((720, 1280), int)
        for cell in cells:
            assert cell.x >= 0
            assert cell.x + cell.width <= 1280
            assert cell.y >= HEAD
            assert cell.y + cell.height <= 720
            taken[cell.y : cell.y + cell.height, cell.x : cell.x + cell.width] += 1
            assert picture(cell).width > 0 < picture(cell).height
        assert taken.max() == 1
    assert grid(0, screen()) == []
