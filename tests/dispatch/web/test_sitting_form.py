"""The form of a sitting: what a new one begins with."""

from __future__ import annotations

from datetime import datetime

import pytest

from dispatch.web.sitting_form import first_time


@pytest.mark.parametrize(
    ("now", "asked", "begins"),
    [
        ("2026-11-30T08:10", "", "2026-11-30 09:00"),
        ("2026-11-30T09:00", "", "2026-11-30 09:00"),
        ("2026-11-30T09:01", "", "2026-11-30 09:30"),
        ("2026-11-30T16:43", "2026-11-30", "2026-11-30 17:00"),
        ("2026-11-30T17:01", "", "2026-12-01 09:00"),
        ("2026-11-30T17:01", "2026-11-30", "2026-11-30 17:30"),
        ("2026-11-30T23:45", "2026-11-30", "2026-11-30 09:00"),
        ("2026-11-30T23:45", "", "2026-12-01 09:00"),
        ("2026-12-04T18:00", "", "2026-12-07 09:00"),
        ("2026-12-05T18:00", "", "2026-12-07 09:00"),
        ("2026-11-30T16:43", "2026-12-09", "2026-12-09 09:00"),
        ("2026-11-30T16:43", "no day", "no day 09:00"),
    ],
)
def test_a_new_form_begins_with_a_time_that_is_still_to_come(now: str, asked: str, begins: str) -> None:
    assert " ".join(first_time(datetime.fromisoformat(now), asked)) == begins
