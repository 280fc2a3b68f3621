"""Sittings as a file: a list (CSV, XLSX) that can be read in again, or a calendar."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import openpyxl
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from sqlalchemy import select

from dispatch import audit
from dispatch.booking.draft import draft_of
from dispatch.exchange.columns import COLUMNS, guarded
from dispatch.notices.calendar import uid_of, written
from dispatch.notices.feeds import entries
from dispatch.store.tables import Booking, Hold, Sitting, User

if TYPE_CHECKING:
    from dispatch.notices.letters import Gettext
    from dispatch.store.database import Database

Kind = Literal["csv", "xlsx", "ics"]
MEDIA_TYPES: dict[str, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ics": "text/calendar",
}
MOST = 5000
_WIDTHS = {"title": 40, "case_title": 40, "participants": 60, "case_number": 28, "key": 38}


async def export(
    db: Database,
    kind: Kind,
    begin: datetime,
    end: datetime,
    room_id: str,
    by: User,
    now: datetime,
    gettext: Gettext,
    tag: str,
    public_url: str,
) -> bytes:
    """The sittings that begin in [`begin`, `end`), of one room or all, at most :data:`MOST`. An act of the audit log: it carries names,
    telephone numbers and addresses out of the system."""
    wanted = select(Sitting).where(Sitting.starts_at >= begin, Sitting.starts_at < end)
    if room_id:
        held = select(Booking.sitting_id).join(Hold, Hold.booking_id == Booking.id).where(Hold.resource_id == room_id)
        wanted = wanted.where(Sitting.id.in_(held))
    async with db.reader() as session:
        sittings = list(await session.scalars(wanted.order_by(Sitting.starts_at, Sitting.id).limit(MOST)))
    detail = {"kind": kind, "sittings": len(sittings), "from": db.site.clock(begin), "until": db.site.clock(end)}
    await audit.record(db, by, "sittings_exported", kind, detail=detail, now=now)
    if kind == "ics":
        return written("PUBLISH", entries(sittings, gettext, public_url, english=tag == "en"), db.site.zone)
    lines = [_heading(tag), *(_line(sitting, db.site.zone, gettext) for sitting in sittings)]
    return written_table(kind, lines, [_WIDTHS.get(name, 14) for name in COLUMNS])


def written_table(kind: Kind, lines: Sequence[Sequence[str]], widths: Sequence[int]) -> bytes:
    """A table as CSV or XLSX, its first line the heading; no cell is taken for a formula. `widths`: of the columns, in characters."""
    return _csv(lines) if kind == "csv" else _xlsx(lines, widths)


def _heading(tag: str) -> list[str]:
    return [words[1 if tag == "en" else 0] for words in COLUMNS.values()]


def _line(sitting: Sitting, zone: ZoneInfo, gettext: Gettext) -> list[str]:
    starts, ends, draft = sitting.starts_at.astimezone(zone), sitting.ends_at.astimezone(zone), draft_of(sitting)
    names = {person.user_id: person.name for person in sitting.participants if person.user_id}
    people = [
        "|".join(_apart(text) for text in (row.name, gettext(f"role.{row.role}"), row.phone, row.email, row.seat))
        for row in draft.participants
    ]
    return [
        uid_of(sitting.id),
        sitting.case.number,
        sitting.case.title,
        sitting.title,
        f"{starts:%Y-%m-%d}",
        f"{starts:%H:%M}",
        f"{ends:%H:%M}",
        "; ".join(room.name for room in sitting.rooms),
        names.get(draft.chair_id, ""),
        names.get(draft.clerk_id, ""),
        names.get(draft.prosecutor_id, ""),
        "; ".join(people),
        draft.override_reason,
        gettext(f"status.{sitting.status}"),
    ]


def _apart(text: str) -> str:
    """Without the signs that part people and their fields in one cell."""
    return text.replace("|", " ").replace(";", ",").replace("；", "，").replace("｜", " ")


def _csv(lines: Sequence[Sequence[str]]) -> bytes:
    """With the mark by which Excel knows UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([guarded(cell) for cell in line] for line in lines)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _xlsx(lines: Sequence[Sequence[str]], widths: Sequence[int]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    if sheet is None:
        raise RuntimeError("a new workbook has a sheet")
    for number, line in enumerate(lines, 1):
        for place, text in enumerate(line, 1):
            cell = sheet.cell(number, place)
            cell.value = "".join(_printable(guarded(text)))
            cell.data_type = "s"  # a text, whatever it begins with
            if number == 1:
                cell.font = Font(bold=True)
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.freeze_panes = "A2"
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _printable(text: str) -> Iterator[str]:
    """XML 1.0 takes no other control characters."""
    return (sign for sign in text if sign in "\t\n\r" or ord(sign) >= 32)
