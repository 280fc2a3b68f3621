"""What cannot hold together, in a form that pages put into words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Obstacle:
    """A condition that is in the way; pages say "obstacle.<code>" with the data, where ids stand for the names of things."""

    code: str
    data: Mapping[str, Any] = field(default_factory=dict)


def irreducible(masks: Sequence[tuple[Obstacle, int]]) -> list[Obstacle]:
    """Of conditions that have no step in common some that have none either, each of which is needed for that: with any one of them
    less there would be a step. Later ones are kept rather than earlier ones. Empty where there is a step for all."""
    kept = list(masks)
    if _common(kept):
        return []
    for each in masks:
        without = [other for other in kept if other is not each]
        if not _common(without):
            kept = without
    return [obstacle for obstacle, _ in kept]


def _common(masks: Sequence[tuple[Obstacle, int]]) -> int:
    """The steps that all allow; -1, which is every step, for no condition."""
    steps = -1
    for _, mask in masks:
        steps &= mask
    return steps
