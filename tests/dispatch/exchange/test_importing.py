"""Sittings from files: previews that change nothing, all or the good ones, and never twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dispatch.exchange import exporting, importing
from dispatch.exchange.importing import Given, Judged, Take
from dispatch.exchange.reading import read
from dispatch.store.notice_tables import ImportKey, Message
from dispatch.store.tables import Sitting
from dispatch.web.exchange import kind_words, role_words
from dispatch.web.translations import catalogue
from tests.dispatch.exchange.files import GOOD, HEAD, NEXT, csv_of
from tests.dispatch.making import NOW, SHANGHAI, URGENT, Court, at, audited, make_sitting

CLASH = ("（2026）京0105民初33号", "另案", "2026-11-24", "14:30", "15:30", "第一法庭", "林静姝", "", "张某")
WRONG = ("没有年份", "", "2026-13-45", "25:00", "15:00", "第九法庭", "不在此院", "", "某人|皇帝|x|not-an-address")


async def take(court: Court, data: bytes, how: Take, name: str = "a.csv", **given: str) -> list[Judged]:
    rows = read(data, name, SHANGHAI)
    names = Given(role_words(), kind_words(), **({"override_reason": URGENT} | given))
    return await importing.take(court.db, rows, court.clerk, NOW, how, names)


async def booked(court: Court) -> int:
    async with court.db.reader() as session:
        return await session.scalar(select(func.count()).select_from(Sitting)) or 0


def faults(judged: Judged) -> set[tuple[str, str]]:
    return {(field, code) for field, code, _ in judged.errors}


async def test_a_preview_knows_every_bad_row_and_books_nothing(court: Court) -> None:
    judged = await take(court, csv_of(GOOD, CLASH, WRONG, NEXT), "preview")
    assert [(each.row.number, each.state) for each in judged] == [(2, "good"), (3, "bad"), (4, "bad"), (5, "good")]
    assert faults(judged[1]) == {("start", "room_taken")}, "by the row before it, which is not booked either"
    assert {("day", "import_day"), ("start", "import_time"), ("room", "import_unknown"), ("chair", "import_unknown")} <= faults(judged[2])
    assert {("participants", "role_unknown"), ("participants", "email_shape"), ("case_number", "case_number_shape")} <= faults(judged[2])
    assert await booked(court) == 0
    assert await audited(court.db) == []


async def test_what_is_against_a_rule_needs_a_reason_for_the_row_or_for_all(court: Court) -> None:
    head = (*HEAD, "例外理由")
    (judged,) = await take(court, csv_of(GOOD), "preview", override_reason="")
    assert faults(judged) == {("override_reason", "rule_notice")}
    (judged,) = await take(court, csv_of((*GOOD, "被告人次日转监"), head=head), "good")
    async with court.db.reader() as session:
        assert (await session.get_one(Sitting, judged.sitting_id)).booking.override_reason == "被告人次日转监"


async def test_all_or_none_books_none_where_one_is_bad(court: Court) -> None:
    judged = await take(court, csv_of(GOOD, WRONG), "all")
    assert [each.state for each in judged] == ["good", "bad"]
    assert await booked(court) == 0


async def test_the_good_ones_are_booked_with_their_people_and_links(court: Court) -> None:
    judged = await take(court, csv_of(GOOD, CLASH, NEXT), "good")
    assert [each.state for each in judged] == ["booked", "bad", "booked"]
    async with court.db.reader() as session:
        sitting = await session.get_one(Sitting, judged[0].sitting_id)
    assert (sitting.starts_at, sitting.room.name) == (at("14:00"), "第一法庭")
    assert [(p.name, p.role, p.email, p.seat) for p in sitting.participants] == [
        ("陈明远", "judge", "", "link"),
        ("赵书宁", "clerk", "", "link"),
        ("刘芳", "party", "liu@example.com", "link"),
        ("吴译", "interpreter", "", "room"),
    ]
    assert [row.detail for row in await audited(court.db, "sittings_imported")] == [{"rows": 3, "booked": 2}]


async def test_what_was_imported_is_known_again_whatever_was_done_to_it_since(court: Court) -> None:
    first = await take(court, csv_of(GOOD, NEXT), "all")
    again = await take(court, csv_of(GOOD, NEXT), "all")
    assert [each.state for each in again] == ["known", "known"]
    assert [each.sitting_id for each in again] == [each.sitting_id for each in first]
    assert await booked(court) == 2
    async with court.db.reader() as session:
        assert await session.scalar(select(func.count()).select_from(ImportKey)) == 2


async def test_a_row_twice_in_one_file_is_booked_once(court: Court) -> None:
    assert [each.state for each in await take(court, csv_of(GOOD, GOOD), "good")] == ["booked", "known"]


async def test_a_preview_tells_nobody(court: Court) -> None:
    court.db.site = replace(court.db.site, mail=True)
    await take(court, csv_of(GOOD), "preview")
    async with court.db.reader() as session:
        assert await session.scalar(select(func.count()).select_from(Message)) == 0


async def taken_out(court: Court, kind: exporting.Kind, tag: str) -> bytes:
    """The day's sittings as a file."""
    wanted = exporting.Wanted(at("00:00"), at("00:00", 1))
    made = await exporting.export(court.db, kind, wanted, court.clerk, NOW, catalogue(tag).gettext, tag, "https://court.example")
    return made.body


@pytest.mark.parametrize("kind", ["csv", "xlsx", "ics"])
async def test_what_goes_out_is_known_when_it_comes_in(court: Court, kind: exporting.Kind) -> None:
    sitting = await make_sitting(court)
    data = await taken_out(court, kind, "zh-CN")
    (judged,) = await take(court, data, "good", f"a.{kind}")
    assert (judged.state, judged.sitting_id) == ("known", sitting.id)
    assert [row.detail["sittings"] for row in await audited(court.db, "sittings_exported")] == [1]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_a_list_can_be_taken_to_another_court(court: Court, kind: exporting.Kind, tmp_path: Path) -> None:
    await make_sitting(court, title="=HYPERLINK(1)")
    data = await taken_out(court, kind, "en")
    assert b"=HYPERLINK" not in data.replace(b"'=HYPERLINK", b"")
    (row,) = read(data, f"a.{kind}", SHANGHAI)
    assert (row.fields["title"], row.fields["key"] != "") == ("=HYPERLINK(1)", True)
    other = replace(row, fields=row.fields | {"key": "of another court", "day": "2026-12-01"})
    (judged,) = await importing.take(court.db, [other], court.clerk, NOW, "good", Given(role_words(), kind_words()))
    assert judged.state == "booked"
    async with court.db.reader() as session:
        copy = await session.get_one(Sitting, judged.sitting_id)
    assert [(p.name, p.role, p.phone, p.seat) for p in copy.participants[2:]] == [
        ("刘芳", "party", "138 1234 5678", "link"),
        ("吴译", "interpreter", "", "room"),
    ]


async def test_a_calendar_takes_its_judge_from_the_form_and_refuses_what_recurs(court: Court) -> None:
    def event(uid: str, more: str = "") -> str:
        return (
            f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTART;TZID=Asia/Shanghai:20261124T140000\r\nDTEND;TZID=Asia/Shanghai:20261124T150000\r\n"
            f"SUMMARY:（2026）京0105民初31号 开庭\r\nLOCATION:第一法庭\r\nATTENDEE;CN=刘芳:mailto:liu@example.com\r\n{more}END:VEVENT\r\n"
        )

    events = event("1") + event("2", "RRULE:FREQ=WEEKLY\r\n") + event("3", "STATUS:CANCELLED\r\n")
    data = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n".encode()
    assert {("chair", "required")} <= faults((await take(court, data, "preview", "a.ics"))[0])
    judged = await take(court, data, "good", "a.ics", chair_id=court.judge.id)
    assert [each.state for each in judged] == ["booked", "bad", "bad"]
    assert ("day", "import_recurring") in faults(judged[1])
    assert ("status", "import_cancelled") in faults(judged[2])
