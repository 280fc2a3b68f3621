"""A recording as a plain folder: for the time of a job, or for good where somebody takes it out.

What is written out of the store lies in a private directory and is gone when the job ends; what a process left that was killed meanwhile
is removed at the next start.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from rooms.vault import locks, putting
from rooms.vault.contents import Contents, Entry, finished
from rooms.vault.durable import make_folder
from rooms.vault.vault import Vault, checked_id, checked_name, remove

SPARE_BYTES = 64 << 20
"""Must stay free where a folder is checked out, beside what it takes."""


class NoRoom(OSError):
    """The disk has no room for a folder that shall be checked out."""


@asynccontextmanager
async def checked_out(vault: Vault, sitting: str, only: Callable[[str], bool] | None = None) -> AsyncIterator[Path]:
    """The recording as a plain folder, or of a stored one only the files wanted. What is added to it, or made anew in ``derived``, is
    kept when the context ends well; originals are not to be touched. Nobody puts it away or destroys it meanwhile.

    Raises NotThere, NoRoom, Spoilt, KeyMissing, StoreUnavailable.
    """
    held = await asyncio.to_thread(locks.acquire, vault.run, f"{checked_id(sitting)}.use", shared=True)
    try:
        folder = await asyncio.to_thread(vault.plain, sitting)
        if folder is not None:
            yield folder
            return
        work, out = await asyncio.to_thread(_check_out, vault, sitting, only)
        try:
            yield work
            await asyncio.to_thread(putting.take_in, vault, sitting, work)
        finally:
            await asyncio.to_thread(remove, work)
            os.close(out)
    finally:
        os.close(held)


def _check_out(vault: Vault, sitting: str, only: Callable[[str], bool] | None) -> tuple[Path, int]:
    contents, key = vault.unlocked(sitting)
    wanted = [entry for entry in contents.files.values() if only is None or only(entry.file)]
    make_folder(vault.out)
    needed, free = sum(entry.bytes for entry in wanted), shutil.disk_usage(vault.out).free
    if free < needed + SPARE_BYTES:
        raise NoRoom(f"{vault.out}: the recording takes {needed / 1e6:.0f} MB there, {free / 1e6:.0f} MB are free")
    work = vault.out / f"{sitting}.{secrets.token_hex(4)}"
    out = locks.acquire(vault.out, f"{work.name}.lock")
    try:
        work.mkdir(mode=0o700)
        (work / "derived").mkdir()
        _decrypt(vault, contents, key, wanted, work)
    except BaseException:
        remove(work)
        os.close(out)
        raise
    return work, out


def _decrypt(vault: Vault, contents: Contents, key: bytes, wanted: Iterable[Entry], folder: Path) -> None:
    """Write these files, as they were. Raises Spoilt, StoreUnavailable, OSError."""
    for entry in wanted:
        path = folder / checked_name(entry.file)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(path, "xb") as file:
            for number in range(contents.parts(entry)):
                part = vault.part(key, contents, entry, number)
                file.write(part.read(0, part.bytes))
        os.utime(path, ns=(entry.modified_ns, entry.modified_ns))
        path.chmod(entry.mode)


def write_out(vault: Vault, sitting: str, target: Path) -> None:
    """A recording as a plain folder at `target`, which must not be there. Raises NotThere, FileExistsError, Spoilt, KeyMissing,
    StoreUnavailable; nothing is left at `target` then."""
    part = target.with_name(f".{target.name}.part")
    if target.exists():
        raise FileExistsError(f"{target} is there already")
    part.mkdir(mode=0o700, parents=True)
    try:
        folder = vault.plain(sitting)
        if folder is None:
            contents, key = vault.unlocked(sitting)
            _decrypt(vault, contents, key, contents.files.values(), part)
        else:
            for name in finished(folder):
                (part / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(folder / name, part / name)
        part.rename(target)
    finally:
        remove(part)


def tidy(vault: Vault) -> list[str]:
    """Remove what processes that were killed left checked out, half removed or half destroyed; the names of it. For a start."""
    gone = putting.finish(vault)
    for path in sorted(vault.out.glob("*.lock")) if vault.out.is_dir() else ():
        with suppress(locks.InUse), locks.locked(vault.out, path.name, limit_s=0):
            if (work := path.with_suffix("")).exists():
                remove(work)
                gone.append(work.name)
            path.unlink()
    return gone
