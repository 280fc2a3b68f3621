"""The administrator's page of keeping: which class recordings of each kind of sitting get, and who may do what by name."""

from __future__ import annotations

from dispatch.keeping import classes, powers, rules, standing
from dispatch.web.access import ADMINISTRATOR, Route, roles
from dispatch.web.request import Request, Response, ctx, form, me, render, see_other

KEEPS = roles(ADMINISTRATOR)


async def show(request: Request) -> Response:
    """Classes by kind, and powers by person."""
    db = ctx(request).db
    async with db.reader() as session:
        own = await standing.defaults(session)
    return render(
        request,
        "keeping/settings.html",
        kinds=[(kind, rules.default_of(kind, own)) for kind in rules.DEFAULTS],
        classes=tuple(rules.CLASSES),
        people=await powers.table(db),
        powers=rules.POWERS,
        wait_days=ctx(request).settings.destruction_wait_days,
        saved="saved" in request.query,
    )


async def set_classes(request: Request) -> Response:
    """What new recordings get."""
    fields = await form(request)
    wanted = {kind: fields[kind] for kind in rules.DEFAULTS if kind in fields}
    await classes.set_defaults(ctx(request).db, wanted, me(request), ctx(request).clock())
    return see_other("/keeping/settings?saved")


async def give(request: Request) -> Response:
    """Let one person do what is ticked."""
    posted = await request.post()
    wanted = [str(value) for value in posted.getall("powers", ())]
    await powers.give(ctx(request).db, request.match_info["user"], wanted, me(request), ctx(request).clock())
    return see_other("/keeping/settings?saved")


ROUTES = (
    Route("GET", "/keeping/settings", show, KEEPS),
    Route("POST", "/keeping/settings/classes", set_classes, KEEPS),
    Route("POST", "/keeping/settings/powers/{user}", give, KEEPS),
)
