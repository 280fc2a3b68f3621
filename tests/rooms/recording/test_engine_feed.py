"""The engine's real end of the feed and a real recorder: what one sends the other writes, through a kill as well."""

from __future__ import annotations

import asyncio

import pytest

from rooms.media.engine import Source, TrackKey
from rooms.media.forwarding import codecs
from rooms.media.forwarding.feed import FedTrack, Feed
from tests.rooms.recording.conftest import Site, now_us
from tests.rooms.recording.streams import AUDIO_PT, VIDEO_PT, Sender, beeps_of, frames_of, merged, opus_packets, vp8_frames

SECONDS = 9.0


async def test_a_killed_recorder_misses_nothing_that_reached_the_engine(site: Site) -> None:
    site.engine.close()
    site.engine_feed.unlink()
    feed = Feed(site.engine_feed, site.feed)
    await site.client.open("s1", 1, "s1", "t")
    await site.client.record("s1", 1, True, "hearing_opened", "judge")
    frames, sound = vp8_frames(SECONDS, key_every=50), opus_packets(SECONDS, (1.0, 4.0, 8.0))  # before the clock starts: it takes a while
    made = now_us()
    camera, microphone = Sender(1, "alice", "camera", made), Sender(2, "alice", "microphone", made)
    begun: dict[int, FedTrack] = {
        1: feed.begin("s1", TrackKey("alice", Source.CAMERA), codecs.VP8, VIDEO_PT, camera.ssrc),
        2: feed.begin("s1", TrackKey("alice", Source.MICROPHONE), codecs.OPUS, AUDIO_PT, microphone.ssrc),
    }
    keys = {camera.send([frame])[0].data[-20:] for frame in frames[::50]}
    camera = Sender(1, "alice", "camera", made)
    packets = merged(camera.send(frames), microphone.send(sound))

    async def play() -> None:
        next_tick_us = made
        for packet in packets:
            await asyncio.sleep(max(0.0, (packet.arrival_us - now_us()) / 1e6))
            key = packet.data[-20:] in keys
            feed.packet(begun[packet.handle], packet.data, packet.arrival_us, key)
            if packet.arrival_us > next_tick_us:
                feed.tick()
                next_tick_us += 1_000_000

    playing = asyncio.create_task(play())
    await asyncio.sleep(4.0)
    await site.kill()
    await site.start()
    await site.client.open("s1", 1, "s1", "t")
    await site.client.record("s1", 1, True, "recorder_restarted", "judge")
    await playing
    await asyncio.sleep(0.5)
    await site.client.record("s1", 1, False, "closed", "judge")
    feed.close()

    assert [row["kind"] for row in site.rows("ledger.jsonl")] == ["start", "restart", "stop"]
    for source in ("camera", "microphone"):
        rows = sorted((row for row in site.segments() if row["source"] == source), key=lambda row: row["start_us"])
        assert [row["cause"] for row in rows] == ["interrupted", "stopped"]
        assert rows[1]["start_us"] <= rows[0]["end_us"] + 60_000, "nothing lies between the killed recorder's file and the next"
        assert rows[1]["end_us"] - rows[0]["start_us"] == pytest.approx(SECONDS * 1e6, abs=100_000)
        assert rows[1]["lost"] == 0
        assert all(frames_of(site.recordings / "s1" / row["file"]) == row["frames"] for row in rows)
    heard = [
        row["start_us"] + at * 1e6
        for row in site.segments()
        if row["source"] == "microphone"
        for at in beeps_of(site.recordings / "s1" / row["file"])
    ]
    for second in (1.0, 4.0, 8.0):
        assert min(abs(at - made - second * 1e6) for at in heard) < 100_000


async def test_two_workers_feed_one_recorder_and_what_moves_from_one_to_the_other_leaves_a_measured_gap(site: Site) -> None:
    site.engine.close()
    site.engine_feed.unlink()
    feeds = [Feed(site.engine_feed, site.feed, 1), Feed(site.second_feed, site.feed, 2)]
    key = TrackKey("alice", Source.MICROPHONE)
    sender = Sender(1, "alice", "microphone", now_us())
    for sitting in ("s1", "s2"):
        await site.client.open(sitting, 1, sitting, "t")
        await site.client.record(sitting, 1, True, "hearing_opened", "judge")

    async def play(fed: dict[Feed, FedTrack], count: int) -> None:
        made = now_us()
        for number, packet in enumerate(Sender(1, "alice", "microphone", made).send(opus_packets(count / 50, ()))):
            await asyncio.sleep(max(0.0, (packet.arrival_us - now_us()) / 1e6))
            for feed, track in fed.items():
                feed.packet(track, packet.data, packet.arrival_us, False)
                if number % 25 == 0:
                    feed.tick()

    both = {feed: feed.begin(sitting, key, codecs.OPUS, AUDIO_PT, sender.ssrc) for feed, sitting in zip(feeds, ("s1", "s2"), strict=True)}
    first, second = (track.announcement.handle for track in both.values())
    assert (first >> 24, second >> 24) == (1, 2), "no two tracks have the same handle, whenever their workers were started"
    await play(both, 100)
    # The first worker is gone without a word, and its sitting is at the second one now.
    other = feeds[1]
    moved = other.begin("s1", key, codecs.OPUS, AUDIO_PT, sender.ssrc)
    await asyncio.sleep(0.5)
    await play({other: moved}, 100)
    await asyncio.sleep(0.5)
    for sitting in ("s1", "s2"):
        await site.client.record(sitting, 1, False, "closed", "judge")
    for feed in feeds:
        feed.close()
    rows = sorted(site.segments(), key=lambda row: row["start_us"])
    assert [row["cause"] for row in rows] == ["engine_lost", "stopped"]
    assert all(row["frames"] >= 95 for row in rows)
    (gap,) = [row for row in site.rows("ledger.jsonl") if row["kind"] == "gap"]
    assert 0.3e6 < gap["to_us"] - gap["from_us"] < 3e6
    (alone,) = site.segments("s2")
    assert alone["frames"] >= 95
