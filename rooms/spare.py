"""A spare: a process that has loaded all it needs and waits, so that it can take a killed one's place in a moment.

Loading a part of the house takes half a second to two, many times that on a busy machine; what follows takes a tenth.
Whoever started the spare holds the other end of its standard input and writes a line when it is needed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rooms.lasting import keep_what_is_loaded

NAME = "spare"
"""What the process is called while it waits, as ps(1) shows it."""
_COMM = Path("/proc/self/comm")


def wait_until_needed() -> None:
    """Return when a line comes; raises SystemExit (0) when whoever started us is gone instead.

    Call it before anything is opened that two processes must not hold. Blocks the thread.
    """
    keep_what_is_loaded()
    usual = _COMM.read_text()
    _COMM.write_text(NAME)
    if not sys.stdin.buffer.readline():
        raise SystemExit(0)
    _COMM.write_text(usual)
