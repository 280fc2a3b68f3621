"""The archive's pages: who sees which recording, playback, verification, and the audit of every look."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dispatch.archive.plays import ONE_LOOK
from dispatch.store.archive_tables import Job, Recording
from dispatch.store.tables import AuditRow, Participant
from dispatch.web.routes import ROUTES
from tests.dispatch.archive.sealed import DIGESTS, STILLS, make_sealed
from tests.dispatch.web.conftest import NOW, Person, Site

PICTURE = bytes(range(256)) * 40


@pytest.fixture
async def sitting(site: Site) -> str:
    """A sitting with a sealed recording and a picture."""
    sitting = await site.booked(await site.signed_in("clerk"))
    sealed = await asyncio.to_thread(make_sealed, site.context.settings.recordings, sitting)
    (folder(site, sitting) / "derived" / "composite.mp4").write_bytes(PICTURE)
    async with site.db.writer() as session:
        row = {"folder": sitting, "sealed_at": NOW, "manifest_sha256": sealed["manifest_sha256"], "seconds": 8.0, "bytes": 123_456}
        session.add_all([Recording(sitting_id=sitting, composite="done", **row), Job(kind="composite", sitting_id=sitting, state="done")])
    return sitting


def folder(site: Site, sitting: str) -> Path:
    return site.context.settings.recordings / sitting


async def audited(site: Site, action: str) -> list[dict[str, Any]]:
    async with site.db.reader() as session:
        return list(await session.scalars(select(AuditRow.detail).where(AuditRow.action == action)))


async def failed(site: Site, sitting: str) -> None:
    async with site.db.writer() as session:
        job = (await session.scalars(select(Job).where(Job.sitting_id == sitting))).one()
        job.state, job.error, job.attempts = "failed", "ffmpeg ended with 1", 3
        (await session.get_one(Recording, sitting)).composite = "failed"


async def verdict(person: Person, sitting: str) -> dict[str, Any]:
    """Verify through the page's API and wait for the result."""
    await person.page(f"/archive/{sitting}")
    assert (await person.send(f"/archive/{sitting}/verification", {})).status == 202
    async with asyncio.timeout(20):
        while True:
            found = json.loads(await person.page(f"/archive/{sitting}/verification"))
            if found["state"] != "running":
                return dict(found)
            await asyncio.sleep(0.02)


async def test_the_list_shows_recordings_and_finds_them_by_person_room_and_number(site: Site, sitting: str) -> None:
    officer = await site.signed_in("officer")
    for text in ("", "刘芳", "Remote Court 1", "民初31", "物业 刘芳"):
        assert f"/archive/{sitting}" in await officer.page("/archive", params={"q": text}), text
    assert f"/archive/{sitting}" not in await officer.page("/archive", params={"q": "nobody_%"})


async def test_a_judge_sees_the_recordings_of_own_sittings_alone(site: Site, sitting: str) -> None:
    judge = await site.signed_in("judge")
    assert f"/archive/{sitting}" in await judge.page("/archive")
    prosecutor = await site.signed_in("prosecutor")
    assert f"/archive/{sitting}" not in await prosecutor.page("/archive")
    for path in ("", "/composite.mp4", "/manifest.json"):
        assert (await prosecutor.get(f"/archive/{sitting}{path}")).status == 404


async def test_who_was_taken_out_of_a_sitting_does_not_see_its_recording(site: Site, sitting: str) -> None:
    judge = await site.signed_in("judge")
    async with site.db.writer() as session:
        own = await session.scalars(
            select(Participant).where(Participant.sitting_id == sitting, Participant.user_id == site.users["judge"].id)
        )
        own.one().removed_at = NOW
    assert (await judge.get(f"/archive/{sitting}")).status == 404


async def test_an_administrator_has_no_archive(site: Site, sitting: str) -> None:
    administrator = await site.signed_in("administrator")
    assert (await administrator.get("/archive")).status == 403
    assert (await administrator.get(f"/archive/{sitting}/composite.mp4")).status == 403


async def test_the_playback_page_has_timeline_log_and_picture_and_is_audited(site: Site, sitting: str) -> None:
    page = await (await site.signed_in("officer")).page(f"/archive/{sitting}")
    data = json.loads(page.split('id="data">', 1)[1].split("</script>", 1)[0])
    assert [stage["stage"] for stage in data["timeline"]["stages"]] == ["hearing", "recess", "hearing"]
    assert len(data["lines"]) == 4
    assert f'src="/archive/{sitting}/composite.mp4"' in page
    assert await audited(site, "playback") == [{"sitting": sitting}]


async def test_the_picture_is_given_in_parts(site: Site, sitting: str) -> None:
    officer = await site.signed_in("officer")
    answer = await officer.session.get(f"/archive/{sitting}/composite.mp4", headers={"Range": "bytes=100-199"})
    assert (answer.status, await answer.read()) == (206, PICTURE[100:200])
    assert answer.headers["Content-Range"] == f"bytes 100-199/{len(PICTURE)}"
    assert (await officer.session.get(f"/archive/{sitting}/composite.mp4", headers={"Range": "bytes=999999-"})).status == 416
    assert await audited(site, "export") == []
    assert await audited(site, "play") == [{"sitting": sitting, "file": "composite.mp4"}]


async def test_what_is_taken_out_of_the_archive_is_audited(site: Site, sitting: str) -> None:
    officer = await site.signed_in("officer")
    manifest = await officer.session.get(f"/archive/{sitting}/manifest.json")
    assert await manifest.read() == (folder(site, sitting) / "manifest.json").read_bytes()
    assert [row["file"] for row in await audited(site, "export")] == ["manifest.json"]


@pytest.mark.parametrize("dest", ["document", "iframe", "embed", "object"])
async def test_a_recording_is_played_on_its_page_and_saved_by_nobody_without_a_copy(site: Site, sitting: str, dest: str) -> None:
    officer = await site.signed_in("officer")
    for path in ("composite.mp4", "composite.mp4?download=1"):
        answer = await officer.session.get(f"/archive/{sitting}/{path}", headers={"Sec-Fetch-Dest": dest})
        assert answer.status == 403
    assert await audited(site, "play") == []
    played = await officer.session.get(f"/archive/{sitting}/composite.mp4?download=1", headers={"Sec-Fetch-Dest": "video"})
    assert (played.status, "Content-Disposition" in played.headers) == (200, False)


async def test_the_page_shows_over_the_pictures_who_looks(site: Site, sitting: str) -> None:
    page = await (await site.signed_in("officer")).page(f"/archive/{sitting}")
    assert f'<viewer-mark data-name="{site.users["officer"].name}"' in page
    assert f'href="/archive/{sitting}/copies"' in page
    assert "download=1" not in page


UNRECORDED = {"/archive", "/archive/{sitting}/composite", "/archive/{sitting}/verification", "/archive/{sitting}/copies"}
"""Addresses of the archive that give nothing of a recording: states, lists and forms."""


OF_ITS_OWN = {"/archive/{sitting}/explanation", "/archive/{sitting}/explanation.json"}
"""What is said of a recording's faults, not what was recorded; test_explanations.py looks at it."""


async def test_every_address_that_gives_something_of_a_recording_leaves_a_row_in_the_audit_log(site: Site, sitting: str) -> None:
    """Each in the route table, also those that come later; what gives nothing of one is named above."""
    voices = folder(site, sitting) / "derived" / "voices"
    voices.mkdir()
    clerk = await site.signed_in("clerk")
    place = people(await clerk.page(f"/archive/{sitting}"))[0]["id"]
    (voices / f"{place}.webm").write_bytes(b"sound")
    track = sorted((folder(site, sitting) / "tracks").iterdir())[0].name
    values = {"sitting": sitting, "place": place, "file": track, "still": DIGESTS["face"]}
    given = [route.path for route in ROUTES if route.method == "GET" and route.path.startswith("/archive") and route.path not in OF_ITS_OWN]
    assert len(given) > 8
    silent = []
    for path in given:
        before = await rows(site)
        answer = await clerk.session.get(path.format(**values))
        assert answer.status == 200, path
        if await rows(site) == before:
            silent.append(path)
    assert set(silent) == UNRECORDED


async def rows(site: Site) -> int:
    """How many rows the audit log has."""
    async with site.db.reader() as session:
        return await session.scalar(select(func.count()).select_from(AuditRow)) or 0


def people(page: str) -> list[dict[str, Any]]:
    return list(json.loads(page.split('id="data">', 1)[1].split("</script>", 1)[0])["people"])


async def test_one_persons_sound_and_files_are_given_in_parts_and_each_look_is_audited_once(site: Site, sitting: str) -> None:
    officer = await site.signed_in("officer")
    judge, zhang = people(await officer.page(f"/archive/{sitting}"))
    assert (judge["name"], judge["role"], judge["voice"]) == ("周正", "Judge", ""), "there is no voice before the film is made"
    voices = folder(site, sitting) / "derived" / "voices"
    voices.mkdir()
    (voices / f"{judge['id']}.webm").write_bytes(PICTURE)
    judge, zhang = people(await officer.page(f"/archive/{sitting}"))
    assert zhang["voice"] == ""
    for _again in range(2):
        answer = await officer.session.get(judge["voice"], headers={"Range": "bytes=100-199"})
        assert (answer.status, answer.content_type, await answer.read()) == (206, "audio/webm", PICTURE[100:200])
    track = await officer.session.get(f"/archive/{sitting}/tracks/0002-microphone-e-zhang.mkv")
    assert await track.read() == (folder(site, sitting) / "tracks" / "0002-microphone-e-zhang.mkv").read_bytes()
    assert await audited(site, "play") == [
        {"sitting": sitting, "file": f"voices/{judge['id']}.webm", "of": "周正"},
        {"sitting": sitting, "file": "tracks/0002-microphone-e-zhang.mkv", "of": "张某"},
    ]
    site.now += ONE_LOOK * 2
    await officer.session.get(judge["voice"])
    assert len(await audited(site, "play")) == 3, "later he looks again"


async def test_nothing_is_given_that_the_manifest_does_not_name_nor_to_whom_the_recording_is_not_shown(site: Site, sitting: str) -> None:
    officer, prosecutor = await site.signed_in("officer"), await site.signed_in("prosecutor")
    (folder(site, sitting) / "tracks").chmod(0o755)
    (folder(site, sitting) / "tracks" / "0009-camera-x.mkv").write_bytes(b"foreign")
    for path in (
        "tracks/0009-camera-x.mkv",
        "tracks/..%2Fevents.jsonl",
        "tracks/manifest.json",
        "voices/nobody",
        "voices/..%2F..%2Fmanifest.json",
    ):
        assert (await officer.get(f"/archive/{sitting}/{path}")).status == 404, path
    assert (await prosecutor.get(f"/archive/{sitting}/tracks/0001-microphone-e-judge.mkv")).status == 404
    assert await audited(site, "play") == []


async def test_verification_says_what_was_checked(site: Site, sitting: str) -> None:
    found = await verdict(await site.signed_in("officer"), sitting)
    assert (found["state"], found["ok"], found["problems"]) == ("done", True, [])
    outcomes = [check["ok"] for check in found["checks"]]
    assert outcomes == [True, True, True, None, None]  # manifest, files, log; nobody signed it, nobody stamped it
    assert {file["name"] for file in found["files"]} >= {"events.jsonl", "tracks/0001-microphone-e-judge.mkv"}
    assert len(found["gaps"]) == 1
    assert await audited(site, "verify") == [{"sitting": sitting}]
    async with site.db.reader() as session:
        assert (await session.get_one(Recording, sitting)).verified_ok is True


async def test_verification_names_the_file_in_which_one_byte_was_changed(site: Site, sitting: str) -> None:
    track = folder(site, sitting) / "tracks" / "0002-microphone-e-zhang.mkv"
    track.chmod(0o644)
    content = bytearray(track.read_bytes())
    content[-1] ^= 1
    track.write_bytes(content)
    officer = await site.signed_in("officer")
    found = await verdict(officer, sitting)
    assert found["ok"] is False
    assert [file["name"] for file in found["files"] if not file["ok"]] == ["tracks/0002-microphone-e-zhang.mkv"]
    assert any("0002-microphone" in problem for problem in found["problems"])
    assert "Problems found" in await officer.page("/archive?language=en")


async def test_verification_misses_a_time_stamp_that_the_catalogue_has_seen(site: Site, sitting: str) -> None:
    async with site.db.writer() as session:
        (await session.get_one(Recording, sitting)).stamped_at = NOW
    found = await verdict(await site.signed_in("officer"), sitting)
    assert found["ok"] is False
    assert any("manifest.tsr" in problem for problem in found["problems"])


async def test_a_folder_that_is_gone_is_said_and_the_page_still_opens(site: Site, sitting: str) -> None:
    folder(site, sitting).rename(folder(site, sitting).with_name("elsewhere"))
    found = await verdict(await site.signed_in("officer"), sitting)
    assert (found["state"], found["ok"]) == ("failed", False)


async def test_a_picture_that_could_not_be_made_is_ordered_again(site: Site, sitting: str) -> None:
    await failed(site, sitting)
    officer = await site.signed_in("officer")
    assert "ffmpeg ended with 1" in await officer.page(f"/archive/{sitting}")
    answer = await officer.send(f"/archive/{sitting}/composite", {})
    assert (answer.status, (await answer.json())["state"]) == (200, "queued")
    assert await audited(site, "composite_again") == [{"sitting": sitting}]


async def test_a_picture_that_is_there_is_not_ordered_again(site: Site, sitting: str) -> None:
    officer = await site.signed_in("officer")
    await officer.page("/archive")
    answer = await officer.send(f"/archive/{sitting}/composite", {})
    assert (answer.status, (await answer.json())["code"]) == (409, "composite_not_failed")


async def test_a_judge_orders_no_picture(site: Site, sitting: str) -> None:
    await failed(site, sitting)
    judge = await site.signed_in("judge")
    assert 'data-may-retry="no"' in await judge.page(f"/archive/{sitting}")
    assert (await judge.send(f"/archive/{sitting}/composite", {})).status == 403


async def test_progress_is_told_while_the_picture_is_made(site: Site, sitting: str) -> None:
    async with site.db.writer() as session:
        job = (await session.scalars(select(Job).where(Job.sitting_id == sitting))).one()
        job.state, job.progress = "running", 0.42
    officer = await site.signed_in("officer")
    await officer.page("/archive?language=en")
    found = json.loads(await officer.page(f"/archive/{sitting}/composite"))
    assert (found["state"], found["progress"], found["text"]) == ("running", 0.42, "Being made, 42 %")


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "事件日志"), ("en", "Event log")])
async def test_both_languages(site: Site, sitting: str, language: str, words: str) -> None:
    officer = await site.signed_in("officer")
    assert words in await officer.page(f"/archive/{sitting}?language={language}")


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh-CN", ("已封存", "未签名", "无时间戳")), ("en", ("Sealed", "Not signed", "No time-stamp"))],
)
async def test_the_pages_say_how_it_is_sealed(site: Site, sitting: str, language: str, words: tuple[str, ...]) -> None:
    officer = await site.signed_in("officer")
    for page in (f"/archive/{sitting}?language={language}", f"/archive?language={language}"):
        shown = await officer.page(page)
        assert all(word in shown for word in words), page


async def test_who_signed_and_when_it_was_stamped_is_said(site: Site, sitting: str) -> None:
    async with site.db.writer() as session:
        recording = await session.get_one(Recording, sitting)
        recording.signed_by, recording.stamped_at, recording.stamp_by = "CN=<Court>", NOW, "CN=Stamping authority"
    shown = await (await site.signed_in("officer")).page(f"/archive/{sitting}?language=en")
    assert "CN=&lt;Court&gt;" in shown
    assert "Stamping authority" in shown
    assert "CN=Stamping authority" not in shown
    assert "Time-stamped" in shown
    assert "Not signed" not in shown


async def test_stills_of_identities_are_seen_after_the_end_by_the_desk_alone_and_each_look_is_audited(site: Site, sitting: str) -> None:
    judge, officer = await site.signed_in("judge"), await site.signed_in("officer")
    address = f"/archive/{sitting}/stills/{DIGESTS['document']}"
    assert address in await judge.page(f"/archive/{sitting}")
    answer = await judge.session.get(address)
    assert (answer.status, await answer.read(), answer.headers["Content-Type"]) == (200, STILLS["document"], "image/jpeg")
    assert await audited(site, "still_viewed") == [{"sitting": sitting, "still": DIGESTS["document"]}]
    assert "/stills/" not in await officer.page(f"/archive/{sitting}")
    assert (await officer.get(address)).status == 403
    for other in ("0" * 64, "..%2Fmanifest", "x"):
        assert (await judge.get(f"/archive/{sitting}/stills/{other}")).status == 404


async def test_a_still_of_a_sitting_of_others_is_not_given(site: Site, sitting: str) -> None:
    prosecutor = await site.signed_in("prosecutor")
    assert (await prosecutor.get(f"/archive/{sitting}/stills/{DIGESTS['face']}")).status == 404
