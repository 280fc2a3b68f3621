"""Participants and their personal links through the API."""

from __future__ import annotations

import pytest

from tests.dispatch.web.api.conftest import Json, Program, Programs, order
from tests.dispatch.web.api.test_sittings import status_of
from tests.dispatch.web.conftest import Site


@pytest.fixture
async def clerk(program: Programs) -> Program:
    return await program("clerk")


@pytest.fixture
async def sitting(site: Site, clerk: Program) -> Json:
    """A sitting with a judge, a clerk, a party who has a link and an interpreter in the room."""
    return await clerk.made("/sittings", order(site))


def of_role(sitting: Json, role: str) -> str:
    """The address of the participant in that role."""
    found = next(person["id"] for person in sitting["participants"] if person["role"] == role)
    return f"/sittings/{sitting['id']}/participants/{found}"


async def opened(site: Site, url: str) -> int:
    """What somebody meets who opens a link: 303 leads on, 410 and 404 do not."""
    return (await site.visitor().get(url.removeprefix(site.context.settings.public_url))).status


async def test_a_participant_who_joins_from_outside_gets_a_link_that_opens(site: Site, clerk: Program, sitting: Json) -> None:
    witness = await clerk.made(f"/sittings/{sitting['id']}/participants", {"name": "周证", "role": "witness", "phone": "13900001111"})
    assert witness["link"]["state"] == "good"
    link = await clerk.get(f"/sittings/{sitting['id']}/participants/{witness['id']}/link")
    assert await opened(site, link["url"]) == 303
    listed = (await clerk.get(f"/sittings/{sitting['id']}/participants"))["items"]
    assert [person["name"] for person in listed][-1] == "周证"


async def test_a_member_of_the_staff_takes_part_without_a_link(site: Site, clerk: Program, sitting: Json) -> None:
    people = f"/sittings/{sitting['id']}/participants"
    assessor = await clerk.made(people, {"user_id": site.users["officer"].id, "role": "panel"})
    assert (assessor["name"], assessor["link"]) == ("Officer", None)
    assert (await clerk.ask("GET", f"{people}/{assessor['id']}/link"))[1]["code"] == "link_missing"
    status, refused, _ = await clerk.ask("POST", f"{people}/{assessor['id']}/link")
    assert (status, refused["code"]) == (409, "link_not_needed")
    again, refused, _ = await clerk.ask("POST", people, {"user_id": site.users["officer"].id, "role": "panel"})
    assert (again, refused["errors"][0]["code"]) == (422, "person_twice")


async def test_a_link_issued_anew_ends_the_former_one(site: Site, clerk: Program, sitting: Json) -> None:
    link = f"{of_role(sitting, 'party')}/link"
    former = await clerk.get(link)
    latter = await clerk.made(link)
    assert latter["url"] != former["url"]
    assert await clerk.get(link) == latter
    assert (await opened(site, former["url"]), await opened(site, latter["url"])) == (410, 303)


async def test_a_revoked_link_opens_no_more_and_can_be_issued_again(site: Site, clerk: Program, sitting: Json) -> None:
    link = f"{of_role(sitting, 'party')}/link"
    former = await clerk.get(link)
    assert (await clerk.ask("DELETE", link))[0] == 204
    assert (await clerk.ask("DELETE", link))[0] == 204
    assert (await clerk.ask("GET", link))[0] == 404
    assert await opened(site, former["url"]) == 410
    assert (await clerk.get(of_role(sitting, "party")))["link"]["state"] == "revoked"
    assert await opened(site, (await clerk.made(link))["url"]) == 303


async def test_links_are_shown_to_clerks_alone(program: Programs, member: Programs, sitting: Json) -> None:
    link = f"{of_role(sitting, 'party')}/link"
    for asking in (await program("officer"), await member("judge"), await program("administrator")):
        assert (await asking.ask("GET", link))[0] == 403
        assert (await asking.ask("POST", link))[0] == 403
    seen = await (await member("judge")).get(f"/sittings/{sitting['id']}")
    assert "/join/" not in str(seen)


async def test_another_seat_takes_the_link_away_and_gives_it_back(clerk: Program, sitting: Json) -> None:
    party = of_role(sitting, "party")
    assert (await clerk.ask("PATCH", party, {"seat": "room"}))[1]["link"]["state"] == "revoked"
    assert (await clerk.ask("PATCH", party, {"seat": "link"}))[1]["link"]["state"] == "good"


async def test_a_change_keeps_the_link(clerk: Program, sitting: Json) -> None:
    party = of_role(sitting, "party")
    before = await clerk.get(f"{party}/link")
    status, changed, _ = await clerk.ask("PATCH", party, {"name": "刘芳芳", "phone": ""})
    assert (status, changed["name"], changed["phone"], changed["role"]) == (200, "刘芳芳", "", "party")
    assert await clerk.get(f"{party}/link") == before


async def test_a_participant_that_was_changed_meanwhile_is_not_changed(clerk: Program, sitting: Json) -> None:
    party = of_role(sitting, "party")
    version = (await clerk.ask("GET", party))[2].headers["ETag"]
    assert (await clerk.ask("PATCH", party, {"name": "刘芳芳"}, If_Match=version))[0] == 200
    assert (await clerk.ask("PATCH", party, {"name": "刘方"}, If_Match=version))[0] == 412
    assert (await clerk.get(party))["name"] == "刘芳芳"


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"role": "judge"}, "#/role", "role_unknown"),
        ({"role": "king"}, "#/role", "role_unknown"),
        ({"phone": "call me"}, "#/phone", "phone_shape"),
        ({"name": " "}, "#/name", "required"),
        ({"name": "x" * 81}, "#/name", "too_long"),
        ({"seat": "bench"}, "#/seat", "choice_wanted"),
    ],
)
async def test_a_wrong_change_names_its_field(clerk: Program, sitting: Json, change: Json, field: str, code: str) -> None:
    status, refused, _ = await clerk.ask("PATCH", of_role(sitting, "party"), change)
    assert status == 422
    assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [(field, code)]


async def test_the_presiding_judge_is_replaced_not_taken_out(site: Site, clerk: Program, sitting: Json) -> None:
    judge = of_role(sitting, "judge")
    for method, body in (("DELETE", None), ("PATCH", {"role": "party"})):
        status, refused, _ = await clerk.ask(method, judge, body)
        assert (status, refused["code"]) == (409, "chair_needed")


async def test_who_is_taken_out_is_gone_and_so_is_his_link(site: Site, clerk: Program, sitting: Json) -> None:
    party = of_role(sitting, "party")
    link = await clerk.get(f"{party}/link")
    assert (await clerk.ask("DELETE", party))[0] == 204
    for method, path in (("GET", party), ("DELETE", party), ("GET", f"{party}/link"), ("POST", f"{party}/link")):
        status, refused, _ = await clerk.ask(method, path)
        assert (status, refused["code"]) == (404, "participant_unknown")
    assert await opened(site, link["url"]) == 410


async def test_nobody_is_reached_through_another_sitting(site: Site, clerk: Program, sitting: Json) -> None:
    other = await clerk.made("/sittings", order(site, "16:00", "17:00"))
    stranger = of_role(sitting, "party").rpartition("/")[2]
    path = f"/sittings/{other['id']}/participants/{stranger}"
    for method, where in (("GET", path), ("DELETE", path), ("GET", f"{path}/link"), ("POST", f"{path}/link"), ("DELETE", f"{path}/link")):
        assert (await clerk.ask(method, where))[0] == 404, (method, where)


async def test_a_sitting_that_is_over_changes_no_more(site: Site, clerk: Program, sitting: Json) -> None:
    await status_of(site, sitting["id"], "closed")
    party = of_role(sitting, "party")
    for method, path, body in (
        ("POST", f"/sittings/{sitting['id']}/participants", {"name": "周证", "role": "witness"}),
        ("PATCH", party, {"name": "x"}),
        ("DELETE", party, None),
        ("POST", f"{party}/link", None),
    ):
        status, refused, _ = await clerk.ask(method, path, body)
        assert (status, refused["code"]) == (409, "sitting_closed"), (method, path)
    assert (await clerk.ask("GET", f"{party}/link"))[0] == 404
