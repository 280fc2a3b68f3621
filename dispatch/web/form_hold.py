"""What the form of a sitting says of keeping its time tentatively: until when, a day and a time of the court's clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dispatch.booking.bookings import LONGEST_TENTATIVE
from dispatch.errors import ValidationFailed
from dispatch.web.day_grid import moment_at

USUAL = timedelta(days=3)
"""What the fields show at first."""
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Hold:
    """The fields as typed."""

    on: bool = False
    day: str = ""
    time: str = "18:00"

    def until(self, tz: ZoneInfo) -> datetime | None:
        """The moment meant, None where the booking is to be firm. Raises ValidationFailed (field "held_until"); how far off it may lie
        is for the operation to say."""
        if not self.on:
            return None
        found = _TIME.fullmatch(self.time)
        try:
            day = date.fromisoformat(self.day)
        except ValueError:
            day = None
        if found is None or day is None:
            raise ValidationFailed([("held_until", "required", {})])
        return moment_at(day, int(found[1]) * 60 + int(found[2]), tz)


def typed(fields: Mapping[str, str]) -> Hold:
    """The fields as they were sent."""
    return Hold(bool(fields.get("hold")), fields.get("hold_day", ""), fields.get("hold_time", "18:00"))


def fields_of(hold: Hold, today: date) -> dict[str, Any]:
    """What the form's part needs."""
    shown = hold if hold.day else Hold(hold.on, (today + USUAL).isoformat(), hold.time)
    return {"hold": shown, "hold_days": LONGEST_TENTATIVE.days, "hold_last": (today + LONGEST_TENTATIVE).isoformat()}
