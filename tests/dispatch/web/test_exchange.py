"""The page of files: preview, booking, export."""

from __future__ import annotations

import html
import re

import pytest
from aiohttp import FormData

from tests.dispatch.exchange.files import HEAD, csv_of
from tests.dispatch.making import URGENT
from tests.dispatch.web.conftest import Person, Site


def row(site: Site, day: str = "2026-11-25", room: str = "", case: str = "（2026）京0105民初31号") -> tuple[str, ...]:
    return (case, "甲诉乙", day, "09:00", "10:00", room or site.rooms[0].name, site.users["judge"].sign_in_name, "", "刘芳|party")


async def sent(person: Person, data: bytes, name: str = "sittings.csv") -> tuple[int, str]:
    await person.page("/exchange")
    body = FormData()
    body.add_field("_csrf", person.token)
    body.add_field("override_reason", URGENT)
    body.add_field("file", data, filename=name)
    answer = await person.session.post("/exchange", data=body)
    return answer.status, await answer.text()


def packed(page: str) -> str:
    found = re.search(r'name="rows" value="([^"]*)"', page)
    assert found
    return html.unescape(found[1])


def reason(page: str) -> str:
    """The reason that was given for all rows, as the page hands it on."""
    found = re.search(r'type="hidden" name="override_reason" value="([^"]*)"', page)
    assert found
    return html.unescape(found[1])


async def test_a_preview_names_the_bad_row_and_the_good_ones_are_booked(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    status, page = await sent(clerk, csv_of(row(site), row(site, "2026-11-26", "第九法庭"), head=HEAD))
    assert status == 200
    assert "1 have mistakes" in page
    assert "There is no “第九法庭”" in page
    assert "Book the good row" in page
    booked = await clerk.post("/exchange/book", {"rows": packed(page), "take": "good", "override_reason": reason(page)})
    assert (booked.status, "1 booked" in await booked.text()) == (200, True)
    _, again = await sent(clerk, csv_of(row(site), head=HEAD))
    assert "1 are there already" in again


async def test_all_or_none_says_what_has_come_in_between(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    _, page = await sent(clerk, csv_of(row(site), row(site, "2026-11-26", case="（2026）京0105民初32号"), head=HEAD))
    assert "Book all 2 rows" in page
    await site.booked(clerk, day="2026-11-25", start="09:00")
    refused = await clerk.post("/exchange/book", {"rows": packed(page), "take": "all", "override_reason": reason(page)})
    assert refused.status == 409
    assert "1 can be booked" in await refused.text()


@pytest.mark.parametrize("rows", ["", "[]", "{}", "[[1]]", '[[1, {"a": 2}]]', "nonsense", "[" + "[1, {}]," * 300 + "[1, {}]]"])
async def test_rows_that_are_none_of_a_preview_are_refused(rows: str, site: Site) -> None:
    clerk = await site.signed_in("clerk")
    assert (await clerk.post("/exchange/book", {"rows": rows, "take": "good"})).status == 422


async def test_a_file_that_cannot_be_read_is_told_in_words(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    status, page = await sent(clerk, b"PK\x03\x04", "a.xlsx")
    assert (status, "does not have the expected form" in page) == (422, True)
    assert (await clerk.post("/exchange")).status == 422


@pytest.mark.parametrize(
    ("kind", "media", "begins"),
    [("csv", "text/csv", b"\xef\xbb\xbf"), ("xlsx", "application/vnd", b"PK"), ("ics", "text/calendar", b"BEGIN:")],
)
async def test_sittings_go_out_as_files(kind: str, media: str, begins: bytes, site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await site.booked(clerk)
    answer = await clerk.session.get(f"/exchange/sittings?format={kind}&from=2026-11-24&until=2026-11-24")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(media)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="sittings-2026-11-24-2026-11-24.{kind}"'
    assert (await answer.read()).startswith(begins)


@pytest.mark.parametrize(
    "query",
    [
        "format=csv&from=x&until=y",
        "format=pdf&from=2026-11-24&until=2026-11-24",
        "format=csv&from=2026-11-24&until=2029-11-24",
    ],
)
async def test_an_export_without_sensible_days_is_refused(query: str, site: Site) -> None:
    clerk = await site.signed_in("clerk")
    assert (await clerk.get(f"/exchange/sittings?{query}")).status == 422
