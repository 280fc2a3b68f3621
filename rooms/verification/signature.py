"""Who signed a manifest: ``manifest.sig.json`` and ``manifest.p7s`` beside it, against the manifest and a root that is trusted."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rooms.verification import sm2
from rooms.verification.canonical import canonical

if TYPE_CHECKING:
    from cryptography import x509

SIGNATURE = "manifest.sig.json"
CMS = "manifest.p7s"
Add = Callable[[str, str, object], None]
"""Takes the code of what is wrong, the file, and a detail."""


@dataclass(frozen=True, slots=True)
class Signed:
    """`state`: "" nobody signed, "good", "bad" (problems say why), "unchecked" (`why` says why it could not be checked here).

    `root`: "" not asked, "trusted", "other". `at`: the time for which the certificates were checked.
    """

    state: str = ""
    by: str = ""
    issuer: str = ""
    algorithm: str = ""
    valid_from: str = ""
    valid_to: str = ""
    root: str = ""
    at: str = ""
    why: str = ""


def read(path: Path, manifest: Mapping[str, Any], content: bytes, add: Add) -> dict[str, Any] | None:
    """The signature in the folder `path`, None where there is none or it is broken: then `add` was told, unless none is due.

    Needs nothing but the standard library: digests, the names of both files, whose certificate was announced.
    """
    named = manifest.get("signer")
    there = [name for name in (SIGNATURE, CMS) if (path / name).is_file()]
    if not named:
        for name in there:
            add("file_extra", name, "")
        return None
    if SIGNATURE not in there:
        add("signature_missing", SIGNATURE, named["subject"])
        return None
    try:
        raw = (path / SIGNATURE).read_bytes()
        found: dict[str, Any] = json.loads(raw)
        body = {key: value for key, value in found.items() if key != "digest"}
        whole = canonical(found) == raw and found["digest"] == hashlib.sha256(canonical(body)).hexdigest()
        value, chain = base64.b64decode(found["signature"]), [base64.b64decode(each) for each in found["chain"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        add("signature_changed", SIGNATURE, "")
        return None
    if found["manifest_sha256"] != hashlib.sha256(content).hexdigest():
        add("signature_other", SIGNATURE, "")
        return None
    if (hashlib.sha256(chain[0]).hexdigest(), found["algorithm"]) != (named["certificate_sha256"], named["algorithm"]):
        add("signer_other", SIGNATURE, named["subject"])
        return None
    _check_cms(path, found["cms"], value, add)
    return {**found, "value": value, "chain": chain}


def _check_cms(path: Path, cms: Mapping[str, str] | None, value: bytes, add: Add) -> None:
    if cms is None:
        if (path / CMS).exists():
            add("file_extra", CMS, "")
        return
    try:
        raw = (path / CMS).read_bytes()
    except OSError:
        add("file_missing", CMS, "")
        return
    if hashlib.sha256(raw).hexdigest() != cms["sha256"] or value not in raw:
        add("signature_changed", CMS, "")


def check(found: Mapping[str, Any], content: bytes, at: datetime, trust: Path | None, add: Add) -> Signed:
    """Whether the signature is that of the certificate, and the certificate good at `at`; with `trust` (PEM) by one of those roots."""
    algorithm = str(found["algorithm"])
    try:
        from cryptography import x509
        from OpenSSL import crypto  # noqa: F401 - whether both are there is what is asked
    except ImportError:
        return Signed("unchecked", algorithm=algorithm, why="library")
    chain: Sequence[bytes] = found["chain"]
    try:
        certificates = [x509.load_der_x509_certificate(each) for each in chain]
        certificate = certificates[0]
        about = Signed(
            "good",
            by=certificate.subject.rfc4514_string(),
            issuer=certificate.issuer.rfc4514_string(),
            algorithm=algorithm,
            valid_from=_said(certificate.not_valid_before_utc),
            valid_to=_said(certificate.not_valid_after_utc),
            at=_said(at),
        )
        good = _is_of(certificate, algorithm, found["value"], content)
    except Exception as error:  # whatever a library says of a certificate that it cannot use
        return Signed("unchecked", algorithm=algorithm, why=f"{type(error).__name__}: {error}")
    if good is None:
        return replace(about, state="unchecked", why="algorithm")
    if not good:
        add("signature_wrong", SIGNATURE, about.by)
        return replace(about, state="bad")
    state, root, why = (_chained_by_sm2 if algorithm == sm2.ALGORITHM else _chained)(certificates, at, trust)
    if why:
        add("certificate_refused", SIGNATURE, why)
    return replace(about, state=state, root=root, why=why)


def _is_of(certificate: x509.Certificate, algorithm: str, value: bytes, content: bytes) -> bool | None:
    """None: an algorithm that cannot be checked here, as SM2 with SM3 without the openssl program."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    if algorithm == sm2.ALGORITHM:
        return sm2.is_of(certificate.public_bytes(serialization.Encoding.DER), value, content)
    if algorithm not in ("ecdsa-p256-sha256", "ed25519"):
        return None
    key = certificate.public_key()
    try:
        if algorithm == "ed25519" and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(value, content)
        elif algorithm != "ed25519" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, content, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _chained(certificates: Sequence[x509.Certificate], at: datetime, trust: Path | None) -> tuple[str, str, str]:
    """State, root and what is wrong. Without `trust` the last certificate that came along stands for the root."""
    from cryptography import x509
    from OpenSSL import crypto

    roots = list(certificates[-1:]) if trust is None else x509.load_pem_x509_certificates(trust.read_bytes())
    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    store.set_time(at.astimezone(UTC).replace(tzinfo=None))
    for root in roots:
        store.add_cert(crypto.X509.from_cryptography(root))
    between = [crypto.X509.from_cryptography(each) for each in certificates[1:]]
    try:
        crypto.X509StoreContext(store, crypto.X509.from_cryptography(certificates[0]), between).verify_certificate()
    except crypto.X509StoreContextError as error:
        return "bad", "" if trust is None else "other", str(error)
    return "good", "" if trust is None else "trusted", ""


def _chained_by_sm2(certificates: Sequence[x509.Certificate], at: datetime, trust: Path | None) -> tuple[str, str, str]:
    from cryptography.hazmat.primitives import serialization

    texts = [certificate.public_bytes(serialization.Encoding.PEM).decode() for certificate in certificates]
    wrong = sm2.chained(texts, texts[-1] if trust is None else trust.read_text(encoding="ascii"), at)
    if wrong:
        return "bad", "" if trust is None else "other", wrong
    return "good", "" if trust is None else "trusted", ""


def _said(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
