"""Tasks through the API: a program sends them and follows them; orders sent twice, versions, and what is left to people."""

from __future__ import annotations

import pytest

from dispatch.console.field import teams
from dispatch.console.field.teams import Member, TeamDraft
from tests.dispatch.web.api.conftest import Json, Programs
from tests.dispatch.web.conftest import Site


@pytest.fixture
async def wish(site: Site) -> Json:
    """A task for a team of one."""
    team = await teams.add(site.db, TeamDraft("望河中队", members=(Member(site.users["field"].id),)), "test", site.now)
    where = {"place": "桥东", "latitude": 39.9, "longitude": 116.4}
    return where | {"title": "查看排污口", "team_id": team.id, "deadline": "2026-11-24T17:30:00+08:00"}


async def test_a_program_sends_a_task_once_and_follows_it(program: Programs, wish: Json) -> None:
    officer = await program("officer")
    made = [await officer.made("/tasks", wish, Idempotency_Key="one") for _ in range(2)]
    assert made[0]["id"] == made[1]["id"]
    assert (made[1]["state"], made[1]["number"]) == ("sent", "2026-0001")
    assert [step["act"] for step in made[1]["steps"]] == ["draft", "send"]
    _status, urged, _ = await officer.ask("POST", f"/tasks/{made[0]['id']}/steps", {"act": "urge"})
    assert [step["act"] for step in urged["steps"]] == ["draft", "send", "urge"]
    listed = await officer.get("/tasks?state=sent&overdue=false")
    assert [task["id"] for task in listed["items"]] == [made[0]["id"]]
    assert (await officer.get("/tasks?state=closed"))["items"] == []
    (team,) = (await officer.get("/teams"))["items"]
    assert (team["out"], team["overdue"], team["members"][0]["name"]) == (1, 0, "Field")


async def test_a_task_that_has_moved_on_is_not_changed_by_who_saw_it_before(program: Programs, wish: Json) -> None:
    officer = await program("officer")
    task = await officer.made("/tasks", wish | {"send": False})
    steps = f"/tasks/{task['id']}/steps"
    _status, _body, answer = await officer.ask("GET", f"/tasks/{task['id']}")
    seen = answer.headers["ETag"]
    assert (await officer.ask("POST", steps, {"act": "send"}, If_Match=seen))[0] == 200
    assert (await officer.ask("POST", steps, {"act": "cancel", "text": "误发"}, If_Match=seen))[0] == 412
    assert (await officer.ask("POST", steps, {"act": "send"}))[0] == 409
    assert (await officer.ask("POST", steps, {"act": "cancel"}))[0] == 422
    assert (await officer.ask("POST", steps, {"act": "close"}))[0] == 422  # a person does that


async def test_clerks_programs_read_and_people_in_the_field_have_no_part_in_it(site: Site, program: Programs, wish: Json) -> None:
    clerk = await program("clerk")
    assert (await clerk.get("/tasks"))["items"] == []
    assert (await clerk.ask("POST", "/tasks", wish))[0] == 403
    phone = await site.signed_in("field")
    assert (await phone.session.get("/api/v1/tasks")).status == 403
