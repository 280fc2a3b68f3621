"""The page of the calendar subscriptions, and the calendars as programs fetch them."""

from __future__ import annotations

import re

import pytest

from dispatch.store.tables import CourtSite, Room
from dispatch.web.attempts import FEED_ATTEMPTS
from dispatch.web.logs import masked_path
from tests.dispatch.web.conftest import Person, Site


async def subscribed(person: Person, what: str = "person:") -> str:
    """The path of a new calendar."""
    await person.page("/calendars")
    answer = await person.post("/calendars", {"feed": what})
    assert answer.status == 303, await answer.text()
    found = re.search(r"/feeds/[\w-]{43}\.ics", await person.page("/calendars"))
    assert found
    return found[0]


async def test_a_calendar_is_fetched_without_signing_in_and_only_when_it_has_changed(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    path, program = await subscribed(clerk), site.visitor()
    first = await program.get(path)
    assert (first.status, first.content_type) == (200, "text/calendar")
    assert first.headers["Cache-Control"] == "private, no-cache"
    unchanged = await program.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (unchanged.status, await unchanged.read()) == (304, b"")
    await site.booked(clerk)
    changed = await program.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status == 200
    assert "SUMMARY:云河物业公司" in await changed.text()


async def test_a_renewed_address_replaces_the_former_and_a_revoked_one_is_gone(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    former = await subscribed(clerk)
    latter = await subscribed(clerk)
    assert (await site.visitor().get(former)).status == 404
    assert (await site.visitor().get(latter)).status == 200
    found = re.search(r"/calendars/\w+/revoke", await clerk.page("/calendars"))
    assert found
    assert (await clerk.post(found[0])).status == 303
    assert (await site.visitor().get(latter)).status == 404


async def test_rooms_are_offered_to_those_who_see_all_alone(site: Site) -> None:
    async with site.db.writer() as session:
        (await session.get_one(Room, site.rooms[0].id)).at = CourtSite(name="东楼")
    clerk, judge = await site.signed_in("clerk"), await site.signed_in("judge")
    page = await clerk.page("/calendars")
    assert 'value="site:东楼"' in page
    assert f'value="room:{site.rooms[0].id}"' in page
    assert "room:" not in await judge.page("/calendars")
    refused = await judge.post("/calendars", {"feed": f"room:{site.rooms[0].id}"})
    assert (refused.status, "its own sittings only" in await refused.text()) == (403, True)
    assert (await clerk.post("/calendars", {"feed": "nonsense"})).status == 422
    assert "BEGIN:VCALENDAR" in await (await site.visitor().get(await subscribed(clerk, "site:东楼"))).text()


async def test_who_fetches_too_often_has_to_wait(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    clerk = await site.signed_in("clerk")
    path = await subscribed(clerk)
    monkeypatch.setattr(site.server.app[FEED_ATTEMPTS], "limit", 2)
    statuses = [(await site.visitor().get(path)).status for _ in range(3)]
    assert statuses == [200, 200, 429]


@pytest.mark.parametrize("secret", ["x", "A" * 43, "../etc/passwd"])
async def test_what_is_no_address_of_ours_is_not_found(secret: str, site: Site) -> None:
    assert (await site.visitor().get(f"/feeds/{secret}.ics")).status == 404


def test_its_secret_is_in_no_log() -> None:
    assert masked_path("/feeds/Zp3kq8x_5w7vA2bnTq9rYcLd0e1fGhIjKlMnOpQrStU.ics") == "/feeds/***"
    assert masked_path("/join/abc") == "/join/***"
