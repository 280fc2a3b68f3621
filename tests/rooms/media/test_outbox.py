"""What is queued together leaves together: complete, in order, with each viewer's own numbers."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from rooms.media.forwarding.address import packed
from rooms.media.forwarding.native.image import Code, load
from rooms.media.forwarding.outbox import MAX_PACKET, SLOTS, Destination, Group, Outbox, Target
from rooms.media.forwarding.protection import Protection

SSRC, THEIRS = 42, 77
KEY = bytes(range(28))
IN_SPACE_OF_ITS_OWN = "OUTBOX_TEST_NARROW"


def session(kind: int) -> Session:
    policy = Policy(key=KEY, ssrc_type=kind, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    return Session(policy)


def packet(seq: int, size: int = 100, timestamp: int = 9000) -> bytes:
    head = struct.pack("!BBHII", 0x80, 0x80 | 96, seq & 0xFFFF, timestamp, SSRC)
    return head + (seq.to_bytes(4, "big") * (size // 4 + 1))[: size - len(head)]


@dataclass
class Viewer:
    """A socket that unprotects what comes."""

    socket: socket.socket
    inbound: Session
    target: Target

    def received(self) -> list[bytes]:
        """What waits, plain."""
        found = []
        while True:
            try:
                found.append(self.inbound.unprotect(self.socket.recv(4096)))
            except BlockingIOError:
                return found

    def numbers(self) -> list[int]:
        return [p[2] << 8 | p[3] for p in self.received()]


class Hall:
    """An outbox and as many viewers as are wanted, on the loopback address."""

    def __init__(self, code: Code | None = None) -> None:
        self.socket = self._bound()
        self.outbox = Outbox(self.socket.fileno(), 16, code or load())
        self._sockets = [self.socket]

    def _bound(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        return made

    def viewer(self, port: int | None = None, host: str = "127.0.0.1") -> Viewer:
        sock = self._bound()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        protection = Protection("SRTP_AEAD_AES_128_GCM", KEY)
        self._sockets.append(sock)
        address = packed(host, port or sock.getsockname()[1], socket.AF_INET)
        target = Target(self.outbox, protection.stream(THEIRS), Destination(address), 100)
        return Viewer(sock, session(Policy.SSRC_ANY_INBOUND), target)

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()


@pytest.fixture
def hall() -> Iterator[Hall]:
    made = Hall()
    yield made
    made.close()


def test_a_frame_is_one_message_to_each_viewer_and_as_many_datagrams_as_it_has_packets(hall: Hall) -> None:
    viewers = [hall.viewer() for _ in range(3)]
    targets = Group(viewer.target for viewer in viewers)
    for viewer, offset in zip(viewers, (0, 10, 65530), strict=True):
        viewer.target.renumber(offset, 4000)
    frame = [packet(seq, 1100) for seq in range(1, 5)]
    for one in frame:
        hall.outbox.fan_out(one, targets)
    assert [viewer.received() for viewer in viewers] == [[], [], []], "nothing leaves before the flush"
    hall.outbox.flush()
    assert (hall.outbox.sent, hall.outbox.messages, hall.outbox.failed) == (12, 3, 0)
    for viewer, offset in zip(viewers, (0, 10, 65530), strict=True):
        got = viewer.received()
        assert [p[2] << 8 | p[3] for p in got] == [(seq + offset) & 0xFFFF for seq in range(1, 5)]
        assert {struct.unpack_from("!BBxxII", p) for p in got} == {(0x80, 0x80 | 100, 13000, THEIRS)}
        assert [p[12:] for p in got] == [p[12:] for p in frame]


@settings(deadline=None)
@given(sizes=st.lists(st.sampled_from([40, 900, 901, 1100, 1400]), min_size=1, max_size=80))
def test_packets_of_any_sizes_arrive_in_order(sizes: list[int]) -> None:
    hall = Hall()
    try:
        viewer = hall.viewer()
        everything = [packet(seq, size) for seq, size in enumerate(sizes, 1)]
        targets = Group([viewer.target])
        for one in everything:
            hall.outbox.fan_out(one, targets)
        hall.outbox.flush()
        assert [p[12:] for p in viewer.received()] == [p[12:] for p in everything]
        assert hall.outbox.sent == len(sizes)
    finally:
        hall.close()


def test_what_is_queued_keeps_its_numbers_when_those_that_follow_get_others(hall: Hall) -> None:
    viewer = hall.viewer()
    targets = Group([viewer.target])
    hall.outbox.fan_out(packet(1), targets)
    hall.outbox.fan_out(packet(2), targets)
    viewer.target.renumber(-10, 0)
    hall.outbox.fan_out(packet(13), targets)
    hall.outbox.flush()
    assert viewer.numbers() == [1, 2, 3]


def test_more_than_there_are_slots_is_sent_in_several_turns(hall: Hall) -> None:
    viewers = [hall.viewer() for _ in range(20)]
    targets = Group(viewer.target for viewer in viewers)
    each = SLOTS // 10
    for seq in range(1, each + 1):
        hall.outbox.fan_out(packet(seq), targets)
    hall.outbox.flush()
    assert all(viewer.numbers() == list(range(1, each + 1)) for viewer in viewers)
    assert hall.outbox.failed == 0


def test_who_cannot_be_reached_keeps_nobody_else_waiting(hall: Hall) -> None:
    first, beyond, last = hall.viewer(), hall.viewer(host="10.0.0.1", port=9), hall.viewer()
    targets = Group([first.target, beyond.target, last.target])
    hall.outbox.fan_out(packet(1), targets)
    hall.outbox.flush()
    for seq in (2, 3):
        hall.outbox.fan_out(packet(seq), targets)
    hall.outbox.flush()
    assert first.numbers() == last.numbers() == [1, 2, 3]
    assert (hall.outbox.sent, hall.outbox.failed) == (6, 3)


def test_a_packet_that_fits_no_slot_is_counted_and_the_others_go(hall: Hall) -> None:
    viewer = hall.viewer()
    targets = Group([viewer.target])
    hall.outbox.fan_out(packet(1, MAX_PACKET + 1), targets)
    hall.outbox.fan_out(packet(2), targets)
    hall.outbox.flush()
    assert viewer.numbers() == [2]
    assert hall.outbox.failed == 1


def test_over_a_path_that_is_too_narrow_for_whole_packets_they_go_one_by_one() -> None:
    if os.environ.get(IN_SPACE_OF_ITS_OWN):
        hall = Hall()
        viewer = hall.viewer()
        targets = Group([viewer.target])
        for turn in range(2):
            for seq in range(3):
                hall.outbox.fan_out(packet(3 * turn + seq, 1100), targets)
            hall.outbox.flush()
        assert viewer.numbers() == [0, 1, 2, 3, 4, 5]
        assert not viewer.target.destination.whole
        assert (hall.outbox.sent, hall.outbox.messages, hall.outbox.failed) == (6, 6, 0)
        hall.close()
        return
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("no network namespace: unshare or ip is not installed")
    root = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    narrow = "ip link set lo mtu 600 up"
    if subprocess.run([*root, "sh", "-c", narrow], check=False, capture_output=True).returncode:
        pytest.skip("no network namespace may be made")
    this = f"{Path(__file__)}::{test_over_a_path_that_is_too_narrow_for_whole_packets_they_go_one_by_one.__name__}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", this]
    done = subprocess.run(
        [*root, "sh", "-c", f'{narrow} && exec "$@"', "sh", *command],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, IN_SPACE_OF_ITS_OWN: "1"},
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
