"""Who received what, as those count who receive it: pages by getStats, robots packet by packet, the recorder in its folder. Nothing of
what the page or the server says about it is believed."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field

from aiortc.sdp import SessionDescription

from tests.browser.participants import Person
from tests.browser.recorded import Folder
from tests.robot import Robot

Source = tuple[str, str]
"""Whose endpoint, and "camera", "microphone" or "screen"."""
STRAY = "of no track that was offered"
FILES = "in the files"


@dataclass
class AtPage:
    """What arrives at a page; to be made before the page is opened. The offers that the page gets say which stream is whose."""

    person: Person
    _names: dict[int, Source] = field(default_factory=dict)
    _former: dict[int, int] = field(default_factory=dict)
    _total: dict[Source, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.person.page.on("websocket", lambda socket: socket.on("framereceived", self._take))

    def _take(self, frame: str | bytes) -> None:
        message = json.loads(frame)
        if message["type"] != "offer":
            return
        names = {track["mid"]: (track["endpoint"], track["source"]) for track in message["tracks"]}
        for section in SessionDescription.parse(message["sdp"]).media:
            for each in section.ssrc:
                if section.rtp.muxId in names:
                    self._names[each.ssrc] = names[section.rtp.muxId]

    async def packets(self) -> dict[Source, int]:
        """Packets so far. A stream that went and came again is counted on."""
        for report in (await self.person.counters())["inbound"]:
            ssrc, now = int(report["ssrc"]), int(report["packetsReceived"])
            former = self._former.get(ssrc, 0)
            self._total[self._names.get(ssrc, ("", STRAY))] += now - former if now >= former else now
            self._former[ssrc] = now
        return dict(self._total)


@dataclass(frozen=True)
class AtRobot:
    """What arrives at a robot, also on connections that it has closed since."""

    robot: Robot

    async def packets(self) -> dict[Source, int]:
        """Packets so far."""
        found: dict[Source, int] = defaultdict(int)
        for watching in self.robot.watched:
            for source, received in watching.received.items():
                found[source] += received.packets
            found["", STRAY] += watching.strays
        return found


@dataclass(frozen=True)
class AtRecorder:
    """What the recorder takes, by its heartbeats; and the bytes that it has written into the files of tracks."""

    folder: Folder

    @property
    def beats(self) -> int:
        """Heartbeats so far."""
        return len(self.folder.rows("heartbeat")) if (self.folder.root / "heartbeat.jsonl").exists() else 0

    async def packets(self) -> dict[Source, int]:
        """Packets so far; each recording begins to count anew."""
        if self.beats == 0:
            return {}
        found: dict[Source, int] = defaultdict(int)
        former: dict[Source, int] = {}
        for row in self.folder.rows("heartbeat"):
            for track in row["tracks"]:
                source, now = (track["endpoint"], track["source"]), track["packets"]
                found[source] += now - former[source] if now >= former.get(source, now + 1) else now
                former[source] = now
        found["", FILES] = sum(path.stat().st_size for path in (self.folder.root / "tracks").glob("*.mkv"))
        return found
