"""Keys: each sitting has one at random, kept only wrapped; what wraps it is a key of the site, or a device behind :class:`KeyWrap`.

Keys of the site lie in the directory of secrets, one file each, ``store-0001.key`` and so on: the one with the highest number wraps, the
others unwrap what they once wrapped. A wrapped key is kept twice, in the data directory and beside the objects, so that neither a database
nor this directory is needed to read a store again: the store and the key of the site are enough.
"""

from __future__ import annotations

import base64
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from rooms.vault.cipher import KEY_BYTES
from rooms.vault.durable import forget, write

_FILE = re.compile(r"store-(\d{4})\.key")


class KeyMissing(OSError):
    """A key is not there, or is none, so that what it protects cannot be read; the text is one line."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A sitting's key as it is kept. `by`: which key of the site wraps it; `method`: how."""

    sitting: str
    by: str
    method: str
    wrapped: bytes

    @property
    def content(self) -> bytes:
        """As it is written."""
        text = {"format": 1, "sitting": self.sitting, "by": self.by, "method": self.method}
        return json.dumps({**text, "wrapped": base64.b64encode(self.wrapped).decode()}, sort_keys=True).encode()

    @classmethod
    def read(cls, content: bytes) -> Wrapped:
        """Raises KeyMissing."""
        try:
            row = json.loads(content)
            return cls(str(row["sitting"]), str(row["by"]), str(row["method"]), base64.b64decode(row["wrapped"], validate=True))
        except (ValueError, KeyError, TypeError) as error:
            raise KeyMissing(f"this is no wrapped key: {error}") from None


class KeyWrap(Protocol):
    """Wraps the keys of sittings: a key ring, or a device (KMS, HSM, one with SM4) that lets its own key never out."""

    @property
    def current(self) -> str:
        """The id of the key that wraps from now on; "" where there is none yet."""

    def wrap(self, sitting: str, key: bytes) -> Wrapped:
        """By the current key. Raises KeyMissing, OSError."""

    def unwrap(self, wrapped: Wrapped) -> bytes:
        """By whichever key it was wrapped. Raises KeyMissing, OSError."""


class KeyRing:
    """The keys of the site in `folder`; wraps by AES key wrap (RFC 3394). Read anew each time: another process may have rotated."""

    METHOD = "A256KW"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def ids(self) -> list[str]:
        """Of all keys that there are, the oldest first."""
        with suppress(FileNotFoundError):
            return sorted(found[1] for path in self._folder.iterdir() if (found := _FILE.fullmatch(path.name)))
        return []

    @property
    def current(self) -> str:
        return next(reversed(self.ids), "")

    def make(self) -> str:
        """A new key, which wraps from now on; its id. Raises OSError."""
        made = f"{int(self.current or 0) + 1:04d}"
        write(self._path(made), os.urandom(KEY_BYTES), 0o600, fresh=True)
        return made

    def ensure(self) -> str:
        """A first key where there is none; its id, "" where there was one. Raises OSError."""
        if self.current:
            return ""
        try:
            return self.make()
        except FileExistsError:  # another process that started at the same time has made it
            return ""

    def forget(self, key_id: str) -> None:
        """For good: what it wraps can never be read again. Raises KeyMissing."""
        if key_id not in self.ids:
            raise KeyMissing(f"the site has no key {key_id}")
        forget(self._path(key_id))

    def wrap(self, sitting: str, key: bytes) -> Wrapped:
        by = self.current
        if not by:
            raise KeyMissing(f"the site has no key for its store in {self._folder}")
        return Wrapped(sitting, by, self.METHOD, aes_key_wrap(self._read(by), key))

    def unwrap(self, wrapped: Wrapped) -> bytes:
        if wrapped.method != self.METHOD:
            raise KeyMissing(f"sitting {wrapped.sitting}: its key is wrapped by {wrapped.method}, which needs another device")
        try:
            return aes_key_unwrap(self._read(wrapped.by), wrapped.wrapped)
        except (InvalidUnwrap, ValueError):
            raise KeyMissing(f"sitting {wrapped.sitting}: key {wrapped.by} of the site does not unwrap its key") from None

    def _path(self, key_id: str) -> Path:
        return self._folder / f"store-{key_id}.key"

    def _read(self, key_id: str) -> bytes:
        path = self._path(key_id)
        try:
            key = path.read_bytes()
        except FileNotFoundError:
            raise KeyMissing(f"key {key_id} of the site is not there: {path}") from None
        if len(key) != KEY_BYTES:
            raise KeyMissing(f"{path} is no key: {len(key)} bytes instead of {KEY_BYTES}")
        return key
