"""The audit log: who, what, when, from where, with what result (DOMAIN.md section 6, rule 4).

Append-only (the database refuses to change a row) and hash-chained: `hash` is the SHA-256 of the row's canonical JSON,
`prev` the hash of the row before, 64 zeros for the first. A row is written in the transaction of the act it tells of:
neither exists without the other. Reading and exporting evidence are acts too.
"""

from __future__ import annotations

import hashlib
import json
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, and_, func, literal_column, or_, select

from dispatch.store import direct, postgresql, ready
from dispatch.store.ready import Ready
from dispatch.store.tables import AuditRow, Sitting, User, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

GENESIS = "0" * 64
_WITHHELD = select(Sitting.id).where(Sitting.withheld_at.is_not(None))
_LAST = Ready(select(AuditRow.seq, AuditRow.hash).order_by(AuditRow.seq.desc()).limit(1))

ADDRESS: ContextVar[str] = ContextVar("audit_address", default="")
"""Where the request under way comes from; set by the web's middleware, so that no operation has to carry it along."""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What :func:`verify_chain` found. `broken_at` is the first row that is wrong or missing, None when all is well."""

    rows: int
    broken_at: int | None = None
    cause: str = ""
    """"changed" (the row is not what was written), "missing" (a number is skipped), "unlinked" (it does not follow its predecessor)"""

    @property
    def ok(self) -> bool:
        """Whether every row is there and as it was written."""
        return self.broken_at is None


def digest(row: AuditRow) -> str:
    """The hash that belongs to `row`."""
    body = {
        "seq": row.seq,
        "at": row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": row.actor,
        "actor_id": row.actor_id,
        "action": row.action,
        "subject": row.subject,
        "address": row.address,
        "result": row.result,
        "detail": row.detail,
        "prev": row.prev,
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()).hexdigest()


async def write(
    session: AsyncSession,
    actor: User | str,
    action: str,
    subject: str = "",
    address: str | None = None,
    result: str = "done",
    detail: dict[str, Any] | None = None,
    *,
    now: datetime | None = None,
) -> AuditRow:
    """Append a row, the last thing that a transaction waits for; `session` must be one that writes. `actor`: a user, or words
    ("system", a name nobody has).

    `action` and `result` ("done", "refused", "failed") are words of the catalogue ("audit.<action>", "audit.result.<result>").
    `subject` is what it was done to, readable; ids go into `detail` (JSON, no secrets, no telephone numbers).
    """
    await session.flush()  # what is changed locks its rows before
    await postgresql.lock(session, postgresql.AUDIT)  # until the commit: the next row follows this one
    last = await ready.rows(session, _LAST, {})
    seq, prev = (last[0].seq + 1, last[0].hash) if last else (1, GENESIS)
    row = AuditRow(
        seq=seq,
        at=now or utc_now(),
        actor=(actor if isinstance(actor, str) else actor.name)[:80],
        actor_id="" if isinstance(actor, str) else actor.id,
        action=action,
        subject=subject[:80],
        address=(ADDRESS.get() if address is None else address)[:64],
        result=result,
        detail=detail or {},
        prev=prev,
    )
    row.hash = digest(row)
    await direct.insert(session, [row])
    return row


async def record(db: Database, actor: User | str, action: str, subject: str = "", **more: Any) -> None:
    """Append a row in a transaction of its own: for what changes nothing else (a recording played, a sitting watched)."""
    async with db.writer() as session:
        await write(session, actor, action, subject, **more)


async def verify_chain(db: Database) -> ChainReport:
    """Walk the whole chain, oldest first."""
    prev, expected = GENESIS, 1
    async with db.reader() as session:
        async for row in await session.stream_scalars(select(AuditRow).order_by(AuditRow.seq).execution_options(yield_per=500)):
            if row.seq != expected:
                return ChainReport(expected - 1, expected, "missing")
            if row.prev != prev:
                return ChainReport(expected - 1, expected, "unlinked")
            if digest(row) != row.hash:
                return ChainReport(expected - 1, expected, "changed")
            prev, expected = row.hash, expected + 1
    return ChainReport(expected - 1)


async def list_rows(
    db: Database, *, action: str = "", actor: str = "", text: str = "", day_from: datetime | None = None, day_to: datetime | None = None,
    page: int = 1, size: int = 50,
) -> tuple[list[AuditRow], int]:  # fmt: skip
    """A page of rows, newest first, and how many there are. `text` is looked for in actor, subject and address.

    The subject of what was done to a sitting whose juvenile record is sealed is not searched: see :func:`withheld`.
    """
    wanted = select(AuditRow)
    if action:
        wanted = wanted.where(AuditRow.action == action)
    if actor:
        wanted = wanted.where(AuditRow.actor == actor)
    if text:
        open_ = func.coalesce(_sitting(db), "").not_in(_WITHHELD)
        about = (AuditRow.actor + " " + AuditRow.address).contains(text, autoescape=True)
        wanted = wanted.where(or_(about, and_(open_, AuditRow.subject.contains(text, autoescape=True))))
    if day_from is not None:
        wanted = wanted.where(AuditRow.at >= day_from)
    if day_to is not None:
        wanted = wanted.where(AuditRow.at < day_to)
    async with db.reader() as session:
        count = await session.scalar(select(func.count()).select_from(wanted.subquery()))
        found = await session.scalars(wanted.order_by(AuditRow.seq.desc()).offset((max(page, 1) - 1) * size).limit(size))
        return list(found), count or 0


def _sitting(db: Database) -> ColumnElement[str]:
    """The sitting that a row tells of, word for word as the index over the rows has it (migration 0015)."""
    return literal_column("(detail ->> 'sitting')" if db.on_postgresql else "json_extract(detail, '$.sitting')", String)


async def withheld(db: Database, rows: Sequence[AuditRow]) -> frozenset[int]:
    """Numbers of those rows that tell of a sitting whose juvenile record is sealed: the log keeps their subject, no page shows it."""
    sittings = {str(row.detail.get("sitting", "")) for row in rows}
    async with db.reader() as session:
        hidden = set(await session.scalars(select(Sitting.id).where(Sitting.id.in_(sittings), Sitting.withheld_at.is_not(None))))
    return frozenset(row.seq for row in rows if row.detail.get("sitting") in hidden)


async def actions(db: Database) -> list[str]:
    """The words that occur as `action`, for a filter."""
    async with db.reader() as session:
        return list(await session.scalars(select(AuditRow.action).distinct().order_by(AuditRow.action)))
