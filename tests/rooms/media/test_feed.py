"""The feed to the recorder: real packets of the engine process, and the retention rules by themselves."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from rooms.media.engine import Source, TrackKey
from rooms.media.forwarding.codecs import OPUS, VP8, Codec
from rooms.media.forwarding.feed import FedTrack, Feed
from rooms.recording import feed as wire

from .conftest import MakePeer
from .process import EngineProcess, until
from .recorder import FeedSocket
from .rights import everybody, tracks

BOTH = (Source.MICROPHONE, Source.CAMERA)
ANA_CAMERA = TrackKey("ana", Source.CAMERA)


async def camera_packets(engine: EngineProcess) -> int:
    """Packets that came of Ana's camera."""
    report = await engine.client.report()
    count: int = report["routers"]["room"]["endpoints"]["ana"]["publish"]["producers"]["camera"]["packets"]
    return count


async def test_what_is_recorded_is_announced_and_fed_whole(engine: EngineProcess, make_peer: MakePeer, recorder: FeedSocket) -> None:
    await engine.client.apply("room", 1, everybody("ana", "bo", record=tracks("ana")))
    recorder.want("room", "first")
    for name in ("ana", "bo"):
        await make_peer(name).publish(BOTH)
    await until(lambda: all(recorder.heard("ana", s) > 60 for s in BOTH))
    await until(lambda: all(h.announced >= 3 and h.reports >= 1 for h in recorder.tracks.values()))
    assert {h.announcement["endpoint"] for h in recorder.tracks.values()} == {"ana"}
    assert recorder.unannounced == 0
    camera, microphone = recorder.track("ana", "camera"), recorder.track("ana", "microphone")
    assert camera is not None
    assert microphone is not None
    assert (camera.announcement["codec"], camera.announcement["clock_hz"]) == ("VP8", 90000)
    assert (microphone.announcement["codec"], microphone.announcement["clock_hz"]) == ("opus", 48000)
    for heard in (camera, microphone):
        assert heard.missing() == 0
        assert all(not p[0] & 0x10 for p in heard.packets), "a header extension went to the recorder"
        assert {int.from_bytes(p[8:12], "big") for p in heard.packets} == {heard.announcement["ssrc"]}
        assert {p[1] & 0x7F for p in heard.packets} == {heard.announcement["payload_type"]}
        assert abs(heard.arrivals[-1] / 1e6 - time.time()) < 60


async def test_a_mute_feeds_nothing_and_leaves_no_hole(engine: EngineProcess, make_peer: MakePeer, recorder: FeedSocket) -> None:
    await engine.client.apply("room", 1, everybody("ana", record=tracks("ana")))
    recorder.want("room", "first")
    ana = make_peer("ana")
    await ana.publish(BOTH)
    await until(lambda: recorder.heard("ana", "camera") > 10)
    await engine.client.apply("room", 1, everybody("ana", record=tracks("ana"), muted=[ANA_CAMERA]))
    await asyncio.sleep(0.2)
    at_mute = recorder.heard("ana", "camera")
    sent = await ana.sent("video")
    while await ana.sent("video") < sent + 20:
        await asyncio.sleep(0.05)
    assert recorder.heard("ana", "camera") == at_mute
    await engine.client.apply("room", 1, everybody("ana", record=tracks("ana")))
    await until(lambda: recorder.heard("ana", "camera") > at_mute + 10)
    assert len(recorder.tracks) == 2
    heard = recorder.track("ana", "camera")
    assert heard is not None
    assert heard.missing() == 0


async def test_recording_that_stops_ends_the_track_and_a_private_room_feeds_nothing(
    engine: EngineProcess, make_peer: MakePeer, recorder: FeedSocket
) -> None:
    await engine.client.apply("room", 1, everybody("ana", record=tracks("ana")))
    recorder.want("room", "first")
    await make_peer("ana").publish(BOTH)
    await until(lambda: recorder.heard("ana", "camera") > 5)
    await engine.client.apply("room", 1, everybody("ana", record=tracks("ana"), private=True))
    await until(lambda: all(h.ended == "not_recorded" for h in recorder.tracks.values()))
    before = {handle: len(h.packets) for handle, h in recorder.tracks.items()}
    packets = await camera_packets(engine)
    while await camera_packets(engine) < packets + 10:
        await asyncio.sleep(0.05)
    assert {handle: len(h.packets) for handle, h in recorder.tracks.items()} == before
    await engine.client.apply("room", 1, everybody("ana", record=tracks("ana")))
    await until(lambda: len(recorder.tracks) == 4)


async def test_a_killed_recorder_gets_again_what_it_may_have_lost(engine: EngineProcess, make_peer: MakePeer) -> None:
    await engine.client.apply("room", 1, everybody("ana", record=tracks("ana")))
    first = FeedSocket(engine.recorder_feed_socket, engine.feed_socket)
    first.want("room", "first")
    await make_peer("ana").publish(BOTH)
    await until(lambda: first.heard("ana", "camera") > 40)
    last = {s: (first.track("ana", s) or pytest.fail("nothing came")).sequence[-1] for s in BOTH}
    first.close()
    await asyncio.sleep(1)
    second = FeedSocket(engine.recorder_feed_socket, engine.feed_socket)
    second.want("room", "second")
    await until(lambda: all(second.heard("ana", s) > 40 for s in BOTH))
    for source in BOTH:
        heard = second.track("ana", source)
        assert heard is not None
        assert last[source] in heard.sequence, "the overlap with the killed recorder is missing"
        assert heard.missing() == 0
        assert heard.arrivals == sorted(heard.arrivals)
    camera = second.track("ana", "camera")
    assert camera is not None
    assert is_key_frame(camera.packets[0])
    second.close()


async def test_the_recorder_gets_a_key_frame_when_it_asks(engine: EngineProcess, make_peer: MakePeer, recorder: FeedSocket) -> None:
    await engine.client.apply("room", 1, everybody("ana", record=tracks("ana")))
    recorder.want("room", "first")
    await make_peer("ana").publish((Source.CAMERA,))
    await until(lambda: recorder.heard("ana", "camera") > 20)
    heard = recorder.track("ana", "camera")
    assert heard is not None
    before = sum(map(is_key_frame, heard.packets))
    recorder.key_frame(int(heard.announcement["handle"]))
    await until(lambda: sum(map(is_key_frame, heard.packets)) > before)


def is_key_frame(packet: bytes) -> bool:
    assert VP8.starts_key_frame is not None
    return VP8.starts_key_frame(packet, 12)


# -- the rules by themselves


def fed(codec: Codec) -> FedTrack:
    return FedTrack(wire.Announcement(1, "s", "ana", "camera", codec.name, codec.clock_hz, 96, 7), codec.kind == "video")


def rtp(seq: int, size: int = 100) -> bytes:
    return bytes((0x80, 96)) + seq.to_bytes(2, "big") + bytes(8) + bytes(size - 12)


@pytest.fixture
async def alone(tmp_path: Path) -> Feed:
    """A feed whose recorder is not there."""
    return Feed(None, tmp_path / "nobody.sock")


async def test_video_is_kept_from_the_newest_key_frame_that_is_old_enough(alone: Feed) -> None:
    track = fed(VP8)
    for second in range(20):
        for part in range(10):
            alone.packet(track, rtp(second * 10 + part), second * 1_000_000 + part * 100_000, key_frame=part == 0 and second % 4 == 0)
    track.trim(19_900_000)
    kept = [item.arrival_us for item in track.retained]
    assert kept[0] == 4_000_000 * ((19_900_000 - int(wire.RETAIN_S * 1e6)) // 4_000_000)
    assert kept[-1] == 19_900_000


async def test_video_without_key_frames_is_kept_up_to_the_limit_only(alone: Feed) -> None:
    track = fed(VP8)
    for second in range(100):
        alone.packet(track, rtp(second), second * 1_000_000, key_frame=False)
    track.trim(99_000_000)
    assert track.retained[0].arrival_us == 99_000_000 - wire.RETAIN_LIMIT_S * 1e6
    big = fed(VP8)
    for number in range(40):
        alone.packet(big, rtp(number, 1 << 20), number, key_frame=False)
    assert big.retained_bytes <= wire.RETAIN_LIMIT_BYTES


async def test_audio_is_kept_for_three_seconds(alone: Feed) -> None:
    track = fed(OPUS)
    for number in range(1000):
        alone.packet(track, rtp(number), number * 20_000, key_frame=False)
    assert track.retained[0].arrival_us == 999 * 20_000 - wire.RETAIN_S * 1e6
    assert track.retained_bytes == sum(len(item.datagram) for item in track.retained)


async def test_a_recorder_that_does_not_read_stalls_nothing_and_loses_nothing(tmp_path: Path) -> None:
    feed = Feed(tmp_path / "engine.sock", tmp_path / "recorder.sock")
    recorder = FeedSocket(tmp_path / "recorder.sock", tmp_path / "engine.sock")
    recorder.want("s", "first")
    await asyncio.sleep(0.1)
    track = feed.begin("s", ANA_CAMERA, VP8, 96, 7)
    for number in range(5000):
        # No await: the recorder's socket is full after a few of these.
        feed.packet(track, rtp(number), number, key_frame=False)
    assert int(str(feed.report()["waiting_bytes"])) > 0
    await until(lambda: recorder.heard("ana", "camera") == 5000)
    heard = recorder.track("ana", "camera")
    assert heard is not None
    assert heard.sequence == list(range(5000))
    assert feed.report()["waiting_bytes"] == 0
    recorder.close()
    feed.packet(track, rtp(5000), 5000, key_frame=False)
    assert feed.counts["dropped_no_recorder"] == 1
    feed.close()


async def test_rubbish_from_the_recorder_is_counted(tmp_path: Path) -> None:
    feed = Feed(tmp_path / "engine.sock", tmp_path / "recorder.sock")
    recorder = FeedSocket(tmp_path / "recorder.sock", tmp_path / "engine.sock")
    for datagram in (b"", b"\x10{", b"\x10[]", b"\x10{}", b'\x11{"handle":"x"}', b'\x63{"a":1}', b"\x10\xff"):
        recorder._socket.sendto(datagram, str(tmp_path / "engine.sock"))
    await until(lambda: feed.counts["malformed"] + feed.counts["unknown"] == 7)
    assert feed.counts["unknown"] == 1
    recorder.close()
    feed.close()


async def test_a_recording_that_begins_again_gets_nothing_of_the_former_one(
    engine: EngineProcess, make_peer: MakePeer, recorder: FeedSocket
) -> None:
    await engine.client.apply("room", 1, everybody("ana", record=tracks("ana")))
    recorder.want("room", "first")
    await make_peer("ana").publish(BOTH)
    await until(lambda: recorder.heard("ana", "camera") > 5)
    await engine.client.apply("room", 1, everybody("ana"))
    await until(lambda: all(h.ended == "not_recorded" for h in recorder.tracks.values()))
    former = {handle: len(h.packets) for handle, h in recorder.tracks.items()}
    recorder.want("room", "second")
    await engine.client.apply("room", 1, everybody("ana", record=tracks("ana")))
    await until(lambda: len(recorder.tracks) == 4 and recorder.heard("ana", "camera") > 5)
    assert {handle: len(recorder.tracks[handle].packets) for handle in former} == former
