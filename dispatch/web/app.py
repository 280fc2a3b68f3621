"""The web application: routes, middleware, templates and static files around one Context."""

from __future__ import annotations

from aiohttp import web

from dispatch.web.api.pace import PACE, Pace
from dispatch.web.assets import ASSETS, Assets
from dispatch.web.attempts import ENROL_ATTEMPTS, FEED_ATTEMPTS, enrol_attempts, feed_attempts
from dispatch.web.console.feed import close_lines
from dispatch.web.console.map import add_tiles
from dispatch.web.context import CONTEXT, Context
from dispatch.web.middleware import MIDDLEWARES, ROUTES_BY_HANDLER, add_security_headers
from dispatch.web.routes import ROUTES
from dispatch.web.runs import add_runs
from dispatch.web.templates import TEMPLATES, Templates

MAX_BODY_BYTES = 2_500_000
"""Longest request body taken: a photo of two megabytes in its form; the form of a hearing is below 100 kB."""


def make_app(context: Context) -> web.Application:
    """The application. The composition root runs it with `make_runner`."""
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=MAX_BODY_BYTES)
    app[CONTEXT] = context
    app[ASSETS] = assets = Assets()
    app[TEMPLATES] = Templates(assets)
    app[ROUTES_BY_HANDLER] = {}
    app[ENROL_ATTEMPTS] = enrol_attempts()
    app[FEED_ATTEMPTS] = feed_attempts()
    app[PACE] = Pace()
    app.on_response_prepare.append(add_security_headers)
    app.on_shutdown.append(close_lines)
    add_runs(app)
    add_tiles(app, context.settings)
    app.router.add_get("/static/{build}/{path:.+}", assets.serve)
    for route in ROUTES:
        added = app.router.add_route(route.method, route.path, route.handler)
        if added.resource is not None:
            app[ROUTES_BY_HANDLER][route.method, added.resource.canonical] = route
    return app


def make_runner(app: web.Application) -> web.AppRunner:
    """The runner: requests are logged by our own middleware, which hides secrets, and never by aiohttp's access log."""
    return web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=5)
