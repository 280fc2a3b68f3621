"""Sealed recordings: the catalogue, the manifest and the check. Every look out of the archive is audited; films leave it as copies."""

from __future__ import annotations

import asyncio
from importlib.resources.abc import Traversable

from aiohttp import web

from dispatch import audit
from dispatch.archive import explanations, playback, recordings
from dispatch.booking.days import bounds
from dispatch.store.archive_tables import Job, Recording
from dispatch.web.access import CLERK, JUDGE, OFFICER, PROSECUTOR
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import cursor_of, place
from dispatch.web.api.problems import PreconditionFailed, RangeNotSatisfiable
from dispatch.web.api.recording_shapes import (
    ExplanationView,
    OriginalFile,
    RecordingList,
    RecordingQuery,
    RecordingSummary,
    RecordingView,
    VerificationView,
)
from dispatch.web.api.versions import IfMatch, names
from dispatch.web.recorded_file import recorded
from dispatch.web.request import Request, ctx, gettext, language, me, zone
from dispatch.web.verification import verifications_of

SEES = programs(CLERK, OFFICER, JUDGE, PROSECUTOR)


async def _recording(request: Request) -> tuple[Recording, Job | None]:
    """Raises NotFound, also where it is there but not for the one who asks."""
    db, sitting = ctx(request).db, request.match_info["sitting"]
    recording = await recordings.get(db, me(request), sitting)
    return recording, (await recordings.jobs(db, [sitting])).get(sitting)


def _folder(request: Request, recording: Recording) -> Traversable:
    return recordings.folder(ctx(request).vault, recording)


async def search(request: Request, query: RecordingQuery) -> RecordingList:
    """List recordings.

    The newest first, a page at a time. Judges and prosecutors see those of sittings they took part in.
    """
    db, tz = ctx(request).db, zone(request)
    span = bounds(query.day, tz) if query.day is not None else (None, None)
    rows, more = await recordings.listed(db, me(request), query.q, span, place(query.cursor), query.limit)
    jobs = await recordings.jobs(db, [row.sitting_id for row in rows])
    return RecordingList(
        items=[RecordingSummary(**RecordingSummary.values_of(row, jobs.get(row.sitting_id), tz)) for row in rows],
        next=cursor_of(rows[-1].sitting.starts_at, rows[-1].sitting_id) if more else None,
    )


async def show(request: Request) -> RecordingView:
    """Show one recording with its files."""
    recording, job = await _recording(request)
    explanation = (await explanations.of(ctx(request).db, [recording.sitting_id])).get(recording.sitting_id)
    return RecordingView(
        **RecordingSummary.values_of(recording, job, zone(request)),
        files=await asyncio.to_thread(_files, _folder(request, recording)),
        verification=_verification(request, recording),
        explanation=ExplanationView.of(explanation, zone(request)),
    )


def _files(folder: Traversable) -> list[OriginalFile] | None:
    try:
        return [OriginalFile(**{key: row[key] for key in ("file", "bytes", "sha256")}) for row in playback.manifest_of(folder)["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _verification(request: Request, recording: Recording) -> VerificationView:
    keeper, sitting = verifications_of(ctx(request).db), recording.sitting_id
    return VerificationView.of(
        recording, keeper.is_running(sitting), keeper.last(sitting), language(request), gettext(request), zone(request)
    )


async def verification(request: Request) -> VerificationView:
    """Show what the last check found."""
    recording, _job = await _recording(request)
    return _verification(request, recording)


async def verify(request: Request) -> VerificationView:
    """Check a recording.

    Begins the check, unless one is under way, and answers at once; ask for its outcome afterwards.
    """
    recording, _job = await _recording(request)
    await audit.record(ctx(request).db, me(request), "verify", recording.sitting.case.number, detail={"sitting": recording.sitting_id})
    verifications_of(ctx(request).db).start(ctx(request).vault, recording)
    return _verification(request, recording)


async def manifest(request: Request, headers: IfMatch) -> web.StreamResponse:
    """Take out the manifest.

    Byte for byte as it was sealed: with it and the folder anybody can check. Audited.
    """
    recording, _job = await _recording(request)
    file = await recorded(request, recording, "manifest.json", "manifest_missing")
    check_version(request, headers, file.version, file.modified_ns)
    await _note_export(request, recording, "manifest.json")
    return await file.part("application/json", {"Cache-Control": "no-store"})


# What the answer with a file would refuse by a bare status is refused here before, in words.


def check_version(request: Request, headers: IfMatch, version: str, modified_ns: int) -> None:
    """`version`: entity tag, without quotes; `modified_ns`: since the epoch. Raises PreconditionFailed where the file is another one than
    the one who asks has parts of (RFC 9110 section 13.2.2)."""
    if headers.if_match is not None:
        if not names([headers.if_match], f'"{version}"'):
            raise PreconditionFailed("version_changed", "If-Match")
    elif (since := request.if_unmodified_since) is not None and modified_ns / 1e9 > since.timestamp():
        raise PreconditionFailed("version_changed")


def check_range(request: Request, size: int) -> None:
    """Of a file of that size. Raises RangeNotSatisfiable."""
    try:
        start = request.http_range.start
    except ValueError:
        raise RangeNotSatisfiable(size) from None
    if start is not None and start >= size:
        raise RangeNotSatisfiable(size)


async def _note_export(request: Request, recording: Recording, file: str) -> None:
    detail = {"sitting": recording.sitting_id, "file": file}
    await audit.record(ctx(request).db, me(request), "export", recording.sitting.case.number, detail=detail)


ROUTES = (
    operation("GET", "/recordings", search, SEES),
    operation("GET", "/recordings/{sitting}", show, SEES),
    operation("GET", "/recordings/{sitting}/verification", verification, SEES),
    operation("POST", "/recordings/{sitting}/verification", verify, SEES, status=202),
    operation("GET", "/recordings/{sitting}/manifest", manifest, SEES, file="application/json"),
)
