"""Known pictures and sounds for Chromium's fake camera and microphone, one pair for each participant.

Both last :data:`PERIOD_S` and are repeated by Chromium for ever. The picture is a plain colour, the participant's own,
with a moving bar, and turns white for :data:`MARK_S` once a period; the sound is silent but for a beep of
:data:`MARK_S` in the participant's own pitch. Camera and microphone do not start at the same instant, so a test measures
flash and beep in the sender's page too and compares.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PERIOD_S = 2.0
MARK_S = 0.15
MARK_AT_S = 1.0
FRAMES_PER_S = 10
SIZE = (320, 180)
"""Small and few: every picture is encoded once and decoded and drawn by everybody else, all on the few cores of one machine."""
GRAINED_FRAMES_PER_S = 20
GRAIN = 30
SAMPLES_PER_S = 48_000

COLOURS = ((196, 60, 50), (40, 120, 200), (50, 150, 70), (190, 140, 30), (130, 70, 170), (30, 150, 150))
"""RGB of each participant's picture; their hues are 40 degrees and more apart."""
PITCHES_HZ = (1000, 1400, 1900, 2500, 3100, 700)


@dataclass(frozen=True, slots=True)
class Material:
    """Files for ``--use-file-for-fake-video-capture`` and ``--use-file-for-fake-audio-capture``, and what is in them."""

    picture: Path
    sound: Path
    colour: tuple[int, int, int]
    pitch_hz: int


def make(folder: Path, number: int, size: tuple[int, int] = SIZE) -> Material:
    """Material of the participant `number` (from 0) with a picture of this width and height, made once for a folder. A larger one than
    :data:`SIZE` is no plain colour: its surface has a grain that moves, and takes as many packets as a face before bookshelves; it has
    :data:`GRAINED_FRAMES_PER_S`."""
    colour, pitch = COLOURS[number % len(COLOURS)], PITCHES_HZ[number % len(PITCHES_HZ)]
    name = f"{number}" if size == SIZE else f"{number}-{size[1]}"
    material = Material(folder / f"{name}.y4m", folder / f"{name}.wav", colour, pitch)
    if not material.sound.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write_picture(material.picture, colour, size)
        _write_sound(material.sound, pitch)
    return material


def _write_picture(path: Path, colour: tuple[int, int, int], size: tuple[int, int]) -> None:
    frames_per_s = FRAMES_PER_S if size == SIZE else GRAINED_FRAMES_PER_S
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{size[0]} H{size[1]} F{frames_per_s}:1 Ip A1:1 C420jpeg\n".encode())
        frames = round(PERIOD_S * frames_per_s)
        for index in range(frames):
            white = MARK_AT_S <= index / frames_per_s < MARK_AT_S + MARK_S
            file.write(b"FRAME\n" + _frame((255, 255, 255) if white else colour, index / frames, size))


def _frame(colour: tuple[int, int, int], progress: float, size: tuple[int, int]) -> bytes:
    """One 4:2:0 picture (full-range BT.601): the colour, and a darker bar in the lowest sixth at `progress` of the width."""
    red, green, blue = colour
    width, height = size
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    y = np.full((height, width), round(luma), np.uint8)
    if size != SIZE:
        grain = np.random.default_rng(1).integers(-GRAIN, GRAIN, (height // 8 + 1, width // 8 + 1)).repeat(8, 0).repeat(8, 1)
        y = np.clip(y + np.roll(grain[:height, :width], round(progress * width), 1), 0, 255).astype(np.uint8)
    left = int(progress * (width - 80))
    y[height * 5 // 6 :, left : left + 80] = round(luma / 2)
    u = np.full((height // 2, width // 2), round(128 + 0.564 * (blue - luma)), np.uint8)
    v = np.full((height // 2, width // 2), round(128 + 0.713 * (red - luma)), np.uint8)
    return y.tobytes() + u.tobytes() + v.tobytes()


def _write_sound(path: Path, pitch_hz: int) -> None:
    at = np.arange(round(PERIOD_S * SAMPLES_PER_S)) / SAMPLES_PER_S
    beep = (at >= MARK_AT_S) & (at < MARK_AT_S + MARK_S)
    samples = np.where(beep, 0.5 * np.sin(2 * np.pi * pitch_hz * at), 0.0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLES_PER_S)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
