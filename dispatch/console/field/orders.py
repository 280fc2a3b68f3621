"""Tasks for teams: drafted, and brought from one state to the next. Each step is written in the transaction of its act.

What a phone sends carries a key of its own: sent again after a broken connection it changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from sqlalchemy import func, select, update

from dispatch import audit
from dispatch.booking.orders import Order, keep_made, made_before
from dispatch.console.field import positions, tasks
from dispatch.console.field.tasks import REASONED, Act, Asking, State
from dispatch.errors import FieldError, Forbidden, NotFound, UserError, ValidationFailed
from dispatch.store.base import new_id
from dispatch.store.field_tables import FieldFile, FieldStep, FieldTask, Team, TeamMember
from dispatch.store.postgresql import lock_words
from dispatch.store.tables import Case, User
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.console.field.positions import Fix
    from dispatch.store.database import Database

LONGEST = {"title": 120, "text": 4000, "place": 200, "case_number": 80}
LONGEST_REPORT = 4000
MOST_FILES = 20
"""with one report"""
SLOW_CLOCK = timedelta(minutes=2)
KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
SYSTEM = "system"
Seen = Callable[[FieldTask], object]
"""Called with the task as it is inside the transaction; raises where that is not what the one who acts saw."""


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """A task that is to be made. Coordinates are WGS-84 degrees, both or none."""

    title: str
    place: str
    team_id: str
    deadline: datetime | None
    text: str = ""
    user_id: str = ""
    case_number: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Doing:
    """What belongs to a step: words, where and when it was done, the key that names it, the files of a report, and to whom it goes."""

    text: str = ""
    fix: Fix | None = None
    done_at: datetime | None = None
    key: str = ""
    files: tuple[str, ...] = ()
    team_id: str = ""
    user_id: str = ""
    deadline: datetime | None = None


async def draft(db: Database, wanted: TaskDraft, by: User, now: datetime, order: Order | None = None) -> FieldTask:
    """Draft a task. Raises ValidationFailed with every bad field, UserError("key_reused")."""
    async with db.writer() as session:
        made = await made_before(session, order, now)
        known = await session.get(FieldTask, made) if made is not None else None
        if known is not None:
            return known
        case = await _check(session, wanted, now)
        year = now.astimezone(db.site.zone).year
        await lock_words(session, f"tasks of {year}")
        last = await session.scalar(select(func.max(FieldTask.running)).where(FieldTask.year == year))
        task = FieldTask(
            id=new_id(),
            year=year,
            running=(last or 0) + 1,
            title=tidy(wanted.title),
            text=wanted.text.strip(),
            place=tidy(wanted.place),
            latitude=wanted.latitude,
            longitude=wanted.longitude,
            case_id=case.id if case is not None else None,
            team_id=wanted.team_id,
            user_id=wanted.user_id or None,
            state="drafted",
            deadline=wanted.deadline,
            created_by=by.id,
            created_name=by.name,
            created_at=now,
            steps=0,
        )
        session.add(task)
        await session.flush()
        await keep_made(session, order, task.id, now)
        await _step(session, task, "draft", by, now, Doing())
        await _write(session, by, "draft", task, now)
    return await _fresh(db, task.id)


async def act(
    db: Database, task_id: str, what: Act, by: User, now: datetime, doing: Doing | None = None, seen: Seen | None = None
) -> FieldTask:
    """Do something to a task.

    Raises NotFound("task_unknown") also where it is not for `by`; Forbidden("task_not_yours"), Refused("task_state"),
    UserError("key_reused"), ValidationFailed (fields "text", "files", "team_id", "user_id", "deadline").
    """
    doing = doing or Doing()
    if doing.key and not KEY.fullmatch(doing.key):
        raise ValidationFailed([("key", "key_shape", {})])
    async with db.writer() as session:
        task = await session.scalar(select(FieldTask).where(FieldTask.id == task_id).with_for_update(of=FieldTask))
        asking = await _asking(session, by, task)
        before = await _before(session, by, doing.key) if doing.key else None
        if task is not None and before is not None:  # also where what he did took the task from his sight
            if (before.task_id, before.act) != (task_id, what):
                raise UserError("key_reused", "key")
            return task
        if task is None or not tasks.sees(asking, cast("State", task.state)):
            raise NotFound("task_unknown")
        if not tasks.may(what, asking, for_one=task.user_id is not None, for_him=task.user_id == by.id):
            raise Forbidden("task_not_yours")
        if seen is not None:
            seen(task)
        state = tasks.after(cast("State", task.state), what)
        await _check_doing(session, task, what, doing, by, now)
        task.state = state
        await _follow(session, task, what, by, now, doing)
        step = await _step(session, task, what, by, now, doing)
        if what == "report":
            await session.execute(update(FieldFile).where(FieldFile.id.in_(doing.files)).values(step=step.number))
        if doing.fix is not None and what in tasks.TEAM:
            await positions.keep_given(session, by.id, doing.fix, step.done_at, now)
        await _write(session, by, what, task, now)
    return await _fresh(db, task_id)


async def note_overdue(session: AsyncSession, task: FieldTask, now: datetime) -> None:
    """Inside a transaction: a task went past its deadline, and the centre is told."""
    task.overdue_at = now
    await _step(session, task, "overdue", SYSTEM, now, Doing())
    await _write(session, SYSTEM, "overdue", task, now)


async def _follow(session: AsyncSession, task: FieldTask, what: str, by: User, now: datetime, doing: Doing) -> None:
    """What a step changes besides the state."""
    if what == "send" or (what == "reassign" and task.state == "sent"):
        task.sent_at, task.signed_at, task.arrived_at, task.reported_at = now, None, None, None
        task.signed_by = task.signed_name = ""
        task.urged_at = None
    if what == "sign":
        task.signed_at, task.signed_by, task.signed_name = now, by.id, by.name
    elif what == "arrive":
        task.arrived_at = now
    elif what == "report":
        task.reported_at = now
    elif what == "return":
        task.arrived_at = task.reported_at = None
    elif what == "urge":
        task.urged_at = now
    elif what in ("close", "cancel"):
        task.ended_at = now
    elif what == "reassign":
        team = await session.get_one(Team, doing.team_id)
        task.team_id, task.user_id = team.id, doing.user_id or None
    if doing.deadline is not None and what in ("reassign", "return", "send"):
        task.deadline, task.overdue_at = doing.deadline, None


async def _step(session: AsyncSession, task: FieldTask, what: str, by: User | str, now: datetime, doing: Doing) -> FieldStep:
    task.steps += 1
    done_at = doing.done_at if doing.done_at is not None and doing.done_at <= now + SLOW_CLOCK else now
    fix = doing.fix
    step = FieldStep(
        task_id=task.id,
        number=task.steps,
        at=now,
        done_at=min(max(done_at, task.created_at), now),
        by_id="" if isinstance(by, str) else by.id,
        by_name=by if isinstance(by, str) else by.name,
        act=what,
        state=task.state,
        text=doing.text.strip(),
        latitude=fix.latitude if fix is not None else None,
        longitude=fix.longitude if fix is not None else None,
        accuracy_m=fix.accuracy_m if fix is not None else None,
        key=doing.key or None,
    )
    session.add(step)
    await session.flush()
    return step


async def _asking(session: AsyncSession, by: User, task: FieldTask | None) -> Asking:
    member = await session.get(TeamMember, by.id) if by.role == tasks.FIELD else None
    mine = member is not None and task is not None and member.team_id == task.team_id
    return Asking(by.role, mine, mine and member is not None and member.leads)


async def _before(session: AsyncSession, by: User, key: str) -> FieldStep | None:
    found: FieldStep | None = await session.scalar(select(FieldStep).where(FieldStep.by_id == by.id, FieldStep.key == key))
    return found


async def _check_doing(session: AsyncSession, task: FieldTask, what: str, doing: Doing, by: User, now: datetime) -> None:
    found: list[FieldError] = []
    text = doing.text.strip()
    if what in REASONED and not text:
        found.append(("text", "task_reason_missing", {}))
    if len(text) > LONGEST_REPORT:
        found.append(("text", "too_long", {"most": LONGEST_REPORT}))
    if what == "report":
        if not text and not doing.files:
            found.append(("text", "task_report_empty", {}))
        found.extend(await _files_missing(session, task, doing, by))
    if what == "reassign":
        found.extend(await _receiver(session, doing.team_id, doing.user_id))
    if doing.deadline is not None and doing.deadline <= now:
        found.append(("deadline", "task_deadline_past", {}))
    if found:
        raise ValidationFailed(found)


async def _files_missing(session: AsyncSession, task: FieldTask, doing: Doing, by: User) -> list[FieldError]:
    """The files of a report are whole, of this task, from the one who reports, and in no other report."""
    if len(doing.files) > MOST_FILES:
        return [("files", "task_files_many", {"most": MOST_FILES})]
    mine = (FieldFile.task_id == task.id, FieldFile.by_id == by.id, FieldFile.purpose == "report", FieldFile.step.is_(None))
    wanted = select(func.count()).where(*mine, FieldFile.whole_at.is_not(None), FieldFile.id.in_(doing.files))
    there = await session.scalar(wanted)
    return [] if there == len(set(doing.files)) else [("files", "task_files_missing", {})]


async def _receiver(session: AsyncSession, team_id: str, user_id: str) -> list[FieldError]:
    if not team_id:
        return [("team_id", "required", {})]
    team = await session.get(Team, team_id)
    if team is None or not team.active:
        return [("team_id", "team_unknown", {})]
    if user_id:
        member = await session.get(TeamMember, user_id)
        if member is None or member.team_id != team_id:
            return [("user_id", "task_person_elsewhere", {})]
    return []


async def _check(session: AsyncSession, wanted: TaskDraft, now: datetime) -> Case | None:
    found: list[FieldError] = [(name, "required", {}) for name in ("title", "place") if not tidy(getattr(wanted, name))]
    found += [(name, "too_long", {"most": most}) for name, most in LONGEST.items() if len(getattr(wanted, name).strip()) > most]
    found += await _receiver(session, wanted.team_id, wanted.user_id)
    if wanted.deadline is None:
        found.append(("deadline", "required", {}))
    elif wanted.deadline <= now:
        found.append(("deadline", "task_deadline_past", {}))
    if not is_place(wanted.latitude, wanted.longitude):
        found.append(("coordinates", "coordinates_shape", {}))
    number = tidy(wanted.case_number)
    case: Case | None = await session.scalar(select(Case).where(Case.number == number)) if number else None
    if number and case is None and len(number) <= LONGEST["case_number"]:
        found.append(("case_number", "case_unknown", {"number": number}))
    if found:
        raise ValidationFailed(found)
    return case


def is_place(latitude: float | None, longitude: float | None) -> bool:
    """Whether both are degrees, or neither is there."""
    if latitude is None or longitude is None:
        return latitude is None and longitude is None
    return -90 <= latitude <= 90 and -180 <= longitude <= 180


async def _fresh(db: Database, task_id: str) -> FieldTask:
    async with db.reader() as session:
        return await session.get_one(FieldTask, task_id)


async def _write(session: AsyncSession, by: User | str, what: str, task: FieldTask, now: datetime) -> None:
    detail = {"task": task.id, "number": task.number, "state": task.state, "team": task.team_id, "step": task.steps}
    await audit.write(session, by, AUDITED[what], f"{task.number} {task.title}", detail=detail, now=now)


AUDITED = {
    "draft": "task_drafted",
    "send": "task_sent",
    "sign": "task_signed",
    "arrive": "task_on_site",
    "report": "task_reported",
    "hand_back": "task_handed_back",
    "close": "task_closed",
    "return": "task_returned",
    "urge": "task_urged",
    "reassign": "task_reassigned",
    "cancel": "task_cancelled",
    "overdue": "task_overdue",
}
"""Act → word of the audit log."""
