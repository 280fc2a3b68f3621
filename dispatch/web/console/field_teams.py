"""The teams in the command centre: who is in them, how they do, and changing them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dispatch.console.field import listing, teams
from dispatch.console.field.teams import DUTIES, Member, TeamDraft
from dispatch.console.ranks import Rank, rank_of, require
from dispatch.errors import ValidationFailed
from dispatch.store.field_tables import Team
from dispatch.web.access import CLERK, OFFICER, Route, roles
from dispatch.web.request import Request, Response, ctx, form, me, render, see_other
from dispatch.web.sitting_form import errors_of

SEES, KEEPS = roles(OFFICER, CLERK), roles(OFFICER)
BLANK: Mapping[str, Any] = {"name": "", "name_en": "", "area": "", "phone": "", "active": True}


async def overview(request: Request) -> Response:
    """Every team with its people and its figures."""
    context = ctx(request)
    return render(
        request,
        "console/field/teams.html",
        teams=await teams.listed(context.db, everything=True),
        figures=await listing.figures(context.db, context.clock()),
        keeps=(rank_of(me(request)) or 0) >= Rank.LEAD,
    )


async def new(request: Request) -> Response:
    """The empty form. Shift leaders change teams."""
    require(me(request), Rank.LEAD)
    return await _form(request, None, BLANK, {})


async def edit(request: Request) -> Response:
    """The form of one team."""
    require(me(request), Rank.LEAD)
    team = await teams.get(ctx(request).db, request.match_info["team"])
    return await _form(request, team, {name: getattr(team, name) for name in BLANK}, {})


async def create(request: Request) -> Response:
    """Add a team; a refusal keeps what was typed."""
    return await _save(request, None)


async def change(request: Request) -> Response:
    """Change a team; likewise."""
    return await _save(request, await teams.get(ctx(request).db, request.match_info["team"]))


async def _save(request: Request, team: Team | None) -> Response:
    require(me(request), Rank.LEAD)
    posted, context = await form(request), ctx(request)
    fields = {**BLANK, **posted, "active": team is None or "active" in posted}
    members = tuple(
        Member(name.removeprefix("member-"), duty, f"leads-{name.removeprefix('member-')}" in posted)
        for name, duty in posted.items()
        if name.startswith("member-") and duty in DUTIES
    )
    draft = TeamDraft(fields["name"], fields["name_en"], fields["area"], fields["phone"], fields["active"], members)
    try:
        if team is None:
            await teams.add(context.db, draft, me(request), context.clock())
        else:
            await teams.change(context.db, team.id, draft, me(request), context.clock())
    except ValidationFailed as error:
        return await _form(request, team, fields, {member.user_id: member for member in members}, error)
    return see_other("/console/teams")


async def _form(
    request: Request, team: Team | None, fields: Mapping[str, Any], chosen: Mapping[str, Member], error: ValidationFailed | None = None
) -> Response:
    people = await teams.people(ctx(request).db)
    known = {user.id: Member(user.id, row.duty, row.leads) for user, row in people if row is not None and team and row.team_id == team.id}
    others = {row.user_id: row.team_id for _user, row in people if row is not None and not (team and row.team_id == team.id)}
    names = {each.id: each for each in await teams.listed(ctx(request).db, everything=True)}
    return render(
        request,
        "console/field/team.html",
        status=error.status if error else 200,
        team=team,
        form=fields,
        people=[user for user, _row in people],
        chosen=chosen if error else known,
        elsewhere={user_id: names[team_id] for user_id, team_id in others.items()},
        errors=errors_of(request, error) if error else {},
        longest=teams.LONGEST,
    )


ROUTES = (
    Route("GET", "/console/teams", overview, SEES),
    Route("GET", "/console/teams/new", new, KEEPS),
    Route("POST", "/console/teams/new", create, KEEPS),
    Route("GET", "/console/teams/{team}", edit, KEEPS),
    Route("POST", "/console/teams/{team}", change, KEEPS),
)
