"""What is known of each engine process, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from rooms.media.load import Load

UP = Gauge("rooms_engine_worker_up", "1 while this media worker is connected", ["worker"])
DRAINING = Gauge("rooms_engine_worker_draining", "1 while this media worker takes no new conferences", ["worker"])
CONFERENCES = Gauge("rooms_engine_worker_conferences", "Conferences placed on this media worker", ["worker"])
TRANSPORTS = Gauge("rooms_engine_worker_transports", "Connections of browsers with this media worker", ["worker"])
CPU = Gauge("rooms_engine_worker_cpu_ratio", "Share of a processor core that this media worker uses", ["worker"])
PACKETS = Gauge("rooms_engine_worker_packets_per_second", "Packets that this media worker receives and sends", ["worker"])
MOVED = Counter("rooms_engine_conferences_moved_total", "Conferences that were moved from this media worker", ["worker"])


def show(worker: str, load: Load, conferences: int) -> None:
    """Show what a worker reported."""
    CONFERENCES.labels(worker).set(conferences)
    TRANSPORTS.labels(worker).set(load.transports)
    CPU.labels(worker).set(load.cpu)
    PACKETS.labels(worker).set(load.packets_per_s)
