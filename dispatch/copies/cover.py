"""The cover sheet of a copy: one page for print and hand-over, in both languages, that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rooms.packaging.package import FILM, INSIDE, Contents
from rooms.recording.film_words import ROLES

_TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "package"
CONTENT = {
    "package": ("原始文件、日志与影像", "Originals, log and film"),
    "film": ("影像", "The film"),
    "span": ("影像片段", "A part of the film"),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a sheet says besides what the package holds. `unnamed`: ids of participants whose names the law keeps back (minors)."""

    court: str
    court_en: str
    zone: ZoneInfo
    unnamed: Collection[str]
    made_at: datetime

    def of(self, contents: Contents) -> bytes:
        """The page."""
        manifest, about = contents.manifest, contents.about
        originals = [{**row, "file": f"{INSIDE}/{row['file']}", "sm3": row.get("sm3", "")} for row in contents.originals]
        named = manifest.get("signer") or {}
        pages = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        text = pages.get_template("cover.html").render(
            court=self.court,
            court_en=self.court_en,
            number=about["number"],
            qr=Markup(qr(about["number"], contents.manifest_sha256)),  # noqa: S704 (a drawing of our own; what it shows is no markup)
            meta={"case_number": "", "title": "", **manifest["meta"]},
            sitting=manifest["sitting"],
            sealed_at=self.shown(manifest["made_at"]),
            people=[self._person(person) for person in manifest["meta"].get("participants", ())],
            about={"span": None, "originals_reason": "", **about}
            | {key: self.shown(about[key]) for key in ("requested_at", "approved_at")},
            content=CONTENT[about["content"]],
            made_at=self.shown(self.made_at.isoformat()),
            manifest_sha256=contents.manifest_sha256,
            manifest_sm3=contents.manifest_sm3,
            signer=named.get("subject", "") if contents.signed else "",
            stamped_at=self.shown(contents.stamped_at) if contents.stamped_at else "",
            has_film=any(row["file"] == FILM for row in contents.around),
            originals=bool(originals),
            files=[*contents.around, *originals],
        )
        return text.encode()

    def _person(self, person: dict[str, Any]) -> dict[str, Any]:
        role = str(person.get("role", ""))
        return {"name": "" if person.get("id") in self.unnamed else person["name"], "role": ROLES.get(role, (role, ""))}

    def shown(self, at: str) -> str:
        """A moment by the court's clock, to the second, with its offset."""
        return datetime.fromisoformat(at).astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S %z")


def qr(number: str, manifest_sha256: str) -> str:
    """The code with copy number and digest, as a drawing in the page: a telephone shows the text, which is compared with the print."""
    return str(segno.make(code_text(number, manifest_sha256), error="m", boost_error=False).svg_inline(scale=1, border=2, omitsize=True))


def code_text(number: str, manifest_sha256: str) -> str:
    """What the code says."""
    return f"COPY {number}\nSHA-256 {manifest_sha256}"
