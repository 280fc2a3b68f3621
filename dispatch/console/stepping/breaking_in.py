"""Breaking in: an officer who watches is seen and heard in the hearing. What it does there is :mod:`rooms.breaking_in`; here it is who
may, and the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dispatch.console.ranks import Rank, rank_of, require
from dispatch.console.stepping.noted import LONGEST_REASON, ask, noted
from dispatch.errors import ValidationFailed
from dispatch.typed import tidy
from rooms.commands import BreakIn, EndBreakIn

if TYPE_CHECKING:
    from dispatch.store.database import Database
    from dispatch.store.tables import User
    from rooms.hub import Hub


@dataclass(frozen=True, slots=True)
class Wish:
    """What an officer wants: to break in where he watches (`endpoint`), with his picture or without; `endpoint` "": to end it, his own or
    that of a lower rank."""

    reason: str
    endpoint: str = ""
    camera: bool = True

    @property
    def act(self) -> str:
        """As audit and metrics call it."""
        return "break_in" if self.endpoint else "break_in_end"


async def carry_out(db: Database, hub: Hub, sitting_id: str, wanted: Wish, by: User, now: datetime) -> None:
    """Do it. Raises Forbidden by rank, ValidationFailed("reason"), or Refused with the code of what is in the way: of
    :func:`rooms.breaking_in.break_in` and :func:`rooms.breaking_in.end`. A refusal is in the audit, and in the log."""
    reason = tidy(wanted.reason)
    if wanted.endpoint and not reason:
        raise ValidationFailed([("reason", "required", {})])
    if len(reason) > LONGEST_REASON:
        raise ValidationFailed([("reason", "too_long", {"most": LONGEST_REASON})])
    async with noted(db, hub, sitting_id, wanted.act, reason, by, now):
        require(by, Rank.LEAD)
        await ask(hub, sitting_id, _command(wanted, reason, by), by)


def _command(wanted: Wish, reason: str, by: User) -> BreakIn | EndBreakIn:
    rank = rank_of(by) or Rank.WATCH
    return BreakIn(wanted.endpoint, by.rank, int(rank), reason, wanted.camera) if wanted.endpoint else EndBreakIn(int(rank), reason)
