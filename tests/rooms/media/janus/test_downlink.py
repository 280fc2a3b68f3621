"""What a viewer behind Janus gets on a link that the test makes up: rate, queue and losses are known, counters looked at each second."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.media.engine import Source, TrackKey
from rooms.media.forwarding.choice import Picture, Rung
from rooms.media.janus.carried import LEAST_BPS
from rooms.media.janus.downlink import Downlink, Stream
from tests.effort import examples

LAYERS = (Rung(180, 150_000), Rung(360, 500_000), Rung(720, 1_500_000))
SOUND_BPS, PACKET, QUEUE_S = 45_000, 1000, 0.3


@dataclass
class Link:
    """A link of `bps` (0: without limit) with a queue. `names`: whose cameras are watched; `radio`: lost on the air, `jitter_s`: how much
    the round trip trembles. Pictures change their layer a second after that was chosen, and what gets lost is sent again."""

    bps: float
    names: tuple[str, ...] = ("ana",)
    radio: float = 0.0
    jitter_s: float = 0.0
    downlink: Downlink = field(default_factory=Downlink)
    now: float = 100.0
    sent: dict[str, float] = field(default_factory=dict)
    given: list[float] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    _levels: list[dict[TrackKey, tuple[int, bool]]] = field(default_factory=list)
    _counts: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    _repairs: float = 0.0
    _dice: random.Random = field(default_factory=lambda: random.Random(4))

    def run(self, seconds: int, shown: int = 720) -> Link:
        for _ in range(seconds):
            self.now += 1.0
            held = self._levels[-1] if self._levels else {}
            pictures = [
                Picture(key, False, shown, LAYERS, held.get(key, (2, False))[0], thins=True)
                for key in (TrackKey(name, Source.CAMERA) for name in self.names)
            ]
            choices = self.downlink.choose(pictures, self.now)
            self._levels.append({key: (choice.level, choice.slower) for key, choice in choices.items()})
            self._carry(self._levels[max(0, len(self._levels) - 2)])
            self.states.append(self.downlink.state)
        return self

    def _carry(self, levels: dict[TrackKey, tuple[int, bool]]) -> None:
        rates = {key.endpoint: LAYERS[level].bps * (0.6 if slower else 1) if level >= 0 else 0 for key, (level, slower) in levels.items()}
        media = sum(rates.values())
        everything = media + SOUND_BPS + self._repairs
        lost = max(0.0, 1 - self.bps / everything) if self.bps else 0.0
        lost = lost + (1 - lost) * self.radio
        self._repairs = min(media, media * lost)
        self.given.append(media)
        queue_s = QUEUE_S if self.bps and everything > self.bps else 0.0
        rtt_ms = 1000 * (0.02 + queue_s + self._dice.uniform(0, self.jitter_s))
        for name, bps in (*rates.items(), ("sound", SOUND_BPS)):
            packets, octets, missing = self._counts.get(name, (0, 0, 0))
            more = round(bps / 8 / PACKET)
            self._counts[name] = packets + more, octets + more * PACKET, missing + round(more * lost)
        streams = {
            name: Stream(packets, octets, missing, name != "sound", (self.now, rtt_ms) if packets else None, rtt_ms if packets else None)
            for name, (packets, octets, missing) in self._counts.items()
        }
        self.downlink.look(streams, self.now)

    def mean_bps(self, seconds: int) -> float:
        """Of pictures, in the last seconds."""
        return sum(self.given[-seconds:]) / seconds


def test_on_a_wide_path_all_is_sent_and_nothing_is_amiss() -> None:
    link = Link(0).run(60)
    assert set(link.states) == {"full"}
    assert set(link.given) == {1_500_000}
    assert link.downlink.report()["limited"] is False


@pytest.mark.parametrize(
    ("bps", "state", "fits"), [(900_000, "smaller", 500_000), (300_000, "smaller", 150_000), (160_000, "slower", 90_000)]
)
def test_a_narrow_path_carries_what_fits_and_that_is_told(bps: int, state: str, fits: int) -> None:
    link = Link(bps).run(120)
    assert link.states[10] != "full", "it is noticed within some seconds"
    assert link.given[-40:].count(fits) > 28, "most of the time it has what fits"
    assert link.mean_bps(60) < bps, "and it is seldom overfilled"
    assert state in link.states[-20:]


def test_sound_is_left_alone_where_no_picture_fits() -> None:
    link = Link(60_000).run(150)
    assert "audio" in link.states[:15]
    assert link.given[-60:].count(0) > 45
    assert link.downlink.carried.bps is not None
    assert link.downlink.carried.bps >= LEAST_BPS


@pytest.mark.parametrize("bps", [60_000, 200_000, 700_000])
def test_when_a_path_becomes_wide_again_everything_comes_back_within_a_minute_and_a_half(bps: int) -> None:
    link = Link(bps).run(60)
    link.bps = 0
    link.run(90)
    assert link.states[-1] == "full"
    assert link.given[-1] == 1_500_000


def test_what_is_tried_in_vain_is_tried_more_and_more_seldom() -> None:
    link = Link(300_000).run(60)
    first = link.downlink.carried.trials
    link.run(60)
    later = link.downlink.carried.trials - first
    assert later <= 3
    assert link.downlink.carried.failed_trials >= 1


def test_a_radio_that_loses_a_tenth_and_trembles_keeps_its_picture() -> None:
    link = Link(0, radio=0.1, jitter_s=0.15).run(120)
    assert link.mean_bps(120) == 1_500_000
    assert set(link.states) == {"full"}


def test_who_is_slow_by_himself_is_not_left_without_pictures() -> None:
    """A busy machine reads late, whatever is sent to it: what waits with little sent too waits for something else."""
    link = Link(0, jitter_s=0.0).run(20)
    link.jitter_s = 3.0
    link.run(120)
    assert link.mean_bps(60) > 150_000
    link.jitter_s = 0.0
    link.run(120)
    assert link.states[-1] == "full"


def test_what_sound_alone_loses_says_nothing_of_pictures() -> None:
    link = Link(30_000, names=()).run(30)
    link.bps, link.names = 0, ("ana",)
    link.run(5)
    assert set(link.states) == {"full"}
    assert link.given[-1] == 1_500_000


def test_of_two_pictures_the_lowest_layers_come_first() -> None:
    link = Link(420_000, ("ana", "bo")).run(100)
    assert link.given[-30:].count(300_000) > 20


def test_losses_of_a_stream_that_began_anew_are_nobodys() -> None:
    downlink = Downlink()
    downlink.look({"1": Stream(1000, 900_000, 400, True)}, 1.0)
    downlink.look({"1": Stream(10, 9_000, 0, True)}, 2.0)
    downlink.look({"2": Stream(10, 9_000, 5, True)}, 3.0)
    assert downlink.carried.bps is None


def test_two_looks_at_one_moment_are_one() -> None:
    downlink = Downlink()
    for now, packets in ((1.0, 100), (1.0 + 1e-300, 150), (1.001, 190), (2.0, 200)):
        downlink.look({"1": Stream(packets, packets * 1000, 0, True)}, now)
    downlink.choose([], 2.0)
    assert downlink._sent_bps == 800_000, "of the whole second"


COUNTS = st.dictionaries(
    st.sampled_from("012"),
    st.builds(
        Stream,
        st.integers(0, 1 << 40),
        st.integers(0, 1 << 40),
        st.integers(0, 1 << 40),
        st.booleans(),
        st.integers(0, 3),
        st.none() | st.floats(0, 1e6),
    ),
)


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(COUNTS, st.floats(0, 30)), max_size=20))
def test_whatever_is_counted_every_picture_has_a_choice_and_the_estimate_is_a_number(looks: list[tuple[dict[str, Stream], float]]) -> None:
    downlink, now = Downlink(), 0.0
    pictures = [Picture(TrackKey(name, Source.CAMERA), False, 720, LAYERS, 0, thins=True) for name in ("ana", "bo")]
    for streams, later_s in looks:
        now += later_s
        downlink.look(streams, now)
        choices = downlink.choose(pictures, now)
        assert choices.keys() == {picture.key for picture in pictures}
        assert all(-1 <= choice.level <= choice.ideal for choice in choices.values())
        assert downlink.estimate_bps >= 0
