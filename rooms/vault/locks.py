"""Who uses a recording, among all processes of the machine: locks (flock(2)) that end with the process that holds them."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rooms.vault.durable import give, make_folder

STEP_S = 0.05


class InUse(Exception):
    """Somebody else has it, and did not let go in time."""


@contextmanager
def locked(folder: Path, name: str, *, shared: bool = False, limit_s: float | None = None) -> Iterator[None]:
    """Hold the lock while inside, waiting for it as long as need be, or `limit_s` at most. Blocks: use it on a thread. Raises InUse."""
    held = acquire(folder, name, shared=shared, limit_s=limit_s)
    try:
        yield
    finally:
        os.close(held)


def acquire(folder: Path, name: str, *, shared: bool = False, limit_s: float | None = None) -> int:
    """The lock as a descriptor, to be closed. Raises InUse."""
    make_folder(folder)
    path = folder / name
    fresh = not path.exists()
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if fresh:
        give(path)
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    until = None if limit_s is None else time.monotonic() + limit_s
    try:
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                if until is not None and time.monotonic() >= until:
                    raise InUse(name) from None
                time.sleep(STEP_S)
    except BaseException:
        os.close(descriptor)
        raise
