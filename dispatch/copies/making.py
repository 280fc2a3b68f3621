"""How the jobs process makes a copy: film with the receiver's watermark, cover sheet, package in the form that was asked for."""

from __future__ import annotations

import asyncio
import queue
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dispatch.archive import explanations
from dispatch.archive.jobs import Kind
from dispatch.copies import rules, telling, verifier
from dispatch.copies.cover import Sheet
from dispatch.copies.requests import KIND
from dispatch.store.archive_tables import Job, Recording
from dispatch.store.copy_tables import Copy
from dispatch.store.database import Database
from dispatch.store.tables import Participant, utc_now
from rooms.packaging.package import FILM, LIST, Given, PackageRefused, build, remove
from rooms.packaging.watermark import Part, burn
from rooms.recording.rolling import Rolling
from rooms.recording.seal import CHUNK_BYTES
from rooms.verification.explanation import FILE as EXPLANATION

if TYPE_CHECKING:
    from dispatch.settings import Settings

__all__ = ["KIND", "copies"]
FILM_SHARE = 0.7
"""Of the time that a copy with a film takes: its picture is encoded anew."""
LOOKS_S = 0.2
"""How often it is asked how far the packaging is."""
LINE_LETTERS = 14
"""Chinese letters in a line of the watermark."""
ENDINGS = {"zip": ".zip", "iso": ".iso", "folder": ""}


class CopyGone(Exception):
    """The copy was taken back while it waited or was made."""


def copies(settings: Settings, db: Database, font: Path | None, clock: Callable[[], datetime] = utc_now) -> Kind:
    """The kind of work that makes copies."""

    async def make(job: Job, folder: Path) -> AsyncIterator[float]:
        async with db.reader() as session:
            copy = await session.get(Copy, job.subject)
            length = await session.scalar(select(Recording.seconds).where(Recording.sitting_id == job.sitting_id))
            minors = set(
                await session.scalars(select(Participant.id).where(Participant.sitting_id == job.sitting_id, Participant.minor))
            )
        if copy is None or copy.state != "approved":
            raise CopyGone("this copy is not wanted any more")
        now = clock()
        sheet = Sheet(settings.court, settings.court_en, settings.zone, minors, now)
        explained = await explanations.signed_statement(db, job.sitting_id) if copy.content == "package" else None
        pages = {verifier.NAME: verifier.page()} | ({EXPLANATION: explained} if explained is not None else {})
        async with aclosing(_made(copy, folder, settings, font, sheet, length or 0.0, pages)) as steps:
            async for fraction in steps:
                yield fraction
        await _keep(db, copy, settings.copies / name_of(copy))

    async def told(session: AsyncSession, job: Job) -> None:
        if job.state not in ("done", "failed"):
            return
        copy = await session.get(Copy, job.subject)
        if copy is None or copy.state != "approved":
            return  # taken back meanwhile: what was made is cleared away
        now = clock()
        copy.state = rules.after(copy.state, "made" if job.state == "done" else "fail")
        if copy.state == "ready":
            copy.made_at, copy.expires_at = now, now + timedelta(days=settings.copy_days)
        await telling.ready(session, db, copy, now, "copy_ready" if copy.state == "ready" else "copy_failed")

    return Kind(make, told)


def name_of(copy: Copy) -> str:
    """Of its file or folder: says what it is, and can be guessed by nobody."""
    return f"{copy.number}-{copy.id}{ENDINGS[copy.form]}"


async def _made(
    copy: Copy, folder: Path, settings: Settings, font: Path | None, sheet: Sheet, length_s: float, pages: Mapping[str, bytes]
) -> AsyncGenerator[float, None]:
    target, film = settings.copies / name_of(copy), folder / "derived" / FILM
    await asyncio.to_thread(settings.copies.mkdir, mode=0o700, parents=True, exist_ok=True)
    await asyncio.to_thread(remove, target)  # of a try that was ended after it was made, and before that was written down
    filmed = await asyncio.to_thread(film.is_file)
    if copy.content != "package" and not filmed:
        raise PackageRefused("there is no film of this recording any more: make it again first")
    share = FILM_SHARE if filmed else 0.0
    with tempfile.TemporaryDirectory(prefix=f".{copy.number}-", dir=settings.copies) as work:
        marked = Path(work) / FILM
        if filmed:
            part, cut = part_of(copy, length_s), copy.content == "span"
            words = words_of(copy, sheet)
            burning = burn(film, marked, words, font=font, number=copy.number, part=part, cut=cut, ffmpeg=settings.ffmpeg)
            async with aclosing(burning) as steps:
                async for fraction in steps:
                    yield fraction * share
        given = Given(
            pages,
            film=marked if filmed else None,
            originals=copy.content == "package",
            about=about(copy, settings.court),
            cover=sheet.of,
        )
        async with aclosing(_packed(folder, target, given, sheet.made_at)) as steps:
            async for fraction in steps:
                yield share + fraction * (1 - share)


async def _packed(folder: Path, target: Path, given: Given, now: datetime) -> AsyncGenerator[float, None]:
    """The package, made in a thread of its own, which ends when nobody asks any more."""
    told: queue.SimpleQueue[float] = queue.SimpleQueue()
    wanted = True

    def progress(fraction: float) -> None:
        if not wanted:
            raise CopyGone("stopped")
        told.put(fraction)

    building = asyncio.create_task(asyncio.to_thread(build, folder, target, given, now, progress))
    done = 0.0
    try:
        while not building.done():
            await asyncio.wait((building,), timeout=LOOKS_S)
            while not told.empty():
                done = told.get_nowait()
            yield min(done, 0.99)
        building.result()
    finally:
        wanted = False
        await asyncio.wait((building,))
        if not building.cancelled():
            building.exception()  # looked at: whoever stopped it knows why


async def _keep(db: Database, copy: Copy, target: Path) -> None:
    """Write down what was made. Raises CopyGone, and clears it away, where the copy was taken back meanwhile."""
    size, digests = await asyncio.to_thread(_measured, target)
    async with db.writer() as session:
        kept = await session.get(Copy, copy.id)
        gone = kept is None or kept.state != "approved"
        if kept is not None and not gone:
            kept.file, kept.bytes, kept.sha256, kept.sm3 = target.name, size, digests["sha256"], digests["sm3"]
    if gone:
        await asyncio.to_thread(remove, target)
        raise CopyGone("it was taken back while it was made")


def _measured(target: Path) -> tuple[int, Mapping[str, str]]:
    """Size of all of it, and the digests of its file; of a folder, of its list."""
    if target.is_dir():
        size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
        return size, _digests(target / LIST)
    return target.stat().st_size, _digests(target)


def _digests(path: Path) -> Mapping[str, str]:
    rolling = Rolling()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            rolling.add(chunk)
    return rolling.digests()


def part_of(copy: Copy, length_s: float) -> Part:
    """What of the film is given; a span ends with the film at the latest."""
    if copy.content != "span" or copy.from_s is None or copy.to_s is None:
        return Part(0.0, length_s)
    return Part(copy.from_s, min(copy.to_s, length_s) - copy.from_s)


def words_of(copy: Copy, sheet: Sheet) -> tuple[str, ...]:
    """The lines of the watermark: name, unit, copy number and day. A long name goes on in a second line, and ends there."""
    day = sheet.made_at.astimezone(sheet.zone).strftime("%Y-%m-%d")
    return *_lines(copy.receiver), *_lines(copy.unit), f"副本 {copy.number}  {day}"


def _lines(text: str) -> list[str]:
    """At most two lines that fit into their field of the picture."""
    lines, width = [""], 0.0
    for letter in text:
        wide = 0.6 if letter.isascii() else 1.0
        if width + wide > LINE_LETTERS:
            if len(lines) == 2:
                lines[-1] = f"{lines[-1][:-1]}…"
                break
            lines.append("")
            width = 0.0
        lines[-1] += letter
        width += wide
    return lines


def about(copy: Copy, court: str) -> dict[str, Any]:
    """What the list and the cover sheet of a copy say of it."""
    said: dict[str, Any] = {
        "number": copy.number,
        "court": court,
        "content": copy.content,
        "receiver": copy.receiver,
        "unit": copy.unit,
        "purpose": copy.purpose,
        "basis": copy.basis,
        "requested_by": copy.requested_name,
        "requested_at": copy.requested_at.isoformat(timespec="seconds"),
        "approved_by": copy.decided_name,
        "approved_at": (copy.decided_at or copy.requested_at).isoformat(timespec="seconds"),
    }
    if copy.content == "package":
        said["originals_reason"] = copy.originals_reason
    if copy.content == "span" and copy.from_s is not None and copy.to_s is not None:
        said["span"] = {"from": rules.clock(copy.from_s), "to": rules.clock(copy.to_s)}
    return said
