"""Whether recordings will be signed when they are sealed, and whether the time-stamping authority answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cryptography import x509

from dispatch.archive.stamping import Unanswered, ask
from dispatch.operations import seal_key
from dispatch.operations.findings import Finding, mend, note, ok
from rooms.recording import stamp
from rooms.recording.signer import SignerUnusable

if TYPE_CHECKING:
    from dispatch.settings import Settings

LIMIT_S = 5.0
SOON = timedelta(days=30)


def seal(settings: Settings) -> Finding:
    """The signer's certificate; a device is asked for it, and signs nothing."""
    found = seal_key.of(settings)
    if seal_key.is_own(settings) and found.key is not None and not found.key.exists():
        return note("seal", "absent")
    try:
        signer = found.load()
        if signer is None:
            return note("seal", "off")
        certificate = x509.load_der_x509_certificate(signer.chain[0])
    except (SignerUnusable, ValueError, IndexError) as error:
        return mend("seal", "unusable", why=error)
    about = {"by": certificate.subject.rfc4514_string(), "until": f"{certificate.not_valid_after_utc:%Y-%m-%d}"}
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    if left <= timedelta(0):
        return mend("seal", "expired", **about)
    return note("seal", "soon", **about) if left < SOON and not seal_key.is_own(settings) else ok("seal", "well", **about)


def stamps(settings: Settings) -> Iterator[Finding]:
    """The authority is asked for a time-stamp of nothing in particular."""
    if not settings.tsa_url or settings.tsa_ca is None:
        yield note("stamp", "off")
        return
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "manifest.json").write_bytes(b"{}")
        try:
            asked = stamp.request(folder)
            kept = stamp.keep(folder, asked, asyncio.run(ask(settings.tsa_url, asked.content, LIMIT_S)), settings.tsa_ca)
        except (Unanswered, stamp.StampRefused, OSError) as error:
            yield mend("stamp", "silent", at=settings.tsa_url, why=error)
            return
    yield ok("stamp", "well", at=settings.tsa_url, by=kept.by)
