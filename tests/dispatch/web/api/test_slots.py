"""Finding a time through the API."""

from __future__ import annotations

from tests.dispatch.web.api.conftest import Programs
from tests.dispatch.web.conftest import Site

WEEK = {"first": "2026-11-30", "last": "2026-12-04", "minutes": 120}


async def test_slots_come_with_their_reasons_and_can_be_booked(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    judge = site.users["judge"].id
    status, found, _ = await clerk.ask("POST", "/slots", WEEK | {"chair_id": judge, "prosecutor_id": "any", "part": "afternoon"})
    assert status == 200
    best = found["slots"][0]
    assert best["starts_at"] == "2026-11-30T13:30:00+08:00"
    assert best["chair_id"] == judge
    assert best["prosecutor_id"] == site.users["prosecutor"].id
    assert "preferred" in {reason["code"] for reason in best["reasons"]}
    assert best["cost"] == sum(reason["cost"] for reason in best["reasons"])
    assert found["obstacles"] == []
    sitting = {
        "case_number": "（2026）京0105民初31号", "case_title": "甲诉乙", "room_id": best["room_id"], "starts_at": best["starts_at"],
        "ends_at": best["ends_at"], "chair_id": judge, "participants": [{"name": "刘芳", "role": "party"}],
    }  # fmt: skip
    await clerk.made("/sittings", sitting)
    _, again, _ = await clerk.ask("POST", "/slots", WEEK | {"chair_id": judge, "part": "afternoon"})
    assert again["slots"][0]["starts_at"] != best["starts_at"]


async def test_what_is_in_the_way_is_named(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    _, found, _ = await clerk.ask("POST", "/slots", WEEK | {"seats": 500})
    assert found == {"slots": [], "obstacles": [{"code": "no_candidate", "need": "room", "resource_ids": []}]}
    status, refused, _ = await clerk.ask("POST", "/slots", WEEK | {"last": "2026-11-01"})
    assert (status, refused["errors"][0]["pointer"]) == (422, "#/last")


async def test_only_clerks_ask(program: Programs) -> None:
    assert (await (await program("administrator")).ask("POST", "/slots", WEEK))[0] == 403
