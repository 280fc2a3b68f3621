"""How protection is taken off incoming RTP: by our own lines (:mod:`native.srtp`) with OpenSSL's ciphers, packet for packet and status for
status as libsrtp does it, at half its cost and less. libsrtp does it where :mod:`protection` is libsrtp's too, and RTCP in any case.

Each source (SSRC) of an association has one row, with the highest index that came and the window of what came before it (RFC 3711 section
3.3.2). The loops and Python use the same row: what passed one way is replayed on the other.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

import structlog

from . import adapter, protection
from .keys import PROFILES, Keys, tools
from .native import layout, srtp
from .native.layout import word, words
from .protection import Protection, protected

log = structlog.get_logger()

#: Sources of one association that are remembered. None is forgotten while the keys live, as its packets could come again then; a
#: browser has two for each picture or sound that it begins to send, and six for a picture in three layers.
MOST_SOURCES = 1024
#: The status for a packet of one more source.
TOO_MANY = layout.NO_CONTEXT


class Incoming:
    """One incoming stream of an association, in C memory: how far it is and what of it came. It keeps the association's keys."""

    __slots__ = ("_keeps", "_row", "address")

    def __init__(self, unprotection: Unprotection, ssrc: int) -> None:
        self._keeps = unprotection
        self._row = words(word(layout.INCOMING_SIZE))
        #: Where the row is.
        self.address = adapter.memory_address(self._row)
        self._row[word(layout.KEYS)] = unprotection.address
        self._row[word(layout.STREAM_SSRC)] = ssrc
        self._row.cast("B")[layout.NONCE : layout.NONCE + 16] = unprotection.nonce(ssrc)

    @property
    def index(self) -> int:
        """The highest packet index that came, rollover counter and sequence number; 0 at first."""
        return self._row[word(layout.INDEX)]


class Unprotection(Keys):
    """The keys for incoming RTP of one association, and its sources: those of which a genuine packet came. `key` is master key and salt,
    one behind the other. `own` is whether our own lines take protection off; by default they do if they work here.
    """

    begin = "EVP_DecryptInit_ex"

    def __init__(self, profile: str, key: bytes, own: bool | None = None) -> None:
        super().__init__(profile, key)
        #: By SSRC.
        self.streams: dict[int, Incoming] = {}
        if works() if own is None else own:
            self._derive(key)
        else:
            self._leave_to(adapter.inbound_session(profile, key, layout.CAME_WINDOW))

    def open(self, take: Callable[[int, int, int, int], int], place: int, size: int, ssrc: int) -> int:
        """Take protection off the RTP packet of `size` bytes at the address `place`, which says that it is from `ssrc`. `take` is
        :func:`native.srtp.open_at`, as machine code or not.

        Its length without; or minus libsrtp's status if it is refused, :data:`TOO_MANY` if it were of one source too many. What is refused
        as replayed is left as it came. Nothing is remembered of a packet that is not genuine.
        """
        known = self.streams.get(ssrc)
        if known is None and len(self.streams) >= MOST_SOURCES:
            return -TOO_MANY
        stream = known or Incoming(self, ssrc)
        take(tools().address, stream.address, place, size)
        length = tools().opened
        if known is None and length > 0:
            self.streams[ssrc] = stream
        return length


@functools.cache
def works() -> bool:
    """Whether our own lines are used here both ways: they protect as libsrtp does, and take protection off as it does. It is tried
    once."""
    if not protection.works():
        return False
    right = all(_as_libsrtp(profile) for profile in PROFILES)
    if not right:
        log.warning("srtp_by_libsrtp", reason="what our own lines take off differs from what it takes off")
    return right


def _as_libsrtp(profile: str) -> bool:
    kind = PROFILES[profile]
    key = bytes(range(1, 1 + kind.key + kind.salt))
    sender = Protection(profile, key, own=True)
    head, rest = bytes((0x80, 96)), bytes(range(8))
    sent = [protected(sender, head + number.to_bytes(2, "big") + rest + bytes(size)) for number, size in ((65_535, 0), (0, 1000), (1, 3))]
    forged = sent[2][:-1] + bytes((sent[2][-1] ^ 1,))
    came = [sent[0], sent[1], sent[0], forged, sent[2], sent[2][:20], sent[1]]
    ours, theirs = (Unprotection(profile, key, own) for own in (True, False))
    found = [opened(ours, packet) for packet in came]
    return found == [opened(theirs, packet) for packet in came] and sum(isinstance(one, bytes) for one in found) == len(sent)


def opened(unprotection: Unprotection, packet: bytes) -> bytes | int:
    """One RTP packet without its protection, or the status that refused it. Slow: for trying."""
    memory = ctypes.create_string_buffer(packet, layout.SLOT)
    size = unprotection.open(srtp.open_at, ctypes.addressof(memory), len(packet), int.from_bytes(packet[8:12], "big"))
    return memory.raw[:size] if size > 0 else -size
