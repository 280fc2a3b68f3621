"""The signature beside a manifest, in two files of which a third party needs one.

``manifest.p7s``: a detached CMS (RFC 5652) without signed attributes, in DER, so that openssl alone can check it::

    openssl cms -verify -binary -inform DER -in manifest.p7s -content manifest.json -CAfile root.pem -out /dev/null

``manifest.sig.json``: the same signature with its algorithm and chain (base64, DER), the SHA-256 of manifest and CMS, and its
own `digest`, so that a changed byte in any of the two files shows by itself. With Ed25519, which the library puts into no
CMS, it is the only one (``openssl pkeyutl -verify -rawin`` checks its `signature`).
"""

from __future__ import annotations

import base64
import hashlib
from copy import deepcopy
from pathlib import Path
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7

from rooms.recording.signer import CMS_ALGORITHMS, Signature, Signer

SIGNATURE = "manifest.sig.json"
CMS = "manifest.p7s"
FORMAT = 1
_NO_KEY = "there is no private key here: what it was to sign is signed already"


def described(signer: Signer) -> dict[str, Any]:
    """What the manifest says beforehand of who will sign it, so that a signature that was taken away is missed. Raises SignerUnusable."""
    certificate = signer.chain[0]
    return {
        "algorithm": signer.algorithm,
        "subject": x509.load_der_x509_certificate(certificate).subject.rfc4514_string(),
        "certificate_sha256": hashlib.sha256(certificate).hexdigest(),
    }


def sign(content: bytes, signer: Signer) -> dict[str, bytes]:
    """The files to be put beside the manifest with this `content`, by name. Raises SignerUnusable."""
    signature = signer.sign(content)
    cms = signature.cms or (_cms(content, signature) if signature.algorithm in CMS_ALGORITHMS else b"")
    body: dict[str, Any] = {
        "format": FORMAT,
        "over": "manifest.json",
        "manifest_sha256": hashlib.sha256(content).hexdigest(),
        "algorithm": signature.algorithm,
        "signature": base64.b64encode(signature.value).decode(),
        "chain": [base64.b64encode(certificate).decode() for certificate in signature.chain],
        "cms": {"file": CMS, "sha256": hashlib.sha256(cms).hexdigest()} if cms else None,
    }
    digest = hashlib.sha256(rfc8785.dumps(body)).hexdigest()
    return ({CMS: cms} if cms else {}) | {SIGNATURE: rfc8785.dumps({**body, "digest": digest})}


def _cms(content: bytes, signature: Signature) -> bytes:
    certificates = [x509.load_der_x509_certificate(certificate) for certificate in signature.chain]
    public_key = certificates[0].public_key()
    if not isinstance(public_key, ec.EllipticCurvePublicKey):
        raise TypeError(f"{signature.algorithm} with a key that is none of an elliptic curve")
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    builder = builder.add_signer(certificates[0], _Made(signature.value, public_key), hashes.SHA256())
    for certificate in certificates[1:]:
        builder = builder.add_certificate(certificate)
    options = (pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoAttributes)
    return builder.sign(serialization.Encoding.DER, options)


class _Made(ec.EllipticCurvePrivateKey):
    """Gives out the signature that was made already: a device signs once, and the library writes the CMS around it."""

    def __init__(self, value: bytes, public_key: ec.EllipticCurvePublicKey) -> None:
        self._value = value
        self._public_key = public_key

    def sign(self, data: Any, signature_algorithm: Any) -> bytes:
        return self._value

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public_key

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        return self._public_key.key_size

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        raise NotImplementedError(_NO_KEY)

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        raise NotImplementedError(_NO_KEY)

    def private_bytes(self, *_: Any) -> bytes:
        raise NotImplementedError(_NO_KEY)

    def __copy__(self) -> _Made:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> _Made:
        return _Made(self._value, deepcopy(self._public_key, memo))


def exists(root: Path) -> bool:
    """Whether the manifest in `root` is signed: this file is the last of the two to be written."""
    return (root / SIGNATURE).exists()
