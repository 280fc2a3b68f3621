"""The audit log as the administrator reads it, and the check of its chain."""

from __future__ import annotations

from urllib.parse import urlencode

from dispatch import audit
from dispatch.web.access import ADMINISTRATOR, Route, roles
from dispatch.web.request import Request, Response, ctx, gettext, render

PAGE_ROWS = 50


def _address(**values: object) -> str:
    return "/audit?" + urlencode({name: value for name, value in values.items() if value})


async def show(request: Request) -> Response:
    """A page of rows, newest first, filtered; with ?check=1 the whole chain is walked and the result shown."""
    db, _ = ctx(request).db, gettext(request)
    query, action = request.query.get("q", "").strip()[:80], request.query.get("action", "")
    asked = request.query.get("page", "1")
    page = max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 8 else 1
    rows, total = await audit.list_rows(db, text=query, action=action, page=page, size=PAGE_ROWS)
    chain = None
    if request.query.get("check"):
        found = await audit.verify_chain(db)
        words = _("Chain intact: {n} rows", n=found.rows) if found.ok else _("Chain broken at row {n}", n=found.broken_at)
        chain = {"ok": found.ok, "words": words}
    filters = {"q": query, "action": action}
    return render(
        request,
        "staff/audit.html",
        rows=rows,
        withheld=await audit.withheld(db, rows),
        query=query,
        action=action,
        actions=await audit.actions(db),
        chain=chain,
        check_url=_address(**filters, page=page if page > 1 else "", check=1),
        newer=_address(**filters, page=page - 1 if page > 2 else "") if page > 1 else "",
        older=_address(**filters, page=page + 1) if page * PAGE_ROWS < total else "",
    )


ROUTES = (Route("GET", "/audit", show, roles(ADMINISTRATOR)),)
