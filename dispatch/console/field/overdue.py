"""Tasks past their deadline: noted in their log once, and an alert of the centre until they are reported, moved or over."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from sqlalchemy import or_, select

from dispatch.console.alerts.raising import end_alert, raise_alert
from dispatch.console.field import orders, tasks
from dispatch.console.field.tasks import OUT, State
from dispatch.store.field_tables import FieldTask

if TYPE_CHECKING:
    from dispatch.store.database import Database


ALERT = "task_overdue"


async def escalate(db: Database, now: datetime) -> list[str]:
    """Look once; the numbers of tasks that became overdue. Looking again, or beside another server, tells nothing twice."""
    late = FieldTask.state.in_(OUT) & (FieldTask.deadline < now) & FieldTask.overdue_at.is_(None)
    no_longer = FieldTask.overdue_at.is_not(None) & or_(FieldTask.state.not_in(OUT), FieldTask.deadline >= now)
    async with db.reader() as session:
        found = list(await session.scalars(select(FieldTask).where(or_(late, no_longer))))
    told = []
    for task in found:
        if tasks.is_overdue(cast("State", task.state), task.deadline, now):
            data = {"number": task.number, "title": task.title, "team": task.team.name, "team_en": task.team.name_en}
            # Raised before it is noted: what breaks off between the two is done again, and raised once.
            await raise_alert(db, ALERT, "warning", subject=task.id, data=data, now=now)
            await _note(db, task.id, now)
            told.append(task.number)
        else:
            await end_alert(db, ALERT, subject=task.id, now=now)
            await _forget(db, task.id, now)
    return told


async def _note(db: Database, task_id: str, now: datetime) -> None:
    async with db.writer() as session:
        task = await session.get_one(FieldTask, task_id)
        if task.overdue_at is None and tasks.is_overdue(cast("State", task.state), task.deadline, now):
            await orders.note_overdue(session, task, now)


async def _forget(db: Database, task_id: str, now: datetime) -> None:
    async with db.writer() as session:
        task = await session.get_one(FieldTask, task_id)
        if not tasks.is_overdue(cast("State", task.state), task.deadline, now):
            task.overdue_at = None
