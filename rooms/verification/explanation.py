"""The signed explanation of a recording's faults that lies in a package: whether it is as it was signed, and of this recording."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rooms.verification.canonical import canonical
from rooms.verification.digests import HAS_SM3, sm3_of

FILE = "explanation.json"
_DIGESTS = ("digest", "digest_sm3")


@dataclass(frozen=True, slots=True)
class Explained:
    """Who explained what, when. `text` is "" where there is no explanation, or none that can be believed."""

    text: str = ""
    by: str = ""
    at: str = ""


def check(path: Path, manifest: Mapping[str, Any], manifest_sha256: str, add: Callable[[str, str], None]) -> Explained:
    """Look at the explanation in the folder of a package, if there is one: its own digests, the manifest that it names, and that every
    fault which it explains stands in that manifest. What is wrong is told to `add` by code and file."""
    if not (path / FILE).exists():
        return Explained()
    try:
        raw = (path / FILE).read_bytes()
        said = json.loads(raw)
        body = canonical({key: value for key, value in said.items() if key not in _DIGESTS})
        whole = canonical(said) == raw and said["digest"] == hashlib.sha256(body).hexdigest()
        whole = whole and (not HAS_SM3 or said["digest_sm3"] == sm3_of(body))
        found = Explained(str(said["text"]), str(said["signed_by"]["name"]), str(said["signed_at"]))
        rows = [*manifest["ledger"], *({"kind": "missing", "file": name} for name in manifest["missing"])]
        belongs = said["manifest_sha256"] == manifest_sha256 and all(fault in rows for fault in said["faults"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        add("explanation_changed", FILE)
        return Explained()
    if not whole:
        add("explanation_changed", FILE)
        return Explained()
    if not belongs:
        add("explanation_other", FILE)
        return Explained()
    return found
