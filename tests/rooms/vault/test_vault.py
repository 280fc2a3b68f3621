"""A recording reads the same wherever it lies; what was changed in the store is found; nothing is ever neither plain nor stored."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from rooms.vault import locks, putting
from rooms.vault.checkout import checked_out, tidy
from rooms.vault.cipher import Spoilt
from rooms.vault.keys import KeyMissing, KeyRing
from rooms.vault.store import FolderStore
from rooms.vault.vault import NotThere, Vault
from rooms.verification.folder import verify
from tests.rooms.vault.conftest import SITTING, make_sealed, make_vault, plain_bytes

FILM = "derived/composite.mp4"


def test_what_was_put_away_reads_as_before_and_the_plain_folder_is_gone(vault: Vault, small_parts: int) -> None:
    root = make_sealed(vault)
    before, listed = plain_bytes(root), vault.files(SITTING)
    told: list[float] = []
    putting.put_away(vault, SITTING, told.append)
    assert not root.exists()
    assert told[-1] == 1.0
    assert {name: vault.read(SITTING, name) for name in vault.files(SITTING)} == before
    assert vault.files(SITTING) == listed
    assert len(before[FILM]) > 4 * small_parts


def test_nothing_of_it_can_be_read_in_the_store(vault: Vault) -> None:
    before = plain_bytes(make_sealed(vault))
    putting.put_away(vault, SITTING)
    objects = b"".join(path.read_bytes() + str(path).encode() for path in (vault.recordings.parent / "store").rglob("*") if path.is_file())
    assert b"camera" not in objects
    assert b"stage_changed" not in objects
    assert not any(content[:64] in objects for content in before.values())


def test_any_range_of_a_stored_file_is_read(vault: Vault, small_parts: int) -> None:
    film = plain_bytes(make_sealed(vault))[FILM]
    putting.put_away(vault, SITTING)
    draw = random.Random(3)
    with vault.open(SITTING, FILM) as file:
        for _ in range(60):
            start = draw.randrange(len(film))
            file.seek(start)
            assert file.read(length := draw.randrange(1, 40_000)) == film[start : start + length]
        assert file.seek(0, 2) == len(film)
        assert file.read() == b""


def test_what_is_not_there_is_said_to_be_so(vault: Vault) -> None:
    make_sealed(vault)
    for _ in range(2):
        assert vault.find(SITTING, "tracks/none.mkv") is None
        for name in ("tracks/none.mkv", "../secrets/store-0001.key", "/etc/passwd"):
            with pytest.raises(NotThere):
                vault.open(SITTING, name)
        putting.put_away(vault, SITTING)
    for sitting in ("s2", "..", "", ".put-away.s1"):
        with pytest.raises(NotThere):
            vault.files(sitting)


def test_every_change_in_the_store_is_found(vault: Vault, small_parts: int) -> None:
    """A byte changed, an object gone, and each swapped with another."""
    make_sealed(vault)
    putting.put_away(vault, SITTING)
    store, draw = vault.recordings.parent / "store", random.Random(11)
    objects = sorted(path for path in store.rglob("*") if path.is_file())

    def reads() -> None:
        for name in vault.files(SITTING):
            vault.read(SITTING, name)

    reads()
    for path in objects:
        content = path.read_bytes()
        other = draw.choice([each for each in objects if each != path]).read_bytes()
        at = draw.randrange(len(content))
        for wrong in (content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :], content[:-1], other):
            path.write_bytes(wrong)
            if path.name != "key":  # of which there is a second one
                with pytest.raises(Spoilt):
                    reads()
        path.unlink()
        if path.name != "key":
            with pytest.raises((Spoilt, NotThere)):
                reads()
        path.write_bytes(content)
    reads()


def test_a_store_is_read_with_the_key_of_the_site_alone(vault: Vault, tmp_path: Path) -> None:
    before = plain_bytes(make_sealed(vault))
    putting.put_away(vault, SITTING)
    elsewhere = Vault(tmp_path / "x", tmp_path / "y", tmp_path / "z", FolderStore(tmp_path / "store"), KeyRing(tmp_path / "secrets"))
    assert {name: elsewhere.read(SITTING, name) for name in elsewhere.files(SITTING)} == before


async def test_a_stored_recording_is_checked_out_verifies_and_is_gone_afterwards(vault: Vault, small_parts: int) -> None:
    before = plain_bytes(make_sealed(vault))
    putting.put_away(vault, SITTING)
    async with checked_out(vault, SITTING) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert verify(folder).ok
        assert plain_bytes(folder) == before
    assert not folder.exists()


async def test_what_is_added_to_a_checked_out_folder_is_stored(vault: Vault) -> None:
    make_sealed(vault)
    putting.put_away(vault, SITTING)
    async with checked_out(vault, SITTING, only=lambda name: name == "manifest.json") as folder:
        assert [path.name for path in folder.iterdir() if path.is_file()] == ["manifest.json"]
        (folder / "manifest.tsr").write_bytes(b"stamp")
        (folder / FILM).write_bytes(b"a new film")
    assert vault.read(SITTING, "manifest.tsr") == b"stamp"
    assert vault.read(SITTING, FILM) == b"a new film"
    assert len(vault.read(SITTING, "tracks/0001-camera-alice.mkv")) == 5000


async def test_nobody_puts_away_what_somebody_uses(vault: Vault) -> None:
    root = make_sealed(vault)
    async with checked_out(vault, SITTING) as folder:
        assert folder == root
        putting_away = asyncio.create_task(asyncio.to_thread(putting.put_away, vault, SITTING))
        while not await asyncio.to_thread(vault.is_stored, SITTING):
            await asyncio.sleep(0.02)
        (root / "manifest.tsr").write_bytes(b"stamp that comes meanwhile")
        assert root.exists()
    await putting_away
    assert not root.exists()
    assert vault.read(SITTING, "manifest.tsr") == b"stamp that comes meanwhile"


def test_a_folder_that_is_not_as_it_was_sealed_stays(vault: Vault) -> None:
    root = make_sealed(vault)
    track = root / "tracks" / "0001-camera-alice.mkv"
    content = bytearray(track.read_bytes())
    content[100] ^= 1
    track.chmod(0o600)
    track.write_bytes(bytes(content))
    with pytest.raises(putting.NotAsSealed, match="0001-camera-alice"):
        putting.put_away(vault, SITTING)
    assert verify(root).problems
    assert track.read_bytes() == bytes(content)


class _Forgetful(FolderStore):
    """A store that says yes and keeps something else."""

    def put(self, name: str, content: bytes) -> None:
        super().put(name, content[:-1] if name.endswith("000001") else content)


def test_a_store_that_does_not_keep_what_it_was_given_loses_nothing(tmp_path: Path, small_parts: int) -> None:
    good = make_vault(tmp_path)
    root = make_sealed(good)
    bad = Vault(good.recordings, tmp_path, tmp_path / "run", _Forgetful(tmp_path / "store"), KeyRing(tmp_path / "secrets"))
    with pytest.raises(Spoilt, match="gives back something else"):
        putting.put_away(bad, SITTING)
    assert verify(root).ok
    putting.put_away(good, SITTING)  # the store is mended: it goes on where it was
    assert FILM in good.files(SITTING)


def _killed_at(step: int, vault: Vault, work: str) -> bool:
    """Do the work in a process that is killed at its step-th look at a file's name; whether it was done before."""
    child = os.fork()
    if child == 0:
        left = step

        def hook(event: str, _arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.chmod", "os.scandir"):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            getattr(putting, work)(vault, SITTING)
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    return os.WIFEXITED(status)


def test_killed_at_any_step_a_recording_is_plain_or_stored_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(putting, "PART_BYTES", 1 << 16)
    kills, step = 0, 1
    while True:
        vault = make_vault(tmp_path / str(step))
        root = make_sealed(vault)
        before = plain_bytes(root)
        done = _killed_at(step, vault, "put_away")
        assert {name: vault.read(SITTING, name) for name in vault.files(SITTING)} == before, f"killed at step {step}"
        putting.put_away(vault, SITTING)
        tidy(vault)
        assert {name: vault.read(SITTING, name) for name in vault.files(SITTING)} == before
        assert list(vault.recordings.iterdir()) == []
        if done:
            break
        kills, step = kills + 1, step + (1 if step < 8 else 3)
    assert kills > 30


def test_killed_at_any_step_a_destruction_is_finished_by_the_next_try(tmp_path: Path) -> None:
    step = 1
    while True:
        vault = make_vault(tmp_path / str(step))
        make_sealed(vault)
        putting.put_away(vault, SITTING)
        done = _killed_at(step, vault, "destroy")
        putting.destroy(vault, SITTING)
        with pytest.raises(NotThere):
            vault.files(SITTING)
        assert [path for path in (tmp_path / str(step) / "store").rglob("*") if path.is_file()] == []
        assert vault.stored() == []
        if done:
            break
        step += 1
    assert step > 5


def test_a_recording_whose_key_is_destroyed_is_read_by_nobody(vault: Vault, tmp_path: Path) -> None:
    make_sealed(vault)
    putting.put_away(vault, SITTING)
    vault.forget_key(SITTING)
    with pytest.raises(KeyMissing):
        vault.files(SITTING)
    assert vault.is_stored(SITTING)


def test_a_plain_recording_is_destroyed_too(vault: Vault) -> None:
    root = make_sealed(vault)
    putting.destroy(vault, SITTING)
    putting.destroy(vault, SITTING)
    assert not root.exists()
    assert vault.plain(SITTING) is None


def test_what_a_killed_process_left_checked_out_is_removed_at_the_next_start(vault: Vault) -> None:
    make_sealed(vault)
    putting.put_away(vault, SITTING)
    child = os.fork()
    if child == 0:

        async def killed() -> None:
            async with checked_out(vault, SITTING):
                os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(killed())
    os.waitpid(child, 0)
    assert any(path.is_dir() for path in vault.out.iterdir())
    tidy(vault)
    assert list(vault.out.iterdir()) == []


async def test_what_is_checked_out_now_is_not_tidied_away(vault: Vault) -> None:
    make_sealed(vault)
    putting.put_away(vault, SITTING)
    async with checked_out(vault, SITTING) as folder:
        tidy(vault)
        assert verify(folder).ok


async def test_a_folder_for_which_the_disk_has_no_room_is_not_begun(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    from rooms.vault import checkout as module

    make_sealed(vault)
    putting.put_away(vault, SITTING)
    monkeypatch.setattr(module, "SPARE_BYTES", 1 << 62)
    with pytest.raises(module.NoRoom, match="are free"):
        async with checked_out(vault, SITTING):
            pass
    assert not vault.out.exists() or list(vault.out.iterdir()) == []


def test_a_lock_that_somebody_holds_is_not_taken(tmp_path: Path) -> None:
    shared = [locks.acquire(tmp_path, "a", shared=True, limit_s=0) for _ in range(2)]
    for held in shared:
        with pytest.raises(locks.InUse):
            locks.acquire(tmp_path, "a", limit_s=0)
        os.close(held)
    os.close(locks.acquire(tmp_path, "a", limit_s=0))
