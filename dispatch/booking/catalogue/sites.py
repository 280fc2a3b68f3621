"""Sites: the court's buildings, and places outside of it that have rooms, equipment or cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from dispatch import audit
from dispatch.booking import holds, orders
from dispatch.booking.catalogue.details import LAST_POSITION, hours_problems, kept_hours
from dispatch.errors import FieldError, NotFound, Refused, ValidationFailed
from dispatch.store.tables import CourtSite, Resource, User, new_id
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

LONGEST_NAME = 80
LONGEST_ADDRESS = 200
LONGEST_ZONE = 64


@dataclass(frozen=True, slots=True)
class SiteDraft:
    """A site as typed. `zone`: whose clock its hours are by (Europe/Berlin), empty for the court's. `hours`: None for the court's."""

    name: str
    name_en: str = ""
    address: str = ""
    zone: str = ""
    hours: Mapping[str, Any] | None = None
    position: int = 0
    active: bool = True
    latitude: float | None = None
    """degrees in WGS-84; None, like its longitude, where it is not known. What is no number is refused like a place beyond the poles"""
    longitude: float | None = None


async def list_sites(db: Database) -> list[CourtSite]:
    """All sites, in their order."""
    async with db.reader() as session:
        return list(await session.scalars(select(CourtSite).order_by(CourtSite.position, CourtSite.name, CourtSite.id)))


async def get_site(db: Database, site_id: str) -> CourtSite:
    """Raises NotFound("site_unknown")."""
    async with db.reader() as session:
        return await _get(session, site_id)


async def add_site(db: Database, draft: SiteDraft, by: User, now: datetime, order: orders.Order | None = None) -> CourtSite:
    """Add a site. An `order` that was carried out before gives what it made, as it is now. Raises ValidationFailed with every bad field,
    or UserError("key_reused")."""
    async with db.writer() as session:
        if made := await orders.made_before(session, order, now):
            return await _get(session, made)
        await _check(session, draft)
        site = CourtSite(id=new_id())
        _write(site, draft)
        session.add(site)
        await session.flush()
        await orders.keep_made(session, order, site.id, now)
        await audit.write(session, by, "site_added", site.name, detail={"site": site.id}, now=now)
    return site


async def change_site(db: Database, site_id: str, change: Callable[[CourtSite], SiteDraft], by: User, now: datetime) -> CourtSite:
    """Change a site; `change` is asked inside the transaction, with the site as it is, what it is to be.

    Raises NotFound, ValidationFailed with every bad field, or Refused("site_in_use") when it is to be taken out of use while something
    that can be booked is there.
    """
    async with db.writer() as session:
        site = await _get(session, site_id)
        draft = change(site)
        await _check(session, draft, site.id)
        there = list(await session.scalars(select(Resource).where(Resource.site_id == site.id)))
        if site.active and not draft.active and (used := [each.name for each in there if each.active]):
            raise Refused("site_in_use", "active", name=used[0], count=len(used))
        _write(site, draft)
        await session.flush()
        await holds.changed(session, {each.id for each in there})
        await audit.write(session, by, "site_changed", site.name, detail={"site": site.id, "active": site.active}, now=now)
    return site


def draft_of(site: CourtSite) -> SiteDraft:
    """The draft that changes nothing."""
    own = (site.name, site.name_en, site.address, site.zone or "", site.hours, site.position, site.active)
    return SiteDraft(*own, site.latitude, site.longitude)


def problems(draft: SiteDraft) -> Iterator[FieldError]:
    """Every bad field of the draft that shows without looking at the database."""
    if not tidy(draft.name):
        yield ("name", "required", {})
    for field, text, most in (
        ("name", draft.name, LONGEST_NAME),
        ("name_en", draft.name_en, LONGEST_NAME),
        ("address", draft.address, LONGEST_ADDRESS),
    ):
        if len(tidy(text)) > most:
            yield (field, "too_long", {"most": most})
    if draft.zone and not _is_zone(draft.zone):
        yield ("zone", "zone_unknown", {"zone": draft.zone[:LONGEST_ZONE]})
    if not 0 <= draft.position <= LAST_POSITION:
        yield ("position", "out_of_range", {"least": 0, "most": LAST_POSITION})
    yield from hours_problems(draft.hours)
    yield from _place_problems(draft.latitude, draft.longitude)


def _place_problems(latitude: float | None, longitude: float | None) -> Iterator[FieldError]:
    for field, value, most in (("latitude", latitude, 90), ("longitude", longitude, 180)):
        if value is not None and not -most <= value <= most:
            yield (field, "coordinate_wrong", {"least": -most, "most": most})
    if latitude is None and longitude is not None:
        yield ("latitude", "required", {})
    if longitude is None and latitude is not None:
        yield ("longitude", "required", {})


def _is_zone(name: str) -> bool:
    if len(name) > LONGEST_ZONE:
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


async def _check(session: AsyncSession, draft: SiteDraft, own: str = "") -> None:
    found = list(problems(draft))
    if await session.scalar(select(CourtSite.id).where(CourtSite.name == tidy(draft.name), CourtSite.id != own)):
        found.append(("name", "site_name_taken", {"name": tidy(draft.name)}))
    if found:
        raise ValidationFailed(found)


async def _get(session: AsyncSession, site_id: str) -> CourtSite:
    site = await session.get(CourtSite, site_id)
    if site is None:
        raise NotFound("site_unknown")
    return site


def _write(site: CourtSite, draft: SiteDraft) -> None:
    site.name, site.name_en, site.address = tidy(draft.name), tidy(draft.name_en), tidy(draft.address)
    site.zone, site.hours = draft.zone or None, kept_hours(draft.hours)
    site.position, site.active = draft.position, draft.active
    site.latitude, site.longitude = draft.latitude, draft.longitude


async def site_named(session: AsyncSession, name: str) -> CourtSite | None:
    """Inside a transaction: the site of that name, made where there is none; None where no name is given."""
    if not name:
        return None
    found: CourtSite | None = await session.scalar(select(CourtSite).where(CourtSite.name == name))
    if found is None:
        found = CourtSite(id=new_id(), name=name)
        session.add(found)
        await session.flush()
    return found
