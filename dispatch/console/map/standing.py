"""Reads from the database what stands on the map: sites and their rooms, people's last positions, open tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch.console.field import positions
from dispatch.console.map.coordinates import Place
from dispatch.console.map.scene import OPEN_TASKS, PersonAt, RoomAt, SiteAt, TaskAt
from dispatch.store.field_tables import FieldTask
from dispatch.store.tables import CourtSite, Resource

if TYPE_CHECKING:
    from dispatch.store.database import Database


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


async def people(db: Database, *, english: bool) -> list[PersonAt]:
    """Everybody of an active team who has a last position."""
    return [
        PersonAt(
            id=each.user_id,
            name=each.name,
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


def place(latitude: float | None, longitude: float | None) -> Place | None:
    """The place of two columns that may be empty."""
    return None if latitude is None or longitude is None else Place(latitude, longitude)
