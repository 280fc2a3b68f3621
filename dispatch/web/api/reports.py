"""The reports of the command centre, as figures."""

from __future__ import annotations

from pydantic import Field

from dispatch.booking.use import MOST_DAYS
from dispatch.console.reports.figures import Spread, answered, by_day, delays, lost, tasks
from dispatch.console.reports.period import Period
from dispatch.console.reports.reading import Report
from dispatch.errors import ValidationFailed
from dispatch.web.access import ADMINISTRATOR, OFFICER
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.use import UseView
from dispatch.web.api.values import Asked, Day, Shown
from dispatch.web.console.reports import made
from dispatch.web.request import Request, ctx


class SpreadView(Shown):
    """How some durations were distributed, seconds; null where there are none."""

    count: int
    median: float | None
    p90: float | None = Field(description="Nine of ten took no longer.")
    most: float | None

    @classmethod
    def of(cls, spread: Spread) -> SpreadView:
        """Its values."""
        return cls(count=spread.count, median=spread.median, p90=spread.p90, most=spread.most)


class DayView(Shown):
    """A day, or a month (its first day) where more than 62 days were asked for."""

    first: Day
    held: int = Field(description="Sittings that were not cancelled.")
    lost: int = Field(description="Connections that were lost in them.")
    alerts: int = Field(description="Alerts in them.")


class KindReport(Shown):
    """The sittings of a kind that were opened."""

    kind: str
    opened: int
    on_time: int = Field(description="Opened at most five minutes after the booked time.")
    late: SpreadView = Field(description="How late the others were.")
    went_on: SpreadView = Field(description="How long sittings went on past their booked end.")
    with_loss: int = Field(description="Sittings in which a connection was lost.")
    connections_lost: int
    not_back: int = Field(description="Of these, how many of whom nobody came back.")
    away: SpreadView = Field(description="How long the others were away.")


class AlertReport(Shown):
    """The alerts of a code."""

    code: str
    raised: int
    answered: SpreadView = Field(description="Time until somebody acknowledged it.")
    lasted: SpreadView = Field(description="Time until what it was about was over.")


class TaskReport(Shown):
    """The tasks that were sent to a team; times since they were sent."""

    team: str
    sent: int
    overdue: int = Field(description="Not reported by the deadline.")
    signed: SpreadView
    arrived: SpreadView
    reported: SpreadView
    ended: SpreadView


class ReportView(Shown):
    """The report of some days."""

    use: UseView
    days: list[DayView]
    kinds: list[KindReport]
    alerts: list[AlertReport]
    tasks: list[TaskReport] = Field(description="Empty where one site was asked for: tasks belong to none.")

    @classmethod
    def of(cls, found: Report) -> ReportView:
        """All figures."""
        return cls(
            use=UseView.of(found.use),
            days=[DayView(first=d.first, held=d.held, lost=d.lost, alerts=d.alerts) for d in by_day(found.sittings, found.days)],
            kinds=[_kind(found, kind) for kind in sorted({each.kind for each in found.sittings})],
            alerts=[_alert(found, code) for code in sorted({each.code for each in found.all_alerts})],
            tasks=[_team(found, team) for team in sorted({each.team for each in found.tasks})],
        )


def _kind(found: Report, kind: str) -> KindReport:
    sittings = [each for each in found.sittings if each.kind == kind]
    late, gone = delays(sittings), lost(sittings)
    return KindReport(
        kind=kind,
        opened=late.opened,
        on_time=late.steps[0],
        late=SpreadView.of(late.late),
        went_on=SpreadView.of(late.over),
        with_loss=gone.hit,
        connections_lost=gone.lost,
        not_back=gone.gone,
        away=SpreadView.of(gone.away),
    )


def _alert(found: Report, code: str) -> AlertReport:
    figures = answered([each for each in found.all_alerts if each.code == code])
    return AlertReport(
        code=code, raised=figures.raised, answered=SpreadView.of(figures.answered), lasted=SpreadView.of(figures.lasted)
    )


def _team(found: Report, team: str) -> TaskReport:
    figures = tasks([each for each in found.tasks if each.team == team])
    spreads = {name: SpreadView.of(getattr(figures, name)) for name in ("signed", "arrived", "reported", "ended")}
    return TaskReport(team=team, sent=figures.sent, overdue=figures.late, **spreads)


class ReportQuery(Asked):
    """Of which days, and of which site."""

    first: Day = Field(alias="from", description="The first day of the court.")
    last: Day = Field(alias="until", description=f"The last one; at most {MOST_DAYS} days in all.")
    site_id: str = Field(default="", max_length=16, description="Only sittings whose first room is at this site.")


async def show(request: Request, query: ReportQuery) -> ReportView:
    """Show the report of some days.

    The use of the rooms, delays against the booking, lost connections, alerts and the time until they were answered, and what the tasks
    of the teams took.
    """
    if query.last < query.first:
        raise ValidationFailed([("until", "use_order", {})])
    return ReportView.of(await made(ctx(request), Period("span", query.first, query.last), query.site_id))


ROUTES = (operation("GET", "/reports", show, programs(OFFICER, ADMINISTRATOR)),)
