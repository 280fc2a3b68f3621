"""How fast one caller may ask: a bucket of requests that fills again steadily. Pure but for the table of the callers."""

from __future__ import annotations

import math
from collections import OrderedDict

from aiohttp import web

PER_MINUTE = 600
"""Requests a minute that one caller may keep up: a program that takes over a year's calendar needs a minute or two."""
AT_ONCE = 120
"""Requests that a caller may make one after the other without waiting, when he was silent before."""


class Pace:
    """`wait_s(caller, now)` counts a request. Remembers the last thousand callers; a forgotten one has a full bucket again."""

    REMEMBERED = 1000

    def __init__(self, per_minute: float = PER_MINUTE, at_once: int = AT_ONCE) -> None:
        self.per_minute = per_minute
        self.at_once = at_once
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, caller: str, now: float) -> int:
        """0: served. Else the whole seconds after which the next request will be; a refused request does not count."""
        left, seen = self._buckets.pop(caller, (float(self.at_once), now))
        left = min(float(self.at_once), left + (now - seen) * self.per_minute / 60)
        served = left >= 1
        self._buckets[caller] = (left - 1 if served else left, now)
        if len(self._buckets) > self.REMEMBERED:
            self._buckets.popitem(last=False)
        return 0 if served else max(1, math.ceil((1 - left) * 60 / self.per_minute))


PACE = web.AppKey("pace", Pace)
