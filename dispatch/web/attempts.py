"""Counts tries from one address, so that a code cannot be guessed by trying."""

from __future__ import annotations

from collections import OrderedDict, deque

from aiohttp import web


class Attempts:
    """At most `limit` tries in `seconds` from one address; remembers the last thousand addresses. Pure: the time is passed in."""

    REMEMBERED = 1000

    def __init__(self, *, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()

    def allowed(self, address: str, now: float) -> bool:
        """Count a try at `now` (seconds); False when there were too many. A refused try does not count."""
        tries = self._tries.setdefault(address, deque())
        self._tries.move_to_end(address)
        while tries and tries[0] <= now - self.seconds:
            tries.popleft()
        if len(self._tries) > self.REMEMBERED:
            self._tries.popitem(last=False)
        if len(tries) >= self.limit:
            return False
        tries.append(now)
        return True


FEED_ATTEMPTS = web.AppKey("feed_attempts", Attempts)
ENROL_ATTEMPTS = web.AppKey("enrol_attempts", Attempts)


def enrol_attempts() -> Attempts:
    """For the one-time codes of room devices: a code has 49 random bits; ten tries in ten minutes leave a guesser nothing."""
    return Attempts(limit=10, seconds=600)


def feed_attempts() -> Attempts:
    """For calendars: an office behind one address, each of its programs once a quarter of an hour. Addresses have 256 random bits,
    so this keeps nobody from guessing, but a program that has gone wild from the database."""
    return Attempts(limit=120, seconds=600)
