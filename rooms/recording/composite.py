"""One film of a sitting, made from its sealed folder by ffmpeg: everybody's picture with name and role, the sound of
all, and the clock of the court burnt in; and beside it the sound of each place alone. Originals are only read.

The film runs in real time from the first start to the last stop, recesses and private phases included (as cards), so that the position
in it is the wall-clock time minus the start. Each voice lasts as long as the film: its positions are the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import tempfile
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import imageio_ffmpeg

from rooms.recording import timeline as axis
from rooms.recording.attendance import VOICES, hall, held_by, places, read_rows
from rooms.recording.film import Film
from rooms.recording.fonts import any_font
from rooms.recording.timeline import Timeline
from rooms.recording.unrecorded import explained

_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2)


class CompositeError(Exception):
    """ffmpeg, or the folder, does not let the film be made."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`fraction` 0..1 of the film is made."""

    fraction: float


def ffmpeg_program(setting: str = "") -> str:
    """The ffmpeg to run: the one that is set, else the one that came with imageio-ffmpeg."""
    return setting or str(imageio_ffmpeg.get_ffmpeg_exe())


async def compose(folder: Path, *, font: Path | None, tz: str, ffmpeg: str = "") -> AsyncGenerator[Progress, None]:
    """Make ``derived/composite.mp4``, ``derived/voices/`` and ``derived/timeline.json``; yields as it goes, last 1.0 when all
    are there.

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
    derived = folder / "derived"
    derived.mkdir(exist_ok=True)
    part = derived / "composite.mp4.part"
    part.unlink(missing_ok=True)  # an ffmpeg that outlived its owner goes on in a file without a name
    (derived / "progress").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix=".composite-", dir=derived) as work:
        held = held_by(manifest["meta"], rows)
        seats, line = hall(held, shown), explained(line, rows, held)
        film = await asyncio.to_thread(Film.plan, line, manifest["meta"], seats, shown, Path(work), (font, clock_font), tz)
        command = await asyncio.to_thread(film.command, part, ffmpeg_program(ffmpeg))
        async with contextlib.aclosing(_run(command, line, tz)) as progress:
            async for step in progress:
                (derived / "progress").write_text(f"{step.fraction:.4f}\n")
                yield step
        _keep_voices([film.voice_file(place) for place in shown], derived / VOICES)
    _write(derived / "timeline.json", json.dumps(line.to_json()).encode())
    _sync(part)
    os.replace(part, derived / "composite.mp4")
    yield Progress(1.0)


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


async def _run(command: Sequence[str], line: Timeline, tz: str) -> AsyncGenerator[Progress, None]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TZ": posix_zone(tz, line.start_us)},
        preexec_fn=_become_a_background_child(),
    )
    if process.stdout is None or process.stderr is None:
        raise CompositeError("ffmpeg has no output")
    errors = asyncio.create_task(process.stderr.read())
    try:
        async for row in process.stdout:
            name, _, value = row.decode().strip().partition("=")
            if name == "out_time_us" and value.lstrip("-").isdigit():
                yield Progress(max(0.0, min(0.999, int(value) / 1e6 / max(line.duration_s, 0.001))))
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        told = (await errors).decode(errors="replace").strip()
    if code:
        raise CompositeError(f"ffmpeg ended with {code}: {told[-800:]}")


def _become_a_background_child() -> Any:
    """For the child between fork and exec: lowest priority, and no life without its owner."""
    prctl = ctypes.CDLL(None).prctl

    def prepare() -> None:
        os.nice(19)
        prctl(_DEATH_SIGNAL, signal.SIGKILL)

    return prepare


def posix_zone(name: str, at_us: int) -> str:
    """The offset of a time zone at that time as POSIX writes it, which needs no zone files: "<+0800>-08:00:00"."""
    local = datetime.fromtimestamp(at_us / 1e6, ZoneInfo(name))
    offset = local.utcoffset()
    seconds = int(offset.total_seconds()) if offset is not None else 0
    hours, rest = divmod(abs(seconds), 3600)
    sign = "-" if seconds >= 0 else ""
    return f"<{local.strftime('%z')[:5]}>{sign}{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
