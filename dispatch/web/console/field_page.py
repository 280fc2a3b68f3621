"""The phone page of people in the field."""

from __future__ import annotations

from dispatch.console.field import teams
from dispatch.web.access import FIELD, Route, roles
from dispatch.web.request import Request, Response, ctx, me, render

ON_THE_WAY = roles(FIELD)


async def show(request: Request) -> Response:
    """What whoever is in the field has to do."""
    member = await teams.member_of(ctx(request).db, me(request).id)
    team = await teams.get(ctx(request).db, member.team_id) if member is not None else None
    return render(request, "field/page.html", team=team)


ROUTES = (Route("GET", "/field", show, ON_THE_WAY),)
