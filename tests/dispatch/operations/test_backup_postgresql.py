"""A site on PostgreSQL is saved and comes back like one on SQLite: one moment of it, whole or not at all."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from dispatch import audit
from dispatch.operations import backup, commands, dump, snapshot
from dispatch.operations.backup import MANIFEST, BackupRefused, Step
from dispatch.operations.restore import restore
from dispatch.settings import Settings
from dispatch.store.database import Database
from dispatch.store.tables import User, new_id
from rooms.log import Event
from rooms.sqlite_log import SqliteLog
from tests.dispatch import cluster
from tests.dispatch.operations.conftest import furnished
from tests.dispatch.operations.test_backup import MEDIA, back_up, everything, loosened, rewritten, unheard
from tests.test_server import one_line, server

SECRET = "pass:word\\of-the-court"


@pytest.fixture(scope="session")
def held_once(postgresql: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The data directory and the closed sitting's id; its database is the template `held`."""
    cluster.told(postgresql, "CREATE DATABASE held")
    data = tmp_path_factory.mktemp("held") / "var"
    return data, asyncio.run(furnished(Settings(data=data, database_url=cluster.url(postgresql, "held"))))


@pytest.fixture
def site(postgresql: Path, held_once: tuple[Path, str], tmp_path: Path) -> Settings:
    """A site with a database of its own."""
    cluster.told(postgresql, "DROP DATABASE IF EXISTS site WITH (FORCE);\nCREATE DATABASE site TEMPLATE held")
    shutil.copytree(held_once[0], tmp_path / "var")
    return Settings(data=tmp_path / "var", database_url=cluster.url(postgresql, "site"))


@pytest.fixture
def other(postgresql: Path, tmp_path: Path) -> Settings:
    """Where it is restored: an empty database, and a directory that is not there yet."""
    cluster.told(postgresql, "DROP DATABASE IF EXISTS other WITH (FORCE);\nCREATE DATABASE other")
    return Settings(data=tmp_path / "restored", database_url=cluster.url(postgresql, "other"))


@pytest.fixture
def guarded(postgresql: Path) -> Iterator[str]:
    """The name of a role that has to give its password."""
    rules = postgresql / "data" / "pg_hba.conf"
    before = rules.read_text(encoding="utf-8")
    rules.write_text(f"local all guarded scram-sha-256\n{before}", encoding="utf-8")
    quoted = SECRET.replace("'", "''")
    cluster.told(postgresql, f"CREATE ROLE guarded LOGIN PASSWORD '{quoted}';\nSELECT pg_reload_conf()")
    yield "guarded"
    rules.write_text(before, encoding="utf-8")
    cluster.told(postgresql, "DROP DATABASE IF EXISTS theirs WITH (FORCE);\nDROP DATABASE IF EXISTS back WITH (FORCE);\nDROP ROLE guarded")
    cluster.told(postgresql, "SELECT pg_reload_conf()")


def tables(folder: Path, database: str) -> dict[str, str]:
    """Each table with a digest of its rows."""
    names = cluster.told(folder, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1", database).splitlines()
    digest = "SELECT count(*) || ' ' || md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), '')) FROM \"{}\" t"
    return {name: cluster.told(folder, digest.format(name), database) for name in names}


def is_empty(folder: Path, database: str) -> bool:
    return cluster.told(folder, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database) == "0"


@MEDIA
def test_a_restored_site_has_the_same_rows_recordings_and_log_heads(
    site: Settings, other: Settings, held_once: tuple[Path, str], postgresql: Path, tmp_path: Path, medium: str
) -> None:
    made = back_up(site, tmp_path / medium)
    assert (made.recordings, made.missing, made.damaged) == (1, [], [])
    assert {"dispatch.dump", "log.db"} <= {kept.file for kept in made.files}
    assert "dispatch.db" not in {kept.file for kept in made.files}
    restore(other, tmp_path / medium, unheard)
    restored = tables(postgresql, "other")
    assert restored == tables(postgresql, "site")
    assert restored["sitting"][:2] == "2 "
    assert snapshot.heads(other.data / "log.db") == snapshot.heads(site.data / "log.db") != {}
    kept = everything(site.data)
    del kept[f"recordings/{held_once[1]}/derived/composite.mp4.part"]
    kept = {name: about for name, about in kept.items() if not name.startswith("run/")}
    assert everything(other.data) == kept
    assert not [name for name in os.listdir(other.data) if name.startswith(".") or name.endswith(".dump")]


async def test_the_constraint_against_two_holds_comes_back_too(site: Settings, other: Settings, postgresql: Path, tmp_path: Path) -> None:
    await asyncio.to_thread(back_up, site, tmp_path / "directory")
    await asyncio.to_thread(restore, other, tmp_path / "directory", unheard)
    wanted = "SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'hold'::regclass ORDER BY 1"
    assert cluster.told(postgresql, wanted, "other") == cluster.told(postgresql, wanted, "site")
    assert "EXCLUDE" in cluster.told(postgresql, wanted, "other")


def test_both_are_in_the_audit_log_and_progress_runs_to_the_end(site: Settings, other: Settings, tmp_path: Path) -> None:
    said: list[str] = []
    commands.back_up(site, tmp_path / "court.tar", said.append)
    commands.put_back(other, tmp_path / "court.tar", said.append)

    async def rows(settings: Settings, action: str) -> str:
        db = await Database.open(settings)
        try:
            (row,), count = await audit.list_rows(db, action=action)
            assert count == 1
            assert (await audit.verify_chain(db)).ok
            return str(row.detail["digest"])
        finally:
            await db.close()

    assert asyncio.run(rows(site, "backup")) in said[0]
    assert asyncio.run(rows(other, "restore")) in said[0]
    steps: list[Step] = []
    backup.make(site, tmp_path / "again.tar", steps.append)
    fractions = [step.done / step.total for step in steps]
    assert fractions[-1] == 1
    assert {step.file for step in steps} >= {"dispatch.dump", "log.db"}


async def test_the_copies_are_of_one_moment_though_others_go_on_writing(
    site: Settings, postgresql: Path, other: Settings, tmp_path: Path
) -> None:
    """Log first, SQL after it: so a server writes. In the copy SQL is never ahead of the log."""
    db, log = await Database.connect(site.database), SqliteLog(site.data / "log.db")
    done, begun = threading.Event(), asyncio.Event()

    async def go_on() -> int:
        epoch, seq = await log.lease("busy", "test"), 0
        while not done.is_set():
            await log.append("busy", epoch, seq + 1, [Event("consented", seq, {"filling": "x" * 4000})])
            seq += 1
            async with db.writer() as session:
                session.add(User(id=new_id(), name=f"row-{seq}", sign_in_name=f"row-{seq}", role="clerk", password_hash="x" * 190))
            begun.set()
        return seq

    writing = asyncio.create_task(go_on())
    try:
        await begun.wait()
        await asyncio.to_thread(back_up, site, tmp_path / "copy")
    finally:
        done.set()
        written = await writing
        await log.close()
        await db.close()
    await asyncio.to_thread(restore, other, tmp_path / "copy", unheard)
    count = int(cluster.told(postgresql, "SELECT count(*) FROM \"user\" WHERE name LIKE 'row-%'", "other"))
    resources = int(cluster.told(postgresql, "SELECT count(*) FROM resource WHERE name LIKE 'row-%'", "other"))
    assert 0 < count == resources <= snapshot.heads(tmp_path / "copy" / "log.db")["busy"].seq < written


def wrapped(real: Path, folder: Path, noted: Path) -> Path:
    """Programs of that version that write down how they were called, and then are the real ones."""
    version = real.parent.parent.name
    (folder / version / "bin").mkdir(parents=True)
    for name in ("pg_dump", "pg_restore"):
        program = folder / version / "bin" / name
        program.write_text(f'#!/bin/sh\n(echo "$0 $@"; env) >> {noted}\nexec {real.with_name(name)} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    return folder


def test_the_password_is_on_no_command_line_in_no_environment_and_in_no_word(
    site: Settings, guarded: str, postgresql: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cluster.PROGRAMS is not None
    noted = tmp_path / "called"
    monkeypatch.setattr(dump, "PROGRAMS", wrapped(cluster.PROGRAMS, tmp_path / "programs", noted))
    for name in ("theirs", "back"):
        cluster.told(postgresql, f"CREATE DATABASE {name} OWNER {guarded}")
    password = SECRET.replace("\\", "%5C").replace(":", "%3A")
    theirs, back = (
        Settings(data=tmp_path / data, database_url=f"postgresql://{guarded}:{password}@/{name}?host={postgresql}")
        for data, name in (("var", "theirs"), ("restored", "back"))
    )
    asyncio.run(_filled(theirs))
    said: list[str] = []
    commands.back_up(theirs, tmp_path / "directory", said.append)
    commands.put_back(back, tmp_path / "directory", said.append)
    called = noted.read_text(encoding="utf-8")
    assert "pg_dump --format" in called
    assert "pg_restore --single-transaction" in called
    assert not [text for text in (SECRET, password) if text in called + "".join(said)]
    manifest = (tmp_path / "directory" / MANIFEST).read_text(encoding="utf-8")
    assert guarded in manifest
    assert not [text for text in (SECRET, password) if text in manifest]
    assert tables(postgresql, "back")["user"] == tables(postgresql, "theirs")["user"]

    wrong = Settings(data=theirs.data, database_url=f"postgresql://{guarded}:no-such-secret@/theirs?host={postgresql}")
    with pytest.raises(BackupRefused, match="password authentication failed") as refused:
        back_up(wrong, tmp_path / "none")
    assert "no-such-secret" not in str(refused.value)


async def _filled(settings: Settings) -> None:
    db = await Database.open(settings)
    async with db.writer() as session:
        session.add(User(id=new_id(), name="赵敏", sign_in_name="zhao", role="clerk", password_hash="x"))
    await db.close()


# -- what is refused, with nothing left behind --------------------------------------------------------------------------------


def test_a_database_that_holds_anything_is_not_restored_into(site: Settings, other: Settings, postgresql: Path, tmp_path: Path) -> None:
    back_up(site, tmp_path / "directory")
    cluster.told(postgresql, "CREATE TABLE minutes (line text); INSERT INTO minutes VALUES ('keep me')", "other")
    with pytest.raises(BackupRefused, match=r"not empty \(minutes\)"):
        restore(other, tmp_path / "directory", unheard)
    assert cluster.told(postgresql, "SELECT line FROM minutes", "other") == "keep me"
    assert not other.data.exists()


def test_an_extension_that_is_there_already_is_no_content(site: Settings, other: Settings, postgresql: Path, tmp_path: Path) -> None:
    back_up(site, tmp_path / "directory")
    cluster.told(postgresql, "CREATE EXTENSION btree_gist", "other")
    restore(other, tmp_path / "directory", unheard)
    assert tables(postgresql, "other") == tables(postgresql, "site")


def test_what_postgresql_refuses_in_the_midst_leaves_database_and_directory_as_they_were(
    site: Settings, postgresql: Path, other: Settings, tmp_path: Path
) -> None:
    """The last table that is made meets a rule of the database that forbids it: an event trigger, as administrators have them."""
    back_up(site, tmp_path / "directory")
    forbids = """
    CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE '%webhook_delivery') THEN
        RAISE EXCEPTION 'no more tables'; END IF; END $$;
    CREATE EVENT TRIGGER forbid ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION forbid();
    """
    cluster.told(postgresql, forbids, "other")
    with pytest.raises(BackupRefused, match="no more tables"):
        restore(other, tmp_path / "directory", unheard)
    assert is_empty(postgresql, "other")
    assert not other.data.exists()


def test_a_backup_of_the_other_kind_of_database_is_refused(site: Settings, other: Settings, postgresql: Path, tmp_path: Path) -> None:
    back_up(site, tmp_path / "theirs")
    with pytest.raises(BackupRefused, match="holds a database of PostgreSQL, and DISPATCH_DATABASE_URL names one on SQLite"):
        restore(Settings(data=tmp_path / "small"), tmp_path / "theirs", unheard)
    asyncio.run(_small(Settings(data=tmp_path / "own")))
    back_up(Settings(data=tmp_path / "own"), tmp_path / "ours")
    with pytest.raises(BackupRefused, match="holds a database of SQLite"):
        restore(other, tmp_path / "ours", unheard)
    assert is_empty(postgresql, "other")
    assert not (tmp_path / "small").exists()


async def _small(settings: Settings) -> None:
    await (await Database.open(settings)).close()
    await SqliteLog(settings.data / "log.db").close()


HARMS = {
    "a later server": (rewritten(lambda manifest: manifest.update(postgresql=99)), "made on PostgreSQL 99"),
    "called SQLite": (rewritten(lambda manifest: manifest.pop("postgresql")), "databases are not in it"),
    "a byte of the dump": (lambda folder: (folder / "dispatch.dump").write_bytes(b"PGDMP"), r"dispatch\.dump was changed"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_was_changed_is_not_restored_and_is_named(
    site: Settings, other: Settings, postgresql: Path, tmp_path: Path, harm: str
) -> None:
    act, words = HARMS[harm]
    back_up(site, tmp_path / "directory")
    loosened(tmp_path / "directory")
    act(tmp_path / "directory")
    with pytest.raises(BackupRefused, match=words):
        restore(other, tmp_path / "directory", unheard)
    assert is_empty(postgresql, "other")
    assert not other.data.exists()


def test_without_the_programs_it_is_said_what_to_install(site: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(os.listdir(tmp_path))
    monkeypatch.setattr(dump, "PROGRAMS", tmp_path / "nowhere")
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(BackupRefused, match=r"pg_dump of PostgreSQL \d+ or later is not here; install"):
        back_up(site, tmp_path / "directory")
    assert sorted(os.listdir(tmp_path)) == before


def test_a_database_that_is_none_of_ours_or_not_there_is_named(site: Settings, other: Settings, tmp_path: Path) -> None:
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(BackupRefused, match="alembic_version"):
        back_up(site.model_copy(update={"database_url": other.database_url}), tmp_path / "directory")
    with pytest.raises(BackupRefused, match='"nothing" does not exist'):
        back_up(site.model_copy(update={"database_url": other.database_url.replace("/other", "/nothing")}), tmp_path / "directory")
    assert sorted(os.listdir(tmp_path)) == before


def test_a_disk_that_fills_up_leaves_nothing_behind(site: Settings, tmp_path: Path) -> None:
    """A file may not grow past 20 kB in the processes that make the backup: what a full disk does, at a place that we choose."""
    before = sorted(os.listdir(tmp_path))
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); import server; sys.exit(server.main(sys.argv[1:]))"
    )
    result = server("backup", str(tmp_path / "court.tar"), program=program, DATA=str(site.data), DATABASE_URL=site.database_url)
    assert "pg_dump was ended: File size limit exceeded" in one_line(result)
    assert sorted(os.listdir(tmp_path)) == before


async def test_a_connection_that_is_ended_while_it_is_saved_is_said(site: Settings, postgresql: Path, tmp_path: Path) -> None:
    """Another session takes a table once the moment is held; pg_dump waits for it, and its connection is ended."""
    held, locked = threading.Event(), threading.Event()

    def save() -> None:
        with dump.moment(site.database) as found:
            held.set()
            locked.wait(60)
            dump.write(found, tmp_path / "dispatch.dump", lambda _name, _bytes: None)

    db = await Database.connect(site.database)
    try:
        saving = asyncio.create_task(asyncio.to_thread(save))
        await asyncio.to_thread(held.wait, 60)
        async with db.writer() as session:
            await session.execute(text("LOCK TABLE webhook IN ACCESS EXCLUSIVE MODE"))
            locked.set()
            waits = "FROM pg_stat_activity WHERE query LIKE 'LOCK TABLE %' AND wait_event_type = 'Lock'"
            ends = f"SELECT count(pg_terminate_backend(pid)) {waits}"
            async with asyncio.timeout(60):
                while await asyncio.to_thread(cluster.told, postgresql, ends) == "0":
                    await asyncio.sleep(0.05)
            with pytest.raises(dump.DumpFailed, match="pg_dump: error"):
                await saving
    finally:
        await db.close()


def test_the_manifest_says_on_which_server_it_was_made(site: Settings, tmp_path: Path) -> None:
    back_up(site, tmp_path / "directory")
    manifest = json.loads((tmp_path / "directory" / MANIFEST).read_bytes())
    assert cluster.PROGRAMS is not None
    assert manifest["postgresql"] == int(cluster.PROGRAMS.parent.parent.name)
