"""Copies of recordings on the pages: asking for one, deciding on it, following its making, fetching it, and the lists of them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from aiohttp import web

from dispatch.copies import listing, requests, rules
from dispatch.copies.fetching import files_of, location
from dispatch.copies.rules import Wish
from dispatch.errors import NotFound, ValidationFailed
from dispatch.store.copy_tables import Copy
from dispatch.web import recording_words
from dispatch.web.access import ADMINISTRATOR, CLERK, JUDGE, OFFICER, PROSECUTOR, Route, roles
from dispatch.web.api.paging import cursor_of, place_of
from dispatch.web.recorded_media import SEES, recording_of
from dispatch.web.request import Request, Response, answer, ctx, form, me, render, see_other, texts
from dispatch.web.sitting_form import errors_of

KNOWS = roles(CLERK, OFFICER, JUDGE, PROSECUTOR, ADMINISTRATOR)
"""Which copies each of them sees, and what he may do with one, is said in dispatch.copies."""
BADGES = {
    "requested": ("note", "clock"),
    "approved": ("note", "refresh"),
    "ready": ("well", "check-circle"),
    "failed": ("warning", "alert"),
    "refused": ("danger", "cross-circle"),
    "revoked": ("danger", "cross-circle"),
    "removed": ("hollow", "archive"),
}
"""State → how its badge looks."""
TYPED = ("receiver", "unit", "purpose", "basis", "originals_reason", "from_s", "to_s")
EMPTY = dict.fromkeys(TYPED, "") | {"content": "film", "form": "zip"}
Json = dict[str, Any]


async def of_recording(request: Request) -> Response:
    """The copies of one recording, and the form to ask for another."""
    return await _asking(request, dict(EMPTY))


async def ask(request: Request) -> Response:
    """Ask for a copy; a refusal keeps what was typed."""
    fields = EMPTY | await form(request)
    wish = Wish(
        content=fields["content"],
        form=fields["form"],
        receiver=fields["receiver"],
        unit=fields["unit"],
        purpose=fields["purpose"],
        basis=fields["basis"],
        originals_reason=fields["originals_reason"],
        from_s=rules.seconds_of(fields["from_s"]),
        to_s=rules.seconds_of(fields["to_s"]),
    )
    context = ctx(request)
    try:
        copy = await requests.ask(context.db, request.match_info["sitting"], wish, me(request), context.clock())
    except ValidationFailed as error:
        return await _asking(request, fields, error)
    return see_other(f"/copies/{copy.id}")


async def _asking(request: Request, fields: dict[str, str], error: ValidationFailed | None = None) -> Response:
    recording, job = await recording_of(request)
    copies, _more = await listing.listed(ctx(request).db, me(request), recording.sitting_id)
    about = recording_words.shown(recording, job, texts(request), bool(ctx(request).settings.tsa_url))
    minors = any(person.minor for person in recording.sitting.participants)
    return render(
        request,
        "archive/ask_copy.html",
        status=error.status if error else 200,
        recording=about,
        fields=fields,
        errors=errors_of(request, error) if error else {},
        minors=minors,
        longest=rules.LONGEST,
        **await _shown(request, copies),
    )


async def overview(request: Request) -> Response:
    """What waits for a decision, and all copies, those asked for last first."""
    db, wanted = ctx(request).db, request.query.get("state", "")
    state = wanted if wanted in rules.STATES else ""
    waiting, _more = await listing.listed(db, me(request), states=("requested",), size=200)
    try:
        after = place_of(request.query.get("after", ""))
    except ValueError:
        after = None
    copies, more = await listing.listed(db, me(request), states=(state,) if state else (), after=after)
    both = await _shown(request, [*waiting, *copies])
    mine = [copy for copy in waiting if both["rights"][copy.id].decide]
    behind = cursor_of(copies[-1].requested_at, copies[-1].id) if more else ""
    return render(
        request, "archive/copies.html", **(both | {"copies": copies}), waiting=mine, state=state, states=rules.STATES, behind=behind
    )


async def show(request: Request) -> Response:
    """One copy: what was asked, who decided, how far it is, and its files."""
    copy = await _copy(request)
    files = await asyncio.to_thread(files_of, _directory(request), copy)
    making = await _state(request, copy)
    return render(request, "archive/copy.html", copy=copy, files=files, making=making, **await _shown(request, [copy]))


async def state(request: Request) -> Response:
    """How far its making is."""
    return answer(await _state(request, await _copy(request)))


async def approve(request: Request) -> Response:
    """Allow it; it is made."""
    copy = await requests.approve(ctx(request).db, request.match_info["copy"], me(request), ctx(request).clock())
    return see_other(f"/copies/{copy.id}")


async def refuse(request: Request) -> Response:
    """Refuse it for a reason, which is told to whoever asked."""
    reason = (await form(request)).get("reason", "")
    copy = await requests.refuse(ctx(request).db, request.match_info["copy"], reason, me(request), ctx(request).clock())
    return see_other(f"/copies/{copy.id}")


async def revoke(request: Request) -> Response:
    """Take it back while nobody has fetched it."""
    reason = (await form(request)).get("reason", "")
    copy = await requests.revoke(ctx(request).db, request.match_info["copy"], reason, me(request), ctx(request).clock())
    return see_other(f"/copies/{copy.id}")


async def again(request: Request) -> Response:
    """Have it made once more after it could not be made."""
    copy = await requests.again(ctx(request).db, request.match_info["copy"], me(request), ctx(request).clock())
    return see_other(f"/copies/{copy.id}")


async def fetch(request: Request) -> Response:
    """The copy itself, or ?file= of a folder, to those who asked for it or approved it. Each fetch is audited before a byte leaves."""
    copy = await _copy(request)
    name = request.query.get("file", "")
    path = await asyncio.to_thread(location, _directory(request), copy, name)
    if path is None:
        raise NotFound("copy_file_missing")
    await requests.fetched(ctx(request).db, copy.id, me(request), ctx(request).clock(), name, part_of(request))
    return web.FileResponse(path, headers={"Cache-Control": "no-store", "Content-Disposition": attachment(path, copy)})


def part_of(request: Request) -> str:
    """Which part is asked for, where it does not begin at the start: of a fetch that broke off."""
    found = re.fullmatch(r"bytes=(\d+)-\d*", request.headers.get("Range", ""))
    return found[0] if found is not None and int(found[1]) > 0 else ""


def attachment(path: Path, copy: Copy) -> str:
    """A name that any disk takes: number of the copy; of a file in a folder also its own."""
    name = f"copy-{copy.number}{path.suffix}" if copy.form != "folder" else f"copy-{copy.number}-{path.name}"
    return f'attachment; filename="{name}"'


# ------------------------------------------------------------------------------------------------ what is shown


def _directory(request: Request) -> Path:
    return ctx(request).settings.copies


async def _copy(request: Request) -> Copy:
    return await listing.get(ctx(request).db, me(request), request.match_info["copy"])


async def _shown(request: Request, copies: list[Copy]) -> Json:
    """What the lists show besides: what the one who looks may do with each."""
    may = await listing.rights(ctx(request).db, me(request), copies, ctx(request).clock())
    sees = me(request).role in SEES.roles
    return {"copies": copies, "rights": may, "badges": BADGES, "clock": rules.clock, "size": recording_words.size, "sees": sees}


async def _state(request: Request, copy: Copy) -> Json:
    """{"state", "text", "progress", "error"} of its making, in words."""
    _ = texts(request).gettext
    job = (await listing.jobs(ctx(request).db, [copy])).get(copy.id)
    progress = job.progress if job is not None and job.state == "running" else 0.0
    left = rules.remaining_s(job.started_at, progress, ctx(request).clock()) if job is not None else None
    text = _(f"copy.state.{copy.state}")
    if copy.state == "approved" and progress:
        text = _("Being made, {percent} %", percent=round(progress * 100))
        if left is not None:
            text = _("copy.remaining", text=text, minutes=max(1, round(left / 60)))
    error = job.error if job is not None and copy.state == "failed" else ""
    return {"state": copy.state, "text": text, "progress": round(progress, 3), "error": error}


ROUTES = (
    Route("GET", "/archive/{sitting}/copies", of_recording, SEES),
    Route("POST", "/archive/{sitting}/copies", ask, SEES),
    Route("GET", "/copies", overview, KNOWS),
    Route("GET", "/copies/{copy}", show, KNOWS),
    Route("GET", "/copies/{copy}/state", state, KNOWS, answers="data"),
    Route("GET", "/copies/{copy}/file", fetch, KNOWS),
    Route("POST", "/copies/{copy}/approve", approve, KNOWS),
    Route("POST", "/copies/{copy}/refuse", refuse, KNOWS),
    Route("POST", "/copies/{copy}/revoke", revoke, KNOWS),
    Route("POST", "/copies/{copy}/again", again, KNOWS),
)
