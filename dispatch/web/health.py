"""What machines ask: is it alive, is it ready, how much does it do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from dispatch.web.access import PUBLIC, Route
from dispatch.web.request import Request, Response, answer, ctx


async def alive(request: Request) -> Response:
    """200 as long as the process answers."""
    return answer({"status": "ok"})


async def ready(request: Request) -> Response:
    """200 when the database answers and media can pass; 503 names what is missing, for a load balancer or a watchdog. `workers`: of
    several processes of the media engine some may be away, draining or drained, while the rest carry on."""
    missing: list[str] = []
    try:
        async with ctx(request).db.reader() as session:
            await session.execute(text("SELECT 1"))
    except Exception:  # whatever the reason, the answer is the same: not ready
        missing.append("database")
    state = ctx(request).hub.media_state()
    missing += [name for name in ("engine", "recorder") if not state.get(name)]
    workers = {name: _state(one) for name, one in ctx(request).hub.engine_workers().items()}
    told = {"status": "ready" if not missing else "not ready", "missing": missing, "workers": workers}
    return answer(told, status=503 if missing else 200)


def _state(worker: Mapping[str, Any]) -> str:
    if worker["connected"]:
        return "draining" if worker["draining"] else "up"
    return "drained" if worker["draining"] else "away"


async def metrics(request: Request) -> Response:
    """Prometheus text format."""
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})


ROUTES = (
    Route("GET", "/healthz", alive, PUBLIC, answers="data"),
    Route("GET", "/readyz", ready, PUBLIC, answers="data"),
    Route("GET", "/metrics", metrics, PUBLIC, answers="data"),
)
