"""The step that adds the hours of connections is one for PostgreSQL too: it runs there, in a cluster that the test makes, and refuses and
cascades as on SQLite. (The database of an installation is SQLite; of the earlier steps one is made for it alone.)"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from dispatch.store.migrate import configuration

PROGRAMS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)


def sql_of(revision: str) -> str:
    """The statements of one step, as PostgreSQL is told them."""
    step = ScriptDirectory.from_config(configuration()).get_revision(revision)
    assert step is not None
    told = io.StringIO()
    with Operations.context(MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True, "output_buffer": told})):
        step.module.upgrade()
    return told.getvalue()


@pytest.fixture
def cluster() -> Iterator[Path]:
    """An empty PostgreSQL that nobody reaches but by its socket; yields the socket's directory."""
    if PROGRAMS is None or os.geteuid() != 0 or shutil.which("runuser") is None:
        pytest.skip("needs PostgreSQL's programs, and root to run them as another user")
    folder = Path(subprocess.run(["mktemp", "-d", "/tmp/pg.XXXXXX"], check=True, capture_output=True, text=True).stdout.strip())
    shutil.chown(folder, "postgres", "postgres")
    tool = PROGRAMS.with_name("pg_ctl")
    run = ["runuser", "-u", "postgres", "--"]
    subprocess.run([*run, PROGRAMS, "-D", folder / "data", "-A", "trust", "--no-sync"], check=True, capture_output=True, cwd="/")
    options = f"-c listen_addresses='' -k {folder} -c fsync=off"
    subprocess.run([*run, tool, "-D", folder / "data", "-w", "-o", options, "-l", folder / "log", "start"], check=True, cwd="/")
    try:
        yield folder
    finally:
        subprocess.run([*run, tool, "-D", folder / "data", "-m", "immediate", "stop"], check=True, cwd="/")
        shutil.rmtree(folder)


def told(cluster: Path, sql: str) -> str:
    psql = ["psql", "-h", str(cluster), "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-qAt"]
    return subprocess.run(psql, input=sql, check=True, capture_output=True, text=True, cwd="/").stdout.strip()


def test_hours_are_kept_and_go_with_their_sitting(cluster: Path) -> None:
    told(cluster, "CREATE TABLE sitting (id varchar(16) PRIMARY KEY); CREATE TABLE participant (id varchar(16) PRIMARY KEY);")
    told(cluster, sql_of("0005"))
    told(cluster, "INSERT INTO sitting VALUES ('s'); INSERT INTO participant VALUES ('p');")
    row = "INSERT INTO quality_hour VALUES ('s', 'p', 'up', '2026-11-24 09:00+08', 720, 700, 20, 0, 0, 0, 0, '{}');"
    told(cluster, row)
    with pytest.raises(subprocess.CalledProcessError):
        told(cluster, row)
    assert told(cluster, "SELECT count(*), min(extract(epoch FROM begins_at))::bigint FROM quality_hour;") == "1|1795482000"
    told(cluster, "DELETE FROM sitting;")
    assert told(cluster, "SELECT count(*) FROM quality_hour;") == "0"
