"""What is known of each engine process, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import REGISTRY, Counter, Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from rooms.media.load import Load
from rooms.media.traffic import IN, LOST, OUT, Traffic

UP = Gauge("rooms_engine_worker_up", "1 while this media worker is connected", ["worker"])
DRAINING = Gauge("rooms_engine_worker_draining", "1 while this media worker takes no new conferences", ["worker"])
CONFERENCES = Gauge("rooms_engine_worker_conferences", "Conferences placed on this media worker", ["worker"])
TRANSPORTS = Gauge("rooms_engine_worker_transports", "Connections of browsers with this media worker", ["worker"])
CPU = Gauge("rooms_engine_worker_cpu_ratio", "Share of a processor core that this media worker uses", ["worker"])
PACKETS = Gauge("rooms_engine_worker_packets_per_second", "Packets that this media worker receives and sends", ["worker"])
DOWNLINKS = Gauge(
    "rooms_engine_worker_downlinks",
    "Viewers of this media worker by what their path carries of the pictures they watch",
    ["worker", "state"],
)
REPAIRS = Gauge("rooms_engine_worker_repairs", "Packets sent again to viewers since this media worker began", ["worker"])
UNREPAIRED = Gauge(
    "rooms_engine_worker_unrepaired",
    "Packets that viewers asked for in vain since this media worker began: more than paths take",
    ["worker"],
)
PADDING = Gauge("rooms_engine_worker_padding", "Packets sent since this media worker began to find out what paths carry", ["worker"])
MOVED = Counter("rooms_engine_conferences_moved_total", "Conferences that were moved from this media worker", ["worker"])


class Totals(Collector):
    """Counters of the media workers, read when they are asked for."""

    def __init__(self) -> None:
        self.traffic: dict[str, Traffic] = {}

    def collect(self) -> Iterator[CounterMetricFamily]:
        """One family each of processor time, packets, bytes and losses, by worker."""
        cpu = CounterMetricFamily("rooms_engine_worker_cpu_seconds", "Processor time of this media worker", labels=["worker"])
        packets = CounterMetricFamily(
            "rooms_engine_worker_packets", "Datagrams that this media worker received and sent", labels=["worker", "direction"]
        )
        octets = CounterMetricFamily(
            "rooms_engine_worker_media_bytes", "Bytes of media that came to this worker and that it sent", labels=["worker", "direction"]
        )
        lost = CounterMetricFamily(
            "rooms_engine_worker_lost_packets", "Packets of publishers that no repair brought back", labels=["worker"]
        )
        for worker, traffic in self.traffic.items():
            cpu.add_metric([worker], traffic.cpu_s)
            packets.add_metric([worker, "in"], traffic.packets_in)
            packets.add_metric([worker, "out"], traffic.packets_out)
            octets.add_metric([worker, "in"], traffic.sums[IN])
            octets.add_metric([worker, "out"], traffic.sums[OUT])
            lost.add_metric([worker], traffic.sums[LOST])
        yield from (cpu, packets, octets, lost)


TOTALS = Totals()
REGISTRY.register(TOTALS)


def show(worker: str, load: Load, traffic: Traffic, conferences: int, report: Mapping[str, Any]) -> None:
    """Show what a worker reported; `report` is the part ``worker`` of it; Janus's has no counts of repairs."""
    TOTALS.traffic[worker] = traffic
    for state, count in report.get("downlinks", {}).items():
        DOWNLINKS.labels(worker, state).set(count)
    for gauge, name in ((REPAIRS, "repairs"), (UNREPAIRED, "unrepaired"), (PADDING, "padding")):
        if name in report:
            gauge.labels(worker).set(report[name])
    CONFERENCES.labels(worker).set(conferences)
    TRANSPORTS.labels(worker).set(load.transports)
    CPU.labels(worker).set(load.cpu)
    PACKETS.labels(worker).set(load.packets_per_s)
