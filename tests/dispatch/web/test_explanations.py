"""Whoever presided is asked to explain the faults of a recording, signs with his password, and everybody who may see it reads it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from dispatch.archive import explanations, seals
from dispatch.store.archive_tables import Explanation, Recording
from dispatch.store.tables import AuditRow
from dispatch.web.console.feed import feed_of
from rooms.packaging.package import Given, build
from rooms.verification.folder import verify
from tests.dispatch.archive.sealed import make_sealed
from tests.dispatch.web.conftest import NOW, PASSWORD, Site

TEXT = "录像服务于 12 时许因停电中断约一秒半，\n已恢复；当事人对此无异议。"


@pytest.fixture
async def sitting(site: Site) -> str:
    """A sealed recording in which the media service failed for 1.5 s; the judge presided."""
    sitting = await site.booked(await site.signed_in("clerk"))
    base = site.context.settings.recordings
    sealed = await asyncio.to_thread(make_sealed, base, sitting)
    async with site.db.writer() as session:
        row = {"folder": sitting, "sealed_at": NOW, "manifest_sha256": sealed["manifest_sha256"], "seconds": 8.0, "bytes": 123_456}
        session.add(Recording(sitting_id=sitting, composite="none", **row))
    for _ in range(2):  # asked once, however often the folder is looked at
        await explanations.ask(site.db, sitting, base / sitting, NOW)
    return sitting


async def test_the_judge_is_reminded_until_he_has_signed_and_the_clerk_sees_what_is_outstanding(site: Site, sitting: str) -> None:
    judge, clerk = await site.signed_in("judge"), await site.signed_in("clerk")
    address = f"/archive/{sitting}/explanation"
    for page in ("/today", "/archive"):
        assert f'href="{address}"' in await judge.page(page)
        assert "Explain" in await judge.page(page)
        assert f'href="{address}"' in await clerk.page(page)
    assert "1 faults, not explained yet" in await clerk.page("/archive")
    await seals.read(site.db, stamps=False)
    assert seals.RECORDINGS.labels("unexplained")._value.get() == 1

    form = await judge.page(address)
    assert "microphone missing for 1.5 s" in form
    assert 'name="password"' in form
    assert 'name="password"' not in await clerk.page(address), "the clerk reads what waits, and for whom"

    answer = await judge.post(address, {"text": TEXT, "password": PASSWORD})
    assert answer.status == 303, await answer.text()
    for person in (judge, clerk):
        assert f'href="{address}"' not in await person.page("/today")
        shown = await person.page(address)
        assert "当事人对此无异议" in shown
        assert "Signed by" in shown
    assert "当事人对此无异议" in await clerk.page(f"/archive/{sitting}")
    await seals.read(site.db, stamps=False)
    assert seals.RECORDINGS.labels("unexplained")._value.get() == 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": "短", "password": PASSWORD}, "at least 5 letters"),
        ({"text": TEXT, "password": "wrong-Password-1"}, "The password is not right."),
        ({"text": "长" * 4001, "password": PASSWORD}, "at most 4000 letters"),
    ],
)
async def test_what_is_not_good_is_said_at_its_field_and_nothing_is_lost(
    site: Site, sitting: str, fields: dict[str, str], said: str
) -> None:
    judge = await site.signed_in("judge")
    await judge.page(f"/archive/{sitting}/explanation")
    answer = await judge.post(f"/archive/{sitting}/explanation", fields)
    text = await answer.text()
    assert answer.status == 422
    assert said in text
    assert fields["text"] in text, "the words are still there"
    assert fields["password"] not in text
    async with site.db.reader() as session:
        assert (await session.get_one(Explanation, sitting)).signed_at is None


async def test_what_is_signed_cannot_be_signed_again_and_others_cannot_sign(site: Site, sitting: str) -> None:
    judge, clerk, prosecutor = [await site.signed_in(role) for role in ("judge", "clerk", "prosecutor")]
    address = f"/archive/{sitting}/explanation"
    assert (await clerk.post(address, {"text": TEXT, "password": PASSWORD})).status == 403
    assert (await prosecutor.post(address, {"text": TEXT, "password": PASSWORD})).status in (403, 404)
    await judge.page(address)
    assert (await judge.post(address, {"text": TEXT, "password": PASSWORD})).status == 303
    again = await judge.post(address, {"text": "另一种说法", "password": PASSWORD})
    assert again.status == 409
    assert "另一种说法" not in await judge.page(address)


async def test_what_was_signed_is_bound_to_the_recording_and_verified_in_its_package(site: Site, sitting: str, tmp_path: Path) -> None:
    judge = await site.signed_in("judge")
    await judge.page(f"/archive/{sitting}/explanation")
    assert (await judge.post(f"/archive/{sitting}/explanation", {"text": TEXT, "password": PASSWORD})).status == 303
    answer = await judge.get(f"/archive/{sitting}/explanation.json")
    raw = await answer.read()
    said = json.loads(raw)
    folder = site.context.settings.recordings / sitting
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert said["faults"] == [row for row in manifest["ledger"] if row["kind"] == "gap"]
    assert raw == await explanations.signed_statement(site.db, sitting)
    async with site.db.reader() as session:
        row = (await session.scalars(select(AuditRow).where(AuditRow.action == "explanation_signed"))).one()
    assert row.detail["sha256"] == said["digest"], "the chain of the audit log has the digest"

    def package(name: str, content: bytes, of: Path = folder) -> Path:
        build(of, tmp_path / name, Given({explanations.FILE: content}), datetime(2026, 11, 30, tzinfo=UTC))
        return tmp_path / name

    report = verify(package("whole", raw))
    assert report.problems == []
    assert report.explained.text.splitlines() == TEXT.splitlines()
    assert report.explained.by == site.users["judge"].name
    changed = verify(package("changed", raw.replace("无异议".encode(), "有异议".encode())))
    assert [(problem.code, problem.file) for problem in changed.problems] == [("explanation_changed", "explanation.json")]
    other = json.loads(raw)
    made_anew = explanations.statement(sitting, "0" * 64, other["faults"], TEXT, site.users["judge"], NOW)
    assert [problem.code for problem in verify(package("other", made_anew)).problems] == ["explanation_other"]
    of_nothing = [{"kind": "gap", "cause": "disk_full"}]
    invented = explanations.statement(sitting, said["manifest_sha256"], of_nothing, TEXT, site.users["judge"], NOW)
    assert [problem.code for problem in verify(package("invented", invented)).problems] == ["explanation_other"]


async def test_a_recording_without_faults_asks_for_nothing(site: Site) -> None:
    sitting = await site.booked(await site.signed_in("clerk"))
    base = site.context.settings.recordings
    (base / sitting).mkdir(parents=True)
    (base / sitting / "manifest.json").write_text(json.dumps({"ledger": [{"kind": "start", "at_us": 1}], "missing": []}))
    async with site.db.writer() as session:
        session.add(Recording(sitting_id=sitting, folder=sitting, sealed_at=NOW))
    await explanations.ask(site.db, sitting, base / sitting, NOW)
    assert await explanations.of(site.db, [sitting]) == {}
    assert (await (await site.signed_in("judge")).get(f"/archive/{sitting}/explanation")).status == 404


async def test_the_console_says_what_became_of_the_recording(site: Site, sitting: str) -> None:
    message = await feed_of(site.context).message("en", sitting)
    (told,) = message["sittings"]
    assert told["recording_path"] == f"/archive/{sitting}"
    assert [(each["family"], each["text"]) for each in told["seal"]] == [
        ("well", "Sealed"),
        ("hollow", "Not signed"),
        ("hollow", "No time-stamp"),
    ]
    async with site.db.writer() as session:
        own = await session.get_one(Recording, sitting)
        own.signed_by, own.stamped_at = "CN=seal", NOW
    (told,) = (await feed_of(site.context).message("zh-CN", sitting))["sittings"]
    assert [each["family"] for each in told["seal"]] == ["well", "well", "well"]
    assert told["seal"][1]["more"] == "seal"
