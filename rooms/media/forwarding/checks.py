"""Connectivity checks (RFC 8445 section 7.2) as an ICE-lite agent takes and answers them: STUN binding requests (RFC 8489). Pure.

Every browser sends one each few seconds for each of its connections, for as long as they last.
"""

from __future__ import annotations

import hmac
import socket
import struct
import zlib
from dataclasses import dataclass

from .address import Address, readable

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
COOKIE = 0x2112A442
REQUEST, RESPONSE, REFUSAL = 0x0001, 0x0101, 0x0111
USERNAME, INTEGRITY, ERROR_CODE, MAPPED, NOMINATED = 0x0006, 0x0008, 0x0009, 0x0020, 0x0025
FINGERPRINT, CONTROLLED = 0x8028, 0x8029
_FINGERPRINT_XOR = 0x5354554E
_SHA1 = 20
ROLE_CONFLICT = 487


@dataclass(frozen=True, slots=True)
class Check:
    """A binding request. `own` and `remote`: the user fragments that it names, of who is asked and of who asks. `nominated`: the pair is
    to be used. `controlled`: the sender takes itself for the controlled agent, which we are."""

    transaction: bytes
    own: str
    remote: str
    nominated: bool
    controlled: bool
    covered: bytes
    """what its proof is of, b"" if it has none"""
    proof: bytes

    def genuine(self, password: bytes) -> bool:
        """Whether who sent it knows the password (MESSAGE-INTEGRITY)."""
        return bool(self.covered) and hmac.compare_digest(self.proof, hmac.digest(password, self.covered, "sha1"))


def parse(data: bytes) -> Check:
    """The check in a datagram. Raises ValueError if there is none, or one that was damaged."""
    if len(data) < _HEADER.size:
        raise ValueError("too short for STUN")
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    if kind != REQUEST or cookie != COOKIE or length != len(data) - _HEADER.size:
        raise ValueError("no binding request")
    found: dict[int, bytes] = {}
    covered, at = b"", _HEADER.size
    while at + _ATTRIBUTE.size <= len(data):
        name, size = _ATTRIBUTE.unpack_from(data, at)
        value = data[at + 4 : at + 4 + size]
        if len(value) != size:
            raise ValueError("a STUN attribute is cut")
        if name == FINGERPRINT:
            if value != _fingerprint(data[:at]):
                raise ValueError("the fingerprint of a STUN message is not its own")
        elif not covered:
            # Whatever follows the proof is not covered by it (RFC 8489 section 14.5).
            found[name] = value
            if name == INTEGRITY:
                covered = _lengthened(data[:at], _SHA1)
        at += 4 + size + -size % 4
    if USERNAME not in found:
        raise ValueError("a check without a user")
    own, _, remote = found[USERNAME].decode().partition(":")
    return Check(transaction, own, remote, NOMINATED in found, CONTROLLED in found, covered, found.get(INTEGRITY, b""))


def answer(check: Check, address: Address, password: bytes) -> bytes:
    """It came, from `address`."""
    host, port = readable(address)
    family, number = (1, socket.AF_INET) if "." in host and ":" not in host else (2, socket.AF_INET6)
    mask = COOKIE.to_bytes(4, "big") + check.transaction
    raw = socket.inet_pton(number, host)
    value = struct.pack("!BBH", 0, family, port ^ COOKIE >> 16) + bytes(a ^ b for a, b in zip(raw, mask, strict=False))
    return _message(RESPONSE, check.transaction, MAPPED, value, password)


def refusal(check: Check, password: bytes) -> bytes:
    """The peer has to take the other role (RFC 8445 section 7.3.1.1)."""
    value = struct.pack("!HBB", 0, ROLE_CONFLICT // 100, ROLE_CONFLICT % 100) + b"Role Conflict"
    return _message(REFUSAL, check.transaction, ERROR_CODE, value, password)


def _message(kind: int, transaction: bytes, name: int, value: bytes, password: bytes) -> bytes:
    padded = value + bytes(-len(value) % 4)
    data = _HEADER.pack(kind, 4 + len(padded), COOKIE, transaction) + _ATTRIBUTE.pack(name, len(value)) + padded
    covered = _lengthened(data, _SHA1)
    data = covered + _ATTRIBUTE.pack(INTEGRITY, _SHA1) + hmac.digest(password, covered, "sha1")
    return _lengthened(data, 4) + _ATTRIBUTE.pack(FINGERPRINT, 4) + _fingerprint(data)


def _lengthened(data: bytes, size: int) -> bytes:
    """What is proved is the message as if it ended with the attribute of this size that proves it."""
    return data[:2] + struct.pack("!H", len(data) - _HEADER.size + 4 + size) + data[4:]


def _fingerprint(data: bytes) -> bytes:
    return struct.pack("!I", zlib.crc32(_lengthened(data, 4)) ^ _FINGERPRINT_XOR)
