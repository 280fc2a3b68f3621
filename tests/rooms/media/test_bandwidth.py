"""What a path carries, told by a receiver on a link that the test makes up: rate, queue and delay are known."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.media.forwarding.bandwidth import (
    BASE_S,
    LEAST_BPS,
    LONGEST_WAIT_S,
    MOST_STEP_BPS,
    START_BPS,
    Estimator,
    Rate,
)
from tests.effort import examples
from tests.relay import Link

STEP_S = 0.1
REPORT_S = 0.2
QUEUE_S = 0.3


@dataclass
class Path:
    """A link of `bps` with a queue, and a receiver behind it as Chromium is one: its REMB falls to 0.85 of what arrives when packets
    queue, and rises by a twelfth in a second, to 1.5 of what arrives. `sound_bps` passes first and is not estimated.
    A `slow_bps` above 0: the receiver's machine is busy, it reads packets late, reads no more than that, and loses what it does not."""

    bps: float
    estimator: Estimator
    sound_bps: float = 60_000
    delay_s: float = 0.03
    radio_loss: float = 0.0
    slow_bps: float = 0.0
    now: float = 100.0
    remb: float = 300_000
    queue_s: float = 0.0
    arrived: deque[float] = field(default_factory=lambda: deque(maxlen=10))
    sent: deque[float] = field(default_factory=lambda: deque(maxlen=10))
    dice: random.Random = field(default_factory=lambda: random.Random(4))
    given: list[tuple[float, float]] = field(default_factory=list)
    _reported: float = 0.0
    _lost: float = 0.0
    _sent_since: float = 0.0
    _second: float = 0.0

    def run(self, seconds: float, wanted_bps: float, layers: tuple[float, ...] = ()) -> None:
        """Send the highest of `layers` that is thought to fit (or `wanted_bps` where there are none), and padding."""
        for _ in range(round(seconds / STEP_S)):
            self.now += STEP_S
            fitting = [layer for layer in layers if layer <= self.estimator.bps]
            media = max(fitting, default=0.0) if layers else min(wanted_bps, self.estimator.bps)
            sent = media + self.estimator.padding_bps(int(media), self.now)
            self.given.append((self.now, media))
            self._carry(sent)
            recent = [given for _, given in self.given[-10:]]
            self.estimator.want(int(wanted_bps), int(sum(recent) / len(recent)), self.now)

    def _carry(self, sent: float) -> None:
        room = max(0.0, self.bps - self.sound_bps)
        self.queue_s += (sent - room) * STEP_S / self.bps
        lost = max(0.0, self.queue_s - QUEUE_S) * self.bps
        self.queue_s = min(QUEUE_S, max(0.0, self.queue_s))
        arrived = (min(sent, room) if self.queue_s > 0 else sent) * (1 - self.radio_loss)
        if self.slow_bps:
            lost, arrived = lost + max(0.0, arrived - self.slow_bps) * STEP_S, min(arrived, self.slow_bps)
        self.sent.append(sent)
        self.arrived.append(arrived)
        self._lost += lost + sent * STEP_S * self.radio_loss
        self._sent_since += sent * STEP_S
        self._report()

    def _report(self) -> None:
        arriving, sending = sum(self.arrived) / len(self.arrived), int(sum(self.sent) / len(self.sent))
        self._reported += STEP_S
        self._second += STEP_S
        if self._reported >= REPORT_S:
            late_s = self.dice.uniform(0.3, 2.0) if self.slow_bps else 0.0
            if self.queue_s + late_s > 0.05:
                self.remb = min(self.remb, 0.85 * arriving)
            elif self.remb < 1.5 * arriving + 10_000:
                self.remb *= 1.08**self._reported
            self.remb, self._reported = max(10_000, self.remb), 0.0
            lost = min(1.0, self._lost / max(1.0, self._sent_since))
            self.estimator.delayed(self.delay_s + self.queue_s + late_s, lost, sending, self.now)
            self.estimator.told(int(self.remb), sending, self.now)
        if self._second >= 1.0:
            if self._sent_since:
                self.estimator.lost(min(1.0, self._lost / self._sent_since), sending, self.now)
            self._second = self._lost = self._sent_since = 0.0

    def spent(self, seconds: float) -> float:
        """What was given in the last `seconds`, in the mean."""
        found = [media for at, media in self.given if at > self.now - seconds]
        return sum(found) / len(found)


def path(bps: float, radio_loss: float = 0.0) -> Path:
    return Path(bps, Estimator(100.0), radio_loss=radio_loss)


def test_a_path_that_is_only_unknown_is_not_limited() -> None:
    estimator = Estimator(0.0)
    estimator.want(3_000_000, 400_000, 0.25)
    assert not estimator.limited
    assert estimator.bps == START_BPS


def test_a_path_is_settled_while_it_carries_what_is_wanted_and_no_longer_when_something_tells_of_less() -> None:
    wide = path(20_000_000)
    wide.run(0.2, 4_000_000)
    assert not wide.estimator.settled(wide.now), "more is wanted than is known to fit"
    wide.run(20, 4_000_000)
    assert wide.estimator.settled(wide.now)
    wide.estimator.delayed(wide.delay_s + 0.2, 0.0, 4_000_000, wide.now)
    assert not wide.estimator.settled(wide.now), "packets may queue"
    wide.bps = 600_000
    wide.run(3, 4_000_000)
    assert wide.estimator.limited
    assert not wide.estimator.settled(wide.now)


def test_an_estimate_that_is_low_while_nothing_queues_is_not_believed() -> None:
    """Chromium's lags behind for half a minute when a larger picture comes."""
    wide = path(20_000_000)
    wide.remb = 150_000
    wide.run(10, 1_400_000)
    assert wide.remb < 0.9 * 1_400_000
    assert not wide.estimator.limited
    assert wide.estimator.bps >= START_BPS


@pytest.mark.parametrize("bps", [900_000, 600_000, 250_000])
def test_a_narrow_path_is_filled_and_not_overfilled(bps: int) -> None:
    narrow = path(bps)
    narrow.run(40, 1_400_000)
    assert narrow.estimator.limited
    room = bps - narrow.sound_bps
    assert 0.45 * room < narrow.spent(20) <= room


def test_a_path_that_carries_sound_alone_is_left_to_it() -> None:
    narrow = path(80_000)
    narrow.run(40, 1_400_000, layers=(90_000, 150_000, 500_000, 1_400_000))
    assert narrow.spent(20) == 0
    assert narrow.estimator.bps < 90_000


def test_when_the_limit_goes_everything_comes_back_within_some_seconds() -> None:
    again = path(80_000)
    again.run(60, 1_400_000)
    again.bps = 20_000_000
    again.run(LONGEST_WAIT_S + 15, 1_400_000)
    assert again.spent(1) == 1_400_000
    assert not again.estimator.limited


def test_more_than_was_ever_known_is_found_by_probing_while_it_fits() -> None:
    wide = path(20_000_000)
    wide.run(20, 6_000_000)
    assert wide.estimator.bps >= 6_000_000
    assert wide.estimator.failed_probes == 0
    assert not wide.estimator.limited


def test_probes_that_fail_come_ever_more_rarely_and_take_nothing_away() -> None:
    narrow = path(600_000)
    narrow.run(30, 1_400_000)
    before, fits = narrow.estimator.probes, narrow.spent(10)
    narrow.run(60, 1_400_000)
    assert narrow.estimator.probes - before <= 60 / LONGEST_WAIT_S * 2 + 2
    assert narrow.spent(10) >= 0.6 * fits


LAYERS = (15_000, 150_000, 500_000, 1_400_000)


@pytest.mark.parametrize("slow_bps", [100_000, 400_000])
@pytest.mark.parametrize("seconds", [3, 10, 60])
def test_a_receiver_that_was_slow_gets_everything_again_within_ten_seconds(slow_bps: int, seconds: int) -> None:
    """Its machine was busy: it read late, and lost what it did not read. The path was wide all the time."""
    wide = path(20_000_000)
    wide.run(10, 1_400_000, LAYERS)
    wide.slow_bps = slow_bps
    wide.run(seconds, 1_400_000, LAYERS)
    wide.slow_bps = 0
    wide.run(10, 1_400_000, LAYERS)
    assert wide.spent(1) == 1_400_000


@pytest.mark.parametrize(("slow_bps", "least"), [(100_000, 15_000), (400_000, 150_000), (2_000_000, 150_000)])
def test_a_receiver_that_is_slow_for_long_gets_what_it_can_read(slow_bps: int, least: int) -> None:
    wide = path(20_000_000)
    wide.slow_bps = slow_bps
    wide.run(20, 1_400_000, LAYERS)
    before = len(wide.given)
    wide.run(40, 1_400_000, LAYERS)
    given = sorted(media for _, media in wide.given[before:])
    assert given[0] > 0, "never nothing"
    assert given[len(given) // 2] >= least, "half of the time at least"


def test_waits_that_our_own_sending_makes_are_a_queue_however_long_they_last() -> None:
    """Deep buffers in front of a narrow path: what is given stays below what the path carries."""
    deep = path(300_000)
    deep.run(90, 1_400_000, LAYERS)
    assert deep.spent(60) <= 240_000


def test_some_loss_on_a_radio_is_no_limit() -> None:
    """A tenth, as tests/browser/test_bad_network.py has it."""
    radio = path(20_000_000, radio_loss=0.1)
    radio.run(30, 1_400_000)
    assert radio.spent(20) == 1_400_000


def test_heavy_loss_is_a_limit_whatever_else_is_said() -> None:
    bad = path(20_000_000, radio_loss=0.3)
    bad.run(5, 1_400_000)
    assert bad.estimator.limited
    assert bad.estimator.bps < 1_000_000


def test_a_longer_way_is_no_queue_for_ever() -> None:
    other = path(20_000_000)
    other.run(5, 500_000)
    other.delay_s = 0.4  # from Wi-Fi to a satellite
    other.run(2 * BASE_S + 20, 6_000_000)
    assert other.estimator.bps >= 6_000_000


def test_a_probe_that_nobody_answers_proves_nothing() -> None:
    estimator = Estimator(0.0)
    now = 1.0
    while now < 30:
        estimator.want(6_000_000, 1_000_000, now)
        now += 0.25
    assert 1 <= estimator.probes <= 8
    assert estimator.bps == START_BPS


@settings(max_examples=examples(60))
@given(
    rates=st.lists(st.tuples(st.integers(30_000, 5_000_000), st.integers(1, 15)), min_size=1, max_size=6),
    wanted=st.integers(0, 5_000_000),
    radio=st.floats(0, 0.5),
)
def test_whatever_the_path_does_padding_is_bounded_and_the_estimate_in_its_range(
    rates: list[tuple[int, int]], wanted: int, radio: float
) -> None:
    any_path = path(rates[0][0], radio_loss=radio)
    for bps, seconds in rates:
        any_path.bps = bps
        for _ in range(seconds):
            any_path.run(1, wanted)
            estimator = any_path.estimator
            assert estimator.bps >= LEAST_BPS
            assert estimator.steady_bps(any_path.now) <= estimator.bps
            assert 0 <= estimator.padding_bps(0, any_path.now) <= max(2 * estimator.bps + MOST_STEP_BPS, wanted * 1.3)


@settings(max_examples=examples(30), deadline=None)
@given(bps=st.integers(30_000, 3_000_000), wanted=st.integers(100_000, 1_400_000))
def test_whatever_the_limit_was_everything_is_back_after_it(bps: int, wanted: int) -> None:
    any_path = path(bps)
    any_path.run(30, wanted)
    any_path.bps = 20_000_000
    any_path.run(LONGEST_WAIT_S + 20, wanted)
    assert any_path.spent(0.5) == wanted


def test_a_rate_is_that_of_the_last_second() -> None:
    rate = Rate()
    assert [rate.at(octets, at) for octets, at in ((0, 0.0), (12_500, 0.5), (25_000, 1.0), (25_000, 2.0), (25_000, 3.0))] == [
        0, 200_000, 200_000, 0, 0,
    ]  # fmt: skip


def test_a_link_of_the_relay_delays_what_it_carries_and_drops_what_its_queue_has_no_room_for() -> None:
    link = Link(80_000, queue_s=0.3)
    waits = [link.wait_s(972, 10.0) for _ in range(6)]  # a tenth of a second each
    assert [None if wait is None else round(wait, 3) for wait in waits] == [0.1, 0.2, 0.3, 0.4, None, None]
    assert round(link.wait_s(972, 10.5) or 0, 3) == 0.1, "the queue is empty again"
    assert Link().wait_s(972, 10.0) == 0
