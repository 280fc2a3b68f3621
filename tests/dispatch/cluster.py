"""PostgreSQL for tests: a cluster of Debian's programs in a directory of its own, reached by its socket alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)
MISSING = "needs PostgreSQL's programs (apt-get install postgresql), and root to run them as another user"


def is_possible() -> bool:
    """Whether a cluster can be made here."""
    return PROGRAMS is not None and os.geteuid() == 0 and shutil.which("runuser") is not None


@contextmanager
def running(*options: str, kept: Path | None = None) -> Iterator[Path]:
    """A PostgreSQL until the end of the block; the socket's directory. It is empty, or a copy of what was `kept` (:func:`keep`).
    `options`: as of the file postgresql.conf."""
    assert PROGRAMS is not None
    folder = Path(tempfile.mkdtemp(prefix="pg.", dir="/tmp"))  # short: a socket's path has 107 characters
    shutil.chown(folder, "postgres", "postgres")
    run = ["runuser", "-u", "postgres", "--"]
    control: list[str | Path] = [*run, PROGRAMS.with_name("pg_ctl"), "-D", folder / "data", "-w"]
    make: list[str | Path] = [*run, PROGRAMS, "-D", folder / "data", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    if kept is not None:
        make = ["cp", "-a", kept, folder / "data"]
    subprocess.run(make, check=True, capture_output=True, cwd="/")
    settings = " ".join(f"-c {option}" for option in ("listen_addresses=", f"unix_socket_directories={folder}", *options))
    try:
        subprocess.run([*control, "-o", settings, "-l", folder / "log", "start"], check=True, stdout=subprocess.DEVNULL, cwd="/")
        yield folder
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True, cwd="/")
        shutil.rmtree(folder)


def keep(folder: Path, to: Path) -> None:
    """End the one that is running in this folder, in order, and keep what it has for :func:`running`."""
    assert PROGRAMS is not None
    control: list[str | Path] = ["runuser", "-u", "postgres", "--", PROGRAMS.with_name("pg_ctl"), "-D", folder / "data", "-w"]
    subprocess.run([*control, "-m", "fast", "stop"], check=True, stdout=subprocess.DEVNULL, cwd="/")
    part = to.with_name(to.name + ".part")
    subprocess.run(["cp", "-a", folder / "data", part], check=True)
    part.rename(to)


def url(folder: Path, database: str) -> str:
    """The address of one of its databases."""
    return f"postgresql://postgres@/{database}?host={folder}"


def told(folder: Path, sql: str, database: str = "postgres") -> str:
    """What it answers to statements that the superuser gives."""
    psql = ["psql", "-h", str(folder), "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-qAt"]
    return subprocess.run(psql, input=sql, check=True, capture_output=True, text=True, cwd="/").stdout.strip()
