"""Structured logs: one JSON object per line on standard error, with no secret and no whole telephone number or e-mail address in it."""

from __future__ import annotations

import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_LINK = re.compile(r"^/(?:join/(?!sitting/)|feeds/)[^/]+")
_PHONE = re.compile(r"(?<![0-9A-Za-z])(\+?\d{3})\d{4,6}(\d{4})(?![0-9A-Za-z])")
_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])([A-Za-z0-9])[A-Za-z0-9._%+-]*@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_SECRET_KEYS = frozenset({"token", "password", "secret", "cookie", "code"})


def masked_path(path: str) -> str:
    """The path with the token of a personal link or a calendar hidden."""
    return _LINK.sub(lambda found: f"/{found[0].split('/')[1]}/***", path)


def mask_phones(text: str) -> str:
    """Telephone numbers of 11 to 13 digits keep their first three and last four."""
    return _PHONE.sub(r"\1****\2", text)


def mask_emails(text: str) -> str:
    """E-mail addresses keep their first sign and their domain."""
    return _EMAIL.sub(r"\1***@\2", text)


def mask(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: hides what no log may hold."""
    for key, value in event.items():
        if key in _SECRET_KEYS:
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = mask_emails(mask_phones(value))
    return event


def configure() -> None:
    """Set up structlog for this process. Called once by the composition root."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
