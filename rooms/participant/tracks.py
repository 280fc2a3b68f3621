"""What a participant without camera and microphone sends: a tone and a moving picture, or a file."""

from __future__ import annotations

import asyncio
import fractions
import math
from array import array
from collections.abc import Mapping
from pathlib import Path

import av
import av.error
from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamError

from rooms.media.engine import Source

RATE_HZ = 48_000
SAMPLES = 960
"""20 ms."""
LOUDNESS = 3000


class Paced(MediaStreamTrack):
    """A track whose frames come when they are due: `period_s` apart, as long as the track is live."""

    period_s = 0.02

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._start_s: float | None = None

    async def due(self) -> int:
        """Wait until the next frame is due; its number. Raises MediaStreamError when the track has ended."""
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self._start_s is None:
            self._start_s = loop.time()
        await asyncio.sleep(max(0.0, self._start_s + self._count * self.period_s - loop.time()))
        self._count += 1
        return self._count - 1


class Tone(Paced):
    """A tone of `pitch_hz`, quiet."""

    kind = "audio"

    def __init__(self, pitch_hz: int = 440) -> None:
        super().__init__()
        self._step = 2 * math.pi * pitch_hz / RATE_HZ

    async def recv(self) -> av.AudioFrame:
        first = await self.due() * SAMPLES
        frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        samples = array("h", (int(LOUDNESS * math.sin(self._step * number)) for number in range(first, first + SAMPLES)))
        frame.planes[0].update(samples.tobytes())
        frame.pts, frame.sample_rate, frame.time_base = first, RATE_HZ, fractions.Fraction(1, RATE_HZ)
        return frame


class Picture(Paced):
    """A grey that gets brighter and begins again, 15 pictures a second. `size`: width and height, even numbers."""

    kind = "video"
    period_s = 1 / 15

    def __init__(self, size: tuple[int, int] = (320, 180)) -> None:
        super().__init__()
        self._size = size

    async def recv(self) -> av.VideoFrame:
        number = await self.due()
        frame = av.VideoFrame(*self._size, "yuv420p")
        for plane, value in zip(frame.planes, (16 + number * 7 % 200, 128, 128), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts, frame.time_base = number * 6000, fractions.Fraction(1, 90_000)
        return frame


def synthetic() -> Mapping[Source, MediaStreamTrack]:
    """A microphone and a camera."""
    return {Source.MICROPHONE: Tone(), Source.CAMERA: Picture()}


def from_file(path: Path) -> Mapping[Source, MediaStreamTrack]:
    """Sound and picture of a media file, over and over, whichever of them it has; raises OSError or ValueError if it has neither."""
    try:
        player = MediaPlayer(str(path), loop=True)
    except av.error.FFmpegError as error:
        raise ValueError(f"{path}: {error}") from None
    found = {Source.MICROPHONE: player.audio, Source.CAMERA: player.video}
    tracks = {source: track for source, track in found.items() if track is not None}
    if not tracks:
        raise ValueError(f"{path}: neither sound nor picture")
    return tracks
