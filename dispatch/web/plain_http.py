"""Where this server itself serves https, plain http is for the way to it: pages go on to the public address.

Left open: what says how to trust the site's own authority (no device can come by https before it has), the files of
that page, and what machines on the same host ask.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from dispatch.web.request import ctx

OPEN = ("/trust", "/static/", "/healthz", "/readyz", "/metrics")


@web.middleware
async def lead_to_https(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page asked for by plain http is sent on (307, the method kept); a WebSocket is refused."""
    settings = ctx(request).settings
    if request.secure or not settings.has_certificate or settings.behind_proxy or request.path.startswith(OPEN):
        return await handler(request)
    if request.headers.get("Upgrade"):
        raise web.HTTPForbidden
    return web.Response(status=307, headers={"Location": f"{settings.public_url}{request.rel_url}", "Cache-Control": "no-store"})
