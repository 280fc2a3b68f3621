"""What somebody in a sitting asked for and did not get, for the log. Pure: the time is passed in.

Illegal commands change nothing and are logged as refused, but a page that asks without end must not fill the log.
"""

from __future__ import annotations

from rooms.commands import Actor, BreakIn, Command, EndBreakIn, EndTalk, Observe, StepIn, Talk
from rooms.state import State

EACH_S = 1.0
"""At most one refusal of each device goes into the log in so many seconds."""
UNLOGGED = frozenset({"log_unwritable"})
"""Where the log cannot be written, it cannot say so."""


class Refusals:
    """Those of one conference."""

    def __init__(self) -> None:
        self._noted_s: dict[str, float] = {}

    def note(self, state: State | None, actor: Actor, command: Command | None, code: str, now_s: float) -> Observe | None:
        """What goes into the log of this refusal; None for whoever has no place in the sitting, and too soon after the last. What an
        officer of the command centre was refused is always there."""
        if state is not None and isinstance(command, StepIn | BreakIn | EndBreakIn | Talk | EndTalk) and code not in UNLOGGED:
            by = {"user": actor.user, "name": actor.name}
            return Observe("refused", {"command": f"centre_{command.act}", "code": code, "by": by})
        endpoint = state.endpoints.get(actor.endpoint) if state is not None else None
        if state is None or endpoint is None or not endpoint.participants or code in UNLOGGED:
            return None
        if now_s - self._noted_s.get(endpoint.id, -EACH_S) < EACH_S:
            return None
        self._noted_s = {e: s for e, s in self._noted_s.items() if e in state.endpoints} | {endpoint.id: now_s}
        return Observe("refused", {"command": getattr(command, "type", ""), "code": code, "by": state.acting(endpoint)})
