"""What passes without Python: exactly the next packet of an open flow; everything else, and whatever is held, goes the long way."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy

from rooms.media.forwarding import adapter, packets
from rooms.media.forwarding.batch import c_function
from rooms.media.forwarding.codecs import H264, VP8
from rooms.media.forwarding.inbox import Flow, Inbox, Passed
from rooms.media.forwarding.native import counting, layout, receiving
from rooms.media.forwarding.native.image import Code, Interpreted, load
from rooms.media.forwarding.native.layout import word, words
from rooms.media.forwarding.native.memory import exchange
from rooms.media.forwarding.outbox import Group
from rooms.media.forwarding.ring import Ring
from rooms.media.forwarding.sequence import Reception
from rooms.media.forwarding.unprotection import Unprotection
from tests.effort import examples
from tests.rooms.media.test_outbox import KEY, SSRC, Hall, Viewer, session

TYPE, FIRST, LEVEL = 96, 65530, 1
RTCP = struct.pack("!BBHIIII", 0x80, 201, 4, SSRC, 0, 0, 0)
ONE_BYTE = struct.pack("!HH", 0xBEDE, 1) + b"\x10\x2a\x00\x00"
EMPTY = struct.pack("!HH", 0xBEDE, 0)


def rtp(number: int, payload: bytes = b"sound", extension: bytes = b"", first: int = 0x80, kind: int = TYPE) -> bytes:
    head = struct.pack("!BBHII", first | (0x10 if extension else 0), kind, number & 0xFFFF, number * 960 & 0xFFFFFFFF, SSRC)
    return head + extension + payload


@contextmanager
def pinned(packet: bytes) -> Iterator[int]:
    """Where a packet is while it is looked at."""
    memory = ctypes.create_string_buffer(packet, len(packet))
    yield ctypes.addressof(memory)


@dataclass
class Told:
    """Who is told of what passed."""

    packets: list[bytes] = field(default_factory=list)
    levels: list[int | None] = field(default_factory=list)
    bytes: int = 0
    begins: list[bool] = field(default_factory=list)
    jitter: float = 0.0
    flow: Flow | None = None
    holds: bool = False

    def passed(self, came: Passed) -> None:
        came_packets = [came.packet(index) for index in range(came.count)]
        for index, packet in enumerate(came_packets):
            assert came.arrival_us(index) > 1_600_000_000_000_000
            assert 0 <= came.age_s(index) < 100
            self.packets.append(packet)
            self.levels.append(came.level(index))
        assert came.octets == sum(len(packet) - 12 for packet in came_packets)
        assert came.frames == sum(packet[1] >> 7 for packet in came_packets)
        self.bytes += came.bytes
        self.begins.append(came.begins)
        self.jitter = came.jitter
        if self.holds and self.flow is not None:
            self.flow.hold()


class Street:
    """A publisher, somebody else, the inbox that both send to, and viewers behind it."""

    def __init__(self, code: Code | None = None, *, frames: bool = False, own: bool = True) -> None:
        self.hall = Hall(code)
        self.inbox = Inbox(self.hall.socket.fileno(), 16, self.hall.outbox, code or load())
        self.publisher, self.stranger = self.hall._bound(), self.hall._bound()
        self.outgoing = session(Policy.SSRC_ANY_OUTBOUND)
        self.incoming = Unprotection("SRTP_AEAD_AES_128_GCM", KEY, own)
        self.inbound = session(Policy.SSRC_ANY_INBOUND)
        self.told = Told()
        self.ring = Ring(64 << 10)
        self.flow = self.told.flow = self.inbox.flow(self.told, 90_000, frames=frames, keys=layout.VP8_KEYS)
        self.long_way: list[bytes | int] = []

    def send(self, datagram: bytes, sender: socket.socket | None = None) -> None:
        (sender or self.publisher).sendto(datagram, self.hall.socket.getsockname())

    def protected(self, packet: bytes) -> bytes:
        return self.outgoing.protect(packet)

    def open(self, following: int, group: Group, slot: int) -> None:
        self.flow.open(SSRC, TYPE, following, group, self.ring, self.incoming.streams[SSRC], slot, soon=True, level=LEVEL)

    def begin(self, group: Group) -> None:
        """The packet FIRST comes and is seen; those that follow may pass to the group."""
        self.send(self.protected(rtp(FIRST)))
        (slot,) = self.turn()
        assert self.inbox.open(slot, self.incoming) == rtp(FIRST)
        self.open(FIRST + 1, group, slot)

    def turn(self) -> list[int]:
        return self.inbox.turn()

    def all_turns(self) -> None:
        """All that waits; what is for Python is unprotected."""
        while slots := self.turn():
            for slot in slots:
                rtcp = 192 <= self.inbox.view[slot * 2048 + 1] <= 223
                inbox, session = self.inbox, self.inbound._srtp[0]
                self.long_way.append(inbox.open_rtcp(slot, session) if rtcp else inbox.open(slot, self.incoming))
        self.hall.outbox.flush()

    def viewer(self) -> Viewer:
        return self.hall.viewer()

    def close(self) -> None:
        self.hall.close()


@pytest.fixture
def street() -> Any:
    made = Street()
    yield made
    made.close()


def test_what_comes_in_order_is_sent_on_at_once_and_told_later(street: Street) -> None:
    viewer = street.viewer()
    street.begin(Group([viewer.target]))
    sent = [rtp(FIRST + 1), rtp(FIRST + 2, extension=ONE_BYTE), rtp(FIRST + 3, extension=EMPTY)]
    for one in sent:
        street.send(street.protected(one))
    assert street.turn() == []
    got = viewer.received()
    assert [(p[0], p[2] << 8 | p[3], p[12:]) for p in got] == [(0x80, (FIRST + n) & 0xFFFF, b"sound") for n in (1, 2, 3)]
    assert street.told.packets == []
    street.inbox.tell()
    plain = [packets.without_extension(one) for one in sent]
    assert street.told.packets == plain, "as they were sent on"
    assert (street.told.bytes, street.told.levels) == (sum(map(len, sent)), [None, 0x2A, None]), "and what their extensions said"
    street.inbox.tell()
    assert street.told.packets == plain, "each once"


@pytest.mark.parametrize(
    ("frames", "kind", "looks"),
    [(True, TYPE, 2), (True, TYPE | 0x80, 1), (False, TYPE, 1)],
    ids=["within a frame", "at the end of one", "sound"],
)
def test_the_rest_of_a_frame_is_looked_for_before_anything_is_sent(frames: bool, kind: int, looks: int) -> None:
    street = Street(Interpreted(), frames=frames)
    viewer = street.viewer()
    street.begin(Group([viewer.target]))
    street.send(street.protected(rtp(FIRST + 1, kind=kind)))
    following, took = street.protected(rtp(FIRST + 2, kind=TYPE | 0x80)), []

    def take(function: int, descriptor: int, *others: int) -> int:
        count = exchange(function, descriptor, *others)
        if function == c_function("recvmmsg"):
            took.append(count)
            if len(took) == 1:
                street.send(following)
        return count

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(receiving, "exchange", take)
        assert street.turn() == []
    assert took == [1] * looks
    assert len(viewer.received()) == looks
    street.close()


@pytest.mark.parametrize(
    "other",
    [
        rtp(FIRST + 2),
        rtp(FIRST + 1, kind=97),
        rtp(FIRST + 1, payload=b"\0\0\0\4", first=0xA0),
        rtp(FIRST + 1, payload=b""),
        rtp(FIRST + 1, payload=b"", extension=ONE_BYTE),
        rtp(FIRST + 1, payload=b"csrc and more", first=0x81),
    ],
    ids=["a hole", "another type", "padding", "empty", "nothing but an extension", "contributing source"],
)
def test_anything_else_and_all_that_follows_is_for_python(street: Street, other: bytes) -> None:
    viewer = street.viewer()
    street.begin(Group([viewer.target]))
    street.send(street.protected(other))
    street.send(street.protected(rtp(FIRST + 3)))
    street.all_turns()
    assert len(street.long_way) == 2
    assert viewer.received() == []
    street.inbox.tell()
    assert street.told.packets == []


def test_what_was_unprotected_already_is_not_unprotected_again(street: Street) -> None:
    street.begin(Group())
    street.send(street.protected(rtp(FIRST + 1, payload=b"")))
    street.all_turns()
    assert street.long_way == [rtp(FIRST + 1, payload=b"")]


@pytest.mark.parametrize("own", [True, False], ids=["by our own lines", "by libsrtp"])
@pytest.mark.parametrize("code", [load, Interpreted], ids=["machine code", "python"])
def test_what_passed_is_replayed_for_python_and_what_python_took_does_not_pass(code: Callable[[], Code], own: bool) -> None:
    street = Street(code(), own=own)
    viewer = street.viewer()
    group = Group([viewer.target])
    street.begin(group)
    first, second = (street.protected(rtp(FIRST + number)) for number in (1, 2))
    street.send(first)
    assert street.turn() == []
    street.flow.hold()
    street.send(first)
    (slot,) = street.turn()
    assert cast("int", street.inbox.open(slot, street.incoming)) in adapter.REPLAYED
    assert street.inbox.datagram(slot) == first, "as it came"
    street.send(second)
    (slot,) = street.turn()
    assert street.inbox.open(slot, street.incoming) == rtp(FIRST + 2)
    street.open(FIRST + 2, group, slot)
    street.send(second)
    (slot,) = street.turn()
    assert cast("int", street.inbox.open(slot, street.incoming)) in adapter.REPLAYED
    assert street.inbox.datagram(slot) == second
    street.hall.outbox.flush()
    assert len(viewer.received()) == 1, "each packet went on once at most"
    street.close()


def test_nobody_else_can_send_in_its_name_or_stop_it(street: Street) -> None:
    viewer = street.viewer()
    street.begin(Group([viewer.target]))
    genuine = street.protected(rtp(FIRST + 1))
    street.send(genuine[:-1] + bytes((genuine[-1] ^ 1,)))
    street.send(bytes(20), street.stranger)
    street.send(rtp(FIRST + 1), street.stranger)
    (forged, _, _) = street.turn()
    assert isinstance(street.inbox.open(forged, street.incoming), int)
    assert street.turn() == []
    assert viewer.received() == []
    street.send(genuine)
    assert street.turn() == []
    assert len(viewer.received()) == 1


def test_what_comes_from_another_address_does_not_pass_though_it_is_genuine(street: Street) -> None:
    viewer = street.viewer()
    street.begin(Group([viewer.target]))
    street.send(street.protected(rtp(FIRST + 1)), street.stranger)
    assert len(street.turn()) == 1
    assert street.turn() == []
    assert viewer.received() == []


def test_what_is_held_is_told_and_passes_no_more(street: Street) -> None:
    viewer = street.viewer()
    group = Group([viewer.target])
    street.begin(group)
    street.send(street.protected(rtp(FIRST + 1)))
    assert street.turn() == []
    street.flow.hold()
    assert street.told.packets == [rtp(FIRST + 1)]
    street.send(street.protected(rtp(FIRST + 2)))
    (slot,) = street.turn()
    assert len(viewer.received()) == 1, "the one before"
    assert street.inbox.open(slot, street.incoming) == rtp(FIRST + 2)
    street.open(FIRST + 3, group, slot)
    street.send(street.protected(rtp(FIRST + 3)))
    assert street.turn() == []
    assert len(viewer.received()) == 1


def test_an_owner_may_hold_the_flow_while_it_is_told(street: Street) -> None:
    street.begin(Group())
    street.told.holds = True
    for number in (1, 2, 3):
        street.send(street.protected(rtp(FIRST + number)))
    assert street.turn() == []
    street.inbox.tell()
    assert street.told.packets == [rtp(FIRST + number) for number in (1, 2, 3)]


def test_a_group_lives_until_its_copies_are_made(street: Street) -> None:
    viewer = street.viewer()
    street.begin(Group([viewer.target]))
    street.send(street.protected(rtp(FIRST + 1)))
    street.send(RTCP[:8])
    (slot,) = street.turn()
    # Nothing was sent yet, as there was something for Python, which takes the viewer away.
    street.flow.hold()
    street.open(FIRST + 2, Group(), slot)
    viewer.target.end()
    assert street.turn() == []
    street.hall.outbox.flush()
    assert len(viewer.received()) == 1


def test_two_sources_in_one_place_take_turns(street: Street) -> None:
    street.begin(Group())
    street.send(street.protected(rtp(FIRST + 1)))
    assert street.turn() == []
    other = street.inbox.flow(Told(), 48_000, frames=False)
    other.open(SSRC, TYPE, 1, Group(), street.ring, street.incoming.streams[SSRC], 0, soon=False)
    assert street.told.packets == [rtp(FIRST + 1)]
    street.flow.hold()
    street.send(street.protected(rtp(FIRST + 2)))
    assert len(street.turn()) == 1


def test_more_than_may_pass_unseen_is_for_python(street: Street) -> None:
    street.begin(Group())
    street.hall.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    for number in range(1, layout.MOST_PASSED + 3):
        street.send(street.protected(rtp(FIRST + number)))
    street.all_turns()
    assert street.inbox.due
    street.inbox.tell()
    assert not street.inbox.due
    assert (len(street.told.packets), len(street.long_way)) == (layout.MOST_PASSED, 2)


def test_no_more_passes_than_the_ring_keeps_until_it_is_told(street: Street) -> None:
    street.begin(Group())
    street.hall.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    large = [rtp(FIRST + number, bytes((number,)) * 1300) for number in range(1, 40)]
    for one in large:
        street.send(street.protected(one))
    street.all_turns()
    street.inbox.tell()
    assert street.told.packets + street.long_way == large
    assert 15 < len(street.told.packets) <= 32_768 // 1312


HEADED = rtp(1, b"")[:12]
ELEMENTS = st.lists(st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)), unique_by=lambda one: one[0], max_size=4)


@given(ELEMENTS, st.integers(0, 15), st.booleans(), st.booleans())
def test_how_loud_a_packet_is_is_read_as_in_python(elements: list[tuple[int, bytes]], number: int, wide: bool, cut: bool) -> None:
    written = b"".join((bytes((n, len(told))) if wide else bytes((n << 4 | len(told) - 1,))) + told for n, told in elements)
    written += bytes(-len(written) % 4) if not cut else b"\0" * (-len(written) % 4) + b"\x7f\x01\x02\x03"
    packet = b"\x90" + HEADED[1:] + struct.pack("!HH", 0x1000 if wide else 0xBEDE, len(written) // 4) + written + b"sound"
    told = packets.extensions(packet).get(number)
    with pinned(packet) as start:
        assert counting.loudness(start, number) == (told[0] & 0x7F if told else -1)


PAYLOADS = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.builds(lambda first, rest: bytes((first,)) + rest, st.sampled_from([0x10, 0x90, 0x11, 0x00]), st.binary(max_size=8)),
    st.builds(lambda kind, rest: bytes((0x60 | kind,)) + rest, st.sampled_from([1, 5, 7, 8, 24, 28]), st.binary(max_size=12)),
)


@given(PAYLOADS)
@example(b"\x1c\xb8")
def test_what_may_begin_a_key_frame_is_found_as_in_python(payload: bytes) -> None:
    with pinned(HEADED + payload) as start:
        vp8, h264 = (counting.begins(keys, start + 12, start + 12 + len(payload)) for keys in (layout.VP8_KEYS, layout.H264_KEYS))
        assert counting.begins(layout.NO_KEYS, start + 12, start + 12 + len(payload)) == 0
    assert vp8 == VP8.starts_key_frame(HEADED + payload, 12)  # type: ignore[misc]
    several = payload[0] & 0x1F == 24
    assert several or h264 == H264.starts_key_frame(HEADED + payload, 12)  # type: ignore[misc]
    assert not several or h264, "whoever is told looks for himself"


@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 200_000_000)), min_size=1, max_size=40), st.integers(0, 2**32 - 1))
def test_jitter_is_reckoned_as_in_python(steps: list[tuple[int, int]], timestamp: int) -> None:
    """Timestamps of 90 kHz and nanoseconds from one packet to the next, as RFC 3550 appendix A.8 has it, to a thousandth of a tick."""
    tray, flow, told = words(word(layout.INBOX)), words(word(layout.FLOW)), Reception(90_000)
    now = 10**12
    flow[word(layout.FLOW_HZ)], flow[word(layout.FLOW_TIMESTAMP)], flow[word(layout.FLOW_AT)] = 90_000, timestamp, now
    unwrapped = timestamp
    told.arrived(0, unwrapped, now / 1e9)
    for number, (ticks, elapsed) in enumerate(steps, 1):
        now, unwrapped = now + elapsed, unwrapped + ticks
        packet = struct.pack("!BBHII", 0x80, TYPE, number, unwrapped & 0xFFFFFFFF, SSRC) + b"picture"
        tray[word(layout.MONOTONIC_NS)] = now
        told.arrived(number, unwrapped, now / 1e9)
        with pinned(packet) as start:
            counting.account(adapter.memory_address(tray), adapter.memory_address(flow), start, len(packet))
    assert flow[word(layout.FLOW_JITTER)] / layout.JITTER_PARTS == pytest.approx(told.jitter, abs=0.01)


datagrams = st.one_of(
    st.builds(lambda size, extension: ("rtp", size, extension), st.integers(0, 1300), st.sampled_from([b"", ONE_BYTE, EMPTY])),
    st.just(("rtp", 1000, ONE_BYTE)),
    st.sampled_from([("skip", 0, b""), ("repeat", 0, b""), ("forged", 0, b""), ("stranger", 0, b""), ("rtcp", 0, b""), ("open", 0, b"")]),
    st.builds(lambda raw: ("raw", 0, raw), st.binary(max_size=40)),
)


@settings(max_examples=examples(60), deadline=None)
@given(program=st.lists(datagrams, max_size=30))
def test_machine_code_and_the_same_lines_in_python_let_the_same_pass(program: list[tuple[str, int, bytes]]) -> None:
    results = []
    for code in (load(), Interpreted()):
        street = Street(code)
        viewer = street.viewer()
        group = Group([viewer.target])
        street.begin(group)
        number, last = FIRST, b"\x80"
        for what, size, extra in program:
            if what == "open":
                street.all_turns()
                street.open(number + 1, group, 0)
                continue
            if what in ("rtp", "skip", "stranger", "forged"):
                number += 2 if what == "skip" else 1
                last = street.protected(rtp(number, bytes(size or 20 if what != "rtp" else size), extra))
            data = {"rtcp": RTCP, "raw": extra, "forged": last[:-1] + bytes((last[-1] ^ 1,))}.get(what, last)
            street.send(data, street.stranger if what == "stranger" else None)
        street.all_turns()
        street.inbox.tell()
        got = viewer.received()
        told = street.told
        results.append((got, told.packets, told.levels, told.bytes, any(told.begins), street.long_way, street.inbox.received))
        assert [p[12:] for p in got] == [p[12:] for p in told.packets]
        street.close()
    assert results[0] == results[1]
