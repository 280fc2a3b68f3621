"""Personal links. A link is reusable until its sitting closes, expires, and can be revoked; opening it consumes nothing.

The token is known here by its hash, and sealed (:class:`dispatch.store.site.Sealer`) so that the clerk can show the same
link and QR code again.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from dispatch import audit
from dispatch.errors import NotFound, Refused, UserError
from dispatch.identity.tokens import is_token, new_token, token_hash
from dispatch.notices import outbox
from dispatch.store.tables import Booking, Invitation, Participant, Sitting, User, utc_now

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm.interfaces import ORMOption

    from dispatch.store.database import Database

ENDED = ("closed", "cancelled")
UNDER_WAY = ("live", "recess")


class LinkRefused(UserError):
    """The link does not open. Codes: link_unknown (404); link_revoked, link_expired, sitting_closed, sitting_cancelled (410).

    `sitting` and `participant` are there unless the link is unknown; `revoked_as` is the reason: "moved", "reissued",
    "removed", "cancelled", "clerk".
    """

    status = 410

    def __init__(self, code: str, invitation: Invitation | None = None) -> None:
        participant = invitation.participant if invitation else None
        super().__init__(code, title=participant.sitting.title if participant else "")
        self.participant = participant
        self.sitting = participant.sitting if participant else None
        self.revoked_as = invitation.revoke_reason if invitation else ""
        if invitation is None:
            self.status = 404


async def open_link(db: Database, token: str, now: datetime) -> Invitation:
    """The invitation of a link, with `participant` and its `sitting` loaded. Raises :class:`LinkRefused`."""
    if not is_token(token):
        raise LinkRefused("link_unknown")
    async with db.reader() as session:
        invitation: Invitation | None = await session.scalar(
            select(Invitation).where(Invitation.token_hash == token_hash(token)).options(*_whole())
        )
    if invitation is None:
        raise LinkRefused("link_unknown")
    check(invitation, now)
    return invitation


def check(invitation: Invitation, now: datetime) -> None:
    """Raises :class:`LinkRefused` unless the link is good at `now`. A sitting that is live lets its people back in whatever
    the clock says: it never ends by the clock."""
    sitting = invitation.participant.sitting
    if sitting.status in ENDED:
        raise LinkRefused(f"sitting_{sitting.status}", invitation)
    if invitation.revoked_at is not None:
        raise LinkRefused("link_revoked", invitation)
    if invitation.expires_at <= now and sitting.status not in UNDER_WAY:
        raise LinkRefused("link_expired", invitation)


async def issue(db: Database, participant_id: str, expires_at: datetime) -> str:
    """A new link for a participant; the token. Links issued before stay good: see :func:`reissue`."""
    async with db.writer() as session:
        participant = await _participant(session, participant_id)
        return give(session, db, participant, expires_at, utc_now())


async def reissue(db: Database, participant_id: str, by: User | str = "system", now: datetime | None = None) -> str:
    """Revoke the participant's links and give a new one; the token. Raises NotFound, or Refused: the sitting is over, or
    "link_not_needed" by staff and by who sits in the room."""
    now = now or utc_now()
    async with db.writer() as session:
        participant = await _participant(session, participant_id)
        _open_only(participant.sitting)
        if not needs_link(participant):
            raise Refused("link_not_needed", name=participant.name)
        withdraw(participant, "reissued", now)
        token = give(session, db, participant, expiry(db, participant.sitting), now)
        await outbox.settle(session, db, participant.sitting, now)
        await _note(session, by, "link_reissued", participant, now)
    return token


async def revoke(db: Database, participant_id: str, reason: str = "clerk", by: User | str = "system", now: datetime | None = None) -> None:
    """Revoke the participant's links. Raises NotFound."""
    now = now or utc_now()
    async with db.writer() as session:
        participant = await _participant(session, participant_id)
        if withdraw(participant, reason, now):
            await _note(session, by, "link_revoked", participant, now)


async def link_of(db: Database, participant_id: str) -> str | None:
    """The token of the participant's present link, None when there is none (staff, a seat in the room, revoked)."""
    async with db.reader() as session:
        invitation = await session.scalar(
            select(Invitation)
            .where(Invitation.participant_id == participant_id, Invitation.revoked_at.is_(None))
            .order_by(Invitation.created_at.desc())
            .limit(1)
        )
    return None if invitation is None else token_of(db, invitation)


def token_of(db: Database, invitation: Invitation) -> str | None:
    """The token of an invitation; None where the installation's key is not the one it was sealed with."""
    try:
        return db.site.sealer.open(invitation.token_sealed, invitation.participant_id)
    except InvalidTag:
        return None


def links(db: Database, sitting: Sitting) -> dict[str, str]:
    """Participant id → token, for each participant of a loaded sitting who has a link that is good."""
    found: dict[str, str] = {}
    for participant in sitting.participants:
        for invitation in participant.invitations:
            token = token_of(db, invitation) if invitation.revoked_at is None else None
            if token is not None:
                found[participant.id] = token
    return found


def expiry(db: Database, sitting: Sitting) -> datetime:
    """When the links of a sitting expire."""
    return sitting.ends_at + db.site.link_life


def needs_link(participant: Participant) -> bool:
    """Staff enter from their own page, people in the room through its device; everyone else by a link."""
    return participant.user_id is None and participant.seat == "link"


def give(session: AsyncSession, db: Database, participant: Participant, expires_at: datetime, now: datetime) -> str:
    """Inside a transaction: a new link for a participant that has its id; the token."""
    token, made = make(db, participant, expires_at, now)
    session.add(made)
    return token


def make(db: Database, participant: Participant, expires_at: datetime, now: datetime) -> tuple[str, Invitation]:
    """A link for a participant that has its id: the token, and the row that is still to be written."""
    token = new_token()
    return token, Invitation(
        participant_id=participant.id,
        token_hash=token_hash(token),
        token_sealed=db.site.sealer.seal(token, participant.id),
        expires_at=expires_at,
        created_at=now,
    )


def withdraw(participant: Participant, reason: str, now: datetime) -> int:
    """Inside a transaction: revoke the good links of a participant; how many."""
    good = [invitation for invitation in participant.invitations if invitation.revoked_at is None]
    for invitation in good:
        invitation.revoked_at, invitation.revoke_reason = now, reason
    return len(good)


def _whole() -> tuple[ORMOption, ...]:
    sitting = joinedload(Invitation.participant).joinedload(Participant.sitting)
    return (sitting.selectinload(Sitting.participants), sitting.selectinload(Sitting.bookings).selectinload(Booking.holds))


async def _participant(session: AsyncSession, participant_id: str) -> Participant:
    found: Participant | None = await session.scalar(
        select(Participant)
        .where(Participant.id == participant_id, Participant.removed_at.is_(None))
        .options(joinedload(Participant.sitting), selectinload(Participant.invitations))
    )
    if found is None:
        raise NotFound("participant_unknown")
    return found


def _open_only(sitting: Sitting) -> None:
    if sitting.status in ENDED:
        raise Refused(f"sitting_{sitting.status}", title=sitting.title)


async def _note(session: AsyncSession, by: User | str, action: str, participant: Participant, now: datetime) -> None:
    await audit.write(
        session,
        by,
        action,
        f"{participant.sitting.case.number} {participant.name}",
        detail={"sitting": participant.sitting_id, "participant": participant.id},
        now=now,
    )
