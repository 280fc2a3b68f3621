"""How long it takes until the server has the alarm: a disk that is full, hangs, becomes read-only or goes away under the recorder, and a
recorder that is killed. A real process and, mounted for it, a real file system (ext4); that needs root."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from tests.rooms.recording.conftest import Site, now_us
from tests.rooms.recording.failing_disk import FAULTS, Disk
from tests.rooms.recording.streams import Sender
from tests.rooms.recording.test_faults import feed_until, record

ROUNDS = 3
KILLED = "killed"


def measured() -> dict[str, list[float]]:
    """Seconds of each round, by fault. Raises OSError where no file system can be mounted."""
    return {fault: [asyncio.run(_once(fault)) for _ in range(ROUNDS)] for fault in (*FAULTS, KILLED)}


async def _once(fault: str) -> float:
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        folder = Path(directory)
        disk = Disk(folder / "image", folder / "recordings")
        site = Site(folder, folder / "recordings")
        try:
            await site.start()
            await record(site)
            camera, microphone = Sender(1, "alice", "camera", now_us()), Sender(2, "alice", "microphone", now_us())
            for _ in range(2):
                await feed_until(site, "heartbeat", camera, microphone)
            begin = time.monotonic()
            if fault == KILLED:
                lost = site.count("lost")
                await site.kill()
                await site.until(lambda: site.count("lost") > lost)
            else:
                break_it, mend_it, _cause = FAULTS[fault]
                break_it(disk)
                begin = time.monotonic()
                await feed_until(site, "alarm", camera, microphone)
            took = time.monotonic() - begin
            if fault != KILLED:
                mend_it(disk)
            return took
        finally:
            await site.close()
            disk.close()
