"""What is known of one direction of one connection in a step of five seconds. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

STEP_US = 5_000_000
"""One point of a history stands for so long."""
SPAN_US = 900_000_000
"""Older points are dropped."""

Way = Literal["up", "down"]
"""Up: from a participant's device to the court; down: from the court to it."""
WAYS: tuple[Way, ...] = ("up", "down")
Pictures = Literal["", "full", "smaller", "slower", "audio"]
"""What a path carries of the pictures that are wanted: all, smaller ones, fewer frames, none; "": nobody said."""


class Score(StrEnum):
    """How good a direction is, by :func:`rooms.scores.score`."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    BAD = "bad"


ORDER = {Score.GOOD: 0, Score.FAIR: 1, Score.POOR: 2, Score.BAD: 3}


def worst(*scores: Score | None) -> Score | None:
    """The worst of those that are known; None if none is."""
    return max((each for each in scores if each is not None), key=lambda each: ORDER[each], default=None)


@dataclass(frozen=True, slots=True)
class Figures:
    """One direction. None and "": not measured, or there is nothing of the kind.

    * `carries`: whether anything gets through (False: no consent of the peer, RFC 7675, or no packets where some were sent).
    * `lost_percent`: of all packets, before repair on the way up, after it on the way down; `sound_lost_percent`: of those of sound.
    * `jitter_ms`: the highest of any stream (RFC 3550 section 6.4.1). `rtt_ms`: there and back. `bps`: media, without headers of IP.
    * `width`, `height`: of the largest picture, 0 for none; `frames_per_s`: of the largest camera picture. A screen sends few by design.
    * `freezes`, `frozen_ms`: how often and how long pictures stood still (down: W3C webrtc-stats, freezeCount; up: seconds without a
      frame of a camera that is on and wanted).
    * `limited`: why the page sends less than is asked for (W3C webrtc-stats, qualityLimitationReason), "" where it does not.
      `sound_packets`: of a microphone that is published (up); in a pause (DTX) it sends one each 400 ms.
    * `codec`: of the largest picture, or of the sound. `candidate`, `protocol`: of the page's end (RFC 8445 section 4).
    """

    carries: bool | None = None
    lost_percent: float | None = None
    sound_lost_percent: float | None = None
    jitter_ms: float | None = None
    rtt_ms: float | None = None
    bps: float | None = None
    width: int = 0
    height: int = 0
    frames_per_s: float | None = None
    freezes: int = 0
    frozen_ms: float = 0.0
    pictures: Pictures = ""
    limited: str = ""
    sound_packets: int | None = None
    codec: str = ""
    candidate: str = ""
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of the step that begins at `at_us`, and how good that is; `score` None: nothing was measured."""

    at_us: int
    figures: Figures
    score: Score | None
