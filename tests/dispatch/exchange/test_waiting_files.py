"""Lists of sittings that are to wait: what each row would add, adding them once, and taking them out so that they can be read again."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import openpyxl
import pytest

from dispatch.booking.finding.searching import ANY
from dispatch.booking.listing import waiting
from dispatch.booking.listing.docket import MOST_WAITING
from dispatch.booking.listing.waiting import WaitingDraft
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.errors import Refused, UserError
from dispatch.exchange import reading, waiting_files
from dispatch.exchange.waiting_files import COLUMNS, NEEDED, Judged
from dispatch.web.translations import LANGUAGES, catalogue
from tests.dispatch.making import NOW, Court, add_movable, audited

WORDS = waiting_files.words([catalogue(tag).gettext for tag in LANGUAGES])


def listed(*rows: dict[str, str], heads: int = 0) -> bytes:
    """A CSV with the columns that the rows name; `heads` 0 in Chinese, 1 in English."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    csv.writer(text).writerows([[COLUMNS[name][heads] for name in names], *([row.get(name, "") for name in names] for row in rows)])
    return text.getvalue().encode()


def row(number: int = 1, **changes: str) -> dict[str, str]:
    good = {"case_number": f"（2026）京0105民初{number}号", "case_title": "合同纠纷", "minutes": "90"}
    return good | {"chair": "任意", "participants": "刘芳|当事人|13812345678"} | changes


async def taken(court: Court, data: bytes, how: Any = "good", name: str = "list.csv") -> list[Judged]:
    rows = reading.read_list(data, name, COLUMNS, NEEDED)
    return await waiting_files.take(court.db, rows, court.clerk, NOW, how, WORDS)


async def test_everything_that_can_be_said_is_understood(court: Court) -> None:
    (camera,) = await add_movable(court.db, "equipment", "实物展台一号", court.clerk, NOW)
    whole = row(
        kind="远程开庭", title="第一次开庭", chair=court.judge.name, clerk=court.clerk.sign_in_name,
        participants="刘芳|当事人|13812345678; 王译|翻译人员|||room", priority="7", not_before="2026/12/1", deadline="2026年12月9日",
        part="上午", required="是", room_kind="远程法庭", seats="6", features="庭审直播；实物展台", equipment="实物展台一号",
    )  # fmt: skip
    (judged,) = await taken(court, listed(whole))
    assert judged.errors == ()
    (added,) = await waiting.listed(court.db)
    draft = waiting.draft_of(added)
    assert (draft.chair_id, draft.clerk_id, draft.equipment) == (court.judge.id, court.clerk.id, (camera.id,))
    assert (draft.priority, draft.not_before, draft.deadline, draft.part) == (7, date(2026, 12, 1), date(2026, 12, 9), "morning")
    assert (draft.required, draft.room_kind, draft.seats, draft.features) == (True, "court", 6, ("broadcast", "document_camera"))
    assert draft.participants == (
        ParticipantDraft("刘芳", "party", "13812345678", key="p0"),
        ParticipantDraft("王译", "interpreter", seat="room", key="p1"),
    )


async def test_a_preview_adds_nothing_and_names_each_bad_row(court: Court) -> None:
    bad = row(2, minutes="viele", chair="谁也不是", deadline="2026-13-01", features="游泳池", part="夜里", kind="聚会")
    bad["participants"] = "刘芳|国王"
    judged = await taken(court, listed(row(1), bad, row(3, minutes="", case_number="", participants="")), "preview")
    assert [each.state for each in judged] == ["good", "bad", "bad"]
    assert {(column, code) for column, code, _ in judged[1].errors} == {
        ("minutes", "number_wanted"), ("chair", "import_unknown"), ("deadline", "import_day"), ("features", "import_unknown"),
        ("part", "import_unknown"), ("kind", "import_unknown"), ("participants", "role_unknown"),
    }  # fmt: skip
    assert {column for column, _, _ in judged[2].errors} == {"minutes", "case_number", "participants"}
    assert await waiting.listed(court.db) == []


async def test_all_are_added_or_none_and_the_good_ones_alone(court: Court) -> None:
    data = listed(row(1), row(2, chair="谁也不是"), row(3))
    assert [each.state for each in await taken(court, data, "all")] == ["good", "bad", "good"]
    assert await waiting.listed(court.db) == []
    assert [each.state for each in await taken(court, data, "good")] == ["added", "bad", "added"]
    assert len(await waiting.listed(court.db)) == 2
    (audit,) = [each for each in await audited(court.db) if each.action == "waiting_imported"]
    assert audit.detail == {"rows": 3, "added": 2}


async def test_what_waits_already_is_known_also_twice_in_one_file(court: Court) -> None:
    judged = await taken(court, listed(row(1), row(1), row(2)))
    assert [each.state for each in judged] == ["added", "known", "added"]
    assert judged[0].waiting_id == judged[1].waiting_id
    again = await taken(court, listed(row(1), row(2, minutes="60")))
    assert [each.state for each in again] == ["known", "added"]
    assert again[0].waiting_id == judged[0].waiting_id


@pytest.mark.parametrize(("kind", "tag"), [("csv", "zh-CN"), ("xlsx", "en")])
async def test_what_goes_out_comes_in_again_as_it_was(court: Court, kind: Any, tag: str) -> None:
    whole = row(chair="any", title="=HYPERLINK(1)", priority="3", deadline="2026-12-09", part="morning", required="yes")
    whole["features"] = "broadcast"
    await taken(court, listed(whole, heads=1))
    (before,) = [waiting.draft_of(each) for each in await waiting.listed(court.db)]
    assert (before.chair_id, before.title) == (ANY, "=HYPERLINK(1)")
    made = await waiting_files.export(court.db, kind, court.clerk, NOW, catalogue(tag).gettext, tag)
    if kind == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(made.body)).worksheets[0]
        assert [cell.value for cell in sheet[1]] == [heading[1] for heading in COLUMNS.values()]
        assert "'=HYPERLINK(1)" in [cell.value for cell in sheet[2]]
    assert [each.state for each in await taken(court, made.body, "good", f"waiting.{kind}")] == ["known"]
    (there,) = await waiting.listed(court.db)
    await waiting.remove(court.db, there.id, court.clerk, NOW)
    assert [each.state for each in await taken(court, made.body, "good", f"waiting.{kind}")] == ["added"]
    (after,) = [waiting.draft_of(each) for each in await waiting.listed(court.db)]
    assert after == before
    assert "waiting_exported" in {each.action for each in await audited(court.db)}


async def test_minors_guardians_and_who_is_kept_from_whom_come_in_and_go_out(court: Court) -> None:
    whole = row(participants="小明|证人; 刘芳|当事人; 王芳|guardian", minors="小明", guardians="王芳|小明", apart="小明|刘芳")
    (judged,) = await taken(court, listed(whole))
    assert judged.errors == ()
    (before,) = [waiting.draft_of(each) for each in await waiting.listed(court.db)]
    assert [each.minor for each in before.participants] == [True, False, False]
    assert (before.participants[2].guards, before.apart) == ("p0", (("p0", "p1"),))
    made = await waiting_files.export(court.db, "csv", court.clerk, NOW, catalogue("zh-CN").gettext, "zh-CN")
    await waiting.remove(court.db, judged.waiting_id, court.clerk, NOW)
    await taken(court, made.body)
    assert [waiting.draft_of(each) for each in await waiting.listed(court.db)] == [before]


async def test_no_more_wait_than_a_list_takes(court: Court) -> None:
    drafts = [WaitingDraft(f"（2026）京0105民初{number}号") for number in range(MOST_WAITING)]
    async with court.db.writer() as session:
        await waiting.put(session, drafts, court.clerk, NOW)
    with pytest.raises(Refused, match="waiting_many"):
        await taken(court, listed(row(9999)))


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"a,b\n1,2\n", "a.csv", "columns_missing"),
        (listed(row()), "a.ics", "file_kind"),
        (b"PK\x03\x04", "a.xlsx", "file_shape"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(data: bytes, name: str, code: str) -> None:
    with pytest.raises(UserError, match=code):
        reading.read_list(data, name, COLUMNS, NEEDED)
