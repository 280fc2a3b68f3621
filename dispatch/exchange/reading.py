"""Reads a list of sittings (CSV, XLSX) or a calendar (iCalendar) into rows of texts. Nothing in a file is believed; what is too large is
refused before it is unpacked. Pure."""

from __future__ import annotations

import csv
import io
import re
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, use_zoneinfo

from dispatch.errors import UserError
from dispatch.exchange.columns import COLUMNS, NEEDED, name_of, unguarded

MOST_BYTES = 1_000_000
MOST_ROWS = 200
MOST_COLUMNS = 40
LONGEST_CELL = 4000
MOST_UNPACKED_BYTES = 20_000_000
MOST_PARTS = 200
"""Files inside an XLSX, and the bytes that they say they unpack to: 200 rows are far below."""
_CASE_NUMBER = re.compile(r"[（(〔\[]\d{4}[）)〕\]]\S{2,40}?号")


@dataclass(frozen=True, slots=True)
class Row:
    """One sitting as the file has it: texts by the names of the columns. `number` counts as the file does: lines with the heading as 1,
    or entries of a calendar from 1."""

    number: int
    fields: dict[str, str]


def read(data: bytes, name: str, zone: ZoneInfo) -> list[Row]:
    """The rows of a file; `name` tells by its end which kind it is; times of a calendar are put into `zone`.

    Raises UserError at "file": file_large, file_kind, file_encoding, file_shape, file_empty, file_rows, columns_missing.
    """
    if len(data) > MOST_BYTES:
        raise UserError("file_large", "file", most=MOST_BYTES // 1_000_000)
    kind = name.rpartition(".")[2].lower()
    if kind == "ics":
        rows = _calendar(data, zone)
    elif kind == "csv":
        rows = _listed(_csv(data))
    elif kind == "xlsx":
        rows = _listed(_xlsx(data))
    else:
        raise UserError("file_kind", "file", kinds=".csv, .xlsx, .ics")
    return _some(rows)


def read_list(data: bytes, name: str, columns: Mapping[str, tuple[str, str]], needed: Sequence[str]) -> list[Row]:
    """The rows of a list (CSV, XLSX) that has other columns than sittings have. Raises as :func:`read` does."""
    if len(data) > MOST_BYTES:
        raise UserError("file_large", "file", most=MOST_BYTES // 1_000_000)
    kind = name.rpartition(".")[2].lower()
    if kind not in ("csv", "xlsx"):
        raise UserError("file_kind", "file", kinds=".csv, .xlsx")
    return _some(_listed(_csv(data) if kind == "csv" else _xlsx(data), columns, needed))


def _some(rows: list[Row]) -> list[Row]:
    if not rows:
        raise UserError("file_empty", "file")
    if len(rows) > MOST_ROWS:
        raise UserError("file_rows", "file", most=MOST_ROWS)
    return rows


def _listed(
    lines: Iterable[list[str]], columns: Mapping[str, tuple[str, str]] = COLUMNS, needed: Sequence[str] = NEEDED
) -> list[Row]:
    """Lines under a heading that names the columns; empty lines are left out, unknown columns too."""
    names: list[str | None] | None = None
    rows: list[Row] = []
    for number, cells in enumerate(lines, 1):
        cells = [unguarded(cell.strip())[:LONGEST_CELL] for cell in cells[:MOST_COLUMNS]]
        if names is None:
            names = [name_of(cell, columns) for cell in cells]
            missing = ["/".join(columns[column]) for column in needed if column not in names]  # either heading is read
            if missing:
                raise UserError("columns_missing", "file", columns=", ".join(missing))
        elif any(cells):
            rows.append(Row(number, {name: cell for name, cell in zip(names, cells, strict=False) if name is not None}))
            if len(rows) > MOST_ROWS:
                break
    return rows


def _csv(data: bytes) -> Iterator[list[str]]:
    """UTF-8, or GB 18030 as Excel in China writes it; separated by whichever of , ; and tab the heading has most of."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise UserError("file_encoding", "file")
    heading = text.partition("\n")[0]
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=heading.count), strict=True)
    except csv.Error:
        raise UserError("file_shape", "file", wanted="CSV") from None


def _xlsx(data: bytes) -> Iterator[list[str]]:
    """The first sheet. Formulas are not computed: their last values count."""
    import openpyxl  # 0.4 s that the start of a server need not wait for

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            parts = packed.infolist()
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED_BYTES:
            raise UserError("file_large", "file", most=MOST_BYTES // 1_000_000)
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        # What a sheet says of its own size is not believed either.
        for cells in sheet.iter_rows(max_row=MOST_ROWS * 2, max_col=MOST_COLUMNS, values_only=True):
            yield [_text(cell) for cell in cells]
        book.close()
    except UserError:
        raise
    except Exception:  # the library has no error of its own for what is no workbook: KeyError, BadZipFile, ParseError …
        raise UserError("file_shape", "file", wanted="XLSX") from None


def _text(cell: object) -> str:
    """A cell as people see it: dates and times too, which a spreadsheet makes of what looks like them."""
    if isinstance(cell, datetime):
        return f"{cell:%H:%M}" if cell.date() in (date(1899, 12, 30), date(1900, 1, 1)) else f"{cell:%Y-%m-%d}"
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time):
        return f"{cell:%H:%M}"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)


_ZONES = threading.Lock()
_forget_zones: Callable[[], None] = use_zoneinfo


def _calendar(data: bytes, zone: ZoneInfo) -> list[Row]:
    """One row for each event. Who is invited is known by his address; the case number is looked for in title and description."""
    # The library remembers zones that a file describes, by names of the file's own, for the whole process: the next file that describes
    # another zone under such a name ("Customized Time Zone") would be read by the first one's.
    with _ZONES:
        _forget_zones()
        try:
            calendar = Calendar.from_ical(data.decode("utf-8-sig"))
            events = [part for part in calendar.walk("VEVENT") if isinstance(part, Event)]
            return [Row(number, _event(event, zone)) for number, event in enumerate(events[: MOST_ROWS + 1], 1)]
        except UnicodeDecodeError:
            raise UserError("file_encoding", "file") from None
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            raise UserError("file_shape", "file", wanted="iCalendar (RFC 5545)") from None
        finally:
            _forget_zones()


def _event(event: Event, zone: ZoneInfo) -> dict[str, str]:
    summary, description = str(event.get("SUMMARY", "")), str(event.get("DESCRIPTION", ""))
    number = _CASE_NUMBER.search(description) or _CASE_NUMBER.search(summary)
    fields = {
        "key": str(event.get("UID", "")),
        "case_number": number[0] if number else "",
        "case_title": summary,
        "title": summary,
        "room": str(event.get("LOCATION", "")),
        "attendees": ";".join(_invited(event)),
    }
    if event.get("RRULE") is not None or event.get("RECURRENCE-ID") is not None:
        return fields | {"recurring": "yes"}
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        fields["cancelled"] = "yes"
    try:
        starts, ends = _span(event, zone)
    except _Fault as fault:
        return fields | {"fault": fault.code, "fault_text": fault.text}
    return fields | {"day": f"{starts:%Y-%m-%d}", "start": f"{starts:%H:%M}", "end": f"{ends:%H:%M}"}


FAULTS = frozenset(
    {"import_broken", "import_all_day", "import_no_start", "import_no_end", "import_zone", "import_order", "import_days", "import_twice"}
)
"""What can be wrong with the time of a calendar's entry; the field `fault` of its row."""


class _Fault(Exception):
    """An entry's time cannot be taken: a code of :data:`FAULTS`, and what the text of it names."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.text = text[:LONGEST_CELL]


def _span(event: Event, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Start and end by the court's clock. A time without a zone is meant by that clock (RFC 5545 section 3.3.5, form 1). Raises _Fault:
    a list says them by day and clock, which some times cannot be."""
    starts = _moment(event, "DTSTART", zone)
    if starts is None:
        raise _Fault("import_no_start")
    ends = _moment(event, "DTEND", zone)
    if ends is None and (length := _value(event, "DURATION")) is not None:
        # By exact time, not by the clock (RFC 5545 section 3.3.6).
        ends = (starts.astimezone(UTC) + length).astimezone(zone)
    if ends is None:
        raise _Fault("import_no_end")
    took = ends.astimezone(UTC) - starts.astimezone(UTC)
    if took <= timedelta():
        raise _Fault("import_order")
    if took > timedelta(hours=24):
        raise _Fault("import_days")
    if starts.fold or ends.fold:
        raise _Fault("import_twice")
    return starts, ends


def _moment(event: Event, name: str, zone: ZoneInfo) -> datetime | None:
    found = _value(event, name)
    if found is None:
        return None
    if not isinstance(found, datetime):
        raise _Fault("import_all_day")
    if found.tzinfo is None and (named := str(event[name].params.get("TZID", ""))):
        raise _Fault("import_zone", named)  # which the file does not describe, and nobody knows
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(zone)


def _value(event: Event, name: str) -> Any:
    """What a property of an entry says, None where there is none. Raises _Fault where it cannot be read or is there twice."""
    value = event.get(name)
    broken = any(at == name for at, _ in event.errors)
    if broken or isinstance(value, list) or (value is not None and not hasattr(value, "dt" if name != "DURATION" else "td")):
        raise _Fault("import_broken", name)
    return None if value is None else value.td if name == "DURATION" else value.dt


def _invited(event: Event) -> Iterator[str]:
    """ATTENDEEs as name and address."""
    found = event.get("ATTENDEE", [])
    for attendee in found if isinstance(found, list) else [found]:
        address = str(attendee).lower().removeprefix("mailto:")
        name = str(attendee.params.get("CN", "")) or address.partition("@")[0]
        yield "|".join(text.replace("|", " ").replace(";", " ") for text in (name, address))
