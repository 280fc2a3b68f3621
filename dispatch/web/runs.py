"""The runs of lists belong to the application: they begin and end with it."""

from __future__ import annotations

from aiohttp import web

from dispatch.booking.listing.runs import Runs
from dispatch.web.context import CONTEXT
from dispatch.web.request import Request

RUNS = web.AppKey("runs", Runs)


def add_runs(app: web.Application) -> None:
    """Have the application run lists. What a former one had under way is marked when it starts."""
    context = app[CONTEXT]
    app[RUNS] = Runs(context.db, context.clock, context.settings.travel_minutes)
    app.on_startup.append(_recover)
    app.on_shutdown.append(_close)


def runs(request: Request) -> Runs:
    """Those of the application."""
    return request.app[RUNS]


async def _recover(app: web.Application) -> None:
    await app[RUNS].recover()


async def _close(app: web.Application) -> None:
    await app[RUNS].close()
