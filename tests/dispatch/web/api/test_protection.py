"""Minors, guardians and who must not see or hear whom, through the API: what is taken, refused at its field, and shown to whom."""

from __future__ import annotations

import asyncio
import re

import pytest

from dispatch.booking import bookings
from dispatch.booking.listing import waiting
from dispatch.sittings import sittings
from tests.dispatch.web.api.conftest import Json, Program, Programs, order
from tests.dispatch.web.conftest import Site

PEOPLE: list[Json] = [
    {"name": "小明", "role": "party", "key": "child", "minor": True},
    {"name": "王母", "role": "guardian", "key": "mother", "guards": "child"},
    {"name": "证人甲", "role": "witness", "key": "witness"},
    {"name": "李某", "role": "party", "key": "li"},
]


@pytest.fixture
async def clerk(program: Programs) -> Program:
    return await program("clerk")


def protected(site: Site, *pairs: tuple[str, str], **changes: str) -> Json:
    return order(site, participants=PEOPLE, apart=[{"one": one, "other": other} for one, other in pairs]) | changes


def ids(sitting: Json) -> dict[str, str]:
    return {person["name"]: person["id"] for person in sitting["participants"]}


def pairs(sitting: Json) -> set[frozenset[str]]:
    names = {person["id"]: person["name"] for person in sitting["participants"]}
    return {frozenset((names[pair["one"]], names[pair["other"]])) for pair in sitting["apart"]}


async def test_a_booking_names_them_by_the_words_of_the_request(site: Site, clerk: Program) -> None:
    made = await clerk.made("/sittings", protected(site, ("witness", "li"), ("clerk_id", "witness")))
    assert pairs(made) == {frozenset(("证人甲", "李某")), frozenset(("证人甲", "Clerk"))}
    found = {person["name"]: (person["minor"], person["guards"], person["presides"]) for person in made["participants"]}
    assert found["小明"] == (True, "", False)
    assert found["王母"] == (False, ids(made)["小明"], False)
    assert found["Judge"] == (False, "", True)
    assert await clerk.get(f"/sittings/{made['id']}") == made


async def test_each_mistake_is_told_at_its_place(site: Site, clerk: Program) -> None:
    bad = protected(site, ("witness", "chair_id"), ("witness", "witness"), ("mother", "child"), ("witness", "nobody"))
    bad["participants"] = [PEOPLE[0], PEOPLE[1] | {"guards": "mother"}, PEOPLE[2], PEOPLE[3] | {"key": "child"}]
    status, refused, _ = await clerk.ask("POST", "/sittings", bad)
    assert status == 422
    assert {each["pointer"]: each["code"] for each in refused["errors"]} == {
        "#/participants/1/guards": "guards_himself",
        "#/participants/3/key": "key_twice",
        "#/apart/0": "apart_chair",
        "#/apart/1": "apart_himself",
        "#/apart/3": "apart_unknown",
    }
    status, refused, _ = await clerk.ask("POST", "/sittings", protected(site, override_reason="") | {"participants": [PEOPLE[0]]})
    assert [(each["pointer"], each["code"]) for each in refused["errors"]][-1] == ("#/override_reason", "rule_unguarded")


async def test_the_pairs_are_changed_whole_before_it_is_open(site: Site, clerk: Program) -> None:
    made = await clerk.made("/sittings", protected(site, ("witness", "li")))
    one = ids(made)
    wanted = {"apart": [{"one": one["小明"], "other": one["证人甲"]}, {"one": one["Clerk"], "other": one["李某"]}], "override_reason": "改"}
    status, changed, _ = await clerk.ask("PATCH", f"/sittings/{made['id']}", wanted)
    assert status == 200
    assert pairs(changed) == {frozenset(("小明", "证人甲")), frozenset(("Clerk", "李某"))}
    (entry, *_) = (await clerk.get(f"/sittings/{made['id']}/history"))["items"]
    ((field, former),) = [(each["field"], each["former"]) for each in entry["changes"]]
    assert (field, former) == ("apart", ["证人甲 ↔ 李某"])
    await site.context.live.ensure_open(made["id"])
    async with asyncio.timeout(30):
        while (await clerk.get(f"/sittings/{made['id']}"))["status"] != "open":
            await asyncio.sleep(0.05)
    status, refused, _ = await clerk.ask("PATCH", f"/sittings/{made['id']}", {"apart": []})
    assert (status, refused["errors"][0]["code"]) == (422, "apart_open")


async def test_one_participant_is_bound_by_himself(site: Site, clerk: Program) -> None:
    made = await clerk.made("/sittings", order(site))
    people = f"/sittings/{made['id']}/participants"
    status, refused, _ = await clerk.ask("POST", people, {"name": "小明", "role": "party", "minor": True})
    assert (status, refused["errors"][0]["pointer"]) == (422, "#/override_reason")
    child = await clerk.made(people, {"name": "小明", "role": "party", "minor": True, "override_reason": "监护人稍后登记"})
    mother = await clerk.made(people, {"name": "王母", "role": "guardian", "guards": child["id"]})
    assert mother["guards"] == child["id"]
    status, refused, _ = await clerk.ask("PATCH", f"{people}/{mother['id']}", {"guards": mother["id"]})
    assert (status, refused["errors"][0]["pointer"], refused["errors"][0]["code"]) == (422, "#/guards", "guards_himself")
    assert (await clerk.ask("DELETE", f"{people}/{mother['id']}"))[0] == 422
    assert (await clerk.ask("DELETE", f"{people}/{mother['id']}?override_reason=ill"))[0] == 204


async def test_only_who_keeps_bookings_is_shown_it(site: Site, clerk: Program, program: Programs, member: Programs) -> None:
    made = await clerk.made("/sittings", protected(site, ("witness", "li")))
    path = f"/sittings/{made['id']}"
    for reader in (await program("officer"), await member("judge")):
        shown, answer = (await reader.ask("GET", path))[1:]
        assert shown["apart"] is None
        assert {(person["minor"], person["guards"]) for person in shown["participants"]} == {(None, None)}
        (one, *_) = (await reader.get(f"{path}/participants"))["items"]
        assert (one["minor"], one["guards"]) == (None, None)
        # Its version is that of the whole: whoever sees a part of it can still say which he saw.
        assert answer.headers["ETag"] == (await clerk.ask("GET", path))[2].headers["ETag"]
        assert (await reader.ask("GET", f"{path}/history"))[0] == 403


async def test_one_who_takes_part_presides_instead_and_changes_places(site: Site, clerk: Program) -> None:
    second = {"user_id": site.users["prosecutor"].id, "role": "interrogator"}
    suspect = {"name": "马某", "role": "suspect"}
    made = await clerk.made(
        "/sittings",
        order(site, kind="remote_interrogation", chair_id=site.users["judge"].id, participants=[second, suspect]),
    )
    status, changed, _ = await clerk.ask("PATCH", f"/sittings/{made['id']}", {"chair_id": site.users["prosecutor"].id})
    assert status == 200
    found = {person["name"]: (person["id"], person["role"], person["presides"]) for person in changed["participants"]}
    assert found["Prosecutor"] == (ids(made)["Prosecutor"], "interrogator", True)
    assert found["Judge"] == (ids(made)["Judge"], "interrogator", False)


async def test_guardians_and_pairs_wait_along_and_are_booked_with_the_sitting(site: Site, clerk: Program) -> None:
    made = await clerk.made(
        "/waiting",
        {
            "case_number": "（2026）京0105民初31号", "case_title": "抚养费", "chair_id": site.users["judge"].id,
            "participants": [
                {"name": "小明", "role": "party", "key": "child", "minor": True},
                {"name": "王母", "role": "guardian", "key": "mother", "guards": "child"},
                {"name": "证人甲", "role": "witness", "key": "witness"},
            ],
            "apart": [{"one": "child", "other": "witness"}],
        },
    )  # fmt: skip
    assert made["apart"] == [{"one": "child", "other": "witness"}]
    row = await waiting.get(site.db, made["id"])
    start = site.now.replace(month=12, day=1, hour=2)
    draft = waiting.sitting_draft(row, start, site.rooms[0].id, {"chair_id": site.users["judge"].id})
    booked = await bookings.create_sitting(site.db, draft, site.users["clerk"], site.now)
    plan = sittings.plan(booked, site.db)
    assert (len(plan.apart), sum(bool(person.guards) for person in plan.participants)) == (1, 1)
    page = await (await site.signed_in("clerk")).page(f"/booking/waiting/{made['id']}")
    assert re.search(r'<select id="participants-1-guards".*?value="child" selected', page, re.DOTALL)
    assert re.search(r'name="apart-0-one".*?value="child" selected', page, re.DOTALL)
    status, refused, _ = await clerk.ask(
        "POST", "/waiting",
        {"case_number": "（2026）京0105民初32号", "case_title": "另案", "chair_id": site.users["judge"].id,
         "participants": [{"name": "王母", "role": "guardian"}]},
    )  # fmt: skip
    assert (status, refused["errors"][0]["pointer"], refused["errors"][0]["code"]) == (422, "#/participants/0/guards", "guards_missing")
