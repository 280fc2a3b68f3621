"""The clerk's page of sittings that wait for a time: adding, changing and taking them off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from dispatch.booking import in_force, rebooking, templates
from dispatch.booking.catalogue.features import FEATURES
from dispatch.booking.catalogue.resources import MOVABLE, list_resources
from dispatch.booking.catalogue.rooms import KINDS
from dispatch.booking.finding.searching import ANY, PARTS, STAFF
from dispatch.booking.listing import waiting
from dispatch.booking.listing.waiting import HIGHEST, LOWEST, WaitingDraft
from dispatch.booking.roles import roles_for
from dispatch.errors import UserError
from dispatch.store.waiting_tables import WaitingSitting
from dispatch.web import form_kinds, lookups
from dispatch.web.access import CLERK, JUDGE, PROSECUTOR, Route, roles
from dispatch.web.formats import duration
from dispatch.web.request import Request, Response, ctx, gettext, language, me, render, see_other
from dispatch.web.request import form as posted_form
from dispatch.web.sitting_form import LENGTHS, Form, PersonRow, errors_of, filled, keyed, people_of, protection_fields, typed, with_rows
from rooms.procedure import PROCEDURES

PLAIN = (
    *("kind", "case_number", "case_title", "title", "minutes", *STAFF),
    *("room_kind", "seats", "priority", "not_before", "deadline", "part"),
)


@dataclass(frozen=True, slots=True)
class Fields:
    """What the fields show, as text. `form` holds the participants."""

    plain: Mapping[str, str]
    features: tuple[str, ...]
    equipment: tuple[str, ...]
    required: bool
    form: Form


def _blank(request: Request) -> Fields:
    plain = dict.fromkeys(PLAIN, "") | {"kind": form_kinds.FIRST, "minutes": "60", "priority": str(LOWEST), "clerk_id": me(request).id}
    return Fields(plain, (), (), False, Form(participants=(PersonRow(), PersonRow())))


def _of(row: WaitingSitting) -> Fields:
    draft = waiting.draft_of(row)
    shown = {name: getattr(draft, name) for name in PLAIN}
    plain = {name: "" if value is None or (name == "seats" and not value) else str(value) for name, value in shown.items()}
    people = tuple(
        PersonRow(
            name=p.name, role=p.role, phone=p.phone, seat=p.seat, email=p.email, key=p.key, minor="on" if p.minor else "", guards=p.guards
        )
        for p in draft.participants
    )
    return Fields(plain, draft.features, draft.equipment, draft.required, Form(participants=people, apart=draft.apart))


def _typed(fields: Mapping[str, str]) -> Fields:
    """Lists are one field for each choice, "features-broadcast"."""
    return Fields(
        {name: fields.get(name, "") for name in PLAIN} | {"kind": fields.get("kind", form_kinds.FIRST)},
        tuple(name.removeprefix("features-") for name in fields if name.startswith("features-")),
        tuple(name.removeprefix("equipment-") for name in fields if name.startswith("equipment-")),
        bool(fields.get("required")),
        typed(fields),
    )


def _number(text: str, empty: int = 0) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else empty if not text else -1


def _day(text: str) -> date | None:
    """A day; one that is none is before all others, which is refused at its field."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return date.min


def _draft(shown: Fields) -> WaitingDraft:
    people = tuple(replace(row, id="", user_id="") for row in people_of(shown.form))
    text = {name: shown.plain[name] for name in ("kind", "case_number", "case_title", "title", *STAFF, "room_kind", "part")}
    return WaitingDraft(
        **text,
        minutes=_number(shown.plain["minutes"]),
        seats=_number(shown.plain["seats"]),
        priority=_number(shown.plain["priority"], LOWEST),
        not_before=_day(shown.plain["not_before"]),
        deadline=_day(shown.plain["deadline"]),
        participants=people,
        features=shown.features,
        equipment=shown.equipment,
        required=shown.required,
        apart=shown.form.apart,
    )


async def _choices(request: Request, shown: Fields) -> dict[str, Any]:
    db, tag, _ = ctx(request).db, language(request), gettext(request)
    versions = await in_force.held(db)
    kind, chosen = shown.plain["kind"], {name: shown.plain[name] for name in STAFF}
    parts = form_kinds.staff_parts(request, kind, chosen, versions)
    colleagues = {user.id: user.name for user in await lookups.staff(db, CLERK, PROSECUTOR)}
    minutes = {*LENGTHS, own} if (own := _number(shown.plain["minutes"])) > 0 else {*LENGTHS}
    things = await list_resources(db, *MOVABLE)
    return {
        "fields": shown,
        "form": shown.form,
        "any": ANY,
        "lengths": [{"minutes": n, "words": duration(timedelta(minutes=n), tag)} for n in sorted(minutes)],
        "kinds": KINDS,
        "features": FEATURES,
        "day_parts": tuple(PARTS),
        "priorities": range(LOWEST, HIGHEST + 1),
        "roles": roles_for(kind, versions) or roles_for(form_kinds.FIRST, versions),
        "sitting_kinds": tuple(PROCEDURES),
        **protection_fields(request, shown.form, kind, colleagues, chosen, versions),
        "presiding_roles": (),
        "cases": await lookups.cases(db),
        "equipment": [(each.id, (each.name_en or each.name) if tag == "en" else each.name) for each in things],
        "staff_parts": [
            {
                "name": part.name,
                "label": part.label,
                "empty": _("Please choose") if part.name == "chair_id" else _("None"),
                "any": part.some,
                "users": await lookups.staff(db, *part.accounts),
            }
            for part in parts
        ],
    }


async def _page(request: Request, shown: Fields, *, row: WaitingSitting | None = None, error: UserError | None = None) -> Response:
    if error is not None:  # the draft was made without empty rows, so that its errors count the others: the empty ones stand behind them
        shown = replace(shown, form=replace(shown.form, participants=tuple(sorted(shown.form.participants, key=lambda each: each.empty))))
    shown = replace(shown, form=keyed(shown.form))
    data: dict[str, Any] = {
        "row": row,
        "errors": errors_of(request, error) if error else {},
        "action": f"/booking/waiting/{row.id}" if row is not None else "/booking/waiting/new",
        **await _choices(request, shown),
    }
    return render(request, "staff/waiting_form.html", status=error.status if error else 200, **data)


async def show(request: Request) -> Response:
    """All that wait. For clerks."""
    return await _list(request)


async def _list(request: Request, error: UserError | None = None) -> Response:
    db, tag = ctx(request).db, language(request)
    rows = await waiting.listed(db)
    names = {user.id: user.name for user in await lookups.staff(db, JUDGE, CLERK, PROSECUTOR)}
    lengths = {row.id: duration(timedelta(minutes=row.minutes), tag) for row in rows}
    said = "; ".join(text for texts in errors_of(request, error).values() for text in texts) if error else ""
    data = {"rows": rows, "names": names, "lengths": lengths, "any": ANY, "saved": "saved" in request.query, "error": said}
    return render(request, "staff/waiting.html", status=error.status if error else 200, **data)


async def book(request: Request) -> Response:
    """Book one at the next time that is free for everybody and everything; where there is none, the list says so. For clerks."""
    context = ctx(request)
    try:
        travel = context.settings.travel_minutes
        sitting_id = await rebooking.book_soonest(context.db, request.match_info["waiting"], me(request), context.clock(), travel)
    except UserError as error:
        return await _list(request, error)
    return see_other(f"/sittings/{sitting_id}")


async def new(request: Request) -> Response:
    """An empty form."""
    return await _page(request, _blank(request))


async def add(request: Request) -> Response:
    """Have a sitting wait; a refusal keeps what was typed and says at each field what is wrong."""
    context, fields = ctx(request), await posted_form(request)
    shown = _typed(fields)
    if (other := _with_rows(shown, fields)) is not None:
        return await _page(request, other)
    try:
        await waiting.add(context.db, _draft(shown), me(request), context.clock())
    except UserError as error:
        return await _page(request, shown, error=error)
    return see_other("/booking/waiting?saved=1")


async def edit(request: Request) -> Response:
    """The form of one that waits."""
    row = await waiting.get(ctx(request).db, request.match_info["waiting"])
    return await _page(request, _of(row), row=row)


async def update(request: Request) -> Response:
    """Save what it needs now."""
    context, fields = ctx(request), await posted_form(request)
    row = await waiting.get(context.db, request.match_info["waiting"])
    shown = _typed(fields)
    if (other := _with_rows(shown, fields)) is not None:
        return await _page(request, other, row=row)
    try:
        await waiting.change(context.db, row.id, _draft(shown), me(request), context.clock())
    except UserError as error:
        return await _page(request, shown, row=row, error=error)
    return see_other("/booking/waiting?saved=1")


async def remove(request: Request) -> Response:
    """It waits no longer."""
    await waiting.remove(ctx(request).db, request.match_info["waiting"], me(request), ctx(request).clock())
    return see_other("/booking/waiting")


def _with_rows(shown: Fields, fields: Mapping[str, str]) -> Fields | None:
    """What the fields show after a button that saves nothing; None after another one."""
    if fields.get("act") == "fill":
        begin = templates.standard(shown.plain["kind"])
        people = filled(shown.form, begin, begin).participants
        plain = {**shown.plain, "minutes": str(begin.minutes), "room_kind": begin.room_kind}
        return replace(shown, plain=plain, form=replace(shown.form, participants=people))
    other = with_rows(shown.form, fields.get("act", ""))
    return None if other is None else replace(shown, form=other)


CLERKS = roles(CLERK)

ROUTES = (
    Route("GET", "/booking/waiting", show, CLERKS),
    Route("GET", "/booking/waiting/new", new, CLERKS),
    Route("POST", "/booking/waiting/new", add, CLERKS),
    Route("GET", "/booking/waiting/{waiting}", edit, CLERKS),
    Route("POST", "/booking/waiting/{waiting}", update, CLERKS),
    Route("POST", "/booking/waiting/{waiting}/remove", remove, CLERKS),
    Route("POST", "/booking/waiting/{waiting}/book", book, CLERKS),
)
