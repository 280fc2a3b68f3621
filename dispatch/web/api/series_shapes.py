"""What the API shows of a series, and what it takes to book, change and cancel one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import Field

from dispatch.booking.draft import LONGEST_REASON
from dispatch.booking.series.prolonging import Further
from dispatch.booking.series.recurrence import Series
from dispatch.booking.series.rules import LONGEST_TEXT, MOST_OCCURRENCES, read_rule
from dispatch.booking.series.series import written
from dispatch.errors import FieldError, ValidationFailed
from dispatch.store.tables import SeriesRow, Sitting
from dispatch.web.api.sitting_shapes import BookingState, SittingChange, SittingPlan, Status
from dispatch.web.api.values import Day, Given, Id, Moment, Resource, Shown, Wall, local

_RULE = "RRULE of RFC 5545 without DTSTART, with COUNT or UNTIL: FREQ=WEEKLY;BYDAY=TU;COUNT=10."
_ZONE = "By whose clock, a name of the IANA data base; empty: the court's."
_SKIPS = "What the rule puts on a holiday does not take place, yet counts."
_LEFT_OUT = "Dates of the rule that do not take place (EXDATE)."
_ADDED = "Dates besides those of the rule (RDATE)."
LATER = Literal["later", "all"]


class Member(Shown):
    """A sitting of a series."""

    id: Id
    occurrence: str = Field(description="Which of them (RECURRENCE-ID): the wall time at which the rule puts it.")
    moved: bool = Field(description="Whether it has a time or length of its own.")
    status: Status
    booking: BookingState
    starts_at: Moment
    ends_at: Moment


class SeriesView(Resource):
    """How sittings repeat, and those that take place. Each is a sitting like any other, with links and a version of its own."""

    id: Id
    rule: str
    starts: str = Field(description="The first wall time (DTSTART).")
    time_zone: str
    minutes: int
    skip_holidays: bool
    left_out: list[str] = Field(description=_LEFT_OUT)
    added: list[str] = Field(description=_ADDED)
    sittings: list[Member] = Field(description="In order of time.")

    @classmethod
    def of(cls, row: SeriesRow, plan: Series, sittings: Sequence[Sitting], zone: ZoneInfo) -> SeriesView:
        """All there is to show."""
        moved = {written(each) for each in plan.overrides}
        return cls(
            id=row.id,
            rule=row.rule,
            starts=row.starts,
            time_zone=row.zone,
            minutes=row.minutes,
            skip_holidays=row.skip_holidays,
            left_out=sorted(written(each) for each in plan.excluded),
            added=sorted(written(each) for each in plan.added),
            sittings=[
                Member(
                    id=each.id,
                    occurrence=each.occurrence,
                    moved=each.occurrence in moved,
                    status=cast("Status", each.status),
                    booking=cast("BookingState", each.booking.state),
                    starts_at=local(each.starts_at, zone),
                    ends_at=local(each.ends_at, zone),
                )
                for each in sittings
            ],
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/series/{self.id}"


class NewSeries(SittingPlan):
    """Sittings to be booked, all or none: each is as stated but for its time."""

    rule: str = Field(min_length=1, max_length=LONGEST_TEXT, description=_RULE)
    starts: Wall = Field(description="The first of them, which the rule must have.")
    time_zone: str = Field("", max_length=64, pattern=r"^[A-Za-z0-9_+/-]*$", description=_ZONE)
    minutes: int = Field(ge=1, le=24 * 60)
    left_out: list[Wall] = Field([], max_length=MOST_OCCURRENCES, description=_LEFT_OUT)
    added: list[Wall] = Field([], max_length=MOST_OCCURRENCES, description=_ADDED)
    skip_holidays: bool = Field(False, description=_SKIPS)

    def plan(self, zone: ZoneInfo) -> Series:
        """How it repeats; `zone` is the court's. Raises ValidationFailed."""
        try:
            own = ZoneInfo(self.time_zone) if self.time_zone else zone
        except (KeyError, ValueError, OSError):
            raise ValidationFailed([("time_zone", "zone_unknown", {"zone": self.time_zone})]) from None
        rule = read_rule(self.rule, own)
        return Series(self.starts, self.minutes, own, rule, frozenset(self.added), frozenset(self.left_out), {}, self.skip_holidays)


class SeriesChange(SittingChange):
    """What is to be different in one sitting, and by the same difference in the others: only where they are as that one was. A sitting that
    was moved by itself keeps its time."""

    sitting_id: Id = Field(description="The sitting of the series that is changed as stated.")
    scope: LATER = Field(description="later: this sitting and those after it; all: all that have not begun.")
    leave: list[Id] = Field([], max_length=MOST_OCCURRENCES, description="Sittings that stay as they are.")

    def given(self) -> dict[str, Any]:
        """The fields of the sitting that are to be different."""
        return {name: value for name, value in super().given().items() if name not in ("sitting_id", "scope", "leave")}


class ProlongOrder(Given):
    """How far a series is to go: `count` or `until`, one of the two."""

    count: int | None = Field(
        None, ge=2, le=MOST_OCCURRENCES, description="How many dates its rule is to have in all; those that were left out count."
    )
    until: Day | None = Field(None, description="The last day, by the clock of the series.")
    left_out: list[Wall] = Field([], max_length=MOST_OCCURRENCES, description="New dates that do not take place.")
    override_reason: str = Field("", max_length=LONGEST_REASON, description="Why new sittings may lie outside hours or on a day off.")

    def wanted(self) -> Further:
        """The same for the act."""
        return Further(self.count, self.until, tuple(self.left_out), self.override_reason)


class SeriesCancelOrder(Given):
    """Why, and which of them; participants are told."""

    sitting_id: Id = Field(description="The sitting of the series from which on.")
    scope: LATER = Field(description="later: this sitting and those after it; all: all that have not begun.")
    reason: str = Field(min_length=1, max_length=LONGEST_REASON)


def as_given(errors: Sequence[FieldError]) -> list[FieldError]:
    """Bad fields of a plan by the names that the body has: a part of the rule is the rule."""
    found: list[FieldError] = []
    for name, code, data in errors:
        head = name.partition(".")[0]
        field = {"rule": "rule", "occurrences": "left_out", "starts_at": "starts"}.get(head, name)
        if (field, code, data) not in found:
            found.append((field, code, data))
    return found
