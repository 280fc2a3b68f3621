"""What the API shows of a sealed recording: what is there, how far its picture is, and what the last check found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import Field

from dispatch.archive import explanations
from dispatch.archive.jobs import remaining_s
from dispatch.store.archive_tables import Explanation, Job, Recording
from dispatch.web.api.paging import Page, Paging
from dispatch.web.api.sitting_shapes import CaseView, RoomName
from dispatch.web.api.values import Day, Id, Moment, Shown, local, local_or_none
from dispatch.web.api.versions import IfMatch
from dispatch.web.verification import Verdict

CompositeState = Literal["none", "queued", "running", "done", "failed"]


class CompositeView(Shown):
    """The picture of all participants in one video, made from the originals; it can be made again at any time."""

    state: CompositeState
    progress: float = Field(ge=0, le=1, description="How much of it is made.")
    remaining_s: float | None = Field(description="How long it still takes, s, as fast as it goes; null while that cannot be said.")

    @classmethod
    def of(cls, recording: Recording, job: Job | None) -> CompositeView:
        """The state of its job; where there is none, what the catalogue says."""
        state = cast("CompositeState", job.state if job is not None else recording.composite)
        progress = job.progress if job is not None and state == "running" else 1.0 if state == "done" else 0.0
        return cls(state=state, progress=min(max(progress, 0.0), 1.0), remaining_s=remaining_s(job) if job is not None else None)


class WrongFile(Shown):
    """Something that a check found wrong."""

    file: str = Field(description="Name below the recording's folder; empty for the folder itself.")
    code: str
    detail: str = Field(description="What is wrong, in the language asked for.")


class VerificationView(Shown):
    """The last check of the originals against the manifest as it was sealed, and of the event log's chain."""

    state: Literal["never", "running", "done"]
    ok: bool | None = Field(description="Whether everything is as it was sealed; null while that is not known.")
    at: Moment | None
    problems: list[WrongFile] | None = Field(description="What is wrong; null where only the outcome is remembered: check again.")

    @classmethod
    def of(
        cls, recording: Recording, running: bool, verdict: Verdict | None, tag: str, words: Callable[[str], str], zone: ZoneInfo
    ) -> VerificationView:
        """`tag`, `words`: the language of the answer and its texts."""
        if running:
            return cls(state="running", ok=None, at=None, problems=None)
        if verdict is None:
            known = recording.verified_at is not None
            at = local_or_none(recording.verified_at, zone)
            return cls(state="done" if known else "never", ok=recording.verified_ok, at=at, problems=None)
        if verdict.report is None:
            gone = WrongFile(file="", code="folder_missing", detail=words("error.folder_missing"))
            return cls(state="done", ok=False, at=local(verdict.at, zone), problems=[gone])
        wrong = [WrongFile(file=each.file, code=each.code, detail=each.text(tag)) for each in verdict.report.problems]
        return cls(state="done", ok=verdict.report.ok, at=local(verdict.at, zone), problems=wrong)


class RecordingSummary(Shown):
    """A sealed recording; it has the id of its sitting."""

    sitting_id: Id
    case: CaseView
    title: str
    room: RoomName
    starts_at: Moment
    opened_at: Moment | None
    sealed_at: Moment
    seconds: float = Field(description="How long was recorded.")
    bytes: int = Field(description="Size of the originals.")
    manifest_sha256: str = Field(description="Digest of the manifest, as the event log has it.")
    signed_by: str = Field(description="Subject of the certificate that signed the manifest; empty where nobody did.")
    stamped_at: Moment | None = Field(description="When a time-stamping authority says that it was there; null: none has stamped it yet.")
    composite: CompositeView

    @classmethod
    def values_of(cls, recording: Recording, job: Job | None, zone: ZoneInfo) -> dict[str, Any]:
        """What the catalogue knows."""
        sitting = recording.sitting
        room = sitting.room
        return {
            "sitting_id": sitting.id,
            "case": CaseView(number=sitting.case.number, title=sitting.case.title),
            "title": sitting.title,
            "room": RoomName(id=room.id, name=room.name, name_en=room.name_en),
            "starts_at": local(sitting.starts_at, zone),
            "opened_at": local_or_none(sitting.opened_at, zone),
            "sealed_at": local_or_none(recording.sealed_at, zone),
            "seconds": recording.seconds,
            "bytes": recording.bytes,
            "manifest_sha256": recording.manifest_sha256,
            "signed_by": recording.signed_by,
            "stamped_at": local_or_none(recording.stamped_at, zone),
            "composite": CompositeView.of(recording, job),
        }


class ExplanationView(Shown):
    """What whoever presided says of the faults of a recording; he is asked when it is sealed."""

    faults: int = Field(description="Interruptions, alarms, gaps that are not the network's doing, and lost files.")
    asked_at: Moment
    signed_at: Moment | None = Field(description="Null until it is signed.")
    signed_by: str
    text: str
    statement: str = Field(description="What was signed, byte for byte: canonical JSON with its own digests; empty until then.")

    @classmethod
    def of(cls, row: Explanation | None, zone: ZoneInfo) -> ExplanationView | None:
        """None where there is nothing to be explained."""
        if row is None:
            return None
        return cls(
            faults=row.faults,
            asked_at=local(row.asked_at, zone),
            signed_at=local_or_none(row.signed_at, zone),
            signed_by=row.signed_by,
            text=explanations.text_of(row),
            statement=row.statement,
        )


class OriginalFile(Shown):
    """An original, as the manifest names it."""

    file: str = Field(description="Name below the recording's folder.")
    bytes: int
    sha256: str


class RecordingView(RecordingSummary):
    """A sealed recording with its files and the last check."""

    files: list[OriginalFile] | None = Field(description="The originals; null where the manifest cannot be read, which a check explains.")
    verification: VerificationView
    explanation: ExplanationView | None = Field(description="Of its faults; null where it has none.")


class RecordingList(Page[RecordingSummary]):
    """One page of recordings, the newest first."""


class RecordingQuery(Paging):
    """Which recordings."""

    q: str = Field("", max_length=100, description="Words that all occur in case, title, room or a participant's name.")
    day: Day | None = Field(None, description="Of sittings that lie, wholly or in part, on this day of the court.")


class Part(IfMatch):
    """A part of a file, of the version that the other parts are of."""

    range: str | None = Field(None, alias="Range", description="One span of bytes (RFC 9110 section 14.1.2), for instance bytes=0-65535.")
