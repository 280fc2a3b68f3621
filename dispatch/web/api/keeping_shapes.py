"""What the API shows of how long a recording is kept, and takes of it."""

from __future__ import annotations

from typing import Literal, cast
from zoneinfo import ZoneInfo

from pydantic import Field

from dispatch.keeping.reading import About
from dispatch.keeping.rules import LONGEST_REFERENCE, LONGEST_TEXT
from dispatch.store.keeping_tables import Destruction, LegalHold
from dispatch.web.api.paging import Page, Paging
from dispatch.web.api.sitting_shapes import CaseView
from dispatch.web.api.values import Day, Given, Id, Moment, Resource, Shown, local, local_or_none

Retention = Literal["permanent", "years_60", "years_30", "years_10"]
State = Literal["proposed", "approved", "under_way", "done", "stopped"]
_REASON = "Kept with the act, and in the audit log."
_COUNTED = "The day on which its case was closed or filed; null: it counts from the day of sealing."


class HoldView(Resource):
    """A legal hold on a recording, or on all of its case."""

    id: Id
    sitting_id: Id = Field(description="Of the recording that it was asked of.")
    whole_case: bool = Field(description="Whether it holds all of the case, sittings to come too.")
    reference: str
    reason: str
    placed_by: str
    placed_at: Moment
    lifted_by: str
    lifted_at: Moment | None = Field(description="null: it is in force.")
    lift_reason: str

    @classmethod
    def of(cls, hold: LegalHold, sitting_id: str, tz: ZoneInfo) -> HoldView:
        """All there is to show."""
        return cls(
            id=hold.id,
            sitting_id=sitting_id,
            whole_case=hold.case_id is not None,
            reference=hold.reference,
            reason=hold.reason,
            placed_by=hold.placed_by,
            placed_at=local(hold.placed_at, tz),
            lifted_by=hold.lifted_by,
            lifted_at=local_or_none(hold.lifted_at, tz),
            lift_reason=hold.lift_reason,
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/recordings/{self.sitting_id}/holds/{self.id}"


class KeepingView(Resource):
    """How long a recording is kept, and what holds it."""

    sitting_id: Id
    retention: Retention
    counted_from: Day | None = Field(description=_COUNTED)
    expires_on: Day | None = Field(description="The first day on which its time is over; null: never.")
    on_hold: bool
    holds: list[HoldView] = Field(description="Those in force first; lifted ones stay.")
    has_minor: bool = Field(description="Whether a minor took part: sealing its record is proposed once the sitting is closed.")
    destroyed_at: Moment | None
    destruction_id: Id | None = Field(description="The newest destruction that lists it, where you may see that.")

    @classmethod
    def of(cls, about: About, tz: ZoneInfo) -> KeepingView:
        """All there is to show."""
        row, kept, sitting_id = about.standing.row, about.standing.kept, about.recording.sitting_id
        return cls(
            sitting_id=sitting_id,
            retention=cast("Retention", kept.retention),
            counted_from=row.counted_from if row is not None else None,
            expires_on=about.standing.expires_on,
            on_hold=kept.holds > 0,
            holds=[HoldView.of(hold, sitting_id, tz) for hold in about.holds],
            has_minor=about.has_minor,
            destroyed_at=local_or_none(about.recording.destroyed_at, tz),
            destruction_id=about.destruction.id if about.destruction is not None else None,
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/recordings/{self.sitting_id}/keeping"


class KeepingOrder(Given):
    """Another class for a recording, or another day from which its time counts."""

    retention: Retention
    counted_from: Day | None = Field(None, description=_COUNTED)
    reason: str = Field(min_length=1, max_length=LONGEST_TEXT, description=_REASON)


class NewHold(Given):
    """A hold to be placed."""

    reference: str = Field(min_length=1, max_length=LONGEST_REFERENCE, description="Number of the case or document that asks for it.")
    reason: str = Field(min_length=1, max_length=LONGEST_TEXT, description=_REASON)
    whole_case: bool = Field(False, description="Hold all of the case, sittings to come too.")


class LiftOrder(Given):
    """Why a hold is lifted."""

    reason: str = Field(min_length=1, max_length=LONGEST_TEXT, description=_REASON)


class SealOrder(Given):
    """Why a juvenile record is sealed."""

    ground: str = Field(min_length=1, max_length=LONGEST_TEXT, description="The legal ground; kept with the seal.")
    whole_case: bool = Field(False, description="Seal those of all closed sittings of the case.")


class ListedRecording(Shown):
    """A recording on the list of a destruction."""

    sitting_id: Id
    case: CaseView
    state: Literal["listed", "begun", "destroyed", "kept"]
    kept_why: str = Field(description="Why it was kept: on_hold, not_expired, already_destroyed; else empty.")
    expired_on: Day | None
    bytes: int
    destroyed_at: Moment | None


class DestructionView(Resource):
    """A list of recordings that are to be destroyed, or were."""

    id: Id
    number: str = Field(description="As it stands on the certificate: year and running number, 2026-0007.")
    state: State
    reason: str
    order_reference: str = Field(description="Of the court's order that takes the place of expiry; empty where there is none.")
    proposed_by: str
    proposed_at: Moment
    approved_by: str
    approved_at: Moment | None
    due_at: Moment | None = Field(description="From when it is carried out, once it is approved.")
    stopped_by: str
    stop_reason: str
    done_at: Moment | None
    trouble: str = Field(description="Why it does not go on; empty where it does.")
    recordings: list[ListedRecording]

    @classmethod
    def of(cls, row: Destruction, tz: ZoneInfo) -> DestructionView:
        """All there is to show."""
        return cls(
            id=row.id,
            number=row.number,
            state=cast("State", row.state),
            reason=row.reason,
            order_reference=row.order_reference,
            proposed_by=row.proposed_by,
            proposed_at=local(row.proposed_at, tz),
            approved_by=row.approved_by,
            approved_at=local_or_none(row.approved_at, tz),
            due_at=local_or_none(row.due_at, tz),
            stopped_by=row.stopped_by,
            stop_reason=row.stop_reason,
            done_at=local_or_none(row.done_at, tz),
            trouble=row.trouble,
            recordings=[
                ListedRecording(
                    sitting_id=item.sitting_id,
                    case=CaseView(number=item.recording.sitting.case.number, title=item.recording.sitting.case.title),
                    state=cast("Literal['listed', 'begun', 'destroyed', 'kept']", item.state),
                    kept_why=item.kept_why,
                    expired_on=item.expired_on,
                    bytes=item.bytes,
                    destroyed_at=local_or_none(item.destroyed_at, tz),
                )
                for item in row.items
            ],
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/destructions/{self.id}"


class DestructionList(Page[DestructionView]):
    """One page of destructions, the newest first."""


class DestructionQuery(Paging):
    """Which destructions."""


class NewDestruction(Given):
    """A destruction to be proposed."""

    sittings: list[Id] = Field(min_length=1, max_length=200, description="Recordings, by their sittings.")
    reason: str = Field(min_length=1, max_length=LONGEST_TEXT, description="What the review found; it is on the certificate.")
    order_reference: str = Field("", max_length=LONGEST_REFERENCE, description="Of a court's order; needed where one has not expired.")


class StopOrder(Given):
    """Why a destruction is stopped."""

    reason: str = Field(min_length=1, max_length=LONGEST_TEXT, description=_REASON)
