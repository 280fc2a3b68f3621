"""The people of a sitting: adding, changing and taking out, and what they did before it opened (consent, device check)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from dispatch import audit
from dispatch.booking import holds
from dispatch.booking.conflicts import ENDED
from dispatch.booking.draft import MOST_PARTICIPANTS, ParticipantDraft, row_problems, tidy
from dispatch.booking.people import hold_also
from dispatch.booking.roles import quorum_problems
from dispatch.errors import NotFound, Refused, ValidationFailed
from dispatch.identity import invitations
from dispatch.notices import outbox
from dispatch.notices.addresses import normal_email
from dispatch.store.tables import Participant, Sitting, User, new_id

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database


async def add(db: Database, sitting_id: str, row: ParticipantDraft, by: User, now: datetime) -> Participant:
    """Add a participant, with a link where one is needed; possible while the sitting is live.

    Raises NotFound, Refused, ValidationFailed (fields name, role, phone, seat) or Conflict (staff taken elsewhere).
    """
    async with db.writer() as session:
        sitting = await _sitting(session, sitting_id)
        found = row_problems(row, "", sitting.kind)
        if len(sitting.participants) >= MOST_PARTICIPANTS:
            found.append(("participants", "participants_many", {"most": MOST_PARTICIPANTS}))
        found += quorum_problems(sitting.kind, [*(p.role for p in sitting.participants), row.role], field="role", least=False)
        user = await session.get(User, row.user_id) if row.user_id else None
        if row.user_id and (user is None or not user.active):
            found.append(("name", "user_unknown", {}))
        if row.user_id and any(p.user_id == row.user_id for p in sitting.participants):
            found.append(("name", "person_twice", {}))
        if found:
            raise ValidationFailed(found)
        if user is not None:
            await hold_also(session, db.site, sitting, user.id, now)
        position = max((p.position for p in sitting.participants), default=-1) + 1
        participant = Participant(id=new_id(), sitting_id=sitting.id, user_id=user.id if user else None, position=position, invitations=[])
        _write(participant, row, user)
        session.add(participant)
        await session.flush()
        if invitations.needs_link(participant):
            invitations.give(session, db, participant, invitations.expiry(db, sitting), now)
        await outbox.settle(session, db, sitting, now)
        await _note(session, by, "participant_added", sitting, participant, now)
    return participant


async def update(
    db: Database, participant_id: str, change: ParticipantDraft | Callable[[Participant], ParticipantDraft], by: User, now: datetime
) -> Participant:
    """Change name, role, telephone or seat. A link stays good unless the seat changes. `change` is the row, or makes it inside
    the transaction from the participant as he is. Raises as :func:`add`."""
    async with db.writer() as session:
        participant = await _participant(session, participant_id)
        row = change(participant) if callable(change) else change
        sitting = await _sitting(session, participant.sitting_id)
        if participant.presides and row.role != participant.role:
            raise Refused("chair_needed", "role")
        # Roles of the staff are none that a row may be given, but one that he has is no fault.
        found = [each for each in row_problems(row, "", sitting.kind) if each[0] != "role" or row.role != participant.role]
        if row.role != participant.role:
            of_sitting = select(Participant.role).where(Participant.sitting_id == sitting.id, Participant.removed_at.is_(None))
            others = await session.scalars(of_sitting.where(Participant.id != participant.id))
            found += quorum_problems(sitting.kind, [*others, row.role], field="role", least=False)
        if found:
            raise ValidationFailed(found)
        user = await session.get(User, participant.user_id) if participant.user_id else None
        addresses = {participant.id: participant.email}
        _write(participant, row, user)
        await session.flush()
        if not invitations.needs_link(participant):
            invitations.withdraw(participant, "reissued", now)
        elif all(each.revoked_at is not None for each in participant.invitations):
            invitations.give(session, db, participant, invitations.expiry(db, sitting), now)
        await outbox.note_addresses(session, by, sitting, addresses, now)
        await outbox.settle(session, db, sitting, now)
        await _note(session, by, "participant_changed", sitting, participant, now)
    return participant


async def remove(db: Database, participant_id: str, by: User, now: datetime) -> Participant:
    """Take a participant out of the sitting; the link says so from now on. Raises NotFound or Refused("chair_needed")."""
    async with db.writer() as session:
        participant = await _participant(session, participant_id)
        sitting = await _sitting(session, participant.sitting_id)
        if participant.presides:
            raise Refused("chair_needed")
        participant.removed_at = now
        if participant.user_id is not None:
            await holds.drop(session, sitting.booking, participant.user_id)
        invitations.withdraw(participant, "removed", now)
        await outbox.settle(session, db, sitting, now)
        await _note(session, by, "participant_removed", sitting, participant, now)
    return participant


async def get(db: Database, participant_id: str) -> Participant:
    """A participant with its sitting loaded. Raises NotFound("participant_unknown")."""
    async with db.reader() as session:
        return await _participant(session, participant_id)


async def record_consent(
    db: Database, participant_id: str, *, version: str, text_sha256: str, device: str, address: str | None = None, now: datetime
) -> Participant:
    """Keep a consent: which words (version and SHA-256), when, at which device. The first one counts. Raises NotFound, Refused."""
    async with db.writer() as session:
        participant = await _participant(session, participant_id)
        sitting = await _sitting(session, participant.sitting_id)
        if participant.consented_at is None:
            participant.consented_at, participant.consent_version = now, version[:20]
            participant.consent_sha256, participant.consent_device = text_sha256, device[:200]
            await audit.write(
                session, participant.name, "consented", f"{sitting.case.number} {sitting.title}", address,
                detail={"participant": participant.id, "version": version, "text_sha256": text_sha256}, now=now,
            )  # fmt: skip
    return participant


async def record_device_check(db: Database, participant_id: str, result: dict[str, Any], now: datetime) -> Participant:
    """Keep the newest device check. Raises NotFound, Refused."""
    async with db.writer() as session:
        participant = await _participant(session, participant_id)
        await _sitting(session, participant.sitting_id)
        participant.device_check, participant.device_checked_at = result, now
    return participant


def _write(participant: Participant, row: ParticipantDraft, user: User | None) -> None:
    participant.name = tidy(row.name) or (user.name if user else "")
    participant.role = row.role
    participant.phone = row.phone.strip() or (user.phone if user else "")
    participant.email = "" if user or not row.email.strip() else normal_email(row.email)
    participant.seat = "link" if user else row.seat


async def _sitting(session: AsyncSession, sitting_id: str) -> Sitting:
    sitting = await session.get(Sitting, sitting_id)
    if sitting is None:
        raise NotFound("sitting_unknown")
    if sitting.status in ENDED:
        raise Refused(f"sitting_{sitting.status}", title=sitting.title)
    return sitting


async def _participant(session: AsyncSession, participant_id: str) -> Participant:
    found: Participant | None = await session.scalar(
        select(Participant)
        .where(Participant.id == participant_id, Participant.removed_at.is_(None))
        .options(joinedload(Participant.sitting))
    )
    if found is None:
        raise NotFound("participant_unknown")
    return found


async def _note(session: AsyncSession, by: User, action: str, sitting: Sitting, participant: Participant, now: datetime) -> None:
    await audit.write(
        session,
        by,
        action,
        f"{sitting.case.number} {participant.name}",
        detail={"sitting": sitting.id, "participant": participant.id, "role": participant.role},
        now=now,
    )
