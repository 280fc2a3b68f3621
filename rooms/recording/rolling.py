"""Digests that roll forward with what is written, so that a crash leaves a prefix that can be checked (:mod:`rooms.recording.digests`)."""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.hazmat.primitives.hashes import SM3, Hash

Row = dict[str, Any]


class Rolling:
    """SHA-256 and SM3 of one file that is appended to."""

    def __init__(self) -> None:
        self.bytes = 0
        self._sha256 = hashlib.sha256()
        self._sm3 = Hash(SM3())

    def add(self, data: bytes | memoryview) -> None:
        """These bytes follow."""
        self.bytes += len(data)
        self._sha256.update(data)
        self._sm3.update(data)

    def digests(self) -> dict[str, str]:
        """Of everything up to here."""
        return {"sha256": self._sha256.hexdigest(), "sm3": self._sm3.copy().finalize().hex()}


def described(name: str, rolling: Rolling) -> Row:
    """What a list of files says of one that is whole."""
    return {"file": name, "bytes": rolling.bytes, **rolling.digests()}


def digests_of(data: bytes) -> dict[str, str]:
    """SHA-256 and SM3 of `data`."""
    rolling = Rolling()
    rolling.add(data)
    return rolling.digests()


def row_of(name: str, rolling: Rolling, head: bytes = b"", closed: bool = False) -> Row:
    """What a row says of a file: `head` are its first bytes, `rolling` what follows them."""
    row: Row = {"file": name, "bytes": len(head) + rolling.bytes, "closed": closed, **rolling.digests()}
    return row | ({"head": {"bytes": len(head), **digests_of(head)}} if head else {})
