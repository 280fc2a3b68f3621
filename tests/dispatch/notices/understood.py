"""Calendars as ical.js reads them: another implementation, in another language, than the one that writes ours."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

READER = Path(__file__).with_name("read_calendar.js")


def understood(calendar: bytes) -> dict[str, Any]:
    """What ical.js makes of it; fails where it makes nothing."""
    result = subprocess.run(["node", str(READER)], input=calendar, capture_output=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr.decode()
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def utc(moment: dict[str, str]) -> datetime:
    """The moment that it understood."""
    return datetime.strptime(moment["utc"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
