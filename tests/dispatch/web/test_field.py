"""Tasks and teams on the pages: the centre's, and the phone's; who may do what; files that arrive in parts over broken connections."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import secrets
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from dispatch.console.field import files, teams
from dispatch.console.field.teams import Member, TeamDraft
from dispatch.store.tables import User, new_id
from dispatch.web.access import ALL_ROLES
from tests.dispatch.web.conftest import NOW, Person, Site
from tests.dispatch.web.test_archive import audited

FORM = {
    "title": "查看北河沿排污口", "text": "拍全景与近景", "place": "北河沿街桥东", "coordinates": "39.92190, 116.44320",
    "deadline": "2026-11-24T17:30",
}  # fmt: skip


class Out:
    """A site with a team, its one person, and an officer, both signed in."""

    def __init__(self, site: Site, team: str, officer: Person, phone: Person) -> None:
        self.site, self.team, self.officer, self.phone = site, team, officer, phone

    async def task(self, act: str = "send", **changes: str) -> str:
        answer = await self.officer.post("/console/tasks/new", FORM | {"to": self.team, "act": act} | changes)
        assert answer.status == 303, await answer.text()
        return answer.headers["Location"].rpartition("/")[2]

    async def act(self, task: str, what: str, **more: Any) -> ClientResponse:
        return await self.phone.send(f"/field/tasks/{task}/acts", {"act": what, "key": secrets.token_hex(8)} | more)

    async def done(self, task: str, *acts: str, **more: Any) -> None:
        for what in acts:
            answer = await self.act(task, what, **more)
            assert answer.status == 200, await answer.text()

    async def decided(self, task: str, what: str, **fields: str) -> int:
        return (await self.officer.post(f"/console/tasks/{task}/acts", {"act": what} | fields)).status

    async def state(self) -> dict[str, Any]:
        answer = await self.phone.session.get("/field/state")
        assert answer.status == 200
        body: dict[str, Any] = await answer.json()
        return body


@pytest.fixture
async def out(site: Site) -> Out:
    team = await teams.add(site.db, TeamDraft("望河中队", "Wanghe team", members=(Member(site.users["field"].id),)), "test", NOW)
    officer, phone = await site.signed_in("officer"), await site.signed_in("field")
    await phone.page("/field")
    return Out(site, team.id, officer, phone)


async def test_a_task_is_sent_signed_for_reported_checked_and_closed(out: Out) -> None:
    task = await out.task()
    (shown,) = (await out.state())["tasks"]
    assert (shown["title"], shown["state"], shown["acts"]) == ("查看北河沿排污口", "sent", ["sign", "hand_back"])
    await out.done(task, "sign")
    position = {"latitude": 39.9219, "longitude": 116.4432, "accuracy_m": 9, "system": "wgs84"}
    await out.done(task, "arrive", position=position)
    await out.done(task, "report", text="已封堵 <b>")
    page = await out.officer.page(f"/console/tasks/{task}")
    assert "39.92190, 116.44320" in page
    assert "已封堵 &lt;b&gt;" in page
    assert await out.decided(task, "return", text="") == 422
    assert await out.decided(task, "return", text="补拍全景") == 303
    await out.done(task, "arrive")
    await out.done(task, "report", text="已补拍")
    assert await out.decided(task, "close") == 303
    assert await out.decided(task, "cancel", text="x") == 409
    (shown,) = (await out.state())["tasks"]
    assert (shown["state"], shown["acts"]) == ("closed", [])
    assert [step["act"] for step in shown["steps"]] == ["send", "sign", "arrive", "report", "return", "arrive", "report", "close"]


async def test_a_refused_act_keeps_what_was_typed_and_says_at_each_field_what_is_wrong(out: Out) -> None:
    task = await out.task()
    typed = {"act": "reassign", "to": out.team, "deadline": "2020-01-01T08:00", "text": "<b>车辆故障</b>"}
    answer = await out.officer.post(f"/console/tasks/{task}/acts", typed)
    page = await answer.text()
    assert answer.status == 422
    dialog = page[page.index('id="do-reassign"') :].partition("</dialog>")[0]
    assert dialog.startswith('id="do-reassign" aria-labelledby="do-reassign-title" open')
    assert 'value="2020-01-01T08:00" aria-invalid="true" aria-describedby="deadline-reassign-error"' in dialog
    assert "&lt;b&gt;车辆故障&lt;/b&gt;</textarea>" in dialog
    assert dialog.count('class="field-error"') == 1
    answer = await out.officer.post(f"/console/tasks/{task}/acts", {"act": "cancel", "text": "  "})
    page = await answer.text()
    assert (answer.status, 'id="text-cancel-error"' in page, page.count(" open>")) == (422, True, 1)


@pytest.mark.parametrize("role", [role for role in ALL_ROLES if role not in ("officer", "field")])
async def test_nobody_but_officers_and_the_team_does_anything_to_a_task(out: Out, role: str) -> None:
    task, person = await out.task(), await out.site.signed_in(role)
    assert (await person.post(f"/console/tasks/{task}/acts", {"act": "urge"})).status == 403
    assert (await person.send(f"/field/tasks/{task}/acts", {"act": "sign", "key": "0123456789"})).status == 403
    assert (await person.get(f"/console/tasks/{task}")).status == (200 if role == "clerk" else 403)


async def test_people_in_the_field_open_nothing_else_and_their_acts_are_not_the_centres(out: Out) -> None:
    task = await out.task()
    for path in ("/console/tasks", f"/console/tasks/{task}", "/console", "/booking", "/archive", "/preferences", "/api/v1/rooms", "/users"):
        assert (await out.phone.get(path)).status == 403, path
    assert (await out.phone.get("/")).headers["Location"] == "/field"
    assert (await out.phone.post(f"/console/tasks/{task}/acts", {"act": "close"})).status == 403
    assert (await out.act(task, "close")).status == 422


async def test_another_teams_task_and_its_files_are_not_there(out: Out) -> None:
    task = await out.task()
    photo = await sent(out, task, picture())
    stranger = User(id=new_id(), name="丁一", sign_in_name="dingyi", role="field", password_hash="x")
    async with out.site.db.writer() as session:
        session.add(stranger)
    other = await teams.add(out.site.db, TeamDraft("小庙中队", members=(Member(stranger.id),)), "test", NOW)
    assert await out.decided(task, "reassign", to=other.id) == 303
    assert (await out.state())["tasks"] == []
    assert (await out.act(task, "sign")).status == 404
    assert (await out.phone.get(f"/field/files/{photo}")).status == 404
    assert (await out.phone.get(f"/field/files/{photo}/small")).status == 404


async def test_a_bad_form_keeps_what_was_typed_and_marks_every_field(out: Out) -> None:
    fields = {"title": "", "place": "桥东", "coordinates": "north, 12", "to": "", "deadline": "2026-11-24T08:00", "case_number": "无此案"}
    answer = await out.officer.post("/console/tasks/new", fields)
    page = await answer.text()
    assert answer.status == 422
    assert set(re.findall(r'id="([a-z_]+)-error-1"', page)) == {"title", "coordinates", "to", "deadline", "case_number"}
    assert 'value="north, 12"' in page
    assert 'value="桥东"' in page
    page = await out.officer.page("/console/tasks/new?latitude=39.9219&longitude=116.4432")
    assert 'value="39.9219, 116.4432"' in page


async def test_what_is_overdue_is_on_top_and_the_list_is_narrowed(out: Out) -> None:
    await out.task(title="晚")
    await out.task(title="早", deadline="2026-11-24T10:00")
    out.site.now = NOW.replace(hour=3)
    page = await out.officer.page("/console/tasks")
    assert page.index("早") < page.index("晚")
    assert "Overdue" in page
    assert "晚" not in await out.officer.page("/console/tasks?state=overdue&part=rows")
    assert "早" not in await out.officer.page(f"/console/tasks?text=晚&team={out.team}&part=rows")


async def test_a_team_is_made_and_changed_by_shift_leaders(out: Out) -> None:
    member = out.site.users["field"].id
    assert (await out.officer.post("/console/teams/new", {"name": "南桥中队"})).status == 403
    assert "/console/teams/new" not in await out.officer.page("/console/teams")
    async with out.site.db.writer() as session:
        (await session.get_one(User, out.site.users["officer"].id)).rank = "lead"
    await out.officer.page("/console/teams/new")
    assert (await out.officer.post("/console/teams/new", {"name": "望河中队"})).status == 422
    answer = await out.officer.post("/console/teams/new", {"name": "南桥中队", f"member-{member}": "grid_worker", f"leads-{member}": "yes"})
    assert answer.status == 303
    page = await out.officer.page("/console/teams")
    assert page.index("南桥中队") > 0
    assert "Field · leads" in page
    assert (await out.state())["team"]["name"] == "南桥中队"


# ------------------------------------------------------------------------------------------------ files


def picture(turned: bool = False) -> bytes:
    """A JPEG of some hundred kB, 600 by 400; `turned`: the camera was held upright."""
    made, about = io.BytesIO(), Image.Exif()
    about[0x0112] = 6 if turned else 1
    Image.frombytes("RGB", (600, 400), secrets.token_bytes(600 * 400 * 3)).save(made, "JPEG", quality=90, exif=about)
    return made.getvalue()


async def announced(out: Out, task: str, data: bytes, **changes: Any) -> ClientResponse:
    about = {"name": "现场.jpg", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "key": secrets.token_hex(8)}
    return await out.phone.send(f"/field/tasks/{task}/files", about | changes)


async def part(out: Out, file: str, offset: int, data: bytes, digest: bytes | None = None) -> ClientResponse:
    checksum = base64.b64encode(hashlib.sha256(data).digest() if digest is None else digest).decode()
    headers = {"X-CSRF-Token": out.phone.token, "Upload-Offset": str(offset), "Upload-Checksum": f"sha256 {checksum}"}
    return await out.phone.session.patch(f"/field/files/{file}", data=data, headers=headers)


async def sent(out: Out, task: str, data: bytes) -> str:
    """A file sent whole; the task is signed for."""
    await out.done(task, "sign")
    file: str = (await (await announced(out, task, data)).json())["id"]
    answer = await part(out, file, 0, data)
    assert answer.status == 200, await answer.text()
    return file


async def test_an_upload_goes_on_where_a_broken_connection_left_it(out: Out) -> None:
    task, data, key = await out.task(), picture(), secrets.token_hex(8)
    await out.done(task, "sign")
    file = (await (await announced(out, task, data, key=key)).json())["id"]
    assert (await part(out, file, 0, data[:50_000])).headers["Upload-Offset"] == "50000"
    again = await (await announced(out, task, data, key=key)).json()
    assert (again["id"], again["offset"]) == (file, 50_000)
    wrong = await part(out, file, 40_000, data[40_000:60_000])  # its answer was lost, and the phone sends it again
    assert (wrong.status, wrong.headers["Upload-Offset"]) == (409, "50000")
    where = await (await out.phone.session.get(f"/field/files/{file}/offset")).json()
    assert where == {"offset": 50_000, "whole": False}
    assert (await (await part(out, file, 50_000, data[50_000:])).json())["whole"]
    await out.done(task, "arrive")
    await out.done(task, "report", files=[file])
    kept = await (await out.phone.session.get(f"/field/files/{file}")).read()
    assert kept == data
    assert [row["sha256"] for row in await audited(out.site, "task_file_kept")] == [hashlib.sha256(data).hexdigest()]


async def test_a_damaged_part_is_not_kept_and_a_damaged_whole_begins_anew(out: Out) -> None:
    task, data = await out.task(), picture()
    await out.done(task, "sign")
    file = (await (await announced(out, task, data)).json())["id"]
    assert (await part(out, file, 0, data[:1000], digest=b"x" * 32)).status == 460
    assert (await part(out, file, 0, data + b"more")).status == 422
    swapped = b"\0" + data[1:]
    assert (await part(out, file, 0, swapped)).status == 460
    assert (await (await out.phone.session.get(f"/field/files/{file}/offset")).json())["offset"] == 0
    assert (await out.act(task, "arrive")).status == 200
    assert (await out.act(task, "report", files=[file])).status == 422
    assert (await part(out, file, 0, data)).status == 200
    await out.done(task, "report", files=[file])


async def test_what_is_no_picture_is_refused_by_what_is_in_it_whatever_its_name(out: Out) -> None:
    task = await out.task()
    await out.done(task, "sign")
    for data in (b"<script>alert(1)</script>" * 20, b"\x89PNG\r\n\x1a\n" + b"x" * 100, b"\0\0\0\x18ftypmp42" + b"y" * 200, b"%PDF-1.7 x"):
        file = (await (await announced(out, task, data)).json())["id"]
        assert (await part(out, file, 0, data)).status == 422
        assert (await out.phone.session.get(f"/field/files/{file}/offset")).status == 404
    assert list(out.site.context.settings.field_files.iterdir()) == []


BAD: list[dict[str, Any]] = [{"bytes": 0}, {"bytes": 10**12}, {"bytes": True}, {"sha256": "x"}, {"name": " "}, {"key": "../../etc"}]


@pytest.mark.parametrize("changes", BAD)
async def test_a_file_that_is_announced_badly_is_refused(out: Out, changes: dict[str, Any]) -> None:
    task = await out.task()
    await out.done(task, "sign")
    assert (await announced(out, task, picture(), **changes)).status == 422


async def test_photos_are_taken_while_the_task_is_under_way_and_by_its_own_sender_alone(out: Out) -> None:
    task, data = await out.task(), picture()
    assert (await announced(out, task, data)).status == 409
    await out.done(task, "sign")
    file = (await (await announced(out, task, data)).json())["id"]
    headers = {"X-CSRF-Token": out.officer.token, "Upload-Offset": "0"}
    assert (await out.officer.session.patch(f"/console/files/{file}", data=data, headers=headers)).status == 404
    assert (await out.officer.get(f"/console/files/{file}")).status == 404  # not whole yet


async def test_the_original_keeps_what_the_camera_wrote_and_the_small_picture_is_upright_without_it(out: Out) -> None:
    task, data = await out.task(), picture(turned=True)
    file = await sent(out, task, data)
    whole = await out.officer.session.get(f"/console/files/{file}")
    assert await whole.read() == data
    assert whole.headers["Content-Type"] == "image/jpeg"
    small = Image.open(io.BytesIO(await (await out.officer.session.get(f"/console/files/{file}/small")).read()))
    assert small.width < small.height
    assert not small.getexif()


async def test_a_video_has_a_small_picture_too(out: Out, tmp_path: Path) -> None:
    made = tmp_path / "clip.mp4"
    wanted = ("-f", "lavfi", "-i", "testsrc=size=320x180:rate=5:duration=1", "-pix_fmt", "yuv420p")
    subprocess.run([get_ffmpeg_exe(), "-v", "error", *wanted, str(made)], check=True)  # noqa: ASYNC221
    task = await out.task()
    file = await sent(out, task, made.read_bytes())
    assert (await out.phone.session.get(f"/field/files/{file}")).headers["Content-Type"] == "video/mp4"
    small = Image.open(io.BytesIO(await (await out.phone.session.get(f"/field/files/{file}/small")).read()))
    assert small.size == (320, 180)


async def test_material_goes_out_with_the_task_and_is_taken_away_from_drafts_alone(out: Out) -> None:
    task, data = await out.task(act="draft"), b"%PDF-1.7\n" + b"x" * 300
    about = {"name": "案情.pdf", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "key": secrets.token_hex(8)}
    file = (await (await out.officer.send(f"/console/tasks/{task}/files", about)).json())["id"]
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
    headers = {"X-CSRF-Token": out.officer.token, "Upload-Offset": "0", "Upload-Checksum": f"sha256 {checksum}"}
    assert (await out.officer.session.patch(f"/console/files/{file}", data=data, headers=headers)).status == 200
    assert (await out.phone.get(f"/field/files/{file}")).status == 404
    assert await out.decided(task, "send") == 303
    answer = await out.phone.session.get(f"/field/files/{file}")
    assert (answer.headers["Content-Type"], answer.headers["Content-Disposition"][:10]) == ("application/pdf", "attachment")
    assert (await out.officer.send(f"/console/files/{file}/remove", {})).status == 409


async def test_what_never_became_part_of_a_report_is_removed_in_the_end_and_nothing_else(out: Out) -> None:
    task, folder = await out.task(), out.site.context.settings.field_files
    used = await sent(out, task, picture())
    await out.done(task, "arrive")
    await out.done(task, "report", files=[used])
    await out.decided(task, "return", text="补拍")
    data = picture()
    for size in (len(data), 1000):
        file = (await (await announced(out, task, data)).json())["id"]
        assert (await part(out, file, 0, data[:size])).status == 200
    now = out.site.now
    assert await files.forget_unfinished(out.site.db, folder, now + files.UNFINISHED) == 0
    assert await files.forget_unfinished(out.site.db, folder, now + 1.1 * files.UNFINISHED) == 2
    assert {path.name for path in folder.iterdir()} == {used, f"{used}.webp"}


# ------------------------------------------------------------------------------------------------ the phone's page


async def test_the_page_may_be_kept_on_a_phone_and_alone_may_ask_where_it_is(out: Out) -> None:
    task = await out.task(title="内容保密的任务")
    page = await out.phone.get("/field")
    assert "geolocation=(self)" in page.headers["Permissions-Policy"]
    assert "内容保密的任务" not in await page.text()
    assert task not in await page.text()
    worker = await out.phone.get("/field/worker.js")
    assert worker.headers["Service-Worker-Allowed"] == "/field"
    manifest = await (await out.phone.session.get("/field/manifest.webmanifest")).json(content_type="application/manifest+json")
    assert (manifest["scope"], manifest["start_url"]) == ("/field", "/field")
    assert (await out.phone.session.get(manifest["icons"][0]["src"])).status == 200
    assert "geolocation=()" in (await out.officer.get("/console/tasks")).headers["Permissions-Policy"]


async def test_a_position_is_taken_while_it_is_agreed_to_and_wanted(out: Out) -> None:
    here = {"latitude": 39.9, "longitude": 116.4, "accuracy_m": 12}
    task = await out.task()
    await out.done(task, "sign")
    assert await (await out.phone.send("/field/position", here)).json() == {"kept": False}
    assert (await (await out.phone.send("/field/agree", {"agrees": True})).json())["me"]["agrees"]
    assert await (await out.phone.send("/field/position", here)).json() == {"kept": True}
    assert (await out.phone.send("/field/position", {"latitude": 39.9})).status == 422
