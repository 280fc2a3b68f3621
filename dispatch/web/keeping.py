"""The page *Keeping*: what is due for review, what is held, sealed juvenile records for those who may, and destructions."""

from __future__ import annotations

from dispatch.errors import Forbidden, UserError
from dispatch.keeping import destructions, powers, reading, rules
from dispatch.keeping.reading import PAGE
from dispatch.keeping.standing import Standing
from dispatch.store.keeping_tables import Destruction
from dispatch.web.access import CLERK, JUDGE, OFFICER, PROSECUTOR, Route, roles
from dispatch.web.request import Request, Response, ctx, me, render, see_other
from dispatch.web.sitting_form import errors_of

SEES = roles(CLERK, OFFICER, JUDGE, PROSECUTOR)
"""Judges and prosecutors see what is kept of their own sittings."""
PROPOSES = roles(CLERK)
VIEWS = ("due", "held", "juvenile", "destructions")
LISTED = 100


async def show(request: Request) -> Response:
    """One of the four lists."""
    return await _page(request, request.query.get("view", ""))


async def _page(request: Request, view: str, *, chosen: tuple[str, ...] = (), error: UserError | None = None, **typed: str) -> Response:
    db, user, now = ctx(request).db, me(request), ctx(request).clock()
    view = view if view in VIEWS else "due"
    asked = request.query.get("page", "1")
    page = int(asked) if asked.isascii() and asked.isdigit() and 0 < int(asked) < 100_000 else 1
    given = await powers.held(db, user)
    found: list[Standing] = []
    rows: list[Destruction] = []
    count = 0
    if view == "due":
        found, count = await reading.due(db, user, now, page)
    elif view == "held":
        found, count = await reading.held(db, user, page)
    elif view == "destructions":
        async with db.reader() as session:
            rows, _more = await destructions.listed(session, user, None, LISTED)
    return render(
        request,
        "keeping/list.html",
        status=error.status if error else 200,
        view=view,
        counts=await reading.counts(db, user, now),
        found=found,
        destructions=rows,
        proposals=await reading.proposed(db, user) if view == "juvenile" else [],
        sealed=await reading.sealed(db, user) if view == "juvenile" and rules.SEALED in given else [],
        may_see_sealed=rules.SEALED in given,
        may_approve=rules.APPROVE in given,
        proposes=user.role in PROPOSES.roles,
        chosen=chosen,
        form={"reason": "", "order_reference": "", **typed},
        errors=errors_of(request, error) if error else {},
        page=page,
        pages=max(1, -(-count // PAGE)),
        wait_days=ctx(request).settings.destruction_wait_days,
    )


async def propose(request: Request) -> Response:
    """Propose to destroy what was ticked; a refusal keeps what was typed."""
    context, posted = ctx(request), await request.post()
    chosen = tuple(str(value) for value in posted.getall("sittings", ()))
    reason, order = str(posted.get("reason", "")), str(posted.get("order_reference", ""))
    try:
        made = await destructions.propose(context.db, chosen, reason, order, me(request), context.clock())
    except Forbidden:
        raise
    except UserError as error:
        return await _page(request, "due", chosen=chosen, error=error, reason=reason, order_reference=order)
    return see_other(f"/keeping/destructions/{made.id}")


ROUTES = (Route("GET", "/keeping", show, SEES), Route("POST", "/keeping/destructions", propose, PROPOSES))
