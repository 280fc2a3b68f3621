"""A real disk that is full, hangs, is slow, becomes read-only or goes away: an ext4 file system in a file, mounted for the test.

What is recorded goes on in the second folder where there is one, and when it is sealed everything is together again.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from rooms.recording.control import RecorderError
from rooms.verification.folder import verify
from tests.rooms.recording.conftest import Site, now_us
from tests.rooms.recording.failing_disk import FAULTS, Disk
from tests.rooms.recording.folders import event_rows
from tests.rooms.recording.streams import Sender, frames_of
from tests.rooms.recording.test_faults import feed_until, kinds, record


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Its name is that of the recorder's directory."""
    try:
        made = Disk(tmp_path / "image", tmp_path / "recordings")
    except OSError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    yield made
    made.close()


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_second_folder_takes_over_and_everything_is_together_when_it_is_sealed(disk: Disk, site: Site, fault: str) -> None:
    break_it, mend_it, cause = FAULTS[fault]
    await site.kill()
    second = site.second = site.recordings.parent / "second"
    await site.start()
    await record(site)
    await site.client.events("s1", 1, event_rows(3))
    camera, microphone = Sender(1, "alice", "camera", now_us()), Sender(2, "alice", "microphone", now_us())
    for _ in range(3):
        await feed_until(site, "heartbeat", camera, microphone)
    proven = {file["file"]: file["bytes"] for row in site.rows("digests.jsonl") for file in row["files"]}
    break_it(disk)
    broken_us = now_us()
    await feed_until(site, "alarm", camera, microphone)
    assert site.last_fields("alarm")["cause"] == cause
    if not site.count("alarm_cleared"):
        await feed_until(site, "alarm_cleared", camera, microphone)
    for _ in range(3):
        await feed_until(site, "heartbeat", camera, microphone)
    assert (second / "s1").is_dir()
    await site.client.events("s1", 1, event_rows(5))
    await site.client.record("s1", 1, False, "closed", "judge")
    mend_it(disk)
    await site.client.seal("s1", 1, {})

    assert not (second / "s1").exists()
    report = verify(site.recordings / "s1")
    assert report.ok, report.problems
    assert (report.events, report.lost) == (5, ())
    assert {"start", "alarm", "restart", "alarm_cleared", "stop"} <= set(kinds(site))
    restart = next(row for row in site.rows("ledger.jsonl") if row["kind"] == "restart")
    assert (restart["cause"], restart["reason"]) == (cause, "second_target")
    segments = site.segments()
    for row in segments:
        assert frames_of(site.recordings / "s1" / row["file"]) >= row["frames"] > 0, row
    for source in ("camera", "microphone"):
        first, later = [row for row in segments if row["source"] == source]
        assert (site.recordings / "s1" / first["file"]).stat().st_size >= proven[first["file"]], "what was written before is there"
        assert first["end_us"] >= broken_us - 3_000_000
        gaps = sorted((r["from_us"], r["to_us"]) for r in site.rows("ledger.jsonl") if r["kind"] == "gap" and r["source"] == source)
        assert gaps[0][0] == pytest.approx(first["end_us"], abs=100_000), "also of what the kernel had taken and the disk lost"
        assert gaps[-1][1] == later["start_us"]
        assert all(before[1] == after[0] for before, after in itertools.pairwise(gaps))


async def test_a_recorder_that_is_killed_in_the_second_folder_goes_on_there(disk: Disk, site: Site) -> None:
    await site.kill()
    site.second = site.recordings.parent / "second"
    await site.start()
    await record(site)
    camera, microphone = Sender(1, "alice", "camera", now_us()), Sender(2, "alice", "microphone", now_us())
    await feed_until(site, "heartbeat", camera, microphone)
    await feed_until(site, "heartbeat", camera, microphone)
    disk.go_away()
    await feed_until(site, "alarm", camera, microphone)
    if not site.count("alarm_cleared"):
        await feed_until(site, "alarm_cleared", camera, microphone)
    await feed_until(site, "heartbeat", camera, microphone)
    await site.kill()
    await site.start()
    await record(site, "recorder_restarted")
    await feed_until(site, "heartbeat", camera, microphone)
    await site.client.record("s1", 1, False, "closed", "judge")
    with pytest.raises(RecorderError):
        await site.client.seal("s1", 1, {})  # the first folder is not there yet
    disk.come_back()
    await site.client.seal("s1", 1, {})
    assert verify(site.recordings / "s1").ok
    assert [row["cause"] for row in site.rows("ledger.jsonl") if row["kind"] == "restart"] == ["write_failed", "recorder_restarted"]


async def test_a_full_disk_does_not_keep_a_hearing_from_being_recorded_in_the_second_folder(disk: Disk, site: Site) -> None:
    await site.kill()
    site.second = site.recordings.parent / "second"
    await site.start()
    await site.client.open("s1", 1, "s1", "t")
    disk.fill()
    await site.client.record("s1", 1, True, "hearing_opened", "judge")
    camera, microphone = Sender(1, "alice", "camera", now_us()), Sender(2, "alice", "microphone", now_us())
    await feed_until(site, "heartbeat", camera, microphone)
    await feed_until(site, "heartbeat", camera, microphone)
    await site.client.record("s1", 1, False, "closed", "judge")
    disk.empty()
    await site.client.seal("s1", 1, {})
    assert verify(site.recordings / "s1").ok
    assert {row["source"] for row in site.segments()} == {"camera", "microphone"}


async def test_a_disk_that_hangs_without_a_second_folder_loses_nothing_once_it_answers(disk: Disk, site: Site) -> None:
    await record(site)
    camera, microphone = Sender(1, "alice", "camera", now_us()), Sender(2, "alice", "microphone", now_us())
    await feed_until(site, "heartbeat", camera, microphone)
    await feed_until(site, "heartbeat", camera, microphone)
    disk.freeze()
    await feed_until(site, "alarm", camera, microphone)
    assert "does not answer" in site.last_fields("alarm")["detail"]
    disk.thaw()
    await feed_until(site, "alarm_cleared", camera, microphone)
    await feed_until(site, "heartbeat", camera, microphone)
    await site.client.record("s1", 1, False, "closed", "judge")
    assert kinds(site) == ["start", "alarm", "alarm_cleared", "stop"], "a delay is no gap"
    assert [row["cause"] for row in site.segments()] == ["stopped", "stopped"]


async def test_a_slow_disk_delays_nothing_but_the_disk(disk: Disk, site: Site) -> None:
    """It answers for a third of the time: no alarm, since each heartbeat arrives, and everything is written."""
    await record(site)
    camera, microphone = Sender(1, "alice", "camera", now_us()), Sender(2, "alice", "microphone", now_us())
    await feed_until(site, "heartbeat", camera, microphone)
    slow = asyncio.create_task(_slow(disk))
    try:
        for _ in range(4):
            await feed_until(site, "heartbeat", camera, microphone)
    finally:
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
    await site.client.record("s1", 1, False, "closed", "judge")
    assert kinds(site) == ["start", "stop"]
    assert [(row["lost"], row["cause"]) for row in site.segments()] == [(0, "stopped")] * 2
    for row in site.segments():
        assert frames_of(site.recordings / "s1" / row["file"]) == row["frames"] > 0


async def _slow(disk: Disk) -> None:
    while True:
        await asyncio.to_thread(disk.freeze)
        try:
            await asyncio.sleep(0.6)
        finally:
            disk.thaw()
        await asyncio.sleep(0.3)


async def test_a_folder_that_takes_no_write_any_more_is_not_ready(disk: Disk, site: Site) -> None:
    await site.client.open("s1", 1, "s1", "t")
    disk.fill()
    with pytest.raises(RecorderError) as refused:
        await site.client.open("s1", 1, "s1", "t")
    assert refused.value.code == "disk_full"
    disk.empty()
    await site.client.open("s1", 1, "s1", "t")
    await record(site)
    assert kinds(site) == ["start"]
