"""Saved views of the board: everybody has his own, on every computer."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dispatch.console import views
from dispatch.console.views import Shown, States
from dispatch.web.access import CLERK, OFFICER, Route, roles
from dispatch.web.request import Request, Response, answer, ctx, gettext, me, problem

OWN = roles(OFFICER, CLERK)


class _Shown(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    show: States = "all"
    alerts: bool = False
    mine: bool = False
    kind: str = Field("", max_length=40)
    room: str = Field("", max_length=40)
    officer: str = Field("", max_length=40)
    text: str = Field("", max_length=100)


class _View(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    name: str = Field(max_length=200)
    shown: _Shown
    opens: bool = False


async def told(request: Request) -> list[dict[str, Any]]:
    """One's own views as the page takes them."""
    own = await views.of(ctx(request).db, me(request))
    return [{"id": view.id, "name": view.name, "shown": view.shown, "opens": view.opens} for view in own]


async def save(request: Request) -> Response:
    """Save what the board shows under a name; one's own of that name is replaced."""
    try:
        given = _View.model_validate_json(await request.read())
    except ValidationError:
        return problem(request, 400, gettext(request)("The request was not understood"), code="malformed")
    shown = Shown(**given.shown.model_dump())
    await views.save(ctx(request).db, me(request), given.name, shown, ctx(request).clock(), opens=given.opens)
    return answer({"views": await told(request)})


async def opens_with(request: Request) -> Response:
    """The board is opened with this view from now on; where it was that already, with none."""
    context, view_id = ctx(request), request.match_info["view"]
    own = {view.id: view.opens for view in await views.of(context.db, me(request))}
    await views.opens_with(context.db, me(request), "" if own.get(view_id) else view_id, context.clock())
    return answer({"views": await told(request)})


async def remove(request: Request) -> Response:
    """Delete one of one's own."""
    await views.remove(ctx(request).db, me(request), request.match_info["view"], ctx(request).clock())
    return answer({"views": await told(request)})


ROUTES = (
    Route("POST", "/console/views", save, OWN, answers="data"),
    Route("POST", "/console/views/{view}/opens", opens_with, OWN, answers="data"),
    Route("POST", "/console/views/{view}/remove", remove, OWN, answers="data"),
)
