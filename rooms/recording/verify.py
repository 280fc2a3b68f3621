"""Checks a sealed sitting's folder with nothing but the folder: no database, no network, and none of the code that wrote it.

What is checked: the manifest against its own digests; every original named there against its size, SHA-256 and SM3 (where
this Python's OpenSSL has SM3, else the report says that it was left out); that nothing is missing, added or swapped;
every row of ``events.jsonl`` against the hash chain (the rule is in :mod:`rooms.log`) and its last row against the
manifest, so that a log that was cut shows; every opinion and vote that was opened against the digest that stood in the log
while it was sealed (SHA-256 of salt and text).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh-CN")
_DIGESTS = ("digest", "digest_sm3")
_HAS_SM3 = "sm3" in hashlib.algorithms_available
_LISTS = ("segments.jsonl", "ledger.jsonl", "events.jsonl", "heartbeat.jsonl")
_MAY_BE_THERE = frozenset({"manifest.json", "derived", "tracks", *_LISTS})

_TEXTS = {
    "manifest_missing": ("the manifest is missing", "缺少清单文件"),
    "manifest_unreadable": ("the manifest cannot be read: {detail}", "清单文件无法读取：{detail}"),
    "manifest_changed": ("the manifest was changed after sealing", "清单文件在封存后被改动"),
    "manifest_other": ("this is not the manifest with SHA-256 {detail}", "这不是 SHA-256 为 {detail} 的清单文件"),
    "file_missing": ("the file is missing", "文件缺失"),
    "file_unreadable": ("the file cannot be read: {detail}", "文件无法读取：{detail}"),
    "file_not_regular": ("this is not a regular file", "这不是普通文件"),
    "file_resized": ("the file was changed: it has {detail}", "文件被改动：大小为 {detail}"),
    "file_changed": ("the content was changed", "文件内容被改动"),
    "file_swapped": ("the file holds what belongs in {detail}", "文件内容属于 {detail}，已被调换"),
    "file_extra": ("the file was added after sealing", "封存后添加的文件"),
    "sm3_other": ("the content has another SM3 than the manifest says", "文件内容的 SM3 与清单不符"),
    "log_row": ("row {detail} of the event log was changed, moved or removed", "事件日志第 {detail} 行被改动、移动或删除"),
    "opened_other": ("row {detail} of the log opens something else than was sealed", "事件日志第 {detail} 行开启的与密封的不符"),
    "log_cut": ("the event log does not end where the manifest says: {detail}", "事件日志的结尾与清单不符：{detail}"),
}
_WORDS = {
    "ok": ("Unchanged since it was sealed", "自封存以来未被改动"),
    "bad": ("PROBLEMS FOUND", "发现问题"),
    "sitting": ("Sitting", "场次"),
    "sealed": ("Sealed at", "封存时间"),
    "files": ("Files checked", "已校验文件"),
    "events": ("Rows of the event log", "事件日志行数"),
    "gaps": ("Gaps stated in the ledger", "台账中记载的中断"),
    "lost": ("Files that were lost before sealing, as the manifest states", "清单注明封存前已丢失的文件"),
    "digest": ("SHA-256 of the manifest", "清单文件的 SHA-256"),
    "digest_sm3": ("SM3 of the manifest", "清单文件的 SM3"),
    "sm3": ("SM3 of the files", "文件的 SM3"),
    "sm3_checked": ("checked", "已校验"),
    "sm3_absent": ("not stated in this manifest", "本清单未记载"),
    "sm3_unchecked": ("not checked: this Python has no SM3", "未校验：本机 Python 不支持 SM3"),
    "usage": ("{path} is not the folder of a recording", "{path} 不是录制文件夹"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: what (`code`), in which file below the folder."""

    code: str
    file: str
    detail: str = ""

    def text(self, language: str) -> str:
        """In plain words of "en" or "zh-CN"."""
        return _TEXTS[self.code][LANGUAGES.index(language)].format(detail=self.detail)


@dataclass(slots=True)
class Report:
    """What was found. `ok` when there is no problem. `sm3`: "checked", "absent" (an older manifest) or "unchecked" (no SM3 here)."""

    path: Path
    problems: list[Problem] = field(default_factory=list)
    sitting: str = ""
    title: str = ""
    sealed_at: str = ""
    manifest_sha256: str = ""
    manifest_sm3: str = ""
    sm3: str = ""
    files: int = 0
    bytes: int = 0
    events: int = 0
    gaps: int = 0
    lost: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing was changed, added or removed."""
        return not self.problems

    def add(self, code: str, file: str, detail: object = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(code, file, str(detail)))

    def to_json(self, language: str) -> dict[str, Any]:
        """The report for programs."""
        return {
            "ok": self.ok,
            "path": str(self.path),
            "sitting": self.sitting,
            "title": self.title,
            "sealed_at": self.sealed_at,
            "manifest_sha256": self.manifest_sha256,
            "manifest_sm3": self.manifest_sm3,
            "sm3": self.sm3,
            "files": self.files,
            "bytes": self.bytes,
            "events": self.events,
            "gaps": self.gaps,
            "lost": list(self.lost),
            "problems": [{"code": p.code, "file": p.file, "detail": p.detail, "text": p.text(language)} for p in self.problems],
        }


class NotARecording(Exception):
    """The path leads to nothing that a recorder wrote."""


def verify(path: Path, manifest_sha256: str = "") -> Report:
    """Check the folder `path`; with `manifest_sha256` also that its manifest is that very one. Raises NotARecording."""
    path = Path(path)
    if not path.is_dir() or not any((path / name).exists() for name in ("manifest.json", "tracks", *_LISTS)):
        raise NotARecording(str(path))
    report = Report(path)
    manifest = _read_manifest(path, report, manifest_sha256)
    if manifest is not None:
        try:
            _check(path, manifest, report)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            report.add("manifest_unreadable", "manifest.json", f"{type(error).__name__}: {error}")
    return report


def _canonical(value: Mapping[str, Any]) -> bytes:
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
    report.manifest_sm3 = hashlib.new("sm3", content).hexdigest() if _HAS_SM3 else ""
    if expected and report.manifest_sha256 != expected.lower():
        report.add("manifest_other", "manifest.json", expected)
    try:
        manifest = json.loads(content)
        body = _canonical({key: value for key, value in manifest.items() if key not in _DIGESTS})
        unchanged = manifest.get("digest") == hashlib.sha256(body).hexdigest() and _canonical(manifest) == content
        if _HAS_SM3 and "digest_sm3" in manifest:
            unchanged = unchanged and manifest["digest_sm3"] == hashlib.new("sm3", body).hexdigest()
    except (ValueError, AttributeError) as error:
        report.add("manifest_unreadable", "manifest.json", error)
        return None
    if not unchanged:
        report.add("manifest_changed", "manifest.json")
        return None
    return dict(manifest)


def _check(path: Path, manifest: Mapping[str, Any], report: Report) -> None:
    report.sitting = str(manifest["sitting"])
    report.title = str(manifest["meta"].get("title", ""))
    report.sealed_at = str(manifest["made_at"])
    report.lost = tuple(manifest["missing"])
    report.gaps = sum(row["kind"] == "gap" for row in manifest["ledger"])
    stated = all("sm3" in row for row in manifest["files"])
    report.sm3 = "checked" if stated and _HAS_SM3 else "unchecked" if stated else "absent"
    belongs = {row["sha256"]: row["file"] for row in manifest["files"]}
    named = {row["file"] for row in manifest["files"]}
    for row in manifest["files"]:
        _check_file(path, row, belongs, report)
    for name in _present(path):
        if name not in named:
            report.add("file_extra", name)
    if "events.jsonl" in named and (path / "events.jsonl").is_file():
        _check_log(path / "events.jsonl", manifest, report)


def _present(path: Path) -> Iterator[str]:
    for entry in sorted(os.listdir(path)):
        if entry == "tracks":
            yield from sorted(f"tracks/{name}" for name in os.listdir(path / "tracks"))
        elif entry in _LISTS or entry not in _MAY_BE_THERE:
            yield entry


def _check_file(path: Path, row: Mapping[str, Any], belongs: Mapping[str, str], report: Report) -> None:
    name = str(row["file"])
    try:
        about = os.lstat(path / name)
        if not stat.S_ISREG(about.st_mode):
            report.add("file_not_regular", name)
            return
        digest, sm3 = _digests(path / name)
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


def _digests(path: Path) -> tuple[str, str]:
    """SHA-256 and SM3 of a file; the second is empty where there is no SM3."""
    sha256, sm3 = hashlib.sha256(), hashlib.new("sm3") if _HAS_SM3 else None
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            sha256.update(chunk)
            if sm3 is not None:
                sm3.update(chunk)
    return sha256.hexdigest(), sm3.hexdigest() if sm3 is not None else ""


def _check_log(path: Path, manifest: Mapping[str, Any], report: Report) -> None:
    """Follow the chain; name the first row that breaks it, and tell whether the end is the manifest's."""
    previous, count = "0" * 64, 0
    sealed: dict[tuple[str, str], str] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            row = json.loads(line)
            body = {key: value for key, value in row.items() if key != "hash"}
            good = (
                row["seq"] == number
                and row["prev"] == previous
                and row["sitting"] == manifest["sitting"]
                and row["hash"] == hashlib.sha256(_canonical(body)).hexdigest()
                and _canonical(row) == line
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            good = False
        if not good:
            report.add("log_row", path.name, number)
            return
        previous, count = row["hash"], number
        if not _opens_what_was_sealed(row, sealed):
            report.add("opened_other", path.name, number)
    report.events = count
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


def _lines(report: Report, language: str) -> Iterator[str]:
    def word(key: str) -> str:
        return _WORDS[key][LANGUAGES.index(language)]

    yield f"{word('ok') if report.ok else word('bad')}: {report.path}"
    for problem in report.problems:
        yield f"  {problem.file}: {problem.text(language)}"
    facts = (
        ("sitting", " ".join(filter(None, (report.title, report.sitting)))),
        ("sealed", report.sealed_at),
        ("files", f"{report.files} ({report.bytes} B)"),
        ("events", report.events),
        ("gaps", report.gaps),
        ("lost", ", ".join(report.lost)),
        ("digest", report.manifest_sha256),
        ("digest_sm3", report.manifest_sm3),
        ("sm3", word(f"sm3_{report.sm3}") if report.sm3 else ""),
    )
    yield from (f"{word(key)}: {value}" for key, value in facts if value not in ("", None))


def _default_language() -> str:
    told = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh-CN" if told.lower().startswith("zh") else "en"


def main(argv: list[str] | None = None) -> int:
    """The command ``verify PATH``: 0 unchanged, 1 problems, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="server.py verify", description="Check a recording against its manifest / 校验录制文件")
    parser.add_argument("path", type=Path, help="the sitting's folder / 场次文件夹")
    parser.add_argument("--lang", choices=(*LANGUAGES, "zh"), default=_default_language(), help="language of the report / 报告语言")
    parser.add_argument("--json", action="store_true", help="report for programs / 输出 JSON")
    parser.add_argument("--manifest-sha256", default="", metavar="HEX", help="the manifest must be this one / 清单文件应有的 SHA-256")
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    language = "zh-CN" if arguments.lang.startswith("zh") else "en"
    try:
        report = verify(arguments.path, arguments.manifest_sha256)
    except NotARecording:
        print(_WORDS["usage"][LANGUAGES.index(language)].format(path=arguments.path), file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(report.to_json(language), ensure_ascii=False))
    else:
        print("\n".join(_lines(report, language)))
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
