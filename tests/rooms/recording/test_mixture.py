"""VP8 and H.264 in one sitting, in the real recorder: whole files, losses that cost no more than they must, kills."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import pytest

from rooms.verification.folder import verify
from tests.rooms.recording.conftest import Site, now_us
from tests.rooms.recording.streams import FPS, Sender, Sent, flashes_of, frames_of, h264_frames, merged, opus_packets, vp8_frames

SECONDS = 6.0


async def record(site: Site, reason: str = "hearing_opened") -> None:
    await site.client.open("s1", 1, "s1", "t")
    await site.client.record("s1", 1, True, reason, "judge")


async def finish(site: Site) -> None:
    """Stop, seal, and have a third party check."""
    await site.client.record("s1", 1, False, "closed", "judge")
    await site.client.seal("s1", 1, {})
    assert verify(site.recordings / "s1").problems == []


def pictures(path: Path) -> tuple[int, tuple[int, int], bool]:
    """Pictures that a decoder makes of a file, their size, and whether all came out well."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return len(frames), (frames[0].width, frames[0].height), not any(frame.is_corrupt for frame in frames)


async def test_both_codecs_are_whole_in_place_and_together(site: Site) -> None:
    await record(site)
    made = now_us() - int(SECONDS * 1e6)
    alice, bob = Sender(1, "alice", "camera", made), Sender(2, "bob", "camera", made, codec="H264")
    voice = Sender(3, "bob", "microphone", made)
    sent = merged(
        alice.send(vp8_frames(SECONDS, (1.0, 4.0))),
        bob.send(h264_frames(SECONDS, (1.0, 4.0))),
        voice.send(opus_packets(SECONDS)),
    )
    await site.engine.announce(alice, bob, voice)
    await site.engine.play(sent)
    await site.written(len(sent))
    await finish(site)

    for endpoint, codec in (("alice", "VP8"), ("bob", "H264")):
        (row,) = [row for row in site.segments() if (row["endpoint"], row["source"]) == (endpoint, "camera")]
        path = site.recordings / "s1" / row["file"]
        assert (row["codec"], row["lost"], row["cause"]) == (codec, 0, "stopped")
        assert frames_of(path) == row["frames"] == round(SECONDS * FPS)
        assert pictures(path) == (row["frames"], (320, 180), True)
        flashes = [row["start_us"] + at * 1e6 for at in flashes_of(path)]
        assert flashes == pytest.approx([made + 1e6, made + 4e6], abs=80_000)
    assert [row for row in site.rows("ledger.jsonl") if row["kind"] == "gap"] == []


async def test_a_lost_fragment_costs_the_pictures_up_to_the_next_key_frame(site: Site) -> None:
    await record(site)
    made = now_us() - int(SECONDS * 1e6)
    bob = Sender(1, "bob", "camera", made, codec="H264")
    sent = bob.send(h264_frames(SECONDS, key_every=50))
    lost = next(i for i, packet in enumerate(sent) if packet.arrival_us >= made + 3_000_000)
    await site.engine.announce(bob)
    await site.engine.play(sent[:lost] + sent[lost + 1 :])
    await site.written(len(sent) - 1)
    await finish(site)

    (row,) = site.segments()
    assert row["lost"] == 1
    assert row["frames"] == round(SECONDS * FPS) - 25, "the second half of a group of two seconds"
    assert pictures(site.recordings / "s1" / row["file"]) == (row["frames"], (320, 180), True)
    (gap,) = [r for r in site.rows("ledger.jsonl") if r["kind"] == "gap"]
    assert (gap["endpoint"], gap["cause"]) == ("bob", "packet_loss")
    assert gap["to_us"] - gap["from_us"] == pytest.approx(1_040_000, abs=60_000)


async def test_a_picture_of_another_size_begins_another_file_without_a_gap(site: Site) -> None:
    await record(site)
    made = now_us() - 6_000_000
    bob = Sender(1, "bob", "camera", made, codec="H264")
    sizes = ((320, 180), (640, 360), (160, 90))
    sent: list[Sent] = []
    for index, size in enumerate(sizes):
        sent += bob.send(h264_frames(2.0, size=size), from_s=2.0 * index)
    await site.engine.announce(bob)
    await site.engine.play(sent)
    await site.written(len(sent))
    await finish(site)

    rows = site.segments()
    assert [row["cause"] for row in rows] == ["resized", "resized", "stopped"]
    assert [pictures(site.recordings / "s1" / row["file"]) for row in rows] == [(50, size, True) for size in sizes]
    for before, after in pairwise(rows):
        assert after["start_us"] - before["end_us"] == pytest.approx(1e6 / FPS, abs=2_000)
    assert sum(row["packets"] for row in rows) == len(sent)
    assert [row["kind"] for row in site.rows("ledger.jsonl")] == ["start", "stop"]


async def test_a_killed_recorder_leaves_h264_that_plays_and_goes_on_with_a_key_frame(site: Site) -> None:
    await record(site)
    made = now_us() - 12_000_000
    bob = Sender(1, "bob", "camera", made, codec="H264")
    packets = bob.send(h264_frames(12.0, key_every=50))
    first = [packet for packet in packets if packet.arrival_us < made + 7_000_000]
    await site.engine.announce(bob)
    await site.engine.play(first)
    await site.written(len(first))
    await site.until(lambda: (site.recordings / "s1/tracks/0001-camera-bob.mkv").exists())
    await site.kill()
    await site.start()
    await record(site, "recorder_restarted")
    again = [packet for packet in packets if packet.arrival_us >= made + 4_000_000 + bob.delay_us]
    await site.engine.announce(bob)
    await site.engine.play(again)
    await site.written(len(again))
    await finish(site)

    before, after = site.segments()
    assert (before["cause"], after["cause"]) == ("interrupted", "stopped")
    assert after["start_us"] <= before["end_us"] + 100_000
    for row in (before, after):
        count, size, well = pictures(site.recordings / "s1" / row["file"])
        assert (count, size, well) == (row["frames"], (320, 180), True)
    assert after["frames"] == 8 * FPS
