"""Screens of the room: each has a number and a sign-in of its own, by a code that works once, so that it comes back after a power cut
without anybody. It may show what an officer put on it and nothing else; its sign-in can be taken away. Codes and tokens are known here by
their hash."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch import audit
from dispatch.console.wall.arrangement import EMPTY
from dispatch.errors import NotFound, UserError
from dispatch.identity.devices import new_code, normal_code
from dispatch.identity.tokens import is_token, new_token, token_hash
from dispatch.store.tables import User
from dispatch.store.wall_tables import Wall
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

LONGEST_NAME = 40
MOST = 32


async def list_screens(db: Database) -> list[Wall]:
    """All screens by number."""
    async with db.reader() as session:
        return list(await session.scalars(select(Wall).where(Wall.number.is_not(None)).order_by(Wall.number)))


async def add(db: Database, name: str, by: User, now: datetime) -> tuple[str, Wall]:
    """A new screen with the lowest number that is free: the code by which its computer signs in (shown once) and the screen. Raises
    UserError("screen_name", "screens_too_many")."""
    name = tidy(name)
    if not 0 < len(name) <= LONGEST_NAME:
        raise UserError("screen_name", "name", most=LONGEST_NAME)
    async with db.writer() as session:
        taken = set(await session.scalars(select(Wall.number).where(Wall.number.is_not(None))))
        number = next(n for n in range(1, MOST + 2) if n not in taken)
        if number > MOST:
            raise UserError("screens_too_many", "name", most=MOST)
        screen = Wall(number=number, name=name, arrangement=EMPTY.to_json(), created_at=now)
        session.add(screen)
        code = _give_code(db, screen, now)
        await session.flush()
        await audit.write(session, by, "wall_screen_added", name, detail={"screen": number}, now=now)
    return code, screen


async def renew(db: Database, number: int, by: User, now: datetime) -> tuple[str, Wall]:
    """Another code for a screen: the computer that has signed in for it is signed out. Raises NotFound("screen_unknown")."""
    async with db.writer() as session:
        screen = await _get(session, number)
        code = _give_code(db, screen, now)
        await audit.write(session, by, "wall_screen_code_made", screen.name, detail={"screen": number}, now=now)
    return code, screen


async def revoke(db: Database, number: int, by: User, now: datetime) -> Wall:
    """The screen's sign-in and its code are good no longer. Raises NotFound("screen_unknown")."""
    async with db.writer() as session:
        screen = await _get(session, number)
        if screen.token_hash or screen.code_hash:
            screen.token_hash = screen.code_hash = screen.code_expires_at = screen.enrolled_at = None
            await audit.write(session, by, "wall_screen_revoked", screen.name, detail={"screen": number}, now=now)
    return screen


async def remove(db: Database, number: int, by: User, now: datetime) -> None:
    """Delete a screen and what it showed. Raises NotFound("screen_unknown")."""
    async with db.writer() as session:
        screen = await _get(session, number)
        await session.delete(screen)
        await audit.write(session, by, "wall_screen_removed", screen.name, detail={"screen": number}, now=now)


async def enrol(db: Database, code: str, now: datetime) -> tuple[str, Wall]:
    """The screen's token, in exchange for the code, which is used up. Raises UserError("screen_code_wrong", field "code")."""
    async with db.writer() as session:
        screen = await session.scalar(select(Wall).where(Wall.code_hash == token_hash(normal_code(code))))
        if screen is None or screen.code_expires_at is None or screen.code_expires_at <= now:
            await audit.write(session, "?", "wall_screen_enrolled", "", result="refused", now=now)
            screen = None
        else:
            token = new_token()
            screen.code_hash = screen.code_expires_at = None
            screen.token_hash, screen.enrolled_at = token_hash(token), now
            await audit.write(session, screen.name, "wall_screen_enrolled", screen.name, detail={"screen": screen.number}, now=now)
    if screen is None:
        raise UserError("screen_code_wrong", "code")
    return token, screen


async def screen(db: Database, token: str) -> Wall | None:
    """The screen of a token; None when it is unknown or was taken away."""
    if not is_token(token):
        return None
    async with db.reader() as session:
        found: Wall | None = await session.scalar(select(Wall).where(Wall.token_hash == token_hash(token), Wall.number.is_not(None)))
    return found


def _give_code(db: Database, screen: Wall, now: datetime) -> str:
    code = new_code()
    screen.code_hash, screen.code_expires_at = token_hash(normal_code(code)), now + db.site.device_code_life
    screen.token_hash = screen.enrolled_at = None
    return code


async def _get(session: AsyncSession, number: int) -> Wall:
    found = await session.scalar(select(Wall).where(Wall.number == number))
    if found is None:
        raise NotFound("screen_unknown")
    return found
