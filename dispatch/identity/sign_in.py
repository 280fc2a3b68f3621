"""Sign-in of the staff: lock-out, sessions that can be revoked, and an audit row for each outcome.

An attempt is counted before its password is looked at: a hundred guesses sent at once are not a hundred guesses looked
at. A name that nobody has is counted, locked and timed like any other, so that a refusal does not tell which names exist.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from dispatch import audit
from dispatch.errors import Forbidden, UserError
from dispatch.identity import passwords
from dispatch.identity.tokens import is_token, new_token, token_hash
from dispatch.store.database import CannotWrite
from dispatch.store.tables import Session, UnknownName, User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

SEEN_EVERY = timedelta(minutes=1)
"""How exactly `Session.seen_at` is kept: a write per request would be one too many."""


class SignInLocked(Forbidden):
    """The name is locked after too many failures. `until` is UTC."""

    def __init__(self, until: datetime, now: datetime) -> None:
        super().__init__("sign_in_locked", minutes=max(1, -int((now - until).total_seconds() // 60)))
        self.until = until


def folded(name: str) -> str:
    """A sign-in name as it is compared: spaces around and case do not matter. Halves of characters, which no file takes, become "?"."""
    return name.strip().casefold().encode("utf-8", "replace").decode()


async def sign_in(db: Database, name: str, password: str, address: str, now: datetime) -> tuple[str, Session]:
    """The token for the cookie and the new session.

    Raises Forbidden("sign_in_refused") whatever was wrong, and :class:`SignInLocked` when the name is, or with this failure
    becomes, locked.
    """
    async with db.writer() as session:
        account, password_hash = await _count_attempt(session, db, name, address, now)
    # A lock is committed with its audit row before it is told.
    if account is None:
        raise SignInLocked(await _locked_until(db, name), now)
    correct = await passwords.matches(password_hash, password)
    async with db.writer() as session:
        user = await _find(session, name) if correct else None
        # Meanwhile he may have been deactivated, or given another password.
        if user is not None and user.password_hash == password_hash:
            return await _open(session, db, user, address, now)
        await _refuse(session, db, account, name, address, now)
    raise SignInLocked(account.locked_until, now) if account.locked_until is not None else Forbidden("sign_in_refused")


async def _find(session: AsyncSession, name: str) -> User | None:
    found: User | None = await session.scalar(select(User).where(User.sign_in_name == folded(name), User.active))
    return found


async def _account(session: AsyncSession, name: str, now: datetime) -> User | UnknownName:
    """Where failures of this name are counted."""
    user = await _find(session, name)
    if user is not None:
        return user
    name_hash = hashlib.sha256(folded(name).encode()).hexdigest()
    unknown = await session.get(UnknownName, name_hash)
    if unknown is None:
        unknown = UnknownName(name_hash=name_hash, failures=0, failed_at=now)
        session.add(unknown)
    return unknown


async def _count_attempt(
    session: AsyncSession, db: Database, name: str, address: str, now: datetime
) -> tuple[User | UnknownName | None, str]:
    """Count the attempt; (None, "") when the name is locked. Failures older than a lock lasts are forgotten, of every name alike:
    whoever waits so long between his guesses has no more of them than the lock would leave him."""
    forgotten = now - db.site.lockout
    await session.execute(delete(UnknownName).where(UnknownName.failed_at < forgotten))
    account = await _account(session, name, now)
    former, account.failed_at = account.failed_at, now
    if account.locked_until is not None and account.locked_until > now:
        await audit.write(session, _actor(account), "sign_in", _subject(name), address, "locked", now=now)
        return None, ""
    if account.locked_until is not None or (former is not None and former < forgotten):
        account.failures, account.locked_until = 0, None
    account.failures += 1
    if account.failures >= db.site.lockout_failures:
        account.locked_until = now + db.site.lockout
    return account, account.password_hash if isinstance(account, User) else ""


async def _locked_until(db: Database, name: str) -> datetime:
    async with db.reader() as session:
        user = await _find(session, name)
        if user is None:
            name_hash = hashlib.sha256(folded(name).encode()).hexdigest()
            until = await session.scalar(select(UnknownName.locked_until).where(UnknownName.name_hash == name_hash))
        else:
            until = user.locked_until
    # Without a lock (another tab just signed in) there is nothing to wait for.
    return until or datetime.now(db.site.zone)


async def _open(session: AsyncSession, db: Database, user: User, address: str, now: datetime) -> tuple[str, Session]:
    user.failures, user.locked_until = 0, None
    token = new_token()
    opened = Session(
        token_hash=token_hash(token),
        user_id=user.id,
        csrf=new_token(),
        created_at=now,
        seen_at=now,
        expires_at=now + db.site.session_life,
        address=address[:64],
    )
    opened.user = user
    session.add(opened)
    await session.execute(delete(Session).where(Session.expires_at <= now))
    await audit.write(session, user, "sign_in", _subject(user.sign_in_name), address, now=now)
    return token, opened


async def _refuse(session: AsyncSession, db: Database, account: User | UnknownName, name: str, address: str, now: datetime) -> None:
    """Note the failure, and the lock where this very attempt, as it was counted in `account`, brought it."""
    await audit.write(session, _actor(account), "sign_in", _subject(name), address, "refused", now=now)
    if account.locked_until is not None:
        detail = {"failures": account.failures, "minutes": int(db.site.lockout.total_seconds() // 60)}
        await audit.write(session, _actor(account), "sign_in_locked", _subject(name), address, detail=detail, now=now)


def _actor(account: User | UnknownName) -> User | str:
    return account if isinstance(account, User) else "?"


def _subject(name: str) -> str:
    return folded(name)[:80]


async def session(db: Database, token: str, now: datetime) -> Session | None:
    """The live session of a cookie's token, `user` loaded; None when unknown, expired, revoked, or its user is deactivated."""
    if not is_token(token):
        return None
    async with db.reader() as reading:
        found: Session | None = await reading.get(Session, token_hash(token))
    if found is None or found.expires_at <= now or not found.user.active:
        return None
    if now - found.seen_at >= SEEN_EVERY:
        with suppress(CannotWrite):  # a full disk must not sign out those who could mend it
            async with db.writer() as writing:
                again = await writing.get(Session, found.token_hash)
                if again is None:
                    return None
                again.seen_at = found.seen_at = now
    return found


async def sign_out(db: Database, token: str) -> None:
    """End the session of this token; nothing happens when there is none."""
    async with db.writer() as session:
        found = await session.get(Session, token_hash(token))
        if found is None:
            return
        await audit.write(session, found.user, "sign_out", found.user.sign_in_name)
        await session.delete(found)


async def revoke_sessions(db: Database, user_id: str, by: User | str = "system") -> int:
    """End every session of a user; how many there were."""
    async with db.writer() as session:
        user = await session.get(User, user_id)
        ended = list(await session.scalars(select(Session).where(Session.user_id == user_id)))
        for each in ended:
            await session.delete(each)
        if user is not None:
            await audit.write(session, by, "sessions_revoked", user.sign_in_name, detail={"user": user_id, "sessions": len(ended)})
    return len(ended)


async def confirm(db: Database, user: User, password: str, address: str, now: datetime) -> None:
    """Ask a person who is signed in for his password once more, before an act that cannot be undone. Counted, locked and audited as a
    sign-in is. Raises UserError("password_wrong") at "password", :class:`SignInLocked`."""
    async with db.writer() as session:
        account, password_hash = await _count_attempt(session, db, user.sign_in_name, address, now)
    if account is None:
        raise SignInLocked(await _locked_until(db, user.sign_in_name), now)
    correct = await passwords.matches(password_hash, password)
    async with db.writer() as session:
        found = await _find(session, user.sign_in_name)
        if correct and found is not None and found.id == user.id and found.password_hash == password_hash:
            found.failures, found.locked_until = 0, None
            return
        await _refuse(session, db, account, user.sign_in_name, address, now)
    if account.locked_until is not None:
        raise SignInLocked(account.locked_until, now)
    raise UserError("password_wrong", "password")
