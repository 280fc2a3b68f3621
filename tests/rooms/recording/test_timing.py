"""RTP time to wall-clock time: the shortest delay counts, tracks of one endpoint share it, and corrections are gentle."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from rooms.recording.feed import Announcement
from rooms.recording.frame import Hole, Timed
from rooms.recording.rtp import SenderReport
from rooms.recording.timing import EndpointClock, TrackClock
from rooms.recording.track import HOLD_US, YOUNG_HOLD_US, Track
from tests.rooms.recording.streams import rtp

START = 1_790_000_000_000_000
HZ = 48_000


def ticks(seconds: float, base: int = 0xFFFFF000, hz: int = HZ) -> int:
    return (base + round(seconds * hz)) & 0xFFFFFFFF


def feed(clock: TrackClock, from_s: float, to_s: float, delay_us: int = 20_000, jitter_us: int = 0, seed: int = 1) -> None:
    """Packets each 20 ms, each delayed by `delay_us` and up to `jitter_us` more."""
    chance = random.Random(seed)
    for step in range(round(from_s * 50), round(to_s * 50)):
        clock.observe(ticks(step / 50), START + step * 20_000 + delay_us + chance.randint(0, jitter_us))


def placed(clock: TrackClock, at_s: float) -> float:
    """Where the clock puts what was made at `at_s`, in seconds after the start."""
    arrival_us = START + round(at_s * 1e6) + 20_000
    return (clock.wall_us(ticks(at_s), arrival_us) - START) / 1e6


def test_the_shortest_delay_counts_not_the_usual_one() -> None:
    clock = TrackClock(HZ, EndpointClock())
    feed(clock, 0, 5, jitter_us=200_000)
    assert placed(clock, 1.0) == pytest.approx(1.02, abs=0.01)


def test_time_goes_on_over_the_wrap_of_the_timestamp() -> None:
    clock = TrackClock(HZ, EndpointClock())
    feed(clock, 0, 1)  # 4096 ticks before the wrap
    assert placed(clock, 0.5) - placed(clock, 0.02) == pytest.approx(0.48, abs=0.002)


def test_a_queue_at_the_start_does_not_shift_the_track() -> None:
    clock = TrackClock(HZ, EndpointClock())
    for step in range(50):  # the first second arrives at once, 1 s late
        clock.observe(ticks(step / 50), START + 1_000_000)
    feed(clock, 1, 2)
    assert placed(clock, 0.1) == pytest.approx(0.12, abs=0.03)


def test_a_drifting_sender_is_followed() -> None:
    clock = TrackClock(HZ, EndpointClock())
    worst = 0.0
    for step in range(50 * 600):  # ten minutes at 100 ppm
        made_us = round(step * 20_000 * 1.0001)
        clock.observe(ticks(step / 50), START + made_us + 20_000)
        if step % 50 == 0:
            worst = max(worst, abs(clock.wall_us(ticks(step / 50), START + made_us + 20_000) - START - made_us - 20_000))
    assert worst < 10_000


@pytest.mark.parametrize("clock_runs_on", [True, False])
def test_after_a_silence_the_sound_is_where_it_was_made(clock_runs_on: bool) -> None:
    clock = TrackClock(HZ, EndpointClock())
    feed(clock, 0, 3)
    before = placed(clock, 2.5)
    stood_still = 0 if clock_runs_on else 60
    for step in range(50 * 63, 50 * 65):
        clock.observe(ticks(step / 50 - stood_still), START + step * 20_000 + 20_000)
    after = (clock.wall_us(ticks(64 - stood_still), START + 64_020_000) - START) / 1e6
    assert [before, after] == pytest.approx([2.52, 64.02], abs=0.005)


def test_what_was_said_before_a_silence_keeps_its_time() -> None:
    clock = TrackClock(HZ, EndpointClock())
    feed(clock, 0, 3)
    for step in range(50 * 63, 50 * 65):
        clock.observe(ticks(step / 50 - 60), START + step * 20_000 + 20_000)
    assert placed(clock, 2.5) == pytest.approx(2.52, abs=0.005)


def test_picture_and_sound_of_one_endpoint_share_the_senders_clock() -> None:
    """The picture takes 150 ms longer on its way; the sender's reports say when both were made."""
    endpoint = EndpointClock()
    sound, picture = TrackClock(HZ, endpoint), TrackClock(90_000, endpoint)
    for step in range(100):
        sound.observe(ticks(step / 50), START + step * 20_000 + 20_000)
        picture.observe(step * 1800, START + step * 20_000 + 170_000)
    senders_time = 5_000_000_000
    sound.report(SenderReport(1, senders_time + 1_000_000, ticks(1.0)))
    picture.report(SenderReport(2, senders_time + 1_000_000, 90_000))
    heard = sound.wall_us(ticks(1.5), START + 1_520_000)
    seen = picture.wall_us(135_000, START + 1_670_000)
    assert abs(heard - seen) < 1000
    assert heard == pytest.approx(START + 1_520_000, abs=1000)


def test_a_report_that_makes_no_sense_is_not_believed() -> None:
    endpoint = EndpointClock()
    sound, picture = TrackClock(HZ, endpoint), TrackClock(HZ, endpoint)
    for clock in (sound, picture):
        feed(clock, 0, 2)
    sound.report(SenderReport(1, 1_000_000, ticks(1.0)))
    picture.report(SenderReport(2, 9_000_000, ticks(1.0)))
    assert placed(sound, 1.5) == pytest.approx(1.52, abs=0.005)
    assert placed(picture, 1.5) == pytest.approx(1.52, abs=0.005)


def stalled(clock: TrackClock, from_s: float, to_s: float, stood_still_s: float) -> None:
    """Packets of a sender whose clock stood still for so long before."""
    for step in range(round(from_s * 50), round(to_s * 50)):
        clock.observe(ticks(step / 50 - stood_still_s), START + step * 20_000 + 20_000)


def test_a_sender_that_made_nothing_for_a_moment_is_placed_right_from_its_next_report_on() -> None:
    """A microphone that hung 0.4 s: too short for a silence, and its timestamps do not count it."""
    clock = TrackClock(HZ, EndpointClock())
    feed(clock, 0, 3)
    clock.report(SenderReport(1, 3_000_000, ticks(3.0)))
    assert placed(clock, 2.5) == pytest.approx(2.52, abs=0.005)
    stalled(clock, 3.4, 5, 0.4)
    clock.report(SenderReport(1, 5_000_000, ticks(4.6)))
    stalled(clock, 5, 5.6, 0.4)
    assert (clock.wall_us(ticks(4.7), START + 5_120_000) - START) / 1e6 == pytest.approx(5.12, abs=0.005)


def test_a_late_report_does_not_move_the_track() -> None:
    """Its sender was busy when it wrote the report: the clock it tells of never stood still."""
    clock = TrackClock(HZ, EndpointClock())
    feed(clock, 0, 3)
    clock.report(SenderReport(1, 3_000_000, ticks(3.0)))
    assert placed(clock, 2.5) == pytest.approx(2.52, abs=0.005)
    clock.report(SenderReport(1, 3_400_000, ticks(3.1)))
    feed(clock, 3, 3.5)
    assert placed(clock, 3.0) == pytest.approx(3.02, abs=0.005)
    clock.report(SenderReport(1, 4_000_000, ticks(4.0)))
    feed(clock, 3.5, 4.5)
    assert placed(clock, 4.0) == pytest.approx(4.02, abs=0.005)


def test_a_small_correction_is_made_slowly() -> None:
    """A frame is never heard 20 ms apart by more than 1 %."""
    endpoint = EndpointClock()
    clock, other = TrackClock(HZ, endpoint), TrackClock(HZ, endpoint)
    feed(clock, 0, 1, delay_us=120_000)
    feed(other, 0, 1)
    walls = [clock.wall_us(ticks(0.5), START + 620_000)]
    for at in (clock, other):
        at.report(SenderReport(1, 1_000_000, ticks(0.5)))
    feed(clock, 1, 12, delay_us=120_000)
    feed(other, 1, 12)
    walls += [clock.wall_us(ticks(0.5 + step / 50), START + 620_000 + step * 20_000) for step in range(1, 550)]
    steps = [after - before for before, after in pairwise(walls)]
    assert min(steps) >= 20_000 * 0.98
    assert walls[-1] - START == pytest.approx(0.5e6 + 549 * 20_000 + 20_000, abs=2000)


def test_a_track_that_ended_no_longer_counts() -> None:
    endpoint = EndpointClock()
    clock = TrackClock(HZ, endpoint)
    clock.close()
    clock.close()
    assert endpoint.tracks == []


def test_a_young_track_is_held_longer_than_one_whose_delay_is_known() -> None:
    """What is held is lost when the recorder is killed."""
    track = Track(1, Announcement(1, "sitting", "endpoint", "microphone", "opus", HZ, 111, 7), EndpointClock())
    made_us: list[int] = []
    held_us: list[int] = []
    for step in range(250):  # one packet and one look each 20 ms
        at_us = START + step * 20_000
        made_us.append(at_us)
        track.take(rtp(b"\x78\x01\x02", step, ticks(step / 50), 7, 111), at_us, 0)
        held_us += [at_us - made_us[len(held_us) + number] for number, _ in enumerate(track.due(at_us))]
    assert held_us[0] == YOUNG_HOLD_US
    assert held_us[-1] == HOLD_US
    assert not track.refused


def test_a_pause_of_speech_is_no_break() -> None:
    """A late packet after a pause (DTX) does not move the track: the shortest delay of before still counts."""
    clock = TrackClock(HZ, EndpointClock())
    feed(clock, 0, 3)
    assert not clock.is_young(START + 3_000_000)
    clock.observe(ticks(4.0), START + 4_000_000 + 120_000)
    assert not clock.is_young(START + 4_200_000)
    assert placed(clock, 4.0) == pytest.approx(4.02, abs=0.005)


@pytest.mark.parametrize(("lost", "holes"), [(2, 0), (5, 0), (6, 1)])
def test_what_is_lost_in_a_pause_is_as_much_sound_as_packets_are_lost(lost: int, holes: int) -> None:
    """Packets 0.42 s apart: two of them that are lost are 40 ms of sound and no gap, however long the pause was."""
    track = Track(1, Announcement(1, "sitting", "endpoint", "microphone", "opus", HZ, 111, 7), EndpointClock())
    steps = [*range(5), *range(5 + lost, 10 + lost)]
    for step in steps:
        track.take(rtp(b"\x78\x01\x02", step, ticks(step * 0.42), 7, 111), START + round(step * 420_000), 0)
    items = track.rest()
    assert sum(isinstance(item, Hole) for item in items) == holes
    assert sum(isinstance(item, Timed) for item in items) == 10
    assert track.lost == lost
