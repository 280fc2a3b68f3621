"""Tasks as they are looked at: lists with filters, one with its steps and files, and figures of each team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, cast

from sqlalchemy import Select, and_, func, or_, select

from dispatch.console.field import tasks
from dispatch.console.field.tasks import OUT, OVER, Asking, State
from dispatch.errors import NotFound
from dispatch.store.field_tables import FieldFile, FieldStep, FieldTask, Team, TeamMember
from dispatch.store.tables import Case

if TYPE_CHECKING:
    from dispatch.store.database import Database
    from dispatch.store.tables import User

PAGE = 50
SHOWN_AFTERWARDS = timedelta(days=7)
"""So long a phone shows what is over."""
FIGURES_OF = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tasks: of one team, in one of `states`, overdue ones alone, of a case, or with a text in title, place or number."""

    team_id: str = ""
    states: tuple[str, ...] = ()
    overdue: bool = False
    case_number: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Whole:
    """A task with its steps, oldest first, and the files that are whole."""

    task: FieldTask
    steps: tuple[FieldStep, ...]
    files: tuple[FieldFile, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """How a team does: tasks that are out, overdue, wait to be checked, and closed in the last 90 days; median seconds from sending to
    signing, and from signing to reporting, None where there are none."""

    out: int
    overdue: int
    reported: int
    closed: int
    to_sign_s: float | None
    to_report_s: float | None


def visible(user: User, member: TeamMember | None) -> Select[FieldTask]:
    """The tasks that there are for somebody: all for the centre, for people in the field those of their team once they were sent."""
    wanted = select(FieldTask)
    if user.role != tasks.FIELD:
        return wanted
    return wanted.where(FieldTask.team_id == (member.team_id if member is not None else ""), FieldTask.state != "drafted")


def _narrowed(wanted: Select[FieldTask], only: Filter, now: datetime) -> Select[FieldTask]:
    if only.team_id:
        wanted = wanted.where(FieldTask.team_id == only.team_id)
    if only.states:
        wanted = wanted.where(FieldTask.state.in_(only.states))
    if only.overdue:
        wanted = wanted.where(FieldTask.state.in_(OUT), FieldTask.deadline < now)
    if only.case_number:
        wanted = wanted.where(FieldTask.case_id.in_(select(Case.id).where(Case.number == only.case_number)))
    if only.text:
        year, _, running = only.text.partition("-")
        found = [column.contains(only.text, autoescape=True) for column in (FieldTask.title, FieldTask.place)]
        if year.isdecimal() and running.isdecimal() and len(only.text) < 12:
            found.append(and_(FieldTask.year == int(year), FieldTask.running == int(running)))
        wanted = wanted.where(or_(*found))
    return wanted


async def listed(
    db: Database, user: User, only: Filter, now: datetime, after: tuple[datetime, str] | None = None, size: int = PAGE
) -> tuple[list[FieldTask], bool]:
    """At most `size` tasks, those made last first, behind (when, id) where the page before ended; and whether there are more."""
    async with db.reader() as session:
        wanted = _narrowed(visible(user, await session.get(TeamMember, user.id)), only, now)
        if after is not None:
            at, last = after
            wanted = wanted.where(or_(FieldTask.created_at < at, and_(FieldTask.created_at == at, FieldTask.id < last)))
        found = list(await session.scalars(wanted.order_by(FieldTask.created_at.desc(), FieldTask.id.desc()).limit(size + 1)))
    return found[:size], len(found) > size


async def by_urgency(db: Database, user: User, only: Filter, now: datetime, size: int = 200) -> tuple[list[FieldTask], bool]:
    """What needs somebody first: overdue, then reported, then by deadline; what is over last, the newest of it first."""
    async with db.reader() as session:
        wanted = _narrowed(visible(user, await session.get(TeamMember, user.id)), only, now)
        going = list(await session.scalars(wanted.where(FieldTask.state.not_in(OVER)).order_by(FieldTask.deadline).limit(size + 1)))
        over = list(await session.scalars(wanted.where(FieldTask.state.in_(OVER)).order_by(FieldTask.ended_at.desc()).limit(size + 1)))

    def place(task: FieldTask) -> int:
        state = cast("State", task.state)
        return 0 if tasks.is_overdue(state, task.deadline, now) else 1 if state == "reported" else 3 if state == "drafted" else 2

    found = [*sorted(going, key=place), *over]
    return found[:size], len(found) > size


async def mine(db: Database, user: User, now: datetime) -> list[Whole]:
    """What a phone shows: what the team has to do, by deadline, and what was over in the last days."""
    async with db.reader() as session:
        member = await session.get(TeamMember, user.id)
        wanted = visible(user, member).where(or_(FieldTask.state.not_in(OVER), FieldTask.ended_at > now - SHOWN_AFTERWARDS))
        found = list(await session.scalars(wanted.order_by(FieldTask.deadline).limit(100)))
        ids = [task.id for task in found]
        steps = list(await session.scalars(select(FieldStep).where(FieldStep.task_id.in_(ids)).order_by(FieldStep.number)))
        files = list(await session.scalars(_whole_files(ids)))
    return [_together(task, steps, files) for task in found]


async def get(db: Database, user: User, task_id: str) -> Whole:
    """One task. Raises NotFound("task_unknown"), also where it is there but not for `user`."""
    async with db.reader() as session:
        task = await session.get(FieldTask, task_id)
        member = await session.get(TeamMember, user.id)
        if task is None or not tasks.sees(asking(user, member, task), cast("State", task.state)):
            raise NotFound("task_unknown")
        steps = list(await session.scalars(select(FieldStep).where(FieldStep.task_id == task_id).order_by(FieldStep.number)))
        files = list(await session.scalars(_whole_files([task_id])))
    return _together(task, steps, files)


def asking(user: User, member: TeamMember | None, task: FieldTask) -> Asking:
    """What somebody is to the team of a task."""
    of_team = user.role == tasks.FIELD and member is not None and member.team_id == task.team_id
    return Asking(user.role, of_team, of_team and member is not None and member.leads)


def offered(user: User, member: TeamMember | None, task: FieldTask) -> tuple[tasks.Act, ...]:
    """What somebody can do with a task now."""
    who = asking(user, member, task)
    return tasks.offered(cast("State", task.state), who, for_one=task.user_id is not None, for_him=task.user_id == user.id)


def _whole_files(ids: Sequence[str]) -> Select[FieldFile]:
    wanted = select(FieldFile).where(FieldFile.task_id.in_(ids), FieldFile.whole_at.is_not(None))
    return wanted.where(or_(FieldFile.purpose == "material", FieldFile.step.is_not(None))).order_by(FieldFile.created_at, FieldFile.id)


def _together(task: FieldTask, steps: list[FieldStep], files: list[FieldFile]) -> Whole:
    return Whole(task, tuple(step for step in steps if step.task_id == task.id), tuple(file for file in files if file.task_id == task.id))


async def figures(db: Database, now: datetime) -> dict[str, Figures]:
    """Of each team, by its id."""
    wanted = select(FieldTask.team_id, FieldTask.state, FieldTask.deadline, FieldTask.sent_at, FieldTask.signed_at, FieldTask.reported_at)
    recent = wanted.where(or_(FieldTask.state.not_in(OVER), FieldTask.ended_at > now - FIGURES_OF))
    async with db.reader() as session:
        rows = (await session.execute(recent)).all()
        ids = list(await session.scalars(select(Team.id)))
    found = {}
    for team_id in ids:
        own = [row for row in rows if row.team_id == team_id]
        to_sign = [(row.signed_at - row.sent_at).total_seconds() for row in own if row.signed_at and row.sent_at]
        to_report = [(row.reported_at - row.signed_at).total_seconds() for row in own if row.reported_at and row.signed_at]
        found[team_id] = Figures(
            out=sum(row.state in OUT for row in own),
            overdue=sum(tasks.is_overdue(row.state, row.deadline, now) for row in own),
            reported=sum(row.state == "reported" for row in own),
            closed=sum(row.state == "closed" for row in own),
            to_sign_s=median(to_sign) if to_sign else None,
            to_report_s=median(to_report) if to_report else None,
        )
    return found


async def counts(db: Database, now: datetime) -> dict[str, int]:
    """How many tasks are in each state, and under "overdue" how many of those that are out are so."""
    async with db.reader() as session:
        rows = await session.execute(select(FieldTask.state, func.count().label("number")).group_by(FieldTask.state))
        found = dict.fromkeys(tasks.STATES, 0) | {row.state: row.number for row in rows}
        late = select(func.count()).where(FieldTask.state.in_(OUT), FieldTask.deadline < now)
        return found | {"overdue": await session.scalar(late) or 0}
