"""The intercom: an officer who watches talks with one, a few or all of a sitting. What it does there is :mod:`rooms.intercom`; here it is
who may, and the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dispatch.console.ranks import Rank, rank_of, require
from dispatch.console.stepping.noted import LONGEST_REASON, ask, noted
from dispatch.errors import FieldError, ValidationFailed
from dispatch.typed import tidy
from rooms.commands import EndTalk, Talk

if TYPE_CHECKING:
    from dispatch.store.database import Database
    from dispatch.store.tables import User
    from rooms.hub import Hub

MOST_PEOPLE = 64


@dataclass(frozen=True, slots=True)
class Wish:
    """What an officer wants: to talk where he watches (`endpoint`) with these participants, or (`to_all`) with everybody inside; `endpoint`
    "": to end a talk, his own or that of a lower rank."""

    reason: str
    endpoint: str = ""
    participants: tuple[str, ...] = ()
    to_all: bool = False

    @property
    def act(self) -> str:
        """As audit and metrics call it."""
        return "talk_end" if not self.endpoint else "talk_to_all" if self.to_all else "talk"


async def carry_out(db: Database, hub: Hub, sitting_id: str, wanted: Wish, by: User, now: datetime) -> None:
    """Do it. Raises Forbidden by rank, ValidationFailed("reason", "participants"), or Refused with the code of what is in the way: of
    :func:`rooms.intercom.talk` and :func:`rooms.intercom.end`. A refusal is in the audit, and in the log."""
    reason = tidy(wanted.reason)
    _check(wanted, reason)
    async with noted(db, hub, sitting_id, wanted.act, reason, by, now) as detail:
        detail |= {"participants": ", ".join(wanted.participants)} if wanted.participants else {}
        require(by, Rank.LEAD)
        await ask(hub, sitting_id, _command(wanted, reason, by), by)


def _check(wanted: Wish, reason: str) -> None:
    errors: list[FieldError] = []
    if wanted.endpoint and not reason:
        errors.append(("reason", "required", {}))
    if len(reason) > LONGEST_REASON:
        errors.append(("reason", "too_long", {"most": LONGEST_REASON}))
    if wanted.endpoint and (wanted.to_all == bool(wanted.participants) or len(wanted.participants) > MOST_PEOPLE):
        errors.append(("participants", "talk_with_whom", {}))
    if errors:
        raise ValidationFailed(errors)


def _command(wanted: Wish, reason: str, by: User) -> Talk | EndTalk:
    rank = int(rank_of(by) or Rank.WATCH)
    return Talk(wanted.endpoint, by.rank, rank, reason, wanted.participants) if wanted.endpoint else EndTalk(rank, reason)
