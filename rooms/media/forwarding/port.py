"""The one UDP port of a worker: reads datagrams, tells them apart (RFC 7983) and gives them to their transport.

An address is known only after a STUN check that carried the right MESSAGE-INTEGRITY from it; everything else from an
unknown address is dropped and counted by its reason.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Protocol

from . import checks
from .adapter import SLOT
from .address import Address, bound, for_socket
from .inbox import Inbox
from .native.image import Code
from .native.layout import MOST_BATCHES
from .outbox import MAX_PACKET, Outbox
from .waiting import Waiting

BUFFER_BYTES = 4 << 20
SMALLEST_RTP = 12
#: Stands for the first byte of an empty datagram.
GARBAGE = 255


class Endpoint(Protocol):
    """What the port needs of a transport."""

    def checked(self, address: Address, ufrag: str, remote_ufrag: str, nominated: bool) -> bool:
        """An authenticated check came under our user fragment `ufrag`; False if the transport refuses it."""

    def on_dtls(self, data: bytes) -> None: ...

    def hold(self) -> None:
        """No packet of it passes without Python until it was seen again."""

    def on_media(self, slot: int) -> None:
        """SRTP or SRTCP came, in this slot of the inbox."""


class PortTaken(OSError):
    """The UDP port is in use or may not be bound."""


def bind(address: str, port: int) -> socket.socket:
    """A socket for media (:func:`address.bound`). Raises :class:`PortTaken`."""
    try:
        sock = bound(address, port)
    except OSError as error:
        what = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be bound ({error.strerror})"
        raise PortTaken(error.errno, f"UDP port {port} on {address} {what}") from None
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    return sock


class Port:
    """Owns the socket. Transports register by their user fragment. `after_batch` is called when a wake-up's datagrams are taken.
    `code`: the inner loops. `waiting`: what the loop that this runs on waits with, where it is one of ours."""

    def __init__(self, sock: socket.socket, after_batch: Callable[[], None], code: Code, waiting: Waiting | None = None) -> None:
        self._after_batch = after_batch
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._by_ufrag: dict[str, tuple[Endpoint, bytes]] = {}
        self._by_address: dict[Address, Endpoint] = {}
        self.number: int = sock.getsockname()[1]
        self.family = sock.family
        name_length = 28 if sock.family == socket.AF_INET6 else 16
        self.outbox = Outbox(sock.fileno(), name_length, code)
        self.inbox = Inbox(sock.fileno(), name_length, self.outbox, code)
        self.dropped = self.inbox.dropped
        self._loop.add_reader(sock.fileno(), self._readable)
        self._waiting = waiting
        if waiting is not None:
            waiting.serve(self.inbox, sock.fileno())

    def register(self, endpoint: Endpoint, ufrag: str, password: str) -> None:
        """Take checks for `endpoint` under these credentials; it may have several while ICE restarts."""
        self._by_ufrag[ufrag] = (endpoint, password.encode())

    def forget_ufrag(self, ufrag: str) -> None:
        """Take no more checks under this user fragment."""
        self._by_ufrag.pop(ufrag, None)

    def forget(self, endpoint: Endpoint) -> None:
        """Forget a transport, its credentials and all its addresses."""
        endpoint.hold()
        for ufrag in [u for u, (e, _) in self._by_ufrag.items() if e is endpoint]:
            del self._by_ufrag[ufrag]
        for address in [a for a, e in self._by_address.items() if e is endpoint]:
            del self._by_address[address]

    def forget_address(self, endpoint: Endpoint, address: Address) -> None:
        if self._by_address.get(address) is endpoint:
            endpoint.hold()
            del self._by_address[address]

    def tables(self) -> dict[str, int]:
        """How many addresses and credentials are known."""
        return {"addresses": len(self._by_address), "credentials": len(self._by_ufrag)}

    def send(self, data: bytes, address: Address) -> None:
        """Send one datagram as it is."""
        try:
            self._socket.sendto(data, for_socket(address))
        except OSError:
            self.outbox.fail()

    def close(self) -> None:
        """Stop reading and close the socket. May be called twice."""
        if self._socket.fileno() >= 0:
            if self._waiting is not None:
                self._waiting.leave()
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    @property
    def received(self) -> int:
        """Datagrams so far."""
        return self.inbox.received

    def _readable(self) -> None:
        # A frame's packets come one right after another: while the first was worked on, the others came. All leave together.
        if self.inbox.quiet():
            return
        for number in range(MOST_BATCHES):
            if number and self.inbox.quiet():
                break
            try:
                slots = self.inbox.others()
            except OSError:
                # An ICMP error of an earlier send; the socket itself is well.
                self.dropped["socket_error"] += 1
            else:
                if not slots:
                    break
                self._take(slots)
        if self.inbox.due:
            self.inbox.tell()
        self._after_batch()

    def _take(self, slots: list[int]) -> None:
        # One function for the way of almost every datagram: calls cost more than what they do here.
        inbox = self.inbox
        for slot in slots:
            size = inbox.sizes[slot]
            first = inbox.view[slot * SLOT] if size else GARBAGE
            if 127 < first < 192:
                endpoint = self._by_address.get(inbox.names[slot].tobytes())
                if endpoint is None:
                    self.dropped["media_from_unknown_address"] += 1
                elif SMALLEST_RTP <= size <= MAX_PACKET:
                    endpoint.on_media(slot)
                else:
                    self.dropped["media_of_bad_size"] += 1
            else:
                self._take_rare(first, inbox.datagram(slot), inbox.names[slot].tobytes())

    def _take_rare(self, first: int, data: bytes, address: Address) -> None:
        """What is no media."""
        if first < 4:
            self._on_stun(data, address)
        elif 19 < first < 64:
            endpoint = self._by_address.get(address)
            if endpoint is None:
                self.dropped["dtls_from_unknown_address"] += 1
            else:
                endpoint.on_dtls(data)
        else:
            self.dropped["garbage"] += 1

    def _on_stun(self, data: bytes, address: Address) -> None:
        try:
            check = checks.parse(data)
        except ValueError:
            self.dropped["stun_malformed"] += 1
            return
        endpoint, password = self._by_ufrag.get(check.own, (None, b""))
        if endpoint is None:
            self.dropped["stun_unknown_user"] += 1
        elif not check.genuine(password):
            self.dropped["stun_wrong_key"] += 1
        elif check.controlled:
            # An ICE-lite agent is controlled.
            self.send(checks.refusal(check, password), address)
        elif not endpoint.checked(address, check.own, check.remote, check.nominated):
            self.dropped["stun_refused"] += 1
        else:
            self._by_address[address] = endpoint
            self.send(checks.answer(check, address, password), address)
