"""The day's list on paper, and on the board in the hallway, which keeps itself up to date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.booking import days
from dispatch.booking.timeline import Slot
from dispatch.sittings import sittings
from dispatch.store.tables import Room
from dispatch.web import form_means
from dispatch.web.access import CLERK, DEVICE, STAFF, Route, roles
from dispatch.web.booking import wants_fragment
from dispatch.web.calendar_cells import Placed
from dispatch.web.day_grid import item_of, room_name
from dispatch.web.days import shown_day, today
from dispatch.web.request import Request, Response, ctx, language, render, zone

PUBLIC_KINDS = frozenset({"remote_court", "public_hearing"})
"""Kinds whose case numbers hang in the hallway. Petitions, interrogations and round tables are never public (rules of each kind): of
them the board says only that the room is taken."""
STAYS = timedelta(minutes=15)
"""What is over stays on the board for so long."""
UNDECIDED = ("tentative", "requested")
"""Bookings of which nobody is told yet: they are not on the board."""


@dataclass(frozen=True)
class Line:
    """One sitting on the board. `case_number` is "" where it is not for everybody. `late`: it should have begun and has not."""

    room_name: str
    kind: str
    status: str
    starts_at: datetime
    ends_at: datetime
    case_number: str
    late: bool


def board(rows: Iterable[tuple[Room, Sequence[Slot]]], now: datetime, language: str) -> list[Line]:
    """What the board shows now: what is under way first, then what is to come, then what has just ended; no names of people."""
    lines = [
        Line(
            room_name(room, language),
            slot.kind,
            slot.status,
            slot.starts_at,
            slot.ends_at,
            slot.case_number if slot.kind in PUBLIC_KINDS else "",
            late=slot.status == "planned" and slot.starts_at < now,
        )
        for room, held in rows
        for slot in held
        if not (slot.status == "closed" and (slot.closed_at or slot.ends_at) + STAYS < now)
        and not (slot.status in ("planned", "open") and (slot.ends_at < now or slot.state in UNDECIDED))
    ]
    order = {"live": 0, "recess": 0, "closed": 2}
    return sorted(lines, key=lambda line: (order.get(line.status, 1), line.starts_at, line.room_name))


async def show_board(request: Request) -> Response:
    """Today's sittings for whoever comes in; for a screen that is connected as a room's device, or staff."""
    context, day = ctx(request), today(request)
    rows = await days.day(context.db, day, zone(request))
    lines = board(rows, context.clock(), language(request))
    return render(request, "board/lines.html" if wants_fragment(request, "board") else "board/board.html", day=day, lines=lines)


async def show_list(request: Request) -> Response:
    """A day's sittings by room, to be printed."""
    context, day, tz, tag = ctx(request), shown_day(request), zone(request), language(request)
    rows = await days.day(context.db, day, tz)
    listed = [
        (room_name(room, tag), [Placed(item_of(slot, day, tz), room, room_name(room, tag)) for slot in held]) for room, held in rows if held
    ]
    whole = await sittings.of_day(context.db, day, tz, cancelled=False)
    return render(
        request,
        "staff/day_list.html",
        day=day,
        listed=listed,
        people={sitting.id: sitting.participants for sitting in whole},
        means={(sitting.id, room.id): form_means.of_sitting(sitting, tag, room.id) for sitting in whole for room in sitting.rooms},
        count=len({placed.item.sitting.id for _, held in listed for placed in held}),
    )


ROUTES = (
    Route("GET", "/board", show_board, DEVICE | STAFF),
    Route("GET", "/booking/list", show_list, roles(CLERK)),
)
