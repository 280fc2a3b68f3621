"""Browsers that entered a sitting. The resume secret (HttpOnly cookie) brings the same browser back to its endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch.identity.tokens import is_token, new_token, token_hash
from dispatch.store.tables import Booking, Browser, Hold, Invitation, Participant, Room, RoomDevice, Sitting, User, new_id

if TYPE_CHECKING:
    from dispatch.store.database import Database


async def enter(
    db: Database,
    *,
    sitting_id: str,
    invitation_id: str | None = None,
    user_id: str | None = None,
    room_device_id: str | None = None,
    secret: str | None = None,
    device: str = "",
    language: str = "zh-CN",
) -> tuple[str, Browser]:
    """The resume secret and the browser behind it.

    A `secret` of this sitting and the same person or device comes back as it is, to the same endpoint; a reissued link of
    the same participant counts as the same. Anything else gets a secret and an endpoint of its own.
    """
    async with db.writer() as session:
        known = await session.get(Browser, token_hash(secret)) if secret and is_token(secret) else None
        if known is not None and known.sitting_id == sitting_id and (known.user_id, known.room_device_id) == (user_id, room_device_id):
            former = await session.get(Invitation, known.invitation_id) if known.invitation_id else None
            wanted = await session.get(Invitation, invitation_id) if invitation_id else None
            if (former.participant_id if former else None) == (wanted.participant_id if wanted else None):
                known.invitation_id, known.language, known.device = invitation_id, language, device[:200]
                return str(secret), known
        secret = new_token()
        browser = Browser(
            secret_hash=token_hash(secret),
            endpoint=new_id(),
            sitting_id=sitting_id,
            invitation_id=invitation_id,
            user_id=user_id,
            room_device_id=room_device_id,
            device=device[:200],
            language=language,
        )
        session.add(browser)
        return secret, browser


async def enter_room(db: Database, sitting_id: str, device: RoomDevice, language: str = "zh-CN") -> Browser:
    """The room's own device in a sitting of its room. Its token says who it is, so it has one endpoint in each sitting and needs no
    resume secret."""
    async with db.writer() as session:
        known: Browser | None = await session.scalar(
            select(Browser)
            .where(Browser.sitting_id == sitting_id, Browser.room_device_id == device.id)
            .order_by(Browser.created_at)
            .limit(1)
        )
        if known is not None:
            return known
        made = Browser(
            secret_hash=token_hash(new_token()),
            endpoint=new_id(),
            sitting_id=sitting_id,
            room_device_id=device.id,
            device=device.name,
            language=language,
        )
        session.add(made)
        return made


async def browser(db: Database, secret: str) -> Browser | None:
    """The browser of a resume secret; None when unknown, or when the link, the user or the device behind it is no longer good."""
    if not is_token(secret):
        return None
    async with db.reader() as session:
        found: Browser | None = await session.get(Browser, token_hash(secret))
        if found is None:
            return None
        if found.invitation_id is not None:
            invitation = await session.get(Invitation, found.invitation_id)
            return found if invitation is not None and invitation.revoked_at is None else None
        if found.user_id is not None:
            user = await session.get(User, found.user_id)
            return found if user is not None and user.active else None
        device = await session.get(RoomDevice, found.room_device_id)
        return found if device is not None and device.revoked_at is None else None


async def refused_endpoints(db: Database, sitting_id: str) -> dict[str, str]:
    """Endpoint → reason, for each browser of a sitting whose link or room device is no longer good, or whose room was left by moving."""
    async with db.reader() as session:
        links = await session.execute(
            select(Browser.endpoint, Invitation.revoke_reason)
            .join(Invitation, Invitation.id == Browser.invitation_id)
            .where(Browser.sitting_id == sitting_id, Invitation.revoked_at.is_not(None))
        )
        found = {row.endpoint: row.revoke_reason for row in links}
        booked = set(
            await session.scalars(
                select(Room.id)
                .join(Hold, Hold.resource_id == Room.id)
                .join(Hold.booking)
                .where(Booking.sitting_id == sitting_id, Booking.state != "cancelled")
            )
        )
        devices = await session.execute(
            select(Browser.endpoint, RoomDevice.room_id, RoomDevice.revoked_at)
            .join(RoomDevice, RoomDevice.id == Browser.room_device_id)
            .where(Browser.sitting_id == sitting_id)
        )
        for row in devices:
            if row.revoked_at is not None:
                found[row.endpoint] = "device_revoked"
            elif booked and row.room_id not in booked:
                found[row.endpoint] = "moved"
        return found


async def participants_of(db: Database, browser: Browser) -> tuple[Participant, ...]:
    """Whom the browser carries into its sitting, in their order: the link's participant; the signed-in user's own places. Empty:
    nobody (an observer, a judge of another case). Who sits at a room's device is in the sitting's log."""
    async with db.reader() as session:
        sitting = await session.get(Sitting, browser.sitting_id)
        if sitting is None:
            return ()
        if browser.invitation_id is not None:
            owner = await session.scalar(select(Invitation.participant_id).where(Invitation.id == browser.invitation_id))
            return tuple(p for p in sitting.participants if p.id == owner)
        return tuple(p for p in sitting.participants if p.user_id is not None and p.user_id == browser.user_id)
