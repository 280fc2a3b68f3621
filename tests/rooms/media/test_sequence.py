"""Sequence numbers: extending, loss books, and renumbering without seams."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.media.forwarding.ring import SOUND, Ring
from rooms.media.forwarding.sequence import (
    GIVE_UP_S,
    MAX_GAP,
    MAX_JUMP,
    MAX_TRIES,
    MAX_TRIES_LOSSY,
    LossList,
    Reception,
    Rewriter,
    missed_ticks,
)


def take(reception: Reception, seq: int, now: float = 0.0) -> int:
    extended = reception.extend(seq)
    reception.arrived(extended, seq * 960, now)
    return extended


@given(st.integers(0, 65535), st.integers(1, 70_000))
def test_numbers_extend_over_any_wrap(first: int, count: int) -> None:
    reception = Reception(48000)
    base = take(reception, first)
    step = max(1, count // 500)
    for offset in range(step, count, step):
        assert take(reception, (first + offset) & 0xFFFF) == base + offset


@given(st.integers(0, 65535), st.lists(st.booleans(), min_size=2, max_size=300))
def test_loss_is_what_did_not_come(first: int, came: list[bool]) -> None:
    reception = Reception(48000)
    came[0] = came[-1] = True
    for offset, present in enumerate(came):
        if present:
            take(reception, (first + offset) & 0xFFFF)
    assert reception.lost == came.count(False)
    assert reception.expected == len(came)


def test_a_report_covers_the_time_since_the_last_one() -> None:
    reception = Reception(48000)
    for seq in range(0, 100, 2):
        take(reception, seq)
    assert 124 <= reception.report().fraction_lost <= 128
    for seq in range(99, 200):
        take(reception, seq)
    assert reception.report().fraction_lost == 0
    assert reception.report().lost == 49


def test_repair_does_not_hide_the_true_loss() -> None:
    reception = Reception(90000)
    for seq in (1, 2, 4):
        take(reception, seq)
    reception.repaired += 1
    assert reception.lost == 1
    assert reception.unrepaired == 0
    assert reception.report().fraction_lost == 64


def test_a_steady_stream_has_no_jitter_and_an_unsteady_one_has() -> None:
    steady, unsteady = Reception(48000), Reception(48000)
    noise = random.Random(1)
    for seq in range(500):
        steady.arrived(steady.extend(seq), seq * 960, seq * 0.02)
        unsteady.arrived(unsteady.extend(seq), seq * 960, seq * 0.02 + noise.uniform(0, 0.01))
    assert steady.jitter_ms < 0.01
    assert 1 < unsteady.jitter_ms < 10


@given(st.integers(0, 2**16 - 1), st.lists(st.tuples(st.integers(0, 2**32 - 1), st.floats(0, 30)), min_size=2, max_size=20))
def test_packets_that_follow_one_another_count_together_as_one_by_one(first: int, came: list[tuple[int, float]]) -> None:
    together, single = Reception(90_000), Reception(90_000)
    for one in (together, single):
        one.arrived(one.extend(first), *came[0])
    for number, (timestamp, now) in enumerate(came[1:], 1):
        single.arrived(single.extend((first + number) & 0xFFFF), timestamp, now)
    together.followed(len(came) - 1, *came[-1], single.jitter)
    assert together.report() == single.report()
    assert together.jitter_ms == single.jitter_ms
    for one in (together, single):
        one.arrived(one.extend((first + len(came)) & 0xFFFF), 3000, came[-1][1] + 0.02)
    assert together.jitter_ms == single.jitter_ms, "and the next is compared with the last of them"


def test_a_sender_that_begins_anew_is_noticed() -> None:
    reception = Reception(90000)
    take(reception, 100)
    assert not reception.restarts(reception.extend(100 + MAX_JUMP))
    assert reception.restarts(reception.extend(101 + MAX_JUMP))
    reception.restart()
    assert not reception.restarts(reception.extend(30_000))


def test_a_missing_packet_is_asked_for_at_once_and_again_after_a_round_trip() -> None:
    losses = LossList()
    losses.rtt_s = 0.1
    assert losses.gap(5, 8, 1.0)
    assert losses.due(1.0) == [5, 6, 7]
    assert losses.due(1.1) == []
    assert losses.arrived(6, 1.1)
    assert losses.due(1.2) == [5, 7]
    assert not losses.arrived(6, 1.2)


def test_where_much_is_lost_each_request_is_sent_twice_and_counts_once() -> None:
    losses = LossList()
    losses.gap(5, 7, 1.0)
    assert losses.due(1.0, lossy=True) == [5, 6]
    assert losses.due(1.01, lossy=True) == []
    losses.arrived(6, 1.015)
    assert losses.due(1.02, lossy=True) == [5], "the echo"
    assert losses.due(1.04, lossy=True) == [], "there is one echo only"
    assert losses.due(1.06, lossy=True) == [5], "half a round trip later it is asked for again"
    assert losses.due(1.1) == [5], "with its echo"
    assert losses.due(1.12) == [5]
    assert losses.due(1.2) == [], "a whole one where little is lost"


@pytest.mark.parametrize("lossy", [False, True])
def test_what_never_comes_is_given_up(lossy: bool) -> None:
    losses = LossList()
    losses.rtt_s = 0.001
    losses.gap(1, 3, 0.0)
    now, tries = 0.0, 0
    while len(losses):
        assert losses.give_up(now, lossy) in (0, 2)
        former = [missing.tries for missing in losses._missing.values()]
        losses.due(now, lossy)
        tries += [missing.tries for missing in losses._missing.values()] != former
        now += 0.01
    assert tries == (MAX_TRIES_LOSSY if lossy else MAX_TRIES)
    losses.gap(1, 2, now)
    assert losses.give_up(now + GIVE_UP_S + 0.01) == 1


def test_a_wide_gap_is_not_asked_for() -> None:
    losses = LossList()
    assert not losses.gap(1, 2 + MAX_GAP, 0.0)
    assert len(losses) == 0


def test_only_an_unambiguous_answer_measures_the_round_trip() -> None:
    losses = LossList()
    losses.rtt_s = 0.1
    losses.gap(1, 3, 0.0)
    losses.due(0.0)
    losses.arrived(1, 0.02)
    measured = losses.rtt_s
    assert measured < 0.1
    losses.due(0.5)
    losses.arrived(2, 0.51)
    assert losses.rtt_s == measured


def test_what_was_overtaken_is_no_retransmission() -> None:
    losses = LossList()
    losses.gap(1, 4, 0.0)
    losses.due(0.0)
    assert not losses.arrived(1, 0.01, original=True), "known by its stream"
    assert losses.arrived(2, 0.02)
    assert losses.came_twice(2), "known by the second copy"
    assert not losses.came_twice(2)
    assert not losses.came_twice(3)


# -- renumbering


def packet(seq: int) -> bytes:
    return bytes((0x80, 96)) + (seq & 0xFFFF).to_bytes(2, "big") + bytes(8)


def fill(ring: Ring, first: int, count: int) -> None:
    for seq in range(first, first + count):
        ring.put(seq & 0xFFFF, packet(seq))


STRETCHES = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60_000)), min_size=1, max_size=6)


@given(st.integers(0, 65535), st.integers(0, 32767), STRETCHES)
def test_pauses_leave_no_hole(first_in: int, first_out: int, stretches: list[tuple[int, int]]) -> None:
    """Stretches of packets, each followed by a pause in which the sender went on."""
    ring = Ring(SOUND)
    rewriter = Rewriter()
    rewriter.start(first_in, first_out, ring)
    seq, out, last = first_in, [], first_in
    for index, (length, pause) in enumerate(stretches):
        if index:
            rewriter.resume(last, seq, ring)
        for _ in range(length):
            out.append((seq + rewriter.seq_offset) & 0xFFFF)
            last, seq = seq, seq + 1
        seq += pause
    assert out == [(first_out + i) & 0xFFFF for i in range(len(out))]


@given(st.integers(0, 2**32 - 1), st.integers(6_000, 2**20))
def test_timestamps_that_stood_still_in_a_pause_go_on_at_their_time(last: int, pause: int) -> None:
    """`pause` in ticks of 48 kHz; the next timestamp is one frame on."""
    missed = missed_ticks(last, (last + 960) & 0xFFFFFFFF, pause / 48_000, 48_000)
    rewriter = Rewriter()
    rewriter.start(10, 500, None)
    rewriter.resume(19, 20, None, missed)
    assert (last + 960 + rewriter.ts_offset - last - pause) & 0xFFFFFFFF in {0, 0xFFFFFFFF}, "not at its time, to a tick"


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**20), st.integers(-4_000, 4_000))
def test_timestamps_that_went_on_in_a_pause_are_left_alone(last: int, pause: int, jitter: int) -> None:
    assert missed_ticks(last, (last + pause) & 0xFFFFFFFF, max(0, pause + jitter) / 48_000, 48_000) == 0


def test_a_packet_is_found_by_the_number_it_went_out_with_across_a_seam() -> None:
    old = Ring(SOUND)
    new = Ring(SOUND)
    rewriter = Rewriter()
    rewriter.start(65_530, 100, old)
    fill(old, 65_530, 10)
    rewriter.ts_offset, rewriter.mark = 3000, "new"
    rewriter.start(7, 110, new)
    fill(new, 7, 5)
    found = rewriter.find(105)
    assert found == (packet(65_535), 0, None)
    found = rewriter.find(111)
    assert found == (packet(8), 3000, "new")
    assert rewriter.find(99) is None
    assert rewriter.find(115) is None


def test_of_former_streams_only_the_last_stretches_are_kept() -> None:
    rewriter = Rewriter()
    rings = [Ring(SOUND) for _ in range(10)]
    for index, ring in enumerate(rings):
        fill(ring, 0, 5)
        rewriter.start(0, 100 * index, ring)
    assert [rewriter.find(100 * index) is not None for index in range(10)] == [False] * 5 + [True] * 5
