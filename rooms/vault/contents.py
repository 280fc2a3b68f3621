"""What a sealed folder holds: the files that are finished, and the list of them that a store keeps."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

DERIVED = "derived"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file by its name below the folder. `sha256` is of the plain bytes, as they were when they were put away; `modified_ns`: when it was
    last written; `mode`: who may do what with it."""

    file: str
    bytes: int
    sha256: str
    modified_ns: int
    mode: int


@dataclass(frozen=True)
class Contents:
    """All files of a stored recording, and of how many plain bytes each part of them is."""

    sitting: str
    part_bytes: int
    files: Mapping[str, Entry]

    @property
    def content(self) -> bytes:
        """As it is written, before it is encrypted."""
        rows = [asdict(entry) for _, entry in sorted(self.files.items())]
        return json.dumps({"format": 1, "sitting": self.sitting, "part_bytes": self.part_bytes, "files": rows}).encode()

    @classmethod
    def read(cls, content: bytes) -> Contents:
        """Inverse of `content`; what is read is authentic already."""
        row = json.loads(content)
        return cls(row["sitting"], row["part_bytes"], {each["file"]: Entry(**each) for each in row["files"]})

    def parts(self, entry: Entry) -> int:
        """How many parts a file has; an empty one has one."""
        return max(1, -(-entry.bytes // self.part_bytes))


def finished(root: Path) -> Iterator[str]:
    """The names of the originals, of manifest, signature and stamp, and of what was derived and is finished, in order."""
    for at, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(at) / name
            derived = path.relative_to(root).parts[0] == DERIVED
            unfinished = name.startswith(".") or (derived and (name.endswith(".part") or name == "progress"))
            if not unfinished and path.is_file() and not path.is_symlink():
                yield path.relative_to(root).as_posix()


def states(root: Path) -> dict[str, tuple[int, int]]:
    """Size and time of each finished file, by which a change shows."""
    found = {}
    for name in finished(root):
        about = (root / name).stat()
        found[name] = about.st_size, about.st_mtime_ns
    return found
