"""The page of waiting sittings as files."""

from __future__ import annotations

import pytest
from aiohttp import FormData

from dispatch.booking.listing import waiting
from tests.dispatch.web.conftest import Person, Site
from tests.dispatch.web.test_exchange import packed

GOOD = "Case number,Case,Minutes,Presiding judge,Participants,No later than\n（2026）京0105民初1号,合同纠纷,90,any,刘芳|party,2026-12-09\n"


async def sent(person: Person, text: str, name: str = "waiting.csv") -> tuple[int, str]:
    await person.page("/booking/waiting/files")
    body = FormData()
    body.add_field("_csrf", person.token)
    body.add_field("file", text.encode(), filename=name)
    answer = await person.session.post("/booking/waiting/files", data=body)
    return answer.status, await answer.text()


async def test_a_preview_names_the_bad_row_and_the_good_one_is_added(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    status, page = await sent(clerk, f"{GOOD}（2026）京0105民初2号,合同纠纷,90,Nobody,刘芳|party,\n")
    assert (status, "1 can be added" in page, "1 have mistakes" in page) == (200, True, True)
    assert "<b>Presides</b> There is no “Nobody”" in page
    assert await waiting.listed(site.db) == []
    refused = await clerk.post("/booking/waiting/files/add", {"rows": packed(page), "take": "all"})
    assert (refused.status, await waiting.listed(site.db)) == (409, [])
    added = await clerk.post("/booking/waiting/files/add", {"rows": packed(page), "take": "good"})
    assert (added.status, "1 added" in await added.text()) == (200, True)
    assert [row.case_number for row in await waiting.listed(site.db)] == ["（2026）京0105民初1号"]
    _, again = await sent(clerk, GOOD)
    assert "1 are there already" in again


async def test_what_waits_is_taken_out_in_the_reader_s_language(site: Site) -> None:
    clerk = await site.signed_in("clerk", "zh-CN")
    _, page = await sent(clerk, GOOD)
    await clerk.post("/booking/waiting/files/add", {"rows": packed(page), "take": "good"})
    answer = await clerk.get("/booking/waiting/files/list?format=csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="waiting.csv"'
    text = (await answer.read()).decode("utf-8-sig")
    assert text.startswith(("标识,", "Key,"))
    assert "（2026）京0105民初1号" in text
    workbook = await clerk.session.get("/booking/waiting/files/list?format=xlsx")
    assert (workbook.content_type.endswith("sheet"), (await workbook.read())[:2]) == (True, b"PK")


@pytest.mark.parametrize("rows", ["", "[]", "[[1]]", "nonsense"])
async def test_rows_that_are_none_of_a_preview_are_refused(rows: str, site: Site) -> None:
    clerk = await site.signed_in("clerk")
    assert (await clerk.post("/booking/waiting/files/add", {"rows": rows, "take": "good"})).status == 422


async def test_a_file_that_cannot_be_read_is_told_in_words(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    status, page = await sent(clerk, "PK", "a.xlsx")
    assert (status, "does not have the expected form" in page) == (422, True)
    assert (await clerk.post("/booking/waiting/files")).status == 422
    assert (await clerk.get("/booking/waiting/files/list?format=ics")).status == 422
    judge = await site.signed_in("judge")
    assert (await judge.get("/booking/waiting/files")).status == 403
