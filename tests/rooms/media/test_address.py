"""One UDP port for IPv4 and IPv6, and the candidates that name it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from rooms.media.forwarding import address
from rooms.media.forwarding.inbox import Inbox
from rooms.media.forwarding.native.image import load
from rooms.media.forwarding.outbox import Destination, Outbox
from rooms.media.forwarding.port import PortTaken, bind

ADDRESSES = [
    ("192.0.2.7", socket.AF_INET, ("192.0.2.7", 5000)),
    ("192.0.2.7", socket.AF_INET6, ("::ffff:192.0.2.7", 5000, 0, 0)),
    ("2001:db8::7", socket.AF_INET6, ("2001:db8::7", 5000, 0, 0)),
]


@pytest.fixture
def both_families() -> Iterator[socket.socket]:
    with bind(address.EVERYWHERE, 0) as sock:
        if sock.family != socket.AF_INET6:
            pytest.skip("this host has no IPv6")
        yield sock


@pytest.mark.parametrize(("host", "family", "named"), ADDRESSES)
def test_an_address_is_read_as_it_was_written(host: str, family: int, named: tuple[str, int]) -> None:
    packed = address.packed(host, 5000, family)
    assert address.readable(packed) == (host, 5000)
    assert address.for_socket(packed) == named
    assert Destination(packed).address == packed


def test_what_is_no_address_of_the_family_is_refused() -> None:
    for host, family in (("2001:db8::7", socket.AF_INET), ("court.example", socket.AF_INET), ("", socket.AF_INET6)):
        with pytest.raises(ValueError, match=r"address|reached"):
            address.packed(host, 5000, family)


def test_one_socket_takes_both_families_and_knows_who_sent(both_families: socket.socket) -> None:
    inbox = Inbox(both_families.fileno(), 28, Outbox(both_families.fileno(), 28, load()), load())
    port = both_families.getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as four, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six:
        four.sendto(b"four", ("127.0.0.1", port))
        six.sendto(b"six", ("::1", port))
        assert inbox.turn() == list(range(2))
        for slot, sender, host in ((0, four, "127.0.0.1"), (1, six, "::1")):
            came_from = inbox.names[slot].tobytes()
            number = sender.getsockname()[1]
            assert address.readable(came_from) == (host, number)
            assert came_from == address.packed(host, number, socket.AF_INET6)
            both_families.sendto(b"back", address.for_socket(came_from))
            assert sender.recv(16) == b"back"


def test_a_port_that_one_family_uses_is_in_use_for_all() -> None:
    with bind("127.0.0.1", 0) as sock, pytest.raises(PortTaken, match="is in use"):
        bind(address.EVERYWHERE, sock.getsockname()[1])


def test_candidates_are_preferred_in_the_order_named() -> None:
    lines = address.candidates(address.listed("203.0.113.10, 2001:DB8::10,192.168.1.10"), 8081)
    assert lines[0] == "a=candidate:1 1 udp 2130706431 203.0.113.10 8081 typ host"
    words = [line.split(" ") for line in lines]
    assert [w[4] for w in words] == ["203.0.113.10", "2001:db8::10", "192.168.1.10"]
    priorities = [int(w[3]) for w in words]
    assert priorities == sorted(set(priorities), reverse=True)
    assert all(priority >> 24 == 126 and priority & 255 == 255 for priority in priorities)
    assert len({w[0] for w in words}) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "court.example",
        "192.0.2.7,",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
        "fe80::1%eth0",
        "192.0.2.7,192.0.2.7",
        ",".join(f"192.0.2.{n}" for n in range(1, 10)),
    ],
)
def test_what_no_browser_could_use_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|twice"):
        address.listed(text)
