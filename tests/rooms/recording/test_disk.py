"""The disk thread: in order, bounded, and never in the loop's way."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rooms.recording.disk import BACKLOG_BYTES, DiskThread


async def test_jobs_run_in_order_and_answer() -> None:
    disk = DiskThread("disk")
    done: list[int] = []
    for number in range(3):
        disk.offer(lambda number=number: done.append(number), 1)  # type: ignore[misc]
    assert await disk.call(lambda: list(done)) == [0, 1, 2]
    with pytest.raises(OSError, match="full"):
        await disk.call(fail)
    await disk.close()


def fail() -> None:
    raise OSError("full")


async def test_a_disk_that_hangs_delays_nobody_and_takes_only_so_much() -> None:
    disk = DiskThread("disk")
    goes_on = threading.Event()
    disk.offer(goes_on.wait, 0)  # type: ignore[arg-type]
    assert disk.offer(lambda: None, BACKLOG_BYTES)
    assert not disk.offer(lambda: None, 1)
    await asyncio.sleep(0)  # the loop is free
    goes_on.set()
    await disk.call(lambda: None)
    assert disk.backlog_bytes == 0
    assert disk.offer(lambda: None, 1)
    await disk.close()


async def test_a_job_that_fails_unasked_is_reported_and_the_next_one_runs() -> None:
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(str(context["exception"])))
    disk = DiskThread("disk")
    disk.offer(fail, 0)
    assert await disk.call(lambda: 7) == 7
    await disk.close()
    assert told == ["full"]
