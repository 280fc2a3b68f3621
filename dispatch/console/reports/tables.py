"""A report as tables in words, each with the bars of its chart: for the page and for files alike. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dispatch.booking.use import Use
from dispatch.console.reports.figures import Day, Held, Spread, Step, answered, by_day, delays, lost, tasks
from dispatch.console.reports.reading import Report
from dispatch.store.tables import Room

Words = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: `share` of the longest, or of what there is, 0 to 1; `shown` is written beside it."""

    label: str
    share: float
    shown: str


@dataclass(frozen=True, slots=True)
class Table:
    """`code` names it in addresses; the first column of each line says what the line is about; `none` where there are no lines."""

    code: str
    title: str
    note: str
    chart: str
    heading: Sequence[str]
    lines: Sequence[Sequence[str]]
    bars: Sequence[Bar]
    none: str


def tables(
    found: Report, _: Words, room_name: Callable[[Room], str], day_name: Callable[[Day], str], team_name: Callable[[Step], str]
) -> list[Table]:
    """All tables of a report, in the order of the page."""
    return [
        _days(found, _, day_name),
        _use(found, _, room_name),
        _kinds(found, _),
        _delays(found, _),
        _lost(found, _),
        _alerts(found, _),
        _tasks(found, _, team_name),
    ]


def length(seconds: float | None, _: Words) -> str:
    """40 s, 12 min, 3.5 h, 2.1 d; "–" for none."""
    if seconds is None:
        return "–"
    if seconds < 90:
        return _("{n} s", n=round(seconds))
    if seconds < 5400:
        return _("{n} min", n=round(seconds / 60))
    return _("{n} h", n=f"{seconds / 3600:.1f}") if seconds < 172_800 else _("{n} d", n=f"{seconds / 86_400:.1f}")


def _bars(values: Iterable[tuple[str, float, str]]) -> list[Bar]:
    found = list(values)
    most = max((value for _label, value, _shown in found), default=0)
    return [Bar(label, value / most if most else 0, shown) for label, value, shown in found]


def _counted(values: Iterable[tuple[str, int]]) -> list[Bar]:
    return _bars((label, count, str(count)) for label, count in values)


def _spread(spread: Spread, _: Words) -> list[str]:
    return [length(spread.median, _), length(spread.p90, _), length(spread.most, _)]


def _by_kind(found: Report) -> dict[str, list[Held]]:
    kinds: dict[str, list[Held]] = {}
    for each in found.sittings:
        kinds.setdefault(each.kind, []).append(each)
    return dict(sorted(kinds.items()))


def _days(found: Report, _: Words, day_name: Callable[[Day], str]) -> Table:
    days = by_day(found.sittings, found.days)
    return Table(
        "days",
        _("Over time"),
        _("Sittings that were not cancelled, on the day on which they were booked to begin."),
        _("Sittings"),
        [_("Day"), _("Sittings"), _("Connections lost"), _("Alerts")],
        [[day_name(day), str(day.held), str(day.lost), str(day.alerts)] for day in days],
        _counted((day_name(day), day.held) for day in days),
        "",
    )


def _use(found: Report, _: Words, room_name: Callable[[Room], str]) -> Table:
    def line(name: str, use: Use) -> list[str]:
        hours = [f"{(minutes or 0) / 60:.1f}" for minutes in (use.held_minutes, use.open_minutes)]
        return [name, str(use.held), *hours, _percent(use.share), str(use.cancelled), str(use.missed)]

    rooms = [(room_name(room), use) for room, use in found.use.rooms]
    total = [line(_("All rooms"), found.use.total)] if len(rooms) > 1 else []
    return Table(
        "rooms",
        _("Use of the rooms"),
        _("Hours held against the hours in which the rooms are open."),
        _("Used"),
        [_("Room"), _("Sittings"), _("Hours held"), _("Open hours"), _("Used"), _("Cancelled"), _("Never begun")],
        [line(*each) for each in rooms] + total,
        [Bar(name, min(use.share or 0, 1), _percent(use.share)) for name, use in rooms],
        _("There are no rooms yet."),
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.0f} %"


def _kinds(found: Report, _: Words) -> Table:
    kinds = [(_(f"kind.{kind}"), use) for kind, use in found.use.kinds.items()]

    def minutes(value: int | None) -> str:
        return length(value * 60 if value is not None else None, _)

    return Table(
        "kinds",
        _("Sittings by kind"),
        "",
        _("Sittings"),
        [_("Kind"), _("Sittings"), _("Cancelled"), _("Never begun"), _("Booked on average"), _("Took on average")],
        [
            [name, str(u.held), str(u.cancelled), str(u.missed), minutes(u.average_booked), minutes(u.average_lasted)]
            for name, u in kinds
        ],
        _counted((name, use.held) for name, use in kinds),
        _("Nothing was booked in this time."),
    )


def _delays(found: Report, _: Words) -> Table:
    kinds = [(_(f"kind.{kind}"), delays(held)) for kind, held in _by_kind(found).items()]
    kinds = [(name, each) for name, each in kinds if each.opened]
    return Table(
        "delays",
        _("Delays against the booking"),
        _("On time: opened at most five minutes after its time. The times are those of the sittings that were late, or that went on."),
        _("Late by more than five minutes"),
        [
            *(_("Kind"), _("Opened"), _("On time"), _("Up to 15 min"), _("Up to 30 min"), _("Later")),
            *(_("Late, median"), _("Nine of ten"), _("Most"), _("Went on past the end"), _("By, median")),
        ],
        [
            [name, str(each.opened), *map(str, each.steps), *_spread(each.late, _), str(each.over.count), length(each.over.median, _)]
            for name, each in kinds
        ],
        _counted((name, sum(each.steps[1:])) for name, each in kinds),
        _("No sitting was opened in this time."),
    )


def _lost(found: Report, _: Words) -> Table:
    kinds = [(_(f"kind.{kind}"), lost(held)) for kind, held in _by_kind(found).items()]
    kinds = [(name, each) for name, each in kinds if each.opened]
    return Table(
        "disconnections",
        _("Lost connections"),
        _("A connection counts as lost 9.5 s after its last sign of life, and as back when the person is there again by any device."),
        _("Connections lost"),
        [
            *(_("Kind"), _("Opened"), _("With a loss"), _("Connections lost"), _("Did not come back")),
            *(_("Away, median"), _("Nine of ten"), _("Most")),
        ],
        [[name, str(each.opened), str(each.hit), str(each.lost), str(each.gone), *_spread(each.away, _)] for name, each in kinds],
        _counted((name, each.lost) for name, each in kinds),
        _("No sitting was opened in this time."),
    )


def _alerts(found: Report, _: Words) -> Table:
    codes = sorted({alert.code for alert in found.all_alerts})
    kinds = [(_(f"reports.alert.{code}"), answered([a for a in found.all_alerts if a.code == code])) for code in codes]
    kinds = [(name if not name.startswith("reports.alert.") else _("Another alert"), each) for name, each in kinds]
    kinds.sort(key=lambda each: -each[1].raised)
    return Table(
        "alerts",
        _("Alerts and time to answer"),
        _("Answered: somebody acknowledged it."),
        _("Alerts"),
        [
            *(_("Alert"), _("Raised"), _("Answered"), _("Answered after, median"), _("Nine of ten"), _("Most")),
            _("Lasted, median"),
        ],
        [
            [name, str(each.raised), str(each.answered.count), *_spread(each.answered, _), length(each.lasted.median, _)]
            for name, each in kinds
        ],
        _counted((name, each.raised) for name, each in kinds),
        _("There was no alert in this time."),
    )


def _tasks(found: Report, _: Words, team_name: Callable[[Step], str]) -> Table:
    names = {task.team: team_name(task) for task in found.tasks}
    teams = [(names[team], tasks([task for task in found.tasks if task.team == team])) for team in sorted(names)]
    return Table(
        "tasks",
        _("Tasks of the teams"),
        _("Medians since the task was sent to its team; overdue: not reported by its deadline."),
        _("Tasks sent"),
        [_("Team"), _("Tasks sent"), _("Overdue"), _("Signed for"), _("On site"), _("Reported"), _("Checked and closed")],
        [
            [team, str(each.sent), str(each.late), *(length(s.median, _) for s in (each.signed, each.arrived, each.reported, each.ended))]
            for team, each in teams
        ],
        _counted((team, each.sent) for team, each in teams),
        _("No task was sent in this time."),
    )
