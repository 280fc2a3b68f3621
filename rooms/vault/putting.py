"""Putting a sealed recording away: encrypted into the store, read back, compared, and only then is the plain folder removed.

At any moment a recording is whole as a plain folder, or in the store, or both; what was cut off is taken up where it was. Originals are
removed here and in :func:`destroy`, and nowhere else.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from rooms.vault import cipher, locks
from rooms.vault.cipher import Part, Spoilt
from rooms.vault.contents import DERIVED, Contents, Entry, states
from rooms.vault.durable import sync
from rooms.vault.keys import KeyMissing
from rooms.vault.vault import PART_BYTES, NotThere, Vault, part_name, remove

TRIES = 5
Progress = Callable[[float], None]
_CHANGING = "changing"
_AWAY, _DESTROYED = ".put-away.", ".destroyed."


class NotAsSealed(Exception):
    """An original is not what its manifest states, so the folder is left as it is; the text names it."""


class StillChanging(Exception):
    """Files of the folder were written while it was put away, time and again."""


def put_away(vault: Vault, sitting: str, progress: Progress = lambda _: None) -> Contents | None:
    """Blocks; `progress` is told how much is done, 0 to 1, and may raise to break off. Returns what is stored now; None where there is
    neither a plain folder nor anything stored. Waits for those who use the folder. Again it changes nothing.

    Raises NotAsSealed, StillChanging, Spoilt (the store gives back something else), KeyMissing, StoreUnavailable, OSError.
    """
    with locks.locked(vault.run, f"{sitting}.list"):
        for _ in range(TRIES):
            folder = vault.plain(sitting)
            if folder is None:
                finish(vault, sitting)
                try:
                    return vault.contents(sitting)
                except NotThere:
                    return None
            before = states(folder)
            contents = _stored(vault, sitting, folder, list(before), progress)
            with _alone(vault, sitting, progress):
                if states(folder) != before:
                    continue
                _remove(folder, _AWAY)
                return contents
    raise StillChanging(sitting)


def take_in(vault: Vault, sitting: str, work: Path) -> None:
    """Keep what was added to a folder that was checked out, and what was derived anew. Raises Spoilt, KeyMissing, StoreUnavailable."""
    with locks.locked(vault.run, f"{sitting}.list"), changing(vault):
        contents, key = vault.contents(sitting), vault.key(sitting)
        known = contents.files
        fresh = [
            name
            for name, (size, modified_ns) in states(work).items()
            if name not in known
            or (name.startswith(f"{DERIVED}/") and (size, modified_ns) != (known[name].bytes, known[name].modified_ns))
        ]
        if fresh:
            added = {name: _put(vault, key, sitting, work, name, lambda _: None) for name in fresh}
            _put_list(vault, key, Contents(sitting, contents.part_bytes, {**known, **added}))


def destroy(vault: Vault, sitting: str) -> None:
    """Its key first, then everything else of it, plain or stored. Waits for those who use it; again it finishes what was cut off. That it
    may be destroyed, somebody else has decided. Raises StoreUnavailable, OSError."""
    with locks.locked(vault.run, f"{sitting}.list"), locks.locked(vault.run, f"{sitting}.use"), changing(vault):
        vault.forget_key(sitting)
        folder = vault.recordings / sitting
        if folder.is_dir():
            _remove(folder, _DESTROYED)
        finish(vault, sitting)
        if vault.store is not None:
            names = [name for name, _size in vault.store.list(f"{sitting}/")]
            for name in sorted(names, key=lambda name: name != f"{sitting}/list"):
                vault.store.delete(name)


def changing(vault: Vault) -> AbstractContextManager[None]:
    """While something is removed, added or wrapped anew: many at a time, none while somebody copies all there is."""
    return locks.locked(vault.run, _CHANGING, shared=True)


def unchanged(vault: Vault, limit_s: float) -> AbstractContextManager[None]:
    """While inside, nothing changes; for who copies all there is. Raises InUse where that cannot be had in time."""
    return locks.locked(vault.run, _CHANGING, limit_s=limit_s)


def finish(vault: Vault, sitting: str = "") -> list[str]:
    """Remove the rest of folders that were put away or destroyed when the process was killed; the names of them."""
    gone = []
    for beginning in (_AWAY, _DESTROYED):
        for path in sorted(vault.recordings.glob(f"{beginning}{sitting or '*'}")):
            remove(path)
            gone.append(path.name)
    return gone


@contextmanager
def _alone(vault: Vault, sitting: str, progress: Progress) -> Iterator[None]:
    """When nobody uses the folder any more, and nobody copies all there is. `progress` may break the waiting off."""
    with ExitStack() as held:
        for name, shared in ((f"{sitting}.use", False), (_CHANGING, True)):
            while True:
                with suppress(locks.InUse):
                    held.enter_context(locks.locked(vault.run, name, shared=shared, limit_s=1.0))
                    break
                progress(1.0)
        yield


def _stored(vault: Vault, sitting: str, folder: Path, names: list[str], progress: Progress) -> Contents:
    key = _key(vault, sitting)
    stated = vault.sealed_digests(sitting)
    for name in stated:
        if name not in names:
            raise NotAsSealed(f"{name}: the manifest names it, and it is not there")
    total = sum((folder / name).stat().st_size for name in names) or 1
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        progress(min(1.0, done / total))

    entries = {}
    for name in names:
        entry = _put(vault, key, sitting, folder, name, count)
        if stated.get(name, entry.sha256) != entry.sha256:
            raise NotAsSealed(f"{name}: it is not what was sealed")
        entries[name] = entry
    contents = Contents(sitting, PART_BYTES, entries)
    _put_list(vault, key, contents)
    return contents


def _key(vault: Vault, sitting: str) -> bytes:
    """The one that was made when it was begun before, or a new one; none is made anew where something is stored under a lost one."""
    try:
        return vault.key(sitting)
    except KeyMissing:
        if vault.is_stored(sitting) or vault.has_key(sitting):
            raise
    key = cipher.new_key()
    vault.keep_key(sitting, key)
    return key


def _put(vault: Vault, key: bytes, sitting: str, folder: Path, name: str, count: Callable[[int], None]) -> Entry:
    """A file, part by part, each of them read back and compared; what is there already is compared alone."""
    path = folder / name
    digest, size, number = hashlib.sha256(), 0, 0
    with path.open("rb") as file:
        about = os.fstat(file.fileno())
        while (plain := file.read(PART_BYTES)) or number == 0:
            part, to = Part(sitting, name, number), part_name(key, sitting, name, number)
            if not _has(vault, key, part, to, plain):
                vault.store_of().put(to, cipher.seal(key, part, plain))
                if not _has(vault, key, part, to, plain):
                    raise Spoilt(f"{name}, part {number}: {vault.store} gives back something else than it was given")
            digest.update(plain)
            size, number = size + len(plain), number + 1
            count(len(plain))
    return Entry(name, size, digest.hexdigest(), about.st_mtime_ns, about.st_mode & 0o777)


def _has(vault: Vault, key: bytes, part: Part, name: str, plain: bytes) -> bool:
    with suppress(FileNotFoundError, Spoilt):
        return cipher.open_whole(key, part, vault.store_of().get(name)) == plain
    return False


def _put_list(vault: Vault, key: bytes, contents: Contents) -> None:
    part = Part(contents.sitting, "list", 0)
    vault.store_of().put(f"{contents.sitting}/list", cipher.seal(key, part, contents.content))
    if vault.contents(contents.sitting) != contents:
        raise Spoilt(f"{contents.sitting}: {vault.store} gives back another list than it was given")


def _remove(folder: Path, beginning: str) -> None:
    """Out of the way at once, so that nobody ever finds half a folder."""
    away = folder.with_name(f"{beginning}{folder.name}")
    remove(away)  # of an earlier one that was killed
    folder.chmod(0o700)
    folder.rename(away)
    sync(folder.parent)
    remove(away)


def wrap_anew(vault: Vault, sitting: str, current: str) -> bool:
    """Have its key wrapped by the `current` key of the site, in both places; whether it was not so already. Raises KeyMissing,
    StoreUnavailable, OSError."""
    with locks.locked(vault.run, f"{sitting}.list"), changing(vault):
        if not vault.has_key(sitting) or all(found.by == current for found in vault.kept_keys(sitting)):
            return False
        vault.keep_key(sitting, vault.key(sitting))
        return True


def mend_key(vault: Vault, sitting: str) -> bool:
    """Put its wrapped key back where it is lost, from the other place; whether it was. Raises KeyMissing, StoreUnavailable, OSError."""
    with locks.locked(vault.run, f"{sitting}.list"), changing(vault):
        if not vault.is_stored(sitting) or len(vault.kept_keys(sitting)) == 2:
            return False
        vault.keep_key(sitting, vault.key(sitting))
        return True
