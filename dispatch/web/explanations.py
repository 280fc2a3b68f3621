"""The page on which whoever presided explains what went wrong with a recording, and signs it; who may see the recording reads it."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

from aiohttp import web

from dispatch import audit
from dispatch.archive import explanations, playback
from dispatch.errors import NotFound, UserError
from dispatch.store.archive_tables import Explanation, Recording
from dispatch.web.access import JUDGE, PROSECUTOR, Route, roles
from dispatch.web.formats import moment
from dispatch.web.recorded_media import SEES, attachment, folder_of, recording_of
from dispatch.web.recording_words import shown
from dispatch.web.request import Request, Response, address, ctx, error_text, form, language, me, render, see_other, texts, zone

SIGNS = roles(JUDGE, PROSECUTOR)
"""Of them whoever presides (:mod:`dispatch.archive.explanations`)."""


async def show(request: Request) -> Response:
    """What has to be explained, and the form or what was signed."""
    recording, explanation = await _asked(request)
    return await _page(request, recording, explanation)


async def sign(request: Request) -> Response:
    """Sign. A refusal keeps the words and says at the field why; the password is asked for anew."""
    recording, explanation = await _asked(request)
    text = (await form(request)).get("text", "")
    password = str((await request.post()).get("password", ""))
    context = ctx(request)
    try:
        manifest = await asyncio.to_thread((folder_of(request, recording) / "manifest.json").read_bytes)
    except OSError:
        raise NotFound("recording_unreadable") from None
    try:
        await explanations.sign(context.db, me(request), recording, manifest, text, password, address(request), context.clock())
    except UserError as error:
        return await _page(request, recording, explanation, text, error)
    return see_other(f"/archive/{recording.sitting_id}/explanation")


async def statement(request: Request) -> Response:
    """What was signed, byte for byte."""
    recording, explanation = await _asked(request)
    if not explanation.statement:
        raise NotFound("explanation_unsigned")
    detail = {"sitting": recording.sitting_id, "file": explanations.FILE}
    await audit.record(ctx(request).db, me(request), "export", recording.sitting.case.number, detail=detail)
    headers = {"Content-Disposition": attachment(recording, explanations.FILE), "Cache-Control": "no-store"}
    return web.Response(body=explanation.statement.encode(), content_type="application/json", headers=headers)


async def _asked(request: Request) -> tuple[Recording, Explanation]:
    recording, _job = await recording_of(request)
    explanation = (await explanations.of(ctx(request).db, [recording.sitting_id])).get(recording.sitting_id)
    if explanation is None:
        raise NotFound("explanation_unasked")
    return recording, explanation


async def _page(
    request: Request, recording: Recording, explanation: Explanation, text: str = "", error: UserError | None = None
) -> Response:
    words = texts(request)
    about = shown(recording, None, words, bool(ctx(request).settings.tsa_url))
    return render(
        request,
        "archive/explanation.html",
        status=error.status if error is not None else 200,
        recording=about,
        faults=await faults_of(request, recording),
        explanation=explanation,
        said=explanations.text_of(explanation),
        digest=json.loads(explanation.statement)["digest"] if explanation.statement else "",
        may_sign=explanations.presides(me(request), recording.sitting),
        chair=next((person.name for person in recording.sitting.participants if person.presides), ""),
        text=text,
        error=error_text(request, error) if error is not None else "",
        field=(error.field or "") if error is not None else "",
        least=explanations.LEAST,
        most=explanations.MOST,
    )


async def faults_of(request: Request, recording: Recording) -> list[dict[str, Any]]:
    """The faults in words, each with its time; none where the folder cannot be read."""
    words = texts(request)
    try:
        manifest = await asyncio.to_thread(playback.manifest_of, folder_of(request, recording))
        found = playback.faults_in_words(explanations.faults(manifest), manifest, words.gettext)
    except (OSError, ValueError, KeyError, TypeError):
        return []
    tz = zone(request)

    def said(at_us: int) -> str:
        return moment(datetime.fromtimestamp(at_us / 1e6, tz), language(request), tz) if at_us else ""

    return [row | {"at": said(row["at_us"])} for row in found]


ROUTES = (
    Route("GET", "/archive/{sitting}/explanation", show, SEES),
    Route("POST", "/archive/{sitting}/explanation", sign, SIGNS),
    Route("GET", "/archive/{sitting}/explanation.json", statement, SEES),
)
