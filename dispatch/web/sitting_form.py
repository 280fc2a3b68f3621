"""The form of a sitting: what it is filled with, what was typed, and the draft that is made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dispatch.booking.draft import ParticipantDraft, SittingDraft
from dispatch.booking.draft import draft_of as draft_of_sitting
from dispatch.booking.roles import accounts_that_preside, has_role, roles_for
from dispatch.booking.templates import Start
from dispatch.errors import Conflict, UserError, ValidationFailed
from dispatch.store.tables import Sitting
from dispatch.web import form_kinds, form_means, form_rules, lookups
from dispatch.web.access import CLERK, JUDGE, PROSECUTOR
from dispatch.web.day_grid import moment_at, room_name
from dispatch.web.formats import clock, duration
from dispatch.web.formats import day as day_words
from dispatch.web.request import Request, ctx, error_text, gettext, language, me, rows, translate, zone

LENGTHS = (30, 45, 60, 90, 120, 150, 180, 240, 300, 360, 480)
"""Minutes offered; another length that a sitting has already is offered too."""

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class PersonRow:
    """A row of the participants, as typed."""

    id: str = ""
    user_id: str = ""
    name: str = ""
    role: str = "party"
    phone: str = ""
    seat: str = "link"
    email: str = ""

    @property
    def empty(self) -> bool:
        """Whether nobody was entered: such a row is left out."""
        return not (self.id or self.user_id or self.name or self.phone or self.email)


@dataclass(frozen=True)
class Form:
    """What the fields show, as text: what was typed stays as it was typed."""

    case_number: str = ""
    case_title: str = ""
    title: str = ""
    day: str = ""
    start: str = ""
    minutes: str = "60"
    room_id: str = ""
    chair_id: str = ""
    clerk_id: str = ""
    prosecutor_id: str = ""
    override_reason: str = ""
    participants: tuple[PersonRow, ...] = field(default_factory=tuple)
    template: str = form_kinds.FIRST
    """the kind, or "<kind>.<id of a template>"; `former`: what the form was filled with last"""
    former: str = form_kinds.FIRST
    means: tuple[str, ...] = ()
    """ids of further rooms, equipment and custody slots"""

    def __getitem__(self, name: str) -> str:
        """A field by its name, for templates."""
        return str(getattr(self, name))


def blank(request: Request, today: date) -> Form:
    """A new form: the slot that was clicked, the clerk himself, one row for each side."""
    query = request.query
    return Form(
        day=query.get("day", today.isoformat()),
        start=query.get("start", "09:00"),
        minutes=query.get("minutes", "60"),
        room_id=query.get("room", ""),
        case_number=query.get("case_number", ""),
        case_title=query.get("case_title", ""),
        title=query.get("title", ""),
        chair_id=query.get("chair_id", ""),
        clerk_id=query.get("clerk_id") or (me(request).id if me(request).role == CLERK else ""),
        prosecutor_id=query.get("prosecutor_id", ""),
        participants=(PersonRow(), PersonRow()),
        means=tuple(query.getall("equipment", [])),
    )


def of_sitting(sitting: Sitting, tz: ZoneInfo) -> Form:
    """The form of a sitting that is there already."""
    draft, local = draft_of_sitting(sitting), sitting.starts_at.astimezone(tz)
    return Form(
        case_number=draft.case_number,
        case_title=draft.case_title,
        title=draft.title if draft.title != draft.case_title else "",
        day=local.date().isoformat(),
        start=f"{local:%H:%M}",
        minutes=str(int((sitting.ends_at - sitting.starts_at).total_seconds()) // 60),
        room_id=draft.room_id,
        chair_id=draft.chair_id,
        clerk_id=draft.clerk_id,
        prosecutor_id=draft.prosecutor_id,
        override_reason=draft.override_reason,
        participants=tuple(
            PersonRow(row.id, row.user_id, row.name, row.role, row.phone, row.seat, row.email) for row in draft.participants
        ),
        template=sitting.kind,
        former=sitting.kind,
        means=form_means.held(sitting),
    )


def typed(fields: Mapping[str, str]) -> Form:
    """The form as it was sent. "take" (a free time offered) puts its day and start in."""
    people = tuple(
        PersonRow(**{key: row[key] for key in ("id", "user_id", "name", "role", "phone", "seat", "email") if key in row})
        for row in rows(fields, "participants")
    )
    names = (
        *("case_number", "case_title", "title", "day", "start", "minutes", "room_id"),
        *("chair_id", "clerk_id", "prosecutor_id", "override_reason"),
    )
    form = Form(**{name: fields.get(name, "") for name in names}, participants=people, means=form_means.typed(fields))
    form = replace(form, template=fields.get("template", form_kinds.FIRST), former=fields.get("former", form_kinds.FIRST))
    day, _, start = fields.get("take", "").partition("T")
    return replace(form, day=day, start=start) if start else form


def with_rows(form: Form, act: str) -> Form | None:
    """The form with a row more ("add") or less ("remove-2"); None when `act` is neither."""
    if act == "add":
        return replace(form, participants=(*form.participants, PersonRow()))
    number = act.removeprefix("remove-")
    if act.startswith("remove-") and number.isascii() and number.isdigit():
        return replace(form, participants=tuple(row for place, row in enumerate(form.participants) if place != int(number)))
    return None


def clock_of(text: str) -> int | None:
    """Minutes of the day that a clock's time as typed (9:30) means; None for what is none."""
    found = _TIME.fullmatch(text)
    return int(found[1]) * 60 + int(found[2]) if found else None


def filled(form: Form, begin: Start, former: Start) -> Form:
    """The form with what the kind or template brings. Whoever was entered stays; what the `former` one had ticked goes."""
    people = [row for row in form.participants if not row.empty]
    missing = list(begin.roles)
    for row in people:
        if row.role in missing:
            missing.remove(row.role)
    means = dict.fromkeys((*(each for each in form.means if each not in former.means), *begin.means))
    return replace(
        form,
        minutes=str(begin.minutes),
        participants=(*people, *(PersonRow(role=role) for role in missing)),
        means=tuple(means),
        former=form.template,
    )


def _starts_at(form: Form, tz: ZoneInfo) -> datetime | None:
    minutes = clock_of(form.start)
    try:
        day = date.fromisoformat(form.day)
    except ValueError:
        return None
    return moment_at(day, minutes, tz) if minutes is not None else None


def draft_of(form: Form, tz: ZoneInfo) -> SittingDraft:
    """The draft that the operation checks. Rows that nobody filled in are left out."""
    starts_at = _starts_at(form, tz)
    minutes = int(form.minutes) if form.minutes.isascii() and form.minutes.isdigit() and len(form.minutes) < 6 else 0
    people = tuple(
        ParticipantDraft(name=row.name, role=row.role, phone=row.phone, seat=row.seat, id=row.id, user_id=row.user_id, email=row.email)
        for row in form.participants
        if not row.empty
    )
    return SittingDraft(
        case_number=form.case_number,
        case_title=form.case_title,
        title=form.title,
        room_id=form.room_id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes) if starts_at is not None else None,
        chair_id=form.chair_id,
        clerk_id=form.clerk_id,
        prosecutor_id=form.prosecutor_id,
        participants=people,
        override_reason=form.override_reason,
        kind=form_kinds.kind_of(form.template),
    )


def errors_of(request: Request, error: UserError) -> dict[str, list[str]]:
    """Every bad field with its words; "" for what belongs to no field."""
    if not isinstance(error, ValidationFailed):
        return {error.field or "": [error_text(request, error)]}
    listed: dict[str, list[str]] = {}
    for name, code, data in error.errors:
        text = translate(request, f"error.{code}", **data)
        if text not in listed.setdefault(name, []):
            listed[name].append(text)
    if "starts_at" in listed and listed.get("ends_at") == listed["starts_at"]:
        del listed["ends_at"]  # one missing start is one mistake, not two
    return listed


def nearest_words(request: Request, nearest: datetime, wanted: datetime) -> str:
    """The free time as people say it: the time alone on the same day, else with its day."""
    tz = zone(request)
    if nearest.astimezone(tz).date() == wanted.astimezone(tz).date():
        return clock(nearest, tz)
    return f"{day_words(nearest, language(request), tz)} {clock(nearest, tz)}"


def conflict_of(request: Request, error: UserError, form: Form) -> dict[str, Any] | None:
    """What is in the way, in words, with the nearest free time for a button."""
    if not isinstance(error, Conflict):
        return None
    nearest, tz = error.nearest_free, zone(request)
    wanted = _starts_at(form, tz) or nearest
    value = f"{nearest.astimezone(tz):%Y-%m-%dT%H:%M}"
    return {"words": error_text(request, error), "nearest": {"value": value, "words": nearest_words(request, nearest, wanted)}}


async def fields_of(request: Request, form: Form, error: UserError | None = None) -> dict[str, Any]:
    """Everything the form's template needs: values, choices, errors."""
    db, _, tag = ctx(request).db, gettext(request), language(request)
    suited, kind = await form_kinds.start(db, form.template), form_kinds.kind_of(form.template)
    minutes = sorted({*LENGTHS, int(form.minutes)} if form.minutes.isascii() and form.minutes.isdigit() else LENGTHS)
    parts = (
        ("chair_id", form_kinds.chair_words(request, kind), _("Please choose"), accounts_that_preside(kind), 3),
        ("clerk_id", _("Clerk"), _("None"), (CLERK,), 3),
        ("prosecutor_id", _("Prosecutor"), _("None"), (PROSECUTOR,), 6),
    )
    hidden = {
        field
        for field, role in (("clerk_id", CLERK), ("prosecutor_id", PROSECUTOR))
        if not has_role(kind, role) and not form[field]  # what was chosen for another kind is shown, so that it can be taken back
    }
    single = {form.room_id: "room_id", form.chair_id: "chair_id", form.clerk_id: "clerk_id", form.prosecutor_id: "prosecutor_id"}
    return {
        "form": form,
        "errors": (errors_of(request, error) | form_means.at_its_field(request, error, single)) if error else {},
        "means": await form_means.groups(request, form.means, form.room_id, error),
        "chosen_means": len(set(form.means) - {form.room_id}),
        "conflict": conflict_of(request, error, form) if error else None,
        "noticed_from": form_rules.noticed_from(request, kind),
        "cases": await lookups.cases(db),
        "lengths": [{"minutes": n, "words": duration(timedelta(minutes=n), tag)} for n in minutes],
        "rooms": [
            {"id": room.id, "words": room_name(room, tag), "suits": suited.room_kind in ("", room.kind)} for room in await lookups.rooms(db)
        ],
        "roles": roles_for(kind) or roles_for(form_kinds.FIRST),
        "colleagues": await lookups.staff(db, JUDGE, PROSECUTOR, CLERK),
        "kinds_of_sittings": await form_kinds.choices(request),
        "stages": await form_kinds.stages(request, kind),
        "staff_parts": [
            {"name": name, "label": label, "empty": empty, "users": await lookups.staff(db, *accounts), "span": span}
            for name, label, empty, accounts, span in parts
            if name not in hidden
        ],
    }
