"""The catalogue for programs: sites, resources, closures, the calendar."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dispatch.making import audited
from tests.dispatch.web.api.conftest import Programs, order
from tests.dispatch.web.conftest import Site

HOURS = {"mon": ["08:30-12:00", "14:00-17:00"], "tue": [], "wed": [], "thu": [], "fri": [], "sat": [], "sun": []}


async def test_a_site_is_made_shown_listed_and_changed_against_lost_updates(program: Programs) -> None:
    keeper = await program("administrator")
    given = {
        "name": "云河看守所",
        "street_address": "北河沿路 3 号",
        "zone": "Asia/Urumqi",
        "hours": {"mon": ["8:30-12:00", "14:00-17:00"]},
    }
    status, made, answer = await keeper.ask("POST", "/sites", given)
    assert (status, made["hours"], made["zone"], answer.headers["Location"]) == (201, HOURS, "Asia/Urumqi", f"/api/v1/sites/{made['id']}")
    seen = answer.headers["ETag"]
    status, changed, _ = await keeper.ask("PATCH", f"/sites/{made['id']}", {"inherit_hours": True, "zone": ""}, If_Match=seen)
    assert (status, changed["hours"], changed["zone"], changed["street_address"]) == (200, None, "", "北河沿路 3 号")
    assert (await keeper.ask("PATCH", f"/sites/{made['id']}", {"name": "看守所"}, If_Match=seen))[0] == 412
    place = {"latitude": 39.9081, "longitude": 116.6432}
    _, changed, _ = await keeper.ask("PATCH", f"/sites/{made['id']}", place)
    assert (changed["latitude"], changed["longitude"]) == (39.9081, 116.6432)
    assert (await keeper.ask("PATCH", f"/sites/{made['id']}", {"latitude": 91.0}))[0] == 422
    _, changed, _ = await keeper.ask("PATCH", f"/sites/{made['id']}", {"forget_place": True})
    assert (changed["latitude"], changed["longitude"]) == (None, None)
    assert (await keeper.ask("PATCH", f"/sites/{made['id']}", {"latitude": 39.9}))[0] == 422
    clerk = await program("clerk")
    assert [each["id"] for each in (await clerk.get("/sites"))["items"]] == [made["id"]]
    assert (await clerk.ask("PATCH", f"/sites/{made['id']}", {"name": "看守所"}))[0] == 403


async def test_each_bad_span_of_hours_is_pointed_to(program: Programs) -> None:
    keeper = await program("administrator")
    status, refused, _ = await keeper.ask("POST", "/sites", {"name": "x", "zone": "Mars", "hours": {"mon": ["09:00-12:00", "11:00-13:00"]}})
    assert status == 422
    assert {(each["pointer"], each["code"]) for each in refused["errors"]} == {
        ("#/zone", "zone_unknown"),
        ("#/hours/mon/1", "hours_overlap"),
    }


async def test_slots_of_a_custody_place_are_resources_of_their_own(program: Programs) -> None:
    keeper = await program("administrator")
    place = await keeper.made("/sites", {"name": "云河看守所"})
    made = await keeper.made("/resources", {"kind": "custody", "name": "提讯席", "site_id": place["id"], "slots": 2, "before_minutes": 10})
    assert [(each["name"], each["before_minutes"]) for each in made["items"]] == [("提讯席 1", 10), ("提讯席 2", 10)]
    listed = await keeper.get(f"/resources?kind=custody&site={place['id']}")
    assert [each["id"] for each in listed["items"]] == [each["id"] for each in made["items"]]
    own = made["items"][0]
    status, changed, _ = await keeper.ask(
        "PATCH", f"/resources/{own['id']}", {"needs_approval": True, "booked_by": ["clerk"], "active": False}
    )
    assert (status, changed["needs_approval"], changed["booked_by"], changed["active"]) == (200, True, ["clerk"], False)
    status, refused, _ = await keeper.ask("PATCH", f"/sites/{place['id']}", {"active": False})
    assert (status, refused["code"]) == (409, "site_in_use")


async def test_a_rooms_name_is_changed_with_the_room_its_features_here(site: Site, program: Programs) -> None:
    keeper, room = await program("administrator"), site.rooms[0].id
    status, changed, _ = await keeper.ask(
        "PATCH", f"/resources/{room}", {"features": ["hearing_loop", "document_camera"], "hours": {"fri": ["09:00-11:00"]}}
    )
    assert (status, changed["features"], changed["hours"]["fri"]) == (200, ["document_camera", "hearing_loop"], ["09:00-11:00"])
    status, refused, _ = await keeper.ask("PATCH", f"/resources/{room}", {"name": "别名"})
    assert (status, refused["errors"][0]["code"]) == (422, "changed_with_room")
    (row,) = await audited(site.db, "resource_changed")
    assert row.detail["resource"] == room


async def test_a_closure_names_the_sittings_that_are_booked_for_its_time(site: Site, program: Programs) -> None:
    clerk, keeper = await program("clerk"), await program("administrator")
    sitting = await clerk.made("/sittings", order(site))
    span = {"starts_at": "2026-11-24T13:00:00+08:00", "ends_at": "2026-11-24T18:00:00+08:00", "reason": "检修"}
    closed = await keeper.made("/closures", {"resource_id": site.rooms[0].id, "kind": "maintenance"} | span)
    assert closed["sittings"] == [sitting["id"]]
    assert [each["id"] for each in (await clerk.get(f"/closures?resource={site.rooms[0].id}"))["items"]] == [closed["id"]]
    again = order(site, "16:00", "17:00", case_number="（2026）京0105民初9号")
    status, refused, _ = await clerk.ask("POST", "/sittings", again)
    assert (status, refused["code"]) == (409, "resource_closed")
    assert (await keeper.ask("DELETE", f"/closures/{closed['id']}"))[0] == 204
    assert (await keeper.ask("GET", f"/closures/{closed['id']}"))[0] == 404
    await clerk.made("/sittings", again)
    for unknown in ({"resource_id": "0" * 16}, {"site_id": "0" * 16}):
        status, refused, _ = await keeper.ask("POST", "/closures", unknown | {"kind": "maintenance"} | span)
        assert (status, [each["pointer"] for each in refused["errors"]]) == (422, [f"#/{name}" for name in unknown])
    assert (await keeper.ask("POST", "/closures", span))[0] == 422


async def test_a_day_is_put_and_its_years_published_days_are_loaded_with_it(program: Programs) -> None:
    keeper = await program("administrator")
    day: dict[str, Any] = {"kind": "holiday", "name": "院庆日", "like": None}
    status, put, _ = await keeper.ask("PUT", "/calendar-days/2026-11-27", day)
    assert (status, put) == (200, {"day": "2026-11-27"} | day)
    names = {each["day"]: each["name"] for each in (await keeper.get("/calendar-days?year=2026"))["items"]}
    assert (names["2026-10-01"], names["2026-11-27"]) == ("国庆节", "院庆日")
    assert (await keeper.ask("DELETE", "/calendar-days/2026-11-27"))[0] == 204
    assert (await keeper.ask("GET", "/calendar-days/2026-11-27"))[0] == 404


@pytest.mark.parametrize(
    ("day", "body", "status"),
    [
        ("2026-13-01", {"kind": "holiday"}, 404),
        ("2026-11-26", {"kind": "working"}, 422),
        ("1800-01-01", {"kind": "holiday"}, 422),
        ("2026-11-26", {"kind": "feast"}, 422),
    ],
)
async def test_a_day_that_is_none_is_refused(program: Programs, day: str, body: dict[str, str], status: int) -> None:
    keeper = await program("administrator")
    assert (await keeper.ask("PUT", f"/calendar-days/{day}", body))[0] == status


async def test_a_closure_is_changed_and_taken_back_by_the_version_that_was_seen(site: Site, program: Programs) -> None:
    clerk, keeper = await program("clerk"), await program("administrator")
    span = {"starts_at": "2026-11-24T18:00:00+08:00", "ends_at": "2026-11-24T20:00:00+08:00", "reason": "检修"}
    closed = await keeper.made("/closures", {"resource_id": site.rooms[0].id, "kind": "maintenance"} | span)
    path = f"/closures/{closed['id']}"
    _, _, answer = await keeper.ask("GET", path)
    seen = answer.headers["ETag"]
    sitting = await clerk.made("/sittings", order(site))
    status, changed, answer = await keeper.ask("PATCH", path, {"starts_at": "2026-11-24T13:00:00+08:00", "reason": "换灯"}, If_Match=seen)
    assert (status, changed) == (200, closed | {"starts_at": "2026-11-24T13:00:00+08:00", "reason": "换灯", "sittings": [sitting["id"]]})
    for method, given in (("PATCH", {"reason": "检修"}), ("DELETE", None)):
        status, problem, _ = await keeper.ask(method, path, given, If_Match=seen)
        assert (status, problem["code"]) == (412, "version_changed")
    status, refused, _ = await clerk.ask("POST", "/sittings", order(site, "16:00", "17:00", case_number="（2026）京0105民初9号"))
    assert (status, refused["code"]) == (409, "resource_closed")
    status, refused, _ = await keeper.ask("PATCH", path, {"ends_at": "2026-11-24T12:00:00+08:00"})
    assert (status, refused["errors"][0]["pointer"]) == (422, "#/ends_at")
    assert (await clerk.ask("PATCH", path, {"reason": "x"}))[0] == 403
    assert (await keeper.ask("DELETE", path, If_Match=answer.headers["ETag"]))[0] == 204
    (row,) = await audited(site.db, "closure_changed")
    assert (row.detail["starts"], row.detail["former_starts"]) == ("2026-11-24 13:00", "2026-11-24 18:00")


async def test_of_two_who_change_a_resource_the_second_is_told(program: Programs) -> None:
    keeper, other = await program("administrator"), await program("administrator")
    made = await keeper.made("/resources", {"kind": "equipment", "name": "移动终端"})
    (terminal,) = made["items"]
    path = f"/resources/{terminal['id']}"
    _, _, answer = await keeper.ask("GET", path)
    seen = answer.headers["ETag"]
    status, _, answer = await other.ask("PATCH", path, {"name": "移动终端甲"}, If_Match=seen)
    assert status == 200
    status, problem, _ = await keeper.ask("PATCH", path, {"name": "移动终端乙"}, If_Match=seen)
    assert (status, problem["code"], problem["errors"][0]["header"]) == (412, "version_changed", "If-Match")
    assert (await keeper.get(path))["name"] == "移动终端甲"
    status, changed, _ = await keeper.ask("PATCH", path, {"before_minutes": 15}, If_Match=answer.headers["ETag"])
    assert (status, changed["name"], changed["before_minutes"]) == (200, "移动终端甲", 15)


async def test_what_is_booked_is_not_taken_out_of_use_and_the_sitting_is_named(site: Site, program: Programs) -> None:
    clerk, keeper = await program("clerk"), await program("administrator")
    (terminal,) = (await keeper.made("/resources", {"kind": "equipment", "name": "移动终端"}))["items"]
    sitting = await clerk.made("/sittings", order(site, equipment=[terminal["id"]]))
    for path in (f"/resources/{terminal['id']}", f"/resources/{site.rooms[0].id}", f"/rooms/{site.rooms[0].id}"):
        status, problem, _ = await keeper.ask("PATCH", path, {"active": False})
        if path.startswith("/resources") and site.rooms[0].id in path:  # a room is taken out of use with the room
            assert (status, problem["errors"][0]["code"]) == (422, "changed_with_room")
            continue
        assert (status, problem["code"], problem["errors"][0]["pointer"]) == (409, "room_booked", "#/active")
        assert (sitting["case"]["number"] in problem["detail"], "24 Nov 2026 14:00" in problem["detail"]) == (True, True)
    status, _, _ = await clerk.ask("POST", f"/sittings/{sitting['id']}/cancel", {"reason": "撤诉"})
    assert status == 200
    for path in (f"/resources/{terminal['id']}", f"/rooms/{site.rooms[0].id}"):
        status, changed, _ = await keeper.ask("PATCH", path, {"active": False})
        assert (status, changed["active"]) == (200, False)
    status, refused, _ = await clerk.ask("POST", "/sittings", order(site, equipment=[terminal["id"]]))
    assert (status, {each["code"] for each in refused["errors"]}) == (422, {"room_unknown", "equipment_unknown"})


async def test_a_site_has_days_of_its_own(program: Programs) -> None:
    keeper = await program("administrator")
    made = await keeper.made("/sites", {"name": "东院"})
    path = f"/sites/{made['id']}/calendar-days"
    day: dict[str, Any] = {"kind": "working", "name": "值班", "like": "mon"}
    status, put, _ = await keeper.ask("PUT", f"{path}/2026-10-01", day)
    assert (status, put) == (200, {"day": "2026-10-01", "site_id": made["id"]} | day)
    assert [each["day"] for each in (await keeper.get(f"{path}?year=2026"))["items"]] == ["2026-10-01"]
    assert (await keeper.get("/calendar-days?year=2026"))["items"] == [], "the court's calendar is as it was"
    assert (await keeper.ask("PUT", "/sites/nobody/calendar-days/2026-10-01", day))[0] == 404
    assert (await keeper.ask("DELETE", f"{path}/2026-10-01"))[0] == 204
    assert (await keeper.ask("GET", f"{path}/2026-10-01"))[0] == 404
