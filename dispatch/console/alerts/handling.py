"""What people do about alerts: take one, say that they have seen it, close it with a note. Each act is in its history and in the audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select

from dispatch import audit
from dispatch.console.alerts.raising import changed, step
from dispatch.errors import NotFound, Refused, ValidationFailed
from dispatch.store.alert_tables import Alert, AlertStep

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database
    from dispatch.store.tables import User

LONGEST_NOTE = 500


async def on(db: Database) -> list[Alert]:
    """The alerts that are on, also those that somebody closed as a task; the oldest first."""
    async with db.reader() as session:
        return list(await session.scalars(select(Alert).where(Alert.ended_at.is_(None)).order_by(Alert.raised_at, Alert.id)))


async def listed(db: Database, *, open_only: bool = False) -> list[Alert]:
    """All alerts, the newest first; with `open_only` those that wait for somebody."""
    found = select(Alert).order_by(Alert.raised_at.desc(), Alert.id.desc())
    async with db.reader() as session:
        return list(await session.scalars(found.where(Alert.ended_at.is_(None), Alert.closed_at.is_(None)) if open_only else found))


async def page(db: Database, after: tuple[datetime, str] | None, size: int, *, open_only: bool = False) -> tuple[list[Alert], bool]:
    """At most `size` of :func:`listed`, behind (when, id) where the page before ended; and whether there are more."""
    wanted = select(Alert)
    if open_only:
        wanted = wanted.where(Alert.ended_at.is_(None), Alert.closed_at.is_(None))
    if after is not None:
        at, last = after
        wanted = wanted.where(or_(Alert.raised_at < at, and_(Alert.raised_at == at, Alert.id < last)))
    async with db.reader() as session:
        found = list(await session.scalars(wanted.order_by(Alert.raised_at.desc(), Alert.id.desc()).limit(size + 1)))
    return found[:size], len(found) > size


async def get(db: Database, alert_id: str) -> Alert:
    """Raises NotFound("alert_unknown")."""
    async with db.reader() as session:
        return await _get(session, alert_id)


async def history(db: Database, alert_id: str) -> Sequence[AlertStep]:
    """Its steps, the first first."""
    async with db.reader() as session:
        return list(await session.scalars(select(AlertStep).where(AlertStep.alert_id == alert_id).order_by(AlertStep.number)))


async def take(db: Database, alert_id: str, user: User, now: datetime) -> Alert:
    """Make it his own, also where it is somebody else's; he has seen it by that. Raises NotFound, Refused("alert_over")."""
    async with db.writer() as session:
        alert = await _open(session, alert_id)
        if alert.owner_id != user.id:
            alert.owner_id, alert.owner_name = user.id, user.name
            await step(session, alert, "taken", now, user)
            _seen(alert, user.name, now)
            await audit.write(session, user, "alert_taken", alert.code, detail=_detail(alert), now=now)
    changed(db)
    return alert


async def acknowledge(db: Database, alert_id: str, user: User, now: datetime) -> Alert:
    """He has seen it. Only the first counts. Raises NotFound, Refused("alert_over")."""
    async with db.writer() as session:
        alert = await _open(session, alert_id)
        if alert.acknowledged_at is None:
            _seen(alert, user.name, now)
            await step(session, alert, "acknowledged", now, user)
            await audit.write(session, user, "alert_acknowledged", alert.code, detail=_detail(alert), now=now)
    changed(db)
    return alert


async def close(db: Database, alert_id: str, note: str, user: User, now: datetime) -> Alert:
    """It needs nobody any more, and why. Raises NotFound, Refused("alert_over"), ValidationFailed of "note"."""
    note = note.strip()
    if not note:
        raise ValidationFailed([("note", "required", {})])
    if len(note) > LONGEST_NOTE:
        raise ValidationFailed([("note", "too_long", {"most": LONGEST_NOTE})])
    async with db.writer() as session:
        alert = await _open(session, alert_id)
        _seen(alert, user.name, now)
        alert.closed_at, alert.closed_by, alert.note = now, user.name, note
        await step(session, alert, "closed", now, user, note)
        await audit.write(session, user, "alert_closed", alert.code, detail=_detail(alert), now=now)
    changed(db)
    return alert


async def seen_elsewhere(db: Database, alert_id: str, name: str, now: datetime) -> None:
    """Somebody has seen it in the conference, whose log has it. Nothing happens where it is seen or over."""
    async with db.writer() as session:
        alert = await session.get(Alert, alert_id)
        if alert is None or alert.acknowledged_at is not None or alert.ended_at is not None:
            return
        _seen(alert, name, now)
        await step(session, alert, "acknowledged", now, text=name)
    changed(db)


async def escalate(db: Database, after: timedelta, now: datetime) -> int:
    """Mark those that nobody has seen for so long; how many there were. Each is once, and again when it comes back."""
    late = or_(Alert.again_at.is_(None), Alert.again_at <= now - after)
    wanted = select(Alert).where(
        Alert.ended_at.is_(None), Alert.acknowledged_at.is_(None), Alert.escalated_at.is_(None), Alert.closed_at.is_(None),
        Alert.severity != "info", Alert.raised_at <= now - after, late,
    )  # fmt: skip
    async with db.reader() as reading:
        if not list(await reading.scalars(wanted.limit(1))):
            return 0
    async with db.writer() as session:
        found = list(await session.scalars(wanted))
        for alert in found:
            alert.escalated_at = now
            await step(session, alert, "escalated", now)
    changed(db)
    return len(found)


def _seen(alert: Alert, name: str, now: datetime) -> None:
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by = now, name


def _detail(alert: Alert) -> dict[str, str]:
    return {"alert": alert.id, "sitting": alert.sitting, "subject": alert.subject}


async def _get(session: AsyncSession, alert_id: str) -> Alert:
    alert = await session.get(Alert, alert_id)
    if alert is None:
        raise NotFound("alert_unknown")
    return alert


async def _open(session: AsyncSession, alert_id: str) -> Alert:
    alert = await _get(session, alert_id)
    if alert.ended_at is not None or alert.closed_at is not None:
        raise Refused("alert_over")
    return alert
