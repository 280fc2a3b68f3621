"""Copies through the API: a program asks and fetches, a person decides; versions, orders sent twice, broken transfers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatch.store.copy_tables import Copy
from tests.dispatch.web.api.conftest import PICTURE, Json, Programs, order, recorded
from tests.dispatch.web.conftest import Site
from tests.dispatch.web.test_archive import audited

WISH: Json = {"content": "film", "receiver": "王律师", "unit": "云河律师事务所", "purpose": "准备二审", "basis": "刑事诉讼法第四十条"}


@pytest.fixture
async def sitting(site: Site, program: Programs) -> str:
    """A sitting that has a recording; the judge presides."""
    made = await (await program("clerk")).made("/sittings", order(site))
    await recorded(site, made["id"])
    return str(made["id"])


async def ready(site: Site, copy: str) -> None:
    """As the jobs process leaves it."""
    site.context.settings.copies.mkdir(exist_ok=True)
    (site.context.settings.copies / "copy.zip").write_bytes(PICTURE)
    async with site.db.writer() as session:
        kept = await session.get_one(Copy, copy)
        kept.state, kept.file, kept.sha256, kept.expires_at = "ready", "copy.zip", "a" * 64, site.now + timedelta(days=7)


async def test_a_program_asks_a_person_decides_and_the_program_fetches(
    site: Site, program: Programs, member: Programs, sitting: str
) -> None:
    clerk, judge = await program("clerk"), await member("judge")
    copy = await clerk.made(f"/recordings/{sitting}/copies", WISH)
    assert (copy["state"], copy["number"], copy["requested_by"]) == ("requested", "2026-0001", "Case files (clerk)")
    path = f"/copies/{copy['id']}"
    for other in (clerk, await program("administrator")):
        status, refused, _ = await other.ask("POST", f"{path}/approve")
        assert (status, refused["code"]) == (403, "copy_decision_not_yours")
    status, refused, _ = await judge.ask("POST", f"{path}/approve", If_Match='"of-nothing"')
    assert (status, refused["code"]) == (412, "version_changed")
    _, seen, answer = await judge.ask("GET", path)
    status, approved, _ = await judge.ask("POST", f"{path}/approve", If_Match=answer.headers["ETag"])
    assert (status, approved["state"], approved["decided_by"]) == (200, "approved", site.users["judge"].name)
    assert seen["state"] == "requested"
    assert await clerk.get(f"{path}/making") == {"state": "approved", "progress": 0.0, "remaining_s": None}
    assert (await clerk.ask("GET", f"{path}/file"))[1]["code"] == "copy_file_missing"
    await ready(site, copy["id"])
    status, _, whole = await clerk.ask("GET", f"{path}/file")
    assert (status, await whole.read()) == (200, PICTURE)
    assert [(row["number"], row["sha256"]) for row in await audited(site, "copy_fetched")] == [("2026-0001", "a" * 64)]


async def test_a_broken_transfer_goes_on_where_it_broke_off_and_is_audited(
    site: Site, program: Programs, sitting: str
) -> None:
    clerk = await program("clerk")
    copy = (await clerk.made(f"/recordings/{sitting}/copies", WISH))["id"]
    await ready(site, copy)
    _, _, head = await clerk.ask("GET", f"/copies/{copy}/file", Range="bytes=0-99")
    _, _, rest = await clerk.ask("GET", f"/copies/{copy}/file", Range="bytes=100-", If_Match=head.headers["ETag"])
    assert await head.read() + await rest.read() == PICTURE
    assert [row.get("part", "") for row in await audited(site, "copy_fetched")] == ["", "bytes=100-"]
    status, _, answer = await clerk.ask("GET", f"/copies/{copy}/file", Range="bytes=999999-")
    assert (status, answer.headers["Content-Range"]) == (416, f"bytes */{len(PICTURE)}")
    status, refused, _ = await clerk.ask("GET", f"/copies/{copy}/file", If_Match='"of-nothing"')
    assert (status, refused["code"]) == (412, "version_changed")
    assert (await (await program("officer")).ask("GET", f"/copies/{copy}/file"))[0] == 404
    assert len(await audited(site, "copy_fetched")) == 2


async def test_an_order_sent_twice_asks_once(program: Programs, sitting: str) -> None:
    clerk = await program("clerk")
    first = await clerk.made(f"/recordings/{sitting}/copies", WISH, Idempotency_Key="k1")
    again = await clerk.made(f"/recordings/{sitting}/copies", WISH, Idempotency_Key="k1")
    assert first["id"] == again["id"]
    other = await clerk.ask("POST", f"/recordings/{sitting}/copies", WISH | {"unit": "别处"}, Idempotency_Key="k1")
    assert other[1]["code"] == "key_reused"
    assert len((await clerk.get("/copies"))["items"]) == 1


async def test_what_is_missing_is_said_at_its_field(program: Programs, sitting: str) -> None:
    clerk = await program("clerk")
    status, refused, _ = await clerk.ask("POST", f"/recordings/{sitting}/copies", WISH | {"content": "package"})
    assert (status, [each["pointer"] for each in refused["errors"]]) == (422, ["#/originals_reason"])
    status, refused, _ = await clerk.ask("POST", f"/recordings/{sitting}/copies", WISH | {"content": "span", "from_s": 6, "to_s": 3})
    assert (status, [each["pointer"] for each in refused["errors"]]) == (422, ["#/to_s"])


async def test_the_list_is_of_those_that_are_ones_to_know_a_page_at_a_time(program: Programs, member: Programs, sitting: str) -> None:
    clerk = await program("clerk")
    made = [(await clerk.made(f"/recordings/{sitting}/copies", WISH))["number"] for _ in range(3)]
    first = await clerk.get("/copies?limit=2")
    rest = await clerk.get(f"/copies?limit=2&cursor={first['next']}")
    assert sorted(each["number"] for each in first["items"] + rest["items"]) == made
    assert (await (await member("prosecutor")).get("/copies"))["items"] == []
    assert len((await (await member("administrator")).get(f"/copies?sitting={sitting}&state=requested"))["items"]) == 3
    assert (await clerk.get("/copies?state=ready"))["items"] == []


async def test_a_copy_is_refused_or_taken_back_for_a_reason(program: Programs, member: Programs, sitting: str) -> None:
    clerk, judge = await program("clerk"), await member("judge")
    one, other = [(await clerk.made(f"/recordings/{sitting}/copies", WISH))["id"] for _ in range(2)]
    _, refused, _ = await judge.ask("POST", f"/copies/{one}/refuse", {"reason": "无法律依据"})
    assert (refused["state"], refused["reason"]) == ("refused", "无法律依据")
    _, back, _ = await clerk.ask("POST", f"/copies/{other}/revoke", {"reason": "误发"})
    assert back["state"] == "revoked"
    status, again, _ = await clerk.ask("POST", f"/copies/{other}/revoke", {"reason": "误发"})
    assert (status, again["code"]) == (409, "copy_state")
