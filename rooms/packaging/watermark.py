"""Burns the receiver of a copy into its film: who has it, of which unit, by which number, since when.

The words stand in a lattice over the whole picture, so that no part of it can be cut out without them, and wander a little every few
seconds, so that no still patch can be put over them. They are thin and let most of what is behind them through: a face stays a face.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as builder

from rooms.recording.film import FPS
from rooms.recording.running import FfmpegFailed, ffmpeg_program, run

ROWS, COLUMNS = 4, 2
OPACITY, EDGE_OPACITY = 0.34, 0.22
"""Of the letters, which are light, and of the thin dark line around them, by which they are read on light ground too."""
SIZE_OF_HEIGHT = 30
"""A letter's size is the picture's height divided by this: 24 of 720 lines."""
WANDERS_S = 8
"""For so long the words stand in one place."""


class WatermarkRefused(Exception):
    """The film was not made; the text says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """What of the film is given: from where and for how long, seconds."""

    from_s: float
    length_s: float


async def burn(
    film: Path, target: Path, words: Sequence[str], *, font: Path | None, number: str, part: Part, cut: bool, ffmpeg: str = ""
) -> AsyncGenerator[float, None]:
    """Make `target` from `film` with `words`, one line each, in it; yields how much is done, 0 to 1.

    `number` is written into the file besides. `part`: what is given; where that is not `cut` it is the whole. Raises WatermarkRefused,
    also where there is no `font` that can write the words: a copy without its receiver's name is none. Closing the iterator ends ffmpeg
    and leaves nothing.
    """
    if font is None:
        raise WatermarkRefused("there is no font that can write the receiver's name: install fonts-noto-cjk or set DISPATCH_FONT")
    making = target.with_name(f".{target.name}.part")
    done = False
    try:
        with tempfile.TemporaryDirectory(prefix=".watermark-", dir=target.parent) as work:
            text = Path(work) / "words.txt"
            text.write_text("\n".join(words), encoding="utf-8")
            command = _command(film, making, text, font, number, part if cut else None, ffmpeg_program(ffmpeg))
            async with aclosing(run(command)) as steps:
                async for done_s in steps:
                    yield max(0.0, min(0.99, done_s / max(part.length_s, 0.001)))
        await asyncio.to_thread(os.replace, making, target)
        done = True
    except FfmpegFailed as error:
        raise WatermarkRefused(str(error)) from error
    finally:
        if not done:
            making.unlink(missing_ok=True)
    yield 1.0


def _command(film: Path, target: Path, text: Path, font: Path, number: str, part: Part | None, program: str) -> list[str]:
    source = builder.input(str(film), **({"ss": f"{part.from_s:.3f}", "t": f"{part.length_s:.3f}"} if part is not None else {}))
    picture = source.video
    for row in range(ROWS):
        for column in range(COLUMNS):
            picture = picture.filter("drawtext", fontfile=str(font), textfile=str(text), expansion="none", **_place(row, column))
    sound: dict[str, Any] = {"acodec": "copy"} if part is None else {"acodec": "aac", "audio_bitrate": "96k"}
    made = builder.output(
        picture, source.audio, str(target), f="mp4", vcodec="libx264", preset="veryfast", crf=25, g=2 * FPS, pix_fmt="yuv420p",
        movflags="+faststart", metadata=f"comment=copy {number}", **sound,
    )  # fmt: skip
    arguments = made.global_args("-hide_banner", "-loglevel", "error", "-nostats", "-progress", "pipe:1")
    return [str(argument) for argument in builder.compile(arguments, cmd=program, overwrite_output=True)]


def _place(row: int, column: int) -> dict[str, Any]:
    """Where one of them stands: rows are shifted against each other, and each goes a quarter of its field on in turn."""
    turn = f"mod(floor(t/{WANDERS_S})+{row + column},4)"
    left = (column + (0.5 if row % 2 else 0.0)) / (COLUMNS + 0.5)
    return {
        "x": f"w*{left:.4f}+w*0.02+{turn}*w*0.02",
        "y": f"h*{(row + 0.3) / ROWS:.4f}+mod({turn},2)*h*0.03",
        "fontsize": f"h/{SIZE_OF_HEIGHT}",
        "fontcolor": f"white@{OPACITY}",
        "borderw": 1,
        "bordercolor": f"black@{EDGE_OPACITY}",
        "line_spacing": 4,
    }
