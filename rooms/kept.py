"""What a sitting keeps besides its seats and devices. Frozen data; nothing here decides anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Consultation:
    """A talk among a few of the sitting, unheard by everybody else. `members`: participants, in the order of the plan."""

    id: str
    members: tuple[str, ...]
    since_us: int
