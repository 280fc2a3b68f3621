"""Programs that use the API, each by a bearer token of its own: random, known here by its hash, expiring, revocable, in one role.

A program acts under its own name: the audit log tells it from the people. It has no account, cannot sign in, and takes
part in no sitting; hence the roles that a program can have are those which need no person on the bench.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch import audit
from dispatch.errors import FieldError, NotFound, ValidationFailed
from dispatch.identity.tokens import is_token, new_token, token_hash
from dispatch.store.database import CannotWrite
from dispatch.store.tables import ApiToken, User
from dispatch.typed import tidy

if TYPE_CHECKING:
    from dispatch.store.database import Database

ROLES = ("clerk", "officer", "administrator")
PREFIX = "dispatch_"
"""Every token begins with it, so that one that got into a file or a log can be found there."""
LONGEST_NAME = 80
LONGEST_DAYS = 366
USED_EVERY = timedelta(minutes=1)
"""How exactly `ApiToken.used_at` is kept: a write per request would be one too many."""


async def issue(db: Database, *, name: str, role: str, days: int, by: User, now: datetime) -> tuple[str, ApiToken]:
    """A new token (shown once, never known again) and what is kept of it. Raises ValidationFailed (name, role, days)."""
    found: list[FieldError] = []
    if not tidy(name):
        found.append(("name", "required", {}))
    elif len(tidy(name)) > LONGEST_NAME:
        found.append(("name", "too_long", {"most": LONGEST_NAME}))
    if role not in ROLES:
        found.append(("role", "role_unknown", {"role": role}))
    if not 1 <= days <= LONGEST_DAYS:
        found.append(("days", "out_of_range", {"least": 1, "most": LONGEST_DAYS}))
    if found:
        raise ValidationFailed(found)
    secret = new_token()
    async with db.writer() as session:
        token = ApiToken(
            name=tidy(name),
            role=role,
            token_hash=token_hash(secret),
            created_by=by.id,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        session.add(token)
        await session.flush()
        detail = {"token": token.id, "role": role, "expires": db.site.clock(token.expires_at)}
        await audit.write(session, by, "api_token_made", token.name, detail=detail, now=now)
    return PREFIX + secret, token


async def revoke(db: Database, token_id: str, by: User, now: datetime) -> ApiToken:
    """The token is good no longer, from the next request on. Raises NotFound("program_unknown")."""
    async with db.writer() as session:
        token = await session.get(ApiToken, token_id)
        if token is None:
            raise NotFound("program_unknown")
        if token.revoked_at is None:
            token.revoked_at = now
            await audit.write(session, by, "api_token_revoked", token.name, detail={"token": token.id}, now=now)
    return token


async def list_tokens(db: Database) -> list[ApiToken]:
    """All of them, the newest first; those revoked or expired too."""
    async with db.reader() as session:
        return list(await session.scalars(select(ApiToken).order_by(ApiToken.created_at.desc(), ApiToken.id)))


async def program(db: Database, text: str, now: datetime) -> User | None:
    """Who asks with this token; None when it is unknown, expired or revoked.

    The operations take a member of the staff: the program is one for this request only, whose id is the token's.
    """
    secret = text.removeprefix(PREFIX)
    if secret == text or not is_token(secret):
        return None
    async with db.reader() as reading:
        token = await reading.scalar(select(ApiToken).where(ApiToken.token_hash == token_hash(secret)))
    if token is None or token.revoked_at is not None or token.expires_at <= now:
        return None
    if token.used_at is None or now - token.used_at >= USED_EVERY:
        with suppress(CannotWrite):  # a full disk must not keep programs from reading
            async with db.writer() as writing:
                (await writing.get_one(ApiToken, token.id)).used_at = now
    return User(id=token.id, name=token.name, sign_in_name="", role=token.role, phone="", password_hash="", active=True, language="")
