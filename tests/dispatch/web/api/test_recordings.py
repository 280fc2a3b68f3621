"""Recordings through the API: the catalogue, the check, and what is taken out of the archive."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path

import pytest

from tests.dispatch.web.api.conftest import Json, Program, Programs, order, recorded
from tests.dispatch.web.conftest import Site
from tests.dispatch.web.test_archive import audited


@pytest.fixture
async def sitting(site: Site, program: Programs) -> str:
    """A sitting that has a recording."""
    made = await (await program("clerk")).made("/sittings", order(site))
    await recorded(site, made["id"])
    return str(made["id"])


def folder(site: Site, sitting: str) -> Path:
    return site.context.settings.recordings / sitting


async def checked(asking: Program, sitting: str) -> Json:
    """Have it checked, and wait for what was found."""
    status, begun, _ = await asking.ask("POST", f"/recordings/{sitting}/verification")
    assert (status, begun["state"]) == (202, "running")
    async with asyncio.timeout(20):
        while (found := await asking.get(f"/recordings/{sitting}/verification"))["state"] == "running":
            await asyncio.sleep(0.02)
    return found


async def test_a_recording_is_shown_with_its_files(site: Site, program: Programs, sitting: str) -> None:
    officer = await program("officer")
    found = await officer.get(f"/recordings/{sitting}")
    manifest = json.loads((folder(site, sitting) / "manifest.json").read_bytes())
    assert [file["sha256"] for file in found["files"]] == [file["sha256"] for file in manifest["files"]]
    assert found["manifest_sha256"] == hashlib.sha256((folder(site, sitting) / "manifest.json").read_bytes()).hexdigest()
    assert (found["composite"]["state"], found["verification"]["state"]) == ("done", "never")
    assert (found["seconds"], found["case"]["number"]) == (8.0, "（2026）京0105民初31号")


async def test_the_list_has_the_newest_first_a_page_at_a_time(site: Site, program: Programs, sitting: str) -> None:
    clerk = await program("clerk")
    for hour in (9, 16, 11):
        made = await clerk.made("/sittings", order(site, f"{hour:02}:00", f"{hour + 1}:00", title=f"At {hour}"))
        await recorded(site, made["id"])
    first = await clerk.get("/recordings?limit=3")
    second = await clerk.get(f"/recordings?limit=3&cursor={first['next']}")
    assert [each["starts_at"][11:13] for each in first["items"] + second["items"]] == ["16", "14", "11", "09"]
    assert second["next"] is None
    assert [each["title"] for each in (await clerk.get("/recordings?q=At 11"))["items"]] == ["At 11"]
    assert (await clerk.get("/recordings?day=2026-11-25"))["items"] == []
    assert len((await clerk.get("/recordings?day=2026-11-24"))["items"]) == 4


async def test_recordings_are_for_those_who_see_them_on_the_pages(program: Programs, member: Programs, sitting: str) -> None:
    judge, prosecutor = await member("judge"), await member("prosecutor")
    assert [each["sitting_id"] for each in (await judge.get("/recordings"))["items"]] == [sitting]
    assert (await prosecutor.get("/recordings"))["items"] == []
    for part in ("", "/verification", "/manifest"):
        assert (await prosecutor.ask("GET", f"/recordings/{sitting}{part}"))[0] == 404, part
        assert (await (await program("administrator")).ask("GET", f"/recordings/{sitting}{part}"))[0] == 403, part


async def test_a_check_finds_the_file_in_which_one_byte_was_changed(site: Site, program: Programs, sitting: str) -> None:
    officer = await program("officer")
    assert await checked(officer, sitting) == (await officer.get(f"/recordings/{sitting}"))["verification"]
    assert (await officer.get(f"/recordings/{sitting}"))["verification"]["ok"] is True
    track = folder(site, sitting) / "tracks" / "0002-microphone-e-zhang.mkv"
    track.chmod(0o644)
    content = bytearray(track.read_bytes())
    content[-1] ^= 1
    track.write_bytes(content)
    found = await checked(officer, sitting)
    assert found["ok"] is False
    assert [(each["file"], each["code"]) for each in found["problems"]] == [("tracks/0002-microphone-e-zhang.mkv", "file_changed")]
    assert await audited(site, "verify") == [{"sitting": sitting}] * 2


async def test_a_folder_that_is_gone_is_said(site: Site, program: Programs, sitting: str) -> None:
    officer = await program("officer")
    folder(site, sitting).rename(folder(site, sitting).with_name("elsewhere"))
    assert [each["code"] for each in (await checked(officer, sitting))["problems"]] == ["folder_missing"]
    assert (await officer.get(f"/recordings/{sitting}"))["files"] is None
    assert (await officer.ask("GET", f"/recordings/{sitting}/manifest"))[1]["code"] == "manifest_missing"


async def test_the_manifest_is_taken_out_byte_for_byte(site: Site, program: Programs, sitting: str) -> None:
    _, _, answer = await (await program("officer")).ask("GET", f"/recordings/{sitting}/manifest")
    assert await answer.read() == (folder(site, sitting) / "manifest.json").read_bytes()
    assert await audited(site, "export") == [{"sitting": sitting, "file": "manifest.json"}]


async def test_a_manifest_that_is_another_by_now_is_not_given_for_the_one_that_was_seen(program: Programs, sitting: str) -> None:
    officer, at = await program("officer"), "Tue, 24 Nov 2020 01:30:00 GMT"
    for headers in ({"If_Match": '"of-nothing"'}, {"If_Unmodified_Since": at}):
        status, refused, _ = await officer.ask("GET", f"/recordings/{sitting}/manifest", **headers)
        assert (status, refused["code"]) == (412, "version_changed"), headers


async def test_a_film_leaves_the_archive_as_an_approved_copy_alone(site: Site, program: Programs, sitting: str) -> None:
    answer = await (await program("officer")).session.get(f"/api/v1/recordings/{sitting}/composite")
    assert answer.status == 404
    assert await audited(site, "export") == []
