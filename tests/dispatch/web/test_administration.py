"""The administrator's pages: staff, rooms, roles; the first administrator of a new site; what each likes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from dispatch import audit
from dispatch.identity import first_run
from dispatch.store.tables import Room, Session, User
from tests.dispatch.web.conftest import Site

ACCOUNT = {"name": "何青", "sign_in_name": "heqing", "role": "judge", "language": "zh-CN", "phone": "138 0013 8000", "password": ""}
ROOM = {"name": "第九法庭", "name_en": "Court room 9", "kind": "court", "site": "云河区", "capacity": "6", "position": "9"}


async def user_named(site: Site, sign_in_name: str) -> User:
    async with site.db.reader() as session:
        return (await session.scalars(select(User).where(User.sign_in_name == sign_in_name))).one()


async def test_an_account_with_a_made_password_can_sign_in_and_the_password_is_shown_once(site: Site) -> None:
    administrator = await site.signed_in("administrator")
    await administrator.page("/users/new")
    answer = await administrator.post("/users/new", ACCOUNT)
    shown = re.search(r'class="password-once">([^<]+)<', await answer.text())
    assert shown is not None
    assert shown[1] not in await administrator.page("/users")
    newcomer = site.visitor()
    await newcomer.page("/sign-in")
    assert (await newcomer.post("/sign-in", {"name": "heqing", "password": shown[1]})).status == 303


async def test_every_bad_field_of_an_account_is_named_and_what_was_typed_stays(site: Site) -> None:
    administrator = await site.signed_in("administrator")
    await administrator.page("/users/new")
    bad = {**ACCOUNT, "name": "", "sign_in_name": "he qing!", "role": "king", "phone": "12", "password": "short"}
    answer = await administrator.post("/users/new", bad)
    text = await answer.text()
    assert answer.status == 422
    for field in ("name", "sign_in_name", "role", "phone", "password"):
        assert f'id="{field}-error-1"' in text, field
    assert 'value="he qing!"' in text
    assert "short" not in text


async def test_who_may_sign_in_no_more_is_signed_out_at_once(site: Site) -> None:
    administrator, judge = await site.signed_in("administrator"), await site.signed_in("judge")
    user = site.users["judge"]
    await administrator.page(f"/users/{user.id}")
    fields = {"name": user.name, "role": "judge", "language": "en", "phone": "", "password": ""}
    assert (await administrator.post(f"/users/{user.id}", fields)).status == 303  # the box "may sign in" is not ticked
    assert (await judge.get("/today")).headers["Location"].startswith("/sign-in")
    async with site.db.reader() as session:
        assert (await session.scalars(select(Session).where(Session.user_id == user.id))).all() == []


async def test_the_last_administrator_keeps_the_role(site: Site) -> None:
    administrator = await site.signed_in("administrator")
    user = site.users["administrator"]
    await administrator.page(f"/users/{user.id}")
    fields = {"name": user.name, "role": "clerk", "language": "en", "phone": "", "password": "", "active": "yes"}
    answer = await administrator.post(f"/users/{user.id}", fields)
    assert answer.status == 409
    assert 'id="role-error-1"' in await answer.text()
    assert (await user_named(site, "administrator")).role == "administrator"


async def test_a_room_is_added_offered_for_booking_and_taken_out_of_use(site: Site) -> None:
    administrator, clerk = await site.signed_in("administrator"), await site.signed_in("clerk")
    await administrator.page("/catalogue/rooms/new")
    assert (await administrator.post("/catalogue/rooms/new", ROOM)).headers["Location"] == "/catalogue/rooms?saved"
    assert "Court room 9" in await clerk.page("/booking")
    async with site.db.reader() as session:
        room = (await session.scalars(select(Room).where(Room.name == "第九法庭"))).one()
    await administrator.page(f"/catalogue/rooms/{room.id}")
    assert (await administrator.post(f"/catalogue/rooms/{room.id}", ROOM)).status == 303  # "in use" is not ticked
    assert "Court room 9" not in await clerk.page("/booking")
    assert "Out of use" in await administrator.page("/catalogue/rooms")


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("capacity", "many"), ("capacity", "0"), ("kind", "cellar"), ("position", "-1")]
)
async def test_a_bad_field_of_a_room_is_named(site: Site, field: str, value: str) -> None:
    administrator = await site.signed_in("administrator")
    await administrator.page("/catalogue/rooms/new")
    answer = await administrator.post("/catalogue/rooms/new", {**ROOM, field: value})
    assert answer.status == 422
    assert f'id="{field}-error-1"' in await answer.text()


async def test_a_booked_room_is_not_taken_out_of_use(site: Site) -> None:
    administrator, clerk = await site.signed_in("administrator"), await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    await site.booked(clerk)
    room = site.rooms[0]
    await administrator.page(f"/catalogue/rooms/{room.id}")
    answer = await administrator.post(f"/catalogue/rooms/{room.id}", {**ROOM, "name": room.name})
    assert answer.status == 409
    assert 'id="active-error-1"' in await answer.text()


async def test_the_table_of_roles_says_what_the_routes_enforce(site: Site) -> None:
    administrator = await site.signed_in("administrator")
    rows = re.findall(r'<tr><th scope="row">([^<]+)</th>(.*?)</tr>', await administrator.page("/roles"), re.DOTALL)
    cells = {name: [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td>(.*?)</td>", rest, re.DOTALL)] for name, rest in rows}
    clerk, judge, _prosecutor, officer, head = range(5)
    assert cells["Booking"][clerk] == "reads and changes"
    assert cells["Silent watch"][officer] == "reads and changes"
    assert cells["Silent watch"][judge] == "–"
    assert [cells["Audit log"][role] for role in (clerk, head)] == ["–", "reads"]


async def test_what_somebody_likes_holds_on_another_device(site: Site) -> None:
    first = await site.signed_in("clerk")
    await first.page("/preferences")
    answer = await first.post("/preferences", {"theme": "dark", "text": "large", "language": "zh-CN"})
    assert answer.headers["Location"] == "/preferences?saved"
    second = await site.signed_in("clerk", language="en")
    page = await second.page("/booking")
    assert '<html lang="zh-CN" data-theme="dark" class="large-text">' in page
    assert (await second.post("/preferences", {"theme": "pink", "text": "large", "language": "en"})).status == 422


# -- the first administrator


async def nobody(site: Site) -> Path:
    """The site as it is when it is new; the folder of its secrets."""
    async with site.db.writer() as session:
        await session.execute(delete(Session))
        await session.execute(delete(User))
    return site.context.settings.secrets


FIRST = {"name": "许文", "sign_in_name": "xu", "password": "Yunhe-2026-first"}


async def test_a_new_site_leads_to_its_first_administrator_who_then_signs_in(site: Site) -> None:
    secrets = await nobody(site)
    newcomer = site.visitor()
    assert (await newcomer.get("/sign-in")).headers["Location"] == "/first-run"
    await newcomer.page("/first-run")
    code = first_run.code(secrets)
    assert (secrets / first_run.FILE).stat().st_mode & 0o077 == 0
    assert (await newcomer.post("/first-run", {**FIRST, "code": code.lower()})).headers["Location"] == "/sign-in?next=/users"
    assert not (secrets / first_run.FILE).exists()
    await newcomer.page("/sign-in")
    assert (await newcomer.post("/sign-in", {"name": "xu", "password": FIRST["password"]})).status == 303
    assert (await user_named(site, "xu")).role == "administrator"
    assert "user_added" in await audit.actions(site.db)


async def test_without_the_code_nobody_becomes_administrator(site: Site) -> None:
    await nobody(site)
    stranger = site.visitor()
    await stranger.page("/first-run")
    for _ in range(10):
        answer = await stranger.post("/first-run", {**FIRST, "code": "AAAA-AAAA-AAAA"})
        assert 'id="code-error-1"' in await answer.text()
    assert "Too many tries" in await (await stranger.post("/first-run", {**FIRST, "code": "AAAA-AAAA-AAAA"})).text()
    async with site.db.reader() as session:
        assert (await session.scalars(select(User))).all() == []


async def test_a_site_that_has_somebody_makes_no_second_first_administrator(site: Site) -> None:
    stranger = site.visitor()
    assert (await stranger.get("/first-run")).headers["Location"] == "/sign-in"
    await stranger.page("/sign-in")
    assert (await stranger.post("/first-run", {**FIRST, "code": "x"})).status == 404
