"""A case-file package around a sealed folder: ``package.json`` and what it lists, such as the film and the page that verifies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rooms.verification import explanation
from rooms.verification.canonical import canonical
from rooms.verification.digests import HAS_SM3, digests_of_file, sm3_of
from rooms.verification.report import Report

LIST = "package.json"
INSIDE = "recording"
_DIGESTS = ("digest", "digest_sm3")


def is_package(path: Path) -> bool:
    """Whether `path` is the folder of a package, or was one before its list or its recording was taken away."""
    return (path / INSIDE / "manifest.json").is_file() or ((path / LIST).is_file() and not (path / "manifest.json").exists())


def is_film(path: Path) -> bool:
    """Whether the package is, by its own word, a copy of the film alone, and holds nothing of a recording."""
    try:
        said = json.loads((path / LIST).read_bytes())["copy"]["content"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return said in ("film", "span") and not (path / INSIDE).exists()


def check_film(path: Path) -> Report:
    """A copy of the film alone, against its list: what was sealed is not there to be checked."""
    report = Report(path, unchecked=["originals"])
    listed = _around(path, report)
    if listed is not None:
        report.manifest_sha256, report.sitting = str(listed["manifest_sha256"]), str(listed.get("sitting", ""))
    return report


def check(path: Path, report: Report) -> None:
    """Look at what lies around the recording, whose `report` is at hand; that one's files are named from here on as in the package."""
    report.path = path
    report.problems = [replace(problem, file=f"{INSIDE}/{problem.file}") for problem in report.problems]
    changed = any(problem.file == f"{INSIDE}/manifest.json" for problem in report.problems)
    listed = _around(path, report)
    if listed is None or changed:
        return
    if any(row["file"] == explanation.FILE for row in listed["files"]):
        manifest = json.loads((path / INSIDE / "manifest.json").read_bytes())
        report.explained = explanation.check(path, manifest, report.manifest_sha256, report.add)
    if listed["manifest_sha256"] != report.manifest_sha256:
        report.add("package_other", LIST)
    named = {problem.file for problem in report.problems}
    for name in (f"{INSIDE}/{each}" for each in listed.get("seals", ())):
        if name not in named and not (path / name).is_file():
            report.add("file_missing", name)


def _around(path: Path, report: Report) -> dict[str, Any] | None:
    """Hold the list against what lies in the package beside the recording; the list, where it is whole."""
    try:
        raw = (path / LIST).read_bytes()
    except OSError:
        report.add("package_missing", LIST)
        return None
    try:
        listed: dict[str, Any] = json.loads(raw)
        body = canonical({key: value for key, value in listed.items() if key not in _DIGESTS})
        whole = canonical(listed) == raw and listed["digest"] == hashlib.sha256(body).hexdigest()
        whole = whole and (not HAS_SM3 or listed["digest_sm3"] == sm3_of(body))
        whole = whole and bool(listed["manifest_sha256"]) and all(_is_beside(row) for row in listed["files"])
        whole = whole and all(isinstance(name, str) and Path(name).name == name for name in listed.get("seals", ()))
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        report.add("package_changed", LIST)
        return None
    copy = listed.get("copy")
    if isinstance(copy, dict):
        report.copy = {name: str(copy.get(name, "")) for name in ("number", "receiver", "unit", "content")}
    for row in listed["files"]:
        _check_file(path, row, report)
    named = {LIST, INSIDE, *(row["file"] for row in listed["files"])}
    for name in sorted(each.name for each in path.iterdir()):
        if name not in named:
            report.add("file_extra", name)
    return listed


def _is_beside(row: Mapping[str, Any]) -> bool:
    """Whether a row names a file that lies in the package itself, with all that is said of one. Whoever changed the list may have given it
    new digests: nobody signs them."""
    name = row["file"]
    return isinstance(name, str) and Path(name).name == name and {"bytes", "sha256", "sm3"} <= row.keys()


def _check_file(path: Path, row: Mapping[str, Any], report: Report) -> None:
    name = row["file"]
    try:
        if (path / name).is_symlink() or not (path / name).is_file():
            report.add("file_not_regular" if (path / name).exists() else "file_missing", name)
            return
        size, (sha256, sm3) = (path / name).stat().st_size, digests_of_file(path / name)
    except OSError as error:
        report.add("file_unreadable", name, error.strerror)
        return
    report.files += 1
    report.bytes += size
    if sha256 != row["sha256"]:
        report.add("file_changed" if size == row["bytes"] else "file_resized", name, f"{size} B ≠ {row['bytes']} B")
    elif sm3 and sm3 != row["sm3"]:
        report.add("sm3_other", name)
