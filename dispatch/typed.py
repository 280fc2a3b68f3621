"""What people type: tidied, and whether it can be a telephone number. Pure."""

from __future__ import annotations

import re

LONGEST_PHONE = 40

_PHONE = re.compile(r"\+?[\d\s()-]{5,30}(?:(?:转|ext\.?|x)\s*\d{1,6})?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")


def tidy(text: str) -> str:
    """Without control characters, without halves of characters, which no file takes, and without spaces around."""
    return _CONTROL.sub(" ", text).strip()


def is_phone(text: str) -> bool:
    """Whether `text` can be a telephone number, with an extension where there is one."""
    return len(text.strip()) <= LONGEST_PHONE and _PHONE.fullmatch(text.strip()) is not None
