"""Roll-call through the server: rooms answer at their device, teams on a phone, the officer by voice; the record as a file."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest

from dispatch.console.field import teams
from dispatch.console.field.teams import Member, TeamDraft
from tests.dispatch.making import audited
from tests.dispatch.web.conftest import NOW, Person, Site
from tests.dispatch.web.test_devices_and_staff import connected


async def begun(site: Site, officer: Person, *who: str, limit: str = "30") -> str:
    await officer.page("/console/roll-call")
    fields = [("_csrf", officer.token), ("name", "早点名 <b>"), ("limit", limit), *(("who", each) for each in who)]
    answer = await officer.session.post("/console/roll-call", data=fields, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def standings(person: Person, path: str) -> list[str]:
    told = await (await person.session.get(f"{path}/state")).json()
    return [line["standing"] for line in told["lines"]]


async def answers(end: Person, path: str) -> tuple[int, Any]:
    """What a device or a phone is asked, and the answer to it."""
    call = (told := await (await end.session.get(path)).json())["call"]
    if call is None:
        return 0, None
    answer = await end.session.post(f"{path}/{call['id']}", headers={"X-CSRF-Token": told["csrf"]})
    return answer.status, call


@pytest.mark.parametrize(("role", "sees", "calls"), [("officer", 200, 303), ("clerk", 200, 403), ("judge", 403, 403), ("field", 403, 403)])
async def test_who_sees_roll_calls_and_who_calls(site: Site, role: str, sees: int, calls: int) -> None:
    person = await site.signed_in(role)
    assert (await person.get("/console/roll-call")).status == sees
    fields = {"name": "早点名", "limit": "30", "who": f"room/{site.rooms[0].id}"}
    assert (await person.post("/console/roll-call", fields)).status == calls


async def test_rooms_and_teams_are_called_in_order_and_answer_where_they_are(site: Site) -> None:
    _clerk, device, _code = await connected(site)
    team = await teams.add(site.db, TeamDraft("望河中队", "Wanghe team", members=(Member(site.users["field"].id),)), "test", NOW)
    officer, phone = await site.signed_in("officer"), await site.signed_in("field")
    assert 'call-bell data-end="field"' in await phone.page("/field")
    assert 'call-bell data-end="device"' in await device.page("/device")
    assert await answers(device, "/device/roll-call") == (0, None)
    path = await begun(site, officer, f"room/{site.rooms[0].id}", f"room/{site.rooms[1].id}", f"team/{team.id}")
    assert await standings(officer, path) == ["ringing", "waiting", "waiting"]
    assert await answers(phone, "/field/roll-call") == (0, None), "its team was not called yet"
    status, call = await answers(device, "/device/roll-call")
    assert (status, call["late"]) == (200, False)
    assert await standings(officer, path) == ["present", "ringing", "waiting"]
    site.now += timedelta(seconds=30)
    assert await standings(officer, path) == ["present", "absent", "ringing"]
    site.now += timedelta(seconds=31)
    status, call = await answers(phone, "/field/roll-call")
    assert (status, call["late"]) == (200, True)
    assert await standings(officer, path) == ["present", "absent", "late"]
    page = await officer.page(path)
    assert "早点名 <b>" not in page


async def test_the_officer_marks_pauses_calls_again_and_ends(site: Site) -> None:
    officer = await site.signed_in("officer")
    one, two = f"room/{site.rooms[0].id}", f"room/{site.rooms[1].id}"
    path = await begun(site, officer, one, two)

    async def act(what: str, key: str = "") -> int:
        return (await officer.send(f"{path}/acts", {"act": what, "key": key})).status

    assert await act("pause") == 200
    site.now += timedelta(minutes=5)
    assert await standings(officer, path) == ["waiting", "waiting"]
    assert await act("resume") == 200
    assert await act("present", one) == 200
    assert await act("absent", two) == 200
    assert await standings(officer, path) == ["present", "absent"]
    assert await act("again") == 200
    assert await standings(officer, path) == ["present", "ringing"]
    assert (await act("dance"), await act("present", "room/none"), await act("end")) == (400, 404, 200)
    assert (await standings(officer, path), await act("again")) == (["present", "absent"], 409)
    rows = await audited(site.db, "roll_call_begun", "roll_call_present", "roll_call_end")
    assert [row.action for row in rows] == ["roll_call_begun", "roll_call_present", "roll_call_end"]


async def test_the_record_is_a_file(site: Site) -> None:
    officer = await site.signed_in("officer")
    path = await begun(site, officer, f"room/{site.rooms[0].id}")
    await officer.send(f"{path}/acts", {"act": "present", "key": f"room/{site.rooms[0].id}"})
    text = await (await officer.session.get(f"{path}/export?kind=csv")).text()
    assert site.rooms[0].name_en in text or site.rooms[0].name in text
    assert "Present" in text
    assert "09:30:00" in text
    book = openpyxl.load_workbook(io.BytesIO(await (await officer.session.get(f"{path}/export?kind=xlsx")).read()))
    assert [cell.value for cell in book.worksheets[0][2]][2] == "Present"


async def test_what_is_wrong_is_told_at_its_field_and_kept(site: Site) -> None:
    officer = await site.signed_in("officer")
    await officer.page("/console/roll-call")
    refused = await officer.post("/console/roll-call", {"name": "晚点名", "limit": "1", "who": f"room/{site.rooms[0].id}"})
    text = await refused.text()
    assert (refused.status, 'value="晚点名"' in text, "Between 5 and 600." in text) == (422, True, True)
    assert "Choose somebody to call." in await (await officer.post("/console/roll-call", {"name": "晚点名", "limit": "30"})).text()
    assert (await officer.get("/console/roll-call/none")).status == 404


async def test_a_device_answers_for_its_own_room_alone(site: Site) -> None:
    _clerk, device, _code = await connected(site)
    officer = await site.signed_in("officer")
    path = await begun(site, officer, f"room/{site.rooms[1].id}")
    assert await answers(device, "/device/roll-call") == (0, None)
    told = await (await device.session.get("/device/roll-call")).json()
    refused = await device.session.post(f"/device/roll-call/{path.rsplit('/', 1)[1]}", headers={"X-CSRF-Token": told["csrf"]})
    assert refused.status == 404
    assert (await site.visitor().session.get("/device/roll-call")).status in (401, 403)
