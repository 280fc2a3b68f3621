"""Keeps the table of alerts at what goes on: each open sitting's as :mod:`dispatch.console.alerts.watching` wants them, and those of
the site itself (its media, its disk, its clock). What is on already is known without asking the database."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Gauge

from dispatch.console.alerts import clocks, handling
from dispatch.console.alerts.raising import Severity, changed, end_alert, on_change, raise_alert
from dispatch.console.alerts.watching import Lasting, Limits, Wanted, wanted
from dispatch.store.tables import utc_now

if TYPE_CHECKING:
    from dispatch.settings import Settings
    from dispatch.store.alert_tables import Alert
    from dispatch.store.database import Database
    from rooms.hub import Hub

log = structlog.get_logger("alerts")

EVERY_S = 4.0
"""What only lasts is looked at this often; what a conference says is taken at once."""
COALESCE_S = 0.1
OPEN = Gauge("dispatch_alerts_open", "Alerts that wait for somebody", ["severity"])


class AlertKeeper:
    """Make it after the hub, and :meth:`run` it. `clock` gives now (aware)."""

    def __init__(self, db: Database, hub: Hub, settings: Settings, clock: Callable[[], datetime] = utc_now) -> None:
        self._db, self._hub, self._settings, self._clock = db, hub, settings, clock
        self._limits = Limits(
            int(settings.alert_waiting_minutes * 60e6), int(settings.alert_private_minutes * 60e6), int(settings.alert_poor_seconds * 1e6),
            int(settings.alert_overrun_minutes * 60e6),
        )  # fmt: skip
        self._grace = timedelta(seconds=settings.alert_service_seconds)  # a part that was restarted is back within this
        self._judge = clocks.Judge(settings.alert_clock_seconds, wants_source=settings.alert_clock_source)
        self._lasting: dict[str, Lasting] = {}
        self._touched: set[str] = set()
        self._woken = asyncio.Event()
        self._stale = True
        self._on: dict[tuple[str, str, str], Alert] = {}
        self._away_since: dict[str, datetime] = {}
        self._kept = set(KEPT)
        hub.on_change(self._changed)
        on_change(db, self._refresh)

    def _changed(self, sitting: str) -> None:
        self._touched.add(sitting)
        self._woken.set()

    def _refresh(self) -> None:
        self._stale = True

    async def run(self) -> None:
        """Until cancelled. What fails is logged and tried again."""
        looked = 0.0
        while True:
            now_s = asyncio.get_running_loop().time()
            everything = now_s - looked >= EVERY_S
            try:
                await self.look(everything=everything)
            except Exception:  # a database that is busy must not end it
                log.exception("alerts_failed")
                self._stale = True
            looked = now_s if everything else looked
            await asyncio.sleep(COALESCE_S)
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._woken.wait()
            except TimeoutError:
                continue
            self._woken.clear()

    async def look(self, *, everything: bool = True) -> None:
        """Bring the table to what goes on: of the sittings that changed, or of all and of the site."""
        if self._stale or everything:
            await self._read()
        touched, self._touched = self._touched, set()
        if everything:
            touched |= {sitting for sitting, _code, _subject in self._on if sitting} | set(self._hub.open_sittings())
        for sitting in touched:
            await self._sitting(sitting)
            await asyncio.sleep(0)  # a hundred sittings are looked at in turns with what else goes on
        if everything:
            await self._site()
            await handling.escalate(self._db, timedelta(minutes=self._settings.alert_escalate_minutes), self._clock())

    async def _read(self) -> None:
        """What is on. Other processes raise alerts too (what looks after recordings): those who listen here are told of them."""
        told, self._stale = self._stale, False
        former, self._on = self._on, {(alert.sitting, alert.code, alert.subject): alert for alert in await handling.on(self._db)}
        self._count()
        if not told and {alert.id for alert in former.values()} != {alert.id for alert in self._on.values()}:
            changed(self._db)
            self._stale = False

    async def _sitting(self, sitting: str) -> None:
        overview = self._hub.overview(sitting)
        now = self._clock()
        wants: dict[tuple[str, str], Wanted] = {}
        if overview is None:
            self._lasting.pop(sitting, None)
        else:
            lasting = self._lasting.setdefault(sitting, Lasting())
            wants = wanted(overview.to_json(), int(now.timestamp() * 1e6), self._limits, lasting)
        for of, code, subject in list(self._on):
            if of == sitting and (code, subject) not in wants and code in self._kept:
                await end_alert(self._db, code, sitting=sitting, subject=subject, now=now)
        for (code, subject), want in wants.items():
            self._kept.add(code)
            known = self._on.get((sitting, code, subject))
            if known is None:
                await raise_alert(self._db, code, want.severity, sitting=sitting, subject=subject, data=want.data, now=now)
            elif want.acknowledged_by is not None and known.acknowledged_at is None:
                await handling.seen_elsewhere(self._db, known.id, want.acknowledged_by, now)

    async def _site(self) -> None:
        now = self._clock()
        parts = self._hub.media_state()
        for part, up in parts.items():
            await self._hold("worker_down", part, self._long_away(part, up, now), {"part": part}, now)
        workers = self._hub.engine_workers()
        for name, worker in workers.items() if parts["engine"] and len(workers) > 1 else ():
            away = not worker["connected"] and not worker["draining"]  # one that was drained is away on purpose
            await self._hold("media_worker_down", name, self._long_away(name, not away, now), {"worker": name}, now, "warning")
        for part, disk in self._disks().items():
            free = shutil.disk_usage(disk).free / 1e9
            told = {"free": f"{free:.1f}" if free >= 1 else f"{free:.2f}", "part": part}
            await self._hold("disk_low", part, free < self._settings.alert_disk_gb, told, now)
        wrong = {each.code: each for each in self._judge.judge(await clocks.read(self._db))}
        for code in CLOCKS:
            told = {"seconds": f"{wrong[code].seconds:+.1f}"} if code in wrong else {}
            await self._hold(code, "", code in wrong, told, now, "warning")

    def _disks(self) -> dict[str, Path]:
        """Where is written, once for each file system."""
        places = {"data": self._settings.data, "recordings": self._settings.recordings}
        if self._settings.recordings_second is not None:
            places["recordings_second"] = self._settings.recordings_second
        disks: dict[int, tuple[str, Path]] = {}
        for part, place in places.items():
            with suppress(OSError):  # not made yet, or gone: the recorder says so
                disks.setdefault(place.stat().st_dev, (part, place))
        return dict(disks.values())

    def _long_away(self, part: str, up: bool, now: datetime) -> bool:
        if up:
            self._away_since.pop(part, None)
            return False
        return now - self._away_since.setdefault(part, now) >= self._grace

    async def _hold(self, code: str, subject: str, on: bool, data: dict[str, str], now: datetime, severity: Severity = "critical") -> None:
        known = ("", code, subject) in self._on
        if on and not known:
            await raise_alert(self._db, code, severity, subject=subject, data=data, now=now)
        elif known and not on:
            await end_alert(self._db, code, subject=subject, now=now)

    def _count(self) -> None:
        for severity in ("info", "warning", "critical"):
            OPEN.labels(severity).set(sum(a.severity == severity and a.closed_at is None for a in self._on.values()))


KEPT = frozenset(
    {
        "chair_missing", "private_long", "overrun", "nobody_admitted", "participant_poor", "device_failed",
        "participant_lost", "recording_failed", "recorder_lost", "recording_elsewhere", "engine_lost", "overrun_soon", "log_unwritable",
        "disobedient_client", "picture_undecodable", "departure_due", "consent_withdrawn",
    }
)  # fmt: skip
"""Codes of a sitting's alerts that are ended here, since before this process began; those of others their raisers end."""
CLOCKS = ("clock_stepped", "clock_differs", "clock_unsynchronised")
