"""Whether a recording may be called one. Pure; times are passed in.

"Recording" is said while the recorder's heartbeat on disk is younger than :data:`BEAT_LIMIT_US` and what it counts of each
track follows what the router fed to it. A silent room is a recording too: where nothing arrives, nothing has to follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from rooms.media.engine import Source

BEAT_LIMIT_US = 3_000_000
FOLLOW_LIMIT_US = 3_000_000
"""The recorder may be two seconds behind the router, and its counters are a second old."""
START_LIMIT_US = 4_000_000

Track = tuple[str, Source]
Verdict = Literal["off", "starting", "recording", "failed"]


@dataclass(slots=True)
class _Counters:
    router: int = 0
    recorder: int = -1
    behind_since_us: int | None = None


class Vigil:
    """Watches one recording. `begin` when it is due, `end` when it is not any more."""

    def __init__(self) -> None:
        self._due_since_us: int | None = None
        self._beat_us: int | None = None
        self._tracks: dict[Track, _Counters] = {}
        self._alarm = ""

    def begin(self, now_us: int) -> None:
        """Recording is due from now on. Idempotent."""
        if self._due_since_us is None:
            self._due_since_us, self._beat_us = now_us, None
            self._tracks = {}

    def end(self) -> None:
        """Nothing is due."""
        self._due_since_us, self._beat_us, self._alarm = None, None, ""
        self._tracks = {}

    def beat(self, at_us: int, tracks: Iterable[tuple[Track, int]]) -> None:
        """A heartbeat reached the disk at `at_us`; `tracks` with the packets the recorder has taken."""
        self._beat_us = at_us
        for track, packets in tracks:
            counters = self._tracks.setdefault(track, _Counters())
            if packets != counters.recorder:
                counters.recorder, counters.behind_since_us = packets, None

    def router(self, now_us: int, fed: Mapping[Track, int]) -> None:
        """Packets that the router has fed to the recorder, by track."""
        for gone in self._tracks.keys() - fed.keys():
            del self._tracks[gone]
        for track, packets in fed.items():
            counters = self._tracks.setdefault(track, _Counters())
            if packets > counters.router and counters.behind_since_us is None:
                counters.behind_since_us = now_us
            counters.router = packets

    def alarm(self, cause: str) -> None:
        """The recorder says that it cannot write; "" when that is over."""
        self._alarm = cause

    def verdict(self, now_us: int) -> tuple[Verdict, str]:
        """What may be said of the recording now, and the cause where it failed."""
        if self._due_since_us is None:
            return "off", ""
        if self._alarm:
            return "failed", self._alarm
        if self._beat_us is None:
            return ("starting", "") if now_us - self._due_since_us < START_LIMIT_US else ("failed", "no_heartbeat")
        if now_us - self._beat_us > BEAT_LIMIT_US:
            return "failed", "no_heartbeat"
        behind = (c.behind_since_us for c in self._tracks.values() if c.behind_since_us is not None)
        if any(now_us - since > FOLLOW_LIMIT_US for since in behind):
            return "failed", "not_following"
        return "recording", ""
