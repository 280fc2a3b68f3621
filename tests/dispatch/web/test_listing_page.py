"""The pages of what waits for a time and of the week's list."""

from __future__ import annotations

import re

from dispatch.booking.listing import waiting, week
from dispatch.identity import people
from dispatch.web.runs import RUNS
from tests.dispatch.web.conftest import PASSWORD, Person, Site


def fields(site: Site, number: int = 1, **changes: str) -> dict[str, str]:
    return {
        "case_number": f"（2026）京0105民初{number}号",
        "case_title": "物业服务合同纠纷",
        "minutes": "90",
        "chair_id": site.users["judge"].id,
        "priority": "2",
        "participants-0-name": "刘芳",
        "participants-0-role": "party",
        "participants-0-seat": "link",
        "act": "save",
    } | changes


async def waits(site: Site, clerk: Person, *numbers: int) -> None:
    for number in numbers:
        answer = await clerk.post("/booking/waiting/new", fields(site, number))
        assert answer.status == 303, await answer.text()


async def made(site: Site, clerk: Person) -> str:
    """The address of a list that was made."""
    answer = await clerk.post("/booking/listing", {"first": "2026-11-30", "last": "2026-12-04"})
    assert answer.status == 303, await answer.text()
    address = answer.headers["Location"]
    await site.server.app[RUNS].wait(address.rpartition("/")[2])
    return address


async def test_a_sitting_waits_is_changed_and_taken_off(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await waits(site, clerk, 1)
    page = await clerk.page("/booking/waiting")
    assert "（2026）京0105民初1号" in page
    (row,) = await waiting.listed(site.db)
    assert (row.minutes, row.priority, row.participants[0]["name"]) == (90, 2, "刘芳")
    form = await clerk.page(f"/booking/waiting/{row.id}")
    assert '<option value="90" selected>' in form
    answer = await clerk.post(f"/booking/waiting/{row.id}", fields(site, 1, minutes="45", deadline="2026-12-04", required="1"))
    assert answer.status == 303
    (row,) = await waiting.listed(site.db)
    assert (row.minutes, str(row.deadline), row.required) == (45, "2026-12-04", True)
    assert (await clerk.post(f"/booking/waiting/{row.id}/remove")).status == 303
    assert "No sitting waits" in await clerk.page("/booking/waiting")


async def test_a_mistake_is_said_at_its_field_and_what_was_typed_stays(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/booking/waiting/new")
    answer = await clerk.post("/booking/waiting/new", fields(site, 7, chair_id="", deadline="2026-01-01", seats="many"))
    assert answer.status == 422
    page = await answer.text()
    for field in ("chair_id", "deadline", "seats"):
        assert f'id="{field}-error-1"' in page
    assert "（2026）京0105民初7号" in page
    assert 'value="刘芳"' in page
    more = await clerk.post("/booking/waiting/new", fields(site, 7, act="add"))
    assert (more.status, 'name="participants-1-name"' in await more.text()) == (200, True)


async def test_a_list_is_proposed_changed_and_booked(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await waits(site, clerk, 1, 2, 3)
    address = await made(site, clerk)
    page = await clerk.page(address)
    assert "3 placed, 0 without a place." in page
    ids = sorted(set(re.findall(r'name="take-([0-9a-f]{16})"', page)))
    assert len(ids) == 3
    # One is put elsewhere, one is left out.
    changed = {"act": "again", f"day-{ids[0]}": "2026-12-03", f"start-{ids[0]}": "14:00", f"room-{ids[0]}": site.rooms[1].id}
    answer = await clerk.post(address, changed | {f"out-{ids[1]}": "1"})
    assert answer.status == 303
    await site.server.app[RUNS].wait(address.rpartition("/")[2])
    page = await clerk.page(address)
    assert "2 placed, 1 without a place." in page
    place = (await week.get(site.db, address.rpartition("/")[2])).proposal["placements"][ids[0]]
    assert place == {"start": "2026-12-03T06:00:00+00:00", "resource_ids": [site.rooms[1].id, site.users["judge"].id]}
    # Some of it is booked.
    assert (await clerk.post(address, {"act": "book", f"take-{ids[0]}": "1"})).status == 303
    page = await clerk.page(address)
    assert page.count("badge-well") == 1
    assert {row.id for row in await waiting.listed(site.db)} == set(ids[1:])


async def test_what_came_in_between_is_said_at_its_row(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await waits(site, clerk, 1, 2)
    address = await made(site, clerk)
    proposal = (await week.get(site.db, address.rpartition("/")[2])).proposal
    first = min(proposal["placements"], key=lambda key: proposal["placements"][key]["start"])
    taken = proposal["placements"][first]
    assert taken["start"].startswith("2026-11-30T01:00")
    await site.booked(clerk, day="2026-11-30", start="09:00", room_id=taken["resource_ids"][0], case_number="（2026）京0105民初77号")
    answer = await clerk.post(address, {"act": "book"} | {f"take-{key}": "1" for key in proposal["placements"]})
    page = await answer.text()
    assert answer.status == 409
    assert "1 sitting could not be booked" in page
    assert "（2026）京0105民初77号" in page
    assert [row.id for row in await waiting.listed(site.db)] == [first]


async def test_bad_orders_are_refused_in_words(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await waits(site, clerk, 1)
    answer = await clerk.post("/booking/listing", {"first": "x", "last": "2026-12-04"})
    assert answer.status == 422
    address = await made(site, clerk)
    nothing = await clerk.post(address, {"act": "book"})
    assert (nothing.status, "Tick the sittings" in await nothing.text()) == (422, True)
    (row,) = await waiting.listed(site.db)
    wrong = {"act": "again", f"day-{row.id}": "2030-01-01", f"start-{row.id}": "14:00", f"room-{row.id}": site.rooms[0].id}
    assert (await clerk.post(address, wrong)).status == 422
    assert (await clerk.get("/booking/listing/0000000000000000")).status == 404


async def test_another_clerk_looks_and_does_nothing_and_an_administrator_does(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await waits(site, clerk, 1, 2)
    address = await made(site, clerk)
    assert (await clerk.post(address, {"act": "note", "note": "周二有雨"})).status == 303
    await people.add_user(site.db, name="Other", sign_in_name="other", role="clerk", password=PASSWORD, language="en")
    other = site.visitor()
    await other.page("/sign-in")
    assert (await other.post("/sign-in", {"name": "other", "password": PASSWORD})).status == 303
    page = await other.page(address)
    assert "Clerk asked for this list." in page
    assert "周二有雨" in page
    assert 'listing-mine" disabled>' in page
    ids = sorted(set(re.findall(r'name="take-([0-9a-f]{16})"', page)))
    for fields_ in ({"act": "book", f"take-{ids[0]}": "1"}, {"act": "again"}, {"act": "note", "note": "x"}):
        answer = await other.post(address, fields_)
        assert (answer.status, "Only the one who asked for this list" in await answer.text()) == (403, True)
    assert (await other.post(f"{address}/stop")).status == 403
    keeper = await site.signed_in("administrator")
    assert address in await keeper.page("/booking/listing")
    page = await keeper.page(address)
    assert "asked for this list" not in page
    assert (await keeper.post(address, {"act": "book", f"take-{ids[0]}": "1"})).status == 303
    assert {row.id for row in await waiting.listed(site.db)} == {ids[1]}


async def test_nobody_but_clerks(site: Site) -> None:
    judge = await site.signed_in("judge")
    for path in ("/booking/waiting", "/booking/waiting/new", "/booking/listing"):
        assert (await judge.get(path)).status == 403


async def test_one_button_books_what_waits_at_the_next_free_time(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await waits(site, clerk, 1)
    (row,) = await waiting.listed(site.db)
    assert f'action="/booking/waiting/{row.id}/book"' in await clerk.page("/booking/waiting")
    answer = await clerk.post(f"/booking/waiting/{row.id}/book")
    assert answer.status == 303
    assert "（2026）京0105民初1号" in await clerk.page(answer.headers["Location"])
    again = await clerk.post(f"/booking/waiting/{row.id}/book")
    assert again.headers["Location"] == answer.headers["Location"], "pressed twice it is booked once"
    judge = await site.signed_in("judge")
    assert (await judge.post(f"/booking/waiting/{row.id}/book")).status == 403


async def test_where_no_time_is_free_the_list_says_so(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    answer = await clerk.post("/booking/waiting/new", fields(site, 1, seats="500"))
    assert answer.status == 303
    (row,) = await waiting.listed(site.db)
    answer = await clerk.post(f"/booking/waiting/{row.id}/book")
    assert answer.status == 409
    assert "no time at which everybody" in await answer.text()
