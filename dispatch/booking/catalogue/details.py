"""How a resource is booked and what it offers: the same for rooms, equipment, custody slots and people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dispatch.booking.catalogue.features import FEATURES, known
from dispatch.booking.catalogue.hours import weekly_hours
from dispatch.errors import FieldError, ValidationFailed
from dispatch.store.tables import Resource

LONGEST_BUFFER_MINUTES = 240
LAST_POSITION = 9999
"""In the lists."""
BOOKERS = ("clerk", "judge", "prosecutor", "officer", "administrator")
"""Roles that can be named as those who book without asking."""


@dataclass(frozen=True, slots=True)
class Details:
    """`before_minutes`, `after_minutes`: set-up and clear-up. `booked_by`: roles that need not ask; none named: whoever books.
    `hours`: weekly hours as :func:`~dispatch.booking.catalogue.hours.weekly_hours` reads them, None for those of the site."""

    before_minutes: int = 0
    after_minutes: int = 0
    needs_approval: bool = False
    booked_by: tuple[str, ...] = ()
    hours: Mapping[str, Any] | None = None
    features: tuple[str, ...] = ()


def details_of(resource: Resource) -> Details:
    """Those that a resource has."""
    return Details(
        resource.before_minutes,
        resource.after_minutes,
        resource.needs_approval,
        tuple(resource.booked_by or ()),
        resource.hours,
        tuple(resource.features),
    )


def problems(details: Details) -> Iterator[FieldError]:
    """Every bad field: out_of_range, role_unknown, feature_unknown, or what is wrong with the hours ("hours.mon.0")."""
    for field, minutes in (("before_minutes", details.before_minutes), ("after_minutes", details.after_minutes)):
        if not 0 <= minutes <= LONGEST_BUFFER_MINUTES:
            yield (field, "out_of_range", {"least": 0, "most": LONGEST_BUFFER_MINUTES})
    for role in details.booked_by:
        if role not in BOOKERS:
            yield ("booked_by", "role_unknown", {"role": role[:40]})
    for feature in details.features:
        if feature not in FEATURES:
            yield ("features", "feature_unknown", {"feature": feature[:40]})
    yield from hours_problems(details.hours)


def hours_problems(hours: Mapping[str, Any] | None) -> list[FieldError]:
    """What is wrong with weekly hours as typed."""
    try:
        weekly_hours(hours or {})
    except ValidationFailed as failed:
        return failed.errors
    return []


def kept_hours(hours: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Good hours in the one form in which they are kept."""
    return None if hours is None else dict(weekly_hours(hours).as_typed())


def write(resource: Resource, details: Details) -> None:
    """Give a resource these details, which are good; what is booked already stays as it is."""
    resource.before_minutes, resource.after_minutes = details.before_minutes, details.after_minutes
    resource.needs_approval, resource.booked_by = details.needs_approval, list(dict.fromkeys(details.booked_by)) or None
    resource.hours, resource.features = kept_hours(details.hours), known(details.features)
