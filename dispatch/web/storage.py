"""The page *Storage*: how long the space for recordings lasts, how many are put away, and whether they are as they were sealed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from dispatch.vault import site, space, state
from dispatch.vault.space import Outlook
from dispatch.web.access import ADMINISTRATOR, OFFICER, Route, roles
from dispatch.web.recording_words import size
from dispatch.web.request import Request, Response, ctx, render, zone
from rooms.vault.forecast import Sample

SEES = roles(OFFICER, ADMINISTRATOR)
WIDTH, HEIGHT = 640, 160
AHEAD_DAYS = 30.0


@dataclass(frozen=True, slots=True)
class Chart:
    """What is used of a disk, day by day, as points of an SVG; and the way on from there, to the day of `ahead_days` or when it is full.
    `first`, `last`: the dates at its edges; `now_x`: where today is."""

    past: str
    future: str
    first: str
    last: str
    now_x: float
    rows: tuple[tuple[str, str, str], ...]


async def show(request: Request) -> Response:
    """All of it."""
    context = ctx(request)
    found = await space.outlooks(context.db, context.vault, context.clock())
    least = context.settings.space_days
    shown = [(each, chart(each, zone(request)), space.is_short(each, least)) for each in found]
    keys = await asyncio.to_thread(lambda: site.ring_of(context.settings).ids) if not context.settings.store_keys else []
    return render(
        request,
        "staff/storage.html",
        state=await state.state_of(context.db, context.clock()),
        outlooks=shown,
        size=size,
        store=str(context.vault.store),
        puts_away=context.settings.put_away,
        key=keys[-1] if keys else context.settings.store_keys,
        hours=context.settings.look_again,
        least_days=least,
        width=WIDTH,
        height=HEIGHT,
    )


def chart(outlook: Outlook, tz: object) -> Chart:
    """The last weeks and the next month on one axis; the height is the whole disk."""
    samples, told = outlook.samples, outlook.forecast
    first, last = samples[0].day, samples[-1].day
    span = max(last - first, 1.0) + AHEAD_DAYS

    def x(day: float) -> float:
        return round((day - first) / span * WIDTH, 1)

    def y(used: float) -> float:
        return round(HEIGHT * (1 - min(1.0, used / max(told.total, 1))), 1)

    past = " ".join(f"{x(each.day)},{y(each.used)}" for each in samples)
    fastest = told.free / told.days if told.days else 0.0
    until = min(AHEAD_DAYS, told.days) if told.days is not None else AHEAD_DAYS
    used = samples[-1].used
    future = f"{x(last)},{y(used)} {x(last + until)},{y(used + fastest * until)}"
    rows = tuple((space.day_of(each, tz).isoformat(), size(each.used), size(each.free)) for each in reversed(samples))
    begins, ends = [space.day_of(Sample(day, 0, 0), tz).isoformat() for day in (first, first + span)]
    return Chart(past, future, begins, ends, x(last), rows)


ROUTES = (Route("GET", "/storage", show, SEES),)
