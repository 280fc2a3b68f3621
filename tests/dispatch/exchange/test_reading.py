"""What is read out of files, and what is refused before it can do harm."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, time

import pytest

from dispatch.errors import UserError
from dispatch.exchange.columns import guarded, unguarded
from dispatch.exchange.reading import MOST_ROWS, read
from dispatch.notices.calendar import Contact, Entry, written
from tests.dispatch.exchange.files import GOOD, HEAD, NEXT, bomb, csv_of, xlsx_of
from tests.dispatch.making import NOW, SHANGHAI, at


def codes(data: bytes, name: str) -> str:
    with pytest.raises(UserError) as refused:
        read(data, name, SHANGHAI)
    return refused.value.code


@pytest.mark.parametrize(("encoding", "by"), [("utf-8-sig", ","), ("gb18030", ","), ("utf-8", ";"), ("utf-8", "\t")])
def test_a_list_is_read_as_excel_writes_it_here_and_elsewhere(encoding: str, by: str) -> None:
    head = tuple(cell for cell in HEAD)
    good = tuple(cell.replace(";", "；") for cell in GOOD) if by == ";" else GOOD
    rows = read(csv_of(good, NEXT, head=head, encoding=encoding, by=by), "sittings.CSV", SHANGHAI)
    assert [row.number for row in rows] == [2, 3]
    assert (rows[0].fields["case_number"], rows[0].fields["chair"], rows[1].fields["start"]) == (GOOD[0], "陈明远", "9:30")


def test_a_workbook_is_read_with_its_dates_and_times() -> None:
    row = (*GOOD[:2], date(2026, 11, 24), time(14), datetime(2026, 11, 24, 15, tzinfo=UTC).replace(tzinfo=None), *GOOD[5:])
    (found,) = read(xlsx_of(row, ("", "")), "sittings.xlsx", SHANGHAI)
    assert (found.fields["day"], found.fields["start"]) == ("2026-11-24", "14:00")


def test_a_calendar_gives_a_row_for_each_event() -> None:
    liu = Contact("liu@example.com", "刘芳")
    about = "案号 （2026）京0105民初31号"
    entry = Entry("uid-1", 0, at("14:00"), at("15:00"), "第二次开庭", "第一法庭, 某法院", about, NOW, attendees=(liu,))
    (row,) = read(written("PUBLISH", [entry], SHANGHAI), "a.ics", SHANGHAI)
    assert row.fields == {
        "key": "uid-1",
        "case_number": "（2026）京0105民初31号",
        "case_title": "第二次开庭",
        "title": "第二次开庭",
        "room": "第一法庭, 某法院",
        "attendees": "刘芳|liu@example.com",
        "day": "2026-11-24",
        "start": "14:00",
        "end": "15:00",
    }


def test_times_of_a_calendar_come_into_the_courts_zone() -> None:
    times = b"DTSTART:20261124T060000Z\r\nDTEND:20261124T070000Z\r\n"
    text = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\n" + times + b"END:VEVENT\r\nEND:VCALENDAR\r\n"
    assert read(text, "a.ics", SHANGHAI)[0].fields["start"] == "14:00"
    assert datetime(2026, 11, 24, 6, tzinfo=UTC) == at("14:00")


def test_what_cannot_be_read_is_told() -> None:
    assert codes(b"x" * 1_000_001, "a.csv") == "file_large"
    assert codes(b"x", "a.docx") == "file_kind"
    assert codes(b"\xff\xfe\x00", "a.csv") == "file_encoding"
    assert codes(b"PK\x03\x04broken", "a.xlsx") == "file_shape"
    assert codes(b"BEGIN:VCALENDAR\r\nnonsense", "a.ics") == "file_shape"
    assert codes(csv_of(), "a.csv") == "file_empty"
    assert codes(csv_of(GOOD, head=HEAD[1:]), "a.csv") == "columns_missing"
    assert codes(csv_of(*[GOOD] * (MOST_ROWS + 1)), "a.csv") == "file_rows"


def test_the_columns_that_are_missing_are_named_as_they_may_be_written() -> None:
    with pytest.raises(UserError) as refused:
        read("案号,参加人\n1,2\n".encode(), "a.csv", SHANGHAI)
    assert refused.value.data["columns"] == "日期/Day, 开始/Start, 房间/Room, 主持人/Presides"


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    data = bomb()
    assert len(data) < 1_000_000
    assert codes(data, "a.xlsx") == "file_large"


def test_entities_of_a_workbook_are_not_expanded() -> None:
    types = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">&a;</Types>'
    evil = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>' + types
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx_of(GOOD))) as good, zipfile.ZipFile(made, "w") as packed:
        for part in good.namelist():
            packed.writestr(part, evil if part == "[Content_Types].xml" else good.read(part))
    assert codes(made.getvalue(), "a.xlsx") == "file_shape"


@pytest.mark.parametrize("text", ["=1+1", "+86 138", "-3", "@SUM(A1)", "\tx", "'=quoted", "plain", "'plain"])
def test_a_cell_never_begins_like_a_formula_and_comes_back_as_it_was(text: str) -> None:
    cell = guarded(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t"))
    assert unguarded(cell) == text or text == "'=quoted"
