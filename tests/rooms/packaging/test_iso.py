"""The image for a disc: everybody reads it, by the names that the files have, and what is read is what was put in."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pycdlib
import pytest

from rooms.packaging.iso import JOLIET_LONGEST, master
from rooms.packaging.package import Given, build
from rooms.verification.folder import verify
from tests.rooms.recording.folders import sealed

NOW = datetime(2026, 9, 22, 8, tzinfo=UTC)
PAGES = {"verify.html": b"<!doctype html><title>verify</title>"}
LONG = "a" * 64 + ".jpg"
"""As stills are called: by their digest."""


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def read(image: Path, by: str) -> dict[str, bytes]:
    """Everything in an image by one of its trees: "rr", "joliet", "udf"."""
    disc = pycdlib.PyCdlib()
    disc.open(str(image))
    found: dict[str, bytes] = {}
    for folder, _folders, names in disc.walk(**{f"{by}_path": "/"}):
        for name in names:
            path, content = f"{folder.rstrip('/')}/{name}", io.BytesIO()
            disc.get_file_from_iso_fp(content, **{f"{by}_path": path})
            found[path.lstrip("/")] = content.getvalue()
    disc.close()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "package"
    (root / "recording" / "tracks").mkdir(parents=True)
    (root / "recording" / "tracks" / "0001-camera-e1.mkv").write_bytes(os.urandom(70_000))
    (root / "recording" / "manifest.json").write_text('{"名": 1}', encoding="utf-8")
    (root / "说明.txt").write_text("卷宗", encoding="utf-8")
    return root


def test_unix_and_windows_read_every_file_by_its_own_name(folder: Path, tmp_path: Path) -> None:
    told: list[float] = []
    assert not master(folder, tmp_path / "a.iso", "COPY_2026_0007", told.append)
    assert read(tmp_path / "a.iso", "rr") == read(tmp_path / "a.iso", "joliet") == files(folder)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_large_file_or_a_long_name_makes_it_a_bridge_to_udf(folder: Path, tmp_path: Path) -> None:
    assert master(folder, tmp_path / "large.iso", "COPY", udf_from=60_000)
    assert read(tmp_path / "large.iso", "udf") == read(tmp_path / "large.iso", "joliet") == files(folder)
    assert len(LONG) > JOLIET_LONGEST
    (folder / "recording" / LONG).write_bytes(b"\xff\xd8")
    assert master(folder, tmp_path / "long.iso", "COPY")
    assert read(tmp_path / "long.iso", "udf") == read(tmp_path / "long.iso", "rr") == files(folder)


@contextmanager
def mounted(image: Path, at: Path) -> Iterator[Path]:
    """The image as the system shows it. Skips where nobody may mount."""
    at.mkdir()
    done = subprocess.run(["mount", "-o", "loop,ro", str(image), str(at)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)


def test_a_package_is_whole_on_a_mounted_disc(tmp_path: Path) -> None:
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root may mount")
    root = sealed(tmp_path)
    (root / "derived" / "composite.mp4").write_bytes(os.urandom(3000))
    build(root, tmp_path / "package.iso", Given(PAGES), NOW)
    with mounted(tmp_path / "package.iso", tmp_path / "disc") as disc:
        assert verify(disc).ok
        assert (disc / "verify.html").read_bytes() == PAGES["verify.html"]
        assert not os.access(disc / "package.json", os.W_OK) or os.statvfs(disc).f_flag & os.ST_RDONLY


def test_a_package_read_from_its_image_is_whole(tmp_path: Path) -> None:
    root = sealed(tmp_path)
    told: list[float] = []
    build(root, tmp_path / "package.iso", Given(PAGES), NOW, told.append)
    for name, content in read(tmp_path / "package.iso", "rr").items():
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert verify(tmp_path / "out").ok
    assert (told, told[-1]) == (sorted(told), 1.0)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == [], "nothing is left beside it"
