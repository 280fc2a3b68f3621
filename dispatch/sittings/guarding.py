"""What one participant's change means for minors, their guardians and who is kept from whom in a sitting that is booked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatch.booking import allowed, protection
from dispatch.booking.draft import LONGEST_REASON, rows_of
from dispatch.errors import FieldError, ValidationFailed
from dispatch.typed import tidy

if TYPE_CHECKING:
    from dispatch.booking.draft import SittingDraft
    from dispatch.booking.participant_draft import ParticipantDraft
    from dispatch.booking.roles import Procedures
    from dispatch.store.tables import Sitting


def check(
    sitting: Sitting,
    former: SittingDraft,
    latter: SittingDraft,
    word: str,
    override_reason: str,
    found: list[FieldError],
    versions: Procedures,
) -> dict[str, str]:
    """What the audit row says of the rule that is overridden. `word`: who is added or changed, "" where somebody is taken out; `found`:
    what is wrong already; `versions`: those in force, which say who may be guarded.

    Raises ValidationFailed with `found` and whatever becomes wrong: of himself at "minor" and "guards", of another by what his role
    becomes at "role"; where a minor loses his guardian, or comes without, and no reason says why, at "override_reason".
    """
    before, after = rows_of(former, versions), rows_of(latter, versions)
    first = len(after) - len(latter.participants)
    own = next((number for number, row in enumerate(latter.participants) if word and word in protection.words_of(row)), None)
    was = {code for _, code, _ in protection.problems(before, former.apart, len(before) - len(former.participants), sitting.kind, versions)}
    for field, code, data in protection.problems(after, latter.apart, first, sitting.kind, versions):
        if own is not None and field.startswith(f"participants.{own}."):
            found.append((field.rpartition(".")[2], code, data))
        elif code not in was and own is not None:
            found.append(("role", code, data))
    if word and sitting.status != "planned" and protection.differs(before, former.apart, after, latter.apart):
        found.append(("guards", "apart_open", {}))
    if found:
        raise ValidationFailed(found)
    if len(tidy(override_reason)) > LONGEST_REASON:
        raise ValidationFailed([(allowed.FIELD, "too_long", {"most": LONGEST_REASON})])
    reason = allowed.reason_for(allowed.unguarded(after, before), override_reason)
    if not reason:
        return {}
    sitting.booking.override_reason = reason
    return {"overridden": protection.UNGUARDED, "override_reason": reason}


def guarded(sitting: Sitting, row: ParticipantDraft) -> str:
    """The id of the participant whom a row that was checked guards, "" for nobody."""
    return row.guards if any(person.id == row.guards for person in sitting.participants) else ""


def pairs(sitting: Sitting) -> set[protection.Pair]:
    """Who must not see or hear whom, by the ids of participants."""
    return {(pair.one_id, pair.other_id) for pair in sitting.apart}
