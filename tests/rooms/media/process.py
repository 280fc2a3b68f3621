"""Starts the real engine process for a test, and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from rooms.media.client import EngineClient
from rooms.media.engine import EngineEvent

START_LIMIT_S = 60.0


class EngineProcess:
    """An engine process with its sockets in `folder`, and a client of it. `events` keeps what the client heard."""

    def __init__(self, folder: Path, udp_port: int = 0, bind: str = "127.0.0.1") -> None:
        self.folder = folder
        self.bind = bind
        self.socket = folder / "engine.sock"
        self.feed_socket = folder / "engine-feed.sock"
        self.recorder_feed_socket = folder / "recorder-feed.sock"
        self.udp_port = udp_port
        self.options: list[str] = []
        self.process: asyncio.subprocess.Process | None = None
        self.client = EngineClient(self.socket)
        self.events: list[EngineEvent] = []
        self.client.on_event(self.events.append)

    async def start(self, address: str = "127.0.0.1") -> EngineProcess:
        """Start the process and wait until the client is connected to it. Where it fails nothing is left running."""
        before = sum(e.name == "up" for e in self.events)
        await self.spawn(address)
        await self.client.start()
        try:
            await until(lambda: sum(e.name == "up" for e in self.events) > before and self.client.connected)
        except BaseException:
            await self.kill()
            await self.client.close()
            raise
        self.udp_port = (await self.client.report())["worker"]["udp_port"]
        return self

    async def spawn(self, address: str = "127.0.0.1") -> asyncio.subprocess.Process:
        """Start the process alone."""
        command = [
            sys.executable, "-m", "rooms.media.worker", "--socket", str(self.socket), "--udp-port", str(self.udp_port),
            "--bind", self.bind, "--address", address,
            "--feed-socket", str(self.feed_socket), "--recorder-feed-socket", str(self.recorder_feed_socket), *self.options,
        ]  # fmt: skip
        with (self.folder / "engine.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(*command, stderr=log)
        return self.process

    async def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """Ask it to end; returns the exit code."""
        await self.client.close()
        assert self.process is not None
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()

    def log(self) -> str:
        return (self.folder / "engine.log").read_text()


async def until(condition: Callable[[], bool], limit_s: float = START_LIMIT_S) -> None:
    """Wait for a condition; fails after `limit_s`."""
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.02)
