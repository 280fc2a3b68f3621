"""A list is made in a process of its own: ``python -m dispatch.booking.listing.process``.

Standard input brings the docket and everybody's time in one piece, its length before it, and then nothing: its end, or a line, ends the
search, and what is found by then is the answer. So the process never outlives who started it. Standard output gives a line of JSON for
each better list, and last what is proposed, pickled, behind a line that says how long it is. It runs at low priority: hearings come first.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import struct
import sys
import threading
from dataclasses import replace
from typing import IO

from dispatch.booking.finding.occupancy import Occupancy
from dispatch.booking.listing.docket import Docket, Prepared
from dispatch.booking.listing.proposal import Progress, Proposal, Stop

NICE = 10
_LENGTH = struct.Struct("!Q")


def packed(docket: Docket, occupancy: Occupancy) -> bytes:
    """What the process is given."""
    body = pickle.dumps((docket, occupancy))
    return _LENGTH.pack(len(body)) + body


def unpacked(body: bytes) -> Proposal | str:
    """What the process gave: a proposal, or the code of what is wrong with the docket."""
    found: Proposal | str = pickle.loads(body)  # noqa: S301 - from the process that was started for it
    return found


def run(given: IO[bytes], told: IO[bytes]) -> None:
    """Read, search, answer."""
    from dispatch.booking.listing.listing import propose  # brings the solver: a second that a server need not start later for

    (length,) = _LENGTH.unpack(given.read(_LENGTH.size))
    docket, occupancy = pickle.loads(given.read(length))  # noqa: S301 - from the process that started this one
    stop = Stop()

    def watch() -> None:
        given.readline()
        stop.set()

    threading.Thread(target=watch, daemon=True).start()

    def tell(progress: Progress) -> None:
        line = {"placed": progress.placed, "cost": progress.cost, "bound": progress.bound, "seconds": round(progress.seconds, 1)}
        with contextlib.suppress(BrokenPipeError):
            told.write(json.dumps(line).encode() + b"\n")
            told.flush()

    answer: Proposal | str = "pinned_wrong"
    if _is_good(docket, occupancy):
        answer = propose(docket, occupancy, None, tell, stop)
    body = pickle.dumps(answer)
    told.write(json.dumps({"answer": len(body)}).encode() + b"\n" + body)
    told.flush()


def _is_good(docket: Docket, occupancy: Occupancy) -> bool:
    """Whether everything that is pinned can be there; what is wrong otherwise is a defect, and said as one."""
    try:
        Prepared(replace(docket, waiting=tuple(each for each in docket.waiting if each.pinned is not None)), occupancy)
    except (ValueError, KeyError):
        return False
    return True


if __name__ == "__main__":
    os.nice(NICE)
    run(sys.stdin.buffer, sys.stdout.buffer)
    os._exit(0)  # the thread that watches is still reading
