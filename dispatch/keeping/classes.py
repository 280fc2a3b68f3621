"""Which class a recording has: the default of its kind at first, another by a clerk's decision with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from dispatch import audit
from dispatch.errors import Refused, UserError
from dispatch.keeping import rules, standing
from dispatch.store.archive_tables import Recording
from dispatch.store.keeping_tables import Keeping, RetentionDefault
from dispatch.store.tables import User

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

EARLIEST = date(1949, 10, 1)


async def assign(session: AsyncSession, sitting_id: str, kind: str) -> None:
    """A recording comes into the catalogue: it keeps the class that its kind has today. Idempotent."""
    if await session.get(Keeping, sitting_id) is None:
        retention = rules.default_of(kind, await standing.defaults(session))
        await session.flush()
        session.add(Keeping(sitting_id=sitting_id, retention=retention))


async def set_defaults(db: Database, wanted: Mapping[str, str], by: User, now: datetime) -> None:
    """New recordings of these kinds get these classes; those that are there keep theirs. Raises UserError("retention_unknown")."""
    for kind, retention in wanted.items():
        if kind not in rules.DEFAULTS or retention not in rules.CLASSES:
            raise UserError("retention_unknown", kind)
    async with db.writer() as session:
        own = await standing.defaults(session)
        changed = {k: [rules.default_of(k, own), v] for k, v in wanted.items() if rules.default_of(k, own) != v}
        if not changed:
            return
        for kind, (_former, retention) in changed.items():
            await session.merge(RetentionDefault(kind=kind, retention=retention, changed_by=by.name, changed_at=now))
        await audit.write(session, by, "retention_defaults", detail={"changed": changed}, now=now)


async def change(
    db: Database,
    sitting_id: str,
    retention: str,
    counted_from: date | None,
    reason: str,
    by: User,
    now: datetime,
    check: Callable[[standing.Standing], None] = lambda _: None,
) -> None:
    """Another class for one recording, or another day from which its time counts (None: that of sealing). `check` is called inside the
    transaction with what is changed. Raises UserError "retention_unknown", "reason_missing", "too_long", "day_impossible", or
    Refused("already_destroyed")."""
    rules.a_class(retention)
    why = rules.stated(reason, "reason")
    if counted_from is not None and not EARLIEST <= counted_from <= now.astimezone(db.site.zone).date():
        raise UserError("day_impossible", "counted_from")
    async with db.writer() as session:
        recording = await session.get_one(Recording, sitting_id)
        (found,) = await standing.of(session, [recording], db.site.zone)
        check(found)
        if found.kept.destroyed:
            raise Refused("already_destroyed")
        row = found.row
        former = (found.kept.retention, row.counted_from if row is not None else None)
        if row is None:
            row = Keeping(sitting_id=sitting_id)
            session.add(row)
        row.retention, row.counted_from = retention, counted_from
        row.revision = (row.revision or 0) + 1
        days = [day.isoformat() if day is not None else "" for day in (former[1], counted_from)]
        detail = {"sitting": sitting_id, "retention": [former[0], retention], "counted_from": days, "reason": why}
        await audit.write(session, by, "retention_changed", recording.sitting.case.number, detail=detail, now=now)
