"""What an operation refuses, in a form that a page can show: a word of the catalogue ("error.<code>"), the field, the values.

Everything else that goes wrong is an ordinary exception and a defect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

FieldError = tuple[str, str, Mapping[str, Any]]
"""(field of the form, code of the catalogue, values of its text)"""


class UserError(Exception):
    """Refused by a rule; nothing was changed. `data` fills the braces of the text, `status` is the HTTP status."""

    status = 422

    def __init__(self, code: str, field: str | None = None, **data: Any) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.data: dict[str, Any] = data

    def __str__(self) -> str:
        values = " ".join(f"{key}={value}" for key, value in self.data.items())
        return f"{self.code} {values}".strip()


class NotFound(UserError):
    """There is no such thing, or not for the one who asks."""

    status = 404


class Forbidden(UserError):
    """The one who asks may not."""

    status = 403


class Refused(UserError):
    """The state of the thing does not allow it (a live sitting cannot be moved)."""

    status = 409


class Conflict(UserError):
    """Something is in the way of a booking.

    Codes: "room_taken", "equipment_taken", "custody_taken", "person_taken" (the resource is held by another sitting) and
    "resource_closed". `data` has name (of the resource), room (where it is held), person, title, case_number, reason, from, to
    and nearest as texts, times in the court's time zone; the attributes are the same as values (UTC). `kind` is the resource's;
    `sitting_id` is empty for a closure. `nearest_free` is the start nearest to the wanted one at which everything that was asked
    for is free.
    """

    status = 409

    def __init__(
        self,
        code: str,
        field: str,
        *,
        sitting_id: str,
        room_id: str,
        resource_id: str,
        kind: str,
        starts_at: datetime,
        ends_at: datetime,
        nearest_free: datetime,
        **data: Any,
    ) -> None:
        super().__init__(code, field, **data)
        self.sitting_id = sitting_id
        self.room_id = room_id
        self.resource_id = resource_id
        self.kind = kind
        self.starts_at = starts_at
        self.ends_at = ends_at
        self.nearest_free = nearest_free


@dataclass(frozen=True, slots=True)
class Clash:
    """A sitting of a series that cannot be: which one (wall time of its occurrence), when it was to begin, and what is in the way.
    `sitting_id`: of one that is there already and was to be changed."""

    occurrence: datetime
    starts_at: datetime
    conflict: Conflict
    sitting_id: str = ""


class SeriesConflict(UserError):
    """Something is in the way of sittings of a series; nothing of the whole act was done. `clashes` names every one, in their order."""

    status = 409

    def __init__(self, clashes: Sequence[Clash], of: int) -> None:
        super().__init__("series_taken", "starts_at", count=len(clashes), of=of)
        self.clashes = tuple(clashes)


class ValidationFailed(UserError):
    """Bad input: `errors` names every bad field at once."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors: list[FieldError] = list(errors)
        super().__init__("invalid", self.errors[0][0] if self.errors else None, count=len(self.errors))
