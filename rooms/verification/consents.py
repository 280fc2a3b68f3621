"""What was consented to, read from the log of a sitting: who, to which stage or to the notice, in which words, when, at which device.

``words_stated`` has a text under its SHA-256, and each consent names the text by that. A log of before states no texts: there a consent
has its digest alone, and whoever holds the text can compare it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_ACTS = {
    "consented": "consented",
    "consent_refused": "refused",
    "stage_consented": "consented",
    "stage_consent_withdrawn": "withdrawn",
}


@dataclass(frozen=True, slots=True)
class Said:
    """One act: "consented", "refused" or "withdrawn". `stage`: its Chinese name, "" for the notice. `at`: UTC, ISO 8601."""

    act: str
    name: str
    stage: str
    version: str
    text_sha256: str
    device: str
    at: str


@dataclass(slots=True)
class Consents:
    """`words`: digest → text. `said`: in the order of the log."""

    words: dict[str, str] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)

    def read(self, row: Mapping[str, Any]) -> bool:
        """Take in one row; False where it states a text under another's digest. Raises KeyError, TypeError or ValueError for none."""
        data = row["data"]
        if "plan" in data:
            self._names |= {person["id"]: person["name"] for person in data["plan"]["participants"]}
        if row["type"] == "words_stated":
            self.words[data["text_sha256"]] = data["text"]
            return bool(hashlib.sha256(data["text"].encode()).hexdigest() == data["text_sha256"])
        if row["type"] in _ACTS:
            self.said.append(
                Said(
                    _ACTS[row["type"]],
                    self._names.get(data["participant"], data["participant"]),
                    data.get("names", {}).get("zh-CN", data.get("stage", "")),
                    data["version"],
                    data["text_sha256"],
                    data["device"],
                    _said(data.get("given_at_us", row["at_us"])),
                )
            )
        return True

    @property
    def unstated(self) -> int:
        """Consents whose words are not in this log."""
        return sum(each.text_sha256 not in self.words for each in self.said)


def _said(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
