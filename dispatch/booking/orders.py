"""An order that was sent twice is carried out once.

A program that got no answer sends its order again under the same key (the API's Idempotency-Key). The key is kept in the
transaction that carries the order out: it is there when, and only when, the booking is. A refused order leaves no key, so
that it may be sent again once what was in the way is gone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import delete, select, tuple_

from dispatch.errors import UserError
from dispatch.store.postgresql import lock_words
from dispatch.store.tables import CreationKey, OrderKey

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

KEPT = timedelta(hours=24)
"""How long a key is remembered; a program that tries for longer asks first what there is."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order under a key: `owner` is the id of who sent it, whose keys are his own; `content` is what was ordered, byte for byte."""

    owner: str
    key: str
    content: bytes

    @property
    def key_hash(self) -> str:
        """What the database keeps of the key, whatever its length."""
        return hashlib.sha256(self.key.encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        """Tells the same order from another one."""
        return hashlib.sha256(self.content).hexdigest()


async def carried_out(session: AsyncSession, order: Order | None, now: datetime) -> str | None:
    """Inside a transaction: the sitting that this very order made, None when it was not carried out yet.

    Raises UserError("key_reused") when the key belongs to another order.
    """
    known = await _known(session, OrderKey, order, now)
    return known.sitting_id if known is not None else None


async def made_before(session: AsyncSession, order: Order | None, now: datetime) -> str | None:
    """As :func:`carried_out`, for what is no sitting: the id of what this very order made."""
    known = await _known(session, CreationKey, order, now)
    return known.made_id if known is not None else None


Key = TypeVar("Key", OrderKey, CreationKey)


async def _known(session: AsyncSession, table: type[Key], order: Order | None, now: datetime) -> Key | None:
    if order is None:
        return None
    await lock_words(session, f"order {order.owner} {order.key_hash}")
    # Of two that clear up at once, on PostgreSQL, neither waits for the other.
    old = select(table.owner, table.key_hash).where(table.created_at <= now - KEPT).with_for_update(skip_locked=True)
    await session.execute(delete(table).where(tuple_(table.owner, table.key_hash).in_(old)))
    known: Key | None = await session.get(table, (order.owner, order.key_hash))
    if known is not None and known.fingerprint != order.fingerprint:
        raise UserError("key_reused", "Idempotency-Key")
    return known


def keep(session: AsyncSession, order: Order | None, sitting_id: str, now: datetime) -> None:
    """Inside a transaction: remember what the order made."""
    if order is not None:
        session.add(
            OrderKey(
                owner=order.owner,
                key_hash=order.key_hash,
                fingerprint=order.fingerprint,
                sitting_id=sitting_id,
                created_at=now,
            )
        )


async def keep_made(session: AsyncSession, order: Order | None, made_id: str, now: datetime) -> None:
    """Inside a transaction: as :func:`keep`, for what is no sitting. What was made before and is gone is made anew under its key."""
    if order is not None:
        await session.merge(
            CreationKey(owner=order.owner, key_hash=order.key_hash, fingerprint=order.fingerprint, made_id=made_id, created_at=now)
        )
