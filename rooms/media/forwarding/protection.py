"""How outgoing RTP is protected: by our own lines (:mod:`native.srtp`) with OpenSSL's ciphers, which are those that libsrtp brings along.

libsrtp looks for the stream of each packet in a list and sets its hash up anew; for copies to many viewers that is as dear as the
encryption. Where its library does not offer what is needed, or our lines do not make of a few packets byte for byte what it makes,
libsrtp protects RTP as well; an association stays with what it began with. RTCP, and all that comes in, is libsrtp's in any case.
"""

from __future__ import annotations

import ctypes
import functools
import weakref
from dataclasses import dataclass
from typing import Any

import structlog
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from . import adapter
from .batch import c_function
from .native import layout, srtp
from .native.layout import word, words

log = structlog.get_logger()

#: Labels of the keys that are derived for RTP (RFC 3711 section 4.3.1).
ENCRYPTION, AUTHENTICATION, SALT = 0, 1, 2
HMAC_KEY, CM_SALT, GCM_SALT = 20, 14, 12
#: What each half of an HMAC begins with (RFC 2104).
INNER_PAD, OUTER_PAD = 0x36, 0x5C
SHA1_STATE = 20


def derived(key: bytes, salt: bytes, label: int, size: int) -> bytes:
    """A session key of `size` bytes, of a master key (16 or 32 bytes) and salt (14, or 12 with GCM): RFC 3711 section 4.3 with a key
    derivation rate of 0, RFC 7714 section 11."""
    start = bytearray(salt.ljust(16, b"\0"))
    start[7] ^= label
    return Cipher(algorithms.AES(key), modes.CTR(bytes(start))).encryptor().update(bytes(size))


class Tools:
    """What the loops call, and room for them to work in: one for a process, or thread, as they work for one packet at a time."""

    def __init__(self) -> None:
        self._row = words(word(layout.TOOLS_SIZE))
        self.address = adapter.memory_address(self._row)
        self._row[word(layout.SRTP_PROTECT)] = adapter.c_function("srtp_protect")
        self._row[word(layout.MEMORY_MOVE)] = c_function("memmove")
        memory = self._row.cast("B")
        memory[layout.PADDING] = memory[layout.DIGEST + SHA1_STATE] = 0x80
        memory[layout.DIGEST + layout.HASH_BLOCK - 2 : layout.DIGEST + layout.HASH_BLOCK] = (8 * (64 + SHA1_STATE)).to_bytes(2, "big")

    def equip(self) -> None:
        """Find OpenSSL's functions. Raises LookupError if one is missing."""
        for offset, name in {
            layout.CIPHER_INIT: "EVP_EncryptInit_ex",
            layout.CIPHER_UPDATE: "EVP_EncryptUpdate",
            layout.CIPHER_FINAL: "EVP_EncryptFinal_ex",
            layout.CIPHER_CONTROL: "EVP_CIPHER_CTX_ctrl",
            layout.HASH_UPDATE: "SHA1_Update",
        }.items():
            self._row[word(offset)] = adapter.openssl(name)


def _context(cipher: str, key: bytes) -> int:
    """An ``EVP_CIPHER_CTX`` that encrypts with this key. Raises LookupError where OpenSSL cannot."""
    new = adapter.function("uintptr_t(*)(void)", adapter.openssl("EVP_CIPHER_CTX_new"))
    kind = adapter.function("uintptr_t(*)(void)", adapter.openssl(cipher))
    init = adapter.function("int(*)(uintptr_t, uintptr_t, uintptr_t, unsigned char *, uintptr_t)", adapter.openssl("EVP_EncryptInit_ex"))
    context = int(new())
    if context == 0 or init(context, kind(), 0, key, 0) != 1:
        raise LookupError(f"OpenSSL's library has no {cipher}")
    return context


def _free(context: int) -> None:
    adapter.function("void(*)(uintptr_t)", adapter.openssl("EVP_CIPHER_CTX_free"))(context)


def _hash_behind(block: bytes) -> bytes:
    """The state of SHA-1 behind one block."""
    state = (ctypes.c_uint32 * 24)()
    where = ctypes.addressof(state)
    adapter.function("int(*)(uintptr_t)", adapter.openssl("SHA1_Init"))(where)
    adapter.function("int(*)(uintptr_t, unsigned char *, size_t)", adapter.openssl("SHA1_Update"))(where, block, len(block))
    return bytes(state)[:SHA1_STATE]


@dataclass(frozen=True, slots=True)
class Profile:
    """An SRTP profile: lengths in bytes, and OpenSSL's name of its cipher."""

    key: int
    salt: int
    kind: int
    cipher: str


PROFILES = {
    "SRTP_AEAD_AES_128_GCM": Profile(16, GCM_SALT, layout.GCM, "EVP_aes_128_gcm"),
    "SRTP_AEAD_AES_256_GCM": Profile(32, GCM_SALT, layout.GCM, "EVP_aes_256_gcm"),
    "SRTP_AES128_CM_SHA1_80": Profile(16, CM_SALT, layout.COUNTER_MODE, "EVP_aes_128_ctr"),
}


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


class Protection:
    """The keys for outgoing RTP of one association. `key` is master key and salt, one behind the other.

    There is one stream for each SSRC, for as long as the keys live: what went out is remembered whoever sends, so that no number is
    ever used for two packets. `own` is whether our own lines protect; by default they do if they work here.
    """

    def __init__(self, profile: str, key: bytes, own: bool | None = None) -> None:
        kind = PROFILES[profile]
        if len(key) != kind.key + kind.salt:
            raise ValueError("no key of this profile")
        self._row = words(word(layout.KEYS_SIZE))
        self.address = adapter.memory_address(self._row)
        self._streams: dict[int, Stream] = {}
        self._retired: dict[int, int] = {}
        self._salt = bytes(16)
        self._session: Any = None
        if works() if own is None else own:
            self._derive(kind, key[: kind.key], key[kind.key :])
        else:
            self._session = adapter.outbound_session(profile, key, layout.WINDOW)
            self._row[word(layout.KIND)] = layout.LIBSRTP
            self._row[word(layout.OWN_SESSION)] = adapter.session_address(self._session)

    def _derive(self, profile: Profile, key: bytes, salt: bytes) -> None:
        secret = derived(key, salt, AUTHENTICATION, HMAC_KEY) if profile.kind == layout.COUNTER_MODE else b""
        self._take(profile, derived(key, salt, ENCRYPTION, profile.key), derived(key, salt, SALT, profile.salt), secret)

    def _take(self, profile: Profile, key: bytes, salt: bytes, secret: bytes) -> None:
        """These are the session keys."""
        context = _context(profile.cipher, key)
        weakref.finalize(self, _free, context)
        self._row[word(layout.KIND)] = profile.kind
        self._row[word(layout.CIPHER)] = context
        self._salt = salt.ljust(16, b"\0")
        memory, secret = self._row.cast("B"), secret.ljust(layout.HASH_BLOCK, b"\0")
        for offset, pad in ((layout.INNER, INNER_PAD), (layout.OUTER, OUTER_PAD)):
            memory[offset : offset + SHA1_STATE] = _hash_behind(bytes(byte ^ pad for byte in secret))

    def stream(self, ssrc: int) -> Stream:
        """The stream of this source (32 bits)."""
        stream = self._streams.get(ssrc)
        if stream is None:
            stream = self._streams[ssrc] = Stream(self, ssrc, self._nonce(ssrc), self._retired.pop(ssrc, None))
        return stream

    def _nonce(self, ssrc: int) -> bytes:
        """The nonce of index 0: the salt, and the source where each cipher has it."""
        at = 2 if self._row[word(layout.KIND)] == layout.GCM else 4
        return (int.from_bytes(self._salt, "big") ^ ssrc << 8 * (12 - at)).to_bytes(16, "big")

    def retire(self, ssrc: int) -> None:
        """Nothing more is sent of this source, most likely: what went out of it is remembered as one number. Whoever has its stream must
        send nothing more by it; of another that begins nothing goes out that is not newer."""
        stream = self._streams.pop(ssrc, None)
        if stream is not None:
            self._retired[ssrc] = stream.index


@functools.cache
def tools() -> Tools:
    """Those of this process."""
    made = Tools()
    try:
        made.equip()
    except LookupError:
        log.warning("srtp_by_libsrtp", reason="its library does not offer OpenSSL's functions")
    return made


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
