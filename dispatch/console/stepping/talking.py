"""The intercom: an officer who watches talks with one, a few or all of a sitting. What it does there is :mod:`rooms.intercom`; here it is
who may, and the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dispatch import audit
from dispatch.booking.draft import tidy
from dispatch.console.ranks import Rank, rank_of, require
from dispatch.console.stepping.acts import ACTS, LONGEST_REASON
from dispatch.errors import FieldError, Refused, UserError, ValidationFailed
from rooms.commands import EndTalk, Talk
from rooms.protocol import UserError as LiveError

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
    overview, reason = hub.overview(sitting_id), tidy(wanted.reason)
    _check(wanted, reason)
    subject = overview.case_number if overview else sitting_id
    detail = {"sitting": sitting_id, "act": wanted.act, "reason": reason}
    detail |= {"participants": ", ".join(wanted.participants)} if wanted.participants else {}
    try:
        require(by, Rank.LEAD)
        await _ask(hub, sitting_id, _command(wanted, reason, by), by)
    except UserError as error:
        ACTS.labels(wanted.act, "refused").inc()
        await audit.record(db, by, "stepping_in_refused", subject, detail=detail | {"code": error.code}, now=now)
        raise
    ACTS.labels(wanted.act, "done").inc()
    await audit.record(db, by, "stepped_in", subject, detail=detail, now=now)


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


async def _ask(hub: Hub, sitting_id: str, command: Talk | EndTalk, by: User) -> None:
    try:
        await hub.step_in(sitting_id, command, user=by.id, name=by.name)
    except LiveError as error:
        raise Refused(error.code, field=error.field) from None
