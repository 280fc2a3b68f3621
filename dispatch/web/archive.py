"""The archive: list of recordings, playback, verification and what may be taken out. Every look is audited."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from dispatch import audit
from dispatch.archive import explanations, playback, recordings
from dispatch.archive.identities import Look, looks
from dispatch.errors import NotFound
from dispatch.store.archive_tables import Recording
from dispatch.web.access import CLERK, OFFICER, Route, roles
from dispatch.web.formats import moment
from dispatch.web.recorded_file import recorded
from dispatch.web.recorded_media import SEES, SEES_IDENTITIES, attachment, folder_of, recording_of, sealed_of
from dispatch.web.recording_words import composite, outstanding, shown
from dispatch.web.request import Request, Response, answer, ctx, language, me, render, texts, zone
from dispatch.web.verification import as_json, verifications_of
from rooms.recording.attendance import voice_name

RETRIES = roles(CLERK, OFFICER)
Json = dict[str, Any]


async def list_page(request: Request) -> Response:
    """Recordings, newest first, searched by ?q=."""
    text, wanted = request.query.get("q", "").strip()[:100], request.query.get("page", "1")
    page = int(wanted) if wanted.isdecimal() and 0 < int(wanted) < 100_000 else 1
    db, words = ctx(request).db, texts(request)
    found, count = await recordings.found(db, me(request), text, page)
    jobs = await recordings.jobs(db, [recording.sitting_id for recording in found])
    faulty = await explanations.of(db, [recording.sitting_id for recording in found])
    listed = [
        shown(recording, jobs.get(recording.sitting_id), words, _stamps(request), faulty.get(recording.sitting_id)) for recording in found
    ]
    waiting = await outstanding(db, me(request))
    pages = max(1, -(-count // recordings.PAGE))
    about: Json = {"recordings": listed, "query": text, "page": page, "pages": pages, "outstanding": waiting}
    return render(request, "archive/list.html", may_retry=_may_retry(request), **about)


async def playback_page(request: Request) -> Response:
    """Picture, timeline and log of one recording."""
    recording, job = await recording_of(request)
    words = texts(request)
    data = await _page_data(request, recording)
    data |= {"sitting": recording.sitting_id, "time_zone": ctx(request).settings.time_zone, "now_us": _now_us(request)}
    data["verification"] = _verification(request, recording)
    await audit.record(ctx(request).db, me(request), "playback", recording.sitting.case.number, detail={"sitting": recording.sitting_id})
    explanation = (await explanations.of(ctx(request).db, [recording.sitting_id])).get(recording.sitting_id)
    about = shown(recording, job, words, _stamps(request), explanation)
    return render(
        request,
        "archive/playback.html",
        recording=about,
        data=data,
        may_retry=_may_retry(request),
        looks=await _looks(request, recording),
        explanation=explanation,
        said=explanations.text_of(explanation) if explanation is not None else "",
        may_explain=explanation is not None and explanations.presides(me(request), recording.sitting),
    )


async def manifest_file(request: Request) -> Response:
    """The manifest, byte for byte: with it and the folder anybody can check."""
    recording, _job = await recording_of(request)
    file = await recorded(request, recording, "manifest.json", "manifest_missing")
    await audit.record(
        ctx(request).db,
        me(request),
        "export",
        recording.sitting.case.number,
        detail={"sitting": recording.sitting_id, "file": "manifest.json"},
    )
    headers = {"Cache-Control": "no-store", "Content-Disposition": attachment(recording, "manifest.json")}
    return await file.part("application/json", headers)


async def composite_state(request: Request) -> Response:
    """How far the picture is."""
    recording, job = await recording_of(request)
    return answer(composite(recording, job, texts(request)))


async def make_again(request: Request) -> Response:
    """Try a failed picture again."""
    await recordings.compose_again(ctx(request).db, me(request), request.match_info["sitting"])
    return await composite_state(request)


async def verification_state(request: Request) -> Response:
    """The last verification, or that one is under way."""
    recording, _job = await recording_of(request)
    return answer(_verification(request, recording))


async def verify(request: Request) -> Response:
    """Begin a verification; pages ask for its result."""
    recording, _job = await recording_of(request)
    await audit.record(ctx(request).db, me(request), "verify", recording.sitting.case.number, detail={"sitting": recording.sitting_id})
    verifications_of(ctx(request).db).start(ctx(request).vault, recording)
    return answer(_verification(request, recording), status=202)


def _verification(request: Request, recording: Recording) -> Json:
    keeper = verifications_of(ctx(request).db)
    sitting = recording.sitting_id

    def say(at: datetime) -> str:
        return moment(at, language(request), zone(request))

    return as_json(recording, keeper.is_running(sitting), keeper.last(sitting), texts(request), say)


async def _page_data(request: Request, recording: Recording) -> Json:
    """Timeline and log; where the folder cannot be read the page still opens, and verification says what is wrong."""
    try:
        sealed = await sealed_of(request, recording)
    except NotFound:
        start = recording.sitting.opened_at or recording.sitting.starts_at
        empty = {"start_us": _us(start), "duration_s": recording.seconds, "bands": [], "stages": [], "gaps": [], "speakers": []}
        return {"timeline": empty, "lines": [], "people": []}
    folder = folder_of(request, recording)
    voices = await asyncio.to_thread(lambda: {place.id for place in sealed.places if (folder / voice_name(place)).is_file()})
    data = playback.page(sealed, texts(request).gettext)
    return data | {"people": playback.people(sealed, f"/archive/{recording.sitting_id}", voices, texts(request).gettext)}


async def _looks(request: Request, recording: Recording) -> list[Look]:
    """How identities were established, for those who may see documents of identity."""
    if me(request).role not in SEES_IDENTITIES.roles:
        return []
    try:
        sealed = await sealed_of(request, recording)
    except NotFound:
        return []
    return list(looks(sealed.rows, texts(request).gettext))


def _stamps(request: Request) -> bool:
    return bool(ctx(request).settings.tsa_url)


def _may_retry(request: Request) -> bool:
    return me(request).role in RETRIES.roles


def _us(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def _now_us(request: Request) -> int:
    return _us(ctx(request).clock())


ROUTES = (
    Route("GET", "/archive", list_page, SEES),
    Route("GET", "/archive/{sitting}", playback_page, SEES),
    Route("GET", "/archive/{sitting}/manifest.json", manifest_file, SEES),
    Route("GET", "/archive/{sitting}/composite", composite_state, SEES, answers="data"),
    Route("POST", "/archive/{sitting}/composite", make_again, RETRIES, answers="data"),
    Route("GET", "/archive/{sitting}/verification", verification_state, SEES, answers="data"),
    Route("POST", "/archive/{sitting}/verification", verify, SEES, answers="data"),
)
