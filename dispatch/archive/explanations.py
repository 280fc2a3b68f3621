"""Written explanations of what went wrong with a recording (DOMAIN.md section 5, rule 4): whoever presided is asked for one as soon as a
recording with faults is sealed, and signs it with his account.

What he signs is a statement in canonical JSON (RFC 8785) with its own SHA-256 and SM3: the digest of the manifest, the rows of the ledger
that it explains, his words, his name, the time. It lies beside the sealed originals, never in them; the audit log, a chain of hashes, has
its digest. A recording with faults is kept as any other and marked as one that has them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

import rfc8785
from sqlalchemy import select

from dispatch import audit
from dispatch.errors import Forbidden, NotFound, Refused, UserError
from dispatch.identity import sign_in
from dispatch.store.archive_tables import Explanation, Recording
from dispatch.store.tables import Participant, Sitting, User
from rooms.recording.seal import digested

if TYPE_CHECKING:
    from dispatch.store.database import Database

FILE = "explanation.json"
LEAST, MOST = 5, 4000
"""Letters of an explanation."""
NETWORK = frozenset({"packet_loss", "loss", "lost", "key_frame", "stale"})
"""Causes of a gap in one track that lie between a participant and the site: the ledger states them, nobody answers for them."""
_CLERK = "clerk"
SYSTEM = "system"
Fault = dict[str, Any]


def faults(manifest: Mapping[str, Any]) -> list[Fault]:
    """What has to be explained, in the order of the ledger: interruptions and alarms of the recorder, gaps that are not the network's
    doing, and, as rows of the kind "missing", files that were lost before sealing."""
    found = [dict(row) for row in manifest["ledger"] if _is_fault(row)]
    return found + [{"kind": "missing", "file": name} for name in manifest["missing"]]


def _is_fault(row: Mapping[str, Any]) -> bool:
    return row["kind"] in ("restart", "alarm") or (row["kind"] == "gap" and row.get("cause") not in NETWORK)


async def ask(db: Database, sitting_id: str, folder: Traversable, now: datetime) -> None:
    """A recording was sealed: if it has faults, whoever presided is asked. Idempotent; a folder that cannot be read asks nothing."""
    found = await asyncio.to_thread(_faults_in, folder)
    if not found:
        return
    async with db.writer() as session:
        recording = await session.get(Recording, sitting_id)
        if recording is None or await session.get(Explanation, sitting_id) is not None:
            return
        session.add(Explanation(sitting_id=sitting_id, faults=len(found), asked_at=now))
        detail = {"sitting": sitting_id, "faults": len(found)}
        await audit.write(session, SYSTEM, "explanation_asked", recording.sitting.case.number, "", detail=detail, now=now)


def _faults_in(folder: Traversable) -> list[Fault]:
    try:
        return faults(json.loads((folder / "manifest.json").read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return []


async def of(db: Database, sitting_ids: Sequence[str]) -> dict[str, Explanation]:
    """Those of these sittings that were asked for, signed or not."""
    async with db.reader() as session:
        rows = await session.scalars(select(Explanation).where(Explanation.sitting_id.in_(sitting_ids)))
        return {row.sitting_id: row for row in rows}


async def outstanding(db: Database, user: User) -> list[tuple[Explanation, Sitting]]:
    """Explanations that are not signed yet, the oldest first: clerks see all of them, others those that they are asked for."""
    wanted = select(Explanation, Sitting).join(Sitting, Sitting.id == Explanation.sitting_id)
    wanted = wanted.where(Explanation.signed_at.is_(None), Sitting.withheld_at.is_(None))
    if user.role != _CLERK:
        own = select(Participant.sitting_id).where(Participant.user_id == user.id, Participant.presides, Participant.removed_at.is_(None))
        wanted = wanted.where(Explanation.sitting_id.in_(own))
    async with db.reader() as session:
        rows = (await session.execute(wanted.order_by(Explanation.asked_at))).unique()
        return [(explanation, sitting) for explanation, sitting in rows]


def presides(user: User, sitting: Sitting) -> bool:
    """Whether it is `user` who has to explain: he presides."""
    return any(person.presides and person.user_id == user.id for person in sitting.participants)


async def sign(
    db: Database, user: User, recording: Recording, manifest: bytes, text: str, password: str, address: str, now: datetime
) -> Explanation:
    """Sign an explanation with the account's password; wrong ones count as at the sign-in.

    Raises NotFound("explanation_unasked"), Refused("explanation_signed"), Forbidden("explanation_not_yours"), and UserError
    explanation_short, explanation_long (field "text"), explanation_password (field "password") or sign_in_locked.
    """
    text = text.strip()
    if not presides(user, recording.sitting):
        raise Forbidden("explanation_not_yours")
    if len(text) < LEAST:
        raise UserError("explanation_short", "text", least=LEAST)
    if len(text) > MOST:
        raise UserError("explanation_long", "text", most=MOST)
    asked = (await of(db, [recording.sitting_id])).get(recording.sitting_id)
    if asked is None:
        raise NotFound("explanation_unasked")
    if asked.signed_at is not None:
        raise Refused("explanation_signed")
    await _prove(db, user, password, address, now)
    made = statement(recording.sitting_id, recording.manifest_sha256, faults(json.loads(manifest)), text, user, now)
    async with db.writer() as session:
        own = await session.get_one(Explanation, recording.sitting_id)
        if own.signed_at is not None:
            raise Refused("explanation_signed")
        own.signed_at, own.signed_by, own.statement = now, user.name, made.decode()
        detail = {"sitting": recording.sitting_id, "sha256": json.loads(made)["digest"], "faults": own.faults}
        await audit.write(session, user, "explanation_signed", recording.sitting.case.number, address, detail=detail, now=now)
        return own


async def _prove(db: Database, user: User, password: str, address: str, now: datetime) -> None:
    try:
        token, _session = await sign_in.sign_in(db, user.sign_in_name, password, address, now)
    except sign_in.SignInLocked:
        raise
    except Forbidden:
        raise UserError("explanation_password", "password") from None
    await sign_in.sign_out(db, token)


def statement(sitting_id: str, manifest_sha256: str, found: Sequence[Fault], text: str, user: User, now: datetime) -> bytes:
    """What is signed, in canonical JSON with its own digests."""
    return rfc8785.dumps(
        digested(
            {
                "format": 1,
                "sitting": sitting_id,
                "manifest_sha256": manifest_sha256,
                "faults": list(found),
                "text": text,
                "signed_by": {"name": user.name, "account": user.id, "role": user.role, "by": "password"},
                "signed_at": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            }
        )
    )


async def signed_statement(db: Database, sitting_id: str) -> bytes | None:
    """The statement of a sitting byte for byte, as a package takes it along; None while there is none."""
    found = (await of(db, [sitting_id])).get(sitting_id)
    return found.statement.encode() if found is not None and found.statement else None


def text_of(explanation: Explanation) -> str:
    """The words of a signed explanation."""
    return str(json.loads(explanation.statement)["text"]) if explanation.statement else ""
