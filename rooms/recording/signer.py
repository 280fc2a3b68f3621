"""Who signs a manifest: a key in a file, or a device of the site behind the same interface.

A device (a token, a card, a machine for SM2 with SM3, GB/T 32918) plugs in as the setting ``DISPATCH_SEAL_SIGNER``: the path
``package.module:factory`` of something that takes the paths of key and chain, either of them None, and returns a
:class:`Signer`. What it is to do is :meth:`Signer.sign`; what leaves it is public. With the algorithms of
:data:`CMS_ALGORITHMS` the detached CMS for third parties is made here from its signature; a device of another algorithm
brings its own, as those for SM2 do (GB/T 35275), or none.
"""

from __future__ import annotations

import importlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key

ECDSA = "ecdsa-p256-sha256"
"""FIPS 186-5 and SEC 1: the signature in DER, over the SHA-256 of the content."""
ED25519 = "ed25519"
"""RFC 8032: 64 bytes, over the content itself."""
SM2 = "sm2-sm3"
"""GB/T 32918.2 with the SM3 of the content, in DER (GB/T 35276)."""
CMS_ALGORITHMS = frozenset({ECDSA})


class SignerUnusable(Exception):
    """There can be no signature now; the text is one line that names the file or device and says why, and no secret."""


@dataclass(frozen=True, slots=True)
class Signature:
    """`value` signs the content by the key of `chain[0]`; `chain` leads to the root, each certificate in DER. `cms`: a detached
    CMS (RFC 5652) of a device that makes its own, else empty."""

    algorithm: str
    value: bytes
    chain: Sequence[bytes]
    cms: bytes = b""


class Signer(Protocol):
    """Signs manifests. Called from one thread at a time."""

    @property
    def algorithm(self) -> str:
        """One of this module's, or a device's own name. Raises SignerUnusable."""
        ...

    @property
    def chain(self) -> Sequence[bytes]:
        """The signer's certificate and those that lead to its root, DER. Raises SignerUnusable."""
        ...

    def sign(self, content: bytes) -> Signature:
        """Sign `content`. May take seconds. Raises SignerUnusable."""
        ...


class KeyFile:
    """A private key of ECDSA P-256 or Ed25519 in a PEM file that its owner alone may read, and its chain, PEM. Raises SignerUnusable."""

    def __init__(self, key: Path, chain: Path) -> None:
        self._key = _private_key(key)
        self._certificates = _certificates(chain)
        if _public(self._key.public_key()) != _public(self._certificates[0].public_key()):
            raise SignerUnusable(f"{key}: this key does not belong to the first certificate of {chain}")

    @property
    def algorithm(self) -> str:
        """By the kind of key."""
        return ED25519 if isinstance(self._key, ed25519.Ed25519PrivateKey) else ECDSA

    @property
    def chain(self) -> Sequence[bytes]:
        """As the file has it."""
        return [certificate.public_bytes(serialization.Encoding.DER) for certificate in self._certificates]

    def sign(self, content: bytes) -> Signature:
        """At once."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return Signature(ED25519, self._key.sign(content), self.chain)
        return Signature(ECDSA, self._key.sign(content, ec.ECDSA(hashes.SHA256())), self.chain)


def load(key: Path | None, chain: Path | None, factory: str = "") -> Signer | None:
    """The signer of these settings, None where there is none: read anew each time, so that a renewed certificate is taken up.

    Raises SignerUnusable.
    """
    if factory:
        return _device(factory, key, chain)
    if key is None or chain is None:
        return None
    return KeyFile(key, chain)


def _device(factory: str, key: Path | None, chain: Path | None) -> Signer:
    module, _, name = factory.partition(":")
    try:
        signer: Signer = getattr(importlib.import_module(module), name)(key, chain)
    except SignerUnusable:
        raise
    except Exception as error:  # a driver of somebody else's: whatever it raises is why there is no signature
        raise SignerUnusable(f"{factory}: {type(error).__name__}: {error}") from error
    return signer


def _private_key(path: Path) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise SignerUnusable(f"{path}: others than its owner may use this file (mode {stat.S_IMODE(mode):04o}); make it 0600")
            key = load_pem_private_key(file.read(), password=None)
    except OSError as error:
        raise SignerUnusable(f"{path}: {error.strerror}") from None
    except TypeError:
        raise SignerUnusable(f"{path}: the key has a password; it is needed without") from None
    except (ValueError, UnsupportedAlgorithm):
        raise SignerUnusable(f"{path}: there is no private key in PEM form in it that can be used") from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise SignerUnusable(f"{path}: this key is neither ECDSA P-256 nor Ed25519")


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise SignerUnusable(f"{path}: {error.strerror}") from None
    except ValueError:
        raise SignerUnusable(f"{path}: there is no certificate in PEM form in it") from None


def _public(key: object) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined, no-any-return]
