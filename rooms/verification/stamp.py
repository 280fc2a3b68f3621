"""When a sealed manifest was there at the latest: ``manifest.tsr``, the answer of a time-stamping authority (RFC 3161).

It is over the signature (``manifest.sig.json``, as CAdES does it: so the signature outlives its certificate), or over the
manifest where nobody signed. ``manifest.stamp.json`` names the file it is over, the time, the roots that its writer trusted,
the SHA-256 of the answer, and has a `digest` of its own, so that a changed byte in either shows by itself. By openssl alone::

    openssl ts -verify -data manifest.sig.json -in manifest.tsr -CAfile root.pem
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rooms.verification.canonical import canonical

STAMP = "manifest.stamp.json"
ANSWER = "manifest.tsr"
OVER = ("manifest.sig.json", "manifest.json")
Add = Callable[[str, str, object], None]


@dataclass(frozen=True, slots=True)
class Stamped:
    """`state`: "" no time-stamp, "good", "bad" (problems say why), "unchecked" (`why`). `root`: "" not asked, "trusted", "other"
    (none of those that were given vouches for the authority)."""

    state: str = ""
    at: str = ""
    by: str = ""
    over: str = ""
    root: str = ""
    why: str = ""


def check(path: Path, trust: Path | None, add: Add) -> Stamped:
    """Look at the time-stamp in the folder `path`; with `trust` (PEM) also whether one of those roots vouches for its authority."""
    there = [name for name in (STAMP, ANSWER) if (path / name).exists()]
    if not there:
        return Stamped()
    try:
        raw, answer = (path / STAMP).read_bytes(), (path / ANSWER).read_bytes()
        about: dict[str, Any] = json.loads(raw)
        body = {key: value for key, value in about.items() if key != "digest"}
        whole = canonical(about) == raw and about["digest"] == hashlib.sha256(canonical(body)).hexdigest() and about["over"] in OVER
        over, sha256 = (path / about["over"]).read_bytes() if whole else b"", about["answer"]["sha256"]
    except FileNotFoundError as error:
        add("file_missing", Path(error.filename).name, "")
        return Stamped("bad")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        add("stamp_changed", STAMP, "")
        return Stamped("bad")
    if hashlib.sha256(answer).hexdigest() != sha256:
        add("stamp_changed", ANSWER, "")
        return Stamped("bad")
    return _answered(about, answer, over, trust, add)


def _answered(about: Mapping[str, Any], answer: bytes, over: bytes, trust: Path | None, add: Add) -> Stamped:
    try:
        from cryptography import x509
        from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response
    except ImportError:
        return Stamped("unchecked", at=about["at"], over=about["over"], why="library")
    try:
        decoded = decode_timestamp_response(answer)
        came = [x509.load_der_x509_certificate(each) for each in decoded.signed_data.certificates]
        signers = [(each.issuer, each.serial_number) for each in decoded.signed_data.signer_infos]
        authority = next((each for each in came if (each.issuer, each.serial_number) in signers), None)
        by = authority.subject.rfc4514_string() if authority is not None else ""
        found = Stamped("good", at=_said(decoded.tst_info.gen_time), by=by, over=about["over"])
        if decoded.tst_info.message_imprint.message != hashlib.sha256(over).digest():
            add("stamp_other", ANSWER, about["over"])
            return Stamped("bad", by=by, over=about["over"])
        along = [x509.load_der_x509_certificate(base64.b64decode(each)) for each in about["roots"]]
        VerifierBuilder(roots=along).build().verify(decoded, hashlib.sha256(over).digest())
    except (VerificationError, ValueError) as error:
        add("stamp_changed", ANSWER, error)
        return Stamped("bad", over=about["over"])
    if about["at"] != found.at:
        add("stamp_changed", STAMP, f"{about['at']} ≠ {found.at}")
        return Stamped("bad", over=about["over"])
    if trust is None:
        return found
    roots = x509.load_pem_x509_certificates(trust.read_bytes())  # and nothing that came along: the library trusts what lies between
    try:
        VerifierBuilder(roots=roots).build().verify(decoded, hashlib.sha256(over).digest())
    except VerificationError as error:
        return replace(found, root="other", why=str(error))
    return replace(found, root="trusted")


def _said(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
