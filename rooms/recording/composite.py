"""One film of a sitting, made from its sealed folder by ffmpeg: everybody's picture with name and role, the sound of
all, and the clock of the court burnt in; and beside it the sound of each place alone. Originals are only read.

It is made in steps that are kept in ``derived/.composite`` until the film is there: first all sound, then the picture in parts, then
both in one file. Whoever was ended goes on behind the last whole part.

The film runs in real time from the first start to the last stop, recesses and private phases included (as cards), so that the position
in it is the wall-clock time minus the start. Each voice lasts as long as the film: its positions are the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import os
import shutil
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import av

from rooms.recording import timeline as axis
from rooms.recording.attendance import VOICES, Place, hall, held_by, places, read_rows
from rooms.recording.film import FPS, PART_S, Film
from rooms.recording.fonts import any_font
from rooms.recording.running import FfmpegFailed, ffmpeg_program, run
from rooms.recording.timeline import Timeline
from rooms.recording.unrecorded import explained, named

FILM = "composite.mp4"
WORK = ".composite"
SOUND_SHARE, PICTURE_SHARE = 0.06, 0.93
"""Of all the time that a film takes: the rest is for putting it together."""
OFF_S = 0.5
"""A film that is so much longer or shorter than the recording is none."""


class CompositeError(Exception):
    """ffmpeg, or the folder, does not let the film be made."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`fraction` 0..1 of the film is made."""

    fraction: float


async def compose(folder: Path, *, font: Path | None, tz: str, ffmpeg: str = "") -> AsyncGenerator[Progress, None]:
    """Make ``derived/composite.mp4``, ``derived/voices/`` and ``derived/timeline.json``; yields as it goes, from where a former try
    got to, last 1.0 when all are there.

    `tz` is the court's time zone (IANA name). Without a `font` that knows Chinese, only what is ASCII is written.
    Raises CompositeError. Closing the iterator ends ffmpeg; an unfinished film never has the final name.
    """
    folder = folder.resolve()
    try:
        line, manifest = await asyncio.to_thread(axis.load, folder)
        rows = await asyncio.to_thread(lambda: tuple(read_rows(folder / "events.jsonl")))
        shown = await asyncio.to_thread(places, line, manifest, rows)
    except (OSError, ValueError, KeyError) as error:
        raise CompositeError(f"{folder}: {error}") from error
    clock_font = font or any_font()
    if clock_font is None:
        raise CompositeError("there is no font at all for the clock")
    program = ffmpeg_program(ffmpeg)
    derived = folder / "derived"
    work = derived / WORK
    held = held_by(manifest["meta"], rows)
    shown = tuple(place for place in shown if place.heard)
    seats, line = hall(held, shown), explained(line, rows, held)
    plan = (line, manifest["meta"], seats, shown, work, (font, clock_font), tz, named(line, rows, held))
    film = await asyncio.to_thread(Film.plan, *plan)
    await asyncio.to_thread(_prepare, work, _about(folder, manifest, film, program))
    async for done in _made(film, shown, derived, program):
        (derived / "progress").write_text(f"{done:.4f}\n")
        yield Progress(done)
    _write(derived / "timeline.json", json.dumps(line.to_json()).encode())
    _sync(work / FILM)
    os.replace(work / FILM, derived / FILM)
    await asyncio.to_thread(shutil.rmtree, work)
    yield Progress(1.0)


async def _made(film: Film, shown: Sequence[Place], derived: Path, program: str) -> AsyncGenerator[float, None]:
    """Make what is not there yet, and the film of it in the folder of work; the part that is done, 0 to 1."""
    line = film.line
    if not film.sound_file.exists():
        making = replace(film, work=film.work / "sound")
        _emptied(making.work)
        command = await asyncio.to_thread(making.sound_command, program)
        async with contextlib.aclosing(_run(command, line, film.tz)) as steps:
            async for done_s in steps:
                yield SOUND_SHARE * _part(done_s, line)
        _keep_voices([making.voice_file(place) for place in shown], derived / VOICES)
        _sync(making.sound_file)
        os.replace(making.sound_file, film.sound_file)  # last: with it the step is done
    ends = film.work / "pictures"
    whole = _whole_parts(film)
    if not ends.exists():
        before_s = float(whole * PART_S)
        yield SOUND_SHARE + PICTURE_SHARE * _part(before_s, line)
        rest = film.since(line.start_us + round(before_s * 1e6))
        if rest.line.end_us > rest.line.start_us:
            command = await asyncio.to_thread(rest.picture_command, whole, program)
            async with contextlib.aclosing(_run(command, rest.line, film.tz)) as steps:
                async for done_s in steps:
                    yield SOUND_SHARE + PICTURE_SHARE * _part(before_s + done_s, line)
        ends.touch()
    yield SOUND_SHARE + PICTURE_SHARE
    try:
        await _joined(film, program)
    except CompositeError:  # a part that a power cut spoilt: the next try begins anew
        await asyncio.to_thread(shutil.rmtree, film.work)
        raise
    yield 0.999


async def _joined(film: Film, program: str) -> None:
    """Put the parts and the sound into one file, which must last as long as the recording. Raises CompositeError."""
    command = film.join_command(_parts(film), film.work / FILM, program)
    async with contextlib.aclosing(_run(command, film.line, film.tz)) as steps:
        async for _ in steps:
            pass
    found_s = await asyncio.to_thread(_length_s, film.work / FILM)
    if abs(found_s - film.line.duration_s) > OFF_S:
        raise CompositeError(f"the film has {found_s:.2f} s instead of {film.line.duration_s:.2f} s")


def _part(done_s: float, line: Timeline) -> float:
    return max(0.0, min(1.0, done_s / max(line.duration_s, 0.001)))


def _about(folder: Path, manifest: Mapping[str, Any], film: Film, program: str) -> str:
    """What the kept steps were made for: another recording, another font or another ffmpeg begins anew."""
    about = [str(folder), manifest.get("digest"), str(film.font), str(film.clock_font), film.tz, program, os.path.getsize(program)]
    return hashlib.sha256(json.dumps([*about, _layout(film)]).encode()).hexdigest()


def _layout(film: Film) -> list[Any]:
    return [[tile.place.id, *asdict(tile.alone).values(), *asdict(tile.beside).values()] for tile in film.tiles]


def _prepare(work: Path, about: str) -> None:
    """The folder of work as a former try left it, or an empty one."""
    kept = work / "made_for"
    if not kept.exists() or kept.read_text(encoding="utf-8") != about:
        _emptied(work)
        kept.write_text(about, encoding="utf-8")


def _emptied(work: Path) -> None:
    if work.exists():
        shutil.rmtree(work)
    work.mkdir(parents=True)


def _parts(film: Film) -> list[Path]:
    """The parts that are there, one after the other."""
    return list(itertools.takewhile(Path.exists, map(film.part_file, itertools.count())))


def _whole_parts(film: Film) -> int:
    """How many parts were finished: all but the last one that is there, which may have been under way."""
    return max(0, len(_parts(film)) - 1)


def _length_s(path: Path) -> float:
    """How long the picture of a film lasts, by its pictures."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.frames / FPS


def _keep_voices(made: Sequence[Path], target: Path) -> None:
    target.mkdir(exist_ok=True)
    kept = {path.name for path in made if path.exists()}
    for path in made:
        if path.name in kept:
            _sync(path)
            os.replace(path, target / path.name)
    for former in target.iterdir():
        if former.name not in kept:
            former.unlink()


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _run(command: Sequence[str], line: Timeline, tz: str) -> AsyncGenerator[float, None]:
    """Run ffmpeg; yields how far it is, s. Raises CompositeError."""
    try:
        async with contextlib.aclosing(run(command, TZ=posix_zone(tz, line.start_us))) as steps:
            async for done_s in steps:
                yield done_s
    except FfmpegFailed as error:
        raise CompositeError(str(error)) from error


def posix_zone(name: str, at_us: int) -> str:
    """The offset of a time zone at that time as POSIX writes it, which needs no zone files: "<+0800>-08:00:00"."""
    local = datetime.fromtimestamp(at_us / 1e6, ZoneInfo(name))
    offset = local.utcoffset()
    seconds = int(offset.total_seconds()) if offset is not None else 0
    hours, rest = divmod(abs(seconds), 3600)
    sign = "-" if seconds >= 0 else ""
    return f"<{local.strftime('%z')[:5]}>{sign}{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
