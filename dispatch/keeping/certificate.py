"""The certificate of a destruction: who proposed and approved, which order there was, and of each recording what was destroyed, with the
digests by which a copy of it would still be known.

One file of canonical JSON (RFC 8785). `digest` is the SHA-256 of everything but itself and `signature`, which signs the canonical
form of all but itself and has a digest of its own; ``server.py verify`` checks both without any of this code
(:mod:`rooms.verification.destruction`).
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rfc8785

from rooms.recording import signature

if TYPE_CHECKING:
    from dispatch.store.keeping_tables import Destruction, DestructionItem
    from rooms.recording.signer import Signer

FORMAT = 2
"""1: without `number`, and without the case of what was kept."""
DOCUMENT = "destruction-certificate"
METHOD = "key_and_files_removed"
"""The key of an encrypted recording goes first, and copies of its objects are worth nothing from then on; then files and objects are
removed and the removal is synced. Overwriting them would be no more on flash memory, whose controller
writes elsewhere; where the disk itself must give nothing away it has to be encrypted, or destroyed."""


def made(row: Destruction, unit: tuple[str, str], done_at: datetime, signer: Signer | None) -> bytes:
    """The certificate of a destruction all of whose items are destroyed or kept. Raises SignerUnusable."""
    body: dict[str, Any] = {
        "format": FORMAT,
        "document": DOCUMENT,
        "id": row.id,
        "number": row.number,
        "unit": {"zh": unit[0], "en": unit[1]},
        "reason": row.reason,
        "order": row.order_reference,
        "proposed": {"by": row.proposed_by, "at": _said(row.proposed_at)},
        "approved": {"by": row.approved_by, "at": _said(row.approved_at)},
        "due_at": _said(row.due_at),
        "done_at": _said(done_at),
        "method": METHOD,
        "recordings": [_recording(item) for item in row.items if item.state == "destroyed"],
        "kept": [
            {"sitting": item.sitting_id, "case_number": item.recording.sitting.case.number, "why": item.kept_why}
            for item in row.items
            if item.state == "kept"
        ],
        "signer": signature.described(signer) if signer is not None else None,
    }
    whole = _digested(body)
    content = rfc8785.dumps(whole)
    if signer is None:
        return content
    signed = signer.sign(content)
    value = {
        "algorithm": signed.algorithm,
        "signature": base64.b64encode(signed.value).decode(),
        "chain": [base64.b64encode(each).decode() for each in signed.chain],
    }
    return rfc8785.dumps({**whole, "signature": _digested(value)})


def _digested(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "digest": hashlib.sha256(rfc8785.dumps(body)).hexdigest()}


def _recording(item: DestructionItem) -> dict[str, Any]:
    recording, sitting = item.recording, item.recording.sitting
    return {
        "sitting": item.sitting_id,
        "case_number": sitting.case.number,
        "title": sitting.title,
        "kind": sitting.kind,
        "held_at": _said(sitting.opened_at or sitting.starts_at),
        "sealed_at": _said(recording.sealed_at),
        "manifest_sha256": recording.manifest_sha256,
        "seconds": round(recording.seconds, 3),
        "retention": item.retention,
        "expired_on": item.expired_on.isoformat() if item.expired_on is not None else "",
        "destroyed_at": _said(item.destroyed_at),
        "bytes": item.bytes,
        "files": item.files,
    }


def keep(folders: Sequence[Path], name: str, content: bytes) -> None:
    """Put a certificate into each folder, whole or not at all. Raises OSError."""
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{name}.part"
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, folder / f"{name}.json")
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _said(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else ""
