"""The booking page: rooms × time for a day, the form beside it, and moving a sitting."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dispatch.booking import bookings
from dispatch.errors import Conflict, UserError
from dispatch.sittings import sittings
from dispatch.web.access import CLERK, Route, roles
from dispatch.web.day_grid import ENTERABLE, MOVABLE, day_grid, minute_of, moment_at, room_name
from dispatch.web.days import around, shown_day, today
from dispatch.web.formats import day as day_words
from dispatch.web.request import Request, Response, answer, ctx, error_text, language, me, problem, render, translate, zone
from dispatch.web.sitting_form import nearest_words


def wants_fragment(request: Request, name: str) -> bool:
    """Whether a script asks for one part of the page only."""
    return request.headers.get("X-Fragment") == name


async def _panel(request: Request, sitting_id: str) -> dict[str, Any]:
    sitting = await sittings.get(ctx(request).db, sitting_id)
    held = next((booking.room for booking in sitting.bookings), None)
    return {
        "sitting": sitting,
        "room_name": room_name(held, language(request)) if held else "",
        "editable": sitting.status in ENTERABLE,
        "cancellable": sitting.status in MOVABLE,
    }


async def show(request: Request) -> Response:
    """A day; with ?sitting= its details beside the grid."""
    context, day, tz = ctx(request), shown_day(request), zone(request)
    chosen = request.query.get("sitting", "")
    data: dict[str, Any] = {"day": day, "today": today(request), "chosen": chosen, "panel": "", **around(day)}
    if chosen:
        data |= await _panel(request, chosen)
        data["panel"] = "staff/sitting_panel.html"
        if wants_fragment(request, "panel"):
            return render(request, "staff/sitting_panel.html", **data)
    rows = await bookings.day(context.db, day, tz)
    data["grid"] = day_grid(rows, day, tz, context.clock(), language(request))
    return render(request, "staff/booking_grid.html" if wants_fragment(request, "grid") else "staff/booking.html", **data)


class MoveOrder(BaseModel):
    """Body of a move: where and when, by the court's clock."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    room_id: str = Field(min_length=1, max_length=32)
    day: date
    start: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    minutes: int = Field(ge=1, le=24 * 60)

    def starts_at(self, tz: Any) -> datetime:
        """The moment meant."""
        hours, minutes = self.start.split(":")
        return moment_at(self.day, int(hours) * 60 + int(minutes), tz)


async def move(request: Request) -> Response:
    """Move a sitting; all its links are issued anew. Refused with the obstacle in words and the nearest free time."""
    context, tz = ctx(request), zone(request)
    try:
        order = MoveOrder.model_validate_json(await request.read())
    except ValidationError as error:
        listed = [(".".join(str(part) for part in item["loc"]), str(item["msg"])) for item in error.errors(include_url=False)]
        return problem(request, 422, translate(request, "The request was not understood"), code="invalid", errors=listed)
    starts_at = order.starts_at(tz)
    sitting_id = request.match_info["sitting"]
    try:
        await bookings.move(
            context.db, sitting_id, order.room_id, starts_at, starts_at + timedelta(minutes=order.minutes), me(request), context.clock()
        )
    except Conflict as conflict:
        nearest = conflict.nearest_free.astimezone(tz)
        return problem(
            request,
            409,
            error_text(request, conflict),
            code=conflict.code,
            errors=[(conflict.field or "", error_text(request, conflict))],
            nearest={
                "day": nearest.date().isoformat(),
                "minutes": minute_of(nearest, nearest.date(), tz),
                "words": nearest_words(request, conflict.nearest_free, starts_at),
            },
        )
    except UserError as error:
        return problem(request, error.status, error_text(request, error), code=error.code)
    await context.live.revised(sitting_id)
    return answer({"day": day_words(starts_at, language(request), tz)})


CLERKS = roles(CLERK)

ROUTES = (
    Route("GET", "/booking", show, CLERKS),
    Route("POST", "/booking/{sitting}/move", move, CLERKS, answers="data"),
)
