"""The demonstration's catalogue: its sites, what its rooms offer, equipment, a detention house, this year's calendar. All made up."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch.booking.catalogue import loaded_days, resources
from dispatch.booking.catalogue.calendar_days import published_years
from dispatch.booking.catalogue.details import Details
from dispatch.booking.catalogue.features import known
from dispatch.booking.catalogue.resources import ResourceDraft
from dispatch.booking.catalogue.sites import site_named
from dispatch.store.resources import MEANS
from dispatch.store.tables import CalendarDay, CourtSite, Resource, User

if TYPE_CHECKING:
    from dispatch.store.database import Database

COURT, HOUSE = "云河区", "云河区看守所"
SITES = (
    (COURT, "Yunhe District", "京州市云河区法院路 18 号", None, (39.9081, 116.6432)),
    (HOUSE, "Yunhe Detention House", "京州市云河区北河沿路 3 号",
     {day: ["08:30-11:30", "14:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
     (39.9317, 116.6712)),
)  # fmt: skip
"""Name, the same in English, address, weekly hours, place on the map (WGS-84)."""
FEATURES = {
    "第一法庭": (
        "panorama_camera",
        "document_camera",
        "evidence_screen",
        "synchronous_recording",
        "deliberation_room",
        "wheelchair_access",
    ),
    "第二法庭": ("document_camera", "evidence_screen", "synchronous_recording"),
    "远程接访室": ("document_camera", "record_printer", "wheelchair_access"),
    "公开听证室": ("panorama_camera", "evidence_screen", "broadcast", "hearing_loop", "wheelchair_access"),
    "圆桌会议室": ("evidence_screen", "interpreter_channel"),
    "远程提讯室": ("synchronous_recording", "record_printer", "fingerprint_signature"),
}
EQUIPMENT = (
    ("移动实物展台", "Mobile document camera", ("document_camera",)),
    ("移动远程终端", "Mobile terminal", ("panorama_camera",)),
    ("同声传译设备", "Interpreting equipment", ("interpreter_channel",)),
)
PEOPLE = (
    ("interpreter", "维吾尔语翻译 阿依努尔", "Uyghur interpreter Aynur"),
    ("interpreter", "手语翻译 程静", "Sign-language interpreter Cheng Jing"),
    ("police", "法警 高磊", "Judicial police officer Gao Lei"),
    ("police", "法警 许婷", "Judicial police officer Xu Ting"),
)
"""Who is booked by name and has no account: kind, name, in English."""
SLOTS = 2


async def furnish(db: Database, by: User, now: datetime) -> None:
    """Add what is not there yet; what somebody changed since stays as he left it."""
    async with db.reader() as session:
        present = set(await session.scalars(select(Resource.name).where(Resource.kind.in_(MEANS))))
        sites = set(await session.scalars(select(CourtSite.name).where(CourtSite.address != "")))
        days = await session.scalar(select(CalendarDay.day).limit(1))
    if COURT not in sites:
        await _sites_and_features(db)
    async with db.reader() as session:
        ids = {name: own for own, name in await session.execute(select(CourtSite.id, CourtSite.name))}
    for name, name_en, features in EQUIPMENT:
        if name not in present:
            draft = ResourceDraft(name, name_en, ids[COURT], details=Details(before_minutes=15, after_minutes=15, features=features))
            await resources.add_resources(db, "equipment", draft, by, now)
    for kind, name, name_en in PEOPLE:
        if name not in present:
            await resources.add_resources(db, kind, ResourceDraft(name, name_en, ids[COURT]), by, now)
    if not any(name.startswith("看守所提讯席") for name in present):
        slot = ResourceDraft("看守所提讯席", "Detention house slot", ids[HOUSE])
        await resources.add_resources(db, "custody", slot, by, now, slots=SLOTS)
    if days is None and now.year in published_years():
        await loaded_days.prefill(db, now.year, by, now)


async def _sites_and_features(db: Database) -> None:
    async with db.writer() as session:
        for position, (name, name_en, address, hours, (latitude, longitude)) in enumerate(SITES):
            site = await site_named(session, name)
            if site is not None:
                site.name_en, site.address, site.hours, site.position = name_en, address, hours, position
                site.latitude, site.longitude = latitude, longitude
        for room in await session.scalars(select(Resource).where(Resource.kind == "room", Resource.name.in_(FEATURES))):
            room.features = known(FEATURES[room.name])
