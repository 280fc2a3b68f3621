"""The API's series: whole or not at all, changed from one on, and decisions on bookings that are not firm."""

from __future__ import annotations

from typing import Any

from dispatch.booking.catalogue.details import Details
from tests.dispatch.making import set_terms
from tests.dispatch.web.api.conftest import Json, Programs, order
from tests.dispatch.web.conftest import NOW, Site


def repeated(site: Site, **changes: Any) -> Json:
    """Wednesdays at ten, four times."""
    plain = {name: value for name, value in order(site).items() if name not in ("starts_at", "ends_at")}
    return plain | {"rule": "FREQ=WEEKLY;COUNT=4", "starts": "2026-12-02T10:00", "minutes": 60} | changes


async def test_a_series_is_booked_shown_and_sent_twice_made_once(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/series", repeated(site, left_out=["2026-12-16T10:00"]), Idempotency_Key="s1")
    assert (made["rule"], made["time_zone"], made["left_out"]) == ("FREQ=WEEKLY;COUNT=4", "Asia/Shanghai", ["2026-12-16T10:00"])
    assert [each["starts_at"] for each in made["sittings"]] == [f"2026-12-{day}T10:00:00+08:00" for day in ("02", "09", "23")]
    assert await clerk.get(f"/series/{made['id']}") == made
    again = await clerk.made("/series", repeated(site, left_out=["2026-12-16T10:00"]), Idempotency_Key="s1")
    assert again["id"] == made["id"]
    sitting = await clerk.get(f"/sittings/{made['sittings'][1]['id']}")
    assert (sitting["series_id"], sitting["occurrence"]) == (made["id"], "2026-12-09T10:00")


async def test_every_clash_is_named_and_nothing_is_booked(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    taken = {"starts_at": "2026-12-09T10:30:00+08:00", "ends_at": "2026-12-09T11:30:00+08:00"}
    other = await clerk.made("/sittings", order(site, **taken, case_number="（2026）京0105民初77号"))
    status, problem, _ = await clerk.ask("POST", "/series", repeated(site))
    assert (status, problem["code"]) == (409, "series_taken")
    (clash,) = problem["clashes"]
    assert (clash["occurrence"], clash["code"], clash["conflict"]["sitting_id"]) == ("2026-12-09T10:00", "room_taken", other["id"])
    assert clash["conflict"]["nearest_free"] == "2026-12-09T09:30:00+08:00"
    listed = await clerk.get("/sittings?from=2026-12-01")
    assert [each["id"] for each in listed["items"]] == [other["id"]]


async def test_a_bad_plan_is_refused_at_its_field(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    for wrong, pointer, code in (
        ({"rule": "FREQ=SECONDLY;COUNT=2"}, "#/rule", "rule_frequency"),
        ({"rule": "FREQ=WEEKLY"}, "#/rule", "rule_count_or_until"),
        ({"rule": "FREQ=WEEKLY;BYDAY=FR;COUNT=2"}, "#/starts", "rule_start"),
        ({"starts": "2026-12-02T10:00+08:00"}, "#/starts", "wall_shape"),
        ({"starts": "2026-13-02T10:00"}, "#/starts", "wall_shape"),
        ({"time_zone": "No/Where"}, "#/time_zone", "zone_unknown"),
        ({"left_out": ["2026-12-03T10:00"]}, "#/left_out", "occurrence_unknown"),
        ({"minutes": 5}, "#/minutes", "too_short"),
        ({"held_until": "2027-12-01T10:00:00+08:00"}, "#/held_until", "held_until_range"),
    ):
        status, problem, _ = await clerk.ask("POST", "/series", repeated(site, **wrong))
        assert (status, [(each["pointer"], each["code"]) for each in problem["errors"]]) == (422, [(pointer, code)]), wrong


async def test_from_one_on_they_are_changed_and_cancelled_by_the_version_that_was_seen(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/series", repeated(site))
    _, _, answer = await clerk.ask("GET", f"/series/{made['id']}")
    seen, ids = answer.headers["ETag"], [each["id"] for each in made["sittings"]]
    change = {"sitting_id": ids[2], "scope": "later", "title": "续行审理"}
    change |= {"starts_at": "2026-12-17T14:00:00+08:00", "ends_at": "2026-12-17T15:00:00+08:00"}
    status, body, _ = await clerk.ask("PATCH", f"/series/{made['id']}", change, If_Match='"other"')
    assert status == 412
    status, body, _ = await clerk.ask("PATCH", f"/series/{made['id']}", change, If_Match=seen)
    assert status == 200, body
    assert (body["id"] != made["id"], body["rule"], body["starts"]) == (True, "FREQ=WEEKLY;COUNT=2;WKST=TU", "2026-12-17T14:00")
    assert [each["starts_at"] for each in body["sittings"]] == ["2026-12-17T14:00:00+08:00", "2026-12-24T14:00:00+08:00"]
    assert (await clerk.get(f"/sittings/{ids[3]}"))["title"] == "续行审理"
    status, _, _ = await clerk.ask("PATCH", f"/series/{made['id']}", change)
    assert status == 404  # it is in the other one now
    order_ = {"sitting_id": ids[1], "scope": "later", "reason": "撤诉"}
    status, body, _ = await clerk.ask("POST", f"/series/{made['id']}/cancel", order_)
    assert (status, [each["id"] for each in body["sittings"]]) == (200, [ids[0]])
    assert (await clerk.get(f"/sittings/{ids[1]}"))["status"] == "cancelled"
    assert (await clerk.ask("GET", f"/series/{'0' * 16}"))[0] == 404


async def test_a_tentative_sitting_is_confirmed_and_a_requested_one_is_decided(site: Site, program: Programs, member: Programs) -> None:
    clerk, administrator = await member("clerk"), await program("administrator")
    kept = await clerk.made("/sittings", order(site, held_until="2026-11-25T18:00:00+08:00"))
    assert (kept["booking"], kept["held_until"]) == ("tentative", "2026-11-25T18:00:00+08:00")
    status, firm, _ = await clerk.ask("POST", f"/sittings/{kept['id']}/confirm")
    assert (status, firm["booking"], firm["held_until"]) == (200, "confirmed", None)
    assert (await clerk.ask("POST", f"/sittings/{kept['id']}/confirm"))[0] == 409
    await set_terms(site.db, site.rooms[1].id, Details(needs_approval=True), site.users["administrator"], NOW)
    asked = [await clerk.made("/sittings", order(site, f"{hour}:00", f"{hour + 1}:00", room_id=site.rooms[1].id)) for hour in (10, 16)]
    assert [each["booking"] for each in asked] == ["requested"] * 2
    status, problem, _ = await clerk.ask("POST", f"/sittings/{asked[0]['id']}/approve")
    assert (status, problem["code"]) == (403, "approval_not_yours")
    status, approved, _ = await administrator.ask("POST", f"/sittings/{asked[0]['id']}/approve")
    assert (status, approved["booking"]) == (200, "confirmed")
    status, declined, _ = await administrator.ask("POST", f"/sittings/{asked[1]['id']}/decline", {"reason": "机房检修"})
    assert (status, declined["status"], declined["cancel_reason"]) == (200, "cancelled", "机房检修")


async def test_a_series_is_prolonged_once_by_the_version_that_was_seen(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/series", repeated(site))
    path = f"/series/{made['id']}/prolong"
    _, _, answer = await clerk.ask("GET", f"/series/{made['id']}")
    seen = answer.headers["ETag"]
    taken = {"starts_at": "2026-12-30T10:30:00+08:00", "ends_at": "2026-12-30T11:30:00+08:00"}
    await clerk.made("/sittings", order(site, **taken, case_number="（2026）京0105民初77号"))
    status, problem, _ = await clerk.ask("POST", path, {"until": "2027-01-06"}, If_Match=seen)
    assert (status, [each["occurrence"] for each in problem["clashes"]]) == (409, ["2026-12-30T10:00"])
    further = {"until": "2027-01-06", "left_out": ["2026-12-30T10:00"]}
    status, body, _ = await clerk.ask("POST", path, further, If_Match=seen, Idempotency_Key="p1")
    assert (status, len(body["sittings"]), body["left_out"]) == (200, 5, ["2026-12-30T10:00"])
    assert body["sittings"][-1]["starts_at"] == "2027-01-06T10:00:00+08:00"
    status, again, _ = await clerk.ask("POST", path, further, Idempotency_Key="p1")
    assert (status, again) == (200, body)
    assert (await clerk.ask("POST", path, {"count": 9}, If_Match=seen))[0] == 412
    for given, pointer in (({}, "#/count"), ({"count": 2}, "#/count"), ({"until": "2026-12-01"}, "#/until")):
        status, problem, _ = await clerk.ask("POST", path, given)
        assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
