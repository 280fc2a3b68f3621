"""The record of a roll-call as a table, for files; who took it out is in the audit."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dispatch import audit
from dispatch.console.roll_call.calls import roll_of
from dispatch.console.roll_call.rules import Line
from dispatch.console.situation import Words
from dispatch.exchange.exporting import written_table

if TYPE_CHECKING:
    from typing import Literal

    from dispatch.store.database import Database
    from dispatch.store.roll_call_tables import RollCallRow
    from dispatch.store.tables import User

WIDTHS = (6, 30, 10, 8, 12, 12, 14, 24)


def table(row: RollCallRow, zone: ZoneInfo, _: Words) -> list[list[str]]:
    """A heading and a line for everybody on it, in order."""
    heading = (_("No."), _("Called"), _("Result"), _("Calls"), _("Called at"), _("Answered at"), _("Day"), _("How"))
    day = f"{row.started_at.astimezone(zone):%Y-%m-%d}"
    lines = [list(heading)]
    for number, line in enumerate(roll_of(row).lines, 1):
        called, answered = clock(line.called_at, zone), clock(line.answered_at, zone)
        shown = (line.name, _(f"roll_call.{line.standing}"), str(line.tries), called, answered, day, how(line, _))
        lines.append([str(number), *shown])
    return lines


def clock(moment: datetime | None, zone: ZoneInfo) -> str:
    """A moment to the second; nothing where there is none."""
    return f"{moment.astimezone(zone):%H:%M:%S}" if moment else ""


def how(line: Line, _: Words) -> str:
    """How somebody answered, or by whom he was marked."""
    return _(f"roll_call.by_{line.how}", name=line.by) if line.how else ""


def file_name(row: RollCallRow, kind: str, zone: ZoneInfo) -> str:
    """Under which name it is kept."""
    return f"roll-call-{row.started_at.astimezone(zone):%Y-%m-%d}.{kind}"


async def taken_out(
    db: Database, row: RollCallRow, kind: Literal["csv", "xlsx"], by: User, now: datetime, zone: ZoneInfo, _: Words
) -> bytes:
    """The record as a file, and a row in the audit that it was taken out."""
    body = written_table(kind, table(row, zone, _), WIDTHS)
    async with db.writer() as session:
        await audit.write(session, by, "roll_call_taken_out", row.name, detail={"roll_call": row.id, "kind": kind}, now=now)
    return body
