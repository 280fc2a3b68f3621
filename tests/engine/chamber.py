"""A conference on a running engine with everything around it real: log, hub, WebSockets, the recorder's process, and people whose media
flow by rooms/participant's connections."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from rooms.media.client import EngineClient
from rooms.media.engine import Source
from rooms.participant.connections import Receiving, Sending
from rooms.participant.tracks import Paced
from rooms.recording.client import RecorderClient
from tests.rooms.courthouse import Clock, Courthouse, Page, until
from tests.rooms.in_memory import MemoryEngine, MemoryRecorder
from tests.rooms.walking import Walk

from .engines import Engine
from .ledger import LIMIT_S, Hiss, Ledger, Snow, Tap


class WallClock(Clock):
    """The real one: a recorder's heartbeats have its time."""

    def __call__(self) -> int:
        return time.time_ns() // 1000


class Person:
    """Somebody at a page of the sitting. He obeys no orders: what he sends goes on whatever his rights are."""

    def __init__(self, name: str, page: Page, ledger: Ledger) -> None:
        self.name = name
        self.page = page
        self.sending: Sending | None = None
        self.receiving: Receiving | None = None
        self._ledger = ledger
        self._follow: asyncio.Task[None] | None = None

    async def sends(self, microphone: Paced | None = None, camera: Paced | None = None, *, switched_on: bool = True) -> None:
        """Microphone and camera, of noise where nothing else is given, switched on; an officer has nothing to switch."""
        self.sending = Sending({Source.MICROPHONE: microphone or Hiss(), Source.CAMERA: camera or Snow()})
        sdp, tracks = await self.sending.offer()
        await self.page.send("publish", sdp=sdp, tracks=tracks)
        await self.sending.take((await self.page.told("published"))["sdp"])
        await self.sending.connected(LIMIT_S)
        self._ledger.sends(self.name, self.sending)
        if switched_on:
            await self.switch_on("microphone", "camera")

    async def switch_on(self, *sources: str) -> None:
        for source in sources:
            await self.page.send("source", source=source, on=True)

    async def receives(self) -> None:
        """All that he has a right to, from now on, on a connection that is new."""
        await self._forget()
        self.receiving = Receiving()
        former = [m["transport"] for m in self.page.heard if m["type"] == "offer"]
        await self.page.send("subscribe")
        self._follow = asyncio.create_task(self._answer(self.receiving, former))

    async def _answer(self, receiving: Receiving, former: list[str]) -> None:
        number = len(former)
        while True:
            number += 1
            await until_told(self.page, number)
            offer = [m for m in self.page.heard if m["type"] == "offer"][number - 1]
            if offer["transport"] in former:
                # Of the connection that this one takes the place of: rights that came back are offered there until it is asked for.
                continue
            sdp = await receiving.answer(offer["sdp"], offer["tracks"])
            self._ledger.receives(self.name, receiving)
            await self.page.send("answer", transport=offer["transport"], revision=offer["revision"], sdp=sdp)

    async def _forget(self) -> None:
        if self._follow is not None:
            self._follow.cancel()
            await asyncio.gather(self._follow, return_exceptions=True)
        if self.receiving is not None:
            await self.receiving.close()
        self.receiving = self._follow = None

    async def gets(self, *senders: str, more: int = 2000) -> None:
        """Wait until so many bytes more of each of them have come."""
        got = self._ledger.of(self.name)
        wanted = {who: got.octets(who) + more for who in senders}
        await until(
            lambda: all(got.octets(who) >= count for who, count in wanted.items()),
            lambda: (self.name, wanted, {who: got.octets(who) for who in senders}),
        )

    async def close(self) -> None:
        await self._forget()
        if self.sending is not None:
            await self.sending.close()


async def until_told(page: Page, offers: int) -> None:
    """Wait, however long, for the offer of this number."""
    while sum(m["type"] == "offer" for m in page.heard) < offers:
        await asyncio.sleep(0.005)


class Chamber:
    """Make it, `open()` it, `close()` it."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.recordings = folder / "recordings"
        self.ledger = Ledger()
        self.people: dict[str, Person] = {}
        self._sockets = engine.folder
        self._recorder: subprocess.Popen[bytes] | None = None
        self.tap = Tap(engine.recorder_feed_socket, self._sockets / "taken.sock", self.ledger)
        self._folder = folder
        self.house = self._server("first")
        self.walk: Walk | None = None

    def _server(self, owner: str) -> Courthouse:
        return Courthouse(
            self._folder,
            clock=WallClock(),
            engine=cast(MemoryEngine, EngineClient(self.engine.socket)),
            recorder=cast(MemoryRecorder, RecorderClient(self._sockets / "recorder.sock")),
            owner=owner,
        )

    async def restart_server(self) -> None:
        """The server ends and another one goes on with its files, the same engine and recorder; everybody's page comes back. What people
        send is not begun anew: engine and connections never went away."""
        await self.house.close()
        self.house = await self._server("second").start()
        assert self.walk is not None
        self.walk.house = self.house
        for who, person in self.people.items():
            person.page = self.walk.pages[who] = await self.house.enter(who)

    def start_recorder(self) -> None:
        """Start the recorder's process; it goes on in the same folders."""
        command = [sys.executable, "-m", "rooms.recording.worker", "--socket", str(self._sockets / "recorder.sock")]
        command += ["--feed-socket", str(self._sockets / "taken.sock"), "--engine-feed-socket", str(self.engine.feed_socket)]
        command += ["--recordings", str(self.recordings)]
        with (self._sockets / "recorder.log").open("ab") as log:
            self._recorder = subprocess.Popen(command, stdout=log, stderr=log, cwd=Path(__file__).parents[2])

    def kill_recorder(self) -> None:
        """kill -9."""
        recorder, self._recorder = self._recorder, None
        assert recorder is not None
        recorder.kill()
        recorder.wait()

    async def open(self, kind: str) -> Walk:
        """Everybody is inside, in the first stage of a sitting of this kind; the command centre watches."""
        self.start_recorder()
        await self.house.start()
        walk = self.walk = await Walk.begun(self.house, kind)
        self.people = {who: Person(who, page, self.ledger) for who, page in walk.pages.items()}
        return walk

    async def watched(self) -> Person:
        """The command centre watches from now on."""
        self.people["watcher"] = Person("watcher", await self.house.watch(), self.ledger)
        await self.people["watcher"].receives()
        return self.people["watcher"]

    def got(self, who: str, *senders: str, sent_after_s: float = 0.0) -> int:
        """Bytes of payload that came to somebody, or to the recorder's feed."""
        return self.ledger.of(who).octets(*senders, sent_after_s=sent_after_s)

    async def recorded(self, *senders: str, more: int = 2000) -> None:
        """Wait until the recorder's feed has so much more of each of them."""
        wanted = {who: self.got(Tap.NAME, who) + more for who in senders}
        await until(lambda: all(self.got(Tap.NAME, who) >= count for who, count in wanted.items()), lambda: wanted)

    def leaked(self, since_s: float, *receivers: str, of: tuple[str, ...] = (), recorder: bool = True) -> Mapping[str, list[str]]:
        """Payloads by receiver, the recorder's feed among them, that these (all without `of`) have sent since a moment, and those that
        nobody is known to have sent; each in words. Nobody who got nothing is named."""
        everybody = (*receivers, Tap.NAME) if recorder else receivers
        found: dict[str, list[str]] = {}
        for who in everybody:
            for sender, at_s, size in self.ledger.of(who).payloads:
                if sender == "" or (at_s >= since_s and (not of or sender in of)):
                    after = f", sent {1000 * (at_s - since_s):.1f} ms after" if sender else ""
                    found.setdefault(who, []).append(f"{size} bytes of {sender or 'nobody'}{after}")
        return found

    def ledger_of_recorder(self) -> list[dict[str, Any]]:
        """The starts, stops and gaps that the recorder has written down."""
        path = self.recordings / "sitting" / "ledger.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def on_disk(self) -> dict[str, int]:
        """Bytes of each track on the recorder's disk, by file."""
        folder = self.recordings / "sitting" / "tracks"
        return {path.name: path.stat().st_size for path in sorted(folder.iterdir())} if folder.is_dir() else {}

    def tracks_begun_after(self, at_us: int) -> list[str]:
        """Files of tracks on the recorder's disk that begin later than that."""
        path = self.recordings / "sitting" / "segments.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert rows, "something was recorded before"
        return [row["file"] for row in rows if row.get("start_us", 0) > at_us]

    async def close(self) -> None:
        for person in self.people.values():
            await person.close()
        await self.house.close()
        if self._recorder is not None:
            self._recorder.terminate()
            self._recorder.wait(20)
        self.tap.close()
