"""What all parts of the settings need: their prefix, the error that names one, lists in one text, and secrets in files."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path

PREFIX = "DISPATCH_"


class SettingsError(Exception):
    """A setting is wrong; the text is the one line that names it."""


def listed(text: str) -> tuple[str, ...]:
    """The entries of a text that has them with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def matching(value: str, pattern: str, told: str) -> str:
    """A value that is empty or matches whole; raises ValueError with what is told of another."""
    if value and not re.fullmatch(pattern, value):
        raise ValueError(told)
    return value


def read_secret(name: str, path: Path | None) -> str:
    """What is in the file of a secret, "" where none is named. Raises :class:`SettingsError`."""
    if path is None:
        return ""
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{PREFIX}{name}={path}: {error}") from None
    if not secret:
        raise SettingsError(f"{PREFIX}{name}={path}: the file is empty")
    return secret


def is_loopback(host: str) -> bool:
    """Whether the host of an address is the computer itself, so that no other one reaches it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
