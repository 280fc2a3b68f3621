"""The API's week's lists: made once, followed, adjusted by the version that was seen, stopped, and booked all or in part."""

from __future__ import annotations

from dispatch.booking.listing import week
from dispatch.web.runs import RUNS
from tests.dispatch.web.api.conftest import Json, Program, Programs, order
from tests.dispatch.web.conftest import Site

WEEK = {"first": "2026-11-30", "last": "2026-12-04", "note": "十二月第一周"}


def waiting(site: Site, number: int, **changes: object) -> Json:
    return {
        "case_number": f"（2026）京0105民初{number}号",
        "case_title": "物业服务合同纠纷",
        "minutes": 120,
        "chair_id": site.users["judge"].id,
        "participants": [{"name": "刘芳", "role": "party"}],
    } | changes


async def waits(site: Site, clerk: Program, *numbers: int, **changes: object) -> list[str]:
    return [(await clerk.made("/waiting", waiting(site, number, **changes)))["id"] for number in numbers]


async def made(site: Site, clerk: Program, **headers: str) -> Json:
    """A list that was made."""
    listing = await clerk.made("/listings", WEEK, **headers)
    return await over(site, clerk, listing["id"])


async def over(site: Site, clerk: Program, listing: str) -> Json:
    await site.server.app[RUNS].wait(listing)
    return await clerk.get(f"/listings/{listing}")


async def test_all_that_waits_is_placed_with_the_bound_and_some_of_it_booked(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    ids = await waits(site, clerk, 1, 2, 3)
    listing = await made(site, clerk, Idempotency_Key="w1")
    assert (listing["state"], listing["note"], listing["failure"]) == ("done", "十二月第一周", None)
    proposal = listing["proposal"]
    assert {each["waiting_id"] for each in proposal["placements"]} == set(ids)
    assert (proposal["cost"] >= proposal["bound"] > 0, 0 <= proposal["gap"] < 1, proposal["impossible"]) == (True, True, [])
    assert {each["chair_id"] for each in proposal["placements"]} == {site.users["judge"].id}
    again = await clerk.made("/listings", WEEK, Idempotency_Key="w1")
    assert again["id"] == listing["id"]
    assert [(each["id"], each["placed"]) for each in (await clerk.get("/listings"))["items"]] == [(listing["id"], 3)]
    path = f"/listings/{listing['id']}/confirm"
    status, body, _ = await clerk.ask("POST", path, {"waiting": ids[:2]}, Idempotency_Key="c1")
    assert (status, [each["code"] for each in body["outcomes"]]) == (200, [None, None])
    place = next(each for each in proposal["placements"] if each["waiting_id"] == ids[0])
    sitting = await clerk.get(f"/sittings/{body['outcomes'][0]['sitting_id']}")
    assert (sitting["starts_at"], sitting["ends_at"], sitting["room"]["id"]) == (place["starts_at"], place["ends_at"], place["room_id"])
    status, same, _ = await clerk.ask("POST", path, {"waiting": ids[:2]}, Idempotency_Key="c1")
    assert (status, same) == (200, body)
    status, problem, _ = await clerk.ask("POST", path, {"waiting": ids[2:]}, Idempotency_Key="c1")
    assert (status, problem["code"], problem["errors"][0]["header"]) == (422, "key_reused", "Idempotency-Key")
    status, body, _ = await clerk.ask("POST", path, {})
    assert (status, len({each["sitting_id"] for each in body["outcomes"]}), (await clerk.get("/waiting"))["items"]) == (200, 3, [])


async def test_what_came_in_between_is_said_of_its_sitting(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    ids = await waits(site, clerk, 1, 2)
    listing = await made(site, clerk)
    first = listing["proposal"]["placements"][0]
    times = {name: first[name] for name in ("starts_at", "ends_at")}
    await clerk.made("/sittings", order(site, room_id=first["room_id"], case_number="（2026）京0105民初77号", **times))
    _, body, _ = await clerk.ask("POST", f"/listings/{listing['id']}/confirm", {})
    refused = next(each for each in body["outcomes"] if each["waiting_id"] == first["waiting_id"])
    assert (refused["code"], refused["sitting_id"], "（2026）京0105民初77号" in refused["detail"]) == ("room_taken", None, True)
    assert refused["nearest_free"]
    assert [each["id"] for each in (await clerk.get("/waiting"))["items"]] == [each for each in ids if each == first["waiting_id"]]


async def test_it_is_adjusted_and_noted_on_by_the_version_that_was_seen(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    ids = await waits(site, clerk, 1, 2, 3)
    listing = await made(site, clerk)
    path = f"/listings/{listing['id']}"
    _, _, answer = await clerk.ask("GET", path)
    seen = answer.headers["ETag"]
    status, body, answer = await clerk.ask("PATCH", path, {"note": "周二有雨"}, If_Match=seen)
    assert (status, body["note"], body["proposal"]) == (200, "周二有雨", listing["proposal"])
    pin = {"waiting_id": ids[0], "starts_at": "2026-12-03T14:00:00+08:00", "room_id": site.rooms[1].id}
    change = {"pins": [pin], "keep": [ids[1]], "left_out": [ids[2]]}
    for method, where, given in (("POST", f"{path}/adjust", change), ("PATCH", path, {"note": ""}), ("POST", f"{path}/confirm", {})):
        status, problem, _ = await clerk.ask(method, where, given, If_Match=seen)
        assert (status, problem["code"]) == (412, "version_changed")
    status, body, _ = await clerk.ask("POST", f"{path}/adjust", change, If_Match=answer.headers["ETag"])
    assert (status, body["state"] in ("queued", "running")) == (200, True)
    adjusted = await over(site, clerk, listing["id"])
    places = {each["waiting_id"]: (each["starts_at"], each["room_id"]) for each in adjusted["proposal"]["placements"]}
    held = next(each for each in listing["proposal"]["placements"] if each["waiting_id"] == ids[1])
    assert places == {ids[0]: (pin["starts_at"], pin["room_id"]), ids[1]: (held["starts_at"], held["room_id"])}
    assert ({each["waiting_id"] for each in adjusted["pins"]}, adjusted["left_out"]) == ({ids[0], ids[1]}, [ids[2]])


async def test_a_place_that_is_none_is_named_where_it_is(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    (one,) = await waits(site, clerk, 1)
    path = f"/listings/{(await made(site, clerk))['id']}"
    pins = [
        {"waiting_id": one, "starts_at": "2026-12-03T14:02:00+08:00", "room_id": site.rooms[0].id},
        {"waiting_id": "0" * 16, "starts_at": "2027-12-03T14:00:00+08:00", "room_id": "1" * 16},
    ]
    status, problem, _ = await clerk.ask("POST", f"{path}/adjust", {"pins": pins, "keep": ["2" * 16]})
    assert (status, [(each["pointer"], each["code"]) for each in problem["errors"]]) == (
        422,
        [
            ("#/pins/0/starts_at", "listing_place"), ("#/pins/1/waiting_id", "waiting_unknown"), ("#/pins/1/room_id", "room_unknown"),
            ("#/pins/1/starts_at", "listing_place"), ("#/keep/0", "listing_not_placed"),
        ],
    )  # fmt: skip
    for given, pointer, code in (([], "#/waiting", "listing_none_ticked"), (["0" * 16], "#/waiting/0", "listing_not_placed")):
        status, problem, _ = await clerk.ask("POST", f"{path}/confirm", {"waiting": given})
        assert (status, [(each["pointer"], each["code"]) for each in problem["errors"]]) == (422, [(pointer, code)])
    status, problem, _ = await clerk.ask("POST", "/listings", WEEK | {"last": "2026-11-01"})
    assert (status, problem["errors"][0]["pointer"], problem["errors"][0]["code"]) == (422, "#/last", "window_over")


async def test_only_whoever_asked_for_it_and_administrators_touch_it(site: Site, program: Programs, member: Programs) -> None:
    clerk, other, keeper, judge = await program("clerk"), await member("clerk"), await program("administrator"), await program("officer")
    ids = await waits(site, clerk, 1, 2)
    listing = await made(site, clerk)
    path = f"/listings/{listing['id']}"
    assert (await other.get(path))["proposal"] == listing["proposal"]
    acts: list[tuple[str, str, Json | None]] = [
        ("PATCH", path, {"note": "周二有雨"}), ("POST", f"{path}/stop", None), ("POST", f"{path}/confirm", {"waiting": ids[:1]}),
        ("POST", f"{path}/adjust", {"keep": ids[1:]}),
    ]  # fmt: skip
    for method, where, given in acts:
        status, problem, _ = await other.ask(method, where, given)
        assert (status, problem["code"]) == (403, "listing_not_yours")
        assert (await judge.ask(method, where, given))[0] == 403
    assert await clerk.get(path) == listing
    for method, where, given in acts:
        assert (await keeper.ask(method, where, given))[0] == 200
    assert (await over(site, clerk, listing["id"]))["note"] == "周二有雨"


async def test_one_that_cannot_be_says_which_conditions_cannot_hold_together(site: Site, program: Programs) -> None:
    clerk = await program("clerk", language="zh-CN")
    ids = await waits(site, clerk, 1, 2, 3, minutes=240, deadline="2026-11-30", required=True)
    listing = await made(site, clerk)
    proposal = listing["proposal"]
    assert (proposal["ended"], proposal["placements"]) == ("impossible", [])
    condition = proposal["impossible"][0]
    assert (condition["code"], site.users["judge"].id in condition["resource_ids"]) == ("overfull", True)
    assert set(condition["waiting_ids"]) <= set(ids)
    assert len(condition["waiting_ids"]) == 2  # two of them are too much for the day already
    assert site.users["judge"].name in condition["detail"]
    english = await clerk.get(f"/listings/{listing['id']}", Accept_Language="en")
    assert english["proposal"]["impossible"][0]["detail"] != condition["detail"]


async def test_one_that_is_stopped_keeps_what_it_found_and_is_not_made_twice_at_once(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    await waits(site, clerk, *range(1, 25), minutes=45)
    listing = await clerk.made("/listings", WEEK)
    path = f"/listings/{listing['id']}"
    status, problem, _ = await clerk.ask("POST", f"{path}/adjust", {})
    assert (status, problem["code"]) == (409, "listing_under_way")
    status, problem, _ = await clerk.ask("POST", f"{path}/confirm", {})
    assert (status, problem["code"]) == (409, "listing_under_way")
    assert (await clerk.ask("POST", f"{path}/stop"))[0] == 200
    stopped = await over(site, clerk, listing["id"])
    assert (stopped["state"], stopped["stop_wanted"], len(stopped["proposal"]["placements"]) > 0) == ("stopped", True, True)


async def test_nothing_that_waits_is_a_failure_in_words(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    listing = await made(site, clerk)
    assert (listing["state"], listing["failure"]) == ("failed", {"code": "listing_empty", "detail": "No sitting waits for a time."})
    assert (await week.get(site.db, listing["id"])).asked_by == listing["asked_by"]
    assert (await clerk.ask("GET", "/listings/0000000000000000"))[0] == 404
