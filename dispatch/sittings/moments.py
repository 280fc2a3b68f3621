"""The two ways to write a moment: aware datetimes in the control plane, microseconds since the epoch in the live one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at_us: int) -> datetime:
    """The moment of microseconds since the epoch, exactly."""
    return _EPOCH + timedelta(microseconds=at_us)


def microseconds(moment: datetime) -> int:
    """Microseconds since the epoch, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
