"""A backup holds one moment of a site that goes on serving, and comes back whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import sqlite3
import stat
import tarfile
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from dispatch import audit
from dispatch.identity.people import list_users
from dispatch.keeping import carrying_out, destructions, powers
from dispatch.keeping.carrying_out import Destroyer
from dispatch.operations import authority, backup, commands, seal_key, snapshot, upkeep
from dispatch.operations.backup import MANIFEST, BackupRefused, Made, Step
from dispatch.operations.metrics import LAST_BACKUP
from dispatch.operations.restore import restore
from dispatch.settings import Settings
from dispatch.store.database import Database
from dispatch.store.tables import User, new_id
from dispatch.vault import site as site_vault
from rooms.log import Event, canonical
from rooms.sqlite_log import SqliteLog
from rooms.vault import putting
from rooms.vault.checkout import checked_out
from rooms.verification.folder import verify
from tests.dispatch.operations.conftest import NOW
from tests.test_server import one_line, server

MEDIA = pytest.mark.parametrize("medium", ["directory", "court.tar"])


def unheard(_step: Step) -> None:
    """Nobody watches the progress."""


def back_up(settings: Settings, path: Path) -> Made:
    return backup.make(settings, path, unheard)


def elsewhere(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "restored")


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        return db.execute(query).fetchall()


def everything(data: Path) -> dict[str, str]:
    """Each file of a data directory but the databases: name → permissions and SHA-256."""
    return {
        str(path.relative_to(data)): f"{stat.S_IMODE(path.stat().st_mode):o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(data.rglob("*"))
        if path.is_file() and ".db" not in path.name
    }


def loosened(path: Path) -> None:
    """Let a test change what is kept read-only."""
    for at, folders, files in os.walk(path):
        for name in (*folders, *files):
            (Path(at) / name).chmod(0o755)


# -- what comes back --------------------------------------------------------------------------------------------------------


@MEDIA
def test_a_restored_site_has_the_same_sittings_recordings_and_log_heads(settings: Settings, held: str, tmp_path: Path, medium: str) -> None:
    (settings.data / "log.db").chmod(0o600)
    settings.photos.mkdir()
    (settings.photos / f"{'a' * 40}.webp").write_bytes(b"a picture of the room")
    made = back_up(settings, tmp_path / medium)
    assert made.recordings == 1
    assert not made.missing
    assert not made.damaged
    restored = elsewhere(tmp_path)
    restore(restored, tmp_path / medium, unheard)

    for query in (
        "SELECT id, status, log_seq, title FROM sitting ORDER BY id",
        "SELECT sitting_id, folder, manifest_sha256, composite FROM recording",
        "SELECT id, sign_in_name, password_hash FROM user ORDER BY id",
        "SELECT seq, hash FROM audit ORDER BY seq",
    ):
        assert rows(restored.data / "dispatch.db", query) == rows(settings.data / "dispatch.db", query), query
    assert snapshot.heads(restored.data / "log.db") == snapshot.heads(settings.data / "log.db") != {}
    kept = everything(settings.data)
    del kept[f"recordings/{held}/derived/composite.mp4.part"]
    kept = {name: about for name, about in kept.items() if not name.startswith("run/")}
    assert everything(restored.data) == kept
    for name in ("dispatch.db", "log.db", "secrets"):
        assert (restored.data / name).stat().st_mode == (settings.data / name).stat().st_mode, name
    assert stat.S_IMODE((restored.data / "recordings" / held / "tracks").stat().st_mode) == 0o555
    assert verify(restored.data / "recordings" / held).ok
    assert not [name for name in os.listdir(restored.data) if name.startswith(".")]


def test_the_secrets_of_a_backup_are_for_its_owner_alone(settings: Settings, held: str, tmp_path: Path) -> None:
    assert held
    back_up(settings, tmp_path / "court.tar")
    back_up(settings, tmp_path / "directory")
    assert stat.S_IMODE((tmp_path / "court.tar").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "directory").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "directory" / "secrets" / "links.key").stat().st_mode) == 0o600


def test_the_manifest_says_what_is_needed_to_build_the_machine_again(settings: Settings, held: str, tmp_path: Path) -> None:
    back_up(settings.model_copy(update={"court": "京州市中级人民法院"}), tmp_path / "directory")
    manifest = json.loads((tmp_path / "directory" / MANIFEST).read_bytes())
    assert manifest["settings"]["DISPATCH_DATA"] == str(settings.data)
    assert held in manifest["heads"]
    assert {row["file"] for row in manifest["files"]} >= {"dispatch.db", "log.db", "secrets/links.key", f"recordings/{held}/manifest.json"}


def test_progress_runs_to_the_end(settings: Settings, held: str, tmp_path: Path) -> None:
    assert held
    steps: list[Step] = []
    backup.make(settings, tmp_path / "court.tar", steps.append)
    fractions = [step.done / step.total for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    steps.clear()
    restore(elsewhere(tmp_path), tmp_path / "court.tar", steps.append)
    assert 0.9 < steps[-1].done / steps[-1].total <= 1


async def test_the_copies_are_of_one_moment_though_others_go_on_writing(settings: Settings, held: str, tmp_path: Path) -> None:
    """Log first, SQL after it: so a server writes. In the copy SQL is never ahead of the log, and no chain is broken."""
    assert held
    db, log = await Database.connect(settings.database), SqliteLog(settings.data / "log.db")
    done, begun = threading.Event(), asyncio.Event()

    async def go_on() -> int:
        epoch, seq = await log.lease("busy", "test"), 0
        while not done.is_set():
            await log.append("busy", epoch, seq + 1, [Event("consented", seq, {"filling": "x" * 4000})])
            seq += 1
            async with db.writer() as session:
                name = f"row-{seq}"
                session.add(User(id=new_id(), name=name, sign_in_name=name, role="clerk", password_hash="x" * 190))
            begun.set()
        return seq

    writing = asyncio.create_task(go_on())
    try:
        await begun.wait()
        for number in range(4):
            await asyncio.to_thread(back_up, settings, tmp_path / f"copy-{number}")
    finally:
        done.set()
        written = await writing
        await log.close()
        await db.close()
    seen = []
    for number in range(4):
        copy = tmp_path / f"copy-{number}"
        count = rows(copy / "dispatch.db", "SELECT count(*) FROM user WHERE name LIKE 'row-%'")[0][0]
        head = snapshot.heads(copy / "log.db")["busy"].seq
        assert isinstance(count, int)
        assert 0 < count <= head <= written, "SQL is ahead of the log"
        chain = rows(copy / "log.db", "SELECT prev, hash FROM event WHERE sitting = 'busy' ORDER BY seq")
        assert [row[0] for row in chain[1:]] == [row[1] for row in chain[:-1]]
        seen.append(head)
    assert seen == sorted(set(seen)), "nothing was written while the backups were made: the test shows nothing"


def test_what_waits_in_the_reserve_comes_along(settings: Settings, held: str, tmp_path: Path) -> None:
    assert held
    (settings.data / "reserve.log").write_bytes(b'{"key":"1"}\n' + bytes(1000))
    back_up(settings, tmp_path / "directory")
    restored = elsewhere(tmp_path)
    restore(restored, tmp_path / "directory", unheard)
    assert (restored.data / "reserve.log").read_bytes() == (settings.data / "reserve.log").read_bytes()


def test_a_recording_that_is_not_sealed_yet_is_left_out(settings: Settings, held: str, tmp_path: Path) -> None:
    going_on = settings.recordings / "0123456789abcdef" / "tracks"
    going_on.mkdir(parents=True)
    (going_on / "0001.mkv").write_bytes(b"grows")
    made = back_up(settings, tmp_path / "directory")
    assert {kept.file.split("/")[1] for kept in made.files if kept.file.startswith("recordings/")} == {held}


# -- what is not whole is said ------------------------------------------------------------------------------------------------


def test_a_recording_that_is_gone_from_the_disk_is_named(settings: Settings, held: str, tmp_path: Path) -> None:
    loosened(settings.recordings)
    shutil.rmtree(settings.recordings / held)
    with pytest.raises(BackupRefused, match=f"not on the disk: {held}"):
        commands.back_up(settings, tmp_path / "directory", lambda _text: None)
    assert (tmp_path / "directory" / MANIFEST).exists(), "what there is was not kept"


@pytest.mark.parametrize("harm", ["changed", "removed"])
def test_an_original_that_is_not_what_was_sealed_is_named(settings: Settings, held: str, tmp_path: Path, harm: str) -> None:
    loosened(settings.recordings)
    track = min((settings.recordings / held / "tracks").iterdir())
    if harm == "changed":
        content = bytearray(track.read_bytes())
        content[len(content) // 2] ^= 1
        track.write_bytes(content)
    else:
        track.unlink()
    made = back_up(settings, tmp_path / "directory")
    assert made.damaged == [f"recordings/{held}/tracks/{track.name}"]


async def test_backups_and_restores_are_in_the_audit_log(settings: Settings, held: str, tmp_path: Path) -> None:
    assert held
    said: list[str] = []
    await asyncio.to_thread(commands.back_up, settings, tmp_path / "court.tar", said.append)
    restored = elsewhere(tmp_path)
    await asyncio.to_thread(commands.put_back, restored, tmp_path / "court.tar", said.append)
    with tarfile.open(tmp_path / "court.tar") as tar:
        manifest = tar.extractfile(MANIFEST)
        assert manifest is not None
        digest = json.loads(manifest.read())["digest"]
    assert digest in said[0]
    LAST_BACKUP.set(0)
    for site, action in ((settings, "backup"), (restored, "restore")):
        db = await Database.open(site)
        try:
            found, count = await audit.list_rows(db, action=action)
            assert (count, found[0].subject, found[0].result, found[0].detail["digest"]) == (1, "court.tar", "done", digest)
            assert found[0].actor
            assert (await audit.verify_chain(db)).ok
            if action == "backup":
                await upkeep.last_backup(db)
                assert LAST_BACKUP._value.get() == found[0].at.timestamp(), "nobody could be warned of an old backup"
        finally:
            await db.close()


# -- what is refused, with nothing left behind ----------------------------------------------------------------------------------


@MEDIA
def test_a_backup_takes_a_new_name(settings: Settings, held: str, tmp_path: Path, medium: str) -> None:
    assert held
    back_up(settings, tmp_path / medium)
    with pytest.raises(BackupRefused, match="is there already"):
        back_up(settings, tmp_path / medium)


def test_a_backup_may_fill_an_empty_directory(settings: Settings, held: str, tmp_path: Path) -> None:
    assert held
    (tmp_path / "mounted").mkdir()
    assert back_up(settings, tmp_path / "mounted").files


def test_a_backup_does_not_go_into_what_it_backs_up(settings: Settings, held: str) -> None:
    assert held
    with pytest.raises(BackupRefused, match="inside the data directory"):
        back_up(settings, settings.data / "backup")


def test_where_there_is_no_site_there_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match=r"dispatch\.db: there is no such database"):
        back_up(Settings(data=tmp_path / "nothing"), tmp_path / "directory")
    assert os.listdir(tmp_path) == []


def test_a_damaged_database_is_named_and_nothing_is_left_behind(settings: Settings, held: str, tmp_path: Path) -> None:
    assert held
    with (settings.data / "log.db").open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(3000))
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(BackupRefused, match=r"log\.db"):
        back_up(settings, tmp_path / "directory")
    assert sorted(os.listdir(tmp_path)) == before


@MEDIA
def test_a_disk_that_fills_up_leaves_nothing_behind(settings: Settings, held: str, tmp_path: Path, medium: str) -> None:
    """A file may not grow past 1 MB in the process that makes the backup: what a full disk does, at a place that we choose."""
    with (settings.recordings / held / "derived" / "composite.mp4").open("wb") as film:
        film.write(os.urandom(4 << 20))
    before = sorted(os.listdir(tmp_path))
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)); import server; sys.exit(server.main(sys.argv[1:]))"
    )
    result = server("backup", str(tmp_path / medium), program=program, DATA=str(settings.data))
    assert "File too large" in one_line(result)
    assert sorted(os.listdir(tmp_path)) == before


def test_a_directory_that_holds_anything_is_not_restored_into(settings: Settings, held: str, tmp_path: Path) -> None:
    assert held
    back_up(settings, tmp_path / "directory")
    restored = elsewhere(tmp_path)
    restored.data.mkdir()
    (restored.data / "minutes.txt").write_text("keep me")
    with pytest.raises(BackupRefused, match=r"not empty \(minutes\.txt\)"):
        restore(restored, tmp_path / "directory", unheard)
    assert os.listdir(restored.data) == ["minutes.txt"]


def change_a_byte(name: str) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        path = next(path for path in sorted(folder.rglob("*")) if path.is_file() and name in str(path))
        content = bytearray(path.read_bytes())
        content[-2] ^= 1
        path.write_bytes(content)

    return harm


def rewritten(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    """A manifest that somebody changed and gave a fitting digest."""

    def harm(folder: Path) -> None:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        del manifest["digest"]
        change(manifest)
        manifest["digest"] = hashlib.sha256(canonical(manifest).encode()).hexdigest()
        (folder / MANIFEST).write_text(canonical(manifest), encoding="utf-8")

    return harm


HARMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte of the database": (change_a_byte("dispatch.db"), r"dispatch\.db was changed"),
    "a byte of the log": (change_a_byte("log.db"), r"log\.db was changed"),
    "a byte of a track": (change_a_byte("/tracks/"), r"tracks/.* was changed"),
    "a byte of a key": (change_a_byte("links.key"), r"links\.key was changed"),
    "a byte of the manifest": (change_a_byte(MANIFEST), rf"{MANIFEST} (was changed|cannot be read)"),
    "no manifest": (lambda folder: (folder / MANIFEST).unlink(), f"{MANIFEST} is missing"),
    "a missing file": (lambda folder: (folder / "secrets" / "links.key").unlink(), r"links\.key is missing"),
    "another file": (lambda folder: (folder / "secrets" / "more.key").write_text("x"), r"more\.key does not belong"),
    "a link": (lambda folder: (folder / "secrets" / "more.key").symlink_to("/etc/passwd"), "no regular file"),
    "a later version": (rewritten(lambda manifest: manifest.update(revision="9999")), "later version"),
    "another format": (rewritten(lambda manifest: manifest.update(format=2)), "format 2"),
    "a wrong head": (rewritten(lambda manifest: manifest.update(heads={})), "does not end where the backup says"),
}


@MEDIA
@pytest.mark.parametrize("harm", HARMS)
def test_what_was_changed_is_not_restored_and_is_named(settings: Settings, held: str, tmp_path: Path, medium: str, harm: str) -> None:
    assert held
    act, words = HARMS[harm]
    back_up(settings, tmp_path / "directory")
    loosened(tmp_path / "directory")
    act(tmp_path / "directory")
    if medium.endswith(".tar"):
        with tarfile.open(tmp_path / medium, "w") as archive:
            archive.add(tmp_path / "directory", arcname=".", recursive=True, filter=_plain_name)
    restored = elsewhere(tmp_path)
    with pytest.raises(BackupRefused, match=words):
        restore(restored, tmp_path / medium, unheard)
    assert not restored.data.exists()


def _plain_name(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.name = entry.name.removeprefix("./")
    return entry


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "secrets/../../outside", "secrets//links.key"])
def test_a_name_that_leads_out_of_the_directory_is_refused(settings: Settings, held: str, tmp_path: Path, name: str) -> None:
    assert held
    back_up(settings, tmp_path / "court.tar")
    with tarfile.open(tmp_path / "court.tar", "a") as archive:
        archive.addfile(tarfile.TarInfo(name))
    restored = elsewhere(tmp_path)
    with pytest.raises(BackupRefused, match="no name of a file in a backup"):
        restore(restored, tmp_path / "court.tar", unheard)
    assert not restored.data.exists()


@pytest.mark.parametrize("fraction", [0.2, 0.9, 0.999])
def test_a_tar_file_that_was_cut_is_refused(settings: Settings, held: str, tmp_path: Path, fraction: float) -> None:
    assert held
    back_up(settings, tmp_path / "court.tar")
    whole = (tmp_path / "court.tar").read_bytes().rstrip(b"\0")  # the end of a tar file is filled with zeros
    (tmp_path / "court.tar").write_bytes(whole[: int(len(whole) * fraction)])
    restored = elsewhere(tmp_path)
    with pytest.raises(BackupRefused, match=r"court\.tar"):
        restore(restored, tmp_path / "court.tar", unheard)
    assert not restored.data.exists()


def test_a_disk_that_fills_up_while_restoring_leaves_the_directory_as_it_was(settings: Settings, held: str, tmp_path: Path) -> None:
    with (settings.recordings / held / "derived" / "composite.mp4").open("wb") as film:
        film.write(os.urandom(4 << 20))
    back_up(settings, tmp_path / "directory")
    restored = elsewhere(tmp_path)
    restored.data.mkdir(mode=0o750)
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)); import server; sys.exit(server.main(sys.argv[1:]))"
    )
    result = server("restore", str(tmp_path / "directory"), program=program, DATA=str(restored.data))
    assert "File too large" in one_line(result)
    assert os.listdir(restored.data) == []
    restore(restored, tmp_path / "directory", unheard)


def test_no_server_starts_on_a_restore_that_was_cut_off(settings: Settings, held: str, tmp_path: Path) -> None:
    """As kill -9 in the middle leaves it: part of it in place, the directory of what is not yet in place still there."""
    assert held
    back_up(settings, tmp_path / "directory")
    restored = elsewhere(tmp_path)
    (restored.data / ".restoring").mkdir(parents=True)
    shutil.copytree(tmp_path / "directory" / "secrets", restored.data / "secrets")
    for command in (("serve",), ("migrate",), ("restore", str(tmp_path / "directory"))):
        line = one_line(server(*command, DATA=str(restored.data)))
        assert "interrupted" in line, command
        assert str(restored.data) in line


def test_the_commands_say_how_far_they_are_and_what_they_did(settings: Settings, held: str, tmp_path: Path) -> None:
    assert held
    made = server("backup", str(tmp_path / "court.tar"), DATA=str(settings.data))
    assert made.returncode == 0, made.stderr
    assert "1 recordings" in made.stdout
    assert "100% of" in made.stdout
    back = server("restore", str(tmp_path / "court.tar"), DATA=str(tmp_path / "restored"))
    assert back.returncode == 0, back.stderr
    assert "1 recordings" in back.stdout
    assert "is not empty" in one_line(server("restore", str(tmp_path / "court.tar"), DATA=str(tmp_path / "restored")))
    assert "no such file" in one_line(server("restore", str(tmp_path / "nothing.tar"), DATA=str(tmp_path / "other")))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another user")
def test_what_root_restores_belongs_to_the_servers_user(settings: Settings, held: str, tmp_path: Path) -> None:
    back_up(settings, tmp_path / "directory")
    restored = elsewhere(tmp_path)
    restored.data.mkdir()
    os.chown(restored.data, 12_345, 12_345)
    restore(restored, tmp_path / "directory", unheard)
    assert {path.stat().st_uid for path in restored.data.rglob("*")} == {12_345}
    assert (restored.data / "recordings" / held).is_dir()


# -- what was destroyed ---------------------------------------------------------------------------------------------------------


async def destroyed_in(settings: Settings, sitting: str) -> Path:
    """The sitting's recording destroyed by an order; its certificate."""
    authority.certify_seal(settings.secrets, "localhost", settings.court, NOW)
    db = await Database.open(settings)
    try:
        people = {user.sign_in_name: user for user in await list_users(db)}
        found = await destructions.propose(db, [sitting], "法院裁定销毁", "（2026）京0105刑初7号", people["zhao"], NOW)
        await powers.give(db, people["zhou"].id, ["approve"], people["zhao"], NOW)
        await destructions.approve(db, found.id, people["zhou"], NOW, timedelta(0))
        unit = (settings.court, settings.court_en)
        assert await Destroyer(db, carrying_out.places(settings), seal_key.of(settings).load, unit, lambda: NOW).work()
    finally:
        await db.close()
    return settings.certificates / f"{found.id}.json"


async def test_what_was_destroyed_after_a_backup_does_not_come_back_with_it(settings: Settings, held: str, tmp_path: Path) -> None:
    """The certificate was put into the new data directory before; the backup itself knows of nothing."""
    authority.certify_seal(settings.secrets, "localhost", settings.court, NOW)
    said: list[str] = []
    await asyncio.to_thread(commands.back_up, settings, tmp_path / "court.tar", said.append)
    certificate = await destroyed_in(settings, held)
    restored = elsewhere(tmp_path)
    restored.certificates.mkdir(parents=True)
    shutil.copy(certificate, restored.certificates)
    await asyncio.to_thread(commands.put_back, restored, tmp_path / "court.tar", said.append)
    assert not (restored.recordings / held).exists()
    assert any(held in line for line in said), "nobody is told"
    db = await Database.open(restored)
    try:
        found, _ = await audit.list_rows(db, action="restore")
        assert found[0].detail["destroyed_again"] == [held]
    finally:
        await db.close()


async def test_a_backup_after_a_destruction_misses_nothing_and_has_the_certificate(settings: Settings, held: str, tmp_path: Path) -> None:
    certificate = await destroyed_in(settings, held)
    said: list[str] = []
    await asyncio.to_thread(commands.back_up, settings, tmp_path / "court.tar", said.append)
    restored = elsewhere(tmp_path)
    await asyncio.to_thread(commands.put_back, restored, tmp_path / "court.tar", said.append)
    assert (restored.certificates / certificate.name).read_bytes() == certificate.read_bytes()
    assert not (restored.recordings / held).exists()
# -- what was put away --------------------------------------------------------------------------------------------------------


async def test_a_recording_that_was_put_away_comes_along_with_its_key(settings: Settings, held: str, tmp_path: Path) -> None:
    site_vault.ring_of(settings).ensure()
    putting.put_away(site_vault.of(settings), held)
    made = back_up(settings, tmp_path / "directory")
    assert (made.recordings, made.missing, made.damaged) == (1, [], [])
    restored = elsewhere(tmp_path)
    restore(restored, tmp_path / "directory", unheard)
    async with checked_out(site_vault.of(restored), held) as folder:
        assert verify(folder).ok
    assert stat.S_IMODE((restored.data / "store").stat().st_mode) == 0o700
    assert stat.S_IMODE((restored.data / "secrets" / "store-0001.key").stat().st_mode) == 0o600


async def test_a_backup_in_whose_midst_recordings_are_put_away_has_them_all_once(settings: Settings, held: str, tmp_path: Path) -> None:
    """It waits with removing the plain folder until the backup is made."""
    site_vault.ring_of(settings).ensure()
    vault = site_vault.of(settings)
    with putting.unchanged(vault, 1.0):
        away = asyncio.create_task(asyncio.to_thread(putting.put_away, vault, held))
        while not await asyncio.to_thread(vault.is_stored, held):
            await asyncio.sleep(0.02)
        assert vault.plain(held) is not None
    await away
    assert vault.plain(held) is None
    assert (await asyncio.to_thread(back_up, settings, tmp_path / "directory")).recordings == 1


def test_a_store_is_not_restored_to_where_another_is_set(settings: Settings, held: str, tmp_path: Path) -> None:
    site_vault.ring_of(settings).ensure()
    putting.put_away(site_vault.of(settings), held)
    back_up(settings, tmp_path / "directory")
    other = elsewhere(tmp_path).model_copy(update={"store": tmp_path / "other"})
    with pytest.raises(BackupRefused, match="restore without DISPATCH_STORE"):
        restore(other, tmp_path / "directory", unheard)
    assert not other.data.exists() or list(other.data.iterdir()) == []
