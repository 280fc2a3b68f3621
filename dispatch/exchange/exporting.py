"""Sittings as a file: a list (CSV, XLSX) that can be read in again, or a calendar."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select

from dispatch import audit
from dispatch.booking.draft import draft_of, normal_case_number
from dispatch.exchange.columns import COLUMNS, guarded
from dispatch.notices.calendar import uid_of, written
from dispatch.notices.feeds import entries
from dispatch.sittings.withheld import IN_SIGHT
from dispatch.store.tables import Booking, Case, Hold, Sitting, User

if TYPE_CHECKING:
    from sqlalchemy import Select

    from dispatch.notices.letters import Gettext
    from dispatch.store.database import Database

Kind = Literal["csv", "xlsx", "ics"]
MEDIA_TYPES: dict[str, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ics": "text/calendar",
}
MOST = 5000
_WIDTHS = {"title": 40, "case_title": 40, "participants": 60, "guardians": 30, "apart": 30, "case_number": 28, "key": 38}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sittings: those that begin in [`begin`, `end`), of a room, in one of the statuses, of a case. Empty asks for nothing."""

    begin: datetime
    end: datetime
    room_id: str = ""
    statuses: Collection[str] = ()
    case_number: str = ""

    def rows(self) -> Select[Sitting]:
        """In order of their start."""
        found = select(Sitting).where(IN_SIGHT, Sitting.starts_at >= self.begin, Sitting.starts_at < self.end)
        if self.room_id:
            held = select(Booking.sitting_id).join(Hold, Hold.booking_id == Booking.id).where(Hold.resource_id == self.room_id)
            found = found.where(Sitting.id.in_(held))
        if self.statuses:
            found = found.where(Sitting.status.in_(self.statuses))
        if self.case_number:
            found = found.where(Sitting.case_id.in_(select(Case.id).where(Case.number == normal_case_number(self.case_number))))
        return found.order_by(Sitting.starts_at, Sitting.id)


@dataclass(frozen=True, slots=True)
class Exported:
    """A file, and what tells it from another one: the same sittings give the same `digest`, whenever they are taken out."""

    body: bytes
    digest: str


async def export(
    db: Database, kind: Kind, wanted: Wanted, by: User, now: datetime, gettext: Gettext, tag: str, public_url: str
) -> Exported:
    """The wanted sittings, at most :data:`MOST`. An act of the audit log: it carries names, telephone numbers and addresses out of the
    system."""
    async with db.reader() as session:
        sittings = list(await session.scalars(wanted.rows().limit(MOST)))
    detail = {"kind": kind, "sittings": len(sittings), "from": db.site.clock(wanted.begin), "until": db.site.clock(wanted.end)}
    await audit.record(db, by, "sittings_exported", kind, detail=detail, now=now)
    if kind == "ics":
        body = written("PUBLISH", entries(sittings, gettext, public_url, english=tag == "en"), db.site.zone)
        return Exported(body, hashlib.sha256(body).hexdigest())
    lines = [_heading(tag), *(_line(sitting, db.site.zone, gettext) for sitting in sittings)]
    listed = _csv(lines)  # a workbook has the time at which it was made in it
    body = written_table(kind, lines, [_WIDTHS.get(name, 14) for name in COLUMNS])
    return Exported(body, hashlib.sha256(kind.encode() + listed).hexdigest())


def written_table(kind: Kind, lines: Sequence[Sequence[str]], widths: Sequence[int]) -> bytes:
    """A table as CSV or XLSX, its first line the heading; no cell is taken for a formula. `widths`: of the columns, in characters."""
    return _csv(lines) if kind == "csv" else _xlsx(lines, widths)


def _heading(tag: str) -> list[str]:
    return [words[1 if tag == "en" else 0] for words in COLUMNS.values()]


def _line(sitting: Sitting, zone: ZoneInfo, gettext: Gettext) -> list[str]:
    starts, ends, draft = sitting.starts_at.astimezone(zone), sitting.ends_at.astimezone(zone), draft_of(sitting)
    names = {person.user_id: person.name for person in sitting.participants if person.user_id}
    names_of = {person.id: person.name for person in sitting.participants}
    people = [
        "|".join(apart(text) for text in (row.name, gettext(f"role.{row.role}"), row.phone, row.email, row.seat))
        for row in draft.participants
    ]
    return [
        uid_of(sitting.id),
        gettext(f"kind.{sitting.kind}"),
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
        "; ".join(apart(person.name) for person in sitting.participants if person.minor),
        "; ".join(f"{apart(p.name)}|{apart(names_of[p.guards_id])}" for p in sitting.participants if p.guards_id in names_of),
        "; ".join(
            f"{apart(names_of[pair.one_id])}|{apart(names_of[pair.other_id])}"
            for pair in sitting.apart
            if {pair.one_id, pair.other_id} <= names_of.keys()
        ),
        draft.override_reason,
        gettext(f"status.{sitting.status}"),
    ]


def apart(text: str) -> str:
    """A text without the signs that part people and their fields in one cell."""
    return text.replace("|", " ").replace(";", ",").replace("；", "，").replace("｜", " ")


def _csv(lines: Sequence[Sequence[str]]) -> bytes:
    """With the mark by which Excel knows UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([guarded(cell) for cell in line] for line in lines)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _xlsx(lines: Sequence[Sequence[str]], widths: Sequence[int]) -> bytes:
    import openpyxl  # 0.4 s that the start of a server need not wait for
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

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
