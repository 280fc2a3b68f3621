"""Further rooms, equipment and custody slots in a sitting's form, and everywhere the sitting is shown."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dispatch.identity import people
from dispatch.store.tables import Resource, Sitting, User
from tests.dispatch.making import add_movable
from tests.dispatch.web.conftest import NOW, PASSWORD, Person, Site


async def moved(site: Site, kind: str, name: str, place: str = "") -> Resource:
    [made] = await add_movable(site.db, kind, name, site.users["administrator"], NOW, site=place)
    return made


async def another_judge(site: Site) -> User:
    return await people.add_user(site.db, name="Other", sign_in_name="other", role="judge", password=PASSWORD)


async def booked(site: Site, clerk: Person, *means: str, **changes: Any) -> str:
    await clerk.page("/sittings/new")
    return await site.booked(clerk, **{f"means-{each}": "on" for each in means}, **changes)


async def sitting_of(site: Site, sitting_id: str) -> Sitting:
    async with site.db.reader() as session:
        return await session.get_one(Sitting, sitting_id)


async def test_a_sitting_holds_what_was_ticked_and_is_shown_in_each_of_its_rooms(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    camera, cell = await moved(site, "equipment", "实物展台"), await moved(site, "custody", "看守所提讯席", "云河看守所")
    sitting_id = await booked(site, clerk, site.rooms[1].id, camera.id, cell.id)
    sitting = await sitting_of(site, sitting_id)
    assert [room.id for room in sitting.rooms] == [site.rooms[0].id, site.rooms[1].id]
    assert [each.id for each in sitting.equipment] == [camera.id, cell.id]
    grid = await clerk.page("/booking?day=2026-11-24")
    assert len(re.findall(f'data-sitting="{sitting_id}"', grid)) == 2
    for page in (f"/sittings/{sitting_id}", f"/booking?day=2026-11-24&sitting={sitting_id}", "/booking/list?day=2026-11-24"):
        text = await clerk.page(page)
        assert "实物展台" in text, page
        assert site.rooms[1].name_en in text, page
    listed = await clerk.page("/booking/list?day=2026-11-24")
    assert f"With {site.rooms[0].name_en}" in listed  # in the list of the other room
    assert "· 1 sitting<" in listed


async def test_the_list_is_grouped_by_site_and_keeps_what_was_ticked(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    camera, cell = await moved(site, "equipment", "实物展台"), await moved(site, "custody", "看守所提讯席", "云河看守所")
    await clerk.page("/sittings/new")
    answer = await clerk.post("/sittings/new", site.draft(case_number="") | {f"means-{cell.id}": "on"})
    text = await answer.text()
    assert answer.status == 422
    assert text.index("云河看守所</p>") < text.index(f'name="means-{cell.id}"')
    assert re.search(f'name="means-{cell.id}" value="on" checked', text)
    assert re.search(f'name="means-{camera.id}" value="on">', text)
    assert "1 chosen" in text


async def test_what_is_taken_is_named_at_its_own_entry(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    camera = await moved(site, "equipment", "实物展台")
    await booked(site, clerk, camera.id)
    others = {
        "case_number": "（2026）京0105民初32号",
        "room_id": site.rooms[1].id,
        "chair_id": (await another_judge(site)).id,
        "clerk_id": "",
    }
    answer = await clerk.post("/sittings/new", site.draft(**others) | {f"means-{camera.id}": "on"})
    text = await answer.text()
    assert answer.status == 409
    assert re.search(f'name="means-{camera.id}" value="on" checked aria-invalid="true" aria-describedby="means-{camera.id}-error"', text)
    assert re.search(f'id="means-{camera.id}-error">.*Taken from 14:00 to 15:00', text)


@pytest.mark.parametrize("field", ["room_id", "chair_id"])
async def test_a_room_or_a_judge_that_is_taken_is_named_at_its_field(site: Site, field: str) -> None:
    clerk = await site.signed_in("clerk")
    await booked(site, clerk)
    free = {"room_id": site.rooms[1].id, "chair_id": (await another_judge(site)).id, "clerk_id": ""}
    answer = await clerk.post("/sittings/new", site.draft(**{name: value for name, value in free.items() if name != field}))
    text = await answer.text()
    assert answer.status == 409
    assert f'id="{field}" name="{field}"' in text
    assert re.search(f'id="{field}-error-1">.*Taken from', text)
    assert f"means-{site.rooms[0].id}-error" not in text  # not once more in the list


async def test_saving_what_is_there_changes_nothing_and_no_link(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    first, second = await moved(site, "equipment", "甲"), await moved(site, "equipment", "乙")
    sitting_id = await booked(site, clerk, second.id, site.rooms[1].id, first.id)
    before = await sitting_of(site, sitting_id)
    links = re.findall(r"/join/[\w-]{43}", await clerk.page(f"/sittings/{sitting_id}"))
    form = await clerk.page(f"/sittings/{sitting_id}/edit")
    ticked = re.findall(r'name="(means-\w+)" value="on" checked', form)
    assert len(ticked) == 3
    people = dict(re.findall(r'name="(participants-\d+-(?:id|user_id))" value="([^"]*)"', form))
    answer = await clerk.post(f"/sittings/{sitting_id}/edit", site.draft() | people | dict.fromkeys(ticked, "on"))
    assert answer.status == 303
    after = await sitting_of(site, sitting_id)
    assert [hold.resource_id for hold in after.booking.holds] == [hold.resource_id for hold in before.booking.holds]
    assert re.findall(r"/join/[\w-]{43}", await clerk.page(f"/sittings/{sitting_id}")) == links


async def test_what_is_not_ticked_any_more_is_free(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    camera = await moved(site, "equipment", "实物展台")
    sitting_id = await booked(site, clerk, camera.id, site.rooms[1].id)
    form = await clerk.page(f"/sittings/{sitting_id}/edit")
    people = dict(re.findall(r'name="(participants-\d+-(?:id|user_id))" value="([^"]*)"', form))
    assert (await clerk.post(f"/sittings/{sitting_id}/edit", site.draft() | people)).status == 303
    sitting = await sitting_of(site, sitting_id)
    assert ([room.id for room in sitting.rooms], sitting.equipment) == ([site.rooms[0].id], [])


async def test_what_was_taken_out_of_use_is_still_seen_where_it_is_held(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    camera = await moved(site, "equipment", "实物展台")
    sitting_id = await booked(site, clerk, camera.id)
    async with site.db.writer() as session:
        (await session.get_one(Resource, camera.id)).active = False
    assert re.search(f'name="means-{camera.id}" value="on" checked', await clerk.page(f"/sittings/{sitting_id}/edit"))
    assert camera.id not in await clerk.page("/sittings/new")


@pytest.mark.parametrize("name", ["means-zzzz", "means-", "means-0123456789abcdef"])
async def test_a_box_that_is_none_is_refused_in_words_or_left_alone(site: Site, name: str) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    answer = await clerk.post("/sittings/new", site.draft() | {name: "on"})
    assert answer.status == (422 if len(name) == 22 else 303)
    assert ("There is no such equipment" in await answer.text()) is (answer.status == 422)


async def test_dragging_out_of_one_room_leaves_the_others(site: Site) -> None:
    clerk = await site.signed_in("clerk")
    sitting_id = await booked(site, clerk, site.rooms[1].id)
    order = {"room_id": site.rooms[1].id, "from_room": site.rooms[1].id, "day": "2026-11-24", "start": "16:00", "minutes": 60}
    order["override_reason"] = "双方同意"
    answer = await clerk.send(f"/booking/{sitting_id}/move", order)
    assert answer.status == 200
    assert [room.id for room in (await sitting_of(site, sitting_id)).rooms] == [site.rooms[0].id, site.rooms[1].id]
