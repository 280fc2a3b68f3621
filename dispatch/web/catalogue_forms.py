"""What the administrator's forms of the catalogue have in common: weekly hours as text, details, the photo, mistakes at their fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from multidict import MultiDictProxy

from dispatch.booking.catalogue.details import BOOKERS, Details
from dispatch.booking.catalogue.features import FEATURES
from dispatch.booking.catalogue.hours import WEEKDAYS
from dispatch.errors import UserError
from dispatch.web.request import Request, gettext
from dispatch.web.sitting_form import errors_of

_BETWEEN = re.compile(r"[,，、;；\n]+")
_SPAN_OF_DAY = re.compile(r"^(hours\.\w+)\.\d+$")
LONGEST_DAY = 200
TABS = ("rooms", "sites", "equipment", "custody", "interpreters", "police", "people", "closures", "calendar", "templates", "procedures")
"""Pages of the catalogue, in their order."""

Posted = MultiDictProxy[str | bytes | bytearray | web.FileField]


async def posted(request: Request) -> Posted:
    """The fields of a form, files and repeated ones too."""
    return await request.post()


def text_of(fields: Posted, name: str) -> str:
    """One field of text; empty where there is none."""
    value = fields.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def chosen(fields: Posted, name: str) -> tuple[str, ...]:
    """The boxes of that name that were ticked."""
    return tuple(value for value in fields.getall(name, ()) if isinstance(value, str))


def whole_number(text: object) -> int:
    """The number typed; -1, which every rule refuses, for what is none."""
    given = str(text).strip()
    return int(given) if given.isascii() and given.isdigit() and len(given) < 7 else -1


async def file_of(fields: Posted, name: str) -> bytes:
    """The bytes of an uploaded file; empty where none was chosen."""
    value = fields.get(name)
    return value.file.read() if isinstance(value, web.FileField) and value.filename else b""


def hours_fields(hours: Mapping[str, Any] | None) -> dict[str, str]:
    """What the fields of weekly hours show."""
    return {"hours": "own" if hours is not None else "inherited"} | {
        f"hours.{day}": ", ".join(str(each) for each in (hours or {}).get(day, ())) for day in WEEKDAYS
    }


def typed_hours(fields: Posted) -> dict[str, Any] | None:
    """Weekly hours as typed; None where those of the site are to hold."""
    if text_of(fields, "hours") != "own":
        return None
    typed = {day: _BETWEEN.split(text_of(fields, f"hours.{day}")[:LONGEST_DAY]) for day in WEEKDAYS}
    days = {day: [part.strip() for part in parts if part.strip()] for day, parts in typed.items()}
    return {day: spans for day, spans in days.items() if spans}


def details_fields(details: Details) -> dict[str, Any]:
    """What the fields of a resource's details show."""
    return {
        "before_minutes": details.before_minutes,
        "after_minutes": details.after_minutes,
        "needs_approval": details.needs_approval,
        "booked_by": details.booked_by,
        "features": details.features,
    } | hours_fields(details.hours)


def as_typed(fields: Posted, names: tuple[str, ...]) -> dict[str, Any]:
    """The form as it was sent: the fields of `names`, and those of the details."""
    shown: dict[str, Any] = {name: text_of(fields, name) for name in (*names, "before_minutes", "after_minutes", "hours")}
    shown |= {f"hours.{day}": text_of(fields, f"hours.{day}") for day in WEEKDAYS}
    return shown | {
        "needs_approval": "needs_approval" in fields,
        "booked_by": chosen(fields, "booked_by"),
        "features": chosen(fields, "features"),
        "active": "active" in fields,
    }


def typed_details(fields: Posted) -> Details:
    """The details as typed."""
    return Details(
        before_minutes=whole_number(text_of(fields, "before_minutes") or "0"),
        after_minutes=whole_number(text_of(fields, "after_minutes") or "0"),
        needs_approval="needs_approval" in fields,
        booked_by=chosen(fields, "booked_by"),
        hours=typed_hours(fields),
        features=chosen(fields, "features"),
    )


def page_errors(request: Request, error: UserError | None) -> dict[str, list[str]]:
    """Every bad field with its words; the spans of a day share one field."""
    found: dict[str, list[str]] = {}
    for name, texts in (errors_of(request, error) if error else {}).items():
        listed = found.setdefault(_SPAN_OF_DAY.sub(r"\1", name), [])
        listed += [text for text in texts if text not in listed]
    return found


def choices(request: Request) -> dict[str, Any]:
    """Words that the forms offer."""
    _ = gettext(request)
    return {
        "weekdays": [(day, _(f"weekday.{day}")) for day in WEEKDAYS],
        "all_features": [(each, _(f"feature.{each}")) for each in FEATURES],
        "bookers": [(role, _(f"account.{role}")) for role in BOOKERS],
        "tabs": TABS,
    }
