"""The page of a package that verifies it: one file that needs neither network nor anything beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from rooms.verification.words import CAUSES, SOURCES, TEXTS

NAME = "verify.html"
_TOP = Path(__file__).resolve().parents[2]
_MODULES = ("digests", "canonical", "certificate", "seals", "archive", "checks", "page")
"""Each after those that it uses when it is loaded."""
_IMPORT = re.compile(r"^import .*\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=async |function |class |const )", re.MULTILINE)


def page() -> bytes:
    """The page with its modules written one after the other into one script: a page opened from a folder may load none."""
    sources = ((_TOP / "static" / "js" / "verifier" / f"{name}.js").read_text(encoding="utf-8") for name in _MODULES)
    script = "\n".join(_EXPORT.sub("", _IMPORT.sub("", source)) for source in sources)
    words = json.dumps({"texts": TEXTS, "causes": CAUSES, "sources": SOURCES}, ensure_ascii=False).replace("<", "\\u003c")
    template = (_TOP / "templates" / "package" / NAME).read_text(encoding="utf-8")
    return template.replace("{{ words }}", words).replace("{{ script }}", script).encode()
