"""Whether the machine's clock was set while it was watched: evidence is only as good as the time on it."""

from __future__ import annotations

import time
from collections.abc import Callable


class Stepping:
    """Notices that the wall clock was set while it was watched: it then moved otherwise than the monotonic one."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._at_first = self._difference()

    def stepped_s(self) -> float:
        """By how many seconds it was set since; a few milliseconds are a time service at work."""
        return self._difference() - self._at_first

    def _difference(self) -> float:
        """Wall clock less monotonic one. On a busy machine much may pass between two readings: the tightest of several counts."""
        readings = []
        for _ in range(8):
            before, wall, after = self._monotonic(), self._wall(), self._monotonic()
            readings.append((after - before, wall - (before + after) / 2))
        return min(readings)[1]
