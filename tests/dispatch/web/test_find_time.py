"""The page that finds a time."""

from __future__ import annotations

import html
import re

from tests.dispatch.web.conftest import Site

WEEK = "first=2026-11-30&last=2026-12-04"


def first_address(page: str) -> str:
    """Where the best slot is booked."""
    found = re.search(r'href="(/sittings/new\?[^"]+)"', page)
    assert found, page[:3000]
    return html.unescape(found[1])


async def test_a_slot_carries_everything_into_the_form(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    judge = site.users["judge"].id
    page = await clerk.page(f"/booking/find?search=1&{WEEK}&minutes=90&chair_id={judge}&part=morning&case_number=（2026）京0105民初9号")
    assert "Mon 30 Nov" in page
    assert "09:00–10:30" in page
    form = await clerk.page(first_address(page))
    assert 'value="2026-11-30"' in form
    assert 'value="09:00"' in form
    assert 'value="（2026）京0105民初9号"' in form
    assert f'<option value="{judge}" selected>' in form
    assert '<option value="90" selected>' in form


async def test_the_form_of_a_sitting_leads_there_with_what_was_typed(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    answer = await clerk.post("/sittings/new", site.draft(act="find", minutes="120"))
    assert answer.status == 303
    page = await clerk.page(answer.headers["Location"])
    assert '<option value="120" selected>' in page
    assert f'<option value="{site.users["judge"].id}" selected>' in page
    assert "_csrf" not in answer.headers["Location"]


async def test_where_there_is_none_it_says_why(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    page = await clerk.page(f"/booking/find?search=1&{WEEK}&seats=500")
    assert "There is no such time." in page
    assert "No room, person or equipment suits" in page


async def test_a_mistake_is_said_at_its_field_and_what_was_typed_stays(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    answer = await clerk.get("/booking/find?search=1&first=2026-12-04&last=2026-12-01&seats=x&minutes=45")
    assert answer.status == 422
    page = await answer.text()
    assert 'id="last-error-1"' in page
    assert 'id="seats-error-1"' in page
    assert '<option value="45" selected>' in page
    assert (await clerk.get("/booking/find?search=1&first=x&last=y&minutes=z")).status == 422


async def test_nobody_but_clerks(site: Site) -> None:
    assert (await (await site.signed_in("judge")).get("/booking/find")).status == 403
