"""Breaking in: an officer who watches is seen and heard in the hearing. What it does there is :mod:`rooms.breaking_in`; here it is who
may, and the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dispatch import audit
from dispatch.booking.draft import tidy
from dispatch.console.ranks import Rank, rank_of, require
from dispatch.console.stepping.acts import ACTS, LONGEST_REASON
from dispatch.errors import Refused, UserError, ValidationFailed
from rooms.commands import BreakIn, EndBreakIn
from rooms.protocol import UserError as LiveError

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
    overview, reason = hub.overview(sitting_id), tidy(wanted.reason)
    if wanted.endpoint and not reason:
        raise ValidationFailed([("reason", "required", {})])
    if len(reason) > LONGEST_REASON:
        raise ValidationFailed([("reason", "too_long", {"most": LONGEST_REASON})])
    subject = overview.case_number if overview else sitting_id
    detail = {"sitting": sitting_id, "act": wanted.act, "reason": reason}
    try:
        require(by, Rank.LEAD)
        await _ask(hub, sitting_id, _command(wanted, reason, by), by)
    except UserError as error:
        ACTS.labels(wanted.act, "refused").inc()
        await audit.record(db, by, "stepping_in_refused", subject, detail=detail | {"code": error.code}, now=now)
        raise
    ACTS.labels(wanted.act, "done").inc()
    await audit.record(db, by, "stepped_in", subject, detail=detail, now=now)


def _command(wanted: Wish, reason: str, by: User) -> BreakIn | EndBreakIn:
    rank = rank_of(by) or Rank.WATCH
    return BreakIn(wanted.endpoint, by.rank, int(rank), reason, wanted.camera) if wanted.endpoint else EndBreakIn(int(rank), reason)


async def _ask(hub: Hub, sitting_id: str, command: BreakIn | EndBreakIn, by: User) -> None:
    try:
        await hub.step_in(sitting_id, command, user=by.id, name=by.name)
    except LiveError as error:
        raise Refused(error.code, field=error.field) from None
