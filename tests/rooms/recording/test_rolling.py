"""A recorder that was killed leaves a prefix that is proven: verify says how far, and what was changed in it is found."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from rooms.recording.segment import Segment
from rooms.verification.command import main
from rooms.verification.folder import verify
from rooms.verification.report import Report
from tests.rooms.recording.conftest import Site, now_us
from tests.rooms.recording.folders import a_folder, flip, rewrite, rolled
from tests.rooms.recording.streams import Sender, merged, opus_packets, vp8_frames
from tests.rooms.recording.test_formats import video

CAMERA = "tracks/0001-camera-alice.mkv"


def problems(root: Path) -> set[tuple[str, str]]:
    return {(problem.code, problem.file) for problem in verify(root).problems}


def proven(report: Report) -> dict[str, int]:
    return {each.file: each.proven for each in report.proven}


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A folder whose last digests were written before its last bytes."""
    root = rolled(a_folder(tmp_path / "s1"), 1_790_000_000_000_000, head=400)
    for name in (CAMERA, "heartbeat.jsonl"):
        with open(root / name, "ab") as file:
            file.write(b'{"after":1}\n' * 10)
    return root


async def recorded(site: Site, seconds: float = 3.0) -> Path:
    """A recorder under way, some seconds of it on the disk."""
    await site.client.open("s1", 1, "s1", "t")
    await site.client.record("s1", 1, True, "hearing_opened", "judge")
    made = now_us() - int(seconds * 1e6)
    camera, microphone = Sender(1, "alice", "camera", made), Sender(2, "alice", "microphone", made)
    packets = merged(camera.send(vp8_frames(seconds)), microphone.send(opus_packets(seconds)))
    await site.engine.announce(camera, microphone)
    await site.engine.play(packets)
    await site.written(len(packets))
    return site.recordings / "s1"


async def test_what_a_killed_recorder_had_synced_is_proven(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    root = await recorded(site)
    beats = site.count("heartbeat")
    await site.until(lambda: site.count("heartbeat") > beats)
    await site.kill()
    report = verify(root)
    assert (report.ok, report.sealed, report.unchecked) == (True, False, ["unsealed"])
    for each in report.proven:
        assert each.proven == each.bytes, each
        assert each.bytes or each.file == "events.jsonl"
        assert each.at.startswith("20"), each
    assert {name.split("-")[1] for name in proven(report) if name.startswith("tracks/")} == {"camera", "microphone"}
    assert main([str(root), "--lang", "en"]) == 3
    assert "NOT SEALED" in capsys.readouterr().out
    for position in (50, 700, os.path.getsize(root / CAMERA) - 1):
        rewrite(root / CAMERA, flip(position))
        assert problems(root) == {("prefix_changed", CAMERA)}, position
        rewrite(root / CAMERA, flip(position))


async def test_the_next_recorder_goes_on_in_the_same_chain_and_closed_files_are_proven_whole(site: Site) -> None:
    root = await recorded(site)
    await site.kill()
    await site.start()
    await site.client.open("s1", 2, "s1", "t")
    await site.client.record("s1", 2, True, "recorder_restarted", "")
    await site.client.record("s1", 2, False, "closed", "judge")
    report = verify(root)
    assert report.ok, report.problems
    assert [row["kind"] for row in report.ledger] == ["restart"]
    assert all(each.proven == each.bytes for each in report.proven)


async def test_a_segment_that_was_closed_is_proven_with_the_head_it_got_then(site: Site) -> None:
    root = await recorded(site)
    await site.client.record("s1", 1, False, "closed", "judge")
    report = verify(root)
    assert report.ok, report.problems
    tracks = [each for each in report.proven if each.file.startswith("tracks/")]
    assert [(each.closed, each.after) for each in tracks] == [(True, 0)] * 2
    rewrite(root / CAMERA, lambda content: content + b"x")
    assert problems(root) == {("file_resized", CAMERA)}


async def test_what_a_segment_rolled_is_what_is_in_its_file_without_reading_it(tmp_path: Path) -> None:
    told: list[dict[str, object]] = []
    segment = Segment(tmp_path / "a.mkv", "VP8", video(1)[0])
    for frame in video(100):
        segment.append(frame)
    segment.close(told.append)
    (row,) = told
    content = (tmp_path / "a.mkv").read_bytes()
    head = row["head"]
    assert isinstance(head, dict)
    assert 100 < head["bytes"] < 2000
    assert row["bytes"] == len(content)
    assert head["sha256"] == hashlib.sha256(content[: head["bytes"]]).hexdigest()
    assert row["sha256"] == hashlib.sha256(content[head["bytes"] :]).hexdigest()
    assert row["sm3"] == hashlib.new("sm3", content[head["bytes"] :]).hexdigest()


async def test_a_file_that_was_cut_back_is_read_again(tmp_path: Path) -> None:
    told: list[dict[str, object]] = []
    segment = Segment(tmp_path / "a.mkv", "VP8", video(1)[0])
    for frame in video(60):
        segment.append(frame)
    segment.broken = True
    segment.close(told.append)
    content = (tmp_path / "a.mkv").read_bytes()
    head = told[0]["head"]
    assert isinstance(head, dict)
    assert (told[0]["bytes"], told[0]["sha256"]) == (len(content), hashlib.sha256(content[head["bytes"] :]).hexdigest())


def test_what_came_after_the_last_digests_is_counted_and_not_vouched_for(crashed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = verify(crashed)
    found = {each.file: each for each in report.proven}
    assert (found[CAMERA].proven, found[CAMERA].after, found[CAMERA].at) == (5000, 120, "2026-09-21T14:13:20.000Z")
    rewrite(crashed / CAMERA, flip(5010))
    assert verify(crashed).ok
    main([str(crashed), "--lang", "en"])
    assert f"{CAMERA}: 5000 of 5120 B proven, written by 2026-09-21T14:13:20.000Z; 120 B came after" in capsys.readouterr().out
    main([str(crashed), "--lang", "zh-CN"])
    assert "其中 5000 B 已证明" in capsys.readouterr().out


@pytest.mark.parametrize("where", [0, 399, 400, 2500, 4999])
def test_a_changed_byte_in_what_is_proven_names_its_file(crashed: Path, where: int) -> None:
    rewrite(crashed / CAMERA, flip(where))
    assert problems(crashed) == {("prefix_changed", CAMERA)}


def test_a_file_that_was_cut_or_taken_away_is_named(crashed: Path) -> None:
    rewrite(crashed / CAMERA, lambda content: content[:4000])
    assert problems(crashed) == {("prefix_changed", CAMERA)}
    (crashed / CAMERA).unlink()
    assert problems(crashed) == {("file_missing", CAMERA)}


def test_one_file_of_a_folder_is_asked_for(crashed: Path) -> None:
    report = verify(crashed / CAMERA)
    assert list(proven(report)) == [CAMERA]


def test_a_row_of_digests_that_was_made_to_fit_breaks_the_chain(crashed: Path) -> None:
    rolled_again = json.loads((crashed / "digests.jsonl").read_bytes())
    rolled_again["files"][0]["bytes"] += 1
    rewrite(crashed / "digests.jsonl", lambda _: json.dumps(rolled_again).encode() + b"\n")
    assert ("rows_broken", "digests.jsonl") in problems(crashed)


def test_a_row_that_the_kill_cut_off_is_nobodys_doing(crashed: Path) -> None:
    for name in ("digests.jsonl", "events.jsonl"):
        with open(crashed / name, "ab") as file:
            file.write(b'{"seq":')
    assert verify(crashed).ok
