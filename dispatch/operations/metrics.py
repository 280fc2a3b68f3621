"""What an operator wants to be warned of, for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import REGISTRY, Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

CERTIFICATE_EXPIRES = Gauge(
    "dispatch_certificate_expires_timestamp_seconds", "When the certificate of this server expires, Unix time; 0: it serves no https"
)
LAST_BACKUP = Gauge("dispatch_last_backup_timestamp_seconds", "When the last complete backup was made, Unix time; 0: there is none")
DISK_FREE = Gauge("dispatch_disk_free_bytes", "Bytes free for the server where this is kept", ["kept"])

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class PartsCpu(Collector):
    """Processor time of each part that a supervisor runs on this machine, by the process ids that it leaves in `run`. Of parts that
    systemd runs there are none: it counts them itself."""

    def __init__(self) -> None:
        self.run: Path | None = None

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Read when it is asked for; a part that is just being replaced is left out."""
        family = CounterMetricFamily("dispatch_part_cpu_seconds", "Processor time of this part's process", labels=["part"])
        for file in sorted(self.run.glob("*.pid")) if self.run is not None else ():
            seconds = _cpu_seconds(file)
            if seconds is not None:
                family.add_metric([file.stem], seconds)
        yield family


def _cpu_seconds(file: Path) -> float | None:
    """User and system time (proc(5), fields 14 and 15 of stat) of the process named in `file`; None if it is none of ours any more."""
    try:
        process = Path("/proc") / str(int(file.read_text()))
        command, stat = (process / "cmdline").read_bytes(), (process / "stat").read_text()
    except (OSError, ValueError):
        return None
    if b"server.py" not in command and b"rooms." not in command and b"janus" not in command:
        return None
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


PARTS_CPU = PartsCpu()
REGISTRY.register(PARTS_CPU)
