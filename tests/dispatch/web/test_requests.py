"""Bookings that are not firm, on the pages: marked, listed, confirmed, approved, declined; and not on the board."""

from __future__ import annotations

import re

from dispatch.booking.catalogue.details import Details
from dispatch.store.tables import Sitting
from tests.dispatch.making import set_terms
from tests.dispatch.web.conftest import NOW, Person, Site

KEPT = {"hold": "1", "hold_day": "2026-11-26", "hold_time": "18:00"}


async def state_of(site: Site, sitting: str) -> tuple[str, str]:
    async with site.db.reader() as session:
        found = await session.get_one(Sitting, sitting)
        return found.status, found.booking.state


async def asked(site: Site, clerk: Person, **changes: str) -> str:
    """A sitting in a room that an administrator has to approve."""
    await set_terms(site.db, site.rooms[1].id, Details(needs_approval=True), site.users["administrator"], NOW)
    return await site.booked(clerk, room_id=site.rooms[1].id, **changes)


async def test_a_tentative_sitting_is_marked_and_confirmed(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk, **KEPT)
    assert await state_of(site, sitting) == ("planned", "tentative")
    for page in ("/booking?day=2026-11-24", "/booking?day=2026-11-24&view=week", "/booking?day=2026-11-24&view=month"):
        shown = await clerk.page(page)
        item = re.search(rf'<li class="bg-item[^"]*" data-sitting="{sitting}".*?</li>', shown, re.DOTALL)
        assert item is not None
        assert 'data-state="tentative"' in item[0]
        assert ">Tentative<" in item[0]
    assert "Tentative" in await clerk.page("/booking/list?day=2026-11-24")
    assert "Kept tentatively until Thu 26 Nov 18:00" in await clerk.page(f"/booking?day=2026-11-24&sitting={sitting}")
    answer = await clerk.post(f"/sittings/{sitting}/confirm", {"back": "booking"})
    assert answer.headers["Location"] == f"/booking?day=2026-11-24&sitting={sitting}"
    assert await state_of(site, sitting) == ("planned", "confirmed")
    assert "data-state=" not in await clerk.page("/booking?day=2026-11-24")


async def test_how_long_it_is_kept_is_checked_at_its_field(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    for wrong in ({"hold_day": "2026-12-24"}, {"hold_day": ""}, {"hold_time": "25:00"}, {"hold_day": "2026-11-23"}):
        answer = await clerk.post("/sittings/new", site.draft(**(KEPT | wrong)))
        page = await answer.text()
        assert answer.status == 422, wrong
        assert re.search(r'name="hold_day"[^>]*aria-invalid="true"', page), wrong
        assert re.search(r'id="hold" name="hold" value="1" checked', page)


async def test_what_nobody_was_told_of_is_not_on_the_board(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk, **KEPT)
    number = "京0105民初31号"
    assert number not in await clerk.page("/board")
    await clerk.post(f"/sittings/{sitting}/confirm")
    assert number in await clerk.page("/board")


async def test_an_administrator_approves_or_declines_and_the_clerk_sees_what_became_of_it(site: Site) -> None:
    clerk, administrator = await site.signed_in("clerk"), await site.signed_in("administrator")
    await clerk.page("/sittings/new")
    one = await asked(site, clerk)
    other = await asked(site, clerk, start="16:00", title="另案")
    page = await clerk.page("/booking/requests")
    assert "Waits for approval" in page
    assert f"/sittings/{one}/approve" not in page
    assert '<span class="badge badge-warning">2</span>' in await clerk.page("/booking?day=2026-11-24")
    page = await administrator.page("/booking/requests")
    assert f"/sittings/{one}/approve" in page
    answer = await administrator.post(f"/sittings/{one}/approve")
    assert answer.headers["Location"] == "/booking/requests"
    assert await state_of(site, one) == ("planned", "confirmed")
    assert (await administrator.post(f"/sittings/{other}/decline", {"reason": " "})).status == 422
    assert (await administrator.post(f"/sittings/{other}/decline", {"reason": "机房检修"})).status == 303
    assert await state_of(site, other) == ("cancelled", "cancelled")
    page = await clerk.page("/booking/requests")
    assert "Approved by Administrator" in page
    assert "Declined by Administrator" in page
    assert "机房检修" in page


async def test_nobody_approves_his_own_and_a_judge_sees_only_what_is_his_to_decide(site: Site) -> None:
    clerk, judge = await site.signed_in("clerk"), await site.signed_in("judge")
    await clerk.page("/sittings/new")
    sitting = await asked(site, clerk)
    for person in (clerk, judge):
        assert (await person.post(f"/sittings/{sitting}/approve")).status == 403
        assert (await person.post(f"/sittings/{sitting}/decline", {"reason": "不同意"})).status == 403
    assert sitting not in await judge.page("/booking/requests")
    assert (await judge.post(f"/sittings/{sitting}/confirm")).status == 403
    terms = Details(needs_approval=True, booked_by=("judge",))
    await set_terms(site.db, site.rooms[1].id, terms, site.users["administrator"], NOW)
    assert f"/sittings/{sitting}/approve" in await judge.page("/booking/requests")
    assert (await judge.post(f"/sittings/{sitting}/approve")).status == 303
    assert await state_of(site, sitting) == ("planned", "confirmed")
