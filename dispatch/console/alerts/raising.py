"""Raising and ending alerts, of the site and of sittings. The words of an alert are "alert.<code>" filled with its data, what to do
about it "remedy.<code>".

At most one alert of a code, sitting and subject is on. What comes back soon after it ended is the same alert once more: it is counted
there and makes no pile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from prometheus_client import Counter
from sqlalchemy import func, select

from dispatch.store.alert_tables import Alert, AlertStep
from dispatch.store.base import utc_now

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

Severity = Literal["info", "warning", "critical"]

SAME_WITHIN = timedelta(minutes=10)
"""What comes back within this time of its end is the same alert."""

RAISED = Counter("dispatch_alerts_raised_total", "Alerts raised, each time one came", ["severity"])

_listeners: WeakKeyDictionary[Database, list[Callable[[], None]]] = WeakKeyDictionary()


def on_change(db: Database, listener: Callable[[], None]) -> None:
    """Call `listener` whenever an alert of this database was raised, handled or ended by this process."""
    _listeners.setdefault(db, []).append(listener)


def changed(db: Database) -> None:
    """Tell the listeners."""
    for listener in _listeners.get(db, ()):
        listener()


async def raise_alert(
    db: Database,
    code: str,
    severity: Severity,
    *,
    sitting: str = "",
    subject: str = "",
    data: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> bool:
    """Raise an alert; whether it was off before. Nothing changes where it is on already, also when somebody has closed it as a task:
    he is not asked again while it lasts."""
    now = now or utc_now()
    async with db.writer() as session:
        last = await _last(session, code, sitting, subject)
        if last is not None and last.ended_at is None:
            return False
        if last is not None and last.ended_at is not None and now - last.ended_at <= SAME_WITHIN:
            last.ended_at, last.again_at, last.count = None, now, last.count + 1
            last.severity, last.data = severity, dict(data or {})
            await step(session, last, "again", now)
        else:
            alert = Alert(code=code, severity=severity, sitting=sitting, subject=subject, data=dict(data or {}), raised_at=now)
            session.add(alert)
            await session.flush()
            await step(session, alert, "raised", now)
    RAISED.labels(severity).inc()
    changed(db)
    return True


async def end_alert(db: Database, code: str, *, sitting: str = "", subject: str = "", now: datetime | None = None) -> bool:
    """What the alert was about is over; whether it was on."""
    async with db.reader() as reading:  # most calls find nothing to end: they need not wait for a turn to write
        seen = await _last(reading, code, sitting, subject)
    if seen is None or seen.ended_at is not None:
        return False
    async with db.writer() as session:
        alert = await _last(session, code, sitting, subject)
        if alert is None or alert.ended_at is not None:
            return False
        alert.ended_at = now or utc_now()
        await step(session, alert, "ended", alert.ended_at)
    changed(db)
    return True


async def _last(session: AsyncSession, code: str, sitting: str, subject: str) -> Alert | None:
    """The one that is on, or else the newest."""
    wanted = select(Alert).where(Alert.code == code, Alert.sitting == sitting, Alert.subject == subject)
    found: Alert | None = await session.scalar(wanted.order_by(Alert.ended_at.is_(None).desc(), Alert.ended_at.desc()).limit(1))
    return found


async def step(session: AsyncSession, alert: Alert, act: str, now: datetime, by: Any = None, text: str = "") -> None:
    """Write a step of its history, in the transaction of the act. `by`: a user; None for the system."""
    last = await session.scalar(select(func.max(AlertStep.number)).where(AlertStep.alert_id == alert.id))
    who = {"by_id": by.id, "by_name": by.name} if by is not None else {}
    session.add(AlertStep(alert_id=alert.id, number=(last or 0) + 1, at=now, act=act, text=text, **who))
