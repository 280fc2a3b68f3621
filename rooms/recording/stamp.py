"""A trusted time-stamp (RFC 3161) for a sealed folder: what is asked, and what is kept of the answer. Nothing here uses the network.

It is over the signature, as CAdES has it (ETSI EN 319 122-1, signature-time-stamp: what is proven is when the signature was there,
so that it outlives its certificate); over the manifest where nobody signed. The imprint is the SHA-256 of that whole file, so
that ``openssl ts -verify -data manifest.sig.json -in manifest.tsr -CAfile root.pem`` checks it.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from rooms.recording.seal import write
from rooms.recording.signature import SIGNATURE

ANSWER = "manifest.tsr"
STAMP = "manifest.stamp.json"
FORMAT = 1


class StampRefused(Exception):
    """The authority's answer is no time-stamp of what was asked; the text is one line."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: `content` is what the authority is sent (application/timestamp-query)."""

    over: str
    imprint: bytes
    request: TimeStampRequest

    @property
    def content(self) -> bytes:
        """In DER."""
        return self.request.as_bytes()


@dataclass(frozen=True, slots=True)
class Kept:
    """When the authority says that it was, and who it is."""

    at: datetime
    by: str


def request(root: Path) -> Asked:
    """What to ask for the sealed folder `root`. Raises OSError."""
    over = SIGNATURE if (root / SIGNATURE).exists() else "manifest.json"
    content = (root / over).read_bytes()
    asked = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=True).build()
    return Asked(over, hashlib.sha256(content).digest(), asked)


def keep(root: Path, asked: Asked, answer: bytes, roots: Path) -> Kept:
    """Check the answer, and that one of `roots` (PEM, with what is between them and the authority) vouches for it, and put it into
    the folder together with these: who checks later needs them. Raises StampRefused; OSError.

    An answer whose certificates are not in the order of DER (X.690 section 11.6) is refused by the library, whatever is in it.
    """
    try:
        decoded = decode_timestamp_response(answer)
        if decoded.status not in (0, 1):
            why = ", ".join(decoded.status_string) or "no reason given"
            raise StampRefused(f"the authority answers with status {decoded.status}: {why}")
        came = [x509.load_der_x509_certificate(each) for each in decoded.signed_data.certificates]
        trusted = x509.load_pem_x509_certificates(roots.read_bytes())
        verifier = VerifierBuilder.from_request(asked.request)
        for each in trusted:
            verifier = verifier.add_root_certificate(each)
        verifier.build().verify(decoded, asked.imprint)
    except (ValueError, VerificationError) as error:
        raise StampRefused(f"this is no time-stamp of what was asked: {error}") from error
    at = decoded.tst_info.gen_time.astimezone(UTC)
    body: dict[str, Any] = {
        "format": FORMAT,
        "over": asked.over,
        "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "roots": [base64.b64encode(each.public_bytes(serialization.Encoding.DER)).decode() for each in trusted],
        "answer": {"file": ANSWER, "sha256": hashlib.sha256(answer).hexdigest()},
    }
    digest = hashlib.sha256(rfc8785.dumps(body)).hexdigest()
    for name, content in ((ANSWER, answer), (STAMP, rfc8785.dumps({**body, "digest": digest}))):
        write(root / name, content)
        os.chmod(root / name, 0o444)
    return Kept(at, _authority(decoded, came))


def _authority(decoded: Any, came: list[x509.Certificate]) -> str:
    signers = {(each.issuer, each.serial_number) for each in decoded.signed_data.signer_infos}
    return next((each.subject.rfc4514_string() for each in came if (each.issuer, each.serial_number) in signers), "")
