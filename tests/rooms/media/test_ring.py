"""The ring of a stream's last packets: the newest are there, whole; Python and machine code keep the same books."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from rooms.media.forwarding import adapter
from rooms.media.forwarding.batch import c_function
from rooms.media.forwarding.native import layout, receiving
from rooms.media.forwarding.native.layout import KEPT, word, words
from rooms.media.forwarding.ring import PICTURE, SOUND, Ring
from tests.rooms.media.test_flows import pinned

ROOM = 4096


def packet(number: int, size: int) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, number & 0xFFFF, number, size) + bytes((number & 0xFF,)) * (size - 12)


class Machine:
    """The machine code's way into a ring."""

    def __init__(self, ring: Ring) -> None:
        self.tray, self.box, self.flow = words(word(layout.INBOX)), words(word(layout.OUTBOX)), words(word(layout.FLOW))
        self.told = words(layout.MOST_PASSED)
        self.box[word(layout.MEMMOVE)] = c_function("memmove")
        self.tray[word(layout.BOX)] = adapter.memory_address(self.box)
        self.tray[word(layout.TOLD)] = adapter.memory_address(self.told)
        self.flow[word(layout.FLOW_RING)] = ring.address

    def put(self, number: int, packet: bytes) -> None:
        self.flow[word(layout.FLOW_NEXT)] = number
        self.tray[word(layout.TOLD_COUNT)] = 0
        with pinned(packet) as start:
            receiving.keep(adapter.memory_address(self.tray), adapter.memory_address(self.flow), start, len(packet), -1)


def test_the_ring_forgets_what_was_overwritten() -> None:
    ring = Ring(PICTURE)
    for number in range(KEPT + 10):
        ring.put(number, packet(number, 100))
    assert ring.get(5) is None
    assert not ring.had(5)
    assert ring.get(KEPT + 5) == packet(KEPT + 5, 100)


def test_what_no_room_is_left_for_is_remembered_as_having_come() -> None:
    ring = Ring(ROOM)
    for number in range(10):
        ring.put(number, packet(number, 1000))
    assert [ring.get(number) is not None for number in range(10)] == [False] * 6 + [True] * 4
    assert all(ring.had(number) for number in range(10))
    assert not ring.had(10)


def test_a_number_that_never_came_is_not_there() -> None:
    ring = Ring(SOUND)
    assert ring.get(0) is None
    assert not ring.had(0)
    assert ring.get(65_535) is None


STEPS = st.lists(st.tuples(st.integers(12, 1900), st.booleans(), st.integers(1, 3)), min_size=1, max_size=60)


@given(STEPS, st.integers(0, 65_535))
def test_the_last_packets_are_there_whole_whoever_put_them_in(steps: list[tuple[int, bool, int]], first: int) -> None:
    """Sizes, whether machine code puts it in, and by how much the number goes on. What half of the room takes is there."""
    ring, put, number = Ring(ROOM), [], first
    machine = Machine(ring)
    for size, by_machine, on in steps:
        number = number + on & 0xFFFF
        one = packet(number, size)
        (machine.put if by_machine else ring.put)(number, one)
        put.append((number, one))
    held = 0
    for number, one in reversed(put):
        held += len(one)
        found = ring.get(number)
        assert found == one if held <= ROOM // 2 else found in {None, one}
