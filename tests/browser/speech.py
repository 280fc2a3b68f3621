"""Speech for a microphone, made by Debian's espeak-ng, and how much of it can be understood where it arrives."""

from __future__ import annotations

import base64
import shutil
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pystoi import stoi

from tests.browser.participants import HERE, Person

RATE = 48_000
TEXT = (
    "现在宣布开庭。今天由本院依法公开审理本案，双方当事人已经到庭。请书记员核对当事人的身份，并宣布法庭纪律。"
    "首先由原告陈述诉讼请求以及事实和理由，然后由被告答辩。请各位在发言时面向话筒，语速不要太快。"
)
PIECE_S, EDGE_S = 3.0, 0.6
"""Compared piece by piece: a jitter buffer stretches time. `EDGE_S` is how far a piece may lie from where the last one was found."""
KEPT = """async name => {
  const { rate, from_ms, pieces } = window.__heard[name];
  const read = new FileReader();
  read.readAsDataURL(new Blob(pieces));
  await new Promise((done) => read.addEventListener('load', done));
  return { rate, from_ms, samples: read.result.split(',')[1] };
}"""
QUIET = 0.005
"""Root mean square below which a piece holds no speech."""

Samples = np.ndarray[Any, np.dtype[np.float64]]


def speech_is_made_here() -> bool:
    """Whether espeak-ng is installed."""
    return shutil.which("espeak-ng") is not None


def make_speech(path: Path) -> Path:
    """:data:`TEXT` as a file for ``--use-file-for-fake-audio-capture``."""
    if not path.exists():
        raw = path.with_suffix(".raw.wav")
        subprocess.run(["espeak-ng", "-v", "cmn", "-s", "150", "-w", str(raw), TEXT], check=True, capture_output=True)
        with wave.open(str(raw), "rb") as file:
            rate, samples = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), np.int16)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(_at_our_rate(samples.astype(np.float64), rate).astype(np.int16).tobytes())
        raw.unlink()
    return path


@dataclass(frozen=True, slots=True)
class Heard:
    """Sound of a track in a browser. `from_s`: wall clock of its first sample."""

    from_s: float
    samples: Samples


async def listen(person: Person, name: str, selector: str | None) -> None:
    """Keep what is heard of the picture element at `selector`, or what is spoken, from now on (tests/browser/recorder.js)."""
    await person.page.evaluate((HERE / "recorder.js").read_text(encoding="utf-8"), {"name": name, "selector": selector})


async def heard(person: Person, name: str) -> Heard:
    """What was kept under `name`."""
    kept = await person.page.evaluate(KEPT, name)
    samples = np.frombuffer(base64.b64decode(kept["samples"]), np.float32).astype(np.float64)
    return Heard(kept["from_ms"] / 1000, _at_our_rate(samples, int(kept["rate"])))


def _at_our_rate(samples: Samples, rate: int) -> Samples:
    if rate == RATE:
        return samples
    ours: Samples = np.interp(np.arange(0, len(samples) - 1, rate / RATE), np.arange(len(samples)), samples)
    return ours


def intelligibility(spoken: Heard, arrived: Heard) -> list[float]:
    """STOI (Taal et al. 2011; 0 to 1) of each piece of the speech that lies whole within both."""
    piece, edge = round(PIECE_S * RATE), round(EDGE_S * RATE)
    lag = round((spoken.from_s - arrived.from_s) * RATE)
    first = max(0, -lag)
    scores: list[float] = []
    offset = _lag(spoken.samples[first : first + 3 * piece], arrived.samples[max(0, first + lag) : first + lag + 3 * piece + 4 * edge])
    lag += offset
    for start in range(first, len(spoken.samples) - piece, piece):
        said = spoken.samples[start : start + piece]
        low, high = start + lag - edge, start + lag + piece + edge
        if low < 0 or high > len(arrived.samples) or np.sqrt(np.mean(said**2)) < QUIET:
            continue
        lag += _lag(said, arrived.samples[low:high]) - edge
        scores.append(float(stoi(said, arrived.samples[start + lag : start + lag + piece], RATE)))
    return scores


def _lag(part: Samples, whole: Samples) -> int:
    """Where in `whole` the samples of `part` are found best."""
    size = 1 << (len(part) + len(whole)).bit_length()
    found = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size)), size)
    return int(np.argmax(found[: max(1, len(whole) - len(part) + 1)]))
