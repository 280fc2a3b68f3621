"""Runs ffmpeg in the background: at the lowest priority, not longer than whoever asked for it, telling how far it is."""

from __future__ import annotations

import asyncio
import ctypes
import os
import platform
import signal
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import imageio_ffmpeg

_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2)
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "loongarch64": 30}
"""Number of ioprio_set(2), which libc has not by name."""
_IDLE = 3 << 13  # IOPRIO_CLASS_IDLE: the disk only when nobody else wants it


class FfmpegFailed(Exception):
    """ffmpeg ended with an error; the text is what it said last."""


def ffmpeg_program(setting: str = "") -> str:
    """The ffmpeg to run: the one that is set, else the one that came with imageio-ffmpeg."""
    return setting or str(imageio_ffmpeg.get_ffmpeg_exe())


async def run(command: Sequence[str], **environment: str) -> AsyncGenerator[float, None]:
    """Run a command of ffmpeg that was given ``-progress pipe:1``; yields how much of its output is made, s. `environment`: what is
    other than here. Raises FfmpegFailed. Closing the iterator ends it."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
        preexec_fn=_become_a_background_child(),
    )
    if process.stdout is None or process.stderr is None:
        raise FfmpegFailed("ffmpeg has no output")
    errors = asyncio.create_task(process.stderr.read())
    try:
        async for row in process.stdout:
            name, _, value = row.decode().strip().partition("=")
            if name == "out_time_us" and value.lstrip("-").isdigit():
                yield int(value) / 1e6
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        told = (await errors).decode(errors="replace").strip()
    if code:
        raise FfmpegFailed(f"ffmpeg ended with {code}: {told[-800:]}")


def _become_a_background_child() -> Any:
    """For the child between fork and exec: lowest priority at processor and disk, and no life without its owner."""
    libc = ctypes.CDLL(None, use_errno=True)
    prctl, syscall, ioprio_set = libc.prctl, libc.syscall, _IOPRIO_SET.get(platform.machine())

    def prepare() -> None:
        os.nice(19)
        if ioprio_set is not None:
            syscall(ioprio_set, 1, 0, _IDLE)
        prctl(_DEATH_SIGNAL, signal.SIGKILL)

    return prepare
