"""Saved views of the board: what of the day's sittings somebody wants to see, under a name, and which of them opens the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from sqlalchemy import select

from dispatch import audit
from dispatch.errors import FieldError, NotFound, ValidationFailed
from dispatch.store.board_tables import BoardView
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database
    from dispatch.store.tables import User

LONGEST_NAME = 40
MOST = 20
"""Views of one person; the first nine have a digit."""

States = Literal["all", "session", "coming", "ended"]


@dataclass(frozen=True, slots=True)
class Shown:
    """Which sittings are shown: of a state, only with alerts, only those that the viewer has in charge, of one kind, room or officer
    (ids; "" for all), and with these words in them."""

    show: States = "all"
    alerts: bool = False
    mine: bool = False
    kind: str = ""
    room: str = ""
    officer: str = ""
    text: str = ""


async def of(db: Database, user: User) -> Sequence[BoardView]:
    """His own, the first saved first."""
    async with db.reader() as session:
        return await _of(session, user)


async def save(db: Database, user: User, name: str, shown: Shown, now: datetime, *, opens: bool = False) -> BoardView:
    """Save a view, in place of his own of that name; with `opens` the board is opened with it. Raises ValidationFailed (name)."""
    name = tidy(name)
    async with db.writer() as session:
        own = await _of(session, user)
        view = next((each for each in own if each.name == name), None)
        wrong: list[FieldError] = []
        if not 0 < len(name) <= LONGEST_NAME:
            wrong.append(("name", "preset_name", {"most": LONGEST_NAME}))
        elif view is None and len(own) >= MOST:
            wrong.append(("name", "views_too_many", {"most": MOST}))
        if wrong:
            raise ValidationFailed(wrong)
        if view is None:
            view = BoardView(user_id=user.id, name=name, created_at=now)
            session.add(view)
        view.shown = asdict(shown)
        if opens:
            for each in own:
                each.opens = False
        view.opens = opens
        await audit.write(session, user, "view_saved", name, detail=asdict(shown) | {"opens": opens}, now=now)
    return view


async def opens_with(db: Database, user: User, view_id: str, now: datetime) -> None:
    """Open his board with this view, "" for none. Raises NotFound."""
    async with db.writer() as session:
        own = await _of(session, user)
        chosen = _one(own, view_id) if view_id else None
        for each in own:
            each.opens = each is chosen
        await audit.write(session, user, "view_opens", chosen.name if chosen else "", now=now)


async def remove(db: Database, user: User, view_id: str, now: datetime) -> None:
    """Delete one of his own. Raises NotFound, also for somebody else's."""
    async with db.writer() as session:
        view = _one(await _of(session, user), view_id)
        await session.delete(view)
        await audit.write(session, user, "view_removed", view.name, now=now)


async def _of(session: AsyncSession, user: User) -> Sequence[BoardView]:
    wanted = select(BoardView).where(BoardView.user_id == user.id).order_by(BoardView.created_at, BoardView.id)
    return list(await session.scalars(wanted))


def _one(own: Sequence[BoardView], view_id: str) -> BoardView:
    view = next((each for each in own if each.id == view_id), None)
    if view is None:
        raise NotFound("view_unknown")
    return view
