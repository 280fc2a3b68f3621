"""Stills of identities: sealed with their sitting, and found out when one is changed, taken away or put beside them."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
from pathlib import Path

import pytest

from rooms.log import GENESIS, Event, Row, chain
from rooms.recording import stills
from rooms.recording.seal import seal_folder
from rooms.verification.folder import verify
from tests.rooms.recording.folders import META, a_folder, flip, rewrite

FACE, DOCUMENT = b"\xff\xd8 a face", b"\xff\xd8 a document"
NOW_US = 1_790_000_000_000_000


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def a_sitting(tmp_path: Path, *kept: bytes) -> tuple[Path, Path]:
    """The folder of a sitting whose log states these stills, and the directory in which they are kept."""
    root, source = a_folder(tmp_path / "s1"), tmp_path / "stills"
    source.mkdir()
    rows: list[Row] = []
    for content in kept:
        (source / stills.name("s1", sha256(content))).write_bytes(content)
        event = Event("still_kept", 1, {"still": sha256(content), "bytes": len(content), "by": {"participant": "p1"}})
        rows.append(chain("s1", 1, len(rows) + 1, rows[-1].hash if rows else GENESIS, event))
    (root / "events.jsonl").write_text("".join(row.line() + "\n" for row in rows))
    return root, source


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A sealed folder with two stills; the directory that they came from is gone."""
    root, source = a_sitting(tmp_path, FACE, DOCUMENT)
    seal_folder(root, {"sitting": "s1", **META}, NOW_US, stills_dir=source)
    shutil.rmtree(source)
    return root


def problems(root: Path) -> list[tuple[str, str]]:
    return [(problem.code, problem.file) for problem in verify(root).problems]


def test_stills_are_originals_like_the_tracks(sealed: Path) -> None:
    named = {row["file"]: row["sha256"] for row in json.loads((sealed / "manifest.json").read_bytes())["files"]}
    assert {name: digest for name, digest in named.items() if name.startswith("stills/")} == {
        f"stills/{sha256(content)}.jpg": sha256(content) for content in (FACE, DOCUMENT)
    }
    assert problems(sealed) == []
    assert stat.S_IMODE((sealed / "stills").stat().st_mode) == 0o555
    assert {stat.S_IMODE(path.stat().st_mode) for path in (sealed / "stills").iterdir()} == {0o444}


def test_a_changed_still_is_named(sealed: Path) -> None:
    path = sealed / "stills" / f"{sha256(FACE)}.jpg"
    rewrite(path, flip(3))
    assert problems(sealed) == [("file_changed", f"stills/{path.name}")]


def test_a_still_that_was_taken_away_or_added_is_named(sealed: Path) -> None:
    (sealed / "stills").chmod(0o755)
    (sealed / "stills" / f"{sha256(FACE)}.jpg").unlink()
    (sealed / "stills" / "other.jpg").write_bytes(b"other")
    assert problems(sealed) == [("file_missing", f"stills/{sha256(FACE)}.jpg"), ("file_extra", "stills/other.jpg")]


def test_a_still_that_is_gone_before_sealing_or_is_not_what_the_log_says_is_stated_as_lost(tmp_path: Path) -> None:
    root, source = a_sitting(tmp_path, FACE, DOCUMENT)
    (source / stills.name("s1", sha256(FACE))).unlink()
    (source / stills.name("s1", sha256(DOCUMENT))).write_bytes(b"something else")
    seal_folder(root, {"sitting": "s1", **META}, NOW_US, stills_dir=source)
    report = verify(root)
    assert report.ok
    assert set(report.lost) >= {f"stills/{sha256(content)}.jpg" for content in (FACE, DOCUMENT)}


def test_stills_of_another_sitting_stay_where_they_are(tmp_path: Path) -> None:
    root, source = a_sitting(tmp_path, FACE)
    (source / stills.name("s2", sha256(DOCUMENT))).write_bytes(DOCUMENT)
    seal_folder(root, {"sitting": "s1", **META}, NOW_US, stills_dir=source)
    assert [path.name for path in (root / "stills").iterdir()] == [f"{sha256(FACE)}.jpg"]
