"""Makes a case-file package of a sealed recording: a folder, or the same as one .zip file or as an image for a disc (.iso).

::

    verify.html          checks the package in any browser, without network
    cover.html           the cover sheet, to be printed; of a copy
    composite.mp4        the film, where it was made; in a copy with the receiver's watermark
    package.json         what lies around the recording, with digests, and which manifest it was made for
    recording/           the sealed folder, byte for byte: originals, log, manifest, signature, time-stamp; not in a copy of the film alone

``package.json`` is canonical JSON with its own digests, as the manifest is; nobody signs it, as it vouches for nothing: the film is made
from the originals, and what the originals were, manifest and signature say. Its `seals` say which files of signature and time-stamp the
recording had: a manifest cannot say that it was stamped afterwards, so that a time-stamp that was taken away would not be missed. Originals
cannot carry a mark: of a copy the list and the cover sheet name the receiver. Each original is digested while it is copied, so that a
package is never made of one that is no longer what was sealed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import rfc8785

from rooms.packaging import iso
from rooms.recording.rolling import Rolling, described, digests_of
from rooms.recording.seal import CHUNK_BYTES, FORMAT, digested
from rooms.recording.signature import CMS, SIGNATURE
from rooms.recording.stamp import ANSWER, STAMP

LIST = "package.json"
COVER = "cover.html"
INSIDE = "recording"
FILM = "composite.mp4"
SEALS = ("manifest.json", SIGNATURE, CMS, STAMP, ANSWER)

Progress = Callable[[float], None]
"""Is told how much is done, 0 to 1."""


class PackageRefused(Exception):
    """No package was made, and nothing is left of it; the text says why."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a cover sheet is made of: the sealed `manifest` with its digests, what was copied of it (`originals`) and what lies around
    it (`around`), each {"file", "bytes", "sha256", "sm3"}; what is said of the copy; when a time-stamp says that it was there."""

    manifest: Mapping[str, Any]
    manifest_sha256: str
    manifest_sm3: str
    originals: tuple[Mapping[str, Any], ...]
    around: tuple[Mapping[str, Any], ...]
    about: Mapping[str, Any]
    stamped_at: str
    signed: bool


@dataclass(frozen=True, slots=True)
class Given:
    """What is put into a package. `pages`: beside the recording, by name; `film`: instead of the one that was made from the recording;
    `originals`: whether they are among it; `about`: what the list says of the copy, if it is one; `cover`: makes the cover sheet of what
    the package holds, and is put in as COVER."""

    pages: Mapping[str, bytes]
    film: Path | None = None
    originals: bool = True
    about: Mapping[str, Any] = field(default_factory=dict)
    cover: Callable[[Contents], bytes] | None = None


def build(recording: Path, target: Path, given: Given, now: datetime, progress: Progress = lambda _: None) -> dict[str, Any]:
    """Make the package at `target`, which must not be there: a file if its name ends in ``.zip`` or ``.iso``, or else a folder.

    Returns ``package.json``. Raises PackageRefused, OSError.
    """
    if target.exists():
        raise PackageRefused(f"{target} is there already")
    part, staged = target.with_name(f".{target.name}.part"), target.with_name(f".{target.name}.folder")
    for left in (part, staged):
        remove(left)
    is_image = target.suffix == ".iso"
    try:
        writer: _Folder | _Zip = _Zip(part, now) if target.suffix == ".zip" else _Folder(staged if is_image else part)
        with contextlib.closing(writer):
            made = _fill(recording, writer, given, now, (lambda done: progress(done / 2)) if is_image else progress)
        if is_image:
            iso.master(staged, part, label_of(given.about), lambda done: progress(0.5 + done / 2))
        os.replace(part, target)
    finally:
        for left in (part, staged):
            remove(left)
    progress(1.0)
    return made


def label_of(about: Mapping[str, Any]) -> str:
    """The name of a disc: COPY_2026_0007, RECORDING where it is no copy of a number."""
    return f"COPY_{str(about['number']).replace('-', '_')}"[:16] if about.get("number") else "RECORDING"


def remove(path: Path) -> None:
    """Take away a file, or a folder with everything in it, of which none may be written."""
    if path.is_dir() and not path.is_symlink():
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


def _fill(recording: Path, writer: _Folder | _Zip, given: Given, now: datetime, progress: Progress) -> dict[str, Any]:
    content, manifest = _manifest(recording)
    originals: list[dict[str, Any]] = manifest["files"] if given.originals else []
    film = given.film or recording / "derived" / FILM
    try:
        sizes = {row["file"]: (recording / row["file"]).stat().st_size for row in originals}
    except FileNotFoundError as error:
        raise PackageRefused(f"{error.filename} is missing") from None
    total, done = sum(sizes.values()) + (film.stat().st_size if film.exists() else 0), 0

    def told(chunk: bytes) -> None:
        nonlocal done
        done += len(chunk)
        progress(min(done / total, 1.0) if total else 1.0)

    for row in originals:
        name, rolling = row["file"], Rolling()
        writer.put(f"{INSIDE}/{name}", _read(recording / name, rolling, told), sizes[name])
        if rolling.digests()["sha256"] != row["sha256"]:
            raise PackageRefused(f"{recording / name} is not what was sealed")
    seals = [name for name in SEALS if given.originals and (recording / name).exists()]
    for name in seals:
        raw = content if name == "manifest.json" else (recording / name).read_bytes()
        writer.put(f"{INSIDE}/{name}", iter((raw,)), len(raw))
    rows = []
    if film.exists():
        rolling = Rolling()
        writer.put(FILM, _read(film, rolling, told), film.stat().st_size)
        rows.append(described(FILM, rolling))
    pages = dict(given.pages)
    for name, page in pages.items():
        rows.append(_page(writer, name, page))
    if given.cover is not None:
        rows.append(_page(writer, COVER, given.cover(_contents(recording, content, manifest, originals, rows, given.about))))
    listed = _listed(str(manifest["sitting"]), content, sorted(rows, key=lambda row: str(row["file"])), seals, given.about, now)
    raw = rfc8785.dumps(listed)
    writer.put(LIST, iter((raw,)), len(raw))
    return listed


def _manifest(recording: Path) -> tuple[bytes, dict[str, Any]]:
    try:
        content = (recording / "manifest.json").read_bytes()
        manifest: dict[str, Any] = json.loads(content)
        names = [row["file"] for row in manifest["files"] if row["sha256"] and manifest["sitting"]]
        if outside := [name for name in names if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]:
            raise ValueError(f"it names {outside[0]}, which is not in the folder")
    except FileNotFoundError:
        raise PackageRefused(f"{recording} is not sealed") from None
    except (ValueError, KeyError, TypeError) as error:
        raise PackageRefused(f"{recording}: its manifest cannot be read: {error}") from None
    return content, manifest


def _page(writer: _Folder | _Zip, name: str, page: bytes) -> dict[str, Any]:
    rolling = Rolling()
    rolling.add(page)
    writer.put(name, iter((page,)), len(page))
    return described(name, rolling)


def _contents(
    recording: Path,
    content: bytes,
    manifest: Mapping[str, Any],
    originals: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
) -> Contents:
    try:
        stamped_at = str(json.loads((recording / STAMP).read_bytes())["at"])
    except (OSError, ValueError, KeyError, TypeError):
        stamped_at = ""
    whole, signed = digests_of(content), (recording / SIGNATURE).exists()
    return Contents(manifest, whole["sha256"], whole["sm3"], tuple(originals), tuple(rows), about, stamped_at, signed)


def _listed(
    sitting: str, content: bytes, rows: list[dict[str, Any]], seals: list[str], about: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "format": FORMAT,
        "sitting": sitting,
        "made_at": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "manifest_sha256": hashlib.sha256(content).hexdigest(),
        "files": rows,
        "seals": seals,
    }
    return digested(body | ({"copy": dict(about)} if about else {}))


def _read(path: Path, rolling: Rolling, told: Callable[[bytes], None]) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            rolling.add(chunk)
            yield chunk
            told(chunk)
