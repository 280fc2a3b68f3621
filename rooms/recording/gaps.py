"""What is missing in each track, and from when to when. No I/O.

Something goes wrong (`miss`), the track goes on (`resume`), and what lies between is a gap if it is longer than 100 ms.
A track that is muted sends nothing; that is no gap, so nothing is missing before something was seen to go wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

GAP_US = 100_000
SILENT_US = 2_000_000
"""A track whose last frame is older than this when something goes wrong was silent: nothing was lost before."""
RESUME_US = 30_000_000
"""A track that resumes later than this after a restart was silent: nothing of it was lost. Where the engine went with the
recorder, browsers build new connections first: 10 s on a machine that is not busy."""
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Gap:
    """A loss: wall-clock µs."""

    endpoint: str
    source: str
    from_us: int
    to_us: int
    cause: str

    def to_json(self) -> dict[str, str | int]:
        """As in the notice and in the ledger."""
        return {"endpoint": self.endpoint, "source": self.source, "from_us": self.from_us, "to_us": self.to_us, "cause": self.cause}


@dataclass(slots=True)
class _Missing:
    cause: str
    from_us: int
    only_until_us: int | None = None


class Gaps:
    """One sitting's tracks, named by endpoint and source."""

    def __init__(self) -> None:
        self._ends: dict[Key, int] = {}
        self._missing: dict[Key, _Missing] = {}

    def __bool__(self) -> bool:
        """Whether anything is missing just now."""
        return bool(self._missing)

    def ends(self, key: Key, end_us: int) -> None:
        """What is on the disk of `key` ends at `end_us`."""
        self._ends[key] = max(end_us, self._ends.get(key, 0))

    def cut(self, key: Key, end_us: int, cause: str, well_us: int = 0) -> None:
        """What is on the disk of `key` ends at `end_us`, earlier than it should; up to `well_us` all was well, so that a track
        that ends long before was silent."""
        self._ends[key] = end_us
        self._missing.setdefault(key, _Missing(cause, well_us if well_us - end_us >= SILENT_US else end_us))

    def miss(self, key: Key, cause: str, at_us: int, end_us: int | None = None) -> None:
        """Something of `key` is missing at `at_us`; `end_us` is the end of what is being written, if anything is."""
        if key in self._missing:
            return
        if end_us is None:
            end_us = self._ends.get(key, at_us)
        goes_on = cause == "packet_loss" or at_us - end_us < SILENT_US
        self._missing[key] = _Missing(cause, end_us if goes_on else at_us)

    def restarted(self, at_us: int) -> None:
        """The recorder is back: what does not resume soon was silent when it went."""
        for missing in self._missing.values():
            missing.only_until_us = at_us + RESUME_US

    def resume(self, key: Key, at_us: int) -> Gap | None:
        """`key` goes on at `at_us`: the gap before it, if there is one."""
        missing = self._missing.pop(key, None)
        if missing is None or (missing.only_until_us is not None and at_us > missing.only_until_us):
            return None
        if at_us - missing.from_us <= GAP_US:
            return None
        return Gap(key[0], key[1], missing.from_us, at_us, missing.cause)

    def stop(self, at_us: int) -> list[Gap]:
        """Recording ends at `at_us`: the gaps that are still open. Nothing is missing afterwards."""
        open_now = [key for key, missing in self._missing.items() if missing.only_until_us is None]
        gaps = [gap for key in open_now if (gap := self.resume(key, at_us)) is not None]
        self.clear()
        return gaps

    def clear(self) -> None:
        """Nothing is missing: a new recording begins. What was on the disk before a recess is no beginning of a gap."""
        self._missing.clear()
        self._ends.clear()
