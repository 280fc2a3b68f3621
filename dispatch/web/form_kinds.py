"""The kind of a sitting in its form, and what the form is filled with when one is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dispatch.booking import templates
from dispatch.booking.roles import CLERK, PROSECUTOR, Procedures, accounts_that_preside, chair_role, has_role
from dispatch.booking.templates import Start
from dispatch.errors import NotFound
from dispatch.sittings import procedures
from dispatch.sittings.stage_names import stage_name
from dispatch.store.tables import SittingTemplate
from dispatch.web.request import Request, ctx, gettext, language
from rooms.procedure import PROCEDURES

if TYPE_CHECKING:
    from dispatch.store.database import Database

FIRST = next(iter(PROCEDURES))
"""The kind that a new form has."""


@dataclass(frozen=True)
class KindChoices:
    """One kind: its standard, and the court's templates of it. `options`: value of the field → words."""

    words: str
    options: tuple[tuple[str, str], ...]


def kind_of(chosen: str) -> str:
    """The kind that the field's value means: a kind, or "<kind>.<template>"."""
    return chosen.partition(".")[0]


def template_name(template: SittingTemplate, tag: str) -> str:
    """The template's name in the page's language."""
    return template.name_en if tag == "en" and template.name_en else template.name


async def choices(request: Request) -> list[KindChoices]:
    """All kinds that can be held, each with its templates."""
    _, tag = gettext(request), language(request)
    own = await templates.list_templates(ctx(request).db)
    return [
        KindChoices(
            _("kind." + kind),
            (
                (kind, _("{kind} (standard)", kind=_("kind." + kind))),
                *((f"{kind}.{each.id}", template_name(each, tag)) for each in own if each.kind == kind),
            ),
        )
        for kind in PROCEDURES
    ]


async def stages(request: Request, kind: str) -> list[str]:
    """What a sitting of that kind goes through in this unit, in words; nothing of a kind that cannot be held, nor the pauses."""
    _ = gettext(request)
    held = (await procedures.in_force(ctx(request).db, kind)).procedure if kind in PROCEDURES else None
    found = held.stages.values() if held is not None else ()  # nor of a version that this program cannot read
    return [stage_name(stage.name, stage.names, _) for stage in found if not stage.pause]


def chair_words(request: Request, kind: str, versions: Procedures) -> str:
    """What the one who presides is called in that kind."""
    _, role = gettext(request), chair_role(kind, versions)
    return _("Presiding judge") if role == "judge" else _("role." + role)


@dataclass(frozen=True)
class StaffPart:
    """A field of a form in which a member of the staff is named. `some`: what "any of them" is called; `accounts`: roles of those who may
    be named."""

    name: str
    label: str
    some: str
    accounts: tuple[str, ...]


def staff_parts(request: Request, kind: str, chosen: Mapping[str, str], versions: Procedures) -> list[StaffPart]:
    """The fields of a kind, by the version in force. What it does not know, and what was `chosen` for another one, is shown so that it
    can be taken back."""
    _ = gettext(request)
    some = _("Any judge") if accounts_that_preside(kind) == ("judge",) else _("Anybody who may preside")
    parts = (
        StaffPart("chair_id", chair_words(request, kind, versions), some, accounts_that_preside(kind)),
        StaffPart("clerk_id", _("Clerk"), _("Any clerk"), (CLERK,)),
        StaffPart("prosecutor_id", _("Prosecutor"), _("Any prosecutor"), (PROSECUTOR,)),
    )
    return [part for part in parts if part.name == "chair_id" or has_role(kind, part.accounts[0], versions) or chosen.get(part.name)]


async def start(db: Database, chosen: str) -> Start:
    """What the field's value begins with; the kind's standard where the template is gone."""
    kind, _, template_id = chosen.partition(".")
    if template_id:
        try:
            found = await templates.get(db, template_id)
        except NotFound:
            return templates.standard(kind)
        if found.kind == kind:
            return templates.start_of(found)
    return templates.standard(kind)
