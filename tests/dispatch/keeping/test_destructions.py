"""Destruction by two people: what may be listed, who approves and stops, what is left when it was carried out, and what a hold does."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dispatch.errors import Forbidden, NotFound, Refused, UserError
from dispatch.keeping import destroyed_before, destructions, holds, juvenile, removal
from dispatch.keeping.removal import Places
from dispatch.store.archive_tables import Job, Recording
from dispatch.store.keeping_tables import Destruction, DestructionItem
from dispatch.store.tables import Sitting
from rooms.vault import putting
from rooms.vault.keys import KeyRing
from rooms.vault.store import FolderStore
from rooms.vault.vault import Vault
from rooms.verification import destruction as verification
from tests.dispatch.keeping.conftest import WAIT, Archive, vault_in
from tests.dispatch.making import NOW, Court, audited

LATER = NOW + WAIT
REASON = "保管期限届满，鉴定后无继续保存价值"


async def proposed(court: Court, *sittings: Sitting, order: str = "") -> Destruction:
    return await destructions.propose(court.db, [each.id for each in sittings], REASON, order, court.clerk, NOW)


async def approved(archive: Archive, *sittings: Sitting, order: str = "") -> Destruction:
    found = await proposed(archive.court, *sittings, order=order)
    await archive.give("chen", "approve")
    return await destructions.approve(archive.court.db, found.id, archive.court.judge, NOW, WAIT)


async def as_now(archive: Archive, found: Destruction) -> Destruction:
    async with archive.court.db.reader() as session:
        return await session.get_one(Destruction, found.id)


async def test_what_has_not_expired_is_listed_only_with_a_courts_order(archive: Archive) -> None:
    sitting = await archive.recorded()
    with pytest.raises(Refused, match="not_expired"):
        await proposed(archive.court, sitting)
    assert (await proposed(archive.court, sitting, order="（2026）京0105刑初7号")).order_reference


async def test_what_is_held_is_not_listed(archive: Archive) -> None:
    sitting = await archive.expired()
    await holds.place(archive.court.db, sitting.id, "（2026）监督1号", "申诉审查中", archive.court.judge, NOW, whole_case=True)
    with pytest.raises(Refused, match="on_hold"):
        await proposed(archive.court, sitting, order="（2026）京0105刑初7号")


async def test_one_recording_is_on_one_open_list(archive: Archive) -> None:
    sitting = await archive.expired()
    first = await proposed(archive.court, sitting)
    with pytest.raises(Refused, match="listed_already"):
        await proposed(archive.court, sitting)
    await destructions.stop(archive.court.db, first.id, "清单有误", archive.court.clerk, NOW)
    await proposed(archive.court, sitting)


async def test_a_list_without_a_reason_or_without_recordings_is_none(archive: Archive) -> None:
    sitting = await archive.expired()
    with pytest.raises(UserError, match="reason_missing"):
        await destructions.propose(archive.court.db, [sitting.id], " ", "", archive.court.clerk, NOW)
    with pytest.raises(Refused, match="nothing_listed"):
        await proposed(archive.court)
    with pytest.raises(NotFound, match="recording_unknown"):
        await destructions.propose(archive.court.db, ["nothing"], REASON, "", archive.court.clerk, NOW)


async def test_nobody_approves_without_the_power_nor_what_he_proposed(archive: Archive) -> None:
    found = await proposed(archive.court, await archive.expired())
    db = archive.court.db
    with pytest.raises(Forbidden, match="power_missing"):
        await destructions.approve(db, found.id, archive.court.judge, NOW, WAIT)
    await archive.give("zhao", "approve")
    with pytest.raises(Refused, match="destruction_own"):
        await destructions.approve(db, found.id, archive.court.clerk, NOW, WAIT)
    assert (await as_now(archive, found)).state == "proposed"


async def test_nothing_is_touched_before_the_time_to_think_again_is_over(archive: Archive) -> None:
    sitting = await archive.expired()
    await approved(archive, sitting)
    assert not await archive.destroyer(LATER - timedelta(seconds=1)).work()
    assert (archive.of(sitting) / "manifest.json").is_file()


async def test_what_two_people_decided_is_gone_with_all_that_was_made_of_it_and_its_entry_stays(archive: Archive) -> None:
    sitting, other = await archive.expired(), await archive.expired("16:00")
    before = sorted(path.name for path in archive.folder.joinpath("stills").iterdir())
    found = await approved(archive, sitting)
    assert await archive.destroyer(LATER).work()
    assert not archive.of(sitting).exists()
    assert sorted(path.name for path in archive.folder.joinpath("stills").iterdir()) == [n for n in before if sitting.id not in n]
    assert (archive.of(other) / "manifest.json").is_file()
    entry, done = await archive.entry(sitting), await as_now(archive, found)
    assert (entry.destroyed_at, entry.manifest_sha256 != "") == (LATER, True)
    assert done.state == "done"
    assert {row["file"] for row in done.items[0].files} >= {"manifest.json", "events.jsonl", "derived/composite.mp4"}
    actions = ("destruction_proposed", "destruction_approved", "destruction_begun", "recording_destroyed", "destruction_done")
    assert [row.action for row in await audited(archive.court.db, *actions)] == list(actions)
    assert not await archive.destroyer(LATER).work()


async def test_the_certificate_is_signed_names_every_file_and_shows_each_change(archive: Archive, tmp_path: Path) -> None:
    sitting = await archive.expired()
    manifest = json.loads((archive.of(sitting) / "manifest.json").read_bytes())
    found = await approved(archive, sitting)
    await archive.destroyer(LATER).work()
    path = archive.folder / "certificates" / f"{found.id}.json"
    report = await asyncio.to_thread(verification.verify, path, archive.roots)
    assert (report.ok, report.complete, report.signature.root) == (True, True, "trusted")
    stated = {row["file"]: row.get("sha256") for _, row in report.files()}
    assert {row["file"]: row["sha256"] for row in manifest["files"]}.items() <= stated.items()
    assert (report.content["proposed"]["by"], report.content["approved"]["by"]) == ("赵书宁", "陈明远")
    content = path.read_bytes()
    assert (await as_now(archive, found)).certificate.encode() == content
    changed = tmp_path / "changed.json"
    for position in range(0, len(content), 97):
        changed.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        assert not verification.verify(changed).ok, f"byte {position}"


async def test_a_hold_that_was_placed_meanwhile_keeps_it_and_the_others_go(archive: Archive) -> None:
    held, other = await archive.expired(), await archive.expired("16:00")
    found = await approved(archive, held, other)
    await holds.place(archive.court.db, held.id, "（2026）监督1号", "申诉审查中", archive.court.judge, LATER)
    assert await archive.destroyer(LATER).work()
    assert (archive.of(held) / "manifest.json").is_file()
    assert not archive.of(other).exists()
    states = {item.sitting_id: (item.state, item.kept_why) for item in (await as_now(archive, found)).items}
    assert states == {held.id: ("kept", "on_hold"), other.id: ("destroyed", "")}
    assert (await archive.entry(held)).destroyed_at is None


@pytest.mark.parametrize("late", [0, 1, 2, 4])
async def test_a_hold_and_a_destruction_that_come_together_never_both_succeed(archive: Archive, late: int) -> None:
    sitting = await archive.expired()
    await approved(archive, sitting)

    async def hold() -> bool:
        for _ in range(late * 3):
            await asyncio.sleep(0)
        try:
            await holds.place(archive.court.db, sitting.id, "（2026）监督1号", "申诉审查中", archive.court.judge, LATER)
        except Refused as error:
            refused.append(error.code)
            return False
        return True

    refused: list[str] = []

    held, _ = await asyncio.gather(hold(), archive.destroyer(LATER).work())
    assert set(refused) <= {"being_destroyed", "already_destroyed"}
    assert held == (archive.of(sitting) / "manifest.json").is_file() == ((await archive.entry(sitting)).destroyed_at is None)


async def test_a_class_that_was_changed_meanwhile_keeps_it(archive: Archive) -> None:
    from dispatch.keeping import classes

    sitting = await archive.expired()
    found = await approved(archive, sitting)
    await classes.change(archive.court.db, sitting.id, "permanent", None, "重大案件", archive.court.clerk, NOW)
    await archive.destroyer(LATER).work()
    assert (await as_now(archive, found)).items[0].kept_why == "not_expired"
    assert (await as_now(archive, found)).certificate == ""
    assert archive.of(sitting).is_dir()


@pytest.mark.parametrize("by", ["zhao", "chen"])
async def test_either_of_the_two_stops_it_while_there_is_time(archive: Archive, by: str) -> None:
    sitting = await archive.expired()
    found = await approved(archive, sitting)
    for other, refusal, code in (("he", Forbidden, "destruction_not_yours"), ("lin", NotFound, "destruction_unknown")):
        with pytest.raises(refusal, match=code):
            await destructions.stop(archive.court.db, found.id, "不同意", archive.court.users[other], NOW)
    await destructions.stop(archive.court.db, found.id, "需再鉴定", archive.court.users[by], NOW)
    assert not await archive.destroyer(LATER).work()
    assert archive.of(sitting).is_dir()


async def test_one_that_was_interrupted_goes_on_where_it_stopped(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after some files went: what was taken down of them before stands on the certificate."""
    sitting = await archive.expired()
    found = await approved(archive, sitting)
    names = {row["file"] for row in removal.inventory(archive.places, sitting.id, sitting.id)}

    def half(_where: Places, folder: str, _sitting: str) -> None:
        root = archive.folder / "recordings" / folder
        for at, _, _ in os.walk(root):
            os.chmod(at, 0o700)
        (root / "manifest.json").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(removal, "remove", half)
        with pytest.raises(KeyboardInterrupt):
            await archive.destroyer(LATER)._destroy(await _begun(archive, found))
    assert not (archive.of(sitting) / "manifest.json").exists()
    with pytest.raises(Refused, match="being_destroyed"):
        await holds.place(archive.court.db, sitting.id, "（2026）监督1号", "申诉审查中", archive.court.judge, LATER)
    assert await archive.destroyer(LATER + timedelta(hours=1)).work()
    assert not archive.of(sitting).exists()
    assert {row["file"] for row in (await as_now(archive, found)).items[0].files} == names


async def _begun(archive: Archive, found: Destruction) -> DestructionItem:
    destroyer = archive.destroyer(LATER)
    await destroyer._begin(found.id)
    item = await destroyer._item(found.id)
    assert item is not None
    return item


async def test_what_cannot_be_removed_is_said_and_tried_again(archive: Archive) -> None:
    sitting = await archive.expired()
    found = await approved(archive, sitting)
    elsewhere = archive.folder / "elsewhere"
    archive.of(sitting).rename(elsewhere)
    archive.of(sitting).symlink_to(elsewhere)
    assert not await archive.destroyer(LATER).work()
    assert "is a link" in (await as_now(archive, found)).trouble
    assert (elsewhere / "manifest.json").is_file()
    archive.of(sitting).unlink()
    elsewhere.rename(archive.of(sitting))
    assert await archive.destroyer(LATER).work()
    done = await as_now(archive, found)
    assert (done.state, done.trouble, archive.of(sitting).exists()) == ("done", "", False)


async def test_it_waits_while_something_is_being_made_of_the_recording(archive: Archive) -> None:
    sitting = await archive.expired()
    found = await approved(archive, sitting)
    async with archive.court.db.writer() as session:
        from sqlalchemy import update

        await session.execute(update(Job).where(Job.sitting_id == sitting.id).values(state="running"))
    assert not await archive.destroyer(LATER).work()
    assert archive.of(sitting).is_dir()
    assert "composite" in (await as_now(archive, found)).trouble


async def test_whoever_may_not_see_a_sealed_record_sees_no_list_with_it(archive: Archive) -> None:
    sitting = await archive.expired()
    found = await proposed(archive.court, sitting)
    await juvenile.seal(archive.court.db, sitting.id, "犯罪时不满十八周岁", archive.court.clerk, NOW)
    with pytest.raises(NotFound, match="destruction_unknown"):
        await destructions.find(archive.court.db, found.id, archive.court.clerk)
    async with archive.court.db.reader() as session:
        assert await destructions.listed(session, archive.court.clerk, None, 20) == ([], False)
    await archive.give("zhao", "sealed")
    assert (await destructions.find(archive.court.db, found.id, archive.court.clerk)).id == found.id


async def test_a_restored_database_and_disk_lose_again_what_a_certificate_names(archive: Archive) -> None:
    sitting, other = await archive.expired(), await archive.expired("16:00")
    found = await approved(archive, sitting)
    kept = {path: path.read_bytes() for path in archive.of(sitting).rglob("*") if path.is_file()}
    await archive.destroyer(LATER).work()
    for path, content in kept.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    async with archive.court.db.writer() as session:  # as an earlier backup has it
        (await session.get_one(Recording, sitting.id)).destroyed_at = None
        await session.delete(await session.get_one(Destruction, found.id))
    assert await destroyed_before.apply(archive.court.db, archive.places, archive.roots, LATER) == [sitting.id]
    assert not archive.of(sitting).exists()
    assert archive.of(other).is_dir()
    assert (await archive.entry(sitting)).destroyed_at == LATER
    again = await as_now(archive, found)
    assert (again.state, again.items[0].state, again.certificate != "") == ("done", "destroyed", True)
    assert await destroyed_before.apply(archive.court.db, archive.places, archive.roots, LATER) == []
    assert len(await audited(archive.court.db, "recording_destroyed_again")) == 1


async def test_a_certificate_of_somebody_else_destroys_nothing(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> None:
    from dispatch.operations import authority

    sitting = await archive.expired()
    found = await approved(archive, sitting)
    copy = {path: path.read_bytes() for path in archive.of(sitting).rglob("*") if path.is_file()}
    await archive.destroyer(LATER).work()
    for path, content in copy.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    async with archive.court.db.writer() as session:
        (await session.get_one(Recording, sitting.id)).destroyed_at = None
        await session.delete(await session.get_one(Destruction, found.id))
    strange = tmp_path_factory.mktemp("strange")
    authority.certify_seal(strange, "localhost", "别处", NOW)
    assert await destroyed_before.apply(archive.court.db, archive.places, strange / "seal-roots.crt", LATER) == []
    assert archive.of(sitting).is_dir()


def test_originals_that_are_sealed_against_change_can_be_destroyed(tmp_path: Path) -> None:
    from tests.dispatch.archive.sealed import make_sealed

    make_sealed(tmp_path / "recordings", "s")
    assert not stat.S_IMODE((tmp_path / "recordings" / "s" / "tracks").stat().st_mode) & 0o222
    where = Places(vault_in(tmp_path), tmp_path / "stills", ())
    removal.remove(where, "s", "s")
    removal.remove(where, "s", "s")
    assert list((tmp_path / "recordings").iterdir()) == []


@pytest.mark.parametrize("folder", ["", ".", "..", "../secrets", "a/b"])
def test_nothing_but_a_sittings_own_folder_is_removed(tmp_path: Path, folder: str) -> None:
    with pytest.raises(removal.StillThere):
        removal.remove(Places(vault_in(tmp_path), tmp_path / "stills", ()), folder, "s")


async def test_a_recording_that_lies_encrypted_in_a_store_goes_with_its_key(archive: Archive) -> None:
    """Whoever has copied the objects has nothing: without the key they are noise."""
    sitting = await archive.expired()
    ring = KeyRing(archive.folder / "ring")
    ring.ensure()
    store = FolderStore(archive.folder / "store")
    vault = Vault(archive.folder / "recordings", archive.folder, archive.folder / "run", store, ring)
    names = {row["file"] for row in removal.inventory(archive.places, sitting.id, sitting.id)}
    await asyncio.to_thread(putting.put_away, vault, sitting.id)
    assert not archive.of(sitting).exists()
    assert vault.is_stored(sitting.id)
    where = replace(archive.places, vault=vault)
    found = await approved(archive, sitting)
    assert await archive.destroyer(LATER, where).work()
    assert list(store.list(f"{sitting.id}/")) == []
    assert not vault.has_key(sitting.id)
    assert {row["file"] for row in (await as_now(archive, found)).items[0].files} == names
