"""Counters of Janus's core, made into what passed since the last look."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.media.janus.counts import Counts, jitter_ms, rtt_ms


def media(packets: int, *, lost: int = 0, repaired: int = 0, octets: int = 0, **link: int) -> dict[str, Any]:
    stats = {"packets": packets, "bytes": octets, "retransmissions": repaired}
    return {"stats": {"in": stats, "out": stats}, "rtcp": {"main": {"lost": lost, "lost-by-remote": lost, **link}}}


def looked(*looks: dict[str, Any]) -> Counts:
    """After a look each second at what is received."""
    counts = Counts()
    for second, found in enumerate(looks):
        counts.received(found, float(second))
    return counts


def test_the_first_look_tells_nothing_but_the_sums() -> None:
    counts = looked(media(1000, lost=100, octets=5000))
    assert (counts.packets, counts.octets, counts.lost, counts.fraction_lost, counts.bitrate_bps) == (1000, 5000, 100, 0.0, 0)


def test_a_share_is_of_what_was_sent_since_the_last_look_before_repair() -> None:
    counts = looked(media(1000, lost=100, repaired=90), media(1100, lost=120, repaired=110, octets=100_000))
    assert counts.fraction_lost == 0.2  # 80 came by themselves, 20 were lost, and repaired
    assert counts.bitrate_bps == 800_000
    assert counts.never_came == 10


def test_a_stream_that_is_silent_loses_nothing_and_neither_does_it_when_it_goes_on() -> None:
    """Janus's own estimate says that all is lost, and says it for long."""
    assert looked(media(500), media(500), media(500)).fraction_lost == 0.0
    assert looked(media(500), media(500), media(550)).fraction_lost == 0.0


def test_what_was_only_overtaken_is_taken_back() -> None:
    assert looked(media(100, lost=5), media(150, lost=3)).fraction_lost == 0.0


def test_a_stream_that_began_anew_is_counted_from_there() -> None:
    counts = looked(media(1000, lost=100, octets=9000), media(10, octets=100))
    assert (counts.packets, counts.fraction_lost, counts.bitrate_bps) == (10, 0.0, 0)


def test_what_is_sent_is_lost_by_what_its_receiver_reports() -> None:
    counts = Counts()
    counts.sent(media(100), 0.0)
    counts.sent(media(200, lost=10), 1.0)
    assert counts.fraction_lost == pytest.approx(0.1)  # what was sent has the lost ones among it
    counts.sent(media(210, lost=60), 2.0)
    assert counts.fraction_lost == 1.0


def test_of_several_layers_the_worst_delay_and_all_losses_count() -> None:
    layers: dict[str, Any] = media(100)
    layers["rtcp"] = {"main": {"rtt": 20, "jitter-local": 3, "lost": 1}, "sim1": {"rtt": 0, "jitter-local": 9, "lost": 4}}
    assert (rtt_ms(layers), jitter_ms(layers), looked(layers).lost) == (20.0, 9.0, 5)
    assert (rtt_ms({}), jitter_ms({})) == (None, 0.0)


def test_of_a_simulcast_everything_that_comes_is_counted_together() -> None:
    first, then = media(100, octets=1000), media(150, lost=15, octets=2000)
    first["stats"]["in"]["video-simulcast-1"] = {"packets": 200, "bytes": 4000}
    then["stats"]["in"]["video-simulcast-1"] = {"packets": 285, "bytes": 9000}
    counts = looked(first, then)
    assert (counts.packets, counts.octets, counts.bitrate_bps) == (435, 11_000, 48_000)
    assert counts.fraction_lost == 0.1


@given(st.lists(st.tuples(*4 * [st.integers(-10, 1 << 40)]), max_size=8))
def test_whatever_is_counted_shares_are_shares(looks: list[tuple[int, int, int, int]]) -> None:
    counts = looked(*(media(packets, lost=lost, repaired=repaired, octets=octets) for packets, lost, repaired, octets in looks))
    assert 0 <= counts.fraction_lost <= 1
    assert counts.bitrate_bps >= 0
