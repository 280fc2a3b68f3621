"""Sealed recordings, wherever they lie: as a plain folder, as encrypted objects in a store, or, while they are put away, as both.

Whoever reads one opens a file of it by name, in any range, or has the whole folder for the time of a job (:mod:`checkout`). A plain
folder that is there counts before what is stored: it is what was sealed.

In the store a sitting has ``<sitting>/key`` (its wrapped key), ``<sitting>/list`` (the encrypted list of its files) and, for each part of a
file, ``<sitting>/<hidden name>/<number>``. It is there from the moment at which its list is.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from rooms.vault import cipher
from rooms.vault.cipher import Opened, Part, Spoilt
from rooms.vault.contents import Contents, Entry, finished
from rooms.vault.durable import forget, write
from rooms.vault.keys import KeyMissing, KeyWrap, Wrapped
from rooms.vault.reading import StoredFile, StoredPath
from rooms.vault.store import Store

PART_BYTES = 16 << 20
"""Plain bytes of a part, except the last one of a file."""
MANIFEST = "manifest.json"
_LIST, _KEY = "list", "key"
AT_ONCE = 1 << 20


class NotThere(FileNotFoundError):
    """Neither a plain folder nor a store has it."""


@dataclass(frozen=True, slots=True)
class About:
    """A file of a recording: its plain size, and when it was written."""

    file: str
    bytes: int
    modified_ns: int


class Vault:
    """`recordings`: where the plain folders lie; `data`: where wrapped keys and checked-out folders do; `run`: where locks do. Without a
    store there are plain folders alone. Calls block unless they are coroutines: make them on a thread."""

    def __init__(self, recordings: Path, data: Path, run: Path, store: Store | None = None, wrap: KeyWrap | None = None) -> None:
        self.recordings = recordings
        self.store = store
        self._wrap = wrap
        self._keys = data / "keys"
        self.out = data / "checked-out"
        self.run = run / "vault"

    # -- reading ------------------------------------------------------------------------------------------------------

    def plain(self, sitting: str) -> Path | None:
        """Its plain folder, where there is one."""
        folder = self.recordings / checked_id(sitting)
        return folder if (folder / MANIFEST).is_file() else None

    def is_stored(self, sitting: str) -> bool:
        """Whether it lies in the store. Raises StoreUnavailable."""
        if self.store is None:
            return False
        try:
            return self.store.size(f"{checked_id(sitting)}/{_LIST}") > 0
        except FileNotFoundError:
            return False

    def files(self, sitting: str) -> dict[str, About]:
        """All its finished files. Raises NotThere, Spoilt, KeyMissing, StoreUnavailable."""
        folder = self.plain(sitting)
        if folder is not None:
            return {name: _about(folder, name) for name in finished(folder)}
        return {entry.file: About(entry.file, entry.bytes, entry.modified_ns) for entry in self.contents(sitting).files.values()}

    def find(self, sitting: str, name: str) -> About | None:
        """One of its files; None where it, or the recording, is not there. Raises Spoilt, KeyMissing, StoreUnavailable."""
        folder = self.plain(sitting)
        if folder is not None:
            path = folder / checked_name(name)
            return _about(folder, name) if path.is_file() else None
        try:
            entry = self.contents(sitting).files.get(name)
        except NotThere:
            return None
        return About(entry.file, entry.bytes, entry.modified_ns) if entry is not None else None

    def open(self, sitting: str, name: str) -> BinaryIO:
        """One of its files, to be read in any order. Raises NotThere, Spoilt, KeyMissing, StoreUnavailable; reading raises them too."""
        folder = self.plain(sitting)
        if folder is not None:
            with suppress(FileNotFoundError):  # unless it was put away just now
                return (folder / checked_name(name)).open("rb")
        return self.opened(*self.unlocked(sitting), name)

    def read(self, sitting: str, name: str) -> bytes:
        """All of one of its files, a small one. Raises like :meth:`open`."""
        with self.open(sitting, name) as file:
            return file.read()

    def folder(self, sitting: str) -> Traversable:
        """It as a folder that can be read, whether it is one or lies in the store; also where it is neither. What is done with its names
        raises Spoilt, KeyMissing, StoreUnavailable."""
        return self.plain(sitting) or StoredPath(self, checked_id(sitting))

    def contents(self, sitting: str) -> Contents:
        """What the store has of it. Raises NotThere, Spoilt, KeyMissing, StoreUnavailable."""
        return self.unlocked(sitting)[0]

    def part(self, key: bytes, contents: Contents, entry: Entry, number: int) -> Opened:
        """A stored part of a file. Raises Spoilt, StoreUnavailable."""
        store, name = self.store_of(), part_name(key, contents.sitting, entry.file, number)
        due = min(contents.part_bytes, entry.bytes - number * contents.part_bytes)

        def fetch(start: int, length: int) -> bytes:
            try:
                return store.get(name, start, length)
            except FileNotFoundError:
                raise Spoilt(f"{entry.file}, part {number}: it is gone from the store") from None

        opened = Opened(key, Part(contents.sitting, entry.file, number), fetch)
        if opened.bytes != due:
            raise Spoilt(f"{entry.file}, part {number}: it has {opened.bytes} bytes instead of {due}")
        return opened

    def stream(self, sitting: str, name: str) -> Iterator[bytes]:
        """All of one file, a megabyte at a time. Raises like :meth:`open`."""
        with self.open(sitting, name) as file:
            while chunk := file.read(AT_ONCE):
                yield chunk

    def opened(self, contents: Contents, key: bytes, name: str) -> BinaryIO:
        """A stored file. Raises NotThere; reading raises Spoilt, StoreUnavailable."""
        entry = contents.files.get(name)
        if entry is None:
            raise NotThere(f"{contents.sitting}: there is no file {name}")
        return io.BufferedReader(StoredFile(self, key, contents, entry), cipher.CHUNK_BYTES)

    def unlocked(self, sitting: str) -> tuple[Contents, bytes]:
        """What the store has of it, and its key. Raises NotThere, Spoilt, KeyMissing, StoreUnavailable."""
        store = self.store_of(sitting)
        try:
            sealed = store.get(f"{checked_id(sitting)}/{_LIST}")
        except FileNotFoundError:
            raise NotThere(f"{sitting}: there is no such recording") from None
        key = self.key(sitting)
        return Contents.read(cipher.open_whole(key, Part(sitting, _LIST, 0), sealed)), key

    def store_of(self, sitting: str = "") -> Store:
        """The store. Raises NotThere where there is none."""
        if self.store is None:
            raise NotThere(f"{sitting}: there is no such recording")
        return self.store

    # -- keys ---------------------------------------------------------------------------------------------------------

    def wrapped(self, sitting: str) -> Wrapped:
        """Its key as it is kept, from whichever of the two places has it. Raises KeyMissing, StoreUnavailable."""
        found = self._kept_here(sitting) or self._kept_there(sitting)
        if found is None:
            raise KeyMissing(f"sitting {sitting}: its key is gone")
        return found

    def kept_keys(self, sitting: str) -> list[Wrapped]:
        """The same of both places, of each that has it. Raises StoreUnavailable."""
        return [found for found in (self._kept_here(sitting), self._kept_there(sitting)) if found is not None]

    def _kept_here(self, sitting: str) -> Wrapped | None:
        with suppress(FileNotFoundError):
            return _whose((self._keys / f"{checked_id(sitting)}.json").read_bytes(), sitting)
        return None

    def _kept_there(self, sitting: str) -> Wrapped | None:
        with suppress(FileNotFoundError):
            return _whose(self.store_of().get(f"{checked_id(sitting)}/{_KEY}"), sitting)
        return None

    def has_key(self, sitting: str) -> bool:
        """Whether a wrapped key is kept anywhere, readable or not. Raises StoreUnavailable."""
        if (self._keys / f"{checked_id(sitting)}.json").exists():
            return True
        try:
            return self.store is not None and self.store.size(f"{sitting}/{_KEY}") >= 0
        except FileNotFoundError:
            return False

    def key(self, sitting: str) -> bytes:
        """Raises KeyMissing, StoreUnavailable."""
        if self._wrap is None:
            raise KeyMissing("nothing is set that unwraps keys")
        return self._wrap.unwrap(self.wrapped(sitting))

    def keep_key(self, sitting: str, key: bytes) -> Wrapped:
        """Wrap it by the present key of the site and keep it in both places. Raises KeyMissing, StoreUnavailable, OSError."""
        if self._wrap is None:
            raise KeyMissing("nothing is set that wraps keys")
        wrapped = self._wrap.wrap(sitting, key)
        self.store_of().put(f"{sitting}/{_KEY}", wrapped.content)
        write(self._keys / f"{checked_id(sitting)}.json", wrapped.content)
        return wrapped

    def forget_key(self, sitting: str) -> None:
        """For good, in both places. Raises StoreUnavailable."""
        forget(self._keys / f"{checked_id(sitting)}.json")
        if self.store is not None:
            self.store.delete(f"{sitting}/{_KEY}")

    def stored(self) -> list[str]:
        """Every sitting of which a key or a list lies in the store, or whose key is kept here. Raises StoreUnavailable."""
        names = {path.stem for path in self._keys.glob("*.json")}
        for name, _size in self.store.list() if self.store is not None else ():
            if name.endswith((f"/{_KEY}", f"/{_LIST}")):
                names.add(name.partition("/")[0])
        return sorted(names)

    def sealed_digests(self, sitting: str) -> dict[str, str]:
        """File → SHA-256 that its manifest states. Raises like :meth:`open`, ValueError."""
        manifest = json.loads(self.read(sitting, MANIFEST))
        return {str(row["file"]): str(row["sha256"]) for row in manifest["files"]}


def part_name(key: bytes, sitting: str, file: str, number: int) -> str:
    """The name of the object of a part."""
    return f"{sitting}/{cipher.hidden(key, file)}/{number:06d}"


def remove(folder: Path) -> None:
    """A whole folder, whose own directories may be read-only."""
    for at, folders, _names in os.walk(folder):
        for name in folders:
            with suppress(OSError):
                (Path(at) / name).chmod(0o700)
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _whose(content: bytes, sitting: str) -> Wrapped | None:
    """A wrapped key, if it is one of this sitting."""
    with suppress(KeyMissing):
        found = Wrapped.read(content)
        return found if found.sitting == sitting else None
    return None


def _about(folder: Path, name: str) -> About:
    found = (folder / checked_name(name)).stat()
    return About(name, found.st_size, found.st_mtime_ns)


def checked_name(name: str) -> PurePosixPath:
    """A name below the folder. Raises NotThere for one that leads out of it."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise NotThere(f"{name!r} is no name of a file of a recording")
    return path


def checked_id(sitting: str) -> str:
    """Raises NotThere for what is no id."""
    if not sitting or sitting.startswith(".") or not all(sign.isalnum() or sign in "-_" for sign in sitting):
        raise NotThere(f"{sitting!r} is no sitting")
    return sitting
