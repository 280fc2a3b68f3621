"""The page of times that are waited for."""

from __future__ import annotations

from dispatch.booking import bookings
from dispatch.booking.asked_for import Line
from tests.dispatch.web.conftest import Site


async def test_who_is_refused_a_time_waits_for_it_and_is_offered_it(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    sitting = await site.booked(clerk, day="2026-11-30")
    refused = await clerk.post("/sittings/new", site.draft(day="2026-11-30", case_number="（2026）京0105民初32号"))
    assert (refused.status, "Wait for this time" in await refused.text()) == (409, True)
    answer = await clerk.post("/sittings/new", site.draft(day="2026-11-30", case_number="（2026）京0105民初32号", act="ask"))
    assert answer.status == 303
    page = await clerk.page(answer.headers["Location"])
    assert "next in line" in page
    await bookings.cancel(site.db, sitting, "Settled", site.users["clerk"], site.now)
    (offered,) = await Line().serve(site.db, site.now)
    page = await clerk.page("/booking/asked")
    assert f'href="/sittings/{offered}"' in page
    assert "kept until" in page


async def test_what_is_waited_for_is_withdrawn(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.post("/sittings/new", site.draft(day="2026-11-30", act="ask"))
    page = await clerk.page("/booking/asked")
    asked = page.partition("/booking/asked/")[2].partition("/withdraw")[0]
    assert (await clerk.post(f"/booking/asked/{asked}/withdraw")).status == 303
    assert "Not waited for any more" in await clerk.page("/booking/asked")
    assert (await clerk.post("/booking/asked/0000000000000000/withdraw")).status == 404


async def test_nobody_but_clerks(site: Site) -> None:
    assert (await (await site.signed_in("judge")).get("/booking/asked")).status == 403
