"""The recorder is killed, the disk is full, the folder goes, the engine goes: what is kept, said and made good."""

from __future__ import annotations

import asyncio
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rooms.recording.control import RecorderError
from rooms.verification.folder import verify
from tests import disks
from tests.disks import fill
from tests.rooms.recording.conftest import Site, now_us
from tests.rooms.recording.folders import event_rows
from tests.rooms.recording.streams import Sender, Sent, beeps_of, frames_of, merged, opus_packets, vp8_frames


async def record(site: Site, reason: str = "hearing_opened") -> None:
    await site.client.open("s1", 1, "s1", "t")
    await site.client.record("s1", 1, True, reason, "judge")


def kinds(site: Site) -> list[str]:
    return [row["kind"] for row in site.rows("ledger.jsonl")]


def since(packets: list[Sent], arrival_us: int) -> list[Sent]:
    return [packet for packet in packets if packet.arrival_us >= arrival_us]


async def test_a_killed_recorder_goes_on_with_new_files_and_loses_nothing_that_is_sent_again(site: Site) -> None:
    await record(site)
    made = now_us() - 12_000_000
    camera, microphone = Sender(1, "alice", "camera", made), Sender(2, "alice", "microphone", made)
    packets = merged(camera.send(vp8_frames(12.0, key_every=50)), microphone.send(opus_packets(12.0, (2.0, 10.0))))
    first = [packet for packet in packets if packet.arrival_us < made + 7_000_000]
    await site.engine.announce(camera, microphone)
    await site.engine.play(first)
    await site.written(len(first))
    await site.until(lambda: (site.recordings / "s1/tracks/0001-camera-alice.mkv").exists())
    await site.kill()
    await site.start()
    await record(site, "recorder_restarted")
    again = since(packets, made + 4_000_000)  # what the engine retained: from the last key frame at least 3 s old
    await site.engine.announce(camera, microphone)
    await site.engine.play(again)
    await site.written(len(again))
    await site.client.record("s1", 1, False, "closed", "judge")

    segments = site.segments()
    assert sorted(row["number"] for row in segments) == [1, 2, 3, 4]
    for source in ("camera", "microphone"):
        before, after = (row for row in segments if row["source"] == source)
        assert before["cause"] == "interrupted"
        assert after["cause"] == "stopped"
        assert after["start_us"] <= before["end_us"] + 100_000
        assert frames_of(site.recordings / "s1" / before["file"]) == before["frames"] > 0
        assert before["end_us"] <= made + 7_100_000
    beep = next(row for row in segments if row["source"] == "microphone" and row["cause"] == "stopped")
    (at,) = beeps_of(site.recordings / "s1" / beep["file"])
    assert beep["start_us"] + at * 1e6 == pytest.approx(made + 10e6, abs=100_000)
    assert kinds(site) == ["start", "restart", "stop"]
    restart = site.rows("ledger.jsonl")[1]
    assert restart["cause"] == "recorder_restarted"
    assert restart["from_us"] < restart["to_us"]
    await site.client.seal("s1", 1, {})
    assert verify(site.recordings / "s1").ok


async def test_what_a_restart_did_lose_is_a_gap_in_the_ledger(site: Site) -> None:
    await record(site)
    made = now_us() - 8_000_000
    microphone = Sender(2, "alice", "microphone", made)
    packets = microphone.send(opus_packets(8.0))
    first = packets[:150]
    await site.engine.announce(microphone)
    await site.engine.play(first)
    await site.written(len(first))
    await site.kill()
    await site.start()
    await record(site, "recorder_restarted")
    await site.engine.announce(microphone)
    await site.engine.play(packets[250:])
    await site.until(lambda: site.count("gap") == 1)
    gap = next(row for row in site.rows("ledger.jsonl") if row["kind"] == "gap")
    assert (gap["endpoint"], gap["source"], gap["cause"]) == ("alice", "microphone", "recorder_restarted")
    assert gap["from_us"] <= made + 3_100_000  # up to a cluster less than what was sent is on the disk
    assert gap["to_us"] == pytest.approx(made + 5e6, abs=60_000)


async def test_a_killed_recorder_continues_a_half_written_list(site: Site) -> None:
    await record(site)
    await site.kill()
    for name in ("ledger.jsonl", "heartbeat.jsonl", "events.jsonl", "segments.jsonl"):
        with open(site.recordings / "s1" / name, "ab") as file:
            file.write(b'{"half":')
    await site.start()
    await record(site, "recorder_restarted")
    await site.client.record("s1", 1, False, "closed", "judge")
    assert kinds(site) == ["start", "restart", "stop"]
    await site.client.seal("s1", 1, {})
    assert verify(site.recordings / "s1").ok


async def test_a_terminated_recorder_closes_its_files(site: Site) -> None:
    await record(site)
    microphone = Sender(2, "alice", "microphone", now_us() - 4_000_000)
    packets = microphone.send(opus_packets(4.0))
    await site.engine.announce(microphone)
    await site.engine.play(packets)
    await site.written(len(packets))
    assert await site.kill(signal.SIGTERM) == 0
    (segment,) = site.segments()
    assert (segment["cause"], segment["frames"]) == ("recorder_stopped", len(packets))
    assert site.count("lost") == 1


async def test_requests_without_a_recorder_fail_as_lost(site: Site) -> None:
    await site.kill()
    await site.until(lambda: site.count("lost") == 1)
    with pytest.raises(RecorderError) as lost:
        await site.client.report()
    assert lost.value.code == "lost"


async def test_an_engine_that_goes_leaves_a_gap_until_the_track_is_back(site: Site) -> None:
    await record(site)
    made = now_us() - 2_000_000
    microphone = Sender(2, "alice", "microphone", made)
    packets = microphone.send(opus_packets(2.0))
    await site.engine.announce(microphone)
    await site.engine.play(packets)
    await site.until(lambda: any(row.get("cause") == "engine_lost" for row in site.segments()))
    back = Sender(9, "alice", "microphone", now_us())
    await site.engine.announce(back)
    await site.engine.play(back.send(opus_packets(1.0)))
    await site.until(lambda: site.count("gap") == 1)
    gap = next(row for row in site.rows("ledger.jsonl") if row["kind"] == "gap")
    assert gap["cause"] == "engine_lost"
    assert [gap["from_us"], gap["to_us"]] == pytest.approx([made + 2e6, back.made_us], abs=100_000)


async def test_an_engine_that_takes_over_under_the_same_number_leaves_a_gap_too(site: Site) -> None:
    """Nobody else could say that the one before it is gone."""
    await record(site)
    made = now_us() - 2_500_000
    former = Sender(2, "alice", "microphone", made)
    await site.engine.announce(former)
    await site.engine.play(former.send(opus_packets(2.0)))
    back = Sender(2, "alice", "microphone", now_us(), ssrc=4711)
    await site.engine.announce(back)
    await site.engine.play(back.send(opus_packets(1.0)))
    await site.until(lambda: site.count("gap") == 1)
    gap = next(row for row in site.rows("ledger.jsonl") if row["kind"] == "gap")
    assert gap["cause"] == "engine_lost"
    assert [gap["from_us"], gap["to_us"]] == pytest.approx([made + 2e6, back.made_us], abs=100_000)


async def feed_until(site: Site, name: str, camera: Sender, microphone: Sender) -> None:
    """Send picture and sound as they are made until one more event of that name has come."""
    count = site.count(name)
    picture, sound = vp8_frames(0.4), opus_packets(0.4)
    async with asyncio.timeout(15):  # three times the 5 s within which an alarm is promised
        while site.count(name) == count:
            at_s = (now_us() - camera.made_us) / 1e6
            await site.engine.announce(camera, microphone)
            await site.engine.play(merged(camera.send(picture, at_s), microphone.send(sound, at_s)))
            await asyncio.sleep(0.4)


async def fails_and_recovers(site: Site, cause: str, break_it: Callable[[], object], mend_it: Callable[[], None]) -> None:
    """The story of every disk that fails: alarm, no heartbeat, all clear, new segments, the gap written down."""
    await record(site)
    camera, microphone = Sender(1, "alice", "camera", now_us()), Sender(2, "alice", "microphone", now_us())
    await feed_until(site, "heartbeat", camera, microphone)
    await feed_until(site, "heartbeat", camera, microphone)
    break_it()
    await feed_until(site, "alarm", camera, microphone)
    assert site.last_fields("alarm")["cause"] == cause
    mend_it()
    await feed_until(site, "alarm_cleared", camera, microphone)
    await feed_until(site, "heartbeat", camera, microphone)
    await feed_until(site, "heartbeat", camera, microphone)
    await feed_until(site, "heartbeat", camera, microphone)
    assert site.last_fields("heartbeat")["recording"] is True
    await site.client.record("s1", 1, False, "closed", "judge")
    ledger = site.rows("ledger.jsonl")
    order = [row["kind"] for row in ledger if row["kind"] != "gap"]
    assert order == ["start", "alarm", "alarm_cleared", "stop"]
    assert {row["cause"] for row in ledger if row["kind"] in ("alarm", "alarm_cleared")} == {cause}
    gaps = {row["source"]: row for row in ledger if row["kind"] == "gap" and row["cause"] == cause}
    assert set(gaps) == {"camera", "microphone"}
    for source in ("camera", "microphone"):
        before, after = [row for row in site.segments() if row["source"] == source][-2:]
        assert [gaps[source]["from_us"], gaps[source]["to_us"]] == [before["end_us"], after["start_us"]]
        assert frames_of(site.recordings / "s1" / after["file"]) == after["frames"] > 0
    await site.client.seal("s1", 1, {})
    assert verify(site.recordings / "s1").ok


async def test_a_disk_that_refuses_large_files_is_an_alarm_and_is_recovered_from(site: Site) -> None:
    assert site.process is not None
    pid = site.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)

    def limit() -> None:
        largest = max(path.stat().st_size for path in (site.recordings / "s1" / "tracks").iterdir())
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest, hard))

    def lift() -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))

    await fails_and_recovers(site, "write_failed", limit, lift)
    for row in site.segments():
        assert frames_of(site.recordings / "s1" / row["file"]) > 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB; the test before needs nothing."""
    with disks.mounted(tmp_path / "recordings", 8) as disk:
        yield disk


async def test_a_full_disk_is_an_alarm_and_is_recovered_from(small_disk: Path, site: Site) -> None:
    await fails_and_recovers(site, "disk_full", lambda: fill(small_disk), (small_disk / "ballast").unlink)


async def test_a_full_disk_refuses_to_start(small_disk: Path, site: Site) -> None:
    await site.client.open("s1", 1, "s1", "t")
    ballast = fill(small_disk)
    with pytest.raises(RecorderError) as refused:
        await site.client.record("s1", 1, True, "hearing_opened", "judge")
    assert refused.value.code == "disk_full"
    assert (await site.client.report())["sittings"]["s1"]["on"] is False
    ballast.unlink()
    await site.client.record("s1", 1, True, "hearing_opened", "judge")
    assert kinds(site) == ["start"]


async def test_a_removed_folder_is_an_alarm_and_is_made_again(site: Site) -> None:
    await record(site)
    await site.client.events("s1", 1, event_rows(3))
    camera, microphone = Sender(1, "alice", "camera", now_us()), Sender(2, "alice", "microphone", now_us())
    await feed_until(site, "heartbeat", camera, microphone)
    await feed_until(site, "heartbeat", camera, microphone)
    shutil.rmtree(site.recordings / "s1")
    await feed_until(site, "alarm", camera, microphone)
    assert site.last_fields("alarm")["cause"] == "folder_lost"
    if not site.count("alarm_cleared"):
        await feed_until(site, "alarm_cleared", camera, microphone)
    for _ in range(3):
        await feed_until(site, "heartbeat", camera, microphone)
    await site.client.events("s1", 1, event_rows(5))
    await site.client.record("s1", 1, False, "closed", "judge")
    assert [kind for kind in kinds(site) if kind != "gap"] == ["start", "alarm", "alarm_cleared", "stop"]
    await site.client.seal("s1", 1, {})
    report = verify(site.recordings / "s1")
    assert report.ok
    assert len(report.lost) == 2
    assert report.events == 5
