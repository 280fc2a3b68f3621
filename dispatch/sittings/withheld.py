"""Sittings whose juvenile record is sealed (Criminal Procedure Law, article 286; measures on sealing the records of crimes of minors,
2022). They are in no list, search, calendar, statistics by name or answer to a program: for whoever asks they do not exist.

Who was given the power may open the recording of one for an hour, on a ground that he states (:mod:`dispatch.keeping.juvenile`).
Whoever reads sittings for people adds :data:`IN_SIGHT`; the live plane and the jobs process, which show nothing to anybody, do not.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, select

from dispatch.errors import NotFound
from dispatch.store.keeping_tables import JuvenileLook
from dispatch.store.tables import Case, Sitting, User

if TYPE_CHECKING:
    from sqlalchemy import Select

IN_SIGHT: ColumnElement[bool] = Sitting.withheld_at.is_(None)


def looked_at(user: User, now: datetime) -> Select[str]:
    """Ids of the sittings whose sealed record `user` has opened for himself, and may look at now."""
    return select(JuvenileLook.sitting_id).where(JuvenileLook.user_id == user.id, JuvenileLook.at <= now, JuvenileLook.until > now)


def case_numbers() -> Select[str]:
    """Numbers of the cases of which a sitting is withheld: no list offers them."""
    return select(Case.number).where(Case.id.in_(select(Sitting.case_id).where(Sitting.withheld_at.is_not(None))))


def seen(sitting: Sitting | None) -> Sitting:
    """The sitting, unless it is withheld or there is none. Raises NotFound("sitting_unknown")."""
    if sitting is None or sitting.withheld_at is not None:
        raise NotFound("sitting_unknown")
    return sitting
