"""How much each engine process has forwarded, as counters that only grow: what Prometheus makes rates of. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, str, str, str]
"""Router, endpoint, track and figure."""
IN, OUT, LOST = "bytes_in", "bytes_out", "lost"


@dataclass(slots=True)
class Traffic:
    """`cpu_s`, `packets_in` and `packets_out` are the process's own since it began, so that they begin anew with it. `bytes_in` and
    `bytes_out` (media, without headers of IP, UDP and SRTP) and `lost` (packets that no repair brought back on the way up) are added
    up from its tracks while they live."""

    cpu_s: float = 0.0
    packets_in: int = 0
    packets_out: int = 0
    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys((IN, OUT, LOST), 0))
    _before: dict[Key, int] = field(default_factory=dict)
    _instance: str = ""

    def reported(self, report: Mapping[str, Any]) -> None:
        """Take a report of the process."""
        worker = report.get("worker", {})
        self.cpu_s = float(worker.get("cpu_s", 0.0))
        self.packets_in, self.packets_out = int(worker.get("received", 0)), int(worker.get("sent", 0))
        if report.get("instance") != self._instance:
            self._instance = str(report.get("instance"))
            self._before = {}
        now = dict(_counters(report.get("routers", {})))
        for key, value in now.items():
            self.sums[key[3]] += max(0, value - self._before.get(key, value))
        self._before = now


def _counters(routers: Mapping[str, Any]) -> Iterator[tuple[Key, int]]:
    for router, state in routers.items():
        for endpoint, sides in state.get("endpoints", {}).items():
            for source, producer in ((sides.get("publish") or {}).get("producers") or {}).items():
                yield (router, endpoint, source, IN), int(producer.get("bytes") or 0)
                yield (router, endpoint, source, LOST), int(producer.get("lost") or 0)
            for track, consumer in ((sides.get("subscribe") or {}).get("consumers") or {}).items():
                yield (router, endpoint, track, OUT), int(consumer.get("bytes") or 0)
