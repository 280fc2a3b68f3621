"""A package holds what was sealed, byte for byte, with what a third party needs; whatever is changed in it is found and named."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rfc8785

from rooms.log import canonical
from rooms.packaging.package import Contents, Given, PackageRefused, build
from rooms.recording.seal import digested, seal_folder
from rooms.verification.folder import verify
from tests.rooms.recording.folders import META, a_folder, flip, rewrite, sealed
from tests.rooms.recording.keys import AT_US
from tests.rooms.recording.time_stamps import LocalAuthority, stamped

NOW = datetime(2026, 9, 22, 8, tzinfo=UTC)
PAGES = {"verify.html": b"<!doctype html><title>verify</title>"}
ALSO = {"recording/manifest.sig.json": {"recording/manifest.tsr"}}
"""What is rightly named besides: the time-stamp is one of the signature."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("sealed")
    root = sealed(base)
    stamped(root, LocalAuthority(base / "tsa"))
    (root / "derived" / "composite.mp4").write_bytes(os.urandom(3000))
    return root


@pytest.fixture
def package(recording: Path, tmp_path: Path) -> Path:
    build(recording, tmp_path / "package", Given(PAGES), NOW)
    return tmp_path / "package"


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def changed_bytes(root: Path, count: int) -> Iterator[str]:
    """Change one byte after the other, each for a moment; what was not found, or found in another file."""
    chance = random.Random(seed := random.SystemRandom().getrandbits(32))
    names = files(root)
    for number in range(count):
        name = names[number % len(names)]
        position, bit = chance.randrange((root / name).stat().st_size), chance.randrange(8)
        rewrite(root / name, flip(position, bit))
        found = {problem.file for problem in verify(root).problems}
        rewrite(root / name, flip(position, bit))
        if name not in found or found - {name} - ALSO.get(name, set()):
            yield f"byte {position} bit {bit} of {name}: {found} (seed {seed})"


def test_the_package_is_checked_as_a_whole_and_is_good(package: Path) -> None:
    report = verify(package)
    assert report.complete, report.problems
    assert report.files == len(files(package)) - len({"package.json"}) - 5  # manifest, signature (two files), time-stamp (two files)


def test_the_originals_are_those_that_were_sealed(package: Path, recording: Path) -> None:
    inside = [name for name in files(recording) if not name.startswith("derived/")]
    assert files(package / "recording") == inside
    assert all((package / "recording" / name).read_bytes() == (recording / name).read_bytes() for name in inside)
    assert (package / "composite.mp4").read_bytes() == (recording / "derived" / "composite.mp4").read_bytes()


@pytest.mark.parametrize("count", [120, pytest.param(1000, marks=pytest.mark.long)])
def test_each_changed_byte_is_found_and_its_file_named(package: Path, count: int) -> None:
    assert list(changed_bytes(package, count)) == []
    assert verify(package).complete


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda root: (root / "composite.mp4").unlink(), "composite.mp4"),
        (lambda root: (root / "package.json").unlink(), "package.json"),
        (lambda root: (root / "more.txt").write_text("x"), "more.txt"),
        (lambda root: shutil.rmtree(root / "recording"), "recording/manifest.json"),
        (lambda root: (root / "recording" / "manifest.json").unlink(), "recording/manifest.json"),
    ],
)
def test_what_is_taken_away_or_added_is_named(package: Path, change: Callable[[Path], object], named: str) -> None:
    change(package)
    assert named in {problem.file for problem in verify(package).problems}


def test_a_time_stamp_that_was_taken_away_as_a_whole_is_missed(package: Path) -> None:
    for name in ("manifest.tsr", "manifest.stamp.json"):
        (package / "recording" / name).unlink()
    assert sorted((each.code, each.file) for each in verify(package).problems) == [
        ("file_missing", "recording/manifest.stamp.json"),
        ("file_missing", "recording/manifest.tsr"),
    ]


def test_a_package_of_what_nobody_stamped_misses_no_time_stamp(tmp_path: Path) -> None:
    build(sealed(tmp_path), tmp_path / "package", Given(PAGES), NOW)
    assert verify(tmp_path / "package").ok


def test_the_list_of_another_package_is_found(package: Path, tmp_path: Path) -> None:
    other = a_folder(tmp_path / "s2")
    seal_folder(other, {"sitting": "s2", **META}, AT_US)
    build(other, tmp_path / "other", Given(PAGES), NOW)
    (package / "package.json").unlink()
    shutil.copy(tmp_path / "other" / "package.json", package)
    assert ("package_other", "package.json") in {(problem.code, problem.file) for problem in verify(package).problems}


def test_the_archive_holds_the_same_and_other_programs_read_it(package: Path, recording: Path, tmp_path: Path) -> None:
    build(recording, tmp_path / "package.zip", Given(PAGES), NOW)
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "unpacked")
    assert files(tmp_path / "unpacked") == files(package)
    assert verify(tmp_path / "unpacked").complete


def test_progress_goes_up_to_the_end(recording: Path, tmp_path: Path) -> None:
    told: list[float] = []
    build(recording, tmp_path / "package", Given(PAGES), NOW, told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_no_package_is_made_of_what_is_no_longer_what_was_sealed(recording: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(recording, changed)
    track = next((changed / "tracks").iterdir())
    rewrite(track, flip(700))
    with pytest.raises(PackageRefused, match=track.name):
        build(changed, tmp_path / "package.zip", Given(PAGES), NOW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["changed"]


def test_what_a_manifest_names_outside_its_folder_is_not_taken_along(recording: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(recording, changed)
    (tmp_path / "secret").write_bytes(b"secret")
    row = {"file": "../secret", "bytes": 6, "sha256": hashlib.sha256(b"secret").hexdigest(), "sm3": ""}
    rewrite(changed / "manifest.json", lambda content: canonical(json.loads(content) | {"files": [row]}).encode())
    with pytest.raises(PackageRefused, match=r"\.\./secret, which is not in the folder"):
        build(changed, tmp_path / "package", Given(PAGES), NOW)
    assert not (tmp_path / "package").exists()


@pytest.mark.parametrize(
    "row", [{"file": "../../secret", "bytes": 6, "sha256": "", "sm3": ""}, {"file": "more.txt"}, {"bytes": 6}, "more.txt"]
)
def test_a_list_that_was_made_anew_with_whatever_rows_is_named_as_changed(package: Path, row: object) -> None:
    def anew(content: bytes) -> bytes:
        body = {key: value for key, value in json.loads(content).items() if not key.startswith("digest")}
        return bytes(rfc8785.dumps(digested({**body, "files": [row]})))

    rewrite(package / "package.json", anew)
    assert [(problem.code, problem.file) for problem in verify(package).problems] == [("package_changed", "package.json")]


def test_none_is_made_of_a_folder_that_was_not_sealed_nor_over_one_that_is_there(recording: Path, tmp_path: Path) -> None:
    with pytest.raises(PackageRefused, match="not sealed"):
        build(a_folder(tmp_path / "open"), tmp_path / "package", Given(PAGES), NOW)
    (tmp_path / "package").mkdir()
    with pytest.raises(PackageRefused, match="there already"):
        build(recording, tmp_path / "package", Given(PAGES), NOW)


# ------------------------------------------------------------------------------------------------ copies

ABOUT = {"number": "2026-0007", "content": "film", "receiver": "王律师", "unit": "云河律师事务所"}


@pytest.mark.parametrize("name", ["cover.html", "composite.mp4", "verify.html", "package.json"])
def test_a_copy_of_the_film_alone_is_held_against_its_list_and_is_never_called_the_original(
    recording: Path, tmp_path: Path, name: str
) -> None:
    seen: list[Contents] = []

    def cover(contents: Contents) -> bytes:
        seen.append(contents)
        return b"<!doctype html><title>cover</title>"

    build(recording, tmp_path / "copy", Given(PAGES, originals=False, about=ABOUT, cover=cover), NOW)
    assert files(tmp_path / "copy") == ["composite.mp4", "cover.html", "package.json", "verify.html"]
    report = verify(tmp_path / "copy")
    assert (report.ok, report.complete, report.unchecked, report.copy["receiver"]) == (True, False, ["originals"], "王律师")
    assert (seen[0].originals, [row["file"] for row in seen[0].around]) == ((), ["composite.mp4", "verify.html"])
    assert (seen[0].signed, bool(seen[0].stamped_at)) == (True, True)
    rewrite(tmp_path / "copy" / name, flip(20))
    assert name in {problem.file for problem in verify(tmp_path / "copy").problems}


def test_a_package_whose_originals_were_taken_out_is_not_taken_for_a_copy_of_the_film(recording: Path, tmp_path: Path) -> None:
    build(recording, tmp_path / "copy", Given(PAGES, about=ABOUT | {"content": "package"}), NOW)
    report = verify(tmp_path / "copy")
    assert (report.ok, report.copy["number"]) == (True, "2026-0007")
    for path in sorted((tmp_path / "copy" / "recording").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "copy" / "recording").rmdir()
    assert "manifest_missing" in {problem.code for problem in verify(tmp_path / "copy").problems}


def test_the_cover_lists_every_original_with_both_digests(recording: Path, tmp_path: Path) -> None:
    seen: list[Contents] = []
    given = Given(PAGES, about=ABOUT, cover=lambda contents: seen.append(contents) or b"cover")  # type: ignore[func-returns-value]
    listed = build(recording, tmp_path / "copy", given, NOW)
    manifest = json.loads((recording / "manifest.json").read_bytes())
    assert [row["sha256"] for row in seen[0].originals] == [row["sha256"] for row in manifest["files"]]
    assert seen[0].manifest_sha256 == listed["manifest_sha256"]
    assert next(row for row in listed["files"] if row["file"] == "cover.html")["sha256"] == hashlib.sha256(b"cover").hexdigest()
