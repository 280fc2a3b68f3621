"""A room's device says who sits there; each of them consents for himself; they wait and come in as one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dispatch.sittings import sittings
from tests.dispatch.making import audited
from tests.dispatch.web.conftest import Person, Site
from tests.dispatch.web.test_devices_and_staff import connected
from tests.dispatch.web.test_hearing_socket import connect, consented, sent_away, told


@pytest.fixture
async def room(site: Site) -> tuple[Person, str, dict[str, str]]:
    """The room's device, a sitting of today, and the ids of its people by name."""
    clerk, device, _ = await connected(site)
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    return device, sitting, {person.name: person.id for person in (await sittings.get(site.db, sitting)).participants}


Room = tuple[Person, str, dict[str, str]]


async def chosen(device: Person, sitting: str, *people: str) -> str:
    """Who sits here; where the device goes from there."""
    await device.page(f"/device/sittings/{sitting}/people")
    fields = [("_csrf", device.token), *(("sits", person) for person in people)]
    answer = await device.session.post(f"/device/sittings/{sitting}/people", data=fields, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    return str(answer.headers["Location"])


async def answers(device: Person, where: str, act: str, **changes: str) -> str:
    """The one whose turn it is reads the notice and answers; where the device goes from there."""
    page = await device.page(where)
    hidden = dict(re.findall(r'name="(sha256|person)" value="(\w+)"', page))
    answer = await device.post(where, hidden | {"act": act, "agree": "yes"} | changes)
    assert answer.status == 303, await answer.text()
    return str(answer.headers["Location"])


def rows(events: list[Any], kind: str) -> list[dict[str, Any]]:
    return [dict(row.data) for row in events if row.type == kind]


async def test_each_consents_for_himself_and_all_wait_as_one(site: Site, room: Room) -> None:
    device, sitting, people = room
    page = await device.page(f"/device/sittings/{sitting}/people")
    assert f'value="{people["吴译"]}" checked' in page, "booked for the room, so expected there"
    assert f'value="{people["Judge"]}" disabled' in page
    where = await chosen(device, sitting, people["刘芳"], people["吴译"])
    assert "刘芳" in await device.page(where)
    assert "/device/sittings/" in (await device.get(f"/hearing/{sitting}?via=device")).headers["Location"], "nobody sits there yet"
    where = await answers(device, where, "agree")
    assert "吴译" in await device.page(where)
    where = await answers(device, where, "agree")
    assert where == f"/device/sittings/{sitting}/check"
    result = {part: {"ok": True} for part in ("camera", "microphone", "speaker", "network")}
    await device.page(where)
    assert (await device.send(f"{where}/result", result)).status == 200

    socket = await connect(site, device, f"{sitting}?via=device")
    view = (await told(socket, "state"))["view"]
    assert (view["place"], {p["name"] for p in view["participants"]}) == ("waiting", {"刘芳", "吴译"})
    assert (view["rooms"][0]["name"], len(view["rooms"][0]["people"])) == ("Main screen", 2)
    await socket.close()

    events = await site.context.hub.rows(sitting)
    ids = {people["刘芳"], people["吴译"]}
    for kind in ("consented", "seated"):
        assert {row["participant"] for row in rows(events, kind)} == ids
        assert {row["device"] for row in rows(events, kind)} == {"Main screen"}
    assert len(rows(events, "device_checked")) == 2
    kept = {
        p.name: (p.consent_device, p.consented_at == site.now) for p in (await sittings.get(site.db, sitting)).participants if p.id in ids
    }
    assert kept == {"刘芳": ("Main screen", True), "吴译": ("Main screen", True)}
    assert [(row.actor, row.subject) for row in await audited(site.db, "seated")] == [
        ("Main screen", "（2026）京0105民初31号 刘芳"), ("Main screen", "（2026）京0105民初31号 吴译"),
    ]  # fmt: skip


async def test_a_refusal_of_one_leaves_the_others(site: Site, room: Room) -> None:
    device, sitting, people = room
    where = await answers(device, await chosen(device, sitting, people["刘芳"], people["吴译"]), "refuse")
    where = await answers(device, where, "agree")
    page = await device.page(where)
    assert "刘芳 did not agree" in page
    events = await site.context.hub.rows(sitting)
    assert [row["participant"] for row in rows(events, "consent_refused")] == [people["刘芳"]]
    assert [row["participant"] for row in rows(events, "seated")] == [people["吴译"]]
    assert len(await audited(site.db, "consent_refused")) == 1


async def test_where_all_refuse_nobody_sits_and_the_page_says_so(site: Site, room: Room) -> None:
    device, sitting, people = room
    where = await answers(device, await chosen(device, sitting, people["刘芳"]), "refuse")
    assert "刘芳 did not agree" in await device.page(where)
    assert await sent_away(await connect(site, device, f"{sitting}?via=device")) == (4403, "nobody_seated")


async def test_a_consent_that_was_given_by_the_link_is_not_asked_for_again(site: Site, room: Room) -> None:
    device, sitting, people = room
    await consented(site, sitting)
    assert await chosen(device, sitting, people["刘芳"]) == f"/device/sittings/{sitting}/check"
    assert 'href="/hearing/' + sitting in await device.page("/device")


async def test_whoever_is_here_at_his_own_device_cannot_be_chosen(site: Site, room: Room) -> None:
    device, sitting, people = room
    socket = await connect(site, await consented(site, sitting), sitting)
    await told(socket, "state")
    page = await device.page(f"/device/sittings/{sitting}/people")
    assert f'value="{people["刘芳"]}" disabled' in page
    fields = [("_csrf", device.token), ("sits", people["刘芳"])]
    answer = await device.session.post(f"/device/sittings/{sitting}/people", data=fields, allow_redirects=False)
    assert answer.status == 422
    await socket.close()


async def test_nobody_consents_without_a_tick_for_another_or_to_other_words(site: Site, room: Room) -> None:
    device, sitting, people = room
    where = await chosen(device, sitting, people["刘芳"], people["吴译"])
    for changes, status in (({"agree": ""}, 422), ({"sha256": "0" * 64}, 422), ({"person": people["吴译"]}, 303)):
        page = await device.page(where)
        hidden = dict(re.findall(r'name="(sha256|person)" value="(\w+)"', page))
        assert (await device.post(where, hidden | {"act": "agree", "agree": "yes"} | changes)).status == status
    assert not rows(await site.context.hub.rows(sitting), "consented")


async def test_who_is_no_longer_ticked_stands_up(site: Site, room: Room) -> None:
    device, sitting, people = room
    where = await answers(device, await chosen(device, sitting, people["刘芳"], people["吴译"]), "agree")
    await answers(device, where, "agree")
    await chosen(device, sitting, people["吴译"])
    assert [row["participant"] for row in rows(await site.context.hub.rows(sitting), "unseated")] == [people["刘芳"]]
    assert [row.subject for row in await audited(site.db, "unseated")] == ["（2026）京0105民初31号 刘芳"]


async def test_a_newcomer_sits_down_from_the_hearing_itself(site: Site, room: Room) -> None:
    device, sitting, people = room
    await answers(device, await chosen(device, sitting, people["吴译"]), "agree")
    seats = f"/device/sittings/{sitting}/seats"
    listed = await (await device.get(seats)).json()
    assert {person["name"]: (person["here"], person["may"]) for person in listed["people"]} == {
        "Judge": (False, False), "Clerk": (False, False), "刘芳": (False, True), "吴译": (True, True),
    }  # fmt: skip
    assert (await device.send(seats, {"participant": people["刘芳"]})).status == 409, "she has not seen these words"
    assert (await device.send(seats, {"participant": people["刘芳"], "sha256": listed["notice"]["sha256"]})).status == 200
    assert {row["participant"] for row in rows(await site.context.hub.rows(sitting), "seated")} == {people["刘芳"], people["吴译"]}


@pytest.mark.parametrize(
    ("body", "status"), [({"participant": "nobody"}, 404), ({}, 422), ({"participant": "a", "more": 1}, 422), ([], 422)]
)
async def test_what_is_no_seat_is_refused(site: Site, room: Room, body: Any, status: int) -> None:
    device, sitting, _ = room
    await device.page(f"/device/sittings/{sitting}/people")
    assert (await device.send(f"/device/sittings/{sitting}/seats", body)).status == status


async def test_the_judge_cannot_be_seated_at_the_rooms_device(site: Site, room: Room) -> None:
    device, sitting, people = room
    await device.page(f"/device/sittings/{sitting}/people")
    words = (await (await device.get(f"/device/sittings/{sitting}/seats")).json())["notice"]["sha256"]
    answer = await device.send(f"/device/sittings/{sitting}/seats", {"participant": people["Judge"], "sha256": words})
    assert (answer.status, (await answer.json())["code"]) == (409, "enters_by_himself")


async def test_a_device_of_another_room_has_no_business_here(site: Site, room: Room) -> None:
    clerk, (device, _, _) = await site.signed_in("clerk"), room
    await clerk.page("/sittings/new")
    there = await site.booked(clerk, case_number="（2026）京0105民初32号", start="16:00", room_id=site.rooms[1].id)
    assert (await device.get(f"/device/sittings/{there}/people")).status == 404
