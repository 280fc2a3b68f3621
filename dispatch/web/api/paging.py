"""Lists a page at a time: how much is asked for, what a page is, and the place where the list goes on."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from pydantic import Field

from dispatch.web.api.problems import Invalid
from dispatch.web.api.values import Asked, Shown

_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
T = TypeVar("T")


class Paging(Asked):
    """How much of a list, and where it goes on."""

    limit: int = Field(50, ge=1, le=200, description="How many entries at most.")
    cursor: str = Field("", max_length=100, description="Where the list goes on: `next` of the answer before.")


class Page(Shown, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(description="`cursor` of the next page; null where this is the last.")


def cursor_of(at: datetime, own_id: str) -> str:
    """The place behind an entry, as a word that programs hand back and do not look into."""
    return base64.urlsafe_b64encode(f"{at.astimezone(UTC):%Y%m%dT%H%M%S.%f} {own_id}".encode()).decode().rstrip("=")


def place_of(cursor: str) -> tuple[datetime, str] | None:
    """Inverse of :func:`cursor_of`; None where there is no cursor. Raises ValueError for what is none of ours."""
    if not cursor:
        return None
    if not _CURSOR.fullmatch(cursor):
        raise ValueError("not a cursor")
    at, _, own_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(" ")
    return datetime.strptime(at, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC), own_id


def place(cursor: str) -> tuple[datetime, str] | None:
    """Where a list goes on. Raises Invalid."""
    try:
        return place_of(cursor)
    except ValueError:
        raise Invalid("parameter", [("cursor", "cursor_unknown", {})]) from None


class HasId(Protocol):
    """An entry."""

    @property
    def id(self) -> str:
        """By which the next page is asked for."""


Entry = TypeVar("Entry", bound=HasId)


def slice_of(rows: Sequence[Entry], paging: Paging) -> tuple[Sequence[Entry], str | None]:
    """Of a list that is short enough to be read whole, and whose entries are never taken away: the page behind the entry that the cursor
    names, and the cursor of the next. Raises Invalid where no entry has that id."""
    begin = 0
    if paging.cursor:
        begin = next((number for number, row in enumerate(rows, 1) if row.id == paging.cursor), 0)
        if not begin:
            raise Invalid("parameter", [("cursor", "cursor_unknown", {})])
    page = rows[begin : begin + paging.limit]
    return page, page[-1].id if begin + paging.limit < len(rows) else None
