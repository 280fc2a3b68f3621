"""A clerk books, moves, changes and cancels; conflicts are said in words and nothing typed is lost."""

from __future__ import annotations

import re

import pytest

from tests.dispatch.web.conftest import Site


async def test_a_booked_sitting_is_in_the_grid_with_its_links(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    grid = await clerk.page("/booking?day=2026-11-24")
    assert f'data-sitting="{sitting}"' in grid
    assert 'data-from="840" data-to="900"' in grid
    page = await clerk.page(f"/sittings/{sitting}?saved=1")
    assert len(set(re.findall(r"http://127\.0\.0\.1:8080/join/[\w-]{43}", page))) == 1  # the party's; the interpreter sits in the room
    assert page.count("<svg") > page.count("<use")  # the QR code


async def test_bad_fields_are_named_all_at_once_and_what_was_typed_stays(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    bad = {"case_number": "", "start": "", "chair_id": "", "participants-0-phone": "call me", "case_title": "Kept as typed"}
    answer = await clerk.post("/sittings/new", site.draft(**bad))
    text = await answer.text()
    assert answer.status == 422
    assert "Kept as typed" in text
    marked = {tag.split('"')[0] for tag in re.findall(r'<(?:input|select) id="([^>]*aria-invalid="true")', text)}
    assert {"case_number", "start", "chair_id", "participants-0-phone"} <= marked


async def test_rows_that_are_still_empty_stay_behind_those_that_are_not(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    typed = {name: value for name, value in site.draft(case_number="").items() if not name.startswith("participants-")}
    empty, zhou = {"participants-0-role": "witness"}, {"role": "party", "name": "Zhou", "phone": "call me"}
    rows = empty | {f"participants-1-{name}": value for name, value in zhou.items()}
    text = await (await clerk.post("/sittings/new", typed | rows)).text()
    assert re.findall(r'name="participants-\d-name"[^>]*value="([^"]*)"', text) == ["Zhou", ""]
    assert re.search(r'id="participants-0-phone"[^>]*aria-invalid="true"', text)


async def test_a_conflict_names_what_is_in_the_way_and_offers_the_nearest_free_time(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    await site.booked(clerk)
    again = site.draft(case_number="（2026）京0105民初32号", case_title="Another case")
    answer = await clerk.post("/sittings/new", again)
    text = await answer.text()
    assert answer.status == 409
    assert "（2026）京0105民初31号" in text or "云河物业公司与刘芳物业服务合同纠纷案" in text
    assert "Another case" in text
    offered = re.search(r'name="take" value="([^"]+)"', text)
    assert offered is not None
    taken = await clerk.post("/sittings/new", again | {"take": offered[1]})
    assert taken.status == 303


async def test_a_move_issues_all_links_anew(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    before = set(re.findall(r"/join/[\w-]{43}", await clerk.page(f"/sittings/{sitting}")))
    order = {"room_id": site.rooms[1].id, "day": "2026-11-24", "start": "15:30", "minutes": 90, "override_reason": "双方同意"}
    answer = await clerk.send(f"/booking/{sitting}/move", order)
    assert answer.status == 200, await answer.text()
    grid = await clerk.page("/booking?day=2026-11-24")
    assert 'data-from="930" data-to="1020"' in grid
    after = set(re.findall(r"/join/[\w-]{43}", await clerk.page(f"/sittings/{sitting}")))
    assert after
    assert not before & after


async def test_a_move_against_a_rule_asks_for_the_reason_and_names_the_rule(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    order = {"room_id": site.rooms[0].id, "day": "2026-11-30", "start": "18:00", "minutes": 60}
    answer = await clerk.send(f"/booking/{sitting}/move", order)
    problem = await answer.json()
    assert (answer.status, problem["code"]) == (422, "reason_needed")
    assert [each["field"] for each in problem["errors"]] == ["override_reason"]
    assert "09:00-12:00, 13:30-17:30" in problem["errors"][0]["detail"]
    assert (await clerk.send(f"/booking/{sitting}/move", order | {"override_reason": "证人当日出境"})).status == 200
    assert "证人当日出境" in await clerk.page(f"/sittings/{sitting}")
    assert "证人当日出境" in await clerk.page(f"/booking?day=2026-11-30&sitting={sitting}")


async def test_the_form_asks_for_the_reason_and_keeps_what_was_typed(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    empty = await clerk.page("/sittings/new")
    assert 'name="override_reason"' not in empty
    assert "Three days of notice are kept from" in empty
    assert "28 Nov" in empty
    answer = await clerk.post("/sittings/new", site.draft(override_reason=""))
    page = await answer.text()
    assert answer.status == 422
    assert "the first day is 28 Nov 2026" in page
    assert 'name="override_reason"' in page
    assert "刘芳" in page
    assert (await clerk.post("/sittings/new", site.draft(override_reason="双方同意"))).status == 303


async def test_a_move_onto_another_sitting_is_refused_with_the_nearest_free_time(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    await site.booked(clerk)
    other = await site.booked(clerk, case_number="（2026）京0105民初32号", start="16:00")
    order = {"room_id": site.rooms[0].id, "day": "2026-11-24", "start": "14:30", "minutes": 60}
    answer = await clerk.send(f"/booking/{other}/move", order)
    problem = await answer.json()
    assert answer.status == 409
    assert problem["nearest"]["minutes"] in (13 * 60, 15 * 60)
    assert 'data-from="960" data-to="1020"' in await clerk.page("/booking?day=2026-11-24")


@pytest.mark.parametrize(
    "order",
    [
        {"room_id": "r", "day": "someday", "start": "14:30", "minutes": 60},
        {"room_id": "r", "day": "2026-11-24", "start": "26:30", "minutes": 60},
        {"room_id": "r", "day": "2026-11-24", "start": "14:30"},
        [],
    ],
)
async def test_a_malformed_move_names_its_fields(site: Site, order: object) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/booking")
    answer = await clerk.send("/booking/x/move", order)
    assert answer.status == 422
    assert answer.content_type == "application/problem+json"


async def test_a_cancelled_sitting_needs_a_reason_and_frees_the_room(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    assert (await clerk.post(f"/sittings/{sitting}/cancel", {"reason": " "})).status == 422
    assert (await clerk.post(f"/sittings/{sitting}/cancel", {"reason": "The judge is ill"})).status == 303
    page = await clerk.page(f"/sittings/{sitting}")
    assert "The judge is ill" in page
    assert "/join/" not in page
    assert sitting not in await clerk.page("/booking?day=2026-11-24")


async def test_links_can_be_reissued_and_revoked(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    page = await clerk.page(f"/sittings/{sitting}")
    first = set(re.findall(r"/join/[\w-]{43}", page))
    reissue = re.search(r'action="(/sittings/\w+/participants/\w+/reissue)"', page)
    assert reissue is not None
    assert (await clerk.post(reissue[1])).status == 303
    second = set(re.findall(r"/join/[\w-]{43}", await clerk.page(f"/sittings/{sitting}")))
    assert second
    assert not first & second
    assert (await clerk.post(reissue[1].replace("reissue", "revoke"))).status == 303
    assert "/join/" not in await clerk.page(f"/sittings/{sitting}")


async def test_changing_the_sitting_keeps_its_people_and_puts_out_who_was_removed(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    form = await clerk.page(f"/sittings/{sitting}/edit")
    ids = re.findall(r'name="participants-\d+-id" value="(\w+)"', form)
    assert len(ids) == 2
    change = site.draft(title="Second day") | {"participants-0-id": ids[0]}
    for name in [name for name in change if name.startswith("participants-1")]:
        del change[name]
    answer = await clerk.post(f"/sittings/{sitting}/edit", change)
    assert answer.status == 303, await answer.text()
    page = await clerk.page(f"/sittings/{sitting}")
    assert "Second day" in page
    assert "刘芳" in page
    assert "吴译" not in page.partition('id="history"')[0]


async def test_the_history_names_a_room_in_the_language_of_its_page(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    english = await clerk.page(f"/sittings/{sitting}/history")
    assert "Remote Court 1" in english
    assert "第一远程法庭" not in english
    chinese = await clerk.page(f"/sittings/{sitting}/history?language=zh-CN")
    assert "第一远程法庭" in chinese


async def test_the_judge_finds_the_sitting_among_his_own_and_may_enter(site: Site) -> None:
    clerk, judge = await site.signed_in("clerk"), await site.signed_in("judge")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    assert f'href="/hearing/{sitting}"' in await judge.page("/today")
    assert f'href="/hearing/{sitting}"' not in await judge.page("/today?day=2026-11-25")


async def test_a_row_is_added_without_a_script(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    answer = await clerk.post("/sittings/new", site.draft(act="add"))
    assert answer.status == 200
    assert 'name="participants-2-name"' in await answer.text()


async def test_the_panel_beside_the_grid_says_where_to_go_after_booking(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    answer = await clerk.post("/sittings/new", site.draft(), headers={"X-Fragment": "panel"})
    assert answer.headers["X-Location"].startswith("/sittings/")
    refused = await clerk.post("/sittings/new", site.draft(), headers={"X-Fragment": "panel"})
    assert refused.status == 409
    assert "<html" not in await refused.text()
