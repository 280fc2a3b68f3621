"""What a verification found, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rooms.verification.consents import Consents
from rooms.verification.explanation import Explained
from rooms.verification.prefix import Proven
from rooms.verification.signature import Signed
from rooms.verification.stamp import Stamped
from rooms.verification.words import LANGUAGES, TEXTS


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: what (`code`), in which file below the folder."""

    code: str
    file: str
    detail: str = ""

    def text(self, language: str) -> str:
        """In plain words of "en" or "zh-CN"."""
        return TEXTS[self.code][LANGUAGES.index(language)].format(detail=self.detail)


@dataclass(slots=True)
class Report:
    """What was found. `ok` when there is no problem, `complete` when besides everything could be checked.

    `sm3`: "checked", "absent" (an older manifest) or "unchecked" (no SM3 here). `proven`: of an unsealed folder, file by file.
    `unchecked`: what could not be looked at or vouched for: "sm3", "signature", "stamp", "unsealed", "unsigned", "stamp_root",
    "originals" (a copy of the film alone, whose list nobody signed).
    """

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
    sealed: bool = True
    signature: Signed = field(default_factory=Signed)
    stamp: Stamped = field(default_factory=Stamped)
    proven: list[Proven] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    consents: Consents = field(default_factory=Consents)
    explained: Explained = field(default_factory=Explained)
    copy: dict[str, str] = field(default_factory=dict)
    """of a copy: number, receiver, unit, and what was given, as its list says"""

    @property
    def complete(self) -> bool:
        """Nothing was left out."""
        return self.ok and not self.unchecked

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
            "ledger": self.ledger,
            "lost": list(self.lost),
            "explanation": asdict(self.explained),
            "consents": {"words": self.consents.words, "said": [asdict(each) for each in self.consents.said]},
            "copy": self.copy,
            "sealed": self.sealed,
            "complete": self.complete,
            "unchecked": self.unchecked,
            "signature": asdict(self.signature),
            "stamp": asdict(self.stamp),
            "proven": [asdict(each) | {"after": each.after} for each in self.proven],
            "problems": [{"code": p.code, "file": p.file, "detail": p.detail, "text": p.text(language)} for p in self.problems],
        }
