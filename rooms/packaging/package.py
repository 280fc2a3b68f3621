"""Makes a case-file package of a sealed recording: a folder, or the same as one .zip file.

::

    verify.html          checks the package in any browser, without network
    composite.mp4        the film, where it was made
    package.json         what lies around the recording, with digests, and which manifest it was made for
    recording/           the sealed folder, byte for byte: originals, log, manifest, signature, time-stamp

``package.json`` is canonical JSON with its own digests, as the manifest is; nobody signs it, as it vouches for nothing: the film is made
from the originals, and what the originals were, manifest and signature say. Each original is digested while it is copied, so that a
package is never made of one that is no longer what was sealed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import rfc8785

from rooms.recording.rolling import Rolling, described
from rooms.recording.seal import CHUNK_BYTES, FORMAT, digested
from rooms.recording.signature import CMS, SIGNATURE
from rooms.recording.stamp import ANSWER, STAMP

LIST = "package.json"
INSIDE = "recording"
FILM = "composite.mp4"
SEALS = ("manifest.json", SIGNATURE, CMS, STAMP, ANSWER)

Progress = Callable[[float], None]
"""Is told how much is done, 0 to 1."""


class PackageRefused(Exception):
    """No package was made, and nothing is left of it; the text says why."""


def build(recording: Path, target: Path, pages: Mapping[str, bytes], now: datetime, progress: Progress = lambda _: None) -> dict[str, Any]:
    """Make the package at `target`, which must not be there: a file if its name ends in ``.zip``, or else a folder.

    `pages` are put beside the recording, by name. Returns ``package.json``. Raises PackageRefused, OSError.
    """
    if target.exists():
        raise PackageRefused(f"{target} is there already")
    part = target.with_name(f".{target.name}.part")
    _remove(part)
    try:
        writer: _Folder | _Zip = _Zip(part, now) if target.suffix == ".zip" else _Folder(part)
        with contextlib.closing(writer):
            made = _fill(recording, writer, pages, now, progress)
        os.replace(part, target)
    finally:
        _remove(part)
    return made


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class _Folder:
    """Files are written below a new folder, and nobody may write them afterwards."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True)

    def put(self, name: str, chunks: Iterator[bytes], _size: int) -> None:
        path = self._path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        with open(path, "xb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        path.chmod(0o444)

    def close(self) -> None:
        pass


class _Zip:
    """Files are stored in one archive as they are: film and tracks are compressed already."""

    def __init__(self, path: Path, now: datetime) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._zip = zipfile.ZipFile(path, "x", zipfile.ZIP_STORED, allowZip64=True)
        self._at = now.astimezone(UTC).timetuple()[:6]

    def put(self, name: str, chunks: Iterator[bytes], size: int) -> None:
        about = zipfile.ZipInfo(name, self._at)
        about.external_attr = 0o100444 << 16
        about.file_size = size
        with self._zip.open(about, "w") as file:
            for chunk in chunks:
                file.write(chunk)

    def close(self) -> None:
        self._zip.close()


def _fill(recording: Path, writer: _Folder | _Zip, pages: Mapping[str, bytes], now: datetime, progress: Progress) -> dict[str, Any]:
    try:
        content = (recording / "manifest.json").read_bytes()
        manifest = json.loads(content)
        sitting = str(manifest["sitting"])
        originals: dict[str, str] = {row["file"]: row["sha256"] for row in manifest["files"]}
        if outside := [name for name in originals if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]:
            raise ValueError(f"it names {outside[0]}, which is not in the folder")
    except FileNotFoundError:
        raise PackageRefused(f"{recording} is not sealed") from None
    except (ValueError, KeyError, TypeError) as error:
        raise PackageRefused(f"{recording}: its manifest cannot be read: {error}") from None
    film = recording / "derived" / FILM
    try:
        sizes = {name: (recording / name).stat().st_size for name in originals}
    except FileNotFoundError as error:
        raise PackageRefused(f"{error.filename} is missing") from None
    total, done = sum(sizes.values()) + (film.stat().st_size if film.exists() else 0), 0

    def told(chunk: bytes) -> None:
        nonlocal done
        done += len(chunk)
        progress(min(done / total, 1.0) if total else 1.0)

    for name, sha256 in originals.items():
        rolling = Rolling()
        writer.put(f"{INSIDE}/{name}", _read(recording / name, rolling, told), sizes[name])
        if rolling.digests()["sha256"] != sha256:
            raise PackageRefused(f"{recording / name} is not what was sealed")
    for name in SEALS:
        if (recording / name).exists():
            raw = content if name == "manifest.json" else (recording / name).read_bytes()
            writer.put(f"{INSIDE}/{name}", iter((raw,)), len(raw))
    rows = []
    if film.exists():
        rolling = Rolling()
        writer.put(FILM, _read(film, rolling, told), film.stat().st_size)
        rows.append(described(FILM, rolling))
    for name, page in pages.items():
        rolling = Rolling()
        rolling.add(page)
        writer.put(name, iter((page,)), len(page))
        rows.append(described(name, rolling))
    listed = _listed(sitting, content, sorted(rows, key=lambda row: str(row["file"])), now)
    raw = rfc8785.dumps(listed)
    writer.put(LIST, iter((raw,)), len(raw))
    progress(1.0)
    return listed


def _listed(sitting: str, content: bytes, rows: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
    return digested(
        {
            "format": FORMAT,
            "sitting": sitting,
            "made_at": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "manifest_sha256": hashlib.sha256(content).hexdigest(),
            "files": rows,
        }
    )


def _read(path: Path, rolling: Rolling, told: Callable[[bytes], None]) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            rolling.add(chunk)
            yield chunk
            told(chunk)
