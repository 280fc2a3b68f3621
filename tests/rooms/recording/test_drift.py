"""Hours of one person whose three clocks run apart: sound card, camera, and the one that his sender reports tell of.

Everything of the recorder that a packet passes is there (jitter buffer, depacketiser, clock, Matroska), only faster than time; what is
read is the files, by libav and by what the composite reads.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import pytest

from rooms.recording.batch import Batch, Source
from rooms.recording.feed import Announcement
from rooms.recording.folder import SittingFolder
from rooms.recording.matroska import block_times_ms
from rooms.recording.timing import EndpointClock
from rooms.recording.track import Track
from tests.effort import THOROUGH
from tests.robot_media import SOUND_MS, sound
from tests.rooms.recording.streams import rtp, sender_report, vp8_frames, vp8_payloads

START_US = 1_790_000_000_000_000
HOURS = 4 if THOROUGH else 1
"""In one the clocks run half a second apart already."""
FPS = 5
TICK_US = 200_000
"""As the recorder's."""
TOGETHER_US = 80_000
CLOCK_US = 1_000_000
SENDERS_CLOCK_PPM, SENDERS_CLOCK_OFF_US = 40, -7_300_000


@dataclass(frozen=True)
class Device:
    """A sound card or camera: how fast its clock runs, and how long what it makes takes to the recorder."""

    source: str
    codec: str
    hz: int
    period_us: int
    ppm: float
    delay_us: int
    jitter_us: int
    handle: int

    def made(self, number: int) -> int:
        """When its frame of that number is made: a clock that runs fast makes them earlier."""
        return START_US + round(number * self.period_us / (1 + self.ppm / 1e6))

    def stamp(self, at_us: int) -> int:
        """What its RTP clock shows then; it wraps soon after the beginning."""
        return (0xFFFF0000 + round((at_us - START_US) * (1 + self.ppm / 1e6) * self.hz / 1e6)) & 0xFFFFFFFF


MICROPHONE = Device("microphone", "opus", 48_000, SOUND_MS * 1000, 80.0, 20_000, 30_000, 1)
CAMERA = Device("camera", "VP8", 90_000, 1_000_000 // FPS, -60.0, 70_000, 40_000, 2)
"""A picture takes 50 ms longer: to encode it, and to send it little by little."""
Arrival = tuple[int, int, bytes, int]
"""When, handle, packet, 0 for RTP and 1 for a sender report."""


def sent(device: Device, *, reports: bool) -> Iterator[Arrival]:
    chance = random.Random(device.handle)
    payloads = [vp8_payloads(f, i)[0] for i, f in enumerate(vp8_frames(2.0, (), (64, 36)))] if device is CAMERA else sound(300)
    for number in range(HOURS * 3_600_000_000 // device.period_us):
        made_us = device.made(number)
        data = rtp(payloads[number % len(payloads)], number, device.stamp(made_us), device.handle, 96, device is CAMERA)
        yield made_us + device.delay_us + round(chance.random() * device.jitter_us), device.handle, data, 0
        if reports and number % (5_000_000 // device.period_us) == 0:
            senders_us = made_us + SENDERS_CLOCK_OFF_US + round((made_us - START_US) * SENDERS_CLOCK_PPM / 1e6)
            yield made_us + device.delay_us, device.handle, sender_report(device.handle, senders_us, device.stamp(made_us)), 1


def record(root: Path, *, reports: bool) -> None:
    """The recorder's way from a packet to the file."""
    folder = SittingFolder(root, lambda name, fields: None)
    folder.open()
    folder.start(1, START_US, "hearing_opened", "judge")
    clock = EndpointClock()
    tracks: dict[int, tuple[Track, Source]] = {}
    for device in (MICROPHONE, CAMERA):
        announced = Announcement(device.handle, "s1", "alice", device.source, device.codec, device.hz, 96, device.handle)
        tracks[device.handle] = Track(device.handle, announced, clock), Source(device.handle, "alice", device.source, device.codec, 1)

    def write(at_us: int, *, all_of_it: bool = False) -> None:
        due = [(source, track, track.rest() if all_of_it else track.due(at_us)) for track, source in tracks.values()]
        folder.write([Batch(source, items, track.packets, track.lost) for source, track, items in due], at_us)

    tick_us = START_US
    for at_us, handle, data, kind in sorted([*sent(MICROPHONE, reports=reports), *sent(CAMERA, reports=reports)]):
        while at_us >= tick_us:
            write(tick_us)
            tick_us += TICK_US
        track = tracks[handle][0]
        if kind:
            track.report(data, 0)
        else:
            track.take(data, at_us, 0)
    write(tick_us, all_of_it=True)
    assert [(track.lost, track.refused) for track, _ in tracks.values()] == [(0, 0), (0, 0)]
    folder.stop(1, tick_us, "closed", "judge")
    folder.close()


def errors_us(root: Path, device: Device) -> list[int]:
    """How much later than it was made each frame stands in the recording."""
    (path,) = root.glob(f"tracks/*-{device.source}-*.mkv")
    rows = [json.loads(row) for row in (root / "segments.jsonl").read_text().splitlines()]
    (start_us,) = (row["start_us"] for row in rows if row["row"] == "opened" and row["source"] == device.source)
    found = [start_us + 1000 * ms for ms in block_times_ms(path)]
    with av.open(str(path)) as container:  # what ffmpeg, which makes the composite, and a browser read
        read = [start_us + round(float(packet.pts * packet.time_base) * 1e6) for packet in container.demux() if packet.pts is not None]
    assert max(abs(a - b) for a, b in zip(found, read, strict=True)) <= 1000
    assert len(found) == HOURS * 3_600_000_000 // device.period_us
    return [at_us - device.made(number) for number, at_us in enumerate(found)]


@pytest.mark.thorough
@pytest.mark.parametrize("reports", [True, False], ids=["sender reports", "arrivals alone"])
@pytest.mark.timeout(300)
def test_after_hours_picture_and_sound_are_together_and_the_clock_is_right(tmp_path: Path, reports: bool) -> None:
    root = tmp_path / "s1"
    record(root, reports=reports)
    heard, seen = errors_us(root, MICROPHONE), errors_us(root, CAMERA)
    sounds = [min(len(heard) - 1, number * CAMERA.period_us // MICROPHONE.period_us) for number in range(len(seen))]
    apart = [abs(error - heard[number]) for error, number in zip(seen, sounds, strict=True)]
    clock = [abs(error) for error in (*heard, *seen)]
    sys.stdout.write(
        f"{'sender reports' if reports else 'arrivals alone'}: apart {max(apart) / 1000:.0f} ms at most, "
        f"{max(apart[-FPS * 60 :]) / 1000:.0f} in the last minute; clock {max(clock) / 1000:.0f} ms\n"
    )
    assert max(apart) <= TOGETHER_US
    assert max(clock) <= CLOCK_US
