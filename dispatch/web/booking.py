"""The booking page: rooms × time for a day, a week or a month, the form beside it, and moving a sitting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dispatch.booking import pending
from dispatch.booking.allowed import FIELD
from dispatch.booking.catalogue.rooms import KINDS
from dispatch.booking.days import between
from dispatch.booking.draft import LONGEST_REASON
from dispatch.booking.reasons import OTHER, REASONS
from dispatch.booking.series import changes as series_changes
from dispatch.errors import Conflict, SeriesConflict, UserError
from dispatch.sittings import sittings
from dispatch.web import form_means
from dispatch.web.access import CLERK, Route, roles
from dispatch.web.calendar_cells import DAYS, days_between, month, month_after, month_before, month_of, week, week_of
from dispatch.web.day_grid import ENTERABLE, MOVABLE, day_grid, minute_of, moment_at, room_name
from dispatch.web.days import shifted, shown_day, today
from dispatch.web.form_repeat import conflict_words, membership
from dispatch.web.form_rules import broken_rules
from dispatch.web.formats import day as day_words
from dispatch.web.request import Request, Response, answer, ctx, error_text, language, me, problem, render, translate, zone
from dispatch.web.requests import decision_of
from dispatch.web.sitting_form import nearest_words

VIEWS = ("day", "week", "month")


def wants_fragment(request: Request, name: str) -> bool:
    """Whether a script asks for one part of the page only."""
    return request.headers.get("X-Fragment") == name


async def _panel(request: Request, sitting_id: str) -> dict[str, Any]:
    sitting = await sittings.in_sight(ctx(request).db, sitting_id)
    held = next(iter(sitting.rooms), None)
    return {
        "sitting": sitting,
        "room_name": room_name(held, language(request)) if held else "",
        "means": form_means.of_sitting(sitting, language(request)),
        "editable": sitting.status in ENTERABLE,
        "cancellable": sitting.status in MOVABLE,
        "cancel_reasons": (*REASONS, OTHER),
        "series": await membership(request, sitting),
        "decision": decision_of(request, sitting, "booking"),
    }


@dataclass(frozen=True)
class Shown:
    """What the page shows: a day, the week or the month around it; `kind` of rooms, "" for all."""

    day: date
    view: str
    kind: str

    @property
    def reach(self) -> tuple[date, date]:
        """The first and the last day on it."""
        match self.view:
            case "week":
                return week_of(self.day)
            case "month":
                return month_of(self.day)
            case _:
                return self.day, self.day

    @property
    def previous(self) -> date:
        """The day that the page before shows."""
        return month_before(self.day) if self.view == "month" else shifted(self.day, -DAYS if self.view == "week" else -1)

    @property
    def following(self) -> date:
        """The day that the page after shows."""
        return month_after(self.day) if self.view == "month" else shifted(self.day, DAYS if self.view == "week" else 1)

    def address(self, **changes: Any) -> str:
        """The same page, but for `changes`."""
        query = {"day": self.day, "view": self.view, "kind": self.kind} | changes
        left_out = {"view": "day", "kind": ""}
        return "/booking?" + urlencode({name: value for name, value in query.items() if value != left_out.get(name)})


def _shown(request: Request) -> Shown:
    view, kind = request.query.get("view", ""), request.query.get("kind", "")
    return Shown(shown_day(request), view if view in VIEWS else "day", kind if kind in KINDS else "")


async def show(request: Request) -> Response:
    """A day, a week or a month; with ?sitting= its details beside the calendar."""
    context, shown, tz, tag = ctx(request), _shown(request), zone(request), language(request)
    chosen = request.query.get("sitting", "")
    data: dict[str, Any] = {"shown": shown, "day": shown.day, "today": today(request), "chosen": chosen, "panel": "", "kinds": KINDS}
    data["waiting"] = await pending.count(context.db, context.clock())
    if chosen:
        data |= await _panel(request, chosen)
        data["panel"] = "staff/sitting_panel.html"
        if wants_fragment(request, "panel"):
            return render(request, "staff/sitting_panel.html", **data)
    first, last = shown.reach
    rows = [row for row in await between(context.db, first, last, tz) if shown.kind in ("", row[0].kind)]
    days = days_between(first, last)
    match shown.view:
        case "week":
            data |= {"calendar": "staff/booking_week.html", "days": days, "rows": week(rows, days, tz, tag)}
        case "month":
            data |= {"calendar": "staff/booking_month.html", "days": days[:DAYS], "rows": month(rows, days, shown.day, tz, tag)}
        case _:
            data |= {"calendar": "staff/booking_grid.html", "grid": day_grid(rows, shown.day, tz, context.clock(), tag)}
    return render(request, data["calendar"] if wants_fragment(request, "grid") else "staff/booking.html", **data)


class MoveOrder(BaseModel):
    """Body of a move: where and when, by the court's clock."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    room_id: str = Field(min_length=1, max_length=32)
    day: date
    start: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    minutes: int = Field(ge=1, le=24 * 60)
    from_room: str = Field("", max_length=32)
    """the room out of which it was dragged: a sitting of several rooms keeps the others"""
    override_reason: str = Field("", max_length=LONGEST_REASON)
    scope: series_changes.Scope = "this"

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
        ends_at = starts_at + timedelta(minutes=order.minutes)
        moved = await series_changes.move(
            context.db, sitting_id, order.scope, order.room_id, starts_at, ends_at, me(request), context.clock(),
            instead_of=order.from_room, override_reason=order.override_reason,
        )  # fmt: skip
    except SeriesConflict as conflict:
        return problem(request, 409, conflict_words(request, conflict), code=conflict.code)
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
        code = "reason_needed" if error.field == FIELD else error.code
        return problem(request, error.status, error_text(request, error), code=code, errors=broken_rules(request, error))
    for each in moved:
        await context.live.revised(each)
    return answer({"day": day_words(starts_at, language(request), tz)})


CLERKS = roles(CLERK)

ROUTES = (
    Route("GET", "/booking", show, CLERKS),
    Route("POST", "/booking/{sitting}/move", move, CLERKS, answers="data"),
)
