"""Where the roles of a procedure sit on the picture that is made of a recording. Frozen data, and the rule that reads it.

As in a court room seen from the gallery: the bench in front, the side that accuses or sues at the left, the side that
answers at the right, everybody else between them (notice of the Supreme People's Court on the names, the arrangement and the
emblem of court rooms, 1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hall:
    """Who sits where, as indexes into the list that was given. `bench` from left to right, who presides in the middle. `large`: whose
    picture fills the whole, with the others over it."""

    bench: tuple[int, ...] = ()
    left: tuple[int, ...] = ()
    right: tuple[int, ...] = ()
    middle: tuple[int, ...] = ()
    large: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Seating:
    """Roles by where they sit.

    * `bench`: large, in front, in order of rank.
    * `left`, `right`: the two sides.
    * `opposed`: the role does not say which side; the first of them sits at the left, unless a role of `left` takes part, and
      the others at the right.
    * `beside`: at the side of the one of `opposed`, `left` or `right` who was named before; opposite him where that side would be
      empty, as when one party comes himself and the other sends who acts for him.

    Every other role sits in the middle. Without any data all sit in one row.
    """

    bench: tuple[str, ...] = ()
    left: frozenset[str] = frozenset()
    right: frozenset[str] = frozenset()
    opposed: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()

    def sides(self, roles: Sequence[str]) -> tuple[str, ...]:
        """On whose side each is, given everybody's role in the order in which they are named: "bench", "left", "right" or "middle"."""
        found = []
        side, is_open = "left", not self.left.intersection(roles)
        for role in roles:
            if role in self.bench:
                found.append("bench")
            elif role in self.left | self.right | self.opposed | self.beside:
                if role in self.left:
                    side = "left"
                elif role in self.right:
                    side = "right"
                elif role in self.opposed:
                    side, is_open = ("left", False) if is_open else ("right", False)
                found.append(side)
            else:
                found.append("middle")
        return tuple(found)

    def hall(self, roles: Sequence[str]) -> Hall:
        """Who sits where, given everybody's role in the order in which they are named."""
        sides = self.sides(roles)
        bench, left, right, middle = ([i for i, side in enumerate(sides) if side == name] for name in ("bench", "left", "right", "middle"))
        if not right:
            right = [index for index in left if roles[index] in self.beside]
            left = [index for index in left if roles[index] not in self.beside]
        bench.sort(key=lambda index: self.bench.index(roles[index]))
        return Hall(tuple(_from_the_middle(bench)), tuple(left), tuple(right), tuple(middle))


ONE_ROW = Seating()


def _from_the_middle(ranked: Sequence[int]) -> list[int]:
    """The first in the middle, the next at its right, then its left, and so on: 1, 2, 3 → 3, 1, 2."""
    return [*ranked[2::2][::-1], *ranked[:1], *ranked[1::2]]
