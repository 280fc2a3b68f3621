"""Finds the known sound again in what was recorded."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from tests.browser.material import MARK_S

RATE = 48_000
WINDOW_S = 0.005


def beeps(path: Path, pitch_hz: int) -> list[float]:
    """Seconds on the file's own time axis at which beeps of this pitch begin."""
    starts: list[float] = []
    quiet_until = -1.0
    window = round(WINDOW_S * RATE)
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        for frame in container.decode(audio=0):
            at = float(frame.pts * frame.time_base) if frame.pts is not None and frame.time_base is not None else 0.0
            for piece in resampler.resample(frame):
                samples = piece.to_ndarray().ravel()
                for index in range(0, len(samples) - window + 1, window):
                    when = at + index / RATE
                    if _is_pitch(samples[index : index + window], pitch_hz) and when > quiet_until:
                        starts.append(when)
                    if starts and when - starts[-1] < MARK_S * 2:
                        quiet_until = starts[-1] + MARK_S * 3
    return starts


def _is_pitch(samples: np.ndarray, pitch_hz: int) -> bool:
    """Whether most of what is heard in these samples is this pitch, and loud (Goertzel's amplitude)."""
    turns = np.exp(-2j * np.pi * pitch_hz * np.arange(len(samples)) / RATE)
    amplitude = 2 * abs(np.dot(samples, turns)) / len(samples)
    return bool(amplitude > 0.1)
