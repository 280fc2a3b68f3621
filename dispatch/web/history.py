"""What happened to a booking, in words: on the sitting's page, and whole on a page of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatch.booking import history
from dispatch.booking.catalogue import resources
from dispatch.booking.history import LISTED, Changed, Entry
from dispatch.sittings import sittings
from dispatch.web.access import ADMINISTRATOR, CLERK, Route, roles
from dispatch.web.request import Request, Response, ctx, gettext, language, me, render

HELD = ("room", "rooms", "equipment")
"""What a sitting holds, by names that the catalogue has in both languages."""
SHORT = 5
"""Entries on the sitting's own page; the rest is on the page of its history."""


@dataclass(frozen=True)
class Line:
    """One thing that became different: what it is, and the former and the latter, "" where there is none."""

    words: str
    former: str
    latter: str


@dataclass(frozen=True)
class Act:
    """One entry as the list shows it."""

    at: datetime
    who: str
    what: str
    lines: tuple[Line, ...]
    reason: str
    overridden: str


async def acts(request: Request, entries: Sequence[Entry]) -> list[Act]:
    """Entries in the page's language."""
    _ = gettext(request)
    english = await _english(request) if language(request) == "en" and entries else {}
    return [
        Act(
            entry.at,
            _("System") if entry.actor == "system" else entry.actor,
            _("audit." + entry.action),
            tuple(_lines(request, entry.changes, english)),
            entry.reason,
            _several(request, LISTED.join(_("history.rule." + rule) for rule in entry.overridden.split("、") if rule)),
        )
        for entry in entries
    ]


async def _english(request: Request) -> dict[str, str]:
    """English names of what the log has under its Chinese name. What was renamed since, or shares its name, is left as it was written."""
    every = await resources.list_resources(ctx(request).db, "room", "equipment", "custody", everything=True)
    names = [each.name for each in every]
    return {each.name: each.name_en for each in every if each.name_en and names.count(each.name) == 1}


def _lines(request: Request, changes: Sequence[Changed], english: Mapping[str, str]) -> list[Line]:
    _ = gettext(request)
    found = {change.field: change for change in changes}
    lines = []
    # A time is one thing to whoever reads it.
    starts, ends = found.pop("starts", None), found.pop("ends", None)
    if starts is not None:
        former = f"{starts.former}–{ends.former}" if ends is not None and ends.former else starts.former
        latter = f"{starts.latter}–{ends.latter}" if ends is not None else starts.latter
        lines.append(Line(_("Time"), former, latter))
    elif ends is not None:
        lines.append(Line(_("End"), ends.former, ends.latter))
    for field, change in found.items():
        if field == "people":
            lines += [Line(_("Left"), "", _people(request, change.former))] if change.former else []
            lines += [Line(_("Joined"), "", _people(request, change.latter))] if change.latter else []
        else:
            known = english if field in HELD else {}
            former, latter = (LISTED.join(known.get(each, each) for each in text.split(LISTED)) for text in (change.former, change.latter))
            lines.append(Line(_("history." + field), _several(request, former), _several(request, latter)))
    return lines


def _several(request: Request, text: str) -> str:
    return (", " if language(request) == "en" else "、").join(text.split(LISTED))


def _people(request: Request, text: str) -> str:
    _ = gettext(request)
    each = (person.partition("=") for person in text.split(LISTED))
    return (", " if language(request) == "en" else "、").join(
        f"{name} ({_('role.' + role)})" if role else name for role, _sign, name in each
    )


async def show(request: Request) -> Response:
    """The whole history of a sitting."""
    context = ctx(request)
    sitting = await sittings.in_sight(context.db, request.match_info["sitting"])
    entries = await history.of(context.db, sitting.id)
    back = f"/sittings/{sitting.id}" if me(request).role == CLERK else "/audit"
    return render(request, "staff/history.html", sitting=sitting, acts=await acts(request, entries), back=back)


ROUTES = (Route("GET", "/sittings/{sitting}/history", show, roles(CLERK, ADMINISTRATOR)),)
