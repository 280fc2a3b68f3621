"""The form of a sitting: what it is filled with, what was typed, and the draft that is made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dispatch.booking import in_force, protection
from dispatch.booking.draft import SittingDraft
from dispatch.booking.draft import draft_of as draft_of_sitting
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.protection import GUARDIAN, Pair
from dispatch.booking.roles import Procedures, roles_for
from dispatch.booking.templates import Start
from dispatch.errors import Conflict, UserError, ValidationFailed
from dispatch.store.tables import Sitting
from dispatch.web import form_kinds, form_means, form_protection, form_rules, lookups
from dispatch.web.access import CLERK, JUDGE, PROSECUTOR
from dispatch.web.day_grid import moment_at, room_name
from dispatch.web.formats import clock, duration
from dispatch.web.formats import day as day_words
from dispatch.web.request import Request, ctx, error_text, gettext, language, me, rows, translate, zone

OPENS, LAST_BEGIN, STEP = time(9), time(17), timedelta(minutes=30)
"""A new form's time of day on a day to come; today's is the next half hour, up to when hardly anybody begins a sitting any more."""
SATURDAY = 5
LENGTHS = (30, 45, 60, 90, 120, 150, 180, 240, 300, 360, 480)
"""Minutes offered; another length that a sitting has already is offered too."""

_ROW = ("id", "user_id", "name", "role", "phone", "seat", "email", "key", "minor", "guards")
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
    key: str = ""
    """by which a row that is new is meant elsewhere in the form"""
    minor: str = ""
    guards: str = ""
    """the word of whom he guards"""

    @property
    def word(self) -> str:
        """By which the form means him."""
        return self.id or self.key

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
    apart: tuple[Pair, ...] = ()
    """who must not see or hear whom"""

    def __getitem__(self, name: str) -> str:
        """A field by its name, for templates."""
        return str(getattr(self, name))


def first_time(now: datetime, asked: str) -> tuple[str, str]:
    """Day and time of day that a new form begins with, of the court's clock, as fields have them: of the day `asked` for, if any."""
    today, midnight, opens = now.date().isoformat(), datetime.combine(now, time()), f"{OPENS:%H:%M}"
    soonest = max(midnight + -(-(now - midnight) // STEP) * STEP, datetime.combine(now, OPENS))
    if asked in ("", today) and soonest.date() == now.date() and (asked or soonest.time() <= LAST_BEGIN):
        return today, f"{soonest:%H:%M}"
    following = now.date() + timedelta(days=1)
    working = following + timedelta(days=7 - following.weekday() if following.weekday() >= SATURDAY else 0)
    return asked or working.isoformat(), opens


def blank(request: Request, now: datetime) -> Form:
    """A new form: the slot that was clicked, the clerk himself, one row for each side. `now`: by the court's clock."""
    query = request.query
    day, start = first_time(now, query.get("day", ""))
    return Form(
        day=day,
        start=query.get("start", start),
        minutes=query.get("minutes", "60"),
        room_id=query.get("room", ""),
        case_number=query.get("case_number", ""),
        case_title=query.get("case_title", ""),
        title=query.get("title", ""),
        template=query.get("template", form_kinds.FIRST),
        former=query.get("template", form_kinds.FIRST),
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
            PersonRow(
                row.id, row.user_id, row.name, row.role, row.phone, row.seat, row.email, minor="on" if row.minor else "", guards=row.guards
            )
            for row in draft.participants
        ),
        template=sitting.kind,
        former=sitting.kind,
        means=form_means.held(sitting),
        apart=draft.apart,
    )


def typed(fields: Mapping[str, str]) -> Form:
    """The form as it was sent. "take" (a free time offered) puts its day and start in."""
    people = tuple(
        PersonRow(**{key: row[key] for key in _ROW if key in row})
        for row in rows(fields, "participants")
    )
    names = (
        *("case_number", "case_title", "title", "day", "start", "minutes", "room_id"),
        *("chair_id", "clerk_id", "prosecutor_id", "override_reason"),
    )
    text: dict[str, Any] = {name: fields.get(name, "") for name in names}
    form = Form(**text, participants=people, means=form_means.typed(fields), apart=form_protection.typed_pairs(fields))
    form = replace(form, template=fields.get("template", form_kinds.FIRST), former=fields.get("former", form_kinds.FIRST))
    day, _, start = fields.get("take", "").partition("T")
    return replace(form, day=day, start=start) if start else form


def with_rows(form: Form, act: str) -> Form | None:
    """The form with a row more ("add") or less ("remove-2"), with a pair more or less, or with another who presides ("preside-2"); None
    when `act` is none of these."""
    if act == "add":
        return replace(form, participants=(*form.participants, PersonRow()))
    if (pairs := form_protection.with_pairs(form.apart, act)) is not None:
        return replace(form, apart=pairs)
    what, _, number = act.rpartition("-")
    if what not in ("remove", "preside") or not (number.isascii() and number.isdigit()):
        return None
    if int(number) >= len(form.participants):
        return form
    row = form.participants[int(number)]
    return _presiding(form, row) if what == "preside" else _without(form, row)


def _without(form: Form, row: PersonRow) -> Form:
    """Nobody is kept from whoever is not in the form, and nobody guards him."""
    people = tuple(replace(each, guards="") if each.guards == row.word else each for each in form.participants if each is not row)
    return replace(form, participants=people, apart=form_protection.without(form.apart, row.word) if row.word else form.apart)


def _presiding(form: Form, row: PersonRow) -> Form:
    """The colleague of a row presides, and whoever presided takes the row. A pair of either is not one of the other."""
    if not row.user_id:
        return form
    former = PersonRow(user_id=form.chair_id, role=row.role)
    people = tuple(former if each is row else each for each in form.participants if each is not row or form.chair_id)
    return replace(form, chair_id=row.user_id, participants=people, apart=form_protection.without(form.apart, row.word))


def keyed(form: Form) -> Form:
    """The form with a word for every row, by which pairs and guardians mean it."""
    free = form_protection.first_free((row.key for row in form.participants), len(form.participants))
    people = []
    for row in form.participants:
        if not row.word:
            row, free = replace(row, key=f"p{free}"), free + 1
        people.append(row)
    return replace(form, participants=tuple(people))


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


def people_of(form: Form) -> tuple[ParticipantDraft, ...]:
    """The rows that somebody filled in."""
    return tuple(
        ParticipantDraft(
            name=row.name,
            role=row.role,
            phone=row.phone,
            seat=row.seat,
            id=row.id,
            user_id=row.user_id,
            email=row.email,
            key="" if row.id else row.key,
            minor=bool(row.minor),
            guards=row.guards if row.role == GUARDIAN else "",
        )
        for row in form.participants
        if not row.empty
    )


def draft_of(form: Form, tz: ZoneInfo) -> SittingDraft:
    """The draft that the operation checks. Rows that nobody filled in are left out."""
    starts_at = _starts_at(form, tz)
    minutes = int(form.minutes) if form.minutes.isascii() and form.minutes.isdigit() and len(form.minutes) < 6 else 0
    people = people_of(form)
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
        apart=form.apart,
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


def protection_fields(
    request: Request, form: Form, kind: str, names: Mapping[str, str], named: Mapping[str, str], versions: Procedures
) -> dict[str, Any]:
    """What the rows and the list of pairs need. `names`: of the staff, by id; `named`: field → whom of them it names."""
    return {
        "people": form_protection.choices(request, form.participants, kind, names, named, versions),
        "wards": protection.wards(kind, versions),
        "presiding_roles": form_protection.presiding_roles(kind, versions),
        "next_row": form_protection.first_free((row.key for row in form.participants), len(form.participants)),
    }


async def fields_of(request: Request, form: Form, error: UserError | None = None) -> dict[str, Any]:
    """Everything the form's template needs: values, choices, errors."""
    if error is not None:  # the draft was made without empty rows, so that its errors count the others: the empty ones stand behind them
        form = replace(form, participants=tuple(sorted(form.participants, key=lambda row: row.empty)))
    form = keyed(form)
    db, _, tag = ctx(request).db, gettext(request), language(request)
    versions = await in_force.held(db)
    suited, kind = await form_kinds.start(db, form.template), form_kinds.kind_of(form.template)
    minutes = sorted({*LENGTHS, int(form.minutes)} if form.minutes.isascii() and form.minutes.isdigit() else LENGTHS)
    chosen = {"clerk_id": form.clerk_id, "prosecutor_id": form.prosecutor_id}
    parts = form_kinds.staff_parts(request, kind, chosen, versions)
    colleagues = await lookups.staff(db, JUDGE, PROSECUTOR, CLERK)
    names = {user.id: user.name for user in colleagues}
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
        "roles": roles_for(kind, versions) or roles_for(form_kinds.FIRST, versions),
        "colleagues": colleagues,
        **protection_fields(request, form, kind, names, chosen, versions),
        "kinds_of_sittings": await form_kinds.choices(request),
        "stages": await form_kinds.stages(request, kind),
        "staff_parts": [
            {
                "name": part.name,
                "label": part.label,
                "empty": _("Please choose") if part.name == "chair_id" else _("None"),
                "users": await lookups.staff(db, *part.accounts),
                "span": 6 if part.name == "prosecutor_id" else 3,
            }
            for part in parts
        ],
    }
