"""What an endpoint is told of how much of what it shows gets through. Pure; times are passed in."""

from __future__ import annotations

from collections.abc import Iterable

from .choice import Choice

FULL, SMALLER, SLOWER, AUDIO = "full", "smaller", "slower", "audio"
STATES = (FULL, SMALLER, SLOWER, AUDIO)
#: A state that is better than the one told is told once it has lasted.
TELL_BETTER_S = 2.0


def state_of(choices: Iterable[Choice], *, limited: bool) -> str:
    """How it is. Before a limit was seen nothing is amiss: at the beginning a path is only not known yet."""
    seen = [choice for choice in choices if choice.ideal >= 0]
    if all(choice.level == choice.ideal and not choice.slower for choice in seen) or not limited:
        return FULL
    if all(choice.level < 0 for choice in seen):
        return AUDIO
    return SLOWER if any(choice.slower for choice in seen) else SMALLER


class Told:
    """`state`: how much of what the endpoint shows gets through: "full", "smaller", "slower" (fewer frames) or "audio"."""

    def __init__(self) -> None:
        self.state = FULL
        self._better_since: float | None = None

    def take(self, state: str, now: float) -> None:
        """It is so now; several times in :data:`TELL_BETTER_S`."""
        if STATES.index(state) >= STATES.index(self.state):
            self.state, self._better_since = state, None
        elif self._better_since is None:
            self._better_since = now
        elif now - self._better_since >= TELL_BETTER_S:
            self.state, self._better_since = state, None
