"""A picture and a sound that are known: each picture shows its number, each packet of sound is like no other, and both are written down
when they are sent. What is found in a recording afterwards says by itself when it was made, whatever the recording says."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FPS, SOUND_MS = 10, 40
WIDTH, HEIGHT, BLOCK = 160, 96, 20
BITS = 16
DARK, BRIGHT = 30, 220


@dataclass(frozen=True, slots=True)
class Unit:
    """A picture, or a packet of sound: µs since the epoch at which it was made and sent; `key`: it can be decoded by itself."""

    number: int
    made_us: int
    sent_us: int
    key: bool


@dataclass
class Scene:
    """One person's picture and sound, without an end. What was made is in `pictures` and `sounds`, by number; a connection that is
    built anew goes on with the next number."""

    seed: int
    pictures: dict[int, Unit] = field(default_factory=dict)
    sounds: dict[int, Unit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sound_of: dict[bytes, int] = {}
        self._chance = random.Random(self.seed)
        self._camera = av.CodecContext.create("libvpx", "w")
        self._camera.width, self._camera.height, self._camera.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        self._camera.time_base = Fraction(1, FPS)
        self._camera.bit_rate = 150_000
        self._camera.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": "100000"}
        self._microphone = av.CodecContext.create("libopus", "w")
        self._microphone.sample_rate, self._microphone.layout, self._microphone.format = 48_000, "mono", "s16"
        self._microphone.bit_rate = 24_000
        self._microphone.options = {"frame_duration": str(SOUND_MS)}
        self._phase = 0.0

    def picture(self, made_us: int, *, key: bool) -> bytes:
        """The next picture, a key frame if `key`; goes out at once."""
        number = len(self.pictures)
        frame = _drawn(number)
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        if key:
            frame.pict_type = av.video.frame.PictureType.I
        (packet,) = self._camera.encode(frame)
        self.pictures[number] = Unit(number, made_us, now_us(), packet.is_keyframe)
        return bytes(packet)

    def sound(self, made_us: int) -> bytes:
        """The next packet of sound: a tone whose pitch wanders, in a little noise."""
        number = len(self.sounds)
        size = 48 * SOUND_MS
        step = 2 * math.pi * self._chance.uniform(200, 2000) / 48_000
        wave = 4000 * np.sin(self._phase + step * np.arange(size))
        self._phase += step * size
        wave += np.array([self._chance.gauss(0, 200) for _ in range(size // 16)]).repeat(16)
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, number * size
        packets = list(self._microphone.encode(frame))
        if not packets:  # the encoder wants one frame more before it begins
            return self.sound(made_us)
        data = bytes(packets[0])
        self.sounds[number] = Unit(number, made_us, now_us(), key=True)
        self._sound_of[data] = number
        return data

    def units(self, source: str) -> dict[int, Unit]:
        """All that was sent of "camera" or "microphone"."""
        return self.pictures if source == "camera" else self.sounds

    def found_in(self, path: Path, source: str) -> list[int]:
        """The numbers of what can be decoded of a file, in its order. libav raises where it cannot read."""
        return list(_numbers(path) if source == "camera" else self._known(path))

    def _known(self, path: Path) -> Iterator[int]:
        with av.open(str(path)) as container:
            for packet in container.demux(audio=0):
                if packet.size:
                    packet.decode()  # raises where it is no sound
                    yield self._sound_of[bytes(packet)]


def now_us() -> int:
    """The clock of the machine, which is the recorder's."""
    return time.time_ns() // 1000


def _drawn(number: int) -> av.VideoFrame:
    """Sixteen squares above, dark or bright, that are the number; below them something that moves."""
    luma = np.full((HEIGHT, WIDTH), 128, np.uint8)
    for bit in range(BITS):
        top, left = bit // 8 * BLOCK, bit % 8 * BLOCK
        luma[top : top + BLOCK, left : left + BLOCK] = BRIGHT if number >> bit & 1 else DARK
    left = number * 7 % (WIDTH - 24)
    luma[3 * BLOCK : 4 * BLOCK, left : left + 24] = 60
    return av.VideoFrame.from_ndarray(np.vstack([luma, np.full((HEIGHT // 2, WIDTH), 128, np.uint8)]), format="yuv420p")


def _numbers(path: Path) -> Iterator[int]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield _read(frame)


def _read(frame: av.VideoFrame) -> int:
    grey = frame.to_ndarray(format="gray")
    number = 0
    for bit in range(BITS):
        top, left = bit // 8 * BLOCK, bit % 8 * BLOCK
        number |= int(grey[top + 4 : top + BLOCK - 4, left + 4 : left + BLOCK - 4].mean() > (DARK + BRIGHT) / 2) << bit
    return number
