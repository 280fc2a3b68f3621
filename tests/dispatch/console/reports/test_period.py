"""The days of a report."""

from __future__ import annotations

from datetime import date

import pytest

from dispatch.console.reports.period import Period, chosen, holding
from dispatch.errors import ValidationFailed

TUESDAY = date(2026, 11, 24)


def test_a_week_begins_on_monday_and_a_month_has_its_own_length() -> None:
    assert holding("week", TUESDAY) == Period("week", date(2026, 11, 23), date(2026, 11, 29))
    assert holding("month", TUESDAY) == Period("month", date(2026, 11, 1), date(2026, 11, 30))
    assert holding("month", date(2028, 2, 29)).last == date(2028, 2, 29)
    assert holding("day", TUESDAY) == Period("day", TUESDAY, TUESDAY)


def test_the_time_before_and_after_is_as_long_and_leaves_no_day_out() -> None:
    month = holding("month", date(2026, 1, 15))
    assert (month.before.first, month.after.last) == (date(2025, 12, 1), date(2026, 2, 28))
    span = Period("span", date(2026, 11, 20), date(2026, 11, 24))
    assert (span.before.first, span.before.last) == (date(2026, 11, 15), date(2026, 11, 19))
    assert (span.after.first, span.after.last) == (date(2026, 11, 25), date(2026, 11, 29))
    assert span.after.before == span


def test_without_a_choice_it_is_this_week() -> None:
    assert chosen({}, TUESDAY) == holding("week", TUESDAY)
    assert chosen({"unit": "day", "day": "2026-11-02"}, TUESDAY).first == date(2026, 11, 2)
    assert chosen({"unit": "nonsense"}, TUESDAY) == holding("day", TUESDAY)


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ({"unit": "day", "day": "24.11.2026"}, ("day", "day_shape")),
        ({"unit": "day", "day": "2026-02-30"}, ("day", "day_shape")),
        ({"unit": "span", "from": "2026-11-01"}, ("until", "day_shape")),
        ({"unit": "span", "from": "2026-11-02", "until": "2026-11-01"}, ("until", "use_order")),
        ({"unit": "span", "from": "2025-01-01", "until": "2026-11-01"}, ("until", "use_long")),
    ],
)
def test_what_is_no_period_is_said_at_its_field(query: dict[str, str], fault: tuple[str, str]) -> None:
    with pytest.raises(ValidationFailed) as refused:
        chosen(query, TUESDAY)
    assert [(field, code) for field, code, _ in refused.value.errors] == [fault]
