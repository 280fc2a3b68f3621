"""The pages of copies: who may ask, decide, fetch and take back; what is said where something is missing; what the lists show."""

from __future__ import annotations

import asyncio
import re

import pytest

from dispatch.copies import expiry
from dispatch.store.archive_tables import Recording
from dispatch.store.copy_tables import Copy
from tests.dispatch.archive.sealed import make_sealed
from tests.dispatch.web.conftest import NOW, Person, Site
from tests.dispatch.web.test_archive import audited

FORM = {
    "content": "film", "form": "zip", "receiver": "王律师", "unit": "云河律师事务所", "purpose": "准备二审", "basis": "刑事诉讼法第四十条",
}  # fmt: skip
CONTENT = b"PK" + bytes(range(256)) * 8


@pytest.fixture
async def sitting(site: Site) -> str:
    """A sitting with a sealed recording and its film; the judge presides."""
    sitting = await site.booked(await site.signed_in("clerk"))
    sealed = await asyncio.to_thread(make_sealed, site.context.settings.recordings, sitting)
    async with site.db.writer() as session:
        row = {"folder": sitting, "sealed_at": NOW, "manifest_sha256": sealed["manifest_sha256"], "seconds": 10.0, "bytes": 123_456}
        session.add(Recording(sitting_id=sitting, composite="done", **row))
    return sitting


async def asked(person: Person, sitting: str, **changes: str) -> str:
    """The id of the copy that he asks for."""
    await person.page(f"/archive/{sitting}/copies")
    answer = await person.post(f"/archive/{sitting}/copies", FORM | changes)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"].rpartition("/")[2]


async def made(site: Site, copy: str, form: str = "zip") -> None:
    """As the jobs process leaves it."""
    directory = site.context.settings.copies
    directory.mkdir(exist_ok=True)
    name = f"2026-0001-{copy}{'' if form == 'folder' else f'.{form}'}"
    if form == "folder":
        (directory / name / "recording").mkdir(parents=True)
        (directory / name / "cover.html").write_bytes(CONTENT)
        (directory / name / "recording" / "manifest.json").write_bytes(b"{}")
    else:
        (directory / name).write_bytes(CONTENT)
    async with site.db.writer() as session:
        kept = await session.get_one(Copy, copy)
        kept.state, kept.file, kept.bytes, kept.sha256, kept.sm3, kept.made_at = "ready", name, len(CONTENT), "a" * 64, "b" * 64, NOW
        kept.expires_at = site.now.replace(day=30)


async def approved(site: Site, sitting: str, **changes: str) -> tuple[Person, Person, str]:
    """The clerk who asked, the judge who approved, the copy that was made."""
    clerk, judge = await site.signed_in("clerk"), await site.signed_in("judge")
    copy = await asked(clerk, sitting, **changes)
    await judge.page(f"/copies/{copy}")
    assert (await judge.post(f"/copies/{copy}/approve")).status == 303
    await made(site, copy, changes.get("form", "zip"))
    return clerk, judge, copy


async def test_a_copy_is_asked_for_at_its_recording_and_decided_on_by_another(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    copy = await asked(clerk, sitting)
    page = await clerk.page(f"/copies/{copy}")
    assert "Waits for approval" in page
    assert "/approve" not in page
    assert (await clerk.post(f"/copies/{copy}/approve")).status == 403
    judge = await site.signed_in("judge")
    assert "Wait for your decision" in await judge.page("/copies")
    assert f'action="/copies/{copy}/approve"' in await judge.page(f"/copies/{copy}")
    assert (await judge.post(f"/copies/{copy}/approve")).status == 303
    assert "Being made" in await judge.page(f"/copies/{copy}")
    assert [row["number"] for row in await audited(site, "copy_approved")] == ["2026-0001"]


async def test_the_administrator_decides_though_he_sees_no_recording(site: Site, sitting: str) -> None:
    copy = await asked(await site.signed_in("judge"), sitting)
    administrator = await site.signed_in("administrator")
    assert (await administrator.get(f"/archive/{sitting}/copies")).status == 403
    await administrator.page(f"/copies/{copy}")
    answer = await administrator.post(f"/copies/{copy}/refuse", {"reason": "无法律依据"})
    assert answer.status == 303
    assert "无法律依据" in await administrator.page(f"/copies/{copy}")


async def test_what_is_missing_is_said_at_its_field_and_nothing_typed_is_lost(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page(f"/archive/{sitting}/copies")
    answer = await clerk.post(f"/archive/{sitting}/copies", FORM | {"content": "span", "basis": "", "from_s": "0:02", "to_s": "0:0x"})
    page = await answer.text()
    assert answer.status == 422
    assert 'id="basis-error-1"' in page
    assert 'id="to_s-error-1"' in page
    assert 'value="王律师"' in page
    assert 'value="0:0x"' in page
    assert re.search(r'value="span" checked', page)
    answer = await clerk.post(f"/archive/{sitting}/copies", FORM | {"content": "package"})
    assert 'id="originals_reason-error-1"' in await answer.text()
    assert await audited(site, "copy_requested") == []


async def test_strangers_to_a_recording_neither_ask_nor_see_its_copies(site: Site, sitting: str) -> None:
    copy = await asked(await site.signed_in("clerk"), sitting)
    prosecutor = await site.signed_in("prosecutor")
    assert (await prosecutor.get(f"/archive/{sitting}/copies")).status == 404
    await prosecutor.page("/copies")
    assert (await prosecutor.post(f"/archive/{sitting}/copies", FORM)).status == 404
    for path in (f"/copies/{copy}", f"/copies/{copy}/state", f"/copies/{copy}/file"):
        assert (await prosecutor.get(path)).status == 404, path
    for act in ("approve", "refuse", "revoke", "again"):
        assert (await prosecutor.post(f"/copies/{copy}/{act}", {"reason": "x"})).status == 403, act


async def test_a_copy_is_fetched_by_who_asked_and_who_approved_and_each_time_is_audited(site: Site, sitting: str) -> None:
    clerk, judge, copy = await approved(site, sitting)
    for person in (clerk, judge):
        answer = await person.session.get(f"/copies/{copy}/file")
        assert (answer.status, await answer.read()) == (200, CONTENT)
        assert answer.headers["Content-Disposition"] == 'attachment; filename="copy-2026-0001.zip"'
    for role in ("officer", "administrator"):
        assert (await (await site.signed_in(role)).get(f"/copies/{copy}/file")).status == 404, role
    rest = await clerk.session.get(f"/copies/{copy}/file", headers={"Range": "bytes=100-"})
    assert (rest.status, await rest.read()) == (206, CONTENT[100:])
    assert [row.get("part", "") for row in await audited(site, "copy_fetched")] == ["", "", "bytes=100-"]
    assert "Fetched 2 times" in await clerk.page("/copies")


async def test_after_its_days_a_copy_is_gone_and_its_entry_stays(site: Site, sitting: str) -> None:
    _clerk, _judge, copy = await approved(site, sitting)
    site.now = site.now.replace(month=12, day=1)
    clerk = await site.signed_in("clerk")
    assert (await clerk.get(f"/copies/{copy}/file")).status == 409
    assert await expiry.remove_due(site.db, site.context.settings.copies, site.now) == ["2026-0001"]
    assert (await clerk.get(f"/copies/{copy}/file")).status == 404
    assert "file removed" in await clerk.page(f"/copies/{copy}")
    assert "王律师" in await clerk.page("/copies", params={"state": "removed"})


async def test_a_folder_is_fetched_file_by_file_and_nothing_beside_it(site: Site, sitting: str) -> None:
    clerk, _judge, copy = await approved(site, sitting, form="folder")
    page = await clerk.page(f"/copies/{copy}")
    assert f"/copies/{copy}/file?file=recording/manifest.json" in page
    answer = await clerk.session.get(f"/copies/{copy}/file", params={"file": "cover.html"})
    assert await answer.read() == CONTENT
    for name in ("", "../dispatch.db", "/etc/passwd", "recording", "recording/../cover.html"):
        assert (await clerk.get(f"/copies/{copy}/file", params={"file": name})).status == 404, name
    assert [row["file"] for row in await audited(site, "copy_fetched")] == ["cover.html"]


async def test_a_copy_is_taken_back_until_it_is_fetched(site: Site, sitting: str) -> None:
    clerk, judge, copy = await approved(site, sitting)
    await clerk.page(f"/copies/{copy}")
    assert (await clerk.post(f"/copies/{copy}/revoke", {"reason": ""})).status == 422
    assert (await clerk.session.get(f"/copies/{copy}/file")).status == 200
    assert (await clerk.post(f"/copies/{copy}/revoke", {"reason": "误发"})).status == 409
    second = await asked(clerk, sitting)
    assert (await clerk.post(f"/copies/{second}/revoke", {"reason": "误发"})).status == 303
    await judge.page("/copies")
    assert (await judge.post(f"/copies/{second}/approve")).status == 409


async def test_who_looks_at_a_recording_with_a_minor_is_warned(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    assert "A minor took part" not in await clerk.page(f"/archive/{sitting}/copies")
    async with site.db.writer() as session:
        recording = await session.get_one(Recording, sitting)
        recording.sitting.participants[-1].minor = True
    assert "A minor took part" in await clerk.page(f"/archive/{sitting}/copies")


async def test_what_is_typed_is_shown_and_not_run(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    copy = await asked(clerk, sitting, receiver="<script>alert(1)</script>")
    for path in (f"/copies/{copy}", "/copies", f"/archive/{sitting}/copies"):
        page = await clerk.page(path)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
