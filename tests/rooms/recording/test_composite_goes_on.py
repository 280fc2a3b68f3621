"""Whoever made a film was killed: the next one goes on where the last whole part ended, and the film is the same."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rooms.recording import composite
from rooms.recording.batch import Source
from rooms.recording.composite import WORK, compose
from rooms.recording.folder import SittingFolder
from rooms.recording.fonts import find_font
from rooms.recording.layout import people, picture
from rooms.recording.matroska import key_times_ms
from rooms.recording.seal import seal_folder
from tests.rooms.recording.streams import beeps_of, h264_frames, opus_packets, vp8_frames
from tests.rooms.recording.test_composite import META, at, h264_video, onsets, pictures, put, sound, video

PART_S = 2
MAKER = f"""
import asyncio, sys
from pathlib import Path
from rooms.recording import composite, film
from rooms.recording.fonts import find_font
film.PART_S = composite.PART_S = {PART_S}
async def make():
    async for step in composite.compose(Path(sys.argv[1]), font=find_font(), tz="Asia/Shanghai"):
        print(step.fraction, flush=True)
asyncio.run(make())
"""


@pytest.fixture
def sitting(tmp_path: Path) -> Path:
    """24 s of a judge in VP8 and a party in H.264, each in two files, with key frames within them. Flashes: both at 1 s of every 4."""
    root = tmp_path / "s1"
    folder = SittingFolder(root, lambda name, fields: None)
    folder.open()
    folder.start(1, at(0), "hearing_opened", "judge")
    judge, party = Source(1, "alice", "camera", "VP8", 1), Source(2, "bob", "camera", "H264", 2)
    for start_s in range(0, 24, 4):
        if start_s == 12:
            folder.roll("clock")
        put(folder, judge, video(start_s, vp8_frames(4.0, (1.0,))), at(start_s + 4))
        put(folder, party, h264_video(start_s, h264_frames(4.0, (1.0,))), at(start_s + 4))
    put(folder, Source(3, "alice", "microphone", "opus", 3), sound(0, opus_packets(24.0, (3.0, 17.0))), at(24))
    folder.stop(1, at(24), "closed", "judge")
    folder.close_lines()
    seal_folder(root, {"sitting": "s1", **META}, at(25))
    return root


def kill_after(root: Path, parts: int) -> float:
    """Have another process make the film, and kill it when it has begun so many parts; how far it said it was."""
    with subprocess.Popen([sys.executable, "-c", MAKER, str(root)], stdout=subprocess.PIPE, text=True) as maker:
        while not (root / "derived" / WORK / f"part-{parts - 1:06d}.mkv").exists():
            assert maker.poll() is None, "it was ready before it could be killed"
            time.sleep(0.005)
        os.kill(maker.pid, signal.SIGKILL)
        told = maker.communicate()[0].split()
    return float(told[-1])


@pytest.mark.long
async def test_a_film_whose_maker_was_killed_twice_goes_on_and_is_in_time(sitting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("film", "composite"):
        monkeypatch.setattr(f"rooms.recording.{module}.PART_S", PART_S)
    files = sorted((sitting / "tracks").glob("*camera*"))
    assert any(len(list(key_times_ms(path))) > 1 for path in files), "there is a place in a file from which a decoder can begin"
    kept: dict[str, int] = {}
    for parts in (4, 9):
        await asyncio.to_thread(kill_after, sitting, parts)
        work = sitting / "derived" / WORK
        before = {path.name: path.stat().st_mtime_ns for path in sorted(work.glob("part-*.mkv"))}
        assert {name: before[name] for name in kept} == kept, "what was whole is not made again"
        kept = dict(list(before.items())[:-1])
    whole_s = len(kept) * PART_S
    voices = {path: path.stat().st_mtime_ns for path in (sitting / "derived" / "voices").iterdir()}
    steps = [step.fraction async for step in compose(sitting, font=find_font(), tz="Asia/Shanghai")]
    assert steps[0] >= composite.SOUND_SHARE + composite.PICTURE_SHARE * whole_s / 24 - 1e-6
    assert steps == sorted(steps)
    assert {path: path.stat().st_mtime_ns for path in voices} == voices
    assert not (sitting / "derived" / WORK).exists()

    path = sitting / "derived" / "composite.mp4"
    frames = pictures(path)
    assert len(frames) == 24 * 25
    for cell in people(2):
        box = picture(cell)
        middle = [frame[box.y + 40 : box.y + box.height - 40, box.x + 40 : box.x + box.width - 40].mean() > 180 for frame in frames]
        flashes = [second for second in onsets(middle) if second > 0.5]
        assert flashes == pytest.approx([1.0, 5.0, 9.0, 13.0, 17.0, 21.0], abs=0.13)
    assert beeps_of(path) == pytest.approx([3.0, 17.0], abs=0.1)


async def test_what_was_begun_for_other_originals_is_begun_anew(sitting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("film", "composite"):
        monkeypatch.setattr(f"rooms.recording.{module}.PART_S", PART_S)
    await asyncio.to_thread(kill_after, sitting, 4)
    (sitting / "derived" / WORK / "made_for").write_text("another recording")
    async with contextlib.aclosing(compose(sitting, font=find_font(), tz="Asia/Shanghai")) as steps:
        assert (await anext(steps)).fraction <= composite.SOUND_SHARE
        assert list((sitting / "derived" / WORK).glob("part-*")) == []


@pytest.mark.long
async def test_a_part_that_cannot_be_played_fails_the_film_once(sitting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("film", "composite"):
        monkeypatch.setattr(f"rooms.recording.{module}.PART_S", PART_S)
    await asyncio.to_thread(kill_after, sitting, 6)
    part = sitting / "derived" / WORK / "part-000001.mkv"
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 3])  # as a power cut leaves it
    with pytest.raises(composite.CompositeError):
        async for _ in compose(sitting, font=find_font(), tz="Asia/Shanghai"):
            pass
    async for _ in compose(sitting, font=find_font(), tz="Asia/Shanghai"):
        pass
    assert len(pictures(sitting / "derived" / "composite.mp4")) == 24 * 25
    assert json.loads((sitting / "derived" / "timeline.json").read_text())["duration_s"] == 24.0
