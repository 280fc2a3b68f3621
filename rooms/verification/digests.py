"""SHA-256 and SM3 (GB/T 32905-2016) of a file, by Python's own library: SM3 where its OpenSSL has it."""

from __future__ import annotations

import hashlib
from pathlib import Path

HAS_SM3 = "sm3" in hashlib.algorithms_available
_CHUNK_BYTES = 1 << 20


def digests_of_file(path: Path) -> tuple[str, str]:
    """SHA-256 and SM3; the second is empty where there is no SM3. Raises OSError."""
    sha256, sm3 = hashlib.sha256(), hashlib.new("sm3") if HAS_SM3 else None
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            sha256.update(chunk)
            if sm3 is not None:
                sm3.update(chunk)
    return sha256.hexdigest(), sm3.hexdigest() if sm3 is not None else ""


def sm3_of(content: bytes) -> str:
    """Of what is in memory; empty where there is no SM3."""
    return hashlib.new("sm3", content).hexdigest() if HAS_SM3 else ""
