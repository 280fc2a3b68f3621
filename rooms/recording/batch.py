"""Frames of a track on their way from the network to the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rooms.recording.frame import Hole, Timed


@dataclass(frozen=True, slots=True)
class Source:
    """Which track frames belong to: `number` is unique in the process."""

    number: int
    endpoint: str
    source: str
    codec: str
    ssrc: int

    @property
    def key(self) -> tuple[str, str]:
        """Endpoint and source."""
        return self.endpoint, self.source


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames of a track on their way to the disk; `packets` and `lost` are the track's counts so far."""

    source: Source
    items: Sequence[Timed | Hole]
    packets: int
    lost: int

    @property
    def size(self) -> int:
        """Bytes of the frames."""
        return sum(len(item.data) for item in self.items if isinstance(item, Timed))
