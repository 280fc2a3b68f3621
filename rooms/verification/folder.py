"""Checks a sitting's folder with nothing but the folder: no database, no network, and none of the code that wrote it.

What is checked of a sealed one: the manifest against its own digests; every original named there against its size, SHA-256 and
SM3 (where this Python's OpenSSL has SM3, else the report says that it was left out); that nothing is missing, added or swapped;
every row of ``events.jsonl`` against the hash chain (the rule is in :mod:`rooms.log`) and its last row against the
manifest, so that a log that was cut shows; every opinion and vote that was opened against the digest that stood in the log
while it was sealed (SHA-256 of salt and text); every text that was consented to against its digest; signature and time-stamp
(:mod:`rooms.verification`). Of a folder that was never sealed, because its recorder crashed: how far each file is proven, and how
much came after.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rooms.verification import package, prefix, signature, stamp
from rooms.verification.canonical import canonical
from rooms.verification.digests import HAS_SM3, digests_of_file, sm3_of
from rooms.verification.report import Report
from rooms.verification.signature import Signed

_DIGESTS = ("digest", "digest_sm3")
_LISTS = ("segments.jsonl", "ledger.jsonl", "events.jsonl", "heartbeat.jsonl", "digests.jsonl")
_BESIDE = (signature.SIGNATURE, signature.CMS, stamp.STAMP, stamp.ANSWER)
_FOLDERS = ("tracks", "stills")
_MAY_BE_THERE = frozenset({"manifest.json", "derived", *_FOLDERS, *_LISTS, *_BESIDE})


class NotARecording(Exception):
    """The path leads to nothing that a recorder wrote."""


def verify(path: Path, manifest_sha256: str = "", trust: Path | None = None, seals: Collection[str] = ()) -> Report:
    """Check the package or folder `path`, or of a file in one this file and what vouches for it; with `manifest_sha256` also that its
    manifest is that very one, with `trust` (PEM) that signer and time-stamping authority lead to one of these roots, with `seals` that
    these files lie beside the manifest: no manifest can say that it was stamped afterwards, and a package or a catalogue can.
    Raises NotARecording."""
    path = Path(path)
    if package.is_film(path):
        return package.check_film(path)
    if package.is_package(path):
        report = _verify(path / package.INSIDE, "", manifest_sha256, trust)
        package.check(path, report)
        return report
    folder, only = _folder_of(path)
    report = _verify(folder, only, manifest_sha256, trust)
    for name in seals:
        if not (folder / name).is_file() and not any(problem.file == name for problem in report.problems):
            report.add("file_missing", name)
    return report


def _verify(path: Path, only: str, manifest_sha256: str, trust: Path | None) -> Report:
    report = Report(path)
    if not path.is_dir():
        report.add("manifest_missing", "manifest.json")
        return report
    if not _was_sealed(path):
        _check_unsealed(path, only, report)
        return report
    manifest = _read_manifest(path, report, manifest_sha256)
    if manifest is not None:
        try:
            _check(path, manifest, only, report)
            _check_seals(path, manifest, trust, report)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            report.add("manifest_unreadable", "manifest.json", f"{type(error).__name__}: {error}")
    return report


def _was_sealed(path: Path) -> bool:
    """Whether there is, or was, a manifest: what lay beside it, and originals that nobody may write, are left of one."""
    if any((path / name).exists() for name in ("manifest.json", *_BESIDE)):
        return True
    return (path / "tracks").is_dir() and not (path / "tracks").stat().st_mode & 0o222


def _folder_of(path: Path) -> tuple[Path, str]:
    """The folder of a recording, and the name of the file in it that alone is asked for, "" for all."""
    for folder in (path, path.parent, path.parent.parent):
        if folder.is_dir() and any((folder / name).exists() for name in ("manifest.json", "tracks", *_LISTS)):
            if folder == path or path.is_file():
                return folder, "" if folder == path else path.relative_to(folder).as_posix()
            break
    raise NotARecording(str(path))


def _check_unsealed(path: Path, only: str, report: Report) -> None:
    report.sealed = False
    report.unchecked.append("unsealed")
    names = [name for name in _present(path) if name in _LISTS or name.startswith("tracks/")]
    report.proven = [each for each in prefix.check(path, names, report.add) if only in ("", each.file)]
    report.files, report.bytes = len(report.proven), sum(each.bytes for each in report.proven)
    if (path / "ledger.jsonl").is_file():
        _state_gaps(_whole_rows(path / "ledger.jsonl"), report, {})
    if (path / "events.jsonl").is_file():
        _check_log(path / "events.jsonl", None, report)


def _whole_rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    for line in path.read_bytes().rpartition(b"\n")[0].splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue  # what was changed in it, the digests tell
        if isinstance(row, dict):
            rows.append(row)
    return rows


def _state_gaps(ledger: Sequence[Mapping[str, Any]], report: Report, meta: Mapping[str, Any]) -> None:
    gaps = [row for row in ledger if row.get("kind") in ("gap", "restart")]
    report.gaps = sum(row["kind"] == "gap" for row in gaps)
    names = {person["id"]: person["name"] for person in meta.get("participants", ())}
    carried = {device: about["participants"] for device, about in meta.get("endpoints", {}).items()}
    report.ledger = [
        {key: row.get(key) for key in ("kind", "endpoint", "source", "from_us", "to_us", "cause")}
        | {"people": [names[one] for one in carried.get(row.get("endpoint"), ()) if one in names]}
        for row in gaps
    ]


def _check_seals(path: Path, manifest: Mapping[str, Any], trust: Path | None, report: Report) -> None:
    """Signature and time-stamp. A certificate has to be good when it signed: by the time-stamp, or else by the manifest."""
    content = (path / "manifest.json").read_bytes()
    report.stamp = stamp.check(path, trust, report.add)
    read = signature.read(path, manifest, content, report.add)
    if read is not None:
        at = report.stamp.at if report.stamp.state == "good" else str(manifest["made_at"])
        report.signature = signature.check(read, content, datetime.fromisoformat(at).astimezone(UTC), trust, report.add)
    elif manifest.get("signer"):
        report.signature = Signed("bad", by=str(manifest["signer"]["subject"]))
    lacking = {
        "sm3": report.sm3 == "unchecked",
        "signature": report.signature.state == "unchecked",
        "unsigned": trust is not None and not report.signature.state,
        "stamp": report.stamp.state == "unchecked",
        "stamp_root": report.stamp.root == "other",
    }
    report.unchecked += [name for name, lacks in lacking.items() if lacks]


def _canonical(value: Mapping[str, Any], rfc8785: bool = False) -> bytes:
    """In the form of RFC 8785, or of manifests before format 3 and of the log: keys in the order of their code points."""
    if rfc8785:
        return canonical(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _read_manifest(path: Path, report: Report, expected: str) -> dict[str, Any] | None:
    try:
        content = (path / "manifest.json").read_bytes()
    except FileNotFoundError:
        report.add("manifest_missing", "manifest.json")
        return None
    except OSError as error:
        report.add("manifest_unreadable", "manifest.json", error.strerror)
        return None
    report.manifest_sha256 = hashlib.sha256(content).hexdigest()
    report.manifest_sm3 = sm3_of(content)
    if expected and report.manifest_sha256 != expected.lower():
        report.add("manifest_other", "manifest.json", expected)
    try:
        manifest = json.loads(content)
        rfc8785 = manifest["format"] >= 3
        body = _canonical({key: value for key, value in manifest.items() if key not in _DIGESTS}, rfc8785)
        unchanged = manifest.get("digest") == hashlib.sha256(body).hexdigest() and _canonical(manifest, rfc8785) == content
        if HAS_SM3 and "digest_sm3" in manifest:
            unchanged = unchanged and manifest["digest_sm3"] == sm3_of(body)
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        report.add("manifest_unreadable", "manifest.json", error)
        return None
    if not unchanged:
        report.add("manifest_changed", "manifest.json")
        return None
    return dict(manifest)


def _check(path: Path, manifest: Mapping[str, Any], only: str, report: Report) -> None:
    report.sitting = str(manifest["sitting"])
    report.title = str(manifest["meta"].get("title", ""))
    report.sealed_at = str(manifest["made_at"])
    report.lost = tuple(manifest["missing"])
    _state_gaps(manifest["ledger"], report, manifest["meta"])
    stated = all("sm3" in row for row in manifest["files"])
    report.sm3 = "checked" if stated and HAS_SM3 else "unchecked" if stated else "absent"
    belongs = {row["sha256"]: row["file"] for row in manifest["files"]}
    named = {row["file"] for row in manifest["files"]}
    for row in manifest["files"]:
        if only in ("", row["file"]):
            _check_file(path, row, belongs, report)
    for name in _present(path):
        if name not in named and only in ("", name):
            report.add("file_extra", name)
    if only in ("", "events.jsonl") and "events.jsonl" in named and (path / "events.jsonl").is_file():
        _check_log(path / "events.jsonl", manifest, report)


def _present(path: Path) -> Iterator[str]:
    for entry in sorted(os.listdir(path)):
        if entry in _FOLDERS and (path / entry).is_dir():
            yield from sorted(f"{entry}/{name}" for name in os.listdir(path / entry))
        elif entry in _LISTS or entry not in _MAY_BE_THERE:
            yield entry


def _check_file(path: Path, row: Mapping[str, Any], belongs: Mapping[str, str], report: Report) -> None:
    name = str(row["file"])
    try:
        about = os.lstat(path / name)
        if not stat.S_ISREG(about.st_mode):
            report.add("file_not_regular", name)
            return
        digest, sm3 = digests_of_file(path / name)
    except FileNotFoundError:
        report.add("file_missing", name)
        return
    except OSError as error:
        report.add("file_unreadable", name, error.strerror)
        return
    report.files += 1
    report.bytes += about.st_size
    if digest == row["sha256"]:
        if sm3 and row.get("sm3", sm3) != sm3:
            report.add("sm3_other", name)
        return
    if digest in belongs:
        report.add("file_swapped", name, belongs[digest])
    elif about.st_size != row["bytes"]:
        report.add("file_resized", name, f"{about.st_size} B ≠ {row['bytes']} B")
    else:
        report.add("file_changed", name)


def _check_log(path: Path, manifest: Mapping[str, Any] | None, report: Report) -> None:
    """Follow the chain; name the first row that breaks it, and tell whether the end is the manifest's, if there is one."""
    previous, count = "0" * 64, 0
    sealed: dict[tuple[str, str], str] = {}
    content = path.read_bytes()
    if manifest is None:
        content = content.rpartition(b"\n")[0]  # a row that a kill cut off
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            row = json.loads(line)
            body = {key: value for key, value in row.items() if key != "hash"}
            good = (
                row["seq"] == number
                and row["prev"] == previous
                and row["sitting"] == (manifest["sitting"] if manifest is not None else report.sitting or row["sitting"])
                and row["hash"] == hashlib.sha256(_canonical(body)).hexdigest()
                and _canonical(row) == line
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            good = False
        if not good:
            report.add("log_row", path.name, number)
            return
        previous, count, report.sitting = row["hash"], number, str(row["sitting"])
        if not _opens_what_was_sealed(row, sealed):
            report.add("opened_other", path.name, number)
        if not report.consents.read(row):
            report.add("words_other", path.name, number)
    report.events = count
    if manifest is None:
        return
    head = manifest["events"]
    if (count, previous if count else "") != (head["head_seq"], head["head_hash"]):
        report.add("log_cut", path.name, f"{count} ≠ {head['head_seq']}")


def _opens_what_was_sealed(row: Mapping[str, Any], sealed: dict[tuple[str, str], str]) -> bool:
    """Keep in `sealed` the digest of each opinion and vote (question or "", who), and compare what a row opens."""
    data = row["data"]
    if row["type"] in {"opinion_given", "voted"} and "digest" in data:
        sealed[data.get("question", ""), data["participant"]] = data["digest"]
    opened = {"opinions_opened": data.get("opinions", ()), "question_closed": data.get("votes", ())}.get(row["type"], ())
    about = data.get("question", "")
    return all(_is_what_was_sealed(each, sealed.get((about, each["participant"]))) for each in opened if "digest" in each)


def _is_what_was_sealed(opened: Mapping[str, str], digest: str | None) -> bool:
    text = opened["text"] if "text" in opened else f"{opened['choice']}\n{opened['dissent']}"
    return digest == hashlib.sha256(bytes.fromhex(opened["salt"]) + text.encode()).hexdigest()
