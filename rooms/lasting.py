"""What lasts as long as the process, or as its sittings, and that the garbage collector need not look through again and again."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable

BY_ITSELF = (700, 10, 1_000_000)
"""How often the collector looks through young objects by itself, as it does anyway, and through all of them: never."""
ROUND_EVERY_S = 600.0
WHOLE_AFTER_S = 24 * 3600.0
"""So long a process that is never quiet leaves cycles alone that became garbage after a round had put them aside."""
LOOK_EVERY_S = 5.0


def keep_what_is_loaded() -> None:
    """Take all objects that there are now out of the collector's sight; call it when a process is up, before its first work.

    Modules, templates and translations are some hundred thousand objects. A full collection that walks through them holds up the
    process by 40 to 90 ms (measured beside a conference of 62), during which no stage changes and no hand is seen.
    """
    gc.collect()
    gc.freeze()


class Rounds:
    """The full collections of a process with many conferences, which the collector would begin in the middle of them.

    Of a hundred sittings of eight there are millions of objects, and a full collection held everybody up by half a second, every five
    seconds (measured at 50 changes a second: 450 to 680 ms). So one is made every ten minutes, and what it leaves is put aside: the next
    looks only at what is new. What was put aside and became garbage later is found when nobody is there who could be held up.
    """

    def __init__(self, now_s: float) -> None:
        gc.set_threshold(*BY_ITSELF)
        self._last_s = self._whole_s = now_s

    def look(self, now_s: float, *, quiet: bool) -> str:
        """Make the round that is due: "whole", "new" (what came since the last one), or none (""). `now_s`: any clock that only goes
        forward; `quiet`: nobody is connected."""
        if now_s - self._last_s < ROUND_EVERY_S:
            return ""
        whole = quiet or now_s - self._whole_s >= WHOLE_AFTER_S
        if whole:
            gc.unfreeze()
            self._whole_s = now_s
        self._last_s = now_s
        keep_what_is_loaded()
        return "whole" if whole else "new"


async def go_round(quiet: Callable[[], bool]) -> None:
    """Make the rounds until cancelled. `quiet`: whether nobody is connected now."""
    rounds = Rounds(time.monotonic())
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        rounds.look(time.monotonic(), quiet=quiet())
