"""The jobs process makes a copy with the real ffmpeg: film with watermark, cover sheet, package; and clears away what is over."""

from __future__ import annotations

import asyncio
import json
import zipfile
from datetime import timedelta
from typing import Any

import av
import pytest
from sqlalchemy import select

from dispatch.archive import explanations
from dispatch.archive.jobs import ATTEMPTS, PAUSE, Worker
from dispatch.copies import expiry, listing, making, requests
from dispatch.copies.rules import clock
from dispatch.settings import Settings
from dispatch.store.archive_tables import Explanation, Job, Recording
from dispatch.store.copy_tables import Copy
from dispatch.store.tables import Participant
from rooms.recording.composite import compose
from rooms.recording.fonts import find_font
from rooms.verification.folder import verify
from tests.dispatch.archive.test_jobs import Clock
from tests.dispatch.archive.vaults import plain_vault
from tests.dispatch.copies.conftest import asked, recorded
from tests.dispatch.making import NOW, Court, audited

FONT = find_font()
pytestmark = pytest.mark.skipif(FONT is None, reason="no Chinese font")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The composite of the small recording, ten seconds."""
    from tests.dispatch.archive.sealed import make_sealed

    base = tmp_path_factory.mktemp("film")
    make_sealed(base, "s")

    async def made() -> None:
        async for _ in compose(base / "s", font=FONT, tz="Asia/Shanghai"):
            pass

    asyncio.run(made())
    return (base / "s" / "derived" / "composite.mp4").read_bytes()


class Making:
    """A court whose copies are made; `copies` is where they lie."""

    def __init__(self, court: Court, film: bytes) -> None:
        self.court, self.film, self.clock = court, film, Clock()
        self.settings = Settings(data=court.file.parent)
        self.copies = self.settings.copies
        kinds = {making.KIND: making.copies(self.settings, court.db, FONT, self.clock)}
        self.worker = Worker(court.db, plain_vault(court), kinds, self.clock)

    async def approved(self, **changes: Any) -> Copy:
        sitting = await recorded(self.court)
        (self.settings.recordings / sitting.id / "derived" / "composite.mp4").write_bytes(self.film)
        copy = await asked(self.court, sitting, **changes)
        return await requests.approve(self.court.db, copy.id, self.court.judge, NOW)

    async def now(self, copy: Copy) -> Copy:
        return await listing.get(self.court.db, self.court.clerk, copy.id)


@pytest.fixture
def site(court: Court, film: bytes) -> Making:
    return Making(court, film)


async def test_the_film_is_given_with_watermark_cover_sheet_and_verifier(site: Making, film: bytes) -> None:
    copy = await site.approved()
    assert await site.worker.work()
    made = await site.now(copy)
    assert (made.state, made.made_at, made.expires_at) == ("ready", site.clock.now, site.clock.now + timedelta(days=7))
    path = site.copies / made.file
    assert (path.stat().st_size, making._digests(path)["sha256"]) == (made.bytes, made.sha256)
    with zipfile.ZipFile(path) as package:
        assert sorted(package.namelist()) == ["composite.mp4", "cover.html", "package.json", "verify.html"]
        listed = json.loads(package.read("package.json"))
        cover = package.read("cover.html").decode()
        package.extractall(site.copies / "out")
    assert listed["copy"]["number"] == "2026-0001"
    assert {name: listed["copy"][name] for name in ("receiver", "unit", "approved_by")} == {
        "receiver": "王律师", "unit": "云河律师事务所", "approved_by": "陈明远",
    }  # fmt: skip
    said = ("2026-0001", "王律师", "云河律师事务所", "准备二审", "刑事诉讼法第四十条", "赵书宁", "陈明远", "<svg")
    assert [words for words in (*said, listed["manifest_sha256"]) if words not in cover] == []
    assert (site.copies / "out" / "composite.mp4").read_bytes() != film
    with av.open(str(site.copies / "out" / "composite.mp4")) as container:
        assert container.metadata["comment"] == "copy 2026-0001"
    assert [path.name for path in site.copies.iterdir() if path.name.startswith(".")] == [], "nothing of the work is left"


async def test_originals_are_given_byte_for_byte_and_the_list_names_whom_they_were_given(site: Making) -> None:
    copy = await site.approved(content="package", form="folder", originals_reason="司法鉴定")
    assert await site.worker.work()
    made = await site.now(copy)
    report = verify(site.copies / made.file)
    assert report.ok, report.problems
    original = site.settings.recordings / copy.sitting_id
    for path in (original / "tracks").iterdir():
        assert (site.copies / made.file / "recording" / "tracks" / path.name).read_bytes() == path.read_bytes()
    cover = (site.copies / made.file / "cover.html").read_text(encoding="utf-8")
    assert "司法鉴定" in cover
    assert "周正" in cover


async def test_the_signed_explanation_of_faults_goes_along_with_the_originals(site: Making) -> None:
    copy = await site.approved(content="package", form="folder", originals_reason="司法鉴定")
    async with site.court.db.writer() as session:
        recording = await session.get_one(Recording, copy.sitting_id)
        said = explanations.statement(copy.sitting_id, recording.manifest_sha256, [], "录制进程中断两秒后恢复。", site.court.judge, NOW)
        signed = {"signed_at": NOW, "signed_by": site.court.judge.name, "statement": said.decode()}
        session.add(Explanation(sitting_id=copy.sitting_id, faults=0, asked_at=NOW, **signed))
    assert await site.worker.work()
    package = site.copies / (await site.now(copy)).file
    assert (package / "explanation.json").read_bytes() == said
    report = verify(package)
    assert report.ok, report.problems
    assert (report.explained.by, report.explained.text) == (site.court.judge.name, "录制进程中断两秒后恢复。")


async def test_a_span_is_given_and_nothing_before_or_after_it(site: Making) -> None:
    copy = await site.approved(content="span", from_s=2.0, to_s=5.0, form="folder")
    assert await site.worker.work()
    made = await site.now(copy)
    with av.open(str(site.copies / made.file / "composite.mp4")) as container:
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(3.0, abs=0.1)
    assert f"{clock(2)} – {clock(5)}" in (site.copies / made.file / "cover.html").read_text(encoding="utf-8")


async def test_a_minor_is_not_named_on_the_cover_sheet(site: Making) -> None:
    copy = await site.approved(form="folder")
    async with site.court.db.writer() as session:
        session.add(Participant(id="zhang", sitting_id=copy.sitting_id, name="张某", role="party", minor=True))
    assert await site.worker.work()
    cover = (site.copies / (await site.now(copy)).file / "cover.html").read_text(encoding="utf-8")
    assert "张某" not in cover
    assert "姓名依法不公开" in cover


async def test_an_image_for_a_disc_is_made(site: Making) -> None:
    copy = await site.approved(form="iso")
    assert await site.worker.work()
    with open(site.copies / (await site.now(copy)).file, "rb") as file:
        file.seek(16 * 2048)
        assert file.read(6) == b"\x01CD001"  # ECMA-119 section 8.4
        file.seek(16 * 2048 + 40)
        assert file.read(14) == b"COPY_2026_0001"


async def test_what_was_changed_since_sealing_is_given_to_nobody_and_the_clerk_may_try_again(site: Making) -> None:
    copy = await site.approved(content="package", originals_reason="鉴定")
    track = next((site.settings.recordings / copy.sitting_id / "tracks").iterdir())
    content = track.read_bytes()
    track.chmod(0o644)
    track.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    for _ in range(ATTEMPTS):
        assert await site.worker.work()
        site.clock.now += PAUSE
    assert (await site.now(copy)).state == "failed"
    async with site.court.db.reader() as session:
        assert "is not what was sealed" in (await session.scalars(select(Job.error))).one()
    assert list(site.copies.iterdir()) == []
    track.write_bytes(content)
    await requests.again(site.court.db, copy.id, site.court.clerk, NOW)
    assert await site.worker.work()
    assert (await site.now(copy)).state == "ready"


async def test_what_is_taken_back_while_it_is_made_leaves_no_file(site: Making) -> None:
    copy = await site.approved()
    working = asyncio.create_task(site.worker.work())
    async with asyncio.timeout(60):
        while not (site.copies.is_dir() and list(site.copies.iterdir())):
            await asyncio.sleep(0.01)
    await requests.revoke(site.court.db, copy.id, "误发", site.court.judge, NOW)
    assert await working
    await expiry.remove_due(site.court.db, site.copies, site.clock.now)
    assert list(site.copies.iterdir()) == []
    assert (await site.now(copy)).state == "revoked"


async def test_the_file_of_a_copy_that_is_over_is_removed_and_its_row_stays(site: Making) -> None:
    copy = await site.approved()
    assert await site.worker.work()
    made = await site.now(copy)
    (site.copies / "2026-0009-0123456789abcdef.zip").write_bytes(b"of nobody")
    (site.copies / "letter.txt").write_bytes(b"not ours")
    assert await expiry.remove_due(site.court.db, site.copies, site.clock.now + timedelta(days=7) - timedelta(seconds=1)) == []
    assert sorted(path.name for path in site.copies.iterdir()) == [made.file, "letter.txt"]
    assert await expiry.remove_due(site.court.db, site.copies, site.clock.now + timedelta(days=7)) == ["2026-0001"]
    assert [path.name for path in site.copies.iterdir()] == ["letter.txt"]
    kept = await site.now(copy)
    assert (kept.state, kept.sha256, kept.receiver) == ("removed", made.sha256, "王律师")
    (row,) = await audited(site.court.db, "copy_removed")
    assert row.detail["number"] == "2026-0001"


async def test_with_its_recording_destroyed_a_copy_that_waits_goes_too(site: Making) -> None:
    copy = await site.approved()
    assert await site.worker.work()
    async with site.court.db.writer() as session:
        (await session.get_one(Recording, copy.sitting_id)).destroyed_at = site.clock.now
    assert await expiry.remove_due(site.court.db, site.copies, site.clock.now) == ["2026-0001"]
    assert list(site.copies.iterdir()) == []


def test_the_watermark_names_receiver_unit_number_and_day(site: Making) -> None:
    from dispatch.copies.cover import Sheet

    copy = Copy(year=2026, running=7, receiver="王律师", unit="云河律师事务所")
    sheet = Sheet("", "", site.settings.zone, (), NOW)
    assert making.words_of(copy, sheet) == ("王律师", "云河律师事务所", "副本 2026-0007  2026-11-24")
    long = Copy(year=2026, running=7, receiver="王" * 80, unit="云河区人民检察院第一检察部刑事执行检察办公室")
    lines = making.words_of(long, sheet)
    assert all(len(line) <= 24 for line in lines)
    assert len(lines) <= 5
