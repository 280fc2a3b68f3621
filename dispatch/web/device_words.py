"""What a device check found, in words for the clerk: one tick or cross for each thing checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dispatch.web.request import Request, gettext


@dataclass(frozen=True)
class Check:
    """One thing checked."""

    words: str
    ok: bool


def checks_of(request: Request, result: Mapping[str, Any] | None) -> list[Check]:
    """The checks of a stored result, in the order people go through them; empty where nothing was checked."""
    _ = gettext(request)
    names = {"camera": _("Camera"), "microphone": _("Microphone"), "speaker": _("Speaker"), "network": _("Network")}
    if not result:
        return []
    return [Check(words, _passed(result[name])) for name, words in names.items() if name in result]


def _passed(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value.get("ok"))
    return value is True or value == "ok"
