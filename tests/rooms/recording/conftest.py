"""A real recorder process in a temporary directory, a client, and an engine that feeds it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from rooms.recording.client import RecorderClient
from rooms.recording.control import RecorderEvent
from tests.rooms.recording.streams import FakeEngine


def now_us() -> int:
    return time.time_ns() // 1000


class Site:
    """One recorder process that can be killed and started again, with everything around it."""

    def __init__(self, sockets: Path, recordings: Path) -> None:
        self.recordings = recordings
        self.control = sockets / "c.sock"
        self.feed = sockets / "r.sock"
        self.engine_feed = sockets / "e.sock"
        self.second_feed = sockets / "e2.sock"
        self.client = RecorderClient(self.control)
        self.events: list[RecorderEvent] = []
        self.client.on_event(self.events.append)
        self.engine = FakeEngine(self.engine_feed, self.feed)
        self.process: asyncio.subprocess.Process | None = None
        self.wrapper: list[str] = []
        self.second: Path | None = None

    async def start(self) -> None:
        """Start the recorder and wait for the client to be connected."""
        ups = self.count("up")
        command = [
            *self.wrapper,
            sys.executable,
            *("-m", "rooms.recording.worker", "--socket", str(self.control), "--feed-socket", str(self.feed)),
            *("--engine-feed-socket", str(self.engine_feed), str(self.second_feed), "--recordings", str(self.recordings)),
            *(("--second", str(self.second)) if self.second else ()),
        ]
        self.process = await asyncio.create_subprocess_exec(*command)
        await self.client.start()
        await self.until(lambda: self.count("up") > ups)

    async def kill(self, number: int = signal.SIGKILL) -> int:
        """End the recorder by a signal; its exit code."""
        process, self.process = self.process, None
        assert process is not None
        process.send_signal(number)
        return await asyncio.wait_for(process.wait(), 20)

    def count(self, name: str) -> int:
        """How many events of that name there were."""
        return sum(event.name == name for event in self.events)

    def last(self, name: str) -> RecorderEvent | None:
        """The newest event of that name."""
        return next((event for event in reversed(self.events) if event.name == name), None)

    def last_fields(self, name: str) -> dict[str, Any]:
        """The fields of the newest event of that name, of which there is one."""
        event = self.last(name)
        assert event is not None, f"no {name}"
        return dict(event.fields)

    async def until(self, condition: Callable[[], Any], limit_s: float = 30.0) -> None:
        """Wait for something to become true; the limit only ends a test that would hang."""
        async with asyncio.timeout(limit_s):
            while not condition():
                await asyncio.sleep(0.02)

    async def written(self, packets: int, limit_s: float = 30.0) -> None:
        """Wait until the heartbeats tell that so many packets were accepted in all."""

        def enough() -> bool:
            beat = self.last("heartbeat")
            return beat is not None and sum(track["packets"] for track in beat.fields["tracks"]) >= packets

        await self.until(enough, limit_s)

    def rows(self, name: str, folder: str = "s1") -> list[dict[str, Any]]:
        """The rows of a list in the sitting's folder."""
        return [json.loads(line) for line in (self.recordings / folder / name).read_text().splitlines()]

    def segments(self, folder: str = "s1") -> list[dict[str, Any]]:
        """Each segment with what was known when it was opened and closed."""
        found: dict[str, dict[str, Any]] = {}
        for row in self.rows("segments.jsonl", folder):
            found.setdefault(row["file"], {}).update(row)
        return list(found.values())

    async def close(self) -> None:
        """End everything."""
        await self.client.close()
        self.engine.close()
        if self.process is not None:
            await self.kill()


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A site whose recorder is up. Sockets have short paths: a Unix address holds 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="rec-") as sockets:
        made = Site(Path(sockets), tmp_path / "recordings")
        await made.start()
        try:
            yield made
        finally:
            await made.close()
