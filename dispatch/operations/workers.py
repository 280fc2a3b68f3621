"""The media workers of an installation: how each is called, and where it is reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatch.settings import Settings


@dataclass(frozen=True, slots=True)
class MediaWorker:
    """One process of the media engine. The first is called "engine", the others "engine-2" and so on."""

    name: str
    socket: Path
    feed_socket: Path
    udp_port: int
    media_port: int


def of(settings: Settings) -> Sequence[MediaWorker]:
    """All of them, in order."""
    run = settings.run.resolve()
    found = []
    for number, (udp_port, media_port) in enumerate(zip(settings.udp_ports, settings.media_ports, strict=True), 1):
        name = "engine" if number == 1 else f"engine-{number}"
        found.append(MediaWorker(name, run / f"{name}.sock", run / f"{name}-feed.sock", udp_port, media_port))
    return found
