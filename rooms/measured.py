"""What is seen and measured in a sitting, beside its state. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rooms.media.engine import Source
from rooms.protocol import NetworkView, RecordingView
from rooms.sealing import Seal

OFF = RecordingView(state="off", seconds=0.0, at_us=0)


@dataclass(frozen=True, slots=True)
class Measured:
    """What is seen and measured, and never logged.

    * `producers`: tracks that arrive at the engine. * `networks`: endpoint → how well it is connected.
    * `awaited`: endpoints that have not come back since the server restarted at `restarted_us`. Whose tracks arrive all the
      same is not lost: media flow on without the server.
    * `recorder_ready`: the recorder could begin now. * `undecodable`: endpoint → tracks that its browser cannot show.
    * `seal`: the sitting's, with which each reads again what he himself has written in secret.
    """

    producers: frozenset[tuple[str, Source]] = frozenset()
    networks: Mapping[str, NetworkView] = field(default_factory=dict)
    awaited: frozenset[str] = frozenset()
    restarted_us: int | None = None
    media: Literal["up", "away"] = "up"
    recorder_ready: bool = True
    recording: RecordingView = OFF
    undecodable: Mapping[str, frozenset[tuple[str, Source]]] = field(default_factory=dict)
    seal: Seal | None = None
