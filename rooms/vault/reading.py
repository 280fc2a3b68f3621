"""A stored recording as a folder that can be read, for those who read folders: only what is read of it is decrypted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from os import PathLike
from typing import IO, TYPE_CHECKING, Any

from rooms.vault.contents import Contents, Entry

if TYPE_CHECKING:
    from rooms.vault.cipher import Opened
    from rooms.vault.vault import Vault


class StoredFile(io.RawIOBase):
    """A stored file as one that can be read anywhere."""

    def __init__(self, vault: Vault, key: bytes, contents: Contents, entry: Entry) -> None:
        self._vault = vault
        self._key = key
        self._contents = contents
        self._entry = entry
        self._at = 0
        self._open: tuple[int, Opened] | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._entry.bytes}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._at >= self._entry.bytes and self._entry.bytes:
            return 0
        number, start = divmod(self._at, self._contents.part_bytes)
        if self._open is None or self._open[0] != number:
            self._open = number, self._vault.part(self._key, self._contents, self._entry, number)
        plain = self._open[1].read(start, len(buffer))
        buffer[: len(plain)] = plain
        self._at += len(plain)
        return len(plain)


class StoredPath(Traversable):
    """A name in a stored recording; the folder itself is the one without a name. It need not be there, as with a path."""

    def __init__(self, vault: Vault, sitting: str, at: str = "", opened: list[tuple[Contents, bytes]] | None = None) -> None:
        self._vault = vault
        self._sitting = sitting
        self._at = at
        self._opened: list[tuple[Contents, bytes]] = [] if opened is None else opened
        """the list of files once it was read: one for all names below a folder"""

    @property
    def name(self) -> str:
        return self._at.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self._sitting}/{self._at}" if self._at else self._sitting

    def joinpath(self, *descendants: str | PathLike[str]) -> StoredPath:
        return StoredPath(self._vault, self._sitting, "/".join(filter(None, (self._at, *map(str, descendants)))), self._opened)

    def __truediv__(self, child: str | PathLike[str]) -> StoredPath:
        return self.joinpath(child)

    def is_file(self) -> bool:
        """Raises Spoilt, KeyMissing, StoreUnavailable."""
        try:
            return self._at in self._contents()[0].files
        except FileNotFoundError:
            return False

    def is_dir(self) -> bool:
        """Raises Spoilt, KeyMissing, StoreUnavailable."""
        return any(True for _ in self.iterdir())

    def iterdir(self) -> Iterator[StoredPath]:
        """Raises Spoilt, KeyMissing, StoreUnavailable."""
        beginning = f"{self._at}/" if self._at else ""
        try:
            files = self._contents()[0].files
        except FileNotFoundError:
            return
        for name in sorted({file[len(beginning) :].partition("/")[0] for file in files if file.startswith(beginning)}):
            yield self.joinpath(name)

    def read_bytes(self) -> bytes:
        with self.open("rb") as file:
            content: bytes = file.read()
        return content

    def read_text(self, encoding: str | None = "utf-8") -> str:
        return self.read_bytes().decode(encoding or "utf-8")

    def open(self, mode: str = "r", *, encoding: str | None = "utf-8", errors: str | None = None) -> IO[Any]:
        """Raises NotThere, Spoilt, KeyMissing, StoreUnavailable; reading raises them too."""
        contents, key = self._contents()
        file = self._vault.opened(contents, key, self._at)
        if mode == "rb":
            return file
        if mode != "r":
            raise ValueError(f"{self} is read only, not opened as {mode!r}")
        return io.TextIOWrapper(file, encoding, errors)

    def _contents(self) -> tuple[Contents, bytes]:
        if not self._opened:
            self._opened.append(self._vault.unlocked(self._sitting))
        return self._opened[0]
