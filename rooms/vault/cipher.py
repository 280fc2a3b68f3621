"""How a part of a file is encrypted, so that any range of it can be read and nothing of it changed, cut, moved or swapped unnoticed.

::

    part    = header chunk*
    header  = "DVLT" version(1) 0 0 0 chunk_bytes(4) salt(32) plain_bytes(8)      big endian
    chunk   = AES-256-GCM(key of the part, nonce, plaintext of chunk_bytes or, the last one, less) tag(16)
    nonce   = number of the chunk(8) 0 0 0 last(1)

The key of a part is HKDF-SHA256 (RFC 5869) of the sitting's key with the part's random salt and what the part is of (sitting, name of
the file, number of the part), so that no nonce occurs twice under one key and a part opens in its own place alone. The header is bound
to each chunk as associated data, and whether a chunk is the last one is in its nonce (the construction STREAM of Hoang, Reyhanitabar,
Rogaway and Vizár, 2015).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
CHUNK_BYTES = 256 << 10
TAG_BYTES = 16
_HEADER = struct.Struct(">4sB3xI32sQ")
HEADER_BYTES = _HEADER.size
_MAGIC, _VERSION = b"DVLT", 1
_NONCE = struct.Struct(">Q3xB")

Fetch = Callable[[int, int], bytes]
"""Bytes of the encrypted part: so many from there on; fewer only at its end."""


class Spoilt(OSError):
    """What is stored is not what was put there, or not under this key; the text is one line."""


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of which file of which sitting."""

    sitting: str
    file: str
    number: int

    @property
    def label(self) -> bytes:
        """No two parts have the same one: neither an id nor a name of a file has a zero byte."""
        return f"{self.sitting}\0{self.file}\0{self.number}".encode()


def new_key() -> bytes:
    """For a sitting, at random."""
    return os.urandom(KEY_BYTES)


def hidden(key: bytes, file: str) -> str:
    """The name under which a file is stored: the same each time, and it tells those without the sitting's key nothing."""
    mac = hmac.HMAC(_derived(key, b"", b"names of files"), hashes.SHA256())
    mac.update(file.encode())
    return mac.finalize()[:16].hex()


def seal(key: bytes, part: Part, plain: bytes) -> bytes:
    """Encrypt it."""
    salt = os.urandom(32)
    header = _HEADER.pack(_MAGIC, _VERSION, CHUNK_BYTES, salt, len(plain))
    cipher = AESGCM(_derived(key, salt, part.label))
    count = _chunks(len(plain), CHUNK_BYTES)
    view = memoryview(plain)
    chunks = (
        cipher.encrypt(_NONCE.pack(number, number == count - 1), view[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES], header)
        for number in range(count)
    )
    return b"".join((header, *chunks))


class Opened:
    """An encrypted part that is read in ranges. Raises Spoilt where it is not what was put there."""

    def __init__(self, key: bytes, part: Part, fetch: Fetch) -> None:
        self._part = part
        self._fetch = fetch
        self._header = header = fetch(0, HEADER_BYTES)
        if len(header) != HEADER_BYTES:
            raise Spoilt(f"{self._named}: it is cut short")
        magic, version, chunk_bytes, salt, self.bytes = _HEADER.unpack(header)
        if magic != _MAGIC or version != _VERSION or not TAG_BYTES <= chunk_bytes <= 16 << 20:
            raise Spoilt(f"{self._named}: this is no encrypted part")
        self._chunk_bytes = chunk_bytes
        self._count = _chunks(self.bytes, chunk_bytes)
        self._cipher = AESGCM(_derived(key, salt, part.label))

    @property
    def _named(self) -> str:
        return f"{self._part.file}, part {self._part.number}"

    def read(self, start: int, length: int) -> bytes:
        """So many bytes of the plain part from `start` on; fewer only at its end."""
        length = min(length, self.bytes - start)
        if length <= 0 and self.bytes:
            return b""
        first, last = start // self._chunk_bytes, max(start + length - 1, 0) // self._chunk_bytes
        plain = b"".join(self._chunks(first, last))
        begin = start - first * self._chunk_bytes
        return plain[begin : begin + length]

    def _chunks(self, first: int, last: int) -> Iterator[bytes]:
        stride = self._chunk_bytes + TAG_BYTES
        raw = memoryview(self._fetch(HEADER_BYTES + first * stride, (last - first + 1) * stride))
        for number in range(first, last + 1):
            chunk = raw[(number - first) * stride : (number - first + 1) * stride]
            try:
                yield self._cipher.decrypt(_NONCE.pack(number, number == self._count - 1), chunk, self._header)
            except (InvalidTag, ValueError):
                raise Spoilt(f"{self._named}: chunk {number} is not what was stored, or not under this key") from None


def open_whole(key: bytes, part: Part, sealed: bytes) -> bytes:
    """All of a part. Raises Spoilt, also where something follows its end."""
    opened = Opened(key, part, lambda start, length: sealed[start : start + length])
    if len(sealed) != HEADER_BYTES + opened.bytes + TAG_BYTES * _chunks(opened.bytes, opened._chunk_bytes):  # noqa: SLF001 - our own
        raise Spoilt(f"{part.file}, part {part.number}: it has not the size that it was stored with")
    return opened.read(0, opened.bytes)


def _chunks(plain_bytes: int, chunk_bytes: int) -> int:
    """An empty part has one chunk too, so that it cannot be made up."""
    return max(1, -(-plain_bytes // chunk_bytes))


def _derived(key: bytes, salt: bytes, about: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt, b"dispatch vault 1\0" + about).derive(key)
