"""Templates of sittings: what a form begins with. Whoever books reads them, the administrator keeps them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field
from pydantic.config import JsonDict

from dispatch.booking import templates
from dispatch.booking.catalogue.details import LAST_POSITION
from dispatch.booking.catalogue.rooms import KINDS, LONGEST_NAME
from dispatch.booking.draft import MOST_PARTICIPANTS
from dispatch.booking.templates import LEAST_MINUTES, MOST_MEANS, MOST_MINUTES, TemplateDraft
from dispatch.store.tables import SittingTemplate
from dispatch.web.access import ADMINISTRATOR, CLERK
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, slice_of
from dispatch.web.api.sitting_shapes import Once
from dispatch.web.api.values import Change, Given, Id, Resource, left_out
from dispatch.web.api.versions import IfMatch
from dispatch.web.request import Request, ctx, me
from rooms.procedure import PROCEDURES

_KIND: JsonDict = {"enum": list(PROCEDURES)}
_ROOM_KIND = "Kind of room that suits; empty: any."
_ROLES = "Roles of the rows of participants that the form begins with, each as often as there are rows."
_MEANS = "Ids of further rooms, equipment, custody slots, interpreters and judicial police."
_ORDER = "Its place in lists, from the front."
_ACTIVE = "Whether it is offered. A template is never deleted."
_ROOM_KINDS: JsonDict = {"enum": ["", *KINDS]}


class TemplateView(Resource):
    """What the form of a sitting can be filled with."""

    id: Id
    name: str
    name_en: str
    kind: str = Field(description="Of the sitting.")
    minutes: int
    room_kind: str = Field(description=_ROOM_KIND)
    roles: list[str] = Field(description=_ROLES)
    means: list[Id] = Field(description=_MEANS)
    position: int = Field(description=_ORDER)
    active: bool = Field(description=_ACTIVE)

    @classmethod
    def of(cls, template: SittingTemplate) -> TemplateView:
        """The template as it is."""
        return cls(**{name: getattr(template, name) for name in cls.model_fields})

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/templates/{self.id}"


class TemplateList(Page[TemplateView]):
    """One page of templates, in their order."""


class TemplateQuery(Paging):
    """Which templates."""

    active: bool | None = Field(None, description="Only those in use, or only those that are not.")


class NewTemplate(Given):
    """A template to be added."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    name_en: str = Field("", max_length=LONGEST_NAME)
    kind: str = Field("remote_court", json_schema_extra=_KIND)
    minutes: int = Field(60, ge=LEAST_MINUTES, le=MOST_MINUTES)
    room_kind: str = Field("", description=_ROOM_KIND, json_schema_extra=_ROOM_KINDS)
    roles: list[str] = Field([], max_length=MOST_PARTICIPANTS, description=_ROLES)
    means: list[Id] = Field([], max_length=MOST_MEANS, description=_MEANS)
    position: int = Field(0, ge=0, le=LAST_POSITION, description=_ORDER)
    active: bool = Field(True, description=_ACTIVE)


class TemplateChange(Change):
    """What is to be different about a template."""

    name: str = left_out(min_length=1, max_length=LONGEST_NAME)
    name_en: str = left_out(max_length=LONGEST_NAME)
    kind: str = left_out(json_schema_extra=_KIND)
    minutes: int = left_out(ge=LEAST_MINUTES, le=MOST_MINUTES)
    room_kind: str = left_out(description=_ROOM_KIND, json_schema_extra=_ROOM_KINDS)
    roles: list[str] = left_out(max_length=MOST_PARTICIPANTS, description=_ROLES)
    means: list[Id] = left_out(max_length=MOST_MEANS, description=_MEANS)
    position: int = left_out(ge=0, le=LAST_POSITION, description=_ORDER)
    active: bool = left_out(description=_ACTIVE)


def _plain(given: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


async def search(request: Request, query: TemplateQuery) -> TemplateList:
    """List templates of sittings."""
    found = await templates.list_templates(ctx(request).db, everything=True)
    page, goes_on = slice_of([each for each in found if query.active in (None, each.active)], query)
    return TemplateList(items=[TemplateView.of(each) for each in page], next=goes_on)


async def show(request: Request) -> TemplateView:
    """Show one template of sittings."""
    return TemplateView.of(await templates.get(ctx(request).db, request.match_info["template"]))


async def add(request: Request, body: NewTemplate, headers: Once) -> TemplateView:
    """Add a template of sittings."""
    context, user = ctx(request), me(request)
    draft, order = TemplateDraft(**_plain(body.model_dump())), headers.order(user, "template", body)
    return TemplateView.of(await templates.add(context.db, draft, user, context.clock(), order))


async def change(request: Request, body: TemplateChange, headers: IfMatch) -> TemplateView:
    """Change a template of sittings.

    Sittings that were booked from it stay as they are.
    """
    context = ctx(request)

    def changed(template: SittingTemplate) -> TemplateDraft:
        headers.check(TemplateView.of(template))
        return replace(templates.draft_of(template), **_plain(body.given()))

    return TemplateView.of(await templates.change(context.db, request.match_info["template"], changed, me(request), context.clock()))


READS, KEEPS = programs(CLERK, ADMINISTRATOR), programs(ADMINISTRATOR)

ROUTES = (
    operation("GET", "/templates", search, READS),
    operation("POST", "/templates", add, KEEPS, status=201),
    operation("GET", "/templates/{template}", show, READS),
    operation("PATCH", "/templates/{template}", change, KEEPS),
)
