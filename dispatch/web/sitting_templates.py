"""The administrator's page of templates: what the form of a sitting is filled with to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dispatch.booking import in_force, templates
from dispatch.booking.catalogue.rooms import KINDS as ROOM_KINDS
from dispatch.booking.draft import MOST_PARTICIPANTS
from dispatch.booking.roles import roles_for
from dispatch.booking.templates import TemplateDraft
from dispatch.errors import UserError
from dispatch.store.tables import SittingTemplate
from dispatch.web import form_kinds, form_means
from dispatch.web.access import ADMINISTRATOR, Route, roles
from dispatch.web.catalogue_forms import TABS, whole_number
from dispatch.web.request import Request, Response, ctx, form, gettext, language, me, render, see_other
from dispatch.web.sitting_form import errors_of
from rooms.procedure import PROCEDURES

TEXTS = ("name", "name_en", "kind", "minutes", "room_kind", "position")


def _shown(draft: TemplateDraft) -> dict[str, Any]:
    """The fields of a draft, as the page has them."""
    counts = {role: str(draft.roles.count(role)) for role in dict.fromkeys(draft.roles)}
    return {**{name: str(getattr(draft, name)) for name in TEXTS}, "active": draft.active, "roles": counts, "means": draft.means}


async def _typed(request: Request, *, active: bool) -> dict[str, Any]:
    """What was typed; the box is read where there is one."""
    fields = await form(request)
    counts = {name.removeprefix("roles-"): value for name, value in fields.items() if name.startswith("roles-")}
    return {
        **{name: fields.get(name, "") for name in TEXTS},
        "active": "active" in fields if not active else True,
        "roles": counts,
        "means": form_means.typed(fields),
    }


def _draft(fields: Mapping[str, Any]) -> TemplateDraft:
    # A number that is none, or too large, makes more rows than are allowed: the operation says so at the field.
    counts = {role: whole_number(text or "0") for role, text in fields["roles"].items()}
    people = [
        role for role, count in counts.items() for _ in range(min(count, MOST_PARTICIPANTS + 1) if count >= 0 else MOST_PARTICIPANTS + 1)
    ]
    return TemplateDraft(
        name=fields["name"],
        kind=fields["kind"],
        minutes=whole_number(fields["minutes"]),
        name_en=fields["name_en"],
        room_kind=fields["room_kind"],
        roles=tuple(people),
        means=fields["means"],
        position=whole_number(fields["position"]),
        active=bool(fields["active"]),
    )


async def show(request: Request) -> Response:
    """Every template, those out of use too, below the standard of each kind."""
    _, tag = gettext(request), language(request)
    found = await templates.list_templates(ctx(request).db, everything=True)
    rows = [
        {
            "template": each,
            "name": form_kinds.template_name(each, tag),
            "people": [(_("role." + role), each.roles.count(role)) for role in dict.fromkeys(each.roles)],
        }
        for each in found
    ]
    standards = [templates.standard(kind) for kind in PROCEDURES]
    return render(
        request, "admin/sitting_templates.html", rows=rows, standards=standards, saved="saved" in request.query, tab="templates", tabs=TABS
    )


async def _page(request: Request, fields: Mapping[str, Any], template: SittingTemplate | None, error: UserError | None = None) -> Response:
    _ = gettext(request)
    versions = await in_force.held(ctx(request).db)
    known = dict.fromkeys(role for kind in PROCEDURES for role in roles_for(kind, versions))
    return render(
        request,
        "admin/sitting_template.html",
        status=error.status if error else 200,
        existing=template is not None,
        form=fields,
        errors=errors_of(request, error) if error else {},
        heading=_("Change the template") if template else _("New template"),
        action=f"/catalogue/templates/{template.id}" if template else "/catalogue/templates/new",
        kinds=[(kind, _("kind." + kind)) for kind in PROCEDURES],
        room_kinds=[("", _("Any room")), *((kind, _("room_kind." + kind)) for kind in ROOM_KINDS)],
        roles=[(role, _("role." + role)) for role in known],
        means=await form_means.groups(request, fields["means"], ""),
        chosen_means=len(fields["means"]),
        least=templates.LEAST_MINUTES,
        most=templates.MOST_MINUTES,
    )


async def new(request: Request) -> Response:
    """A new template that begins with the standard of the first kind, placed behind the others."""
    begin = templates.standard(form_kinds.FIRST)
    last = max((each.position for each in await templates.list_templates(ctx(request).db, everything=True)), default=0)
    blank = TemplateDraft("", begin.kind, begin.minutes, room_kind=begin.room_kind, roles=begin.roles, position=last + 1)
    return await _page(request, _shown(blank), None)


async def create(request: Request) -> Response:
    """Add a template; a refusal keeps what was typed."""
    fields = await _typed(request, active=True)
    try:
        await templates.add(ctx(request).db, _draft(fields), me(request), ctx(request).clock())
    except UserError as error:
        return await _page(request, fields, None, error)
    return see_other("/catalogue/templates?saved")


async def edit(request: Request) -> Response:
    """A template's form."""
    template = await templates.get(ctx(request).db, request.match_info["template"])
    return await _page(request, _shown(templates.draft_of(template)), template)


async def change(request: Request) -> Response:
    """Change a template; a refusal keeps what was typed."""
    template = await templates.get(ctx(request).db, request.match_info["template"])
    fields = await _typed(request, active=False)
    try:
        await templates.change(ctx(request).db, template.id, lambda _was: _draft(fields), me(request), ctx(request).clock())
    except UserError as error:
        return await _page(request, fields, template, error)
    return see_other("/catalogue/templates?saved")


ROUTES = (
    Route("GET", "/catalogue/templates", show, roles(ADMINISTRATOR)),
    Route("GET", "/catalogue/templates/new", new, roles(ADMINISTRATOR)),
    Route("POST", "/catalogue/templates/new", create, roles(ADMINISTRATOR)),
    Route("GET", "/catalogue/templates/{template}", edit, roles(ADMINISTRATOR)),
    Route("POST", "/catalogue/templates/{template}", change, roles(ADMINISTRATOR)),
)
