"""Night after night every recording is looked at again; rot is named once, and cleared when it is mended."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from dispatch.store.alert_tables import Alert
from dispatch.store.archive_tables import Recording
from dispatch.store.tables import AuditRow, Sitting
from dispatch.vault import state
from dispatch.vault.looking import ONCE_IN, Hours, Looker, Pace, Stopped, look
from rooms.vault import putting
from rooms.vault.vault import Vault, part_name
from tests.dispatch.archive.test_jobs import Clock, sealed
from tests.dispatch.archive.vaults import stored_vault
from tests.dispatch.making import Court
from tests.rooms.recording.time_stamps import LocalAuthority, stamped

ALWAYS = Hours(0, 0, ZoneInfo("Asia/Shanghai"))


def looker(court: Court, vault: Vault, clock: Clock) -> Looker:
    return Looker(court.db, vault, ALWAYS, 0, clock)


async def row_of(court: Court, sitting: Sitting) -> Recording:
    async with court.db.reader() as session:
        return await session.get_one(Recording, sitting.id)


async def audited(court: Court) -> list[tuple[str, list[str]]]:
    async with court.db.reader() as session:
        found = await session.scalars(
            select(AuditRow).where(AuditRow.action.in_(("recording_spoilt", "recording_mended"))).order_by(AuditRow.seq)
        )
        return [(row.action, row.detail["files"]) for row in found]


async def alerts_of(court: Court) -> list[tuple[str, str, dict[str, int], bool]]:
    """Code, subject and data of each alert, and whether it is on."""
    async with court.db.reader() as session:
        return [(row.code, row.subject, row.data, row.ended_at is None) for row in await session.scalars(select(Alert))]


def rot(path: Path, seed: int = 1) -> bytes:
    """One byte of a file changes; what it was before."""
    content = path.read_bytes()
    at = random.Random(seed).randrange(len(content))
    path.chmod(0o600)
    path.write_bytes(content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :])
    return content


async def test_the_one_that_was_looked_at_longest_ago_comes_first_and_none_twice_in_a_night(court: Court) -> None:
    one, other = await sealed(court, "10:00", title="一"), await sealed(court, "14:00", title="二")
    vault, clock = stored_vault(court), Clock()
    putting.put_away(vault, other.id)
    worker = looker(court, vault, clock)
    assert [await worker.work() for _ in range(3)] == [True, True, False]
    assert [(await row_of(court, each)).spoilt for each in (one, other)] == [[], []]
    clock.now += ONCE_IN
    assert await worker.work()
    found = await state.state_of(court.db, clock())
    assert (found.recordings, found.looked_at, found.waiting, found.spoilt_count) == (2, 2, 1, 0)


@pytest.mark.parametrize("stored", [False, True], ids=["plain", "stored"])
async def test_rot_is_named_once_and_cleared_when_it_is_mended(court: Court, stored: bool) -> None:
    sitting, vault, clock = await sealed(court), stored_vault(court), Clock()
    name = sorted(each for each in vault.files(sitting.id) if each.startswith("tracks/"))[0]
    if stored:
        putting.put_away(vault, sitting.id)
        folder = court.file.parent / "store" / sitting.id
        contents, key = vault.unlocked(sitting.id)
        path = folder.parent / part_name(key, sitting.id, contents.files[name].file, 0)
    else:
        path = vault.recordings / sitting.id / name
    before = rot(path)
    worker = looker(court, vault, clock)
    for _ in range(2):
        assert await worker.work()
        clock.now += ONCE_IN
    row = await row_of(court, sitting)
    assert (row.spoilt, row.spoilt_at) == ([name], clock() - 2 * ONCE_IN)
    assert await audited(court) == [("recording_spoilt", [name])]
    assert await alerts_of(court) == [("recording_spoilt", sitting.id, {"count": 1}, True)]
    path.write_bytes(before)
    assert await worker.work()
    row = await row_of(court, sitting)
    assert (row.spoilt, row.spoilt_at) == ([], None)
    assert await alerts_of(court) == [("recording_spoilt", sitting.id, {"count": 1}, False)]
    assert await audited(court) == [("recording_spoilt", [name]), ("recording_mended", [name])]


async def test_a_changed_byte_anywhere_in_the_store_is_found(court: Court) -> None:
    sitting, vault = await sealed(court), stored_vault(court)
    putting.put_away(vault, sitting.id)
    assert look(vault, sitting.id, "") == []
    for path in sorted((court.file.parent / "store" / sitting.id).rglob("*")):
        if path.is_file() and path.name != "key":
            before = rot(path)
            assert look(vault, sitting.id, ""), path
            path.write_bytes(before)
    assert look(vault, sitting.id, "") == []


@pytest.mark.parametrize("stored", [False, True], ids=["plain", "stored"])
async def test_a_time_stamp_that_is_gone_is_missed_and_a_changed_one_found(court: Court, stored: bool, tmp_path: Path) -> None:
    sitting, vault, clock = await sealed(court), stored_vault(court), Clock()
    stamped(vault.recordings / sitting.id, LocalAuthority(tmp_path / "tsa"))
    async with court.db.writer() as session:
        (await session.get_one(Recording, sitting.id)).stamped_at = clock()
    worker = looker(court, vault, clock)
    assert await worker.work()
    assert (await row_of(court, sitting)).spoilt == []
    rot(vault.recordings / sitting.id / "manifest.tsr")
    assert look(vault, sitting.id, "", beside=("manifest.tsr", "manifest.stamp.json")) == ["manifest.tsr"]
    for name in ("manifest.tsr", "manifest.stamp.json"):
        (vault.recordings / sitting.id / name).unlink()
    if stored:
        putting.put_away(vault, sitting.id)
    clock.now += ONCE_IN
    assert await worker.work()
    assert sorted((await row_of(court, sitting)).spoilt) == ["manifest.stamp.json", "manifest.tsr"]


async def test_a_key_that_was_lost_in_one_place_is_put_back(court: Court) -> None:
    sitting, vault, clock = await sealed(court), stored_vault(court), Clock()
    putting.put_away(vault, sitting.id)
    for path in (court.file.parent / "keys" / f"{sitting.id}.json", court.file.parent / "store" / sitting.id / "key"):
        path.unlink()
        assert await looker(court, vault, clock).work()
        assert path.exists()
        clock.now += ONCE_IN
    assert (await row_of(court, sitting)).spoilt == []


async def test_a_manifest_that_was_exchanged_with_everything_is_found(court: Court) -> None:
    sitting, vault = await sealed(court), stored_vault(court)
    assert look(vault, sitting.id, "0" * 64) == ["manifest.json"]


async def test_nobody_looks_outside_the_hours(court: Court) -> None:
    await sealed(court)
    vault, clock = stored_vault(court), Clock()
    hour = clock.now.astimezone(ALWAYS.zone).hour
    off = Looker(court.db, vault, Hours((hour + 1) % 24, (hour + 2) % 24, ALWAYS.zone), 0, clock)
    assert not await off.work()
    clock.now += timedelta(hours=1)
    assert await off.work()


def test_hours_may_go_over_midnight() -> None:
    from tests.dispatch.making import NOW

    night, local = Hours(20, 6, ALWAYS.zone), NOW.astimezone(ALWAYS.zone)
    inside = [hour for hour in range(24) if night.hold(local.replace(hour=hour, minute=59))]
    assert inside == [0, 1, 2, 3, 4, 5, 20, 21, 22, 23]


def test_reading_is_no_faster_than_it_may_be_and_can_be_stopped() -> None:
    pace, began = Pace(1e6), time.monotonic()
    for _ in range(4):
        pace(50_000)
    assert time.monotonic() - began >= 0.2
    pace.stopped = True
    with pytest.raises(Stopped):
        pace(1)


async def test_a_process_that_is_told_to_stop_stops_looking(court: Court) -> None:
    await sealed(court)
    slow = Looker(court.db, stored_vault(court), ALWAYS, 1, Clock())
    looking = asyncio.create_task(slow.work())
    await asyncio.sleep(0.3)
    looking.cancel()
    async with asyncio.timeout(20):
        with pytest.raises(asyncio.CancelledError):
            await looking
