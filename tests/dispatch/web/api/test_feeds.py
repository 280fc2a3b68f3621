"""Feeds of people and programs by the API: the address is told once, and ends with whoever made it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatch.identity import programs
from dispatch.store.tables import ApiToken
from tests.dispatch.web.api.conftest import Program, Programs, order
from tests.dispatch.web.conftest import Site


async def fetched(site: Site, url: str) -> tuple[int, str]:
    """What a calendar program gets, which knows the address alone."""
    answer = await site.visitor().session.get(url[url.index("/feeds/") :])
    return answer.status, await answer.text()


async def test_a_program_subscribes_to_a_room_and_a_calendar_reads_it(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    sitting = await clerk.made("/sittings", order(site))
    made = await clerk.made("/feeds", {"kind": "room", "room_id": site.rooms[0].id})
    assert (made["kind"], made["room_id"], made["site"], made["used_at"]) == ("room", site.rooms[0].id, "", None)
    status, text = await fetched(site, made["url"])
    assert status == 200
    assert sitting["id"] in text.replace("\r\n ", "")
    assert "刘芳" not in text.replace("\r\n ", "").partition("SUMMARY")[0]


async def test_the_address_is_told_once(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/feeds", {"kind": "site"})
    shown = await clerk.get(f"/feeds/{made['id']}")
    assert shown == made | {"url": None}
    assert (await clerk.get("/feeds"))["items"] == [shown]


async def test_sent_again_under_its_key_it_is_the_same_feed_with_the_same_address(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    first = await clerk.made("/feeds", {"kind": "site"}, Idempotency_Key="one")
    assert await clerk.made("/feeds", {"kind": "site"}, Idempotency_Key="one") == first
    renewed = await clerk.made("/feeds", {"kind": "site"}, Idempotency_Key="two")
    assert renewed["id"] == first["id"]
    assert renewed["url"] != first["url"]
    assert (await fetched(site, first["url"]))[0] == 404
    assert (await fetched(site, renewed["url"]))[0] == 200
    status, body, _ = await clerk.ask("POST", "/feeds", {"kind": "room", "room_id": site.rooms[0].id}, Idempotency_Key="two")
    assert (status, body["code"]) == (422, "key_reused")


async def test_a_feed_is_its_owners_alone(site: Site, program: Programs, member: Programs) -> None:
    one, other, person = await program("clerk"), await program("clerk"), await member("clerk")
    made = await one.made("/feeds", {"kind": "site"})
    for stranger in (other, person):
        assert (await stranger.get("/feeds"))["items"] == []
        for method in ("GET", "DELETE"):
            status, body, _ = await stranger.ask(method, f"/feeds/{made['id']}")
            assert (status, body["code"]) == (404, "feed_unknown")
    assert (await fetched(site, made["url"]))[0] == 200


async def test_who_works_here_has_his_own_sittings_and_a_program_has_none(site: Site, program: Programs, member: Programs) -> None:
    judge, clerk = await member("judge"), await program("clerk")
    sitting = await clerk.made("/sittings", order(site))
    made = await judge.made("/feeds", {"kind": "person"})
    assert sitting["id"] in (await fetched(site, made["url"]))[1].replace("\r\n ", "")
    for who, wanted, code in ((clerk, {"kind": "person"}, "feed_no_person"), (judge, {"kind": "site"}, "feed_forbidden")):
        status, body, _ = await who.ask("POST", "/feeds", wanted)
        assert (status, body["code"]) == (403, code)


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"kind": "room"}, "#/room_id"),
        ({"kind": "room", "room_id": "0" * 16}, "#/room_id"),
        ({"kind": "site", "site": "?"}, "#/site"),
    ],
)
async def test_what_is_not_there_is_not_subscribed_to(site: Site, program: Programs, wanted: dict[str, str], pointer: str) -> None:
    status, body, _ = await (await program("clerk")).ask("POST", "/feeds", wanted)
    assert (status, body["errors"][0]["pointer"]) == (422, pointer)


async def ended(site: Site, clerk: Program, how: str) -> None:
    """The program's token is good no longer."""
    async with site.db.reader() as session:
        (token,) = [each for each in await programs.list_tokens(site.db) if each.role == "clerk"]
        assert await session.get(ApiToken, token.id) is not None
    if how == "revoked":
        await programs.revoke(site.db, token.id, site.users["administrator"], site.now)
    else:
        site.now += timedelta(days=31)


@pytest.mark.parametrize("how", ["revoked", "expired"])
async def test_a_feed_ends_with_the_token_of_its_program(site: Site, program: Programs, how: str) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/feeds", {"kind": "site"})
    await ended(site, clerk, how)
    assert (await fetched(site, made["url"]))[0] == 404


async def test_only_the_version_that_was_seen_is_ended(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/feeds", {"kind": "site"})
    _, _, seen = await clerk.ask("GET", f"/feeds/{made['id']}")
    await fetched(site, made["url"])
    status, body, _ = await clerk.ask("DELETE", f"/feeds/{made['id']}", If_Match=seen.headers["ETag"])
    assert (status, body["code"]) == (412, "version_changed")
    _, _, seen = await clerk.ask("GET", f"/feeds/{made['id']}")
    status, _, _ = await clerk.ask("DELETE", f"/feeds/{made['id']}", If_Match=seen.headers["ETag"])
    assert status == 204
    assert (await fetched(site, made["url"]))[0] == 404
