"""``server.py verify``: the report in plain words of both languages or as JSON, and what the command ends with."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rooms.verification import destruction
from rooms.verification.folder import NotARecording, verify
from rooms.verification.report import Report
from rooms.verification.signature import Signed
from rooms.verification.stamp import Stamped
from rooms.verification.words import CAUSES, LANGUAGES, SOURCES, WORDS

GOOD, CHANGED, USAGE, INCOMPLETE = 0, 1, 2, 3
"""What the command ends with. INCOMPLETE: nothing was found changed, but not everything could be checked."""


def _lines(report: Report, language: str, *, consents: bool = False) -> Iterator[str]:
    def word(key: str, **values: object) -> str:
        return WORDS[key][LANGUAGES.index(language)].format(**values)

    verdict = _verdict(report)
    yield f"{word(verdict)}: {report.path}"
    for problem in report.problems:
        yield f"  {problem.file}: {problem.text(language)}"
    facts = (
        ("copy", report.copy.get("number", "")),
        ("receiver", " · ".join(filter(None, (report.copy.get("receiver"), report.copy.get("unit"))))),
        ("sitting", " ".join(filter(None, (report.title, report.sitting)))),
        ("sealed", report.sealed_at),
        ("files", f"{report.files} ({report.bytes} B)"),
        ("events", report.events),
        ("consents", _how_many(report, word)),
        ("gaps", report.gaps),
        ("lost", ", ".join(report.lost)),
        ("digest", report.manifest_sha256),
        ("digest_sm3", report.manifest_sm3),
        ("sm3", word(f"sm3_{report.sm3}") if report.sm3 else ""),
    )
    yield from (f"{word(key)}: {value}" for key, value in facts if value not in ("", None))
    for row in report.ledger:
        yield f"  {word('gap')}: {_gap(row, word, language)}"
    if report.explained.text:
        yield f"{word('explained')}: {word('explained_line', **asdict(report.explained))}"
    for each in report.proven:
        about = asdict(each) | {"after": each.after}
        yield f"  {word('proven')}: {word('proven_line' if each.proven else 'proven_none', **about)}"
    if report.sealed and report.manifest_sha256 and "originals" not in report.unchecked:
        yield f"{word('signature')}: {_vouched('signature', report.signature, word)}"
        yield f"{word('stamp')}: {_vouched('stamp', report.stamp, word)}"
    if consents:
        yield from _consents(report, word)


def _verdict(report: Report) -> str:
    if not report.ok:
        return "bad"
    if "originals" in report.unchecked:
        return "film"
    return "unsealed" if not report.sealed else "ok" if report.complete else "incomplete"


def _how_many(report: Report, word: Callable[..., str]) -> str:
    found = report.consents
    return word("consents_count", count=len(found.said), unstated=found.unstated) if found.said else ""


def _consents(report: Report, word: Callable[..., str]) -> Iterator[str]:
    """Who consented to what, and under each digest the words, as they were shown."""
    for said in report.consents.said:
        about = asdict(said) | {"act": word(said.act), "about": said.stage or word("consents_notice")}
        yield f"  {word('consents_line', **about)}"
    for digest, text in report.consents.words.items():
        yield f"{word('agreed_words')} {digest}:"
        yield from (f"  {line}" for line in text.split("\n"))


def _gap(row: Mapping[str, Any], word: Callable[..., str], language: str) -> str:
    def known(table: Mapping[str, tuple[str, str]], key: str) -> str:
        value = str(row[key] or "")
        return table[value][LANGUAGES.index(language)] if value in table else value

    begin, end = int(row["from_us"] or 0), int(row["to_us"] or 0)
    device = ("、" if language == "zh-CN" else ", ").join(row["people"]) or row["endpoint"] or ""
    about = {"device": device, "source": known(SOURCES, "source"), "cause": known(CAUSES, "cause"), "seconds": (end - begin) / 1e6}
    return word("gap_line", begin=_clock(begin), end=_clock(end), **about).strip()


def _vouched(what: str, about: Signed | Stamped, word: Callable[..., str]) -> str:
    why = word(f"why_{about.why}") if about.why in ("library", "algorithm") else about.why
    text = word(f"{what}_{about.state}", **{**asdict(about), "why": why})
    return f"{text}; {word(f'root_{about.root}')}" if about.state == "good" else text


def _clock(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%H:%M:%S.%f")[:-3] + "Z"


def _default_language() -> str:
    told = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh-CN" if told.lower().startswith("zh") else "en"


def main(argv: list[str] | None = None) -> int:
    """The command ``verify PATH``: 0 unchanged, 1 something was changed, 2 wrong usage, 3 nothing was found changed, but not
    everything could be checked (an unsealed folder, an algorithm or library that is not there, a root that is not trusted)."""
    parser = argparse.ArgumentParser(prog="server.py verify", description="Check a recording against its manifest / 校验录制文件")
    parser.add_argument("path", type=Path, help="a sitting's folder, a file in it, a certificate / 场次文件夹、其中的文件或销毁证书")
    parser.add_argument("--lang", choices=(*LANGUAGES, "zh"), default=_default_language(), help="language of the report / 报告语言")
    parser.add_argument("--json", action="store_true", help="report for programs / 输出 JSON")
    parser.add_argument("--consents", action="store_true", help="show who consented to which words / 列出同意记录及其文本")
    parser.add_argument("--manifest-sha256", default="", metavar="HEX", help="the manifest must be this one / 清单文件应有的 SHA-256")
    parser.add_argument("--trust", type=Path, metavar="FILE", help="roots that you trust, PEM / 所信任的根证书（PEM）")
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else USAGE
    language = "zh-CN" if arguments.lang.startswith("zh") else "en"

    def refuse(key: str, path: Path) -> int:
        print(WORDS[key][LANGUAGES.index(language)].format(path=path), file=sys.stderr)
        return USAGE

    if arguments.trust is not None and not _holds_certificates(arguments.trust):
        return refuse("trust", arguments.trust)
    if destruction.is_certificate(arguments.path):
        return _certificate(arguments.path, arguments.trust, language, as_json=arguments.json)
    try:
        report = verify(arguments.path, arguments.manifest_sha256, arguments.trust)
    except NotARecording:
        return refuse("usage", arguments.path)
    if arguments.json:
        print(json.dumps(report.to_json(language), ensure_ascii=False))
    else:
        print("\n".join(_lines(report, language, consents=arguments.consents)))
    return CHANGED if not report.ok else GOOD if report.complete else INCOMPLETE


def _certificate(path: Path, trust: Path | None, language: str, *, as_json: bool) -> int:
    """Of a destruction: what it says, and whether it is as it was made. Unsigned it is no more than a text: INCOMPLETE."""
    found = destruction.verify(path, trust)
    if as_json:
        print(json.dumps(found.to_json(language), ensure_ascii=False))
    else:
        print("\n".join(_certificate_lines(found, language)))
    return CHANGED if not found.ok else GOOD if found.complete else INCOMPLETE


def _certificate_lines(found: destruction.Certificate, language: str) -> Iterator[str]:
    def word(key: str, **values: object) -> str:
        return WORDS[key][LANGUAGES.index(language)].format(**values)

    verdict = "bad" if not found.ok else "certificate_ok" if found.complete else "certificate_unsigned"
    yield f"{word(verdict)}: {found.path}"
    for problem in found.problems:
        yield f"  {problem.file}: {problem.text(language)}"
    if not found.ok:
        return
    content = found.content
    for key in ("proposed", "approved"):
        yield f"{word(f'destruction_{key}')}: {content[key]['by']} {content[key]['at']}"
    yield f"{word('destruction_done')}: {content['done_at']}"
    yield f"{word('destruction_reason')}: {' '.join(filter(None, (content['reason'], content['order'])))}"
    for recording in content["recordings"]:
        about = {"files": len(recording["files"]), "bytes": recording["bytes"], "manifest": recording["manifest_sha256"]}
        yield f"  {recording['case_number']} {recording['title']} {recording['sitting']}: {word('destruction_line', **about)}"
    if found.signature.state:
        yield f"{word('signature')}: {_vouched('signature', found.signature, word)}"


def _holds_certificates(path: Path) -> bool:
    try:
        content = path.read_bytes()
    except OSError:
        return False
    try:
        from cryptography import x509

        return bool(x509.load_pem_x509_certificates(content))
    except ImportError:
        return b"-----BEGIN CERTIFICATE-----" in content
    except ValueError:
        return False


if __name__ == "__main__":
    sys.exit(main())
