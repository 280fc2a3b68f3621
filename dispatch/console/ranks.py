"""Officers' ranks: what each may do in the command centre beyond watching. Pure.

A higher rank may do whatever a lower one may. Who is no officer has none.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from dispatch.errors import Forbidden
from dispatch.identity.people import RANKS

if TYPE_CHECKING:
    from dispatch.store.tables import User


class Rank(IntEnum):
    """Watch officers look and write; shift leaders step in; commanders overrule another officer and release what hangs."""

    WATCH = 1
    LEAD = 2
    COMMAND = 3


def rank_of(user: User) -> Rank | None:
    """None for whoever is no officer."""
    return Rank(RANKS.index(user.rank) + 1) if user.role == "officer" and user.rank in RANKS else None


def require(user: User, rank: Rank) -> None:
    """Raises Forbidden: "rank_watch", "rank_lead" or "rank_command", by what it takes."""
    own = rank_of(user)
    if own is None or own < rank:
        raise Forbidden(f"rank_{RANKS[rank - 1]}")
