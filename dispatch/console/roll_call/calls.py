"""Roll-calls kept: begun, gone on with, answered. Each act is one transaction, so that two answers never undo each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter
from sqlalchemy import select

from dispatch import audit
from dispatch.booking.orders import Order, keep_made, made_before
from dispatch.console.roll_call import rules
from dispatch.console.roll_call.rules import Line, RollCall
from dispatch.errors import NotFound, ValidationFailed
from dispatch.store.roll_call_tables import RollCallRow
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database
    from dispatch.store.tables import User

LONGEST_NAME = 80
SHOWN = 50
BEGUN = Counter("dispatch_roll_calls_total", "Roll-calls of the command centre that were begun")
RESULTS = Counter("dispatch_roll_call_results_total", "Rooms and teams that came to be so in roll-calls", ["standing"])


def roll_of(row: RollCallRow) -> RollCall:
    """The roll-call of a row."""
    return RollCall(tuple(_line(each) for each in row.lines), row.limit_s, row.state)  # type: ignore[arg-type]


def _line(kept: dict[str, Any]) -> Line:
    times = {name: datetime.fromisoformat(kept[name]) if kept[name] else None for name in ("called_at", "answered_at")}
    return Line(**(kept | times))


def _write(row: RollCallRow, roll: RollCall, now: datetime) -> None:
    kept = []
    for line in roll.lines:
        fields = asdict(line)
        times = {name: fields[name].isoformat() if fields[name] else None for name in ("called_at", "answered_at")}
        kept.append(fields | times)
    row.lines, row.state = kept, roll.state
    row.ended_at = now if roll.state == "ended" and row.ended_at is None else row.ended_at


async def begin(
    db: Database, name: str, lines: Sequence[Line], limit_s: int, by: User, now: datetime, order: Order | None = None
) -> RollCallRow:
    """Begin one. Raises ValidationFailed (name), Refused("roll_call_empty"), Refused("roll_call_long"), UserError("key_reused")."""
    if not tidy(name) or len(tidy(name)) > LONGEST_NAME:
        raise ValidationFailed([("name", "too_long" if tidy(name) else "required", {"most": LONGEST_NAME})])
    roll = rules.begin(lines, limit_s, now)
    async with db.writer() as session:
        made = await made_before(session, order, now)
        known = await session.get(RollCallRow, made) if made is not None else None
        if known is not None:
            return known
        row = RollCallRow(name=tidy(name), limit_s=roll.limit_s, state=roll.state, lines=[], started_at=now, started_name=by.name)
        _write(row, roll, now)
        session.add(row)
        await session.flush()
        await keep_made(session, order, row.id, now)
        await audit.write(session, by, "roll_call_begun", row.name, detail={"roll_call": row.id, "called": len(lines)}, now=now)
    BEGUN.inc()
    return row


async def newest(db: Database) -> list[RollCallRow]:
    """The newest roll-calls, the last one first."""
    async with db.reader() as session:
        return list(await session.scalars(select(RollCallRow).order_by(RollCallRow.started_at.desc()).limit(SHOWN)))


async def look(db: Database, call_id: str, now: datetime) -> RollCallRow:
    """One as it stands now: what time has made of it is written down first. Raises NotFound("roll_call_unknown")."""
    async with db.reader() as session:
        row = await _get(session, call_id)
    roll = roll_of(row)
    return row if rules.passed(roll, now) is roll else await change(db, call_id, lambda same: same, now)


async def change(
    db: Database, call_id: str, act: Callable[[RollCall], RollCall], now: datetime, by: User | None = None, what: str = ""
) -> RollCallRow:
    """Do `act` to it after what time has made of it. Raises NotFound and what the act raises."""
    async with db.writer() as session:
        row = await _get(session, call_id)
        before = roll_of(row)
        roll = act(rules.passed(before, now))
        _write(row, roll, now)
        await session.flush()
        if by is not None:
            counted = {standing: roll.count(standing) for standing in ("present", "late", "absent")}
            await audit.write(session, by, f"roll_call_{what}", row.name, detail={"roll_call": row.id, **counted}, now=now)
    for was, line in zip(before.lines, roll.lines, strict=True):
        if line.standing != was.standing and line.standing in {"present", "late", "absent"}:
            RESULTS.labels(line.standing).inc()
    return row


async def waiting_for(db: Database, keys: Sequence[str], now: datetime) -> tuple[RollCallRow, Line] | None:
    """The roll-call that calls one of these now, or in which one of them is absent and can still answer; the first one called."""
    async with db.reader() as session:
        rows = list(await session.scalars(select(RollCallRow).where(RollCallRow.state != "ended").order_by(RollCallRow.started_at)))
    found: tuple[RollCallRow, Line] | None = None
    for each in rows:
        row = await look(db, each.id, now)
        for line in roll_of(row).lines:
            if line.key in keys and line.standing == "ringing":
                return row, line
            if line.key in keys and line.standing == "absent" and found is None:
                found = row, line
    return found


async def _get(session: AsyncSession, call_id: str) -> RollCallRow:
    row = await session.get(RollCallRow, call_id)
    if row is None:
        raise NotFound("roll_call_unknown")
    return row
