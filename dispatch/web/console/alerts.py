"""What the command centre does about an alert: take it, say that it was seen, close it with a note, read its history."""

from __future__ import annotations

from contextlib import suppress

from dispatch.console.alerts import handling
from dispatch.console.alerts.watching import subject_of
from dispatch.errors import ValidationFailed
from dispatch.store.alert_tables import Alert
from dispatch.web.access import CLERK, OFFICER, Route, roles
from dispatch.web.formats import clock
from dispatch.web.request import Request, Response, answer, ctx, error_text, gettext, me, problem, zone
from dispatch.web.sitting_form import errors_of
from rooms.protocol import UserError

HANDLES = roles(OFFICER, CLERK)


async def take(request: Request) -> Response:
    """It is his from now on."""
    alert = await handling.take(ctx(request).db, request.match_info["alert"], me(request), ctx(request).clock())
    await tell_conference(request, alert)
    return answer({"owner": alert.owner_name})


async def acknowledge(request: Request) -> Response:
    """It was seen."""
    alert = await handling.acknowledge(ctx(request).db, request.match_info["alert"], me(request), ctx(request).clock())
    await tell_conference(request, alert)
    return answer({"acknowledged_by": alert.acknowledged_by})


async def close(request: Request) -> Response:
    """It needs nobody any more; the body has the note that says why."""
    try:
        body = await request.json()
    except ValueError:
        body = {}
    note = body.get("note", "") if isinstance(body, dict) else ""
    try:
        alert = await handling.close(
            ctx(request).db, request.match_info["alert"], note if isinstance(note, str) else "", me(request), ctx(request).clock()
        )
    except ValidationFailed as error:
        fields = [(field, text) for field, texts in errors_of(request, error).items() for text in texts]
        return problem(request, 422, fields[0][1] if fields else error_text(request, error), code="invalid", errors=fields)
    await tell_conference(request, alert)
    return answer({"closed_by": alert.closed_by})


async def history(request: Request) -> Response:
    """Every step, the first first, in words."""
    db, _, alert_id = ctx(request).db, gettext(request), request.match_info["alert"]
    await handling.get(db, alert_id)
    steps = await handling.history(db, alert_id)
    told = [{"time": clock(s.at, zone(request)), "text": _(f"alert.step.{s.act}"), "by": s.by_name, "note": s.text} for s in steps]
    return answer({"steps": told})


async def tell_conference(request: Request, alert: Alert) -> None:
    """Whoever conducts the sitting sees that somebody knows of it. What is over there needs no word."""
    overview = ctx(request).hub.overview(alert.sitting) if alert.sitting else None
    for own in overview.alerts if overview else ():
        if own["code"] == alert.code and subject_of(own) == alert.subject and own["acknowledged_by"] is None:
            with suppress(UserError):
                await ctx(request).hub.acknowledge(alert.sitting, own["id"], me(request).name)


ROUTES = (
    Route("POST", "/console/alerts/{alert}/take", take, HANDLES, answers="data"),
    Route("POST", "/console/alerts/{alert}/acknowledge", acknowledge, HANDLES, answers="data"),
    Route("POST", "/console/alerts/{alert}/close", close, HANDLES, answers="data"),
    Route("GET", "/console/alerts/{alert}/history", history, HANDLES, answers="data"),
)
