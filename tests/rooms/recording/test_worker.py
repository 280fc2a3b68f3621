"""The recorder process: what it is fed is on disk, in place and in time."""

from __future__ import annotations

from typing import Any

import av
import pytest

from rooms.recording import feed
from rooms.recording.control import RecorderError
from tests.rooms.recording.conftest import Site, now_us
from tests.rooms.recording.streams import Sender, beeps_of, flashes_of, frames_of, merged, opus_packets, vp8_frames

SECONDS = 6.0


async def record(site: Site, reason: str = "hearing_opened", epoch: int = 1) -> None:
    await site.client.open("s1", epoch, "s1", "Li v. Wang")
    await site.client.record("s1", epoch, True, reason, "judge")


async def stop(site: Site, reason: str = "closed") -> None:
    await site.client.record("s1", 1, False, reason, "judge")


def wall_of(segment: dict[str, Any], seconds: float) -> float:
    return float(segment["start_us"] + seconds * 1e6)


async def test_picture_and_sound_are_whole_in_place_and_together(site: Site) -> None:
    await record(site)
    made = now_us() - int(SECONDS * 1e6)
    camera, microphone = Sender(1, "alice", "camera", made), Sender(2, "alice", "microphone", made)
    picture, sound = camera.send(vp8_frames(SECONDS, (1.0, 4.0))), microphone.send(opus_packets(SECONDS, (1.0, 4.0)))
    await site.engine.announce(camera, microphone)
    await site.engine.play(merged(picture, sound))
    await site.written(len(picture) + len(sound))
    await stop(site)

    segments = {row["source"]: row for row in site.segments()}
    assert set(segments) == {"camera", "microphone"}
    for source, sent in (("camera", picture), ("microphone", sound)):
        row = segments[source]
        assert (row["packets"], row["lost"], row["cause"]) == (len(sent), 0, "stopped")
        assert row["end_us"] - row["start_us"] == pytest.approx(SECONDS * 1e6, abs=50_000)
        assert frames_of(site.recordings / "s1" / row["file"]) == row["frames"]
    assert segments["camera"]["frames"] == len(vp8_frames(SECONDS, (1.0, 4.0)))
    flashes = [wall_of(segments["camera"], at) for at in flashes_of(site.recordings / "s1" / segments["camera"]["file"])]
    beeps = [wall_of(segments["microphone"], at) for at in beeps_of(site.recordings / "s1" / segments["microphone"]["file"])]
    assert flashes == pytest.approx([made + 1e6, made + 4e6], abs=80_000)
    assert beeps == pytest.approx([made + 1e6, made + 4e6], abs=80_000)
    assert flashes == pytest.approx(beeps, abs=80_000)


async def test_the_recorder_asks_for_the_sitting_and_for_key_frames(site: Site) -> None:
    await record(site)
    camera = Sender(1, "alice", "camera", now_us() - 1_000_000)
    await site.engine.announce(camera)
    await site.engine.play(camera.send(vp8_frames(1.0)))
    heard: list[tuple[int, dict[str, object]]] = []

    def both() -> bool:
        heard.extend(site.engine.heard())
        return {feed.WANT, feed.KEY_FRAME} <= {kind for kind, _ in heard}

    await site.until(both)
    wants = [fields for kind, fields in heard if kind == feed.WANT]
    assert {fields["sitting"] for fields in wants} == {"s1"}
    assert len({fields["instance"] for fields in wants}) == 1
    assert next(fields for kind, fields in heard if kind == feed.KEY_FRAME) == {"handle": 1}


async def test_a_recess_is_not_recorded(site: Site) -> None:
    await record(site)
    made = now_us() - 2_000_000
    microphone = Sender(1, "alice", "microphone", made)
    await site.engine.announce(microphone)
    first = microphone.send(opus_packets(2.0))
    await site.engine.play(first)
    await site.written(len(first))
    await stop(site, "recess")
    bytes_then = sum(path.stat().st_size for path in (site.recordings / "s1" / "tracks").iterdir())
    await site.engine.announce(microphone)
    await site.engine.play(microphone.send(opus_packets(2.0), from_s=2.0))
    await record(site, "resumed")
    assert sum(path.stat().st_size for path in (site.recordings / "s1" / "tracks").iterdir()) == bytes_then
    assert [row["kind"] for row in site.rows("ledger.jsonl")] == ["start", "stop", "start"]
    assert [row.get("reason") for row in site.rows("ledger.jsonl")] == ["hearing_opened", "recess", "resumed"]
    await site.engine.announce(microphone)
    stopped_us = site.rows("ledger.jsonl")[1]["at_us"]
    again = microphone.send(opus_packets(0.4), from_s=(stopped_us - made) / 1e6 - 0.5)
    await site.engine.play(again)  # what arrived before the recess, sent again
    later = microphone.send(opus_packets(1.0), from_s=(now_us() - made) / 1e6)
    await site.engine.play(later)
    await site.written(len(later))
    await stop(site)
    second = site.segments()[1]
    assert second["packets"] == len(later)


async def test_a_late_key_frame_costs_only_what_came_before_it(site: Site) -> None:
    await record(site)
    made = now_us() - 12_000_000
    camera = Sender(1, "alice", "camera", made)
    frames = vp8_frames(4.0, (1.0,))
    without_key = camera.send(frames[1:] * 2)  # 8 s in which nothing can be decoded
    whole = camera.send(frames, from_s=8.0)
    await site.engine.announce(camera)
    await site.engine.play(merged(without_key, whole))
    await site.written(len(without_key) + len(whole))
    await stop(site)
    (segment,) = site.segments()
    assert segment["frames"] == len(frames)
    (flash,) = flashes_of(site.recordings / "s1" / segment["file"])
    assert wall_of(segment, flash) == pytest.approx(made + 9e6, abs=80_000)
    (gap,) = [row for row in site.rows("ledger.jsonl") if row["kind"] == "gap"]
    assert (gap["endpoint"], gap["source"], gap["cause"]) == ("alice", "camera", "key_frame")
    assert gap["to_us"] - gap["from_us"] == pytest.approx(8e6, abs=200_000)
    assert [event.fields["cause"] for event in site.events if event.name == "gap"] == ["key_frame"]


async def test_a_change_of_resolution_plays_on(site: Site) -> None:
    await record(site)
    camera = Sender(1, "alice", "camera", now_us() - 4_000_000)
    packets = camera.send(vp8_frames(2.0)) + camera.send(vp8_frames(2.0, (), (640, 360)), from_s=2.0)
    await site.engine.announce(camera)
    await site.engine.play(packets)
    await site.written(len(packets))
    await stop(site)
    (segment,) = site.segments()
    with av.open(str(site.recordings / "s1" / segment["file"])) as container:
        sizes = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert sizes == [(320, 180)] * 50 + [(640, 360)] * 50


@pytest.mark.parametrize("clock_runs_on", [True, False])
async def test_a_mute_writes_nothing_and_goes_on_at_the_right_time(site: Site, clock_runs_on: bool) -> None:
    await record(site)
    made = now_us() - 9_000_000
    microphone = Sender(1, "alice", "microphone", made)
    before = microphone.send(opus_packets(3.0, (1.0,)))
    if not clock_runs_on:
        microphone._base -= 3 * 48_000  # the sender's RTP clock stood still while it sent nothing
    after = microphone.send(opus_packets(3.0, (1.0,)), from_s=6.0)
    await site.engine.announce(microphone)
    await site.engine.play(before + after)
    await site.written(len(before) + len(after))
    await stop(site)
    (segment,) = site.segments()
    beeps = [wall_of(segment, at) for at in beeps_of(site.recordings / "s1" / segment["file"])]
    assert beeps == pytest.approx([made + 1e6, made + 7e6], abs=100_000)
    assert [row["kind"] for row in site.rows("ledger.jsonl")] == ["start", "stop"]


async def test_a_loss_is_in_the_ledger_with_its_cause(site: Site) -> None:
    await record(site)
    made = now_us() - 5_000_000
    microphone = Sender(1, "alice", "microphone", made)
    sent = microphone.send(opus_packets(5.0))
    del sent[100:120]  # 0.4 s, from 2.0 s on
    await site.engine.announce(microphone)
    await site.engine.play(sent)
    await site.until(lambda: site.count("gap") == 1)
    await stop(site)
    (gap,) = [row for row in site.rows("ledger.jsonl") if row["kind"] == "gap"]
    assert gap["cause"] == "packet_loss"
    assert [gap["from_us"], gap["to_us"]] == pytest.approx([made + 2.0e6, made + 2.4e6], abs=60_000)
    assert site.segments()[0]["lost"] == 20


async def test_an_older_server_is_refused(site: Site) -> None:
    await record(site, epoch=5)
    for request in (
        site.client.open("s1", 4, "s1", "t"),
        site.client.record("s1", 4, False, "closed", "x"),
        site.client.events("s1", 4, ["{}"]),
        site.client.seal("s1", 4, {}),
    ):
        with pytest.raises(RecorderError) as refused:
            await request
        assert refused.value.code == "stale_epoch"
    assert (await site.client.report())["sittings"]["s1"]["on"] is True


@pytest.mark.parametrize("folder", ["", "/tmp/elsewhere", "../elsewhere", "a/../../b"])
async def test_a_folder_outside_the_recordings_is_refused(site: Site, folder: str) -> None:
    with pytest.raises(RecorderError) as refused:
        await site.client.open("s1", 1, folder, "t")
    assert refused.value.code == "malformed"
    with pytest.raises(RecorderError) as unknown:
        await site.client.record("s1", 1, True, "hearing_opened", "x")
    assert unknown.value.code == "unknown_sitting"


async def test_garbage_on_the_feed_disturbs_nobody(site: Site) -> None:
    await record(site)
    microphone = Sender(1, "alice", "microphone", now_us() - 2_000_000)
    await site.engine.announce(microphone)
    for garbage in (b"\x01", b"\x63hello", b"\x03{", b"\x03[]", b'\x03{"handle":3}', b"\x02" + bytes(12), b"\x01" + bytes(40)):
        await site.engine.send(garbage)
    foreign = Sender(1, "alice", "microphone", now_us() - 2_000_000, ssrc=77)
    await site.engine.play(foreign.send(opus_packets(1.0)))
    packets = microphone.send(opus_packets(2.0))
    await site.engine.play(packets)
    await site.written(len(packets))
    await stop(site)
    assert site.segments()[0]["packets"] == len(packets)
    assert (await site.client.report())["dropped"]["malformed"] >= 5
