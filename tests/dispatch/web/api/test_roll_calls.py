"""Roll-calls through the API: groups are kept, a roll-call is begun once, marked, ended, and its record taken out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatch.console.field import teams
from dispatch.console.field.teams import TeamDraft
from dispatch.store.tables import User
from tests.dispatch.making import audited
from tests.dispatch.web.api.conftest import Json, Program, Programs
from tests.dispatch.web.conftest import NOW, Site


@pytest.fixture
async def officer(program: Programs) -> Program:
    return await program("officer")


def room(site: Site, number: int) -> Json:
    return {"kind": "room", "id": site.rooms[number].id}


async def test_a_group_is_kept_changed_called_and_deleted(site: Site, officer: Program, program: Programs) -> None:
    team = await teams.add(site.db, TeamDraft("望河中队"), "test", NOW)
    members = [{"kind": "team", "id": team.id}, room(site, 1)]
    status, made, answer = await officer.ask("POST", "/roll-call-groups", {"name": "早点名", "members": members})
    assert (status, made["members"]) == (201, members)
    path = answer.headers["Location"].removeprefix("/api/v1")
    assert (await officer.get("/roll-call-groups"))["items"] == [made] == [await officer.get(path)]
    status, changed, _ = await officer.ask("PATCH", path, {"members": [*members, room(site, 0)]}, If_Match=answer.headers["ETag"])
    assert (status, changed["name"], len(changed["members"])) == (200, "早点名", 3)
    assert (await officer.ask("PATCH", path, {"name": "晚点名"}, If_Match=answer.headers["ETag"]))[0] == 412
    begun = await officer.made("/roll-calls", {"name": "早点名", "group_id": made["id"]})
    assert [line["called"] for line in begun["lines"]] == changed["members"], "in the order of the group"
    clerk = await program("clerk")
    assert (await clerk.ask("GET", path))[0] == 200
    assert (await clerk.ask("DELETE", path))[0] == 403
    assert (await officer.ask("DELETE", path))[0] == 204
    assert (await officer.ask("GET", path))[1]["code"] == "roll_call_group_unknown"
    assert len((await officer.get("/roll-calls"))["items"]) == 1
    rows = await audited(site.db, *(f"roll_call_group_{act}" for act in ("added", "changed", "removed")))
    assert [row.action for row in rows] == ["roll_call_group_added", "roll_call_group_changed", "roll_call_group_removed"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": "早点名"}, "roll_call_group_taken"),
        ({"name": "  "}, "required"),
        ({"members": [{"kind": "room", "id": "0123456789abcdef"}]}, "roll_call_member_unknown"),
        ({"members": [{"kind": "car", "id": "0123456789abcdef"}]}, ""),
    ],
)
async def test_a_group_of_nobody_known_or_with_a_taken_name_is_refused(site: Site, officer: Program, wrong: Json, code: str) -> None:
    good = {"name": "早点名", "members": [room(site, 0)]}
    await officer.made("/roll-call-groups", good)
    status, refused, _ = await officer.ask("POST", "/roll-call-groups", good | {"name": "另一组"} | wrong)
    assert status == 422
    assert not code or code in {each["code"] for each in refused["errors"]}
    assert len((await officer.get("/roll-call-groups"))["items"]) == 1


async def test_a_roll_call_is_begun_once_marked_called_again_and_ended(site: Site, officer: Program) -> None:
    wanted = {"name": "早点名", "limit_s": 20, "who": [room(site, 0), room(site, 1), room(site, 0)]}
    status, begun, _ = await officer.ask("POST", "/roll-calls", wanted, Idempotency_Key="morning")
    assert (status, [line["standing"] for line in begun["lines"]]) == (201, ["ringing", "waiting"])
    assert (await officer.ask("POST", "/roll-calls", wanted, Idempotency_Key="morning"))[1]["id"] == begun["id"]
    assert (await officer.ask("POST", "/roll-calls", wanted | {"limit_s": 9}, Idempotency_Key="morning"))[1]["code"] == "key_reused"
    path, steps = f"/roll-calls/{begun['id']}", f"/roll-calls/{begun['id']}/steps"
    site.now += timedelta(seconds=21)
    assert [line["standing"] for line in (await officer.get(path))["lines"]] == ["absent", "ringing"]
    _, seen, _ = await officer.ask("POST", steps, {"act": "present", "called": room(site, 1)})
    assert (seen["present"], seen["absent"], seen["lines"][1]["how"]) == (1, 1, "voice")
    assert (await officer.ask("POST", steps, {"act": "present"}))[0] == 422, "it has to say who"
    stale = await officer.ask("POST", steps, {"act": "again"}, If_Match='"of-nothing"')
    assert stale[0] == 412
    _, again, _ = await officer.ask("POST", steps, {"act": "again"})
    assert (again["lines"][0]["standing"], again["lines"][0]["tries"]) == ("ringing", 2)
    _, over, _ = await officer.ask("POST", steps, {"act": "end"})
    assert (over["state"], over["absent"], over["ended_at"] is not None) == ("ended", 1, True)
    status, refused, _ = await officer.ask("POST", steps, {"act": "again"})
    assert (status, refused["code"]) == (409, "roll_call_ended")


async def test_the_record_is_taken_out_with_its_version_and_audited(site: Site, officer: Program, program: Programs) -> None:
    begun = await officer.made("/roll-calls", {"name": "早点名", "who": [room(site, 0)]})
    await officer.ask("POST", f"/roll-calls/{begun['id']}/steps", {"act": "present", "called": room(site, 0)})
    clerk = await program("clerk")
    path = f"/roll-calls/{begun['id']}/record.csv"
    status, _, answer = await clerk.ask("GET", path)
    assert (status, answer.content_type) == (200, "text/csv")
    text = (await answer.read()).decode("utf-8-sig")
    assert begun["lines"][0]["name"] in text
    assert "09:30:00" in text
    assert (await clerk.ask("GET", path, If_None_Match=answer.headers["ETag"]))[0] == 304
    assert [row.subject for row in await audited(site.db, "roll_call_taken_out")] == ["早点名", "早点名"]


async def test_groups_are_kept_on_the_page_by_shift_leaders(site: Site) -> None:
    officer = await site.signed_in("officer")
    await officer.page("/console/roll-call")
    fields = {"group_name": "早点名组", "who": f"room/{site.rooms[1].id}", "name": "早", "limit": "30"}
    assert (await officer.post("/console/roll-call/groups", fields)).status == 403
    async with site.db.writer() as session:
        (await session.get_one(User, site.users["officer"].id)).rank = "lead"
    made = await officer.post("/console/roll-call/groups", fields)
    assert made.status == 303
    where = made.headers["Location"]
    page = await officer.page(where)
    assert f'value="room/{site.rooms[1].id}" checked' in page
    assert f'value="room/{site.rooms[0].id}" checked' not in page
    group = where.partition("group=")[2]
    refused = await officer.post("/console/roll-call/groups", fields | {"name": "别丢"})
    text = await refused.text()
    assert (refused.status, 'value="别丢"' in text) == (422, True)
    assert "There is a group called “早点名组” already." in text
    changed = await officer.post(f"/console/roll-call/groups/{group}", fields | {"group_name": "晚点名组"})
    assert changed.status == 303
    begun = await officer.post("/console/roll-call", fields | {"group": group})
    assert begun.status == 303
    assert (await officer.post(f"/console/roll-call/groups/{group}/remove", {})).status == 303
    assert "晚点名组" not in await officer.page("/console/roll-call")
