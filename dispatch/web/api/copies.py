"""Copies of recordings: asked for, decided on by a person, made, fetched by those who asked for it and approved it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field

from dispatch.copies import listing, requests, rules
from dispatch.copies.fetching import location
from dispatch.copies.rules import LONGEST, Wish
from dispatch.errors import NotFound
from dispatch.store.copy_tables import Copy
from dispatch.web.access import ADMINISTRATOR, CLERK, JUDGE, OFFICER, PROSECUTOR
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, cursor_of, place
from dispatch.web.api.recording_shapes import Part
from dispatch.web.api.recordings import SEES, check_range, check_version
from dispatch.web.api.sitting_shapes import Once
from dispatch.web.api.values import Asked, Given, Id, IdOrNone, Moment, Resource, Shown, local, local_or_none
from dispatch.web.api.versions import IfMatch
from dispatch.web.copies import attachment, part_of
from dispatch.web.request import Request, ctx, me, zone

KNOWS = programs(CLERK, OFFICER, JUDGE, PROSECUTOR, ADMINISTRATOR)
Content = Literal["package", "film", "span"]
Form = Literal["zip", "iso", "folder"]
State = Literal["requested", "approved", "ready", "failed", "refused", "revoked", "removed"]
_CONTENT = "`film`: with the receiver's watermark; `span`: a part of it; `package`: the originals too, which carry no watermark."
_FORM = "`zip`: one file; `iso`: an image for a disc; `folder`: fetched file by file."
_SECONDS = "Seconds from the beginning of the film; of a span alone."


class CopyOrder(Given):
    """A copy that is asked for."""

    content: Content = Field(description=_CONTENT)
    form: Form = Field("zip", description=_FORM)
    receiver: str = Field(min_length=1, max_length=LONGEST["receiver"], description="Name of whoever gets it.")
    unit: str = Field(min_length=1, max_length=LONGEST["unit"], description="Where the receiver belongs.")
    purpose: str = Field(min_length=1, max_length=LONGEST["purpose"])
    basis: str = Field(min_length=1, max_length=LONGEST["basis"], description="The article of law by which it is given.")
    originals_reason: str = Field("", max_length=LONGEST["originals_reason"], description="Why originals are needed; of a package alone.")
    from_s: float | None = Field(None, ge=0, le=1e6, description=_SECONDS)
    to_s: float | None = Field(None, ge=0, le=1e6, description=_SECONDS)


class CopyReason(Given):
    """Why."""

    reason: str = Field(min_length=1, max_length=LONGEST["reason"], description="Told to whoever asked for the copy.")


class CopyView(Resource):
    """A copy of a recording. The entry stays when its file is removed."""

    id: Id
    number: str = Field(description="As it is written on everything: year of the court and running number.")
    sitting_id: Id
    state: State = Field(description="`approved` is being made, `removed` is over and its file gone.")
    content: Content = Field(description=_CONTENT)
    form: Form = Field(description=_FORM)
    from_s: float | None = Field(description=_SECONDS)
    to_s: float | None = Field(description=_SECONDS)
    receiver: str
    unit: str
    purpose: str
    basis: str
    originals_reason: str
    requested_by: str = Field(description="Name of whoever asked, a person or a program.")
    requested_at: Moment
    decided_by: str = Field(description="Name of whoever approved or refused it; empty while nobody has.")
    decided_at: Moment | None
    reason: str = Field(description="Why it was refused or taken back.")
    bytes: int = Field(description="Size; 0 while it is not made.")
    sha256: str = Field(description="Of the file; of a folder, of its package.json.")
    sm3: str
    made_at: Moment | None
    expires_at: Moment | None = Field(description="Until when it can be fetched.")
    fetched_at: Moment | None = Field(description="For the first time.")
    fetches: int

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/copies/{self.id}"

    @classmethod
    def of(cls, copy: Copy, tz: ZoneInfo) -> CopyView:
        """As it is."""
        plain = ("id", "number", "sitting_id", "from_s", "to_s", "receiver", "unit", "purpose", "basis", "originals_reason", "reason")
        moments = ("decided_at", "made_at", "expires_at", "fetched_at")
        return cls(
            **{name: getattr(copy, name) for name in (*plain, "bytes", "sha256", "sm3", "fetches")},
            **{name: local_or_none(getattr(copy, name), tz) for name in moments},
            state=cast("State", copy.state),
            content=cast("Content", copy.content),
            form=cast("Form", copy.form),
            requested_by=copy.requested_name,
            requested_at=local(copy.requested_at, tz),
            decided_by=copy.decided_name,
        )


class CopyList(Page[CopyView]):
    """One page of copies, those asked for last first."""


class CopyQuery(Paging):
    """Which copies."""

    sitting: IdOrNone = Field("", description="Of this sitting's recording.")
    state: State | Literal[""] = Field("", description="In this state.")


class CopyMaking(Shown):
    """How far the making of a copy is."""

    state: State
    progress: float = Field(ge=0, le=1)
    remaining_s: float | None = Field(description="Seconds that it will still take, by how long it took so far; null while unknown.")


class FileQuery(Asked):
    """Which file."""

    file: str = Field("", max_length=400, description="Of a copy that is a folder: name of the file in it, for instance cover.html.")


async def search(request: Request, query: CopyQuery) -> CopyList:
    """List copies.

    Clerks, officers and administrators see all, others those of their own sittings and those they asked for.
    """
    states = (query.state,) if query.state else ()
    copies, more = await listing.listed(ctx(request).db, me(request), query.sitting, states, place(query.cursor), query.limit)
    return CopyList(
        items=[CopyView.of(copy, zone(request)) for copy in copies],
        next=cursor_of(copies[-1].requested_at, copies[-1].id) if more else None,
    )


async def ask(request: Request, body: CopyOrder, headers: Once) -> CopyView:
    """Ask for a copy.

    Of a recording that whoever asks may see. Somebody else decides on it; who may is told.
    """
    context, user, sitting = ctx(request), me(request), request.match_info["sitting"]
    order = headers.order(user, f"copy {sitting}", body)
    copy = await requests.ask(context.db, sitting, Wish(**dict(body)), user, context.clock(), order)
    return CopyView.of(copy, zone(request))


async def show(request: Request) -> CopyView:
    """Show one copy."""
    return CopyView.of(await _copy(request), zone(request))


async def making(request: Request) -> CopyMaking:
    """Show how far its making is."""
    copy = await _copy(request)
    job = (await listing.jobs(ctx(request).db, [copy])).get(copy.id)
    running = job is not None and job.state == "running"
    progress = job.progress if job is not None and running else 1.0 if copy.made_at is not None else 0.0
    left = rules.remaining_s(job.started_at, progress, ctx(request).clock()) if job is not None and running else None
    return CopyMaking(state=cast("State", copy.state), progress=min(max(progress, 0.0), 1.0), remaining_s=left)


async def approve(request: Request, headers: IfMatch) -> CopyView:
    """Approve a copy.

    It is made then. Whoever presides at the sitting may, and administrators: signed in, as no program decides on a copy, and nobody on
    what he asked for himself.
    """
    context = ctx(request)
    copy = await requests.approve(context.db, request.match_info["copy"], me(request), context.clock(), _seen(request, headers))
    return CopyView.of(copy, zone(request))


async def refuse(request: Request, body: CopyReason, headers: IfMatch) -> CopyView:
    """Refuse a copy.

    Who may is as with approval.
    """
    context = ctx(request)
    copy = await requests.refuse(context.db, request.match_info["copy"], body.reason, me(request), context.clock(), _seen(request, headers))
    return CopyView.of(copy, zone(request))


async def revoke(request: Request, body: CopyReason, headers: IfMatch) -> CopyView:
    """Take a copy back.

    While nobody has fetched it: who asked for it, who approved it, or an administrator. Its file is removed.
    """
    context = ctx(request)
    copy = await requests.revoke(context.db, request.match_info["copy"], body.reason, me(request), context.clock(), _seen(request, headers))
    return CopyView.of(copy, zone(request))


async def fetch(request: Request, query: FileQuery, headers: Part) -> web.FileResponse:
    """Fetch a copy.

    By whoever asked for it or approved it, until it expires. The whole or, with Range, a part of it, so that a broken transfer goes on
    where it broke off. Each is audited.
    """
    copy = await _copy(request)
    path = await asyncio.to_thread(location, ctx(request).settings.copies, copy, query.file)
    if path is None:
        raise NotFound("copy_file_missing")
    found = await _found(path)
    check_version(request, headers, f"{found.st_mtime_ns:x}-{found.st_size:x}", found.st_mtime_ns)
    if headers.range is not None:
        check_range(request, found.st_size)
    await requests.fetched(ctx(request).db, copy.id, me(request), ctx(request).clock(), query.file, part_of(request))
    named = {"Cache-Control": "no-store", "Content-Type": BYTES, "Content-Disposition": attachment(path, copy)}
    return web.FileResponse(path, headers=named)


def _seen(request: Request, headers: IfMatch) -> Callable[[Copy], None]:
    """Refuses a copy that is other than the one who acts saw it."""
    return lambda found: headers.check(CopyView.of(found, zone(request)))


async def _copy(request: Request) -> Copy:
    return await listing.get(ctx(request).db, me(request), request.match_info["copy"])


async def _found(path: Path) -> os.stat_result:
    try:
        return await asyncio.to_thread(path.stat)
    except OSError:
        raise NotFound("copy_file_missing") from None


BYTES = "application/octet-stream"

ROUTES = (
    operation("GET", "/copies", search, KNOWS),
    operation("POST", "/recordings/{sitting}/copies", ask, SEES, status=201, refuses=(409,)),
    operation("GET", "/copies/{copy}", show, KNOWS),
    operation("GET", "/copies/{copy}/making", making, KNOWS),
    operation("POST", "/copies/{copy}/approve", approve, KNOWS, refuses=(409,)),
    operation("POST", "/copies/{copy}/refuse", refuse, KNOWS, refuses=(409,)),
    operation("POST", "/copies/{copy}/revoke", revoke, KNOWS, refuses=(409,)),
    operation("GET", "/copies/{copy}/file", fetch, KNOWS, file=BYTES, refuses=(409,)),
)
