"""How much space recordings have and how long it will last: looked at every hour, one row a day is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import delete, func, select

from dispatch import audit
from dispatch.console.alerts.raising import end_alert, raise_alert
from dispatch.store.archive_tables import Recording
from dispatch.store.database import Database
from dispatch.store.site import Site
from dispatch.store.tables import Sitting, utc_now
from dispatch.store.vault_tables import SpaceSample
from dispatch.vault import site as site_vault
from rooms.vault.forecast import Forecast, Sample, forecast
from rooms.vault.store import Space, StoreUnavailable
from rooms.vault.vault import Vault

if TYPE_CHECKING:
    from dispatch.settings import Settings

log = structlog.get_logger("vault")

EVERY_S = 3600.0
KEPT = timedelta(days=400)
SHOWN = timedelta(days=42)
"""The weeks that growth is reckoned by."""
HORIZON = timedelta(days=30)
"""Bookings so far ahead are reckoned."""
FIRST_GUESS = 25e6
"""Bytes of a recorded minute where none was recorded yet: two people with 720p and sound, and the film of them."""
SYSTEM = "system"
SHORT = "space_short"
"""The alert; its subject is the place."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Of one place: its days in order, and what follows of them."""

    place: str
    where: str
    samples: tuple[Sample, ...]
    forecast: Forecast


def measured(vault: Vault) -> dict[str, Space]:
    """What the disks have now; a store that lies on the disk of the recordings is not counted twice, one that tells nothing not at all.
    Blocks. Raises StoreUnavailable, OSError."""
    vault.recordings.mkdir(parents=True, exist_ok=True)
    found = {"recordings": Space.of(vault.recordings)}
    space = vault.store.space() if vault.store is not None else None
    if space is not None and space.device != found["recordings"].device:
        found["store"] = space
    return found


async def note(db: Database, spaces: Mapping[str, Space], now: datetime) -> None:
    """Keep the day's figures, in place of earlier ones of the day."""
    day = now.astimezone(db.site.zone).date().isoformat()
    async with db.writer() as session:
        for place, space in spaces.items():
            await session.merge(SpaceSample(place=place, day=day, at=now, total=space.total, free=space.free))
        await session.execute(delete(SpaceSample).where(SpaceSample.at < now - KEPT))


async def outlooks(db: Database, vault: Vault, now: datetime) -> list[Outlook]:
    """Of every place that has figures."""
    async with db.reader() as session:
        rows = list(await session.scalars(select(SpaceSample).where(SpaceSample.at >= now - SHOWN).order_by(SpaceSample.at)))
        taken = select(func.sum(Recording.bytes), func.sum(Recording.seconds)).where(Recording.seconds > 0)
        size, seconds = (await session.execute(taken)).one()
        ahead = select(Sitting.starts_at, Sitting.ends_at).where(
            Sitting.status == "planned", Sitting.starts_at >= now, Sitting.starts_at < now + HORIZON
        )
        minutes = sum((end - start).total_seconds() / 60 for start, end in (await session.execute(ahead)).all())
    per_minute = size / seconds * 60 if seconds else FIRST_GUESS
    found = []
    for place, where in (("recordings", str(vault.recordings)), ("store", str(vault.store))):
        samples = tuple(Sample(_days(row.at), row.total, row.free) for row in rows if row.place == place)
        if samples:
            found.append(Outlook(place, where, samples, forecast(samples, minutes, per_minute, HORIZON.days)))
    return found


def _days(at: datetime) -> float:
    return at.timestamp() / 86_400


def day_of(sample: Sample, zone: object) -> date:
    """The date of a sample."""
    return datetime.fromtimestamp(sample.day * 86_400, zone).date()  # type: ignore[arg-type]


def is_short(outlook: Outlook, least_days: float) -> bool:
    """Whether operators are to be warned."""
    days = outlook.forecast.days
    return outlook.forecast.is_short or (days is not None and days < least_days)


class Watch:
    """Measures, keeps, and warns: in the audit log, once, until it is over, and by an alert that lasts as long as it does."""

    def __init__(self, db: Database, vault: Vault, least_days: int, clock: Callable[[], datetime] = utc_now) -> None:
        self._db = db
        self._vault = vault
        self._least_days = least_days
        self._clock = clock
        self._short: set[str] = set()

    async def work(self) -> None:
        """Once. Raises OSError where the disk of the recordings cannot be asked."""
        now = self._clock()
        try:
            spaces = await asyncio.to_thread(measured, self._vault)
        except StoreUnavailable as error:
            log.warning("store_unavailable", why=str(error))
            return
        await note(self._db, spaces, now)
        for outlook in await outlooks(self._db, self._vault, now):
            days = outlook.forecast.days
            if not is_short(outlook, self._least_days):
                self._short.discard(outlook.place)
                await end_alert(self._db, SHORT, subject=outlook.place, now=now)
                continue
            told = {"where": outlook.where, "days": round(days or 0)}
            await raise_alert(self._db, SHORT, "warning", subject=outlook.place, data=told, now=now)
            if outlook.place not in self._short:
                self._short.add(outlook.place)
                about = {"days": round(days or 0), "free": outlook.forecast.free, "booked": outlook.forecast.booked}
                log.warning("space_short", place=outlook.where, **about)
                await audit.record(self._db, SYSTEM, "space_short", outlook.where[-80:], result="failed", detail=about)


async def run(settings: Settings) -> None:
    """Until cancelled. Raises DatabaseUnavailable."""
    db = await Database.connect(settings.database, Site.of(settings))
    watch = Watch(db, site_vault.of(settings), settings.space_days)
    try:
        while True:
            try:
                await watch.work()
            except Exception:  # a database that is busy must not end it
                log.exception("space_failed")
            await asyncio.sleep(EVERY_S)
    finally:
        await db.close()
