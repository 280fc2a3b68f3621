"""What happened to a booking, from the audit log: who, when, what was changed from what to what, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, text

from dispatch.store import postgresql
from dispatch.store.resources import MEANS
from dispatch.store.tables import AuditRow, Participant, Resource, Sitting, SittingApart

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database
    from dispatch.store.site import Site

PLACE = ("starts", "ends", "room", "rooms")
"""What a move changes; everything else is changed by hand."""
PROTECTED = ("minors", "guardians", "apart")
"""What shows who is protected from whom; nobody reads it who does not keep the booking."""
FIELDS = (*PLACE, "equipment", "case", "title", "people", *PROTECTED)
"""What a history tells the changes of, in this order."""
LISTED = " · "
"""Between several things in one text of the log. No name has it with both spaces but by malice, which harms no more than that."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One thing that became different. `field` is one of FIELDS; texts are as they were written then, "" for nothing. Of people they
    are "<role>=<name>", several with LISTED between them: those who left, and those who joined. Of guardians they are
    "<guardian> → <whom he guards>", and of who must not see or hear whom "<name> ↔ <name>"."""

    field: str
    former: str
    latter: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `action`: a word of the audit log; `reason`: why, where one was given; `overridden`: rules that it went against."""

    id: str
    at: datetime
    actor: str
    action: str
    reason: str
    overridden: str
    changes: tuple[Changed, ...]


async def facts(session: AsyncSession, site: Site, sitting: Sitting, resources: Sequence[Resource] | None = None) -> dict[str, str]:
    """Inside a transaction: what a history would tell of the sitting as it is now. `resources`: what it holds, where that is not yet
    what the objects say."""
    held = resources if resources is not None else [hold.resource for hold in sitting.booking.holds]
    names = {kind: [each.name for each in held if each.kind == kind] for kind in ("room", *MEANS)}
    return {
        "starts": site.clock(sitting.starts_at),
        "ends": site.clock(sitting.ends_at, sitting.starts_at),
        "room": next(iter(names["room"]), ""),
        "rooms": LISTED.join(names["room"][1:]),
        "equipment": LISTED.join([name for kind in MEANS for name in names[kind]]),
        "case": sitting.case.number,
        "title": sitting.title,
        **await people_facts(session, sitting.id),
    }


async def people_facts(session: AsyncSession, sitting_id: str) -> dict[str, str]:
    """The part of :func:`facts` that is about people."""
    wanted = select(Participant).where(Participant.sitting_id == sitting_id, Participant.removed_at.is_(None))
    people = list(await session.scalars(wanted.order_by(Participant.position, Participant.id)))
    names = {person.id: person.name for person in people}
    pairs = await session.execute(select(SittingApart.one_id, SittingApart.other_id).where(SittingApart.sitting_id == sitting_id))
    # In the order of the people, whatever their ids are.
    apart = sorted(sorted((each for each in pair), key=list(names).index) for pair in pairs if names.keys() >= set(pair))
    return {
        "people": LISTED.join(f"{person.role}={person.name}" for person in people),
        "minors": LISTED.join(person.name for person in people if person.minor),
        "guardians": LISTED.join(f"{person.name} → {names[person.guards_id]}" for person in people if person.guards_id in names),
        "apart": LISTED.join(f"{names[one]} ↔ {names[other]}" for one, other in apart),
    }


def differences(before: Mapping[str, str], after: Mapping[str, str], fields: Sequence[str]) -> dict[str, Any]:
    """What an audit row keeps of a change: {"changed": {field: [former, latter]}}, or nothing where nothing differs."""
    found: dict[str, list[str]] = {}
    for field in fields:
        former, latter = before[field], after[field]
        if field == "people":
            left, joined = former.split(LISTED), latter.split(LISTED)
            former = LISTED.join(each for each in left if each not in joined)
            latter = LISTED.join(each for each in joined if each not in left)
        if former != latter:
            found[field] = [former, latter]
    return {"changed": found} if found else {}


async def of(db: Database, sitting_id: str) -> list[Entry]:
    """Everything that the audit log has of the sitting, the newest first."""
    async with db.reader() as session:
        on_postgresql = postgresql.is_postgresql(session)
        # Word for word as the index has it (migration 0015).
        mine = "(detail ->> 'sitting') = :sitting" if on_postgresql else "json_extract(detail, '$.sitting') = :sitting"
        wanted = select(AuditRow).where(text(mine).bindparams(sitting=sitting_id)).order_by(AuditRow.seq.desc())
        return [_entry(row) for row in await session.scalars(wanted)]


def _entry(row: AuditRow) -> Entry:
    detail = row.detail
    changed = detail.get("changed", {})
    if row.action == "sitting_booked" or (row.action == "sitting_moved" and not changed):
        # Of a booking all is new; a move that was written before former values were kept still says where to.
        changed = {field: ["", str(detail[field])] for field in (*PLACE, "equipment") if detail.get(field)}
    elif row.action == "sitting_extended" and not changed:
        changed = {"ends": ["", str(detail.get("ends", ""))]}
    elif row.action in ("participant_added", "participant_removed"):
        name = f"{detail.get('role', '')}={row.subject.rpartition(' ')[2]}"
        changed = changed | {"people": ["", name] if row.action == "participant_added" else [name, ""]}
    return Entry(
        id=str(row.seq),
        at=row.at,
        actor=row.actor,
        action=row.action,
        reason=str(detail.get("reason", "") or detail.get("override_reason", "")),
        overridden=str(detail.get("overridden", "")),
        changes=tuple(Changed(field, *changed[field]) for field in FIELDS if field in changed),
    )
