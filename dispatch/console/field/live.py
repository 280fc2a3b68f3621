"""Live video from the phone of somebody in the field: who may begin it, for which task, and the audit of its beginning and end. What it
is, is :mod:`rooms.feeds`; who watches is audited where he watches."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from dispatch import audit
from dispatch.console.field import listing, teams
from dispatch.console.field.tasks import OVER
from dispatch.errors import Refused
from rooms.feeds.feed import About, Cause, Feed
from rooms.feeds.feeds import id_of
from rooms.protocol import UserError as LiveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dispatch.store.database import Database
    from dispatch.store.tables import User
    from rooms.hub import Hub

_kept: WeakSet[Hub] = WeakSet()
"""Hubs whose feeds are audited when they end."""


async def begin(db: Database, hub: Hub, user: User, task_id: str, clock: Callable[[], datetime]) -> str:
    """Somebody in the field wants to send, for one of his tasks or ("") for none; the id of his feed. Again while it goes on: of the task
    that he names now. Raises NotFound for a task that he does not see, Refused "feed_no_team", "feed_task_over" or "too_many_feeds"."""
    member = await teams.member_of(db, user.id)
    if member is None:
        raise Refused("feed_no_team")
    team = await teams.get(db, member.team_id)
    about = About(id_of(user.id), user.id, user.name, team.name, team_en=team.name_en)
    if task_id:
        task = (await listing.get(db, user, task_id)).task
        if task.state in OVER:
            raise Refused("feed_task_over")
        about = replace(about, task=task.id, number=task.number, title=task.title)
    _keep(db, hub, clock)
    try:
        _, new = hub.feeds.start(about)
    except LiveError as error:
        raise Refused(error.code) from None
    if new:
        await audit.record(db, user, "feed_started", _subject(about), detail=_detail(about), now=clock())
    return about.id


def _keep(db: Database, hub: Hub, clock: Callable[[], datetime]) -> None:
    if hub in _kept:
        return
    _kept.add(hub)

    async def ended(feed: Feed, cause: Cause) -> None:
        about, detail = feed.about, _detail(feed.about) | {"cause": cause}
        await audit.record(db, about.name, "feed_ended", _subject(about), detail=detail, now=clock())

    hub.feeds.on_end(ended)


def _subject(about: About) -> str:
    return f"{about.number} {about.title}".strip() or about.name


def _detail(about: About) -> dict[str, Any]:
    return {"feed": about.id, "sender": about.name} | ({"task": about.task} if about.task else {})
