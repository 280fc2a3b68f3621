"""One line on a terminal that says how far a long command is; in a log, a line each tenth."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from dispatch.operations.backup import Step

EVERY_S = 0.2


class ProgressLine:
    """Call it with each step, and :meth:`end` it."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._terminal = out.isatty()
        self._shown_at = 0.0
        self._tenth = 0

    def __call__(self, step: Step) -> None:
        fraction = step.done / step.total if step.total else 0.0
        if self._terminal:
            now = time.monotonic()
            if now - self._shown_at >= EVERY_S:
                self._shown_at = now
                self._out.write(f"\r\x1b[K{self._text(step, fraction)} {step.file[-60:]}")
                self._out.flush()
        elif int(fraction * 10) > self._tenth:
            self._tenth = int(fraction * 10)
            self._out.write(f"{self._text(step, fraction)}\n")
            self._out.flush()

    @staticmethod
    def _text(step: Step, fraction: float) -> str:
        return f"{fraction:4.0%} of {step.total / 1e6:.1f} MB"

    def end(self) -> None:
        """Leave the line free for what comes next."""
        if self._terminal:
            self._out.write("\r\x1b[K")
            self._out.flush()
