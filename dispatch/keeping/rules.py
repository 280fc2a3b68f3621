"""The rules of keeping. Pure: whoever asks brings the day, the moment and what is known of a recording.

Litigation archives are kept for good, long or short: for ever, 60 or 30 years (provisions on the retention of litigation archives
of the people's procuratorates, 1986, article 1, and of the people's courts, 2013, article 3; measures on litigation archives of the
people's procuratorates, 2016). Which class a kind of sitting has is the unit's own table; the defaults here are cautious, ten years
are for what is no litigation. Nothing is destroyed because its time is over: it comes onto a list that people decide on (鉴定), one
of whom proposes and another approves; a hold is stronger than either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from dispatch.errors import Forbidden, Refused, UserError

CLASSES: Mapping[str, int | None] = {"permanent": None, "years_60": 60, "years_30": 30, "years_10": 10}
"""Retention class → years; None: for ever."""
DEFAULTS: Mapping[str, str] = {
    "remote_court": "permanent",
    "petition_intake": "years_30",
    "public_hearing": "years_60",
    "round_table": "years_30",
    "remote_interrogation": "permanent",
}
"""Kind of sitting → class, where no administrator has said another. Migration 0029 has the same."""
STRICTEST = "permanent"

APPROVE, SEALED, HOLDS = "approve", "sealed", "holds"
POWERS = (APPROVE, SEALED, HOLDS)
"""What is given to a person by name: to approve destructions, to look at and open sealed juvenile records, to lift holds of others."""

NEXT: Mapping[str, frozenset[str]] = {
    "proposed": frozenset({"approved", "stopped"}),
    "approved": frozenset({"under_way", "stopped"}),
    "under_way": frozenset({"done"}),
    "done": frozenset(),
    "stopped": frozenset(),
}
"""States of a destruction, and which may follow. Once it is under way something is gone already: it can only be finished."""
OPEN = frozenset({"proposed", "approved", "under_way"})

LOOK = timedelta(hours=1)
"""How long a sealed juvenile record stays open to the one who stated a ground."""
LONGEST_TEXT = 400
LONGEST_REFERENCE = 80


@dataclass(frozen=True, slots=True)
class Kept:
    """What the rules ask of one recording. `since`: the local day from which its time counts; `holds`: how many are in force;
    `destroying`: its files are being removed."""

    retention: str
    since: date
    holds: int = 0
    destroying: bool = False
    destroyed: bool = False


@dataclass(frozen=True, slots=True)
class Proposed:
    """A destruction as far as the rules go: who proposed and who approved (ids, "" while nobody has), whether a court's order takes the
    place of expiry, and from when it may be carried out."""

    proposed_by: str
    order: bool = False
    state: str = "proposed"
    approved_by: str = ""
    due_at: datetime | None = None


def default_of(kind: str, own: Mapping[str, str]) -> str:
    """The class of a new recording of this kind of sitting; `own`: what the unit's administrator has set."""
    return own.get(kind) or DEFAULTS.get(kind, STRICTEST)


def expires_on(kept: Kept) -> date | None:
    """The first day on which its time is over; None: never. 29 February is followed by 1 March in years that have none."""
    years = CLASSES[kept.retention]
    if years is None:
        return None
    year = kept.since.year + years
    if year > date.max.year:
        return None
    try:
        return kept.since.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def is_due(kept: Kept, today: date) -> bool:
    """Whether it is to be looked at (鉴定): its time is over, and it is still there."""
    day = expires_on(kept)
    return not kept.destroyed and day is not None and day <= today


def why_not(kept: Kept, today: date, *, order: bool) -> str:
    """What forbids its destruction today, "" where nothing does: "already_destroyed", "on_hold", "not_expired". A hold is stronger than
    an order too: it has to be lifted first, by whoever may."""
    if kept.destroyed:
        return "already_destroyed"
    if kept.holds:
        return "on_hold"
    if not order and not is_due(kept, today):
        return "not_expired"
    return ""


def propose(by: str, kept: Iterable[Kept], today: date, *, order: bool) -> Proposed:
    """A list is proposed. Raises Refused with the first code of :func:`why_not`, or "nothing_listed"."""
    listed = list(kept)
    if not listed:
        raise Refused("nothing_listed")
    for each in listed:
        if why := why_not(each, today, order=order):
            raise Refused(why)
    return Proposed(by, order)


def approve(found: Proposed, by: str, now: datetime, wait: timedelta) -> Proposed:
    """Another one approves; it may be carried out when `wait` is over. Raises Refused "destruction_settled", "destruction_own"."""
    _must_lead(found, "approved")
    if by == found.proposed_by:
        raise Refused("destruction_own")
    return replace(found, state="approved", approved_by=by, due_at=now + wait)


def stop(found: Proposed, by: str, *, may_approve: bool) -> Proposed:
    """Either of the two stops it, or before it is approved whoever could have approved it.
    Raises Refused "destruction_settled", "destruction_begun"; Forbidden "destruction_not_yours"."""
    if found.state == "under_way":
        raise Refused("destruction_begun")
    _must_lead(found, "stopped")
    if by not in (found.proposed_by, found.approved_by) and not (may_approve and found.state == "proposed"):
        raise Forbidden("destruction_not_yours")
    return replace(found, state="stopped")


def is_ready(found: Proposed, now: datetime) -> bool:
    """Whether it may be carried out now: two people said so, and the time to think again is over."""
    two = bool(found.approved_by) and found.approved_by != found.proposed_by
    return found.state == "approved" and two and found.due_at is not None and found.due_at <= now


def begin(found: Proposed, now: datetime) -> Proposed:
    """It is carried out from here on. Raises Refused("destruction_not_ready")."""
    if not is_ready(found, now):
        raise Refused("destruction_not_ready")
    return replace(found, state="under_way")


def finish(found: Proposed) -> Proposed:
    """All that was listed is destroyed or kept. Raises Refused("destruction_settled")."""
    _must_lead(found, "done")
    return replace(found, state="done")


def must_be_holdable(kept: Kept) -> None:
    """A hold can be placed on what is there. Raises Refused "already_destroyed", "being_destroyed"."""
    if kept.destroyed:
        raise Refused("already_destroyed")
    if kept.destroying:
        raise Refused("being_destroyed")


def may_lift(placed_by: str, by: str, powers: Iterable[str]) -> bool:
    """Whoever placed a hold lifts it, and who was given the power to lift those of others."""
    return placed_by == by or HOLDS in set(powers)


def stated(text: str, field: str, longest: int = LONGEST_TEXT) -> str:
    """A reason or reference as it is kept, on one line. Raises UserError at `field`: "reason_missing", "too_long"."""
    found = " ".join(text.split())
    if not found:
        raise UserError("reason_missing", field)
    if len(found) > longest:
        raise UserError("too_long", field, most=longest)
    return found


def a_class(retention: str) -> str:
    """The class, if there is one of that name. Raises UserError("retention_unknown")."""
    if retention not in CLASSES:
        raise UserError("retention_unknown", "retention")
    return retention


def _must_lead(found: Proposed, state: str) -> None:
    if state not in NEXT[found.state]:
        raise Refused("destruction_settled")
