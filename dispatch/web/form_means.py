"""What a sitting holds beside its first room, in the form: further rooms, equipment that moves, custody slots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dispatch.booking.catalogue import resources
from dispatch.booking.draft import SittingDraft
from dispatch.errors import Conflict, UserError
from dispatch.store.tables import Resource, Sitting
from dispatch.web import lookups
from dispatch.web.day_grid import room_name
from dispatch.web.request import Request, ctx, gettext, language

if TYPE_CHECKING:
    from dispatch.store.database import Database

KINDS = ("room", *resources.MOVABLE)
_FIELD = re.compile(r"means-([0-9a-f]{16})")


@dataclass(frozen=True)
class Choice:
    """One box of the list. `kind`: what it is, in words; `error`: what is in the way of it."""

    id: str
    name: str
    kind: str
    chosen: bool
    first: bool
    """whether it is the room of the form's own field"""
    error: str = ""

    @property
    def field(self) -> str:
        """The box's name."""
        return f"means-{self.id}"


@dataclass(frozen=True)
class Group:
    """The choices of one site, "" where they have none."""

    site: str
    choices: tuple[Choice, ...]


def named(resource: Resource, tag: str) -> str:
    """The resource's name in the page's language."""
    return resource.name_en if tag == "en" and resource.name_en else resource.name


def typed(fields: Mapping[str, str]) -> tuple[str, ...]:
    """The ids that were ticked, in the order of the page."""
    return tuple(found[1] for found in map(_FIELD.fullmatch, fields) if found)


def held(sitting: Sitting) -> tuple[str, ...]:
    """What the sitting holds of it."""
    return (*(room.id for room in sitting.rooms[1:]), *(each.id for each in sitting.equipment))


def of_sitting(sitting: Sitting, tag: str, room_id: str = "") -> list[str]:
    """Names of what it holds beside that room, the first one where none is named, for pages."""
    beside = [room for room in sitting.rooms if room.id != (room_id or sitting.rooms[0].id)]
    return [*(room_name(room, tag) for room in beside), *(named(each, tag) for each in sitting.equipment)]


async def with_means(db: Database, draft: SittingDraft, chosen: Sequence[str], sitting: Sitting | None = None) -> SittingDraft:
    """The draft with what was ticked. What the `sitting` holds already stays in the order in which it holds it: another order would
    be another place, for which all links are issued anew."""
    before = held(sitting) if sitting is not None else ()
    ids = [*(each for each in before if each in chosen), *(each for each in chosen if each not in before)]
    rooms = {room.id for room in await lookups.rooms(db)} | {room.id for room in (sitting.rooms if sitting is not None else ())}
    return replace(
        draft,
        rooms=tuple(each for each in ids if each in rooms and each != draft.room_id),
        equipment=tuple(each for each in ids if each not in rooms),
    )


async def groups(request: Request, chosen: Sequence[str], first: str, error: UserError | None = None) -> list[Group]:
    """All choices by site. What is chosen is offered also where it is out of use by now, so that saving does not lose it silently."""
    _, tag = gettext(request), language(request)
    every = await resources.list_resources(ctx(request).db, *KINDS, everything=True)
    kinds = {room.id: _("room_kind." + room.kind) for room in await lookups.rooms(ctx(request).db)}
    kinds |= {each.id: _("resource_kind." + each.kind) for each in every if each.kind != "room"}
    taken = _taken(request, error)
    offered: dict[str, list[Choice]] = {}
    for each in _by_kind(every):
        if each.active or each.id in chosen:
            site = (each.site.name_en if tag == "en" and each.site.name_en else each.site.name) if each.site else ""
            kind = kinds.get(each.id, "") if each.active else _("Out of use")
            choice = Choice(
                each.id, named(each, tag), kind, each.id in chosen, each.id == first, taken.get(each.id, "") if each.id != first else ""
            )
            offered.setdefault(site, []).append(choice)
    # What is chosen is in sight without scrolling.
    return [Group(site, tuple(sorted(choices, key=lambda each: not each.chosen))) for site, choices in offered.items()]


def _by_kind(resources: Iterable[Resource]) -> list[Resource]:
    return sorted(resources, key=lambda each: (each.site.position if each.site else 1 << 20, KINDS.index(each.kind)))


def _taken(request: Request, error: UserError | None) -> dict[str, str]:
    if not isinstance(error, Conflict):
        return {}
    _ = gettext(request)
    return {error.resource_id: _("Taken from {begin} to {end}", begin=error.data["from"], end=error.data["to"])}


def at_its_field(request: Request, error: UserError | None, fields: Mapping[str, str]) -> dict[str, list[str]]:
    """What is in the way, at the field that names it: `fields` by the id that they hold."""
    return {fields[resource]: [words] for resource, words in _taken(request, error).items() if resource in fields}
