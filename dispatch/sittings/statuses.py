"""The status of a sitting: which changes are allowed, and its projection from the event log.

The log decides (docs/architecture.md, "An event"); the row in SQL follows it, row by row, so that bookings and lists can
be asked of one database. A row that was projected already is skipped: projecting again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog

from dispatch.archive import catalogue
from dispatch.booking import holds, rebooking
from dispatch.notices import outbox, webhooks
from dispatch.sittings.moments import moment
from dispatch.store.tables import Participant, Sitting
from rooms.procedure import BRIEF_COURT

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database
    from rooms.log import Row

log = structlog.get_logger("sittings")

ALLOWED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "planned": frozenset({"open", "cancelled"}),
        "open": frozenset({"live", "closed", "cancelled"}),
        "live": frozenset({"recess", "closed"}),
        "recess": frozenset({"live", "closed"}),
        "closed": frozenset(),
        "cancelled": frozenset(),
    }
)
"""status → those that may follow. A closed or cancelled sitting stays what it is."""


PROJECTED = frozenset({"conference_opened", "conference_cancelled", "stage_changed", "consented", "device_checked", "sealed", "rebooked"})
"""Types of rows that change anything in SQL."""


TOLD: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("planned", "cancelled"): "sitting.cancelled",
        ("open", "cancelled"): "sitting.cancelled",
        ("open", "live"): "sitting.opened",
        ("open", "closed"): "sitting.closed",
        ("live", "closed"): "sitting.closed",
        ("recess", "closed"): "sitting.closed",
    }
)
"""Changes of the status that other programs are told of."""


def status_after(kind: str, row: Row) -> str | None:
    """The status that a row brings, None when it brings none."""
    if row.type == "conference_opened":
        return "open"
    if row.type == "conference_cancelled":
        return "cancelled"
    if row.type == "stage_changed":
        if "status" in row.data:
            return str(row.data["status"])
        # A log of before: there was one version of one kind.
        stage = BRIEF_COURT.stages.get(row.data["to"])
        return stage.status if stage is not None else None
    return None


async def project(db: Database, row: Row) -> None:
    """Bring one row of a sitting's log into SQL; see :func:`project_rows`."""
    await project_rows(db, row.sitting, [row])


async def project_rows(db: Database, sitting_id: str, rows: Sequence[Row]) -> None:
    """Bring rows of one sitting's log, in order, into SQL in one transaction. Rows that were projected before are skipped, and
    so are rows of a sitting that SQL does not know."""
    async with db.writer() as session:
        sitting = await session.get(Sitting, sitting_id)
        if sitting is None:
            return
        for row in rows:
            if row.seq > sitting.log_seq:
                former = sitting.status
                await _apply(session, sitting, row)
                sitting.log_seq = row.seq
                if (event := TOLD.get((former, sitting.status))) is not None:
                    await webhooks.note(session, event, sitting, moment(row.at_us))
        if sitting.status == "cancelled":
            await outbox.settle(session, db, sitting, moment(rows[-1].at_us))


async def _apply(session: AsyncSession, sitting: Sitting, row: Row) -> None:
    status = status_after(sitting.kind, row)
    if status is not None and status != sitting.status:
        await _change(session, sitting, status, row)
    elif row.type == "consented":
        _consented(await _participant(session, sitting, row), row)
    elif row.type == "device_checked":
        _checked(await _participant(session, sitting, row), row)
    elif row.type == "rebooked":
        await rebooking.keep(session, sitting, moment(row.data["receipt_at_us"]), moment(row.at_us))
    elif row.type == "sealed":
        await catalogue.add(session, sitting, row)


async def _change(session: AsyncSession, sitting: Sitting, status: str, row: Row) -> None:
    if status not in ALLOWED[sitting.status]:
        log.warning("status_change_refused", sitting=sitting.id, seq=row.seq, former=sitting.status, latter=status)
        return
    sitting.status = status
    if status == "live" and sitting.opened_at is None:
        sitting.opened_at = moment(row.at_us)
    if status == "closed":
        sitting.closed_at = moment(row.at_us)
    for booking in sitting.bookings:
        if status == "cancelled":
            booking.state = "cancelled"
        elif status == "live" and booking.state in ("tentative", "requested"):
            booking.state = "confirmed"  # it takes place: there is nothing left to decide
        if status in ("closed", "cancelled"):
            await holds.release(session, booking)
    if status == "cancelled":
        sitting.cancel_reason = sitting.cancel_reason or str(row.data["reason"])[:200]
        sitting.revise(moment(row.at_us))


async def _participant(session: AsyncSession, sitting: Sitting, row: Row) -> Participant | None:
    found = await session.get(Participant, row.data["participant"])
    return found if found is not None and found.sitting_id == sitting.id else None


def _consented(participant: Participant | None, row: Row) -> None:
    # A consent given before the conference opened is in the log with the time of its opening; the first one counts.
    if participant is not None and participant.consented_at is None:
        participant.consented_at = moment(row.at_us)
        participant.consent_version = row.data["version"][:20]
        participant.consent_sha256 = row.data["text_sha256"][:64]
        participant.consent_device = row.data["device"][:200]


def _checked(participant: Participant | None, row: Row) -> None:
    if participant is None:
        return
    # Likewise: a check made before the opening keeps its own time.
    if participant.device_check != row.data["result"]:
        participant.device_check, participant.device_checked_at = dict(row.data["result"]), moment(row.at_us)
