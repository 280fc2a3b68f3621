"""Alerts of the command centre as tasks: read, acknowledged, closed with a note. The situation page has the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from pydantic import Field

from dispatch.console.alerts import handling
from dispatch.console.alerts.handling import LONGEST_NOTE
from dispatch.console.situation import kept_task, named_in_english
from dispatch.store.alert_tables import Alert, AlertStep
from dispatch.web.access import CLERK, OFFICER
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, cursor_of, place
from dispatch.web.api.values import Given, Id, IdOrNone, Moment, Resource, Shown, local, local_or_none
from dispatch.web.console.alerts import tell_conference
from dispatch.web.console.feed import as_handled
from dispatch.web.request import Request, ctx, gettext, language, me, zone

Severity = Literal["info", "warning", "critical"]
StepAct = Literal["raised", "again", "ended", "taken", "acknowledged", "escalated", "closed"]


class AlertStepView(Shown):
    """A step of an alert's history, which cannot be changed."""

    number: int
    act: StepAct
    by: str = Field(description="Name of whoever did it; empty for the system.")
    at: Moment
    text: str


class AlertView(Resource):
    """Something that needs somebody. It is open until what it is about is over, or somebody closed it. `steps` is empty in lists."""

    id: Id
    code: str = Field(description="What it is, for programs.")
    severity: Severity
    text: str = Field(description="What it is, in words.")
    remedy: str = Field(description="What to do about it, in words.")
    sitting: IdOrNone = Field(description="Id of the sitting it is about; empty: the whole site.")
    open: bool = Field(description="Whether it waits for somebody.")
    count: int = Field(description="How often it came.")
    raised_at: Moment
    ended_at: Moment | None = Field(description="When what it is about was over.")
    owner: str = Field(description="Name of whoever takes care of it; empty while nobody does.")
    acknowledged_at: Moment | None
    acknowledged_by: str
    escalated_at: Moment | None = Field(description="When it had waited too long for somebody.")
    closed_at: Moment | None
    closed_by: str
    note: str = Field(description="With which it was closed.")
    steps: list[AlertStepView]

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/alerts/{self.id}"


class AlertList(Page[AlertView]):
    """One page of alerts, the newest first."""


class AlertQuery(Paging):
    """Which alerts."""

    show: Literal["open", "all"] = Field("all", description="`open`: only those that wait for somebody.")


class Closing(Given):
    """Why an alert needs nobody any more."""

    note: str = Field(min_length=1, max_length=LONGEST_NOTE, description="What was done, or why nothing is to be done.")


async def search(request: Request, query: AlertQuery) -> AlertList:
    """List alerts."""
    found, more = await handling.page(ctx(request).db, place(query.cursor), query.limit, open_only=query.show == "open")
    return AlertList(
        items=[_view(request, alert) for alert in found], next=cursor_of(found[-1].raised_at, found[-1].id) if more else None
    )


async def show(request: Request) -> AlertView:
    """Show one alert with its history."""
    return await _whole(request, await handling.get(ctx(request).db, request.match_info["alert"]))


async def acknowledge(request: Request) -> AlertView:
    """Say that an alert was seen.

    Only the first who says so is kept. Whoever conducts the sitting is shown it too.
    """
    context = ctx(request)
    alert = await handling.acknowledge(context.db, request.match_info["alert"], me(request), context.clock())
    await tell_conference(request, alert)
    return await _whole(request, alert)


async def close(request: Request, body: Closing) -> AlertView:
    """Close an alert with a note.

    It needs nobody any more, and does not come back while what it is about lasts.
    """
    context = ctx(request)
    alert = await handling.close(context.db, request.match_info["alert"], body.note, me(request), context.clock())
    await tell_conference(request, alert)
    return await _whole(request, alert)


async def _whole(request: Request, alert: Alert) -> AlertView:
    return _view(request, alert, await handling.history(ctx(request).db, alert.id))


def _view(request: Request, alert: Alert, steps: Sequence[AlertStep] = ()) -> AlertView:
    tz, overview = zone(request), ctx(request).hub.overview(alert.sitting) if alert.sitting else None
    handled = as_handled(alert)
    if language(request) == "en":
        handled = named_in_english(handled)
    words = kept_task(handled, overview.to_json() if overview else None, gettext(request))
    moments = ("ended_at", "acknowledged_at", "escalated_at", "closed_at")
    return AlertView(
        **{name: getattr(alert, name) for name in ("id", "code", "sitting", "count", "acknowledged_by", "closed_by", "note")},
        **{name: local_or_none(getattr(alert, name), tz) for name in moments},
        severity=cast("Severity", alert.severity),
        text=words["text"],
        remedy=words["remedy"],
        open=alert.ended_at is None and alert.closed_at is None,
        raised_at=local(alert.raised_at, tz),
        owner=alert.owner_name,
        steps=[
            AlertStepView(number=each.number, act=cast("StepAct", each.act), by=each.by_name, at=local(each.at, tz), text=each.text)
            for each in steps
        ],
    )


HANDLES = programs(OFFICER, CLERK)
_ONE = "/alerts/{alert}"

ROUTES = (
    operation("GET", "/alerts", search, HANDLES),
    operation("GET", _ONE, show, HANDLES),
    operation("POST", f"{_ONE}/acknowledge", acknowledge, HANDLES, refuses=(409,)),
    operation("POST", f"{_ONE}/close", close, HANDLES, refuses=(409,)),
)
