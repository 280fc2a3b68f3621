"""The people of a sitting: adding, changing and taking out, and what they did before it opened (consent, device check)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from dispatch import audit
from dispatch.booking import history, holds, orders
from dispatch.booking.conflicts import ENDED
from dispatch.booking.draft import MOST_PARTICIPANTS, draft_of, row_problems
from dispatch.booking.in_force import held_in
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.people import hold_also
from dispatch.booking.roles import quorum_problems
from dispatch.booking.seating import keep_apart
from dispatch.errors import NotFound, Refused
from dispatch.identity import invitations
from dispatch.notices import outbox
from dispatch.notices.addresses import normal_email
from dispatch.sittings import guarding
from dispatch.store.tables import AgreedWords, Participant, Sitting, User, new_id
from dispatch.typed import tidy
from rooms.consents import digest_of

NEW = "new"
"""The word by which the form means whoever is added."""

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database


async def add(
    db: Database, sitting_id: str, row: ParticipantDraft, by: User, now: datetime, *, override_reason: str = "",
    order: orders.Order | None = None,
) -> Participant:  # fmt: skip
    """Add a participant, with a link where one is needed; possible while the sitting is live. `override_reason`: why a minor is to take
    part without his guardian. An `order` that was carried out before gives whom it added, as he is now.

    Raises NotFound, UserError("key_reused"), Refused, ValidationFailed (fields name, role, phone, seat, minor, guards, override_reason)
    or Conflict (staff taken elsewhere).
    """
    async with db.writer() as session:
        if made := await orders.made_before(session, order, now):
            return await session.get_one(Participant, made)
        sitting = await _sitting(session, sitting_id)
        versions = await held_in(session)
        found = row_problems(row, "", sitting.kind, versions)
        if len(sitting.participants) >= MOST_PARTICIPANTS:
            found.append(("participants", "participants_many", {"most": MOST_PARTICIPANTS}))
        found += quorum_problems(sitting.kind, [*(p.role for p in sitting.participants), row.role], versions, field="role", least=False)
        user = await session.get(User, row.user_id) if row.user_id else None
        if row.user_id and (user is None or not user.active):
            found.append(("name", "user_unknown", {}))
        if row.user_id and any(p.user_id == row.user_id for p in sitting.participants):
            found.append(("name", "person_twice", {}))
        draft = draft_of(sitting)
        row = replace(row, id="", key=NEW)
        latter = replace(draft, participants=(*draft.participants, row))
        rule = guarding.check(sitting, draft, latter, NEW, override_reason, found, versions)
        if user is not None:
            await hold_also(session, db.site, sitting, user.id, now)
        position = max((p.position for p in sitting.participants), default=-1) + 1
        before = await history.people_facts(session, sitting.id)
        participant = Participant(id=new_id(), sitting_id=sitting.id, user_id=user.id if user else None, position=position, invitations=[])
        _write(participant, row, user, guarding.guarded(sitting, row))
        session.add(participant)
        await session.flush()
        if invitations.needs_link(participant):
            invitations.give(session, db, participant, invitations.expiry(db, sitting), now)
        await outbox.settle(session, db, sitting, now)
        changed = history.differences(before, await history.people_facts(session, sitting.id), history.PROTECTED)
        await orders.keep_made(session, order, participant.id, now)
        await _note(session, by, "participant_added", sitting, participant, now, **rule, **changed)
    return participant


async def update(
    db: Database,
    participant_id: str,
    change: ParticipantDraft | Callable[[Participant], ParticipantDraft],
    by: User,
    now: datetime,
    *,
    override_reason: str = "",
) -> Participant:
    """Change name, role, telephone or seat and, before the sitting is open, whether he is a minor and whom he guards. A link stays good
    unless the seat changes. `change` is the row, or makes it inside the transaction from the participant as he is. Raises as
    :func:`add`."""
    async with db.writer() as session:
        participant = await _participant(session, participant_id)
        row = change(participant) if callable(change) else change
        sitting = await _sitting(session, participant.sitting_id)
        if participant.presides and row.role != participant.role:
            raise Refused("chair_needed", "role")
        # Roles of the staff are none that a row may be given, but one that he has is no fault.
        versions = await held_in(session)
        found = [each for each in row_problems(row, "", sitting.kind, versions) if each[0] != "role" or row.role != participant.role]
        if row.role != participant.role:
            of_sitting = select(Participant.role).where(Participant.sitting_id == sitting.id, Participant.removed_at.is_(None))
            others = await session.scalars(of_sitting.where(Participant.id != participant.id))
            found += quorum_problems(sitting.kind, [*others, row.role], versions, field="role", least=False)
        draft = draft_of(sitting)
        row = replace(row, id=participant.id)
        latter = replace(draft, participants=tuple(row if each.id == row.id else each for each in draft.participants))
        rule = guarding.check(sitting, draft, latter, row.id, override_reason, found, versions)
        user = await session.get(User, participant.user_id) if participant.user_id else None
        addresses, before = {participant.id: participant.email}, await history.people_facts(session, sitting.id)
        _write(participant, row, user, guarding.guarded(sitting, row))
        await session.flush()
        if not invitations.needs_link(participant):
            invitations.withdraw(participant, "reissued", now)
        elif all(each.revoked_at is not None for each in participant.invitations):
            invitations.give(session, db, participant, invitations.expiry(db, sitting), now)
        await outbox.note_addresses(session, by, sitting, addresses, now)
        await outbox.settle(session, db, sitting, now)
        changed = history.differences(before, await history.people_facts(session, sitting.id), ("people", *history.PROTECTED))
        await _note(session, by, "participant_changed", sitting, participant, now, **rule, **changed)
    return participant


async def remove(db: Database, participant_id: str, by: User, now: datetime, *, override_reason: str = "") -> Participant:
    """Take a participant out of the sitting; the link says so from now on. Whoever guarded him guards nobody, and nobody is kept from him
    any more. Raises NotFound, Refused("chair_needed"), or ValidationFailed where a minor loses his guardian and no `override_reason` says
    why."""
    async with db.writer() as session:
        participant = await _participant(session, participant_id)
        sitting = await _sitting(session, participant.sitting_id)
        if participant.presides:
            raise Refused("chair_needed")
        draft, before = draft_of(sitting), await history.people_facts(session, sitting.id)
        staying = tuple(replace(row, guards="") if row.guards == participant.id else row for row in draft.participants)
        staying = tuple(row for row in staying if row.id != participant.id)
        latter, versions = replace(draft, participants=staying, apart=()), await held_in(session)
        rule = guarding.check(sitting, draft, latter, "", override_reason, [], versions)
        for each in sitting.participants:
            if each.guards_id == participant.id:
                each.guards_id = ""
        await keep_apart(session, sitting, {pair for pair in guarding.pairs(sitting) if participant.id not in pair})
        participant.removed_at = now
        if participant.user_id is not None:
            await holds.drop(session, sitting.booking, participant.user_id)
        invitations.withdraw(participant, "removed", now)
        await outbox.settle(session, db, sitting, now)
        await session.flush()
        changed = history.differences(before, await history.people_facts(session, sitting.id), history.PROTECTED)
        await _note(session, by, "participant_removed", sitting, participant, now, **rule, **changed)
    return participant


async def get(db: Database, participant_id: str) -> Participant:
    """A participant with its sitting loaded. Raises NotFound("participant_unknown")."""
    async with db.reader() as session:
        return await _participant(session, participant_id)


async def record_consent(
    db: Database, participant_id: str, *, version: str, text: str, device: str, address: str | None = None, now: datetime
) -> Participant:
    """Keep a consent: to which words, of which version, when, at which device. The first one counts. Raises NotFound, Refused."""
    text_sha256 = digest_of(text)
    async with db.writer() as session:
        participant = await _participant(session, participant_id)
        sitting = await _sitting(session, participant.sitting_id)
        if participant.consented_at is None:
            participant.consented_at, participant.consent_version = now, version[:20]
            participant.consent_sha256, participant.consent_device = text_sha256, device[:200]
            if await session.get(AgreedWords, text_sha256) is None:
                session.add(AgreedWords(sha256=text_sha256, text=text))
            await audit.write(
                session, participant.name, "consented", f"{sitting.case.number} {sitting.title}", address,
                detail={"participant": participant.id, "version": version, "text_sha256": text_sha256}, now=now,
            )  # fmt: skip
    return participant


async def agreed_words(db: Database, participant: Participant) -> str:
    """The words to which he consented; "" where only their digest was kept, as it was once, or where he has not."""
    async with db.reader() as session:
        found = await session.get(AgreedWords, participant.consent_sha256)
    return found.text if found is not None else ""


async def record_device_check(db: Database, participant_id: str, result: dict[str, Any], now: datetime) -> Participant:
    """Keep the newest device check. Raises NotFound, Refused."""
    async with db.writer() as session:
        participant = await _participant(session, participant_id)
        await _sitting(session, participant.sitting_id)
        participant.device_check, participant.device_checked_at = result, now
    return participant


def _write(participant: Participant, row: ParticipantDraft, user: User | None, guards_id: str) -> None:
    participant.minor, participant.guards_id = row.minor, guards_id
    participant.name = tidy(row.name) or (user.name if user else "")
    participant.role = row.role
    participant.phone = row.phone.strip() or (user.phone if user else "")
    participant.email = "" if user or not row.email.strip() else normal_email(row.email)
    participant.seat = "link" if user else row.seat


async def _sitting(session: AsyncSession, sitting_id: str) -> Sitting:
    # Anew: one that came with a participant has not the others with it.
    sitting = await session.get(Sitting, sitting_id, populate_existing=True)
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


async def _note(
    session: AsyncSession, by: User, action: str, sitting: Sitting, participant: Participant, now: datetime, **detail: Any
) -> None:
    await audit.write(
        session,
        by,
        action,
        f"{sitting.case.number} {participant.name}",
        detail={"sitting": sitting.id, "participant": participant.id, "role": participant.role, **detail},
        now=now,
    )
