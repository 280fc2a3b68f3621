"""Reads what a report is made of: the use of rooms, sittings, what their logs tell, alerts of the site, and tasks of teams."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from dispatch.booking import use
from dispatch.booking.days import bounds
from dispatch.booking.use import Statistics
from dispatch.console.reports.figures import Held, Step
from dispatch.console.reports.incidents import Answer, Incidents, incidents
from dispatch.console.reports.period import Period
from dispatch.store.alert_tables import Alert
from dispatch.store.field_tables import FieldTask
from dispatch.store.tables import Booking, Hold, Resource, Sitting

if TYPE_CHECKING:
    from dispatch.store.database import Database
    from rooms.log import Row

ReadLog = Callable[[str], Awaitable[Sequence["Row"]]]


@dataclass(frozen=True, slots=True)
class Report:
    """Of one period and one site, or of all. `alerts`: those of the site and of no sitting; they and `tasks` belong to no single site and
    are in the report of all alone."""

    period: Period
    use: Statistics
    sittings: Sequence[Held]
    alerts: Sequence[Answer]
    tasks: Sequence[Step]

    @property
    def all_alerts(self) -> list[Answer]:
        """Those of the sittings too."""
        return [*self.alerts, *(alert for each in self.sittings for alert in each.incidents.alerts)]

    @property
    def days(self) -> list[date]:
        """Every day of the period."""
        return [self.period.first + timedelta(days=number) for number in range((self.period.last - self.period.first).days + 1)]


class Logs:
    """What the logs tell of sittings. One that is over is read once; `MOST` are remembered."""

    MOST = 5000

    def __init__(self, read: ReadLog) -> None:
        self._read = read
        self._known: OrderedDict[tuple[str, int], Incidents] = OrderedDict()

    async def of(self, sitting: str, log_seq: int) -> Incidents:
        """`log_seq`: how far the sitting's log had come when its row was read."""
        found = self._known.get((sitting, log_seq))
        if found is None:
            found = self._known[sitting, log_seq] = incidents(await self._read(sitting))
            if len(self._known) > self.MOST:
                self._known.popitem(last=False)
        return found


async def report(db: Database, logs: Logs, period: Period, now: datetime, *, site_id: str = "") -> Report:
    """All of it. Raises ValidationFailed as :func:`dispatch.booking.use.statistics` does."""
    statistics = await use.statistics(db, period.first, period.last, now, site_id=site_id)
    begin, end = bounds(period.first, db.site.zone)[0], bounds(period.last, db.site.zone)[1]
    rows = (
        select(
            *(Sitting.id, Sitting.kind, Sitting.status, Sitting.starts_at, Sitting.ends_at, Sitting.opened_at, Sitting.closed_at),
            Sitting.log_seq,
        )
        .where(Sitting.starts_at >= begin, Sitting.starts_at < end)
        .order_by(Sitting.starts_at, Sitting.id)
    )
    if site_id:
        first_room = select(Booking.sitting_id).join(Hold, Hold.booking_id == Booking.id).join(Resource, Resource.id == Hold.resource_id)
        rows = rows.where(Sitting.id.in_(first_room.where(Hold.position == 0, Resource.site_id == site_id)))
    async with db.reader() as session:
        found = list((await session.execute(rows)).all())
        raised = select(Alert).where(Alert.raised_at >= begin, Alert.raised_at < end).order_by(Alert.raised_at, Alert.id)
        alerts = list(await session.scalars(raised))
        sent = select(FieldTask).where(FieldTask.sent_at >= begin, FieldTask.sent_at < end).order_by(FieldTask.sent_at, FieldTask.id)
        tasks = [] if site_id else list(await session.scalars(sent))
    told_of: dict[str, list[Alert]] = {}
    for alert in alerts:
        told_of.setdefault(alert.sitting, []).append(alert)
    sittings = [await _held(row, db, logs, told_of.get(row.id, [])) for row in found]
    of_the_site = [] if site_id else [_answer(alert) for alert in told_of.get("", [])]
    return Report(period, statistics, sittings, of_the_site, [_step(task, now) for task in tasks])


async def _held(row: Any, db: Database, logs: Logs, told: Sequence[Alert]) -> Held:
    found = await logs.of(row.id, row.log_seq) if row.opened_at is not None or row.log_seq else Incidents()
    in_log = {alert.code for alert in found.alerts}
    more = tuple(_answer(alert) for alert in told if alert.code not in in_log)
    return Held(
        day=row.starts_at.astimezone(db.site.zone).date(),
        kind=row.kind,
        status=row.status,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        incidents=Incidents(found.disconnections, found.alerts + more),
    )


def _answer(alert: Alert) -> Answer:
    return Answer(alert.code, alert.severity, _seconds(alert.raised_at, alert.acknowledged_at), _seconds(alert.raised_at, alert.ended_at))


def _step(task: FieldTask, now: datetime) -> Step:
    done = task.reported_at or task.ended_at or now
    signed, arrived, reported, ended = (
        _seconds(task.sent_at, at) for at in (task.signed_at, task.arrived_at, task.reported_at, task.ended_at)
    )
    return Step(task.team.name, signed, arrived, reported, ended, late=done > task.deadline, team_en=task.team.name_en)


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    return (end - begin).total_seconds() if begin is not None and end is not None else None
