"""kill -9 in the midst of a destruction, with the real process: it goes on where it was, and the certificate names all there was."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import pytest

from dispatch.errors import Refused
from dispatch.keeping import destructions, holds, removal
from dispatch.store.keeping_tables import Destruction
from rooms.vault import putting
from rooms.verification import destruction as verification
from tests.dispatch.keeping.conftest import WAIT, Archive
from tests.dispatch.keeping.dying import places_of
from tests.dispatch.making import NOW, Court, audited

LATER = NOW + WAIT


@pytest.fixture
def court(sqlite_court: Court) -> Court:
    """A file, which another process can open."""
    return sqlite_court


async def lives(archive: Archive, change: int) -> int:
    """Let it work until its n-th change of a file; how it ended."""
    arguments = (f"sqlite:///{archive.court.file}", str(archive.folder), LATER.isoformat(), str(change))
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.dispatch.keeping.dying", *arguments)
    return await child.wait()


async def test_killed_again_and_again_it_destroys_everything_and_certifies_everything(archive: Archive) -> None:
    encrypted, plain = await archive.expired(), await archive.expired("16:00")
    where = places_of(archive.folder)
    await asyncio.to_thread(putting.put_away, where.vault, encrypted.id)
    names = {sitting.id: {row["file"] for row in removal.inventory(where, sitting.id, sitting.id)} for sitting in (encrypted, plain)}
    found = await destructions.propose(archive.court.db, [encrypted.id, plain.id], "鉴定后销毁", "", archive.court.clerk, NOW)
    await archive.give("chen", "approve")
    await destructions.approve(archive.court.db, found.id, archive.court.judge, NOW, WAIT)
    deaths = 0
    while (ended := await lives(archive, 3 * deaths + 1)) == -signal.SIGKILL:
        deaths += 1
        async with archive.court.db.reader() as session:
            row = await session.get_one(Destruction, found.id, populate_existing=True)
        assert row.state == "under_way"
        for item in row.items:
            if item.state == "listed":
                assert removal.inventory(where, item.sitting_id, item.sitting_id), "nothing went before it was taken down"
                continue
            assert {each["file"] for each in item.files} == names[item.sitting_id]
            with pytest.raises(Refused, match=r"being_destroyed|already_destroyed"):
                await holds.place(archive.court.db, item.sitting_id, "（2026）监督1号", "申诉审查中", archive.court.judge, LATER)
    assert (ended, deaths > 3) == (0, True), (ended, deaths)
    for sitting in (encrypted, plain):
        assert removal.inventory(where, sitting.id, sitting.id) == []
        assert not where.vault.has_key(sitting.id)
    (certificate,) = (archive.folder / "certificates").iterdir()
    report = verification.verify(certificate, archive.roots)
    assert (report.ok, report.complete) == (True, True)
    stated = {row["sitting"]: {each["file"] for each in row["files"]} for row in json.loads(certificate.read_bytes())["recordings"]}
    assert stated == names
    actions = [row.action for row in await audited(archive.court.db, "destruction_begun", "recording_destroyed", "destruction_done")]
    assert actions == ["destruction_begun", "recording_destroyed", "recording_destroyed", "destruction_done"]
