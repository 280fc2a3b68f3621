"""An officer's act in a live sitting. The procedure says what may be done in a kind of sitting and when (:mod:`rooms.stepping`); here it
is who may, what those in the room are told, and the audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch import audit
from dispatch.booking import extension
from dispatch.console.ranks import Rank, require
from dispatch.console.stepping.noted import LONGEST_REASON, ask, noted
from dispatch.errors import FieldError, Refused, ValidationFailed
from dispatch.store.tables import Sitting, User
from dispatch.typed import tidy
from rooms.commands import StepIn
from rooms.media.engine import Source

if TYPE_CHECKING:
    from dispatch.store.database import Database
    from rooms.hub import Hub

RANK_OF: Mapping[str, Rank] = {
    "mute": Rank.LEAD,
    "admit": Rank.LEAD,
    "waiting": Rank.LEAD,
    "restart": Rank.LEAD,
    "time": Rank.LEAD,
    "release": Rank.COMMAND,
}
"""Which officer may do what."""
OF_SOMEBODY = frozenset({"mute", "admit", "waiting"})
MOST_WATCHERS = 20
SOURCES = ("microphone", "camera", "screen")

Words = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Act:
    """What an officer wants. `participant` and `source` of a mute, `participant` of letting in and sending out, `minutes` of more time."""

    act: str
    reason: str
    participant: str = ""
    source: str = "microphone"
    minutes: int = 0


async def step_in(db: Database, hub: Hub, sitting_id: str, wanted: Act, by: User, now: datetime, words: Sequence[Words]) -> None:
    """Do it. `words`: the texts of each language in which those in the room are told.

    Raises Forbidden by rank, ValidationFailed (act, reason, participant, source, minutes), NotFound, Refused with the code of what is in
    the way ("centre_private", "centre_not_here", …), or Conflict where the room is taken. A refusal is in the audit, and in the log.
    """
    _check(wanted)
    async with noted(db, hub, sitting_id, wanted.act, tidy(wanted.reason), by, now) as detail:
        detail |= {"participant": wanted.participant} if wanted.participant else {}
        require(by, RANK_OF[wanted.act])
        await _do(db, hub, sitting_id, wanted, by, now, words)
        detail |= {"minutes": str(wanted.minutes)} if wanted.act == "time" else {}


async def _do(db: Database, hub: Hub, sitting_id: str, wanted: Act, by: User, now: datetime, words: Sequence[Words]) -> None:
    name = next((p["name"] for p in o.participants if p["id"] == wanted.participant), "") if (o := hub.overview(sitting_id)) else ""
    values = {"name": name, "reason": tidy(wanted.reason), "minutes": wanted.minutes}
    notice = "\n".join(_(f"centre.notice.{wanted.act}", source=_(f"source.{wanted.source}"), **values) for _ in words)
    command = StepIn(wanted.act, tidy(wanted.reason), notice, wanted.participant, Source(wanted.source))
    if wanted.act == "time" and hub.may_step_in(sitting_id, "time") is None:
        await extension.extend(db, sitting_id, wanted.minutes, by, now)
    await ask(hub, sitting_id, command, by)


def _check(wanted: Act) -> None:
    errors: list[FieldError] = []
    if wanted.act not in RANK_OF:
        raise ValidationFailed([("act", "step_in_unknown", {"typed": wanted.act[:40]})])
    if not tidy(wanted.reason):
        errors.append(("reason", "required", {}))
    elif len(tidy(wanted.reason)) > LONGEST_REASON:
        errors.append(("reason", "too_long", {"most": LONGEST_REASON}))
    if wanted.act in OF_SOMEBODY and not wanted.participant:
        errors.append(("participant", "required", {}))
    if wanted.source not in SOURCES:
        errors.append(("source", "required", {}))
    if wanted.act == "time" and wanted.minutes not in extension.STEPS_MINUTES:
        errors.append(("minutes", "extension_unknown", {"choices": ", ".join(map(str, extension.STEPS_MINUTES))}))
    if errors:
        raise ValidationFailed(errors)


async def name_watchers(db: Database, sitting_id: str, users: Sequence[str], by: User, now: datetime) -> None:
    """Say which officers may watch a sitting that not every one may. Raises Forbidden by rank, NotFound, or ValidationFailed("users")."""
    require(by, Rank.COMMAND)
    wanted = sorted(set(users))
    async with db.writer() as session:
        sitting = await session.get(Sitting, sitting_id)
        if sitting is None or sitting.status in ("closed", "cancelled"):
            raise Refused("sitting_closed")
        officers = {user.id: user for user in await session.scalars(select(User).where(User.role == "officer", User.active))}
        if len(wanted) > MOST_WATCHERS or any(user not in officers for user in wanted):
            raise ValidationFailed([("users", "officer_unknown", {})])
        sitting.watcher_ids = " ".join(wanted)
        detail = {"sitting": sitting_id, "watchers": [officers[user].name for user in wanted]}
        await audit.write(session, by, "watchers_named", f"{sitting.case.number} {sitting.title}", detail=detail, now=now)
