"""What the form of a sitting is filled with to begin with: the standard of each kind, and the court's own templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch import audit
from dispatch.booking import orders
from dispatch.booking.catalogue.details import LAST_POSITION
from dispatch.booking.catalogue.rooms import KINDS as ROOM_KINDS
from dispatch.booking.catalogue.rooms import LONGEST_NAME
from dispatch.booking.draft import LONGEST, MOST_EQUIPMENT, MOST_PARTICIPANTS, MOST_ROOMS, SHORTEST
from dispatch.booking.in_force import held_in
from dispatch.booking.roles import Procedures, roles_for
from dispatch.errors import FieldError, NotFound, ValidationFailed
from dispatch.store.resources import MEANS
from dispatch.store.tables import Resource, SittingTemplate, User, new_id
from dispatch.typed import tidy
from rooms.procedure import PROCEDURES

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

LEAST_MINUTES, MOST_MINUTES = (int(each.total_seconds()) // 60 for each in (SHORTEST, LONGEST))
MOST_MEANS = MOST_ROOMS + MOST_EQUIPMENT
NAMED = ("room", *MEANS)
"""Kinds of resources that a template may name; its first room and its people are chosen each time."""


@dataclass(frozen=True, slots=True)
class Start:
    """How a form begins. `roles`: one row of the form each; `means`: ids of further rooms and of what else it holds (:data:`NAMED`);
    `room_kind`: the kind of room that suits, "" for any."""

    kind: str
    minutes: int
    room_kind: str = ""
    roles: tuple[str, ...] = ()
    means: tuple[str, ...] = ()


STANDARD: Mapping[str, Start] = MappingProxyType(
    {
        start.kind: start
        for start in (
            Start("remote_court", 60, "court", ("party", "party")),
            Start("petition_intake", 30, "intake", ("petitioner", "officer")),
            Start("public_hearing", 120, "hearing", ("hearing_officer", "hearing_officer", "hearing_officer", "party", "party")),
            Start("round_table", 60, "round_table", ("member", "member")),
            Start("remote_interrogation", 60, "interrogation", ("suspect", "custody_officer")),
        )
    }
)
"""The five kinds (DOMAIN.md section 3): who has to be there at least, in which room, and how long it usually takes."""


@dataclass(frozen=True, slots=True)
class TemplateDraft:
    """A template as typed. `position` orders the lists; one that is not `active` is kept, and offered nowhere."""

    name: str
    kind: str
    minutes: int
    name_en: str = ""
    room_kind: str = ""
    roles: tuple[str, ...] = ()
    means: tuple[str, ...] = ()
    position: int = 0
    active: bool = True


def standard(kind: str) -> Start:
    """The standard of a kind, with the roles that its procedure knows; of a kind without one, an hour and nobody."""
    known, start = roles_for(kind), STANDARD.get(kind, Start(kind, 60))
    return Start(kind, start.minutes, start.room_kind, tuple(role for role in start.roles if role in known))


def start_of(template: SittingTemplate) -> Start:
    """What a template begins with."""
    return Start(template.kind, template.minutes, template.room_kind, tuple(template.roles), tuple(template.means))


def draft_of(template: SittingTemplate) -> TemplateDraft:
    """The draft that changes nothing."""
    return TemplateDraft(
        template.name,
        template.kind,
        template.minutes,
        template.name_en,
        template.room_kind,
        tuple(template.roles),
        tuple(template.means),
        template.position,
        template.active,
    )


async def list_templates(db: Database, *, everything: bool = False) -> list[SittingTemplate]:
    """The templates in use, or `everything`, in their order. What belongs to a kind that cannot be held is not in use."""
    wanted = select(SittingTemplate).order_by(SittingTemplate.position, SittingTemplate.name, SittingTemplate.id)
    async with db.reader() as session:
        found = list(await session.scalars(wanted))
    return found if everything else [each for each in found if each.active and each.kind in PROCEDURES]


async def get(db: Database, template_id: str) -> SittingTemplate:
    """Raises NotFound("template_unknown")."""
    async with db.reader() as session:
        return await _get(session, template_id)


async def add(db: Database, draft: TemplateDraft, by: User, now: datetime, order: orders.Order | None = None) -> SittingTemplate:
    """Add a template. An `order` that was carried out before gives what it made, as it is now. Raises ValidationFailed with every bad
    field, or UserError("key_reused")."""
    async with db.writer() as session:
        if made := await orders.made_before(session, order, now):
            return await _get(session, made)
        await _check(session, draft)
        template = SittingTemplate(id=new_id())
        _write(template, draft)
        session.add(template)
        await session.flush()
        await orders.keep_made(session, order, template.id, now)
        await audit.write(session, by, "template_added", template.name, detail={"template": template.id, "kind": template.kind}, now=now)
    return template


async def change(
    db: Database, template_id: str, changed: Callable[[SittingTemplate], TemplateDraft], by: User, now: datetime
) -> SittingTemplate:
    """Change a template; `changed` is asked inside the transaction, with the template as it is, what it is to be. Sittings that were
    booked from it stay as they are. Raises NotFound, or ValidationFailed with every bad field."""
    async with db.writer() as session:
        template = await _get(session, template_id)
        draft = changed(template)
        await _check(session, draft, template)
        _write(template, draft)
        detail = {"template": template.id, "active": template.active}
        await audit.write(session, by, "template_changed", template.name, detail=detail, now=now)
    return template


def problems(draft: TemplateDraft, procedures: Procedures = PROCEDURES) -> Iterator[FieldError]:
    """Every bad field of the draft that shows without looking at the database. `procedures`: the versions by which the unit holds its
    sittings."""
    if not tidy(draft.name):
        yield ("name", "required", {})
    for field, text in (("name", draft.name), ("name_en", draft.name_en)):
        if len(tidy(text)) > LONGEST_NAME:
            yield (field, "too_long", {"most": LONGEST_NAME})
    if draft.kind not in PROCEDURES:
        yield ("kind", "kind_unknown", {"kind": draft.kind})
    if not LEAST_MINUTES <= draft.minutes <= MOST_MINUTES:
        yield ("minutes", "out_of_range", {"least": LEAST_MINUTES, "most": MOST_MINUTES})
    if draft.room_kind and draft.room_kind not in ROOM_KINDS:
        yield ("room_kind", "room_kind_unknown", {"kind": draft.room_kind})
    unknown = [role for role in draft.roles if role not in roles_for(draft.kind, procedures)]
    if unknown and draft.kind in PROCEDURES:
        yield ("roles", "role_unknown", {"role": unknown[0]})
    if len(draft.roles) > MOST_PARTICIPANTS:
        yield ("roles", "participants_many", {"most": MOST_PARTICIPANTS})
    if len(draft.means) > MOST_MEANS:
        yield ("means", "equipment_many", {"most": MOST_MEANS})
    if not 0 <= draft.position <= LAST_POSITION:
        yield ("position", "out_of_range", {"least": 0, "most": LAST_POSITION})


async def _check(session: AsyncSession, draft: TemplateDraft, own: SittingTemplate | None = None) -> None:
    found = list(problems(draft, await held_in(session)))
    named = await session.scalar(select(SittingTemplate.id).where(SittingTemplate.name == tidy(draft.name)))
    if named is not None and (own is None or named != own.id):
        found.append(("name", "template_name_taken", {"name": tidy(draft.name)}))
    known = set(await session.scalars(select(Resource.id).where(Resource.id.in_(draft.means), Resource.kind.in_(NAMED))))
    if not set(draft.means) <= known:
        found.append(("means", "equipment_unknown", {}))
    if found:
        raise ValidationFailed(found)


async def _get(session: AsyncSession, template_id: str) -> SittingTemplate:
    template = await session.get(SittingTemplate, template_id)
    if template is None:
        raise NotFound("template_unknown")
    return template


def _write(template: SittingTemplate, draft: TemplateDraft) -> None:
    template.name, template.name_en = tidy(draft.name), tidy(draft.name_en)
    template.kind, template.minutes, template.room_kind = draft.kind, draft.minutes, draft.room_kind
    template.roles, template.means = list(draft.roles), list(dict.fromkeys(draft.means))
    template.position, template.active = draft.position, draft.active
