"""Statistics of use as a page, as a file and through the API; a cancellation gives one of the listed reasons."""

from __future__ import annotations

import io
import re

import openpyxl
import pytest

from dispatch.booking.reasons import REASONS
from dispatch.store.tables import Sitting
from tests.dispatch.web.api.conftest import Program, Programs, order
from tests.dispatch.web.conftest import Site


@pytest.fixture
async def clerk(program: Programs) -> Program:
    return await program("clerk")


async def test_the_page_shows_figures_bars_and_the_busiest_hours(site: Site, clerk: Program) -> None:
    await clerk.made("/sittings", order(site))
    person = await site.signed_in("clerk")
    assert 'href="/booking/use"' in await person.page("/booking?day=2026-11-24")
    page = await person.page("/booking/use?from=2026-11&until=2026-11")
    assert "Remote Court 1" in page
    assert page.count('class="use-bar"') == 2
    assert re.search(r'class="use-level-5"[^>]*/><text class="use-heat-figure use-figure-5"[^>]*>1.0<', page)
    assert '<table class="table use-heat-table">' in page


async def test_without_months_the_last_three_are_shown(site: Site) -> None:
    admin = await site.signed_in("administrator")
    page = await admin.page("/booking/use")
    assert 'name="from" value="2026-09"' in page
    assert 'name="until" value="2026-11"' in page
    assert (await (await site.signed_in("judge")).get("/booking/use")).status == 403


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=soon&until=2026-11", "from"),
        ("from=2026-11&until=2026-13", "until"),
        ("from=2026-11&until=2026-10", "until"),
        ("from=2020-01&until=2026-01", "until"),
    ],
)
async def test_a_bad_month_is_named_at_its_field_and_kept(site: Site, query: str, field: str) -> None:
    person = await site.signed_in("clerk")
    answer = await person.get(f"/booking/use?{query}")
    text = await answer.text()
    assert answer.status == 422
    assert f'id="{field}-error"' in text
    assert f'value="{re.findall("=([^&]+)", query)[0]}"' in text


async def test_the_figures_are_taken_away_as_a_file_and_that_is_written_down(site: Site, clerk: Program) -> None:
    await clerk.made("/sittings", order(site))
    person = await site.signed_in("clerk")
    plain = await person.get("/booking/use/file?from=2026-11&until=2026-11&format=csv")
    lines = (await plain.text()).lstrip("\ufeff").splitlines()
    assert lines[0].startswith("Room or kind,Kind,Sittings,Hours held,Open hours")
    assert lines[1].startswith("Remote Court 1,Remote court,1,1.0,")
    assert lines[-1].startswith("Remote court,Kind of sitting,1,1.0,,,")
    book = await person.session.get("/booking/use/file?from=2026-11&until=2026-11&format=xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(await book.read())).worksheets[0]
    assert sheet["C2"].value == "1"
    assert (await person.get("/booking/use/file?from=2026-11&until=2026-11&format=exe")).status == 404
    assert "Use statistics exported" in await (await site.signed_in("administrator")).page("/audit")


async def test_programs_read_the_same(site: Site, clerk: Program) -> None:
    made = await clerk.made("/sittings", order(site))
    await clerk.ask("POST", f"/sittings/{made['id']}/cancel", {"reason": REASONS["technical"]})
    await clerk.made("/sittings", order(site))
    found = await clerk.get("/use?from=2026-11-24&until=2026-11-24")
    first = found["rooms"][0]
    assert (first["room_id"], first["held"], first["held_minutes"], first["cancelled"]) == (site.rooms[0].id, 1, 60, 1)
    assert first["open_minutes"] == 7 * 60
    assert (found["reasons"], found["kinds"][0]["held"]) == ({"technical": 1}, 1)
    assert [len(found["busiest"]), len(found["busiest"][0])] == [7, 24]
    status, refused, _ = await clerk.ask("GET", "/use?from=2026-11-24&until=2026-11-23")
    assert (status, refused["errors"][0]["code"]) == (422, "use_order")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reason_code": "party_absent", "reason": ""}, REASONS["party_absent"]),
        ({"reason_code": "other", "reason": "停电"}, "停电"),
        ({"reason_code": "unheard_of", "reason": "停电"}, "停电"),
    ],
)
async def test_the_page_cancels_with_a_listed_reason_or_another_in_words(site: Site, fields: dict[str, str], words: str) -> None:
    person = await site.signed_in("clerk")
    await person.page("/sittings/new")
    sitting = await site.booked(person)
    page = await person.page(f"/sittings/{sitting}")
    assert '<option value="party_absent">A party or agent cannot attend' in page
    assert (await person.post(f"/sittings/{sitting}/cancel", fields)).status == 303
    async with site.db.reader() as session:
        assert (await session.get_one(Sitting, sitting)).cancel_reason == words


async def test_another_reason_wants_words(site: Site) -> None:
    person = await site.signed_in("clerk")
    await person.page("/sittings/new")
    sitting = await site.booked(person)
    answer = await person.post(f"/sittings/{sitting}/cancel", {"reason_code": "other", "reason": " "})
    page = await answer.text()
    assert answer.status == 422
    assert '<dialog id="cancel-dialog" aria-labelledby="cancel-title" open>' in page
    assert '<option value="other" selected>' in page
    assert 'aria-describedby="cancel-reason-error"' in page
    async with site.db.reader() as session:
        assert (await session.get_one(Sitting, sitting)).status == "planned"


async def test_a_reason_that_is_too_long_stays_as_typed(site: Site) -> None:
    person = await site.signed_in("clerk")
    await person.page("/sittings/new")
    sitting = await site.booked(person)
    words = "停电" * 101
    answer = await person.post(f"/sittings/{sitting}/cancel", {"reason_code": "other", "reason": words})
    page = await answer.text()
    assert answer.status == 422
    assert f">{words}</textarea>" in page
    assert 'id="cancel-reason-error"' in page
