"""Pages of a list that is short enough to be read whole, and whose entries are never taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from dispatch.web.api.problems import Invalid
from dispatch.web.api.values import Paging


class HasId(Protocol):
    """An entry."""

    @property
    def id(self) -> str:
        """By which the next page is asked for."""


T = TypeVar("T", bound=HasId)


def slice_of(rows: Sequence[T], paging: Paging) -> tuple[Sequence[T], str | None]:
    """The page behind the entry that the cursor names, and the cursor of the next. Raises Invalid where no entry has that id."""
    begin = 0
    if paging.cursor:
        begin = next((number for number, row in enumerate(rows, 1) if row.id == paging.cursor), 0)
        if not begin:
            raise Invalid("parameter", [("cursor", "cursor_unknown", {})])
    page = rows[begin : begin + paging.limit]
    return page, page[-1].id if begin + paging.limit < len(rows) else None
