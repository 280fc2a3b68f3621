"""A room's own device, the list of the staff, the audit log."""

from __future__ import annotations

import re

from tests.dispatch.web.conftest import Site


async def connected(site: Site):  # type: ignore[no-untyped-def]
    """A device enrolled in the first room, and the clerk."""
    clerk, device = await site.signed_in("clerk"), site.visitor()
    await clerk.page("/rooms")
    answer = await clerk.post(f"/rooms/{site.rooms[0].id}/devices", {"name": "Main screen"})
    found = re.search(r'class="one-time-code"[^>]*>([^<]+)<', await answer.text())
    assert found is not None
    await device.page("/device")
    enrolled = await device.post("/device", {"code": found[1].lower().replace("-", " ")})
    assert enrolled.status == 303, await enrolled.text()
    return clerk, device, found[1]


async def test_a_device_lists_the_sittings_of_its_room_only(site: Site) -> None:
    clerk, device, _code = await connected(site)
    await clerk.page("/sittings/new")
    here = await site.booked(clerk)
    there = await site.booked(clerk, case_number="（2026）京0105民初32号", start="16:00", room_id=site.rooms[1].id)
    page = await device.page("/device")
    assert f'href="/device/sittings/{here}/people"' in page
    assert there not in page
    assert "吴译" in page


async def test_a_code_works_once(site: Site) -> None:
    _clerk, _device, code = await connected(site)
    other = site.visitor()
    await other.page("/device")
    answer = await other.post("/device", {"code": code})
    assert answer.status == 422
    assert code in await answer.text()  # kept as typed


async def test_codes_cannot_be_tried_without_end(site: Site) -> None:
    guesser = site.visitor()
    await guesser.page("/device")
    statuses = [(await guesser.post("/device", {"code": f"AAAAA-AAAA{number}"})).status for number in range(12)]
    assert statuses[-1] == 429


async def test_a_device_that_was_taken_away_is_a_stranger_again(site: Site) -> None:
    clerk, device, _code = await connected(site)
    page = await clerk.page("/rooms")
    revoke = re.search(r'action="(/rooms/\w+/devices/\w+/revoke)"', page)
    assert revoke is not None
    assert (await clerk.post(revoke[1])).status == 303
    assert 'name="code"' in await device.page("/device")


async def test_the_administrator_ends_sessions_at_once(site: Site) -> None:
    administrator, clerk = await site.signed_in("administrator"), await site.signed_in("clerk")
    page = await administrator.page("/users")
    assert f"/users/{site.users['clerk'].id}/end-sessions" in page
    answer = await administrator.post(f"/users/{site.users['clerk'].id}/end-sessions")
    assert answer.headers["Location"] == "/users?ended=1"
    assert (await clerk.get("/booking")).status == 303


async def test_the_audit_log_shows_what_was_done_and_checks_its_chain(site: Site) -> None:
    administrator, clerk = await site.signed_in("administrator"), await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    await site.booked(clerk)
    page = await administrator.page("/audit?check=1")
    assert "Chain intact" in page
    assert "Clerk" in page
    assert "audit." not in re.sub(r"<[^>]+>", "", page), "an action has no words"
    found = await administrator.page("/audit?q=nobody-of-that-name")
    assert "Nothing was found" in found
