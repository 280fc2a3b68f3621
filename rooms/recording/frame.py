"""What is written: one encoded video frame, or one packet of sound."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded frame or one Opus packet. `timestamp` is RTP's; `arrival_us` that of its last packet.

    `size` (width, height) is known of key frames alone, `private` of H.264's: what a decoder has to know before (Matroska's
    CodecPrivate).
    """

    timestamp: int
    arrival_us: int
    key: bool
    data: bytes
    size: tuple[int, int] | None = None
    private: bytes = b""


@dataclass(frozen=True, slots=True)
class Timed:
    """A frame with its place in time: `wall_us` since the epoch by the engine's clock, `duration_us` 0 if unknown."""

    wall_us: int
    duration_us: int
    key: bool
    data: bytes
    size: tuple[int, int] | None = None
    private: bytes = b""


@dataclass(frozen=True, slots=True)
class Hole:
    """Something is missing before the next frame, from `from_us` on; `cause` goes to the ledger if it is over 100 ms."""

    cause: str
    from_us: int
