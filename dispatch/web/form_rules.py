"""Rules that a booking breaks, as the pages tell them: one sentence for each."""

from __future__ import annotations

from datetime import datetime

from dispatch.booking import allowed
from dispatch.booking.allowed import FIELD
from dispatch.errors import UserError, ValidationFailed
from dispatch.web.request import Request, ctx, translate, zone


def noticed_from(request: Request, kind: str) -> datetime | None:
    """From when on a sitting of that kind is at good notice; None where none is prescribed."""
    return allowed.noticed_from(kind, ctx(request).clock(), zone(request))


def broken_rules(request: Request, error: UserError) -> list[tuple[str, str]]:
    """Each broken rule with its words, for a dialogue that asks for the reason; none where something else is wrong."""
    if not isinstance(error, ValidationFailed) or any(field != FIELD for field, _, _ in error.errors):
        return []
    return [(field, translate(request, f"error.{code}", **data)) for field, code, data in error.errors]
