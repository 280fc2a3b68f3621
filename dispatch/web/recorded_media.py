"""What a recording is played from: the film, the sound of each place, and the pictures as they were recorded. Each is given in
parts (Range), to those who may see the recording, and each look is audited."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import UTC
from importlib.resources.abc import Traversable

from dispatch import audit
from dispatch.archive import playback, recordings
from dispatch.archive.plays import plays_of
from dispatch.errors import Forbidden, NotFound
from dispatch.store.archive_tables import Job, Recording
from dispatch.web.access import CLERK, JUDGE, OFFICER, PROSECUTOR, Route, roles
from dispatch.web.recorded_file import recorded
from dispatch.web.request import Request, Response, ctx, me
from rooms.recording.attendance import voice_name

SEES = roles(CLERK, OFFICER, JUDGE, PROSECUTOR)
"""Judges and prosecutors see the recordings of their own sittings (dispatch.archive.recordings)."""
SEES_IDENTITIES = roles(CLERK, JUDGE, PROSECUTOR)
PLAYS = ("video", "audio", "empty")
"""What a player asks for a file as; a browser that says nothing of it is let be."""
READ_KEPT = 8
"""Sealed folders kept as read: reading one takes a second an hour of recording, and it never changes."""
_read: OrderedDict[tuple[str, str], playback.Sealed] = OrderedDict()
_TYPES = {"VP8": "video/webm", "H264": "video/x-matroska", "opus": "audio/webm"}


async def composite_file(request: Request) -> Response:
    """The picture of all; a part of it where a Range is asked for. It is played here: who needs it elsewhere asks for a copy."""
    recording, _job = await recording_of(request)
    file = await recorded(request, recording, "derived/composite.mp4", "composite_missing")
    await _note(request, recording, "composite.mp4")
    return await file.part("video/mp4")


async def voice_file(request: Request) -> Response:
    """The sound of one place from the first to the last moment of the film."""
    recording, _job = await recording_of(request)
    sealed = await sealed_of(request, recording)
    place = next((place for place in sealed.places if place.id == request.match_info["place"]), None)
    if place is None:
        raise NotFound("voice_missing")
    file = await recorded(request, recording, voice_name(place), "voice_missing")
    await _note(request, recording, f"voices/{place.id}.webm", of=", ".join(person.name for person in place.people))
    return await file.part("audio/webm")


async def track_file(request: Request) -> Response:
    """One file of a track as the recorder wrote it. Only what the manifest names is given."""
    recording, _job = await recording_of(request)
    sealed = await sealed_of(request, recording)
    name = f"tracks/{request.match_info['file']}"
    row = next((row for row in sealed.manifest["segments"] if row["file"] == name), None)
    if row is None:
        raise NotFound("track_missing")
    file = await recorded(request, recording, name, "track_missing")
    place = next((place for place in sealed.places if row["endpoint"] in place.endpoints), None)
    await _note(request, recording, name, of=", ".join(person.name for person in place.people) if place is not None else "")
    return await file.part(_TYPES.get(row["codec"], "application/octet-stream"))


async def still_file(request: Request) -> Response:
    """A still of a face or a document as it was sealed. Documents of identity are shown to those who may sit at a desk alone."""
    recording, _job = await recording_of(request)
    name = f"stills/{request.match_info['still']}.jpg"
    sealed = await sealed_of(request, recording)
    if not any(row["file"] == name for row in sealed.manifest["files"]):
        raise NotFound("still_unknown")
    file = await recorded(request, recording, name, "still_unknown")
    detail = {"sitting": recording.sitting_id, "still": request.match_info["still"]}
    await audit.record(ctx(request).db, me(request), "still_viewed", recording.sitting.case.number, detail=detail)
    return await file.part("image/jpeg", {"Cache-Control": "private, no-store"})


# ---------------------------------------------------------------------------------------------------- shared with the archive's pages


async def recording_of(request: Request) -> tuple[Recording, Job | None]:
    """The recording asked for. Raises NotFound, also where it is there but not for the one who asks."""
    db, sitting = ctx(request).db, request.match_info["sitting"]
    recording = await recordings.get(db, me(request), sitting, ctx(request).clock())
    return recording, (await recordings.jobs(db, [sitting])).get(sitting)


def folder_of(request: Request, recording: Recording) -> Traversable:
    """Its folder, plain or stored, to be read."""
    return recordings.folder(ctx(request).vault, recording)


async def sealed_of(request: Request, recording: Recording) -> playback.Sealed:
    """Its folder as read. Raises NotFound("recording_unreadable") where it cannot be read; verification says what is wrong."""
    key = (recording.sitting_id, recording.manifest_sha256)
    sealed = _read.get(key)
    if sealed is None:
        try:
            sealed = await asyncio.to_thread(playback.read, folder_of(request, recording))
        except (OSError, ValueError, KeyError, TypeError):
            raise NotFound("recording_unreadable") from None
        _read[key] = sealed
        while len(_read) > READ_KEPT:
            _read.popitem(last=False)
    _read.move_to_end(key)
    return sealed


def attachment(recording: Recording, ending: str) -> str:
    """A name that any disk takes: the day and the sitting's id; the case number is not ASCII."""
    day = (recording.sitting.opened_at or recording.sitting.starts_at).astimezone(UTC).strftime("%Y%m%d")
    return f'attachment; filename="{day}-{recording.sitting_id}.{ending}"'


async def _note(request: Request, recording: Recording, file: str, **about: str) -> None:
    """Before a byte leaves. Raises Forbidden where the file is wanted as a page of its own or to be saved (Fetch Metadata, Sec-Fetch-Dest):
    there it has neither watermark nor approval."""
    if request.headers.get("Sec-Fetch-Dest", "empty") not in PLAYS:
        raise Forbidden("media_not_a_page")
    await plays_of(ctx(request).db).note(me(request), recording, file, ctx(request).clock(), **about)


ROUTES = (
    Route("GET", "/archive/{sitting}/composite.mp4", composite_file, SEES),
    Route("GET", "/archive/{sitting}/voices/{place}", voice_file, SEES),
    Route("GET", "/archive/{sitting}/tracks/{file}", track_file, SEES),
    Route("GET", "/archive/{sitting}/stills/{still}", still_file, SEES_IDENTITIES),
)
