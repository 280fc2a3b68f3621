"""What is kept of one recording: its class and the day from which its time counts, holds, the seal of a juvenile record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

from dispatch.archive import recordings
from dispatch.errors import NotFound, UserError
from dispatch.keeping import classes, destructions, holds, juvenile, powers, reading, rules
from dispatch.sittings import listing
from dispatch.store.archive_tables import Recording
from dispatch.web.access import CLERK, JUDGE, PROSECUTOR, Route, roles
from dispatch.web.keeping import PROPOSES, SEES
from dispatch.web.request import Request, Response, ctx, form, me, render, see_other
from dispatch.web.sitting_form import errors_of

CHANGES = roles(CLERK)
"""Changing a class is a clerk's; holds and seals are also for whoever takes part as judge or prosecutor."""
HOLDS = roles(CLERK, JUDGE, PROSECUTOR)

Act = Callable[[dict[str, str]], Awaitable[str]]
"""Does what the form asks for; the address to go on to."""


async def _recording(request: Request) -> Recording:
    return await recordings.get(ctx(request).db, me(request), request.match_info["sitting"], ctx(request).clock())


def _own_page(request: Request) -> str:
    return f"/keeping/recordings/{request.match_info['sitting']}"


async def show(request: Request) -> Response:
    """The page."""
    return await _page(request)


async def _page(request: Request, error: UserError | None = None, typed: dict[str, str] | None = None) -> Response:
    db, user, now = ctx(request).db, me(request), ctx(request).clock()
    about = await reading.about(db, user, await _recording(request), now)
    given = await powers.held(db, user)
    row, kept = about.standing.row, about.standing.kept
    day = row.counted_from if row is not None else None
    fields = {
        "retention": kept.retention,
        "counted_from": day.isoformat() if day is not None else "",
        **dict.fromkeys(("reason", "reference", "hold_reason", "whole_case", "ground", "destroy_reason", "order_reference"), ""),
    }
    return render(
        request,
        "keeping/recording.html",
        status=error.status if error else 200,
        about=about,
        sitting=about.recording.sitting,
        classes=tuple(rules.CLASSES),
        form=fields | (typed or {}),
        errors=errors_of(request, error) if error else {},
        changes=user.role in CHANGES.roles,
        holds=user.role in HOLDS.roles,
        proposes=user.role in PROPOSES.roles,
        opens=rules.SEALED in given,
        lifts={hold.id for hold in about.holds if hold.lifted_at is None and rules.may_lift(hold.placed_by_id, user.id, given)},
        refusal=rules.why_not(kept, now.astimezone(ctx(request).settings.zone).date(), order=True),
        today=now.astimezone(ctx(request).settings.zone).date().isoformat(),
        saved="saved" in request.query,
    )


async def _done(request: Request, act: Act) -> Response:
    """Carry out what a form of this page asks for; a refusal shows the page with what was typed."""
    fields = await form(request)
    try:
        return see_other(await act(fields))
    except NotFound:
        raise
    except UserError as error:
        return await _page(request, error, fields)


async def change(request: Request) -> Response:
    """Another class, or another first day."""
    await _recording(request)

    async def act(fields: dict[str, str]) -> str:
        day = _day(fields.get("counted_from", ""))
        sitting, now = request.match_info["sitting"], ctx(request).clock()
        await classes.change(ctx(request).db, sitting, fields.get("retention", ""), day, fields.get("reason", ""), me(request), now)
        return f"{_own_page(request)}?saved"

    return await _done(request, act)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError("day_impossible", "counted_from") from None


async def hold(request: Request) -> Response:
    """Place a hold."""
    await _recording(request)

    async def act(fields: dict[str, str]) -> str:
        sitting, whole = request.match_info["sitting"], bool(fields.get("whole_case"))
        why = rules.stated(fields.get("hold_reason", ""), "hold_reason")
        await holds.place(ctx(request).db, sitting, fields.get("reference", ""), why, me(request), ctx(request).clock(), whole_case=whole)
        return f"{_own_page(request)}?saved"

    return await _done(request, act)


async def lift(request: Request) -> Response:
    """Lift a hold."""
    await _recording(request)

    async def act(fields: dict[str, str]) -> str:
        sitting, hold_id = request.match_info["sitting"], request.match_info["hold"]
        await holds.lift(ctx(request).db, sitting, hold_id, fields.get("lift_reason", ""), me(request), ctx(request).clock())
        return f"{_own_page(request)}?saved"

    return await _done(request, act)


async def propose(request: Request) -> Response:
    """Propose to destroy this one."""
    await _recording(request)

    async def act(fields: dict[str, str]) -> str:
        why = rules.stated(fields.get("destroy_reason", ""), "destroy_reason")
        sitting, order = request.match_info["sitting"], fields.get("order_reference", "")
        made = await destructions.propose(ctx(request).db, [sitting], why, order, me(request), ctx(request).clock())
        return f"/keeping/destructions/{made.id}"

    return await _done(request, act)


# -- juvenile records: a closed sitting need not have a recording ------------------------------------------------------------------


async def seal(request: Request) -> Response:
    """Seal it; from the next moment on it is not there."""
    context, fields = ctx(request), await form(request)
    sitting = await listing.visible(context.db, me(request), request.match_info["sitting"])
    whole = bool(fields.get("whole_case"))
    try:
        await juvenile.seal(context.db, sitting.id, fields.get("ground", ""), me(request), context.clock(), whole_case=whole)
    except UserError as error:
        if error.field == "ground" and await _has_recording(request):
            return await _page(request, error, fields)
        raise
    return see_other("/keeping?view=juvenile&sealed")


async def _has_recording(request: Request) -> bool:
    try:
        await _recording(request)
    except NotFound:
        return False
    return True


async def leave_open(request: Request) -> Response:
    """It stays open, and is proposed no more."""
    context, fields = ctx(request), await form(request)
    await _recording(request)
    await juvenile.leave_open(context.db, request.match_info["sitting"], fields.get("reason", ""), me(request), context.clock())
    return see_other("/keeping?view=juvenile")


async def look(request: Request) -> Response:
    """Open a sealed record for oneself, on a stated ground."""
    context, fields = ctx(request), await form(request)
    sitting = request.match_info["sitting"]
    await juvenile.look(context.db, sitting, fields.get("ground", ""), me(request), context.clock())
    return see_other(_own_page(request) if await _has_recording(request) else "/keeping?view=juvenile")


async def open_again(request: Request) -> Response:
    """Take the seal away."""
    context, fields = ctx(request), await form(request)
    await juvenile.open_again(context.db, request.match_info["sitting"], fields.get("ground", ""), me(request), context.clock())
    return see_other("/keeping?view=juvenile")


ROUTES = (
    Route("GET", "/keeping/recordings/{sitting}", show, SEES),
    Route("POST", "/keeping/recordings/{sitting}/class", change, CHANGES),
    Route("POST", "/keeping/recordings/{sitting}/holds", hold, HOLDS),
    Route("POST", "/keeping/recordings/{sitting}/holds/{hold}/lift", lift, SEES),
    Route("POST", "/keeping/recordings/{sitting}/destruction", propose, PROPOSES),
    Route("POST", "/keeping/recordings/{sitting}/seal", seal, HOLDS),
    Route("POST", "/keeping/recordings/{sitting}/leave-open", leave_open, HOLDS),
    Route("POST", "/keeping/recordings/{sitting}/look", look, SEES),
    Route("POST", "/keeping/recordings/{sitting}/open", open_again, SEES),
)
