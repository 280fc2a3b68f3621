"""How outgoing RTP is protected: by our own lines (:mod:`native.srtp`) with OpenSSL's ciphers, which are those that libsrtp brings along.

libsrtp looks for the stream of each packet in a list and sets its hash up anew; for copies to many viewers that is as dear as the
encryption. Where its library does not offer what is needed, or our lines do not make of a few packets byte for byte what it makes,
libsrtp protects RTP as well; an association stays with what it began with. RTCP is libsrtp's in any case.
"""

from __future__ import annotations

import ctypes
import functools

import structlog

from . import adapter
from .keys import PROFILES, Keys, tools
from .native import layout, srtp
from .native.layout import word, words

log = structlog.get_logger()


class Stream:
    """One outgoing stream of an association, in C memory: how far it is and what of it went out. It keeps the association's keys."""

    __slots__ = ("_keeps", "_row", "address", "ssrc")

    def __init__(self, protection: Protection, ssrc: int, nonce: bytes, spent: int | None) -> None:
        self._keeps = protection
        self.ssrc = ssrc
        self._row = words(word(layout.STREAM_SIZE))
        #: Where the row is.
        self.address = adapter.memory_address(self._row)
        self._row[word(layout.KEYS)] = protection.address
        self._row[word(layout.STREAM_SSRC)] = ssrc
        memory = self._row.cast("B")
        memory[layout.NONCE : layout.NONCE + 16] = nonce
        if spent is not None:
            self._row[word(layout.INDEX)] = spent
            memory[layout.MARKS :] = layout.SPENT.to_bytes(4, "little") * layout.WINDOW

    @property
    def index(self) -> int:
        """The highest packet index that went out, rollover counter and sequence number; 0 at first."""
        return self._row[word(layout.INDEX)]


class Protection(Keys):
    """The keys for outgoing RTP of one association. `key` is master key and salt, one behind the other.

    There is one stream for each SSRC, for as long as the keys live: what went out is remembered whoever sends, so that no number is
    ever used for two packets. `own` is whether our own lines protect; by default they do if they work here.
    """

    def __init__(self, profile: str, key: bytes, own: bool | None = None) -> None:
        super().__init__(profile, key)
        self._streams: dict[int, Stream] = {}
        self._retired: dict[int, int] = {}
        if works() if own is None else own:
            self._derive(key)
        else:
            self._leave_to(adapter.outbound_session(profile, key, layout.WINDOW))

    def stream(self, ssrc: int) -> Stream:
        """The stream of this source (32 bits)."""
        stream = self._streams.get(ssrc)
        if stream is None:
            stream = self._streams[ssrc] = Stream(self, ssrc, self.nonce(ssrc), self._retired.pop(ssrc, None))
        return stream

    def retire(self, ssrc: int) -> None:
        """Nothing more is sent of this source, most likely: what went out of it is remembered as one number. Whoever has its stream must
        send nothing more by it; of another that begins nothing goes out that is not newer."""
        stream = self._streams.pop(ssrc, None)
        if stream is not None:
            self._retired[ssrc] = stream.index


@functools.cache
def works() -> bool:
    """Whether our own lines protect RTP here: they make of a few packets what libsrtp makes of them. It is tried once."""
    try:
        right = all(_as_libsrtp(profile) for profile in PROFILES)
    except LookupError:
        return False
    if not right:
        log.warning("srtp_by_libsrtp", reason="what our own lines make differs from what it makes")
    return right


def _as_libsrtp(profile: str) -> bool:
    kind = PROFILES[profile]
    key = bytes(range(1, 1 + kind.key + kind.salt))
    head = bytes((0x80, 96)) + (65_535).to_bytes(2, "big") + bytes(range(8))
    extended = bytes((0x92, 96)) + (0).to_bytes(2, "big") + bytes(range(8)) + bytes(8) + bytes((0xBE, 0xDE, 0, 1)) + bytes(4)
    packets = [head, extended + bytes(range(200)) * 5, head[:2] + (1).to_bytes(2, "big") + head[4:] + b"a"]
    ours, theirs = Protection(profile, key, own=True), Protection(profile, key, own=False)
    return [protected(ours, packet) for packet in packets] == [protected(theirs, packet) for packet in packets]


def protected(protection: Protection, packet: bytes) -> bytes:
    """One RTP packet, protected; none if it may not go out. Slow: for trying."""
    slot = ctypes.create_string_buffer(packet, layout.SLOT)
    where = ctypes.addressof(slot)
    stream = protection.stream(int.from_bytes(packet[8:12], "big"))
    size = srtp.protect(tools().address, stream.address, where, where, len(packet))
    return slot.raw[:size]
