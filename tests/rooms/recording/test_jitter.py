"""The jitter buffer: whatever the network does, packets come out in order, each once, and holes are told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rooms.recording.jitter import JUMP, LIMIT_US, START_HOLD_US, JitterBuffer, Loss
from rooms.recording.rtp import Packet


def packet(sequence: int, arrival_us: int = 0) -> Packet:
    return Packet(sequence & 0xFFFF, 0, 1, 96, False, sequence.to_bytes(8, "big"), arrival_us)


def taken(items: list[Packet | Loss]) -> list[int | Loss]:
    return [item if isinstance(item, Loss) else int.from_bytes(item.payload, "big") for item in items]


def played(buffer: JitterBuffer, arrivals: list[tuple[int, int]]) -> list[int | Loss]:
    """Push (sequence, arrival) in the order of arrival, popping after each; then flush."""
    out: list[Packet | Loss] = []
    for sequence, arrival_us in arrivals:
        buffer.push(packet(sequence, arrival_us))
        out += buffer.pop(arrival_us)
    out += buffer.flush()
    return taken(out)


@given(
    first=st.integers(100, 200_000),
    count=st.integers(1, 120),
    delays=st.lists(st.integers(0, LIMIT_US - START_HOLD_US - 1), min_size=120, max_size=120),
    repeats=st.sets(st.integers(0, 119)),
)
def test_reordered_and_repeated_packets_come_out_once_and_in_order(first: int, count: int, delays: list[int], repeats: set[int]) -> None:
    """Also across the wrap of the sequence number. The first packet is never overtaken for longer than the hold."""
    arrivals = [(first + index, START_HOLD_US // 2 + index * 1000 + delays[index]) for index in range(1, count)]
    arrivals += [(first, 0)]
    arrivals += [(sequence, at + 10) for sequence, at in arrivals if sequence - first in repeats]
    buffer = JitterBuffer()
    assert played(buffer, sorted(arrivals, key=lambda arrival: arrival[1])) == list(range(first, first + count))
    assert (buffer.accepted, buffer.lost) == (count, 0)
    assert buffer.duplicates == len(arrivals) - count


@given(first=st.integers(100, 200_000), present=st.lists(st.booleans(), min_size=2, max_size=100))
def test_every_packet_is_either_given_out_or_reported_lost(first: int, present: list[bool]) -> None:
    present[0] = present[-1] = True
    buffer = JitterBuffer()
    out = played(buffer, [(first + index, index * 20_000) for index, there in enumerate(present) if there])
    at = first
    for item in out:
        if isinstance(item, Loss):
            assert not any(present[at - first : at - first + item.packets])
            at += item.packets
        else:
            assert item == at
            at += 1
    assert at == first + len(present)
    assert buffer.lost == present.count(False)


@given(data=st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 2_000_000)), max_size=200))
def test_no_input_breaks_it_and_nothing_comes_out_twice(data: list[tuple[int, int]]) -> None:
    buffer, now, given_out = JitterBuffer(), 0, 0
    for sequence, pause in data:
        now += pause
        buffer.push(packet(sequence, now))
        given_out += sum(isinstance(item, Packet) for item in buffer.pop(now))
    given_out += sum(isinstance(item, Packet) for item in buffer.flush())
    assert given_out <= buffer.accepted


def started(sequence: int = 1000) -> JitterBuffer:
    buffer = JitterBuffer()
    buffer.push(packet(sequence, 0))
    assert taken(list(buffer.pop(START_HOLD_US))) == [sequence]
    return buffer


def test_a_hole_is_waited_for_until_its_time_is_over() -> None:
    buffer = started()
    buffer.push(packet(1002, 200_000))
    assert not list(buffer.pop(200_000 + LIMIT_US - 1))
    assert taken(list(buffer.pop(200_000 + LIMIT_US))) == [Loss(1), 1002]


def test_a_repair_just_in_time_leaves_no_hole() -> None:
    buffer = started()
    buffer.push(packet(1002, 200_000))
    assert buffer.push(packet(1001, 1_100_000))
    assert taken(list(buffer.pop(1_100_000))) == [1001, 1002]
    assert buffer.lost == 0


def test_a_repair_that_is_too_late_is_counted_and_dropped() -> None:
    buffer = started()
    buffer.push(packet(1002, 200_000))
    list(buffer.pop(200_000 + LIMIT_US))
    assert not buffer.push(packet(1001, 2_000_000))
    assert (buffer.late, buffer.duplicates, buffer.accepted) == (1, 0, 2)
    assert not list(buffer.pop(9_000_000))


def test_the_first_packets_may_overtake_each_other() -> None:
    buffer = JitterBuffer()
    for sequence in (1003, 1001, 1002):
        buffer.push(packet(sequence, 0))
    assert not list(buffer.pop(START_HOLD_US - 1))
    assert taken(list(buffer.pop(START_HOLD_US))) == [1001, 1002, 1003]


def test_one_stray_number_is_ignored_but_two_in_a_row_begin_anew() -> None:
    buffer = started()
    assert not buffer.push(packet(1000 + JUMP + 5, 300_000))
    assert buffer.push(packet(1001, 310_000))
    assert not buffer.push(packet(40_000, 320_000))
    assert buffer.push(packet(40_001, 330_000))
    assert taken(list(buffer.flush())) == [40_001]


def test_a_full_wrap_is_just_the_next_number() -> None:
    buffer = started(65_535)
    buffer.push(packet(65_536, 150_000))
    buffer.push(packet(65_537, 160_000))
    assert taken(list(buffer.pop(160_000))) == [65_536, 65_537]
