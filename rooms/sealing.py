"""What is written in secret and opened together: the log holds it encrypted, with a digest that shows later what it was. Pure.

A text is put into a *box* (AES-SIV, RFC 5297, with a key of the sitting's own that is derived from the site's by HKDF, RFC 5869), which
names what it is about, so that no box passes for another's. The same text about the same makes the same box: nothing here needs chance.
Beside the box stands the `digest` of salt and text, SHA-256. The salt is in the box and stays unknown as long as the text does, so that
nobody finds out "for" or "against" by trying; once it is opened, salt and text are in the log and anybody can compare.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_BOX_KEY_BYTES = 64
_SALT_BYTES = 16


class SealBroken(Exception):
    """A box does not open: another key, another box, or a changed one."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A box as the log holds it (URL-safe base64), and the digest of what is in it (hex SHA-256)."""

    box: str
    digest: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What was in a box. `salt` is hex."""

    text: str
    salt: str


def digest_of(salt: str, text: str) -> str:
    """The digest that the log holds beside the box: SHA-256 of the salt's bytes and the text in UTF-8."""
    return hashlib.sha256(bytes.fromhex(salt) + text.encode()).hexdigest()


class Seal:
    """The seal of one sitting."""

    def __init__(self, key: bytes, sitting: str) -> None:
        derived = HKDF(SHA256(), _BOX_KEY_BYTES + KEY_BYTES, None, f"sealed in sitting {sitting}".encode()).derive(key)
        self._box = AESSIV(derived[:_BOX_KEY_BYTES])
        self._salt = derived[_BOX_KEY_BYTES:]

    def shut(self, about: str, text: str) -> Sealed:
        """Put a text into a box that opens for `about` alone."""
        salt = hmac.digest(self._salt, f"{about}\n{text}".encode(), "sha256")[:_SALT_BYTES].hex()
        plain = json.dumps([salt, text], ensure_ascii=False).encode()
        box = base64.urlsafe_b64encode(self._box.encrypt(plain, [about.encode()])).decode()
        return Sealed(box, digest_of(salt, text))

    def open(self, about: str, box: str) -> Opened:
        """Inverse of :meth:`shut`. Raises :class:`SealBroken`."""
        try:
            salt, text = json.loads(self._box.decrypt(base64.urlsafe_b64decode(box), [about.encode()]))
        except (InvalidTag, ValueError, binascii.Error) as error:
            raise SealBroken(about) from error
        return Opened(text, salt)

    def read(self, about: str, box: str) -> str:
        """The text in a box, "" where it does not open: for what is shown, not for what is decided."""
        try:
            return self.open(about, box).text
        except SealBroken:
            return ""

    def opens(self, about: str, box: str) -> bool:
        """Whether :meth:`open` would."""
        try:
            self.open(about, box)
        except SealBroken:
            return False
        return True


class Sealing:
    """The key of a site, of :data:`KEY_BYTES` random bytes, from which every sitting has its own."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"{len(key)} bytes are no key")
        self._key = key

    def of(self, sitting: str) -> Seal:
        """The seal of a sitting; always the same."""
        return Seal(self._key, sitting)
