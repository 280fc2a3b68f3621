"""A sitting's page for the staff: participants, personal links, device checks; making, changing and cancelling it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import segno
from markupsafe import Markup

from dispatch.booking import asked_for, history, reasons
from dispatch.booking.series import changes as series_changes
from dispatch.booking.wall_clock import wall_time
from dispatch.errors import NotFound, UserError, ValidationFailed
from dispatch.identity import invitations
from dispatch.notices import ledger
from dispatch.notices.outbox import open_channels
from dispatch.sittings import listing
from dispatch.sittings.sittings import takes_part
from dispatch.store.tables import Participant, Sitting
from dispatch.web import find_time, form_hold, form_kinds, form_means, form_protection, form_repeat, lookups
from dispatch.web.access import CLERK, JUDGE, PROSECUTOR, Route, roles
from dispatch.web.booking import wants_fragment
from dispatch.web.day_grid import ENTERABLE, MOVABLE, room_name
from dispatch.web.days import today
from dispatch.web.device_words import Check, checks_of
from dispatch.web.form_means import with_means
from dispatch.web.history import SHORT, acts
from dispatch.web.reach import reach
from dispatch.web.request import Request, Response, ctx, error_text, form, gettext, language, me, render, see_other, zone
from dispatch.web.requests import decision_of
from dispatch.web.sitting_form import Form, blank, draft_of, fields_of, filled, of_sitting, typed, with_rows


def qr_svg(text: str) -> Markup:
    """The QR code of a link, error correction M, as inline SVG; its name for screen readers is the link beside it."""
    code = segno.make_qr(text, error="m")
    return Markup(code.svg_inline(scale=4, border=2, omitsize=True, svgclass=None, lineclass=None))  # noqa: S704 (made by segno, holds no text)


@dataclass(frozen=True)
class PersonEntry:
    """A participant as the page lists him. `link` is the whole address, "" where there is none, with `link_state` saying why."""

    person: Participant
    link: str
    link_state: str
    qr: Markup
    checks: list[Check]
    changeable: bool


def _person(request: Request, sitting: Sitting, person: Participant, tokens: dict[str, str], writes: bool) -> PersonEntry:
    _ = gettext(request)
    needs = invitations.needs_link(person)
    open_ = sitting.status in ENTERABLE
    token = tokens.get(person.id) if writes and open_ else None
    link = f"{ctx(request).settings.public_url}/join/{token}" if token else ""
    state = ""
    if writes and needs and not link:
        state = _("Link revoked") if open_ else _("Links have ended")
    return PersonEntry(
        person, link, state, qr_svg(link) if link else Markup(""), checks_of(request, person.device_check), writes and needs and open_
    )


def _reads_protection(request: Request, sitting: Sitting) -> bool:
    """Who is kept from whom is for those who keep the booking and for whoever presides, and for nobody else."""
    user = me(request)
    return user.role == CLERK or any(person.presides and person.user_id == user.id for person in sitting.participants)


async def _visible(request: Request) -> Sitting:
    """The sitting of the address, for those who see it."""
    return await listing.visible(ctx(request).db, me(request), request.match_info["sitting"])


async def show(request: Request) -> Response:
    """The sitting's page. Links are shown to clerks only."""
    return await _page(request, await _visible(request))


async def _page(request: Request, sitting: Sitting, fields: Mapping[str, str] | None = None, error: UserError | None = None) -> Response:
    """The page; after a refused cancellation with its dialog open, what was chosen and typed in it, and what is wrong."""
    context, _, user = ctx(request), gettext(request), me(request)
    clerk = user.role == CLERK
    tokens = invitations.links(context.db, sitting) if clerk else {}
    day = sitting.starts_at.astimezone(zone(request)).date()
    held = next(iter(sitting.rooms), None)
    told = await ledger.page(context.db, ledger.Wanted(sitting.id), None, 200) if clerk else ([], None)
    return render(
        request,
        "staff/sitting.html",
        status=error.status if error else 200,
        cancel_error=error_text(request, error) if error else "",
        cancel_chosen=fields or {},
        sitting=sitting,
        people=[_person(request, sitting, person, tokens, clerk) for person in sitting.participants],
        links=clerk and sitting.status in ENTERABLE,
        reach=reach(request),
        room_name=room_name(held, language(request)) if held else "",
        means=form_means.of_sitting(sitting, language(request)),
        back=f"/booking?day={day}" if clerk else f"/today?day={day}",
        back_words=_("Booking") if clerk else _("My sittings"),
        editable=clerk and sitting.status in ENTERABLE,
        cancellable=clerk and sitting.status in MOVABLE,
        cancel_reasons=(*reasons.REASONS, reasons.OTHER),
        enters=sitting.status in ENTERABLE and takes_part(sitting, user.id),
        fresh_links=clerk and "saved" in request.query,
        recording=sitting.id in await lookups.recorded(context.db, [sitting.id]),
        open=open_channels(context.db.site),
        told=[message for message in told[0] if message.newest] if clerk else None,
        watch=clerk and sitting.status != "cancelled",
        acts=await acts(request, (await history.of(context.db, sitting.id))[:SHORT]) if clerk else [],
        series=await form_repeat.membership(request, sitting),
        protected=form_protection.of_sitting(sitting) if _reads_protection(request, sitting) else None,
        decision=decision_of(request, sitting, "sitting"),
    )


async def _form_page(
    request: Request,
    values: Form,
    fields: Mapping[str, str],
    *,
    sitting: Sitting | None = None,
    error: UserError | None = None,
    preview: form_repeat.Preview | None = None,
) -> Response:
    """The form, alone or beside the grid; what was typed stays. 200 for a form that was only given another row."""
    _ = gettext(request)
    day = values.day or today(request).isoformat()
    member = await form_repeat.membership(request, sitting)
    data: dict[str, Any] = await fields_of(request, values, error)
    data |= form_repeat.fields_of(request, form_repeat.typed(fields), preview=preview, member=member, error=error)
    data |= form_hold.fields_of(form_hold.typed(fields), today(request))
    data |= {
        "existing": sitting is not None,
        "fixed": sitting is not None and sitting.status != "planned",
        "action": f"/sittings/{sitting.id}/edit" if sitting else "/sittings/new",
        "heading": _("Change the sitting") if sitting else _("New sitting"),
        "back": f"/sittings/{sitting.id}" if sitting else f"/booking?day={day}",
        "day": day,
    }
    template = "staff/sitting_form_panel.html" if wants_fragment(request, "panel") else "staff/sitting_edit.html"
    return render(request, template, status=error.status if error else 200, **data)


def _gone_on(request: Request, path: str) -> Response:
    """Go on to a page: by redirect, or by a header where a script sent the form."""
    if not wants_fragment(request, "panel"):
        return see_other(path)
    response = render(request, "staff/moved_on.html", aim=path)
    response.headers["X-Location"] = path
    return response


async def new(request: Request) -> Response:
    """An empty form, filled with the slot that was clicked."""
    values = blank(request, wall_time(ctx(request).clock(), zone(request)))
    if "template" in request.query:  # a time was found for that kind: its rows too, and the length that was looked for
        values = replace(await _filled(request, values), minutes=values.minutes)
    return await _form_page(request, values, request.query)


async def _filled(request: Request, values: Form) -> Form:
    """The form with what the kind or template that was chosen brings."""
    db = ctx(request).db
    return filled(values, await form_kinds.start(db, values.template), await form_kinds.start(db, values.former))


async def create(request: Request) -> Response:
    """Book the sitting; a refusal keeps what was typed and says at each field what is wrong."""
    fields = await form(request)
    values = typed(fields)
    act = fields.get("act", "")
    other = await _filled(request, values) if act == "fill" else with_rows(values, act)
    if other is not None:
        return await _form_page(request, other, fields)
    if act == "find":
        return _gone_on(request, find_time.address(fields))
    try:
        held_until = form_hold.typed(fields).until(zone(request))
        draft = await with_means(ctx(request).db, draft_of(values, zone(request)), values.means)
        if act == "ask":
            await asked_for.ask(ctx(request).db, draft, me(request), ctx(request).clock())
            return _gone_on(request, "/booking/asked?saved=1")
        made = await form_repeat.book(request, draft, form_repeat.typed(fields), act, held_until)
    except UserError as error:
        return await _form_page(request, values, fields, error=error)
    if not isinstance(made, str):
        return await _form_page(request, values, fields, preview=made, error=made.error if made else None)
    return _gone_on(request, f"/sittings/{made}?saved=1")


async def edit(request: Request) -> Response:
    """The form of a sitting that has not begun."""
    sitting = await _visible(request)
    return await _form_page(request, of_sitting(sitting, zone(request)), request.query, sitting=sitting)


async def update(request: Request) -> Response:
    """Save the changed sitting; links follow the operation's rules."""
    context, fields = ctx(request), await form(request)
    sitting = await _visible(request)
    values = replace(typed(fields), template=sitting.kind)  # its kind stays
    other = with_rows(values, fields.get("act", ""))
    if other is not None:
        return await _form_page(request, other, fields, sitting=sitting)
    repeat = form_repeat.typed(fields)
    try:
        draft = await with_means(context.db, draft_of(values, zone(request)), values.means, sitting)
        changed = await series_changes.change(context.db, sitting.id, repeat.scope, draft, me(request), context.clock(), repeat.leave)
    except UserError as error:
        return await _form_page(request, values, fields, sitting=sitting, error=error)
    for each in changed:
        await context.live.revised(each)
    return _gone_on(request, f"/sittings/{sitting.id}?saved=1")


async def cancel(request: Request) -> Response:
    """Cancel with a reason: the room is free, the links stop working, whoever is in the waiting room is told. Without one the page says so
    at the field."""
    context, fields = ctx(request), await form(request)
    sitting = await _visible(request)
    reason = reasons.words_of(fields.get("reason_code", ""), fields.get("reason", ""))
    scope = form_repeat.typed(fields).scope
    try:
        cancelled = await series_changes.cancel(context.db, sitting.id, scope, reason, me(request), context.clock())
    except ValidationFailed as error:
        return await _page(request, sitting, {**fields, "scope": scope}, error)
    for each in cancelled:
        await context.live.cancelled(each, reason)
    return see_other(f"/booking?day={sitting.starts_at.astimezone(zone(request)).date()}")


async def _participant(request: Request) -> tuple[Sitting, Participant]:
    sitting = await _visible(request)
    found = next((person for person in sitting.participants if person.id == request.match_info["participant"]), None)
    if found is None:
        raise NotFound("participant_unknown")
    return sitting, found


async def reissue(request: Request) -> Response:
    """A new link; the old one stops working and whoever came by it is disconnected."""
    context = ctx(request)
    sitting, person = await _participant(request)
    await invitations.reissue(context.db, person.id, me(request), context.clock())
    await context.live.link_revoked(person.id, "reissued")
    return see_other(f"/sittings/{sitting.id}?saved=1")


async def revoke(request: Request) -> Response:
    """No link; whoever came by it is disconnected."""
    context = ctx(request)
    sitting, person = await _participant(request)
    await invitations.revoke(context.db, person.id, "clerk", me(request), context.clock())
    await context.live.link_revoked(person.id, "clerk")
    return see_other(f"/sittings/{sitting.id}")


CLERKS = roles(CLERK)

ROUTES = (
    Route("GET", "/sittings/new", new, CLERKS),
    Route("POST", "/sittings/new", create, CLERKS),
    Route("GET", "/sittings/{sitting}", show, roles(CLERK, JUDGE, PROSECUTOR)),
    Route("GET", "/sittings/{sitting}/edit", edit, CLERKS),
    Route("POST", "/sittings/{sitting}/edit", update, CLERKS),
    Route("POST", "/sittings/{sitting}/cancel", cancel, CLERKS),
    Route("POST", "/sittings/{sitting}/participants/{participant}/reissue", reissue, CLERKS),
    Route("POST", "/sittings/{sitting}/participants/{participant}/revoke", revoke, CLERKS),
)
