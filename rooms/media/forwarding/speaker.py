"""Who speaks, from the audio levels that browsers put into their packets (RFC 6464), smoothed. Pure; times are passed in.

A voice is told from noise by being louder than its own quiet: speech rises and falls, a fan does not. One is taken for the speaker who
was active for most of the last third of a second, which a cough, a door or a key is not. Who pauses for breath stays the speaker; two
at once change nothing unless one is clearly louder, or the speaker falls silent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

#: Levels count downwards: 0 is overload, 127 silence, in -dBov.
SILENCE = 127
#: Nothing more quiet than this, in dBov, is a voice: a low voice at arm's length of a laptop is some 10 dB louder.
FAINTEST = -67.0
#: A voice is so much louder than its own quiet, dB; that is taken to rise by so much a second, so that steady noise becomes quiet.
ABOVE_QUIET, QUIET_RISES = 10.0, 4.0
#: Time constants of activity and of loudness, seconds.
ACTIVITY_S, LOUDNESS_S = 0.3, 1.0
#: Longest time that one packet stands for.
PACKET_MOST_S = 0.1
#: Activity (0 to 1) that makes a speaker, and below which a speaker has fallen silent.
SPEAKS, SILENT = 0.6, 0.15
#: So much louder than the speaker, dB, somebody who speaks at the same time takes over.
CLEARLY_LOUDER = 6.0
#: Nobody speaks once the speaker has been silent so long.
NOBODY_S = 2.0


class Voice:
    """One microphone. `active_at`: when it was last louder than its own quiet."""

    def __init__(self) -> None:
        self.active_at = float("-inf")
        self._at = float("-inf")
        self._activity = 0.0
        self._loudness = float(-SILENCE)
        self._quiet = FAINTEST - ABOVE_QUIET

    def heard(self, level: int, now: float) -> None:
        """A packet came whose sound has `level` (0 to 127 -dBov)."""
        loudness = -float(level)
        passed = min(PACKET_MOST_S, max(0.0, now - self._at))
        active = loudness >= max(FAINTEST, self._quiet + ABOVE_QUIET)
        self._activity = self.activity(now)
        self._at = now
        if active:
            self.active_at = now
            self._activity -= math.expm1(-passed / ACTIVITY_S)
            self._loudness += (loudness - self._loudness) * -math.expm1(-passed / LOUDNESS_S)
        if level < SILENCE:  # digital silence is a source that is switched off, and says nothing of the room
            self._quiet = min(max(loudness, FAINTEST - ABOVE_QUIET), self._quiet + QUIET_RISES * passed)

    def activity(self, now: float) -> float:
        """The share of the last third of a second in which it was active, 0 to 1. Where nothing comes (DTX) there is silence."""
        return self._activity * math.exp(-max(0.0, now - self._at) / ACTIVITY_S) if self._activity else 0.0

    @property
    def loudness(self) -> float:
        """Mean of the last second in which it was active, dBov."""
        return self._loudness


class Speaking:
    """`speaker`: the endpoint that speaks; "": nobody does."""

    def __init__(self) -> None:
        self.speaker = ""

    def changed(self, voices: Mapping[str, Voice], now: float) -> bool:
        """Several times a second: think over who of these (endpoint → microphone that may be heard) speaks; True if it is another."""
        former, self.speaker = self.speaker, self._choose(voices, now)
        return self.speaker != former

    def _choose(self, voices: Mapping[str, Voice], now: float) -> str:
        speaking = [endpoint for endpoint, voice in voices.items() if voice.activity(now) >= SPEAKS]
        loudest = max(speaking, key=lambda endpoint: voices[endpoint].loudness, default="")
        present = voices.get(self.speaker)
        if present is None:
            return loudest
        if present.activity(now) < SILENT:
            return loudest or ("" if now - present.active_at > NOBODY_S else self.speaker)
        if loudest and voices[loudest].loudness >= present.loudness + CLEARLY_LOUDER:
            return loudest
        return self.speaker
