"""One destruction: what it lists, approving it with one's own password, stopping it, and its certificate on paper and as a file."""

from __future__ import annotations

import json
from datetime import timedelta

from aiohttp import web

from dispatch import audit
from dispatch.errors import NotFound, UserError
from dispatch.identity import sign_in
from dispatch.keeping import destructions, powers, rules
from dispatch.store.keeping_tables import Destruction
from dispatch.web.access import Route
from dispatch.web.keeping import SEES
from dispatch.web.recording_words import size
from dispatch.web.request import Request, Response, address, ctx, form, me, render, see_other
from dispatch.web.sitting_form import errors_of


async def _destruction(request: Request) -> Destruction:
    return await destructions.find(ctx(request).db, request.match_info["destruction"], me(request))


async def show(request: Request) -> Response:
    """The page."""
    return await _page(request)


async def _page(request: Request, error: UserError | None = None, typed: dict[str, str] | None = None) -> Response:
    found, user = await _destruction(request), me(request)
    given = await powers.held(ctx(request).db, user)
    may_approve = rules.APPROVE in given
    return render(
        request,
        "keeping/destruction.html",
        status=error.status if error else 200,
        found=found,
        total=size(sum(item.bytes for item in found.items)),
        sizes={item.id: size(item.bytes) for item in found.items},
        approves=may_approve and found.state == "proposed" and found.proposed_by_id != user.id,
        own=found.state == "proposed" and found.proposed_by_id == user.id,
        stops=found.state in ("proposed", "approved")
        and (user.id in (found.proposed_by_id, found.approved_by_id) or (may_approve and found.state == "proposed")),
        wait_days=ctx(request).settings.destruction_wait_days,
        form={"stop_reason": "", **(typed or {})},
        errors=errors_of(request, error) if error else {},
    )


async def approve(request: Request) -> Response:
    """Approve it: the password is asked for again, counted and locked as at the sign-in."""
    context, fields = ctx(request), await form(request)
    password = str((await request.post()).get("password", ""))
    await _destruction(request)
    try:
        await sign_in.confirm(context.db, me(request), password, address(request), context.clock())
        wait = timedelta(days=context.settings.destruction_wait_days)
        await destructions.approve(context.db, request.match_info["destruction"], me(request), context.clock(), wait)
    except NotFound:
        raise
    except UserError as error:
        return await _page(request, error, {name: value for name, value in fields.items() if name != "password"})
    return see_other(request.path.removesuffix("/approve"))


async def stop(request: Request) -> Response:
    """Stop it while there is time."""
    context, fields = ctx(request), await form(request)
    try:
        await destructions.stop(
            context.db, request.match_info["destruction"], fields.get("stop_reason", ""), me(request), context.clock()
        )
    except NotFound:
        raise
    except UserError as error:
        return await _page(request, error, fields)
    return see_other(request.path.removesuffix("/stop"))


async def _certificate(request: Request) -> Destruction:
    found = await _destruction(request)
    if not found.certificate:
        raise NotFound("destruction_unknown")
    detail = {"destruction": found.id}
    await audit.record(ctx(request).db, me(request), "certificate_taken", found.number, detail=detail)
    return found


async def certificate_page(request: Request) -> Response:
    """The certificate as it is printed on A4, in both languages."""
    found = await _certificate(request)
    content = json.loads(found.certificate)
    sizes = {row["sitting"]: size(row["bytes"]) for row in content["recordings"]}
    return render(request, "keeping/certificate.html", content=content, sizes=sizes, signed=content.get("signature"), number=found.number)


async def certificate_file(request: Request) -> Response:
    """The certificate byte for byte, as ``server.py verify`` takes it."""
    found = await _certificate(request)
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="destruction-{found.number}.json"'}
    return web.Response(body=found.certificate.encode(), content_type="application/json", headers=headers)


ROUTES = (
    Route("GET", "/keeping/destructions/{destruction}", show, SEES),
    Route("POST", "/keeping/destructions/{destruction}/approve", approve, SEES),
    Route("POST", "/keeping/destructions/{destruction}/stop", stop, SEES),
    Route("GET", "/keeping/destructions/{destruction}/certificate", certificate_page, SEES),
    Route("GET", "/keeping/destructions/{destruction}/certificate.json", certificate_file, SEES),
)
