"""One RTCPeerConnection of a browser, seen from here: ICE-lite, DTLS in the server role, SRTP, consent.

:class:`Transport` knows no media; :mod:`publish` and :mod:`subscribe` build on it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from . import adapter, packets
from .adapter import SLOT
from .address import Address
from .inbox import Inbox
from .outbox import Destination, Outbox
from .port import Port
from .protection import Protection
from .red import AUTO
from .sdp import Local
from .unprotection import TOO_MANY, Unprotection

#: RFC 7675: consent expires 30 s after the last authenticated check; a transport is *stale* long before.
CONSENT_S = 30.0
STALE_S = 10.0
#: A transport that nobody has checked for so long is closed.
FORGET_S = 60.0
#: ICE and DTLS have to be through within this.
SETUP_S = 30.0
#: Addresses that one transport may be reached at while ICE tries its candidates.
MAX_ADDRESSES = 16

NEW, CONNECTED, STALE, CLOSED = "new", "connected", "stale", "closed"


@dataclass(slots=True)
class Context:
    """What every transport of a worker shares."""

    port: Port
    certificate: adapter.Certificate
    addresses: tuple[str, ...]
    """those in the candidates, the preferred one first"""
    clock: Callable[[], float]
    named_port: int
    """the port in the candidate; another than ours behind port forwarding"""
    dtx: bool = True
    """whether microphones may send next to nothing in pauses"""
    red: str = AUTO
    """who sends sound with redundancy"""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    """what was sent to viewers besides what is new"""

    @property
    def inbox(self) -> Inbox:
        return self.port.inbox

    @property
    def outbox(self) -> Outbox:
        return self.port.outbox

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that is kept until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


class Owner(Protocol):
    """Who is told of a transport's states: the router."""

    def transport_changed(self, transport: Transport, state: str) -> None: ...


class Transport:
    """States: new → connected ⇄ stale → closed. `ready` is true while media may be sent to the peer."""

    direction = ""

    def __init__(self, context: Context, owner: Owner, endpoint: str) -> None:
        self.context = context
        self.owner = owner
        self.endpoint = endpoint
        self.id = secrets.token_hex(8)
        self.session_id = secrets.randbits(62)
        self.ufrag = secrets.token_hex(4)
        self.password = secrets.token_hex(16)
        self.remote_ufrag = ""
        self.state = NEW
        self.ready = False
        self.own_ssrc = secrets.randbits(32) or 1
        self.destination: Destination | None = None
        self.dtls = adapter.Dtls(context.certificate, self._send_dtls)
        #: What protects RTP to the peer, from the handshake on.
        self.protection: Protection | None = None
        #: What takes it off RTP from the peer, from then on.
        self.unprotection: Unprotection | None = None
        self.created_at = self.last_check = context.clock()
        self._inbox, self._dropped = context.inbox, context.port.dropped
        self._slot = 0
        self._addresses: list[Address] = []
        self._handshake: asyncio.Task[None] | None = None
        self._former_ufrag = ""
        self._former_remote = ""
        context.port.register(self, self.ufrag, self.password)

    def local(self, setup: str) -> Local:
        """Our side for a description."""
        context = self.context
        return Local(self.ufrag, self.password, context.certificate.fingerprint, context.addresses, context.named_port, setup)

    def restart(self) -> None:
        """New ICE credentials (RFC 8445 section 9). Those before are taken until a check with the new ones comes, so that media
        flows meanwhile; DTLS and SRTP go on."""
        if self._former_ufrag:  # two restarts in a row: what works is the oldest
            self.context.port.forget_ufrag(self.ufrag)
        else:
            self._former_ufrag, self._former_remote = self.ufrag, self.remote_ufrag
        self.ufrag = secrets.token_hex(4)
        self.password = secrets.token_hex(16)
        self.remote_ufrag = ""
        self.context.port.register(self, self.ufrag, self.password)

    def start(self, remote_ufrag: str, fingerprints: list[tuple[str, str]]) -> None:
        """The peer's description is known: answer its handshake. Later calls change nothing."""
        self.remote_ufrag = remote_ufrag
        if self._handshake is None:
            self._handshake = self.context.spawn(self._connect(fingerprints))

    async def _connect(self, fingerprints: list[tuple[str, str]]) -> None:
        try:
            async with asyncio.timeout(SETUP_S):
                await self.dtls.handshake(fingerprints, self.close)
        except (ConnectionError, TimeoutError):
            self.context.port.dropped["dtls_failed"] += 1
            self.close()
            return
        if self.state == NEW:
            self.protection = Protection(*self.dtls.outgoing())
            self.unprotection = Unprotection(*self.dtls.incoming())
            self.ready = True
            self._become(CONNECTED)
            self.context.outbox.flush()

    # -- what the port gives us

    def checked(self, address: Address, ufrag: str, remote_ufrag: str, nominated: bool) -> bool:
        """An authenticated connectivity check came from `address`."""
        expected = self.remote_ufrag if ufrag == self.ufrag else self._former_remote
        if self.state == CLOSED or (expected and remote_ufrag != expected):
            return False
        if ufrag == self.ufrag and self._former_ufrag:
            self.context.port.forget_ufrag(self._former_ufrag)
            self._former_ufrag = ""
        if address not in self._addresses:
            if len(self._addresses) >= MAX_ADDRESSES:
                return False
            self._addresses.append(address)
        self.last_check = self.context.clock()
        current = self.destination
        if current is None or (nominated and current.address != address):
            self._move(address)
        if self.state == STALE:
            self.ready = True
            self._become(CONNECTED)
        return True

    def _move(self, address: Address) -> None:
        # What is queued points at the old address in memory.
        self.context.outbox.flush()
        former, self.destination = self.destination, Destination(address)
        if former is not None:
            self._addresses.remove(former.address)
            self.context.port.forget_address(self, former.address)
            self.moved()

    def on_dtls(self, data: bytes) -> None:
        if not self.dtls.receive(data):
            self.context.port.dropped["dtls_too_early"] += 1

    def on_media(self, slot: int) -> None:
        """Unprotect what is in this slot of the inbox, and hand it on."""
        inbox, dropped = self._inbox, self._dropped
        self._slot = slot
        unprotection, session = self.unprotection, self.dtls.inbound
        if unprotection is None or session is None:
            dropped["media_before_dtls"] += 1
            return
        rtcp = 192 <= inbox.view[slot * SLOT + 1] <= 223  # RFC 5761 section 4
        plain = inbox.open_rtcp(slot, session) if rtcp else inbox.open(slot, unprotection)
        if isinstance(plain, int):
            replayed = plain in adapter.REPLAYED
            dropped["replayed" if replayed else "media_too_many_sources" if plain == TOO_MANY else "media_wrong_key"] += 1
            if replayed and not rtcp:
                self.on_replayed(inbox.datagram(slot))
            return
        try:
            if rtcp:
                for item in packets.parse_rtcp(plain):
                    self.on_feedback(item)
            else:
                self.on_rtp(plain)
        except ValueError:
            dropped["media_malformed"] += 1

    # -- what a kind of transport does

    def on_rtp(self, packet: bytes) -> None:
        """Take one plain RTP packet."""
        self.context.port.dropped["media_unexpected"] += 1

    def on_replayed(self, packet: bytes) -> None:
        """An RTP packet came a second time; it is not decrypted, and whether it is genuine is not known."""

    def on_feedback(self, item: packets.Feedback) -> None:
        """Take one part of a compound RTCP packet."""

    def hold(self) -> None:
        """No packet passes without Python until one was seen again."""

    def moved(self) -> None:
        """The peer's address changed."""

    def changed(self) -> None:
        """State or readiness changed."""

    def closing(self) -> None:
        """Let go of everything that belongs to this transport."""

    # -- sending

    def send_rtcp(self, data: bytes) -> None:
        """Queue an RTCP packet; the caller flushes."""
        if self.ready and self.destination is not None:
            self.context.outbox.put_rtcp(data, self.dtls.outbound, self.destination)

    def _send_dtls(self, data: bytes) -> None:
        if self.destination is not None:
            self.context.port.send(data, self.destination.address)

    # -- time and end

    def tick(self, now: float) -> None:
        """Watch consent (RFC 7675) and the set-up limit."""
        silent = now - self.last_check
        if self.state == NEW:
            if now - self.created_at > FORGET_S:
                self.close()
        elif silent > FORGET_S:
            self.close()
        elif silent > CONSENT_S and self.ready:
            self.ready = False
            self.changed()
        elif silent > STALE_S and self.state == CONNECTED:
            self._become(STALE)

    def _become(self, state: str) -> None:
        self.state = state
        self.changed()
        self.owner.transport_changed(self, state)

    def discard(self) -> None:
        """Undo the making of a transport whose description was refused: nobody heard of it."""
        self.state = CLOSED
        self.context.port.forget(self)

    def close(self) -> None:
        """End the transport and tell the peer. May be called twice."""
        if self.state == CLOSED:
            return
        self.state = CLOSED
        self.ready = False
        self.context.outbox.flush()
        self.closing()
        self.context.port.forget(self)
        if self._handshake is not None and self._handshake is not asyncio.current_task():
            self._handshake.cancel()
        self.context.spawn(self.dtls.close())
        self.owner.transport_changed(self, CLOSED)
