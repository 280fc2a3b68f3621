"""What processes use: CPU time and memory as the kernel counts them; and under which load of the machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """CPU time of all living threads of a process so far, to the nanosecond (``schedstat``; ticks of ``stat`` are too coarse)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue
    return total / 1e9


def rss_mb(pid: int) -> float:
    """Resident memory of a process, MB of 2**20 bytes. Pages shared between processes count in each."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def machine() -> str:
    """The machine, for the conditions of a figure: cores, and how busy they are (load average of the last minute)."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def keep_apart(pids: Iterable[int], *, a_core_each: bool = False) -> bool:
    """Give these processes the last core and this one the others; False where there is only one core. With `a_core_each` the last
    cores, where there are enough of them.

    Left alone, the kernel often runs whoever a packet wakes on the core that sent it: the engine is then interrupted by the load
    generator at nearly every packet (seen: 7 times for 20), which no engine meets whose viewers sit elsewhere.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return False
    pids = list(pids)
    last = len(pids) if a_core_each and len(cores) > len(pids) else 1
    for number, pid in enumerate(pids):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(task.name), {cores[-1 - number % last]})
    os.sched_setaffinity(0, cores[:-last])
    return True
