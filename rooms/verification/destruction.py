"""Checks the certificate of a destruction with nothing but the file: its digest, its signature, and that it hangs together."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rooms.verification import signature
from rooms.verification.canonical import canonical
from rooms.verification.report import Problem
from rooms.verification.signature import Signed

DOCUMENT = "destruction-certificate"
_LONGEST_BYTES = 64 << 20
_SAID = ("id", "number", "reason", "order", "proposed", "approved", "done_at", "recordings", "kept")


@dataclass(slots=True)
class Certificate:
    """What was found. `ok` when nothing is wrong with it, `complete` when besides somebody signed and that could be checked."""

    path: Path
    content: Mapping[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    signature: Signed = field(default_factory=Signed)

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not self.problems

    @property
    def complete(self) -> bool:
        """Signed, and the signature was checked."""
        return self.signature.state == "good" and self.signature.root != "other"

    def to_json(self, language: str) -> dict[str, Any]:
        """The report for programs."""
        problems = [{**asdict(each), "text": each.text(language)} for each in self.problems]
        about = {name: self.content.get(name) for name in _SAID}
        return {
            "path": str(self.path),
            "document": DOCUMENT,
            "ok": self.ok,
            "complete": self.complete,
            **about,
            "problems": problems,
            "signature": asdict(self.signature),
        }

    def files(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each sitting with each file of it that was destroyed."""
        for recording in self.content.get("recordings", ()):
            for row in recording["files"]:
                yield str(recording["sitting"]), row


def is_certificate(path: Path) -> bool:
    """Whether the file says that it is one."""
    try:
        if not path.is_file() or path.stat().st_size > _LONGEST_BYTES:
            return False
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("document") == DOCUMENT


def verify(path: Path, trust: Path | None = None) -> Certificate:
    """Check it; with `trust` (PEM) also that the signer leads to one of these roots."""
    report = Certificate(path)

    def add(code: str, file: str, detail: object) -> None:
        report.problems.append(Problem(code, path.name if file == signature.SIGNATURE else file, str(detail)))

    try:
        raw = path.read_bytes()
        found: dict[str, Any] = json.loads(raw)  # what is no object of this form is named below
        report.content = found
        signed: Any = found.get("signature")
        content = canonical({key: value for key, value in found.items() if key != "signature"})
        body = {key: value for key, value in found.items() if key not in ("digest", "signature")}
        whole = canonical(found) == raw and _is_digested(body, found) and (signed is None or _is_digested(signed, signed))
        at = datetime.strptime(found["done_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        two = found["proposed"]["by"] and found["approved"]["by"]
        files = [row["file"] for recording in found["recordings"] for row in recording["files"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        add("certificate_unreadable", path.name, f"{type(error).__name__}: {error}")
        return report
    if not whole or not two or not files:
        add("certificate_changed", path.name, "")
        return report
    named = found["signer"]
    if not named:
        if signed is not None:
            add("certificate_changed", path.name, "")
        return report
    try:
        chain = [base64.b64decode(each) for each in signed["chain"]]
        about = {"algorithm": signed["algorithm"], "value": base64.b64decode(signed["signature"]), "chain": chain}
        same = (hashlib.sha256(chain[0]).hexdigest(), signed["algorithm"]) == (named["certificate_sha256"], named["algorithm"])
    except (ValueError, KeyError, TypeError, IndexError):
        add("signature_missing", path.name, named["subject"] if isinstance(named, dict) else "")
        return report
    if not same:
        add("signer_other", path.name, named["subject"])
        return report
    report.signature = signature.check(about, content, at, trust, add)
    return report


def _is_digested(body: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    rest = {key: value for key, value in body.items() if key != "digest"}
    return bool(found["digest"] == hashlib.sha256(canonical(rest)).hexdigest())
