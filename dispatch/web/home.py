"""The start page: each role's own."""

from __future__ import annotations

from dispatch.web.access import SIGNED_IN, Route
from dispatch.web.navigation import home
from dispatch.web.request import Request, Response, me, see_other


async def start(request: Request) -> Response:
    """Go to where the role works."""
    return see_other(home(me(request).role))


ROUTES = (Route("GET", "/", start, SIGNED_IN),)
