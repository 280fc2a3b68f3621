"""What the rules ask of recordings, read inside a transaction: class, day, holds, and whether they are being destroyed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select

from dispatch.keeping import rules
from dispatch.keeping.rules import Kept
from dispatch.store.archive_tables import Recording
from dispatch.store.keeping_tables import DestructionItem, Keeping, LegalHold, RetentionDefault
from dispatch.store.tables import Sitting

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Standing:
    """A recording with what is kept of it. `row`: None where nobody has said anything of it yet."""

    recording: Recording
    row: Keeping | None
    kept: Kept

    @property
    def expires_on(self) -> date | None:
        """The first day on which its time is over; None: never."""
        return rules.expires_on(self.kept)


async def of(session: AsyncSession, recordings: Collection[Recording], zone: ZoneInfo) -> list[Standing]:
    """The standing of each, in the same order."""
    ids = [recording.sitting_id for recording in recordings]
    rows = {row.sitting_id: row for row in await session.scalars(select(Keeping).where(Keeping.sitting_id.in_(ids)))}
    own = await defaults(session)
    holds = await _holds(session, ids)
    begun = select(DestructionItem.sitting_id).where(DestructionItem.sitting_id.in_(ids), DestructionItem.state == "begun")
    destroying = set(await session.scalars(begun))
    found = []
    for recording in recordings:
        row, sitting = rows.get(recording.sitting_id), recording.sitting
        sealed = recording.sealed_at or sitting.closed_at or sitting.ends_at
        kept = Kept(
            retention=row.retention if row is not None else rules.default_of(sitting.kind, own),
            since=(row.counted_from if row is not None else None) or sealed.astimezone(zone).date(),
            holds=holds[recording.sitting_id],
            destroying=recording.sitting_id in destroying,
            destroyed=recording.destroyed_at is not None,
        )
        found.append(Standing(recording, row, kept))
    return found


async def defaults(session: AsyncSession) -> dict[str, str]:
    """Which class the administrator gave to which kind of sitting."""
    return {row.kind: row.retention for row in await session.scalars(select(RetentionDefault))}


async def _holds(session: AsyncSession, ids: Collection[str]) -> Counter[str]:
    """How many holds are in force on each, those on its whole case too."""
    on_it = or_(LegalHold.sitting_id == Sitting.id, LegalHold.case_id == Sitting.case_id)
    wanted = select(Sitting.id).join(LegalHold, and_(on_it, LegalHold.lifted_at.is_(None))).where(Sitting.id.in_(ids))
    return Counter(await session.scalars(wanted))
