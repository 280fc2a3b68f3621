"""How well each participant was connected in the last minutes: figures that are seen and never logged. In memory, bounded. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

STEP_US = 10_000_000
"""One sample stands for so long."""
SPAN_US = 600_000_000
"""Older samples are dropped."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One step that begins at `at_us`: the most packets lost and the longest round trip in it, and what was sent at its end. None:
    not measured."""

    at_us: int
    lost_percent: float
    rtt_ms: float | None
    sent_bps: float | None

    def and_then(self, later: Sample) -> Sample:
        """Both in one."""
        rtts = [value for value in (self.rtt_ms, later.rtt_ms) if value is not None]
        sent_bps = self.sent_bps if later.sent_bps is None else later.sent_bps
        return Sample(self.at_us, max(self.lost_percent, later.lost_percent), max(rtts, default=None), sent_bps)


class QualityHistory:
    """By participant, so that it goes on when he comes back with another device."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[Sample]] = {}

    def take(self, networks: Mapping[str, Mapping[str, float]], seated: Mapping[str, Iterable[str]], now_us: int) -> None:
        """What was measured just now. `networks`: endpoint → figures; `seated`: endpoint → those who sit there."""
        at_us = now_us // STEP_US * STEP_US
        for endpoint, people in seated.items():
            figures = networks.get(endpoint)
            if not figures:
                continue
            sample = Sample(at_us, float(figures.get("lost_percent", 0.0)), figures.get("rtt_ms"), figures.get("sent_bps"))
            for person in people:
                samples = self._samples.setdefault(person, deque(maxlen=SPAN_US // STEP_US))
                if samples and samples[-1].at_us >= at_us:
                    samples[-1] = samples[-1].and_then(sample)
                else:
                    samples.append(sample)

    def of(self, now_us: int) -> dict[str, tuple[Sample, ...]]:
        """The samples of the last :data:`SPAN_US` by participant, oldest first."""
        recent = {person: tuple(s for s in samples if s.at_us > now_us - SPAN_US) for person, samples in self._samples.items()}
        return {person: samples for person, samples in recent.items() if samples}
