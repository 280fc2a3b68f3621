"""Sessions of the staff: they expire, can be revoked, and end at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatch import audit
from dispatch.identity import sign_in
from dispatch.identity.tokens import is_token, new_token, token_hash
from dispatch.store.database import Database
from dispatch.store.tables import Session, User
from tests.dispatch.making import NOW, PASSWORD, Court, audited

LIFE = timedelta(hours=12)


async def signed_in(db: Database, name: str = "gao", after: timedelta = timedelta(0)) -> str:
    token, _ = await sign_in.sign_in(db, name, PASSWORD, "10.0.0.7", NOW + after)
    return token


async def is_in(db: Database, token: str, after: timedelta = timedelta(0)) -> bool:
    return await sign_in.session(db, token, NOW + after) is not None


async def test_a_session_is_found_by_its_token_with_its_user(court: Court) -> None:
    token = await signed_in(court.db)
    found = await sign_in.session(court.db, token, NOW)
    assert found is not None
    assert (found.user.id, found.address, found.expires_at) == (court.users["gao"].id, "10.0.0.7", NOW + LIFE)
    assert is_token(token)
    assert found.token_hash == token_hash(token)
    assert found.csrf not in (token, found.token_hash)


async def test_each_sign_in_is_a_session_of_its_own(db: Database) -> None:
    one, other = await signed_in(db), await signed_in(db)
    assert one != other
    await sign_in.sign_out(db, one)
    assert not await is_in(db, one)
    assert await is_in(db, other)


async def test_a_session_ends_with_its_life(db: Database) -> None:
    token = await signed_in(db)
    assert await is_in(db, token, LIFE - timedelta(seconds=1))
    assert not await is_in(db, token, LIFE)


async def test_being_used_does_not_lengthen_a_session(db: Database) -> None:
    token = await signed_in(db)
    for hours in range(12):
        assert await is_in(db, token, timedelta(hours=hours))
    assert not await is_in(db, token, LIFE)


async def test_when_a_session_was_last_seen_is_kept_to_the_minute(db: Database) -> None:
    token = await signed_in(db)

    async def seen_after(seconds: int) -> timedelta:
        found = await sign_in.session(db, token, NOW + timedelta(seconds=seconds))
        assert found is not None
        return found.seen_at - NOW

    assert [await seen_after(seconds) for seconds in (0, 59, 60, 90, 121)] == [timedelta(seconds=s) for s in (0, 0, 60, 60, 121)]


async def test_revoking_ends_every_session_of_one_user_and_of_nobody_else(court: Court) -> None:
    tokens = [await signed_in(court.db) for _ in range(3)]
    other = await signed_in(court.db, "zhao")
    assert await sign_in.revoke_sessions(court.db, court.users["gao"].id, court.users["xu"]) == 3
    assert [await is_in(court.db, token) for token in tokens] == [False] * 3
    assert await is_in(court.db, other)
    assert await sign_in.revoke_sessions(court.db, court.users["gao"].id, court.users["xu"]) == 0
    rows = await audited(court.db, "sessions_revoked")
    assert [(row.actor, row.subject, row.detail["sessions"]) for row in rows] == [("许文博", "gao", 3), ("许文博", "gao", 0)]


async def test_who_is_deactivated_is_out_at_once(court: Court) -> None:
    token = await signed_in(court.db)
    async with court.db.writer() as session:
        (await session.get_one(User, court.users["gao"].id)).active = False
    assert not await is_in(court.db, token)


async def test_signing_out_is_audited_once_with_where_from(court: Court) -> None:
    token = await signed_in(court.db)
    audit.ADDRESS.set("10.0.0.9")
    await sign_in.sign_out(court.db, token)
    await sign_in.sign_out(court.db, token)
    (row,) = await audited(court.db, "sign_out")
    assert (row.actor, row.subject, row.address) == ("高卫东", "gao", "10.0.0.9")


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 100_000, "\ud800" * 43, "' OR 1=1 --"])
async def test_what_is_no_token_opens_nothing_and_ends_nothing(db: Database, token: str) -> None:
    own = await signed_in(db)
    assert not await is_in(db, token)
    await sign_in.sign_out(db, token)
    assert await is_in(db, own)


async def test_the_hash_of_a_token_is_no_token(db: Database) -> None:
    """A stolen copy of the database signs nobody in."""
    kept = token_hash(await signed_in(db))
    assert not await is_in(db, kept)
    assert not await is_in(db, kept[:43])


async def test_sessions_that_are_over_are_cleared_away_by_the_next_sign_in(db: Database) -> None:
    await signed_in(db)
    await signed_in(db, after=LIFE)
    async with db.reader() as session:
        assert len(list(await session.scalars(select(Session)))) == 1


def test_tokens_are_random_and_have_one_shape() -> None:
    made = {new_token() for _ in range(1000)}
    assert len(made) == 1000
    assert all(is_token(token) for token in made)
    assert len({token_hash(token) for token in made}) == 1000
