"""Keeping: the class of a recording, its holds, sealing a juvenile record, and destructions. Approving one is no program's: it takes the
password of a person."""

from __future__ import annotations

from aiohttp import web

from dispatch import audit
from dispatch.archive import recordings
from dispatch.errors import NotFound
from dispatch.keeping import classes, destructions, holds, juvenile, reading
from dispatch.sittings import listing
from dispatch.web.access import CLERK, JUDGE, OFFICER, PROSECUTOR
from dispatch.web.api.keeping_shapes import (
    DestructionList,
    DestructionQuery,
    DestructionView,
    HoldView,
    KeepingOrder,
    KeepingView,
    LiftOrder,
    NewDestruction,
    NewHold,
    SealOrder,
    StopOrder,
)
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import cursor_of, place
from dispatch.web.api.sitting_shapes import Once
from dispatch.web.api.versions import IfMatch
from dispatch.web.request import Request, ctx, me, zone

SEES = programs(CLERK, OFFICER, JUDGE, PROSECUTOR)
HOLDS = programs(CLERK, JUDGE, PROSECUTOR)
CLERKS = programs(CLERK)


async def _view(request: Request) -> KeepingView:
    """Raises NotFound, also where it is there but not for the one who asks, or is a sealed juvenile record."""
    context, user = ctx(request), me(request)
    recording = await recordings.get(context.db, user, request.match_info["sitting"])
    return KeepingView.of(await reading.about(context.db, user, recording, context.clock()), zone(request))


async def show(request: Request) -> KeepingView:
    """Show how long a recording is kept.

    Its class, when it expires, every hold, and what became of it.
    """
    return await _view(request)


async def change(request: Request, body: KeepingOrder, headers: IfMatch) -> KeepingView:
    """Change the class of a recording.

    Or the day from which its time counts. The reason is kept.
    """
    headers.check(await _view(request))
    context, sitting = ctx(request), request.match_info["sitting"]
    await classes.change(context.db, sitting, body.retention, body.counted_from, body.reason, me(request), context.clock())
    return await _view(request)


async def place_hold(request: Request, body: NewHold, headers: Once) -> HoldView:
    """Place a legal hold.

    It beats expiry and destruction until it is lifted. A recording may have several, each with its own reference.
    """
    context, user = ctx(request), me(request)
    sitting = (await recordings.get(context.db, user, request.match_info["sitting"])).sitting_id
    sent = headers.order(user, f"hold {sitting}", body)
    hold = await holds.place(
        context.db, sitting, body.reference, body.reason, user, context.clock(), whole_case=body.whole_case, sent=sent
    )
    return HoldView.of(hold, sitting, zone(request))


async def show_hold(request: Request) -> HoldView:
    """Show one hold."""
    for hold in (await _view(request)).holds:
        if hold.id == request.match_info["hold"]:
            return hold
    raise NotFound("hold_unknown")


async def lift_hold(request: Request, body: LiftOrder, headers: IfMatch) -> HoldView:
    """Lift a legal hold.

    Whoever placed it may, and people who were given that power.
    """
    context, user = ctx(request), me(request)
    sitting = (await recordings.get(context.db, user, request.match_info["sitting"])).sitting_id
    hold = await holds.lift(
        context.db,
        sitting,
        request.match_info["hold"],
        body.reason,
        user,
        context.clock(),
        lambda found: headers.check(HoldView.of(found, sitting, zone(request))),
    )
    return HoldView.of(hold, sitting, zone(request))


async def seal(request: Request, body: SealOrder) -> None:
    """Seal a juvenile record.

    From then on the sitting and its recording are in no answer: only people with the power to see sealed records see them, on the pages.
    """
    context, user = ctx(request), me(request)
    sitting = await listing.visible(context.db, user, request.match_info["sitting"])
    await juvenile.seal(context.db, sitting.id, body.ground, user, context.clock(), whole_case=body.whole_case)


async def search(request: Request, query: DestructionQuery) -> DestructionList:
    """List destructions.

    The newest first, a page at a time. None that lists a sealed juvenile record.
    """
    tz = zone(request)
    async with ctx(request).db.reader() as session:
        rows, more = await destructions.listed(session, me(request), place(query.cursor), query.limit)
    goes_on = cursor_of(rows[-1].proposed_at, rows[-1].id) if more else None
    return DestructionList(items=[DestructionView.of(row, tz) for row in rows], next=goes_on)


async def show_destruction(request: Request) -> DestructionView:
    """Show one destruction."""
    found = await destructions.find(ctx(request).db, request.match_info["destruction"], me(request))
    return DestructionView.of(found, zone(request))


async def propose(request: Request, body: NewDestruction, headers: Once) -> DestructionView:
    """Propose a destruction.

    Nothing is destroyed before a person who was given that power has approved it on the page, with a password, and the waiting period
    is over.
    """
    context, user = ctx(request), me(request)
    sent = headers.order(user, "destruction", body)
    made = await destructions.propose(context.db, body.sittings, body.reason, body.order_reference, user, context.clock(), sent)
    return DestructionView.of(await destructions.find(context.db, made.id, user), zone(request))


async def stop(request: Request, body: StopOrder, headers: IfMatch) -> DestructionView:
    """Stop a destruction.

    Whoever proposed or approved it may, until it is carried out.
    """
    context, tz = ctx(request), zone(request)
    found = await destructions.stop(
        context.db,
        request.match_info["destruction"],
        body.reason,
        me(request),
        context.clock(),
        lambda row: headers.check(DestructionView.of(row, tz)),
    )
    return DestructionView.of(found, tz)


async def certificate(request: Request) -> web.Response:
    """Take out the certificate of a destruction.

    Byte for byte as it was signed; `server.py verify` checks it. Audited.
    """
    context = ctx(request)
    found = await destructions.find(context.db, request.match_info["destruction"], me(request))
    if not found.certificate:
        raise NotFound("destruction_unknown")
    await audit.record(context.db, me(request), "certificate_taken", found.number, detail={"destruction": found.id})
    return web.Response(body=found.certificate.encode(), content_type="application/json", headers={"Cache-Control": "no-store"})


ROUTES = (
    operation("GET", "/recordings/{sitting}/keeping", show, SEES),
    operation("PATCH", "/recordings/{sitting}/keeping", change, CLERKS, refuses=(409,)),
    operation("POST", "/recordings/{sitting}/holds", place_hold, HOLDS, status=201, refuses=(409,)),
    operation("GET", "/recordings/{sitting}/holds/{hold}", show_hold, SEES),
    operation("POST", "/recordings/{sitting}/holds/{hold}/lift", lift_hold, SEES, refuses=(409,)),
    operation("POST", "/sittings/{sitting}/seal", seal, HOLDS, status=204, refuses=(409,)),
    operation("GET", "/destructions", search, SEES),
    operation("POST", "/destructions", propose, CLERKS, status=201, refuses=(404, 409)),
    operation("GET", "/destructions/{destruction}", show_destruction, SEES),
    operation("POST", "/destructions/{destruction}/stop", stop, SEES, refuses=(409,)),
    operation("GET", "/destructions/{destruction}/certificate", certificate, SEES, file="application/json"),
)
