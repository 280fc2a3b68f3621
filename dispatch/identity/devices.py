"""A room's own fixed device: the clerk makes a one-time code, someone types it at the device, which then has a token of
its own and lists the room's sittings. Codes and tokens are known here by their hash."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch import audit
from dispatch.errors import NotFound, UserError
from dispatch.identity.tokens import is_token, new_token, token_hash
from dispatch.store.tables import Room, RoomDevice, User, utc_now

if TYPE_CHECKING:
    from dispatch.store.database import Database

CODE_SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 10


def new_code() -> str:
    """A code of 10 signs in two groups, without signs that look alike: 49 random bits, good once and for an hour."""
    signs = "".join(secrets.choice(CODE_SIGNS) for _ in range(CODE_LENGTH))
    return f"{signs[:5]}-{signs[5:]}"


def normal_code(typed: str) -> str:
    """A code as typed by hand, in its one form."""
    return "".join(sign for sign in typed.upper() if sign in CODE_SIGNS)


async def create(db: Database, room_id: str, name: str, by: User | str = "system", now: datetime | None = None) -> tuple[str, RoomDevice]:
    """A new device of a room: its one-time code (shown once) and the device. Raises NotFound("room_unknown")."""
    now, code = now or utc_now(), new_code()
    async with db.writer() as session:
        room = await session.get(Room, room_id)
        if room is None:
            raise NotFound("room_unknown")
        device = RoomDevice(
            room_id=room.id,
            name=name.strip()[:80] or room.name,
            code_hash=token_hash(normal_code(code)),
            code_expires_at=now + db.site.device_code_life,
            created_at=now,
        )
        device.room = room
        session.add(device)
        await session.flush()
        await audit.write(session, by, "device_code_made", room.name, detail={"device": device.id, "room": room.id}, now=now)
    return code, device


async def enrol(db: Database, code: str, now: datetime | None = None) -> str:
    """The device's token, in exchange for the code, which is used up. Raises UserError("device_code_wrong", field "code")."""
    now = now or utc_now()
    async with db.writer() as session:
        device = await session.scalar(select(RoomDevice).where(RoomDevice.code_hash == token_hash(normal_code(code))))
        if device is None or device.revoked_at is not None or device.code_expires_at is None or device.code_expires_at <= now:
            good = False
            await audit.write(session, "?", "device_enrolled", "", result="refused", now=now)
        else:
            good, token = True, new_token()
            device.code_hash, device.code_expires_at = None, None
            device.token_hash, device.enrolled_at = token_hash(token), now
            await audit.write(session, device.name, "device_enrolled", device.room.name, detail={"device": device.id}, now=now)
    if not good:
        raise UserError("device_code_wrong", "code")
    return token


async def device(db: Database, token: str) -> RoomDevice | None:
    """The device of a token, `room` loaded; None when unknown or revoked."""
    if not is_token(token):
        return None
    async with db.reader() as session:
        found: RoomDevice | None = await session.scalar(
            select(RoomDevice).where(RoomDevice.token_hash == token_hash(token), RoomDevice.revoked_at.is_(None))
        )
    return found


async def revoke(db: Database, device_id: str, by: User | str = "system", now: datetime | None = None) -> RoomDevice:
    """The device's token and code are good no longer. Raises NotFound("device_unknown")."""
    now = now or utc_now()
    async with db.writer() as session:
        found = await session.get(RoomDevice, device_id)
        if found is None:
            raise NotFound("device_unknown")
        if found.revoked_at is None:
            found.revoked_at, found.code_hash, found.code_expires_at = now, None, None
            await audit.write(session, by, "device_revoked", found.room.name, detail={"device": found.id}, now=now)
    return found
