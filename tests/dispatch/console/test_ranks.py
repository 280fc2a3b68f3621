"""What it takes to step in."""

from __future__ import annotations

import pytest

from dispatch.console.ranks import Rank, rank_of, require
from dispatch.errors import Forbidden
from dispatch.store.tables import User


@pytest.mark.parametrize(
    ("role", "rank", "may"),
    [
        ("officer", "watch", ["watch"]),
        ("officer", "lead", ["watch", "lead"]),
        ("officer", "command", ["watch", "lead", "command"]),
        ("officer", "", []),
        ("clerk", "command", []),
        ("administrator", "", []),
    ],
)
def test_a_higher_rank_may_what_a_lower_one_may_and_who_is_no_officer_nothing(role: str, rank: str, may: list[str]) -> None:
    user, refused = User(role=role, rank=rank), []
    for each in Rank:
        try:
            require(user, each)
        except Forbidden as error:
            refused.append(error.code)
    assert refused == [f"rank_{each}" for each in ("watch", "lead", "command") if each not in may]
    assert (rank_of(user) is None) == (not may)
