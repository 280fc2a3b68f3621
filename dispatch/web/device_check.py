"""The device check's server side: the loop-back path of :mod:`rooms.devicecheck` over plain requests, and its result.

A check is named by the browser's own endpoint, so that nobody reaches another's. The result is kept with the participant (at a
room's device with each who sits there) and, once the sitting has a conference, in its log: clerk, chair and officer see it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dispatch.web.access import DEVICE, LINK, Route
from dispatch.web.entrants import Entrant, by_device, by_link
from dispatch.web.request import Request, Response, answer, ctx, problem, translate
from rooms.media.engine import Source
from rooms.protocol import Id, Sdp, TrackOffered
from rooms.protocol import UserError as LiveRefusal

ROOM = "/device/sittings"
"""Below it a room's device checks once for all who sit at it."""
Word = Annotated[str, Field(max_length=40, pattern=r"^[a-z_]*$")]


class Body(BaseModel):
    """Base of what the check page sends: unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


B = TypeVar("B", bound=Body)


class PublishBody(Body):
    """The browser's offer."""

    sdp: Sdp
    tracks: Annotated[tuple[TrackOffered, ...], Field(min_length=1, max_length=2)]


class AnswerBody(Body):
    """The browser's answer to the loop-back offer."""

    transport: Id
    revision: int
    sdp: Sdp


class DevicePart(Body):
    """One thing that was checked. `code`: why it failed, a word of static/js/troubles.js; `label`: the device's name."""

    ok: bool
    code: Word = ""
    label: Annotated[str, Field(max_length=120)] = ""


class NetworkPart(Body):
    """The path to the court and back. `relay`: "udp", "tcp" or "tls" where it goes through the site's relay, by that way."""

    ok: bool
    code: Word = ""
    rtt_ms: Annotated[float, Field(ge=0, le=60_000)] = 0.0
    lost_percent: Annotated[float, Field(ge=0, le=100)] = 0.0
    relay: Word = ""
    frames: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class ResultBody(Body):
    """The whole check."""

    camera: DevicePart
    microphone: DevicePart
    speaker: DevicePart
    network: NetworkPart


async def begin(request: Request) -> Response:
    """How the browser is to connect: relays of the site with credentials for this check alone."""

    async def work(found: Entrant, body: Body) -> Any:
        return {"ice": ctx(request).hub.device_checks.ice(found.browser.endpoint).model_dump(mode="json")}

    return await _handle(request, Body, work)


async def publish(request: Request) -> Response:
    """Begin a check, or begin it anew, with the browser's offer."""

    async def work(found: Entrant, body: PublishBody) -> Any:
        checks = ctx(request).hub.device_checks
        await checks.open(found.browser.endpoint)
        return asdict(await checks.publish(found.browser.endpoint, body.sdp, {track.mid: Source(track.source) for track in body.tracks}))

    return await _handle(request, PublishBody, work)


async def subscribe(request: Request) -> Response:
    """Ask for what was published, to come back."""

    async def work(found: Entrant, body: Body) -> Any:
        return asdict(await ctx(request).hub.device_checks.subscribe(found.browser.endpoint))

    return await _handle(request, Body, work)


async def take_answer(request: Request) -> Response:
    """The answer to the offer; a newer offer comes back where there is one."""

    async def work(found: Entrant, body: AnswerBody) -> Any:
        newer = await ctx(request).hub.device_checks.answer(found.browser.endpoint, body.transport, body.revision, body.sdp)
        return {"offer": asdict(newer) if newer else None}

    return await _handle(request, AnswerBody, work)


async def end(request: Request) -> Response:
    """The path is not needed any more."""

    async def work(found: Entrant, body: Body) -> Any:
        await ctx(request).hub.device_checks.close(found.browser.endpoint)
        return {}

    return await _handle(request, Body, work)


async def keep_result(request: Request) -> Response:
    """Keep the result; the newest counts."""

    async def work(found: Entrant, body: ResultBody) -> Any:
        context = ctx(request)
        checked = body.model_dump() | {"browser": found.browser.device, "at": context.clock().isoformat(timespec="seconds")}
        for person in found.participants:
            await context.live.device_checked(found.sitting.id, person.id, checked)
        return {"kept": True}

    return await _handle(request, ResultBody, work)


async def _handle(request: Request, model: type[B], work: Callable[[Entrant, B], Awaitable[Any]]) -> Response:
    """Read the body, do the work, answer as JSON; refusals of either plane as problem details."""
    found = await (by_device if request.path.startswith(ROOM) else by_link)(request)
    try:
        body = model.model_validate_json(await request.read() or b"{}")
    except ValidationError as error:
        fields = [(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors(include_url=False, include_input=False)]
        return problem(request, 422, translate(request, "The request was not understood"), code="malformed", errors=fields)
    try:
        return answer(await work(found, body))
    except LiveRefusal as error:
        return problem(request, 409, translate(request, f"error.{error.code}"), code=error.code)


HANDLERS = {
    "begin": begin,
    "publish": publish,
    "subscribe": subscribe,
    "answer": take_answer,
    "end": end,
    "result": keep_result,
}
ROUTES = tuple(
    Route("POST", f"{base}/check/{name}", handler, access, answers="data")
    for base, access in (("/join/sitting/{sitting}", LINK), (f"{ROOM}/{{sitting}}", DEVICE))
    for name, handler in HANDLERS.items()
)
