"""The machine a site runs on: directory, disk, fonts, clock, ffmpeg, SQLite, secrets."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dispatch.kernel_clock import discipline
from dispatch.operations import snapshot
from dispatch.operations.clock import Stepping
from dispatch.operations.findings import Finding, mend, note, ok
from dispatch.store.database import RESTORING, is_postgresql, place
from dispatch.store.migrate import head, is_known
from rooms.recording.fonts import find_font
from rooms.recording.running import ffmpeg_program

if TYPE_CHECKING:
    from dispatch.settings import Settings

LEAST_FREE_BYTES = 2 << 30
COMFORTABLE_BYTES = 20 << 30
HOUR_BYTES = 1_500_000_000
"""One hour of a hearing with six people at 500 kbit/s each, with its picture."""
NETWORK_DISKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs"})
LONGEST_SOCKET = 107
"""sun_path, unix(7)."""
OLDEST_SQLITE = (3, 37, 0)
PROGRAM_OF_YEAR = 2026
STEP_S = 0.25
FUTURE_S = 5.0
"""How far the newest row of the log may lie in the future of this clock."""
LIMIT_S = 30


def data_directory(settings: Settings) -> Finding:
    """Whether it is there, or can be made, can be written, and is on a disk that databases can live on."""
    item, data = "data", settings.data.absolute()
    longest = str(settings.run.resolve() / "recorder-feed.sock")
    if len(longest.encode()) > LONGEST_SOCKET:
        return mend(item, "long", path=data, n=len(longest.encode()) - LONGEST_SOCKET)
    if not data.exists():
        above = _nearest(data)
        return ok(item, "absent", path=data) if os.access(above, os.W_OK | os.X_OK) else mend(item, "unmakeable", path=data, above=above)
    if (data / RESTORING).exists():
        return mend(item, "interrupted", path=data)
    try:
        with tempfile.NamedTemporaryFile(prefix=".check-", dir=data) as file:
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return mend(item, "unwritable", path=data, why=error.strerror or error)
    kind = _filesystem(data)
    return mend(item, "network_disk", path=data, kind=kind) if kind in NETWORK_DISKS else ok(item, "well", path=data)


def disk(settings: Settings) -> Iterator[Finding]:
    """Space where data and recordings are kept, and where recordings go on whose disk fails: that has to be another."""
    seen: set[int] = set()
    second = settings.recordings_second
    for path in (settings.data, settings.recordings, *((second,) if second is not None else ())):
        at = _nearest(path.absolute())
        if path is second and at.stat().st_dev == _nearest(settings.recordings.absolute()).stat().st_dev:
            yield mend("disk", "same", path=at)
        if at.stat().st_dev in seen:
            continue
        seen.add(at.stat().st_dev)
        free = shutil.disk_usage(at).free
        about = {"path": at, "gb": f"{free / 1e9:.1f}", "hours": f"{free / HOUR_BYTES:.0f}"}
        if free < LEAST_FREE_BYTES:
            yield mend("disk", "full", **about)
        elif os.statvfs(at).f_files and os.statvfs(at).f_favail < 10_000:
            yield mend("disk", "inodes", path=at, n=os.statvfs(at).f_favail)
        else:
            yield note("disk", "little", **about) if free < COMFORTABLE_BYTES else ok("disk", "well", **about)


def secrets(settings: Settings) -> Finding:
    """Keys are for the server's user alone, and belong to whoever owns the data."""
    item, folder = "secrets", settings.secrets.absolute()
    if not folder.exists():
        return ok(item, "absent", path=folder)
    owner = settings.data.stat().st_uid
    for path in (folder, *sorted(folder.iterdir())):
        about = path.stat()
        public = path.suffix == ".crt"
        if about.st_uid != owner:
            return mend(item, "owner", path=path, data=settings.data.absolute())
        if not public and about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            return mend(item, "open", path=path, mode="700" if path.is_dir() else "600")
    return ok(item, "well", path=folder)


def database(settings: Settings) -> Iterator[Finding]:
    """SQLite itself, and both databases as they lie on the disk."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        yield mend("sqlite", "old", version=sqlite3.sqlite_version, oldest=".".join(map(str, OLDEST_SQLITE)))
        return
    log = settings.data.absolute() / snapshot.LOG
    main = None if is_postgresql(settings.database) else snapshot.database_path(settings)
    if main is None:
        yield note("sqlite", "elsewhere", place=place(settings.database))
    for path in (log,) if main is None else (main, log):
        if not path.exists():
            yield ok("sqlite", "absent", path=path)
            continue
        try:
            with closing(snapshot.connect(path)) as reading:
                found = str(reading.execute("PRAGMA quick_check(1)").fetchone()[0])
            revision = snapshot.revision(path) if path == main else head()
        except (sqlite3.Error, TypeError) as error:
            yield mend("sqlite", "damaged", path=path, why=error)
            continue
        if found != "ok":
            yield mend("sqlite", "damaged", path=path, why=found)
        elif not is_known(revision):
            yield mend("sqlite", "later", path=path)
        elif revision != head():
            yield note("sqlite", "earlier", path=path)
        else:
            yield ok("sqlite", "well", path=path, version=sqlite3.sqlite_version)


def font(settings: Settings) -> Finding:
    """A font for Chinese names on pictures."""
    found = find_font(settings.font or None)
    if found is not None:
        return ok("font", "well", path=found)
    return mend("font", "set_missing", path=settings.font) if settings.font else mend("font", "missing")


def ffmpeg(settings: Settings) -> Finding:
    """Runs it: a picture of a tenth of a second with a word on it, as the composite needs."""
    try:
        program = ffmpeg_program(settings.ffmpeg)
        version = _said(program, "-version").splitlines()[0].split()[2]
        if "libx264" not in _said(program, "-encoders"):
            return mend("ffmpeg", "no_encoder", program=program)
        if " drawtext " not in _said(program, "-filters"):
            return mend("ffmpeg", "no_drawtext", program=program)
        words = f"drawtext=text=A{f':fontfile={found}' if (found := find_font(settings.font or None)) else ''}"
        picture = ("-f", "lavfi", "-i", "color=size=64x64:duration=0.1:rate=25", "-vf", words, "-c:v", "libx264", "-f", "null", "-")
        _said(program, "-nostdin", *picture)
    except (OSError, RuntimeError, IndexError, subprocess.SubprocessError) as error:
        return mend("ffmpeg", "fails", program=settings.ffmpeg or "imageio-ffmpeg", why=_reason(error))
    return ok("ffmpeg", "well", program=program, version=version)


def clock(settings: Settings, watched: Stepping) -> Iterator[Finding]:
    """Whether the time can be right: the year, steps while we looked, the newest row of the log, and the time service."""
    now = datetime.now(UTC)
    newest = _newest(settings.data / snapshot.LOG)
    if now.year < PROGRAM_OF_YEAR:
        yield mend("clock", "past", at=f"{now:%Y-%m-%d %H:%M}")
    elif newest is not None and (newest - now).total_seconds() > FUTURE_S:
        yield mend("clock", "behind", at=f"{now:%Y-%m-%d %H:%M:%S}", newest=f"{newest:%Y-%m-%d %H:%M:%S}")
    elif abs(step := watched.stepped_s()) > STEP_S:
        yield mend("clock", "stepped", s=f"{step:+.1f}")
    else:
        local = now.astimezone(settings.zone)
        yield ok("clock", "well", at=f"{local:%Y-%m-%d %H:%M:%S}", zone=settings.time_zone)
    found = discipline()
    if found is None:
        yield note("clock", "unknown")
    elif not found.synchronised:
        yield note("clock", "unsynchronised")
    else:
        yield ok("clock", "synchronised", ms=f"{found.max_error_ms:.0f}")


def _newest(log: Path) -> datetime | None:
    """When the newest row of any sitting was written, None where there is no log or it cannot be read (said elsewhere)."""
    if not log.exists():
        return None
    try:
        with closing(snapshot.connect(log)) as reading:
            at_us = reading.execute("SELECT max(at_us) FROM event").fetchone()[0]
    except sqlite3.Error:
        return None
    return datetime.fromtimestamp(at_us / 1e6, UTC) if at_us else None


def _nearest(path: Path) -> Path:
    """`path`, or what exists above it."""
    while not path.exists():
        path = path.parent
    return path


def _filesystem(path: Path) -> str:
    """The type of the file system that `path` lies on, "" where it cannot be told (proc(5), mounts)."""
    at, found, longest = str(path.resolve()), "", -1
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for row in mounts:
        _, point, kind, *_ = row.split()
        point = point.replace("\\040", " ")
        if (at == point or at.startswith(point.rstrip("/") + "/")) and len(point) > longest:
            found, longest = kind, len(point)
    return found


def _said(program: str, *arguments: str) -> str:
    command = [program, "-hide_banner", *arguments]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=LIMIT_S, check=True).stdout


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        told = str(error.stderr or "").strip().splitlines()
        return told[-1] if told else f"exit code {error.returncode}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
