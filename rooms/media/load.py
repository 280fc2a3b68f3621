"""How busy a worker is, from its reports: what the placement of conferences goes by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Packets, in and out, that one core forwards in a second; docs/measurements.md has the figure.
CORE_PACKETS_PER_S = 64_000
#: What a conference is expected to cost that has only just been placed, or waits for its people: a share of a core.
ROUTER_SHARE = 0.02
#: What a connection is expected to cost that sends nothing just now.
TRANSPORT_SHARE = 0.002


@dataclass(slots=True)
class Load:
    """`cpu` (share of a core, 0 to 1 and a little more) and `packets_per_s` are those between the two newest reports."""

    cpu: float = 0.0
    packets_per_s: float = 0.0
    transports: int = 0
    _at_s: float = 0.0
    _cpu_s: float = 0.0
    _packets: int = 0

    def reported(self, worker: Mapping[str, Any], now_s: float) -> None:
        """Take the part ``worker`` of an engine's report, made at `now_s` of a monotonic clock."""
        cpu_s, packets = float(worker.get("cpu_s", 0.0)), int(worker.get("received", 0)) + int(worker.get("sent", 0))
        passed_s = now_s - self._at_s
        if self._at_s and passed_s > 0:
            self.cpu = max(0.0, cpu_s - self._cpu_s) / passed_s
            self.packets_per_s = max(0, packets - self._packets) / passed_s
        self.transports = int(worker.get("transports", 0))
        self._at_s, self._cpu_s, self._packets = now_s, cpu_s, packets

    def with_routers(self, count: int) -> float:
        """How busy the worker is with `count` conferences: 1 is a whole core."""
        return max(self.cpu, self.packets_per_s / CORE_PACKETS_PER_S) + count * ROUTER_SHARE + self.transports * TRANSPORT_SHARE

    def figures(self) -> dict[str, float]:
        """For reports."""
        return {"cpu": round(self.cpu, 3), "packets_per_s": round(self.packets_per_s, 1)}
