"""Reads from the database what stands on the map: sites and their rooms, people's last positions, open tasks, reports."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from dispatch.console.field import positions
from dispatch.console.map.coordinates import Place
from dispatch.console.map.scene import OPEN_TASKS, REPORTS_STAY, FileAt, PersonAt, ReportAt, RoomAt, SiteAt, TaskAt
from dispatch.store.field_tables import FieldFile, FieldStep, FieldTask
from dispatch.store.tables import CourtSite, Resource

if TYPE_CHECKING:
    from dispatch.store.database import Database

MOST_REPORTS = 100


async def sites(db: Database, *, english: bool) -> list[SiteAt]:
    """Every site in use, with the rooms in use there, in their order."""
    async with db.reader() as session:
        found = list(await session.scalars(select(CourtSite).where(CourtSite.active).order_by(CourtSite.position, CourtSite.name)))
        wanted = select(Resource).where(Resource.kind == "room", Resource.active).order_by(Resource.position, Resource.name)
        rooms = list(await session.scalars(wanted))
    by_site: dict[str | None, list[RoomAt]] = {}
    for room in rooms:
        by_site.setdefault(room.site_id, []).append(RoomAt(room.id, (english and room.name_en) or room.name))
    return [
        SiteAt(
            id=site.id,
            name=(english and site.name_en) or site.name,
            address=site.address,
            place=place(site.latitude, site.longitude),
            rooms=tuple(by_site.get(site.id, ())),
        )
        for site in found
    ]


async def people(db: Database, *, english: bool, phones: bool) -> list[PersonAt]:
    """Everybody of an active team who has a last position; with `phones` the number at which he is called."""
    return [
        PersonAt(
            id=each.user_id,
            name=each.name,
            phone=each.phone if phones else "",
            team_id=each.team_id,
            team=(english and each.team_en) or each.team,
            place=Place(each.latitude, each.longitude),
            accuracy_m=each.accuracy_m,
            at=each.at,
        )
        for each in await positions.latest(db)
    ]


async def tasks(db: Database, *, english: bool) -> list[TaskAt]:
    """Every task that is not closed."""
    wanted = select(FieldTask).where(FieldTask.state.in_(OPEN_TASKS)).order_by(FieldTask.created_at)
    async with db.reader() as session:
        found = list(await session.scalars(wanted))
    return [
        TaskAt(
            id=task.id,
            number=task.number,
            title=task.title,
            team=(english and task.team.name_en) or task.team.name,
            where=task.place,
            state=task.state,
            place=place(task.latitude, task.longitude),
            deadline=task.deadline,
        )
        for task in found
    ]


async def reports(db: Database, now: datetime, *, english: bool) -> list[ReportAt]:
    """The last report of each task that waits to be checked, or was reported in :data:`~dispatch.console.map.scene.REPORTS_STAY`."""
    recent = or_(FieldTask.state == "reported", FieldTask.reported_at > now - REPORTS_STAY)
    wanted = select(FieldTask).where(recent, FieldTask.state != "cancelled").order_by(FieldTask.reported_at.desc()).limit(MOST_REPORTS)
    async with db.reader() as session:
        found = list(await session.scalars(wanted))
        of_them = FieldStep.task_id.in_([task.id for task in found])
        reported = select(FieldStep).where(of_them, FieldStep.act == "report").order_by(FieldStep.number)
        last = {step.task_id: step for step in await session.scalars(reported)}
        whole = select(FieldFile).where(FieldFile.task_id.in_(last), FieldFile.purpose == "report", FieldFile.whole_at.is_not(None))
        brought: dict[tuple[str, int | None], list[FileAt]] = {}
        for file in await session.scalars(whole.order_by(FieldFile.created_at, FieldFile.id)):
            brought.setdefault((file.task_id, file.step), []).append(FileAt(file.id, file.name, file.media_type))
    return [
        ReportAt(
            task_id=task.id,
            number=task.number,
            title=task.title,
            team=(english and task.team.name_en) or task.team.name,
            state=task.state,
            by=step.by_name,
            text=step.text,
            at=step.done_at,
            place=place(step.latitude, step.longitude),
            accuracy_m=step.accuracy_m,
            task_place=place(task.latitude, task.longitude),
            files=tuple(brought.get((task.id, step.number), ())),
        )
        for task in found
        if (step := last.get(task.id)) is not None
    ]


def place(latitude: float | None, longitude: float | None) -> Place | None:
    """The place of two columns that may be empty."""
    return None if latitude is None or longitude is None else Place(latitude, longitude)
