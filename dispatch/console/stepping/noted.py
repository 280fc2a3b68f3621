"""What every act of an officer in a live sitting has in common: it is counted and audited, done or refused, and the hearing is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import Counter

from dispatch import audit
from dispatch.errors import Refused, UserError
from rooms.protocol import UserError as LiveError

if TYPE_CHECKING:
    from dispatch.store.database import Database
    from dispatch.store.tables import User
    from rooms.commands import BreakIn, EndBreakIn, EndTalk, StepIn, Talk
    from rooms.hub import Hub

LONGEST_REASON = 200
ACTS = Counter("dispatch_centre_acts_total", "What officers did in sittings, or were refused", ["act", "outcome"])


@asynccontextmanager
async def noted(db: Database, hub: Hub, sitting_id: str, act: str, reason: str, by: User, now: datetime) -> AsyncIterator[dict[str, str]]:
    """Around the doing of an act: what is done, and what is refused by a UserError, stands in audit and metrics. Yields the details of the
    audit row, to which the act adds its own."""
    overview = hub.overview(sitting_id)
    subject = overview.case_number if overview else sitting_id
    detail = {"sitting": sitting_id, "act": act, "reason": reason}
    try:
        yield detail
    except UserError as error:
        ACTS.labels(act, "refused").inc()
        await audit.record(db, by, "stepping_in_refused", subject, detail=detail | {"code": error.code}, now=now)
        raise
    ACTS.labels(act, "done").inc()
    await audit.record(db, by, "stepped_in", subject, detail=detail, now=now)


async def ask(hub: Hub, sitting_id: str, command: BreakIn | EndBreakIn | StepIn | Talk | EndTalk, by: User) -> None:
    """Have the hearing do it. Raises Refused with the code of what is in the way."""
    try:
        await hub.step_in(sitting_id, command, user=by.id, name=by.name)
    except LiveError as error:
        raise Refused(error.code, field=error.field) from None
