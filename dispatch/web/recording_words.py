"""What the pages say of a recording, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cryptography.x509 import Name

from dispatch.archive import explanations
from dispatch.archive.jobs import remaining_s
from dispatch.store.archive_tables import Explanation, Job, Recording
from dispatch.store.tables import User

if TYPE_CHECKING:
    from dispatch.store.database import Database
    from dispatch.web.translations import Catalogue

Json = dict[str, Any]
MOST_NAMED = 5
"""Spoilt files that are named; the rest are in the audit log."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A recording as pages show it. `composite` and `verified` in words of the page's language."""

    id: str
    kind: str
    title: str
    case_number: str
    room: str
    at: datetime
    length: str
    size: str
    composite: Json
    verified: Json
    seal: tuple[Json, ...]
    faults: Json | None


def shown(recording: Recording, job: Job | None, words: Catalogue, stamps: bool, explanation: Explanation | None = None) -> Shown:
    """What the pages say of a recording. `stamps`: a time-stamping authority is set. `explanation`: of its faults, if it has any."""
    sitting = recording.sitting
    room = next(iter(sitting.rooms), None)
    return Shown(
        id=sitting.id,
        kind=sitting.kind,
        title=sitting.title,
        case_number=sitting.case.number,
        room="" if room is None else (words.language == "en" and room.name_en) or room.name,
        at=sitting.opened_at or sitting.starts_at,
        length=length(recording.seconds),
        size=size(recording.bytes),
        composite=composite(recording, job, words),
        verified=verified(recording, words),
        seal=seal(recording, words, stamps),
        faults=explained(explanation, words),
    )


def composite(recording: Recording, job: Job | None, words: Catalogue) -> Json:
    """The composite's state for the page: {"state", "progress", "text", "error"}."""
    _ = words.gettext
    state = job.state if job is not None else recording.composite
    progress = job.progress if job is not None and state == "running" else 1.0 if state == "done" else 0.0
    text = {
        "none": _("No picture"),
        "queued": _("Queued"),
        "running": _("Being made, {percent} %", percent=round(progress * 100)),
        "done": _("Ready to play"),
        "failed": _("Could not be made"),
    }[state]
    left_s = remaining_s(job) if job is not None else None
    if left_s is not None:
        left = length(left_s) if left_s >= 3600 else f"{int(left_s) // 60}:{int(left_s) % 60:02d}"
        text = _("Being made, {percent} %, about {left} left", percent=round(progress * 100), left=left)
    return {
        "state": state,
        "progress": round(progress, 3),
        "text": text,
        "error": job.error if job is not None and state == "failed" else "",
    }


def verified(recording: Recording, words: Catalogue) -> Json:
    """The last verdict for the list: {"family", "icon", "text"}."""
    _ = words.gettext
    if recording.verified_ok is None:
        return {"family": "hollow", "icon": "shield", "text": _("Not checked yet")}
    if recording.verified_ok:
        return {"family": "well", "icon": "shield-check", "text": _("Intact")}
    return {"family": "danger", "icon": "alert", "text": _("Problems found")}


def names_in(subject: str) -> str:
    """The names in the subject of a certificate (RFC 4514) as people write them, the closest first; as it is where it is none."""
    try:
        return " · ".join(str(attribute.value) for attribute in reversed(list(Name.from_rfc4514_string(subject))))
    except ValueError:
        return subject


def seal(recording: Recording, words: Catalogue, stamps: bool) -> tuple[Json, ...]:
    """Whether it is sealed, signed, time-stamped: for each {"family", "icon", "text", "at", "more"}; `at`: a time to be said behind it."""
    _ = words.gettext
    empty: Json = {"family": "hollow", "icon": "shield", "at": None, "more": ""}
    sealed = empty | {"family": "well", "icon": "lock", "text": _("Sealed"), "at": recording.sealed_at}
    spoilt: tuple[Json, ...] = ()
    if recording.spoilt:
        named = _(", ").join(recording.spoilt[:MOST_NAMED])
        spoilt = (empty | {"family": "danger", "icon": "alert", "text": _("Spoilt files"), "at": recording.spoilt_at, "more": named},)
    signed = empty | {"text": _("Not signed")}
    if recording.signed_by:
        signed |= {"family": "well", "icon": "shield-check", "text": _("Signed"), "more": names_in(recording.signed_by)}
    stamped = empty | {"icon": "clock", "text": _("No time-stamp")}
    if recording.stamped_at is not None:
        stamped |= {"family": "well", "text": _("Time-stamped"), "at": recording.stamped_at, "more": names_in(recording.stamp_by)}
    elif stamps:
        stamped |= {"family": "warning", "text": _("Waits for its time-stamp"), "more": recording.stamp_error}
    return *spoilt, sealed, signed, stamped


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A recording whose faults nobody has explained yet. `own`: it is for the one who looks."""

    id: str
    title: str
    case_number: str
    chair: str
    asked_at: datetime
    own: bool


async def outstanding(db: Database, user: User) -> list[Outstanding]:
    """What waits for an explanation: a clerk's list, or what one is asked for himself."""
    return [
        Outstanding(
            sitting.id,
            sitting.title,
            sitting.case.number,
            next((person.name for person in sitting.participants if person.presides), ""),
            explanation.asked_at,
            explanations.presides(user, sitting),
        )
        for explanation, sitting in await explanations.outstanding(db, user)
    ]


def explained(explanation: Explanation | None, words: Catalogue) -> Json | None:
    """The mark of a recording that has faults: {"family", "icon", "text"}; None where it has none."""
    _ = words.gettext
    if explanation is None:
        return None
    if explanation.signed_at is None:
        return {"family": "warning", "icon": "alert", "text": _("{n} faults, not explained yet", n=explanation.faults)}
    text = _("{n} faults, explained by {who}", n=explanation.faults, who=explanation.signed_by)
    return {"family": "note", "icon": "document", "text": text}


def length(seconds: float) -> str:
    """1:02:41"""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def size(count: float) -> str:
    """Bytes in decimal units, as disks are sold: 412 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit in ("B", "kB") or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("not reached")
