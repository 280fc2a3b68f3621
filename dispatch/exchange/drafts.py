"""Files that programs import in two steps: one sends it and reads what each row would do, the other books it.

What was sent is kept for a day, for the one who sent it. It is booked once: asked again, the same answer is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import delete

from dispatch.booking import orders
from dispatch.errors import NotFound, Refused
from dispatch.exchange import importing
from dispatch.exchange.importing import Given, Judged, TakenBack
from dispatch.exchange.reading import Row
from dispatch.store.notice_tables import ImportDraft

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database
    from dispatch.store.tables import User

KEPT = timedelta(hours=24)
LONGEST_NAME = 200


async def keep(
    db: Database, name: str, rows: Sequence[Row], by: User, now: datetime, given: Given, order: orders.Order | None = None
) -> ImportDraft:
    """Keep the rows of a file with what each of them would do; nothing is booked. An `order` that was carried out before gives what it
    made. Raises UserError("key_reused")."""
    judged = await importing.take(db, rows, by, now, "preview", given)
    async with db.writer() as session:
        if (made := await orders.made_before(session, order, now)) and (there := await session.get(ImportDraft, made)) is not None:
            return there
        await _forget(session, now)
        draft = ImportDraft(
            owner=by.id,
            name=name[:LONGEST_NAME],
            rows=[[row.number, row.fields] for row in rows],
            judged=packed(judged),
            chair_id=given.chair_id,
            clerk_id=given.clerk_id,
            override_reason=given.override_reason,
            state="preview",
            created_at=now,
            judged_at=now,
        )
        session.add(draft)
        await session.flush()
        await orders.keep_made(session, order, draft.id, now)
    return draft


async def get(db: Database, draft_id: str, by: User, now: datetime) -> ImportDraft:
    """Raises NotFound, also for another's and after a day."""
    async with db.reader() as session:
        return await _own(session, draft_id, by, now)


async def book(
    db: Database,
    draft_id: str,
    how: Literal["good", "all"],
    by: User,
    now: datetime,
    role_words: dict[str, str],
    kind_words: dict[str, str],
    seen: Callable[[ImportDraft], object],
) -> ImportDraft:
    """Book the rows, judged anew: those that are good, or all or none. `seen` is called inside the transaction with what is there, and
    raises where it is not what the one who asks saw. One that is booked stays as it is.

    Raises NotFound, or Refused("import_rows_bad") where all were wanted and some are bad: which, is kept.
    """
    try:
        async with db.writer() as session:
            draft = await _own(session, draft_id, by, now)
            if draft.state == "booked":
                return draft
            seen(draft)
            rows, given = rows_of(draft), Given(role_words, kind_words, draft.chair_id, draft.clerk_id, draft.override_reason)
            judged = await importing.carry_out(session, db, rows, by, now, how, given)
            draft.judged, draft.judged_at, draft.state = packed(judged), now, "booked"
            return draft
    except TakenBack as back:
        async with db.writer() as session:
            draft = await _own(session, draft_id, by, now)
            draft.judged, draft.judged_at = packed(back.judged), now
        raise Refused("import_rows_bad", number=sum(each.state == "bad" for each in back.judged)) from None


async def drop(db: Database, draft_id: str, by: User, now: datetime, seen: Callable[[ImportDraft], object]) -> None:
    """Forget it now; what was booked stays booked. `seen` as in :func:`book`. Raises NotFound."""
    async with db.writer() as session:
        draft = await _own(session, draft_id, by, now)
        seen(draft)
        await session.delete(draft)


async def forget(db: Database, now: datetime) -> None:
    """What is older than a day is gone."""
    async with db.writer() as session:
        await _forget(session, now)


async def _forget(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(ImportDraft).where(ImportDraft.created_at <= now - KEPT))


async def _own(session: AsyncSession, draft_id: str, by: User, now: datetime) -> ImportDraft:
    draft = await session.get(ImportDraft, draft_id)
    if draft is None or draft.owner != by.id or draft.created_at <= now - KEPT:
        raise NotFound("import_gone")
    return draft


def rows_of(draft: ImportDraft) -> list[Row]:
    """The rows as they were read."""
    return [Row(number, dict(fields)) for number, fields in draft.rows]


def judged_of(draft: ImportDraft) -> list[Judged]:
    """What became of them, or would have."""
    return [
        Judged(row, state, tuple((field, code, data) for field, code, data in errors), sitting_id)
        for row, (state, errors, sitting_id) in zip(rows_of(draft), draft.judged, strict=True)
    ]


def packed(judged: Sequence[Judged]) -> list[Any]:
    """As JSON: state, errors and sitting of each row."""
    return [[each.state, [[field, code, _plain(data)] for field, code, data in each.errors], each.sitting_id] for each in judged]


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, str | int | float | bool) else str(value) for name, value in data.items()}
