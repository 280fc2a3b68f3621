"""Sittings through the API: booked, found, changed, moved and cancelled by the rules of the booking page."""

from __future__ import annotations

import asyncio
import re

import pytest
from sqlalchemy import select

from dispatch.sittings import sittings
from dispatch.store.tables import AuditRow, Sitting
from tests.dispatch.web.api.conftest import Json, Programs, order
from tests.dispatch.web.conftest import Site


async def status_of(site: Site, sitting: str, status: str) -> None:
    """The hearing went as far as that."""
    async with site.db.writer() as session:
        (await session.get_one(Sitting, sitting)).status = status


async def test_a_booked_sitting_is_at_its_address_with_its_version(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    status, made, answer = await clerk.ask("POST", "/sittings", order(site))
    assert status == 201
    assert answer.headers["Location"] == f"/api/v1/sittings/{made['id']}"
    assert (made["starts_at"], made["status"]) == ("2026-11-24T14:00:00+08:00", "planned")
    assert [(person["role"], person["link"] is not None) for person in made["participants"]] == [
        ("judge", False),
        ("clerk", False),
        ("party", True),
        ("interpreter", False),
    ]
    status, found, again = await clerk.ask("GET", f"/sittings/{made['id']}")
    assert (status, found) == (200, made)
    assert again.headers["ETag"] == answer.headers["ETag"]
    assert (await clerk.ask("GET", f"/sittings/{made['id']}", If_None_Match=again.headers["ETag"]))[0] == 304


async def test_what_a_program_books_is_on_the_page_and_in_the_audit_under_its_name(site: Site, program: Programs) -> None:
    made = await (await program("clerk")).made("/sittings", order(site))
    assert made["id"] in await (await site.signed_in("clerk")).page("/booking?day=2026-11-24")
    async with site.db.reader() as session:
        row = (await session.scalars(select(AuditRow).where(AuditRow.action == "sitting_booked"))).one()
    assert (row.actor, row.detail["sitting"]) == ("Case files (clerk)", made["id"])
    assert (await sittings.get(site.db, made["id"])).created_by is None


async def test_times_are_taken_with_any_offset(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/sittings", order(site) | {"starts_at": "2026-11-24T06:00:00Z", "ends_at": "2026-11-24T08:00:00+01:00"})
    assert (made["starts_at"], made["ends_at"]) == ("2026-11-24T14:00:00+08:00", "2026-11-24T15:00:00+08:00")


async def test_every_bad_field_is_named_at_once(site: Site, program: Programs) -> None:
    bad = order(site, starts_at="tomorrow", room_id="", colour="red")
    bad["participants"][1]["phone"] = 5
    del bad["chair_id"]
    status, refused, _ = await (await program("clerk")).ask("POST", "/sittings", bad)
    assert (status, refused["code"]) == (422, "invalid")
    assert {each["pointer"]: each["code"] for each in refused["errors"]} == {
        "#/starts_at": "moment_shape",
        "#/room_id": "value_shape",
        "#/colour": "field_unknown",
        "#/participants/1/phone": "text_wanted",
        "#/chair_id": "required",
    }


async def test_the_rules_of_booking_name_the_fields_of_the_body(site: Site, program: Programs) -> None:
    bad = order(site, chair_id=site.users["clerk"].id, starts_at="2026-11-24T08:00:00+08:00", ends_at="2026-11-24T08:05:00+08:00")
    bad["participants"][0]["phone"] = "call me"
    status, refused, _ = await (await program("clerk")).ask("POST", "/sittings", bad)
    assert status == 422
    assert {"#/chair_id", "#/ends_at", "#/starts_at", "#/participants/0/phone"} <= {each["pointer"] for each in refused["errors"]}


async def test_a_conflict_names_what_is_in_the_way_and_the_nearest_free_time(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    first = await clerk.made("/sittings", order(site))
    status, refused, _ = await clerk.ask("POST", "/sittings", order(site, "14:30", "15:30", case_number="（2026）京0105民初32号"))
    assert (status, refused["code"]) == (409, "room_taken")
    assert refused["conflict"]["sitting_id"] == first["id"]
    assert refused["conflict"]["nearest_free"] == "2026-11-24T15:00:00+08:00"
    assert "Remote Court 1" in refused["detail"] or "第一远程法庭" in refused["detail"]
    taken = order(site, case_number="（2026）京0105民初32号", starts_at="2026-11-24T15:00:00+08:00", ends_at="2026-11-24T16:00:00+08:00")
    await clerk.made("/sittings", taken)


async def test_twenty_orders_under_one_key_book_once(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    answers = await asyncio.gather(*(clerk.ask("POST", "/sittings", order(site), Idempotency_Key="k-1") for _ in range(20)))
    assert {status for status, _, _ in answers} == {201}
    assert len({made["id"] for _, made, _ in answers}) == 1
    assert len((await clerk.get("/sittings"))["items"]) == 1


async def test_another_order_under_a_used_key_is_refused_and_another_programs_keys_are_its_own(site: Site, program: Programs) -> None:
    clerk, other = await program("clerk"), await program("clerk")
    first = await clerk.made("/sittings", order(site), Idempotency_Key="k-1")
    status, refused, _ = await clerk.ask("POST", "/sittings", order(site, title="Second day"), Idempotency_Key="k-1")
    assert (status, refused["code"], refused["errors"][0]["header"]) == (422, "key_reused", "Idempotency-Key")
    second = await other.made("/sittings", order(site, "16:00", "17:00"), Idempotency_Key="k-1")
    assert second["id"] != first["id"]


async def test_a_refused_order_leaves_no_key(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    first = await clerk.made("/sittings", order(site))
    wanted = order(site, case_number="（2026）京0105民初32号")
    assert (await clerk.ask("POST", "/sittings", wanted, Idempotency_Key="k-2"))[0] == 409
    assert (await clerk.ask("POST", f"/sittings/{first['id']}/cancel", {"reason": "The judge is ill"}))[0] == 200
    await clerk.made("/sittings", wanted, Idempotency_Key="k-2")


async def test_sittings_are_found_by_day_room_status_and_case(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    today = await clerk.made("/sittings", order(site))
    tomorrow = order(site, case_number="(2026)京0105民初32号", room_id=site.rooms[1].id)
    tomorrow |= {"starts_at": "2026-11-25T09:00:00+08:00", "ends_at": "2026-11-25T10:00:00+08:00"}
    later = await clerk.made("/sittings", tomorrow)
    await clerk.ask("POST", f"/sittings/{later['id']}/cancel", {"reason": "Settled"})

    async def found(query: str) -> list[str]:
        return [each["id"] for each in (await clerk.get(f"/sittings?{query}"))["items"]]

    assert await found("") == [today["id"], later["id"]]
    assert await found("day=2026-11-24") == [today["id"]]
    assert await found("from=2026-11-25") == [later["id"]]
    assert await found("until=2026-11-24") == [today["id"]]
    assert await found("day=2026-11-24&from=2026-11-25") == []
    assert await found(f"room={site.rooms[1].id}") == [later["id"]]
    assert await found("status=planned") == [today["id"]]
    assert await found("status=planned&status=cancelled") == [today["id"], later["id"]]
    assert await found("case_number=（2026）京0105民初32号") == [later["id"]]
    assert await found("case_number=民初32号") == []


async def test_pages_miss_nothing_and_repeat_nothing_while_others_book(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    hours = [9, 10, 11, 13, 14]
    booked = [(await clerk.made("/sittings", order(site, f"{h:02}:30", f"{h + 1:02}:00")))["id"] for h in hours]
    seen: list[str] = []
    cursor = ""
    for _ in range(10):
        page = await clerk.get(f"/sittings?limit=2&cursor={cursor}")
        assert len(page["items"]) <= 2
        seen += [each["id"] for each in page["items"]]
        if len(seen) == 2:  # one before the place and one behind it
            await clerk.made("/sittings", order(site, "09:31", "10:00", room_id=site.rooms[1].id, **others()))
            booked.insert(3, (await clerk.made("/sittings", order(site, "12:00", "12:30")))["id"])
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == booked


def others() -> Json:
    """At a time before the place that was reached, without the clerk."""
    return {"clerk_id": "", "starts_at": "2026-11-24T10:00:00+08:00", "ends_at": "2026-11-24T10:30:00+08:00"}


@pytest.mark.parametrize("cursor", ["x", "eHg", "MjAyNg", "%20", "é"])
async def test_a_made_up_cursor_is_named(program: Programs, cursor: str) -> None:
    status, refused, _ = await (await program("clerk")).ask("GET", f"/sittings?cursor={cursor}")
    assert (status, refused["errors"][0]["parameter"]) == (422, "cursor")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("day=2026-13-01", "day"),
        ("day=0001-01-01", "day"),
        ("status=over", "status"),
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("rooms=1", "rooms"),
    ],
)
async def test_a_filter_that_is_none_is_refused_not_left_out(program: Programs, query: str, parameter: str) -> None:
    status, refused, _ = await (await program("clerk")).ask("GET", f"/sittings?{query}")
    assert status == 422
    assert refused["errors"][0]["parameter"] == parameter


async def test_judges_see_their_own_sittings_alone(site: Site, program: Programs, member: Programs) -> None:
    made = await (await program("clerk")).made("/sittings", order(site))
    judge, prosecutor = await member("judge"), await member("prosecutor")
    assert [each["id"] for each in (await judge.get("/sittings"))["items"]] == [made["id"]]
    assert (await prosecutor.get("/sittings"))["items"] == []
    assert (await prosecutor.ask("GET", f"/sittings/{made['id']}"))[0] == 404
    assert (await judge.ask("PATCH", f"/sittings/{made['id']}", {"title": "Mine"}))[0] == 403


async def test_an_officer_is_shown_no_telephone_but_the_same_version(site: Site, program: Programs) -> None:
    clerk, officer = await program("clerk"), await program("officer")
    made = await clerk.made("/sittings", order(site))
    _, seen, answer = await officer.ask("GET", f"/sittings/{made['id']}")
    assert {person["phone"] for person in seen["participants"]} == {None}
    assert "13812345678" in {person["phone"] for person in made["participants"]}
    assert answer.headers["ETag"] == (await clerk.ask("GET", f"/sittings/{made['id']}"))[2].headers["ETag"]


async def test_a_change_alters_what_it_names_and_keeps_people_and_links(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/sittings", order(site))
    status, changed, answer = await clerk.ask("PATCH", f"/sittings/{made['id']}", {"title": "Second day"})
    assert status == 200
    assert changed == made | {"title": "Second day"}
    assert answer.headers["ETag"] == (await clerk.ask("GET", f"/sittings/{made['id']}"))[2].headers["ETag"]
    _, without, _ = await clerk.ask("PATCH", f"/sittings/{made['id']}", {"clerk_id": ""})
    assert "clerk" not in {person["role"] for person in without["participants"]}


@pytest.mark.parametrize("change", [{"title": None}, {"starts_at": None}, {"participants": []}, {"status": "closed"}])
async def test_a_change_can_name_nothing_that_is_not_changed_so(site: Site, program: Programs, change: Json) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/sittings", order(site))
    status, refused, _ = await clerk.ask("PATCH", f"/sittings/{made['id']}", change)
    assert status == 422
    assert [each["pointer"] for each in refused["errors"]] == [f"#/{next(iter(change))}"]


async def test_of_two_changes_of_one_version_one_is_made(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    _, made, answer = await clerk.ask("POST", "/sittings", order(site))
    version = answer.headers["ETag"]
    path = f"/sittings/{made['id']}"
    asked = await asyncio.gather(*(clerk.ask("PATCH", path, {"title": f"Day {n}"}, If_Match=version) for n in range(8)))
    assert sorted(status for status, _, _ in asked) == [200] + [412] * 7
    done = next(body["title"] for status, body, _ in asked if status == 200)
    assert (await clerk.get(path))["title"] == done


async def test_what_was_changed_meanwhile_is_neither_moved_nor_cancelled(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    _, made, answer = await clerk.ask("POST", "/sittings", order(site))
    path, stale = f"/sittings/{made['id']}", answer.headers["ETag"]
    await clerk.ask("PATCH", path, {"title": "Second day"})
    place = {"room_id": site.rooms[1].id, "starts_at": made["starts_at"], "ends_at": made["ends_at"]}
    for act, body in (("move", place), ("cancel", {"reason": "Settled"})):
        status, refused, _ = await clerk.ask("POST", f"{path}/{act}", body, If_Match=stale)
        assert (status, refused["code"]) == (412, "version_changed")
    assert (await clerk.get(path))["room"]["id"] == site.rooms[0].id


async def test_a_move_issues_all_links_anew(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/sittings", order(site))
    party = next(person["id"] for person in made["participants"] if person["link"])
    link = f"/sittings/{made['id']}/participants/{party}/link"
    before = (await clerk.get(link))["url"]
    place = {"room_id": site.rooms[1].id, "starts_at": "2026-11-24T16:00:00+08:00", "ends_at": "2026-11-24T17:00:00+08:00"}
    status, refused, _ = await clerk.ask("POST", f"/sittings/{made['id']}/move", place)
    assert (status, refused["errors"][0]["pointer"], refused["errors"][0]["code"]) == (422, "#/override_reason", "rule_notice")
    place["override_reason"] = "双方同意"
    status, moved, answer = await clerk.ask("POST", f"/sittings/{made['id']}/move", place, If_Match="*")
    assert (status, moved["room"]["id"], moved["starts_at"]) == (200, site.rooms[1].id, place["starts_at"])
    assert moved["override_reason"] == "双方同意"
    assert "ETag" in answer.headers
    assert (await clerk.get(link))["url"] != before


async def test_a_cancelled_sitting_frees_its_room_and_ends_its_links(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/sittings", order(site))
    party = next(person["id"] for person in made["participants"] if person["link"])
    status, cancelled, _ = await clerk.ask("POST", f"/sittings/{made['id']}/cancel", {"reason": "The judge is ill"})
    assert (status, cancelled["status"], cancelled["cancel_reason"]) == (200, "cancelled", "The judge is ill")
    assert (await clerk.ask("GET", f"/sittings/{made['id']}/participants/{party}/link"))[0] == 404
    assert (await clerk.ask("POST", f"/sittings/{made['id']}/cancel", {"reason": "Again"}))[1]["code"] == "sitting_cancelled"
    await clerk.made("/sittings", order(site, case_number="（2026）京0105民初32号"))


async def test_a_live_sitting_keeps_room_and_time_but_its_title_can_change(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/sittings", order(site))
    await status_of(site, made["id"], "live")
    path = f"/sittings/{made['id']}"
    place = {"room_id": site.rooms[1].id, "starts_at": made["starts_at"], "ends_at": made["ends_at"]}
    for method, where, body in (
        ("POST", f"{path}/move", place),
        ("POST", f"{path}/cancel", {"reason": "Settled"}),
        ("PATCH", path, {"ends_at": "2026-11-24T18:00:00+08:00"}),
    ):
        status, refused, _ = await clerk.ask(method, where, body)
        assert (status, refused["code"]) == (409, "sitting_live"), where
    assert (await clerk.ask("PATCH", path, {"title": "Second day"}))[1]["title"] == "Second day"


async def test_a_sitting_that_is_not_there_is_not_found_whatever_is_asked(program: Programs) -> None:
    clerk = await program("clerk")
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"title": "x"}),
        ("POST", "/cancel", {"reason": "x"}),
        ("GET", "/participants", None),
    ):
        status, refused, _ = await clerk.ask(method, f"/sittings/0123456789abcdef{path}", body)
        assert (status, refused["code"]) == (404, "sitting_unknown"), path


async def test_an_instance_number_is_that_of_the_servers_log(program: Programs) -> None:
    _, refused, answer = await (await program("clerk")).ask("GET", "/sittings/x")
    assert refused["instance"] == answer.headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{12}", refused["instance"])
