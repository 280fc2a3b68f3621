"""The engines under load: ours, and Janus with its VideoRoom."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import shutil
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import websockets

from rooms.media.client import EngineClient
from rooms.media.engine import Routing, Source, TrackKey

Finish = Callable[[str], Awaitable[None]]
SOURCES = {"0": Source.MICROPHONE, "1": Source.CAMERA}
JANUS_LIBRARIES = (Path("/usr/lib/x86_64-linux-gnu/janus"), Path("/usr/lib/aarch64-linux-gnu/janus"), Path("/usr/lib/janus"))


class Target(Protocol):
    """An engine in a process of its own."""

    pid: int

    async def open_room(self, publishers: int, subscribers: int) -> None: ...
    async def publish(self, number: int, offer: str) -> str: ...
    async def subscribe(self, number: int) -> tuple[str, Finish]: ...
    async def close_room(self) -> None: ...
    async def stop(self) -> None: ...


class Embedded:
    """The embedded engine."""

    def __init__(self, folder: Path, address: str) -> None:
        self._folder = folder
        self._address = address
        self.client = EngineClient(folder / "engine.sock")
        self._room = ""
        self.pid = 0

    async def start(self) -> Embedded:
        command = ["-m", "rooms.media.worker", "--socket", str(self._folder / "engine.sock"), "--udp-port", "0"]
        command += ["--bind", self._address, "--address", self._address]
        with (self._folder / "engine.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(sys.executable, *command, stderr=log)
        self.pid = self._process.pid
        await self.client.start()
        async with asyncio.timeout(30):
            while not self.client.connected:
                await asyncio.sleep(0.05)
        return self

    async def open_room(self, publishers: int, subscribers: int) -> None:
        self._room = secrets.token_hex(4)
        everything = frozenset(SOURCES.values())
        names = [f"p{i}" for i in range(publishers)]
        all_tracks = frozenset(TrackKey(name, source) for name in names for source in everything)
        viewers = [f"s{i}" for i in range(subscribers)]
        publish = {**dict.fromkeys(names, everything), **dict.fromkeys(viewers, frozenset())}
        await self.client.apply(self._room, 1, Routing(publish=publish, watch=dict.fromkeys(viewers, all_tracks)))

    async def publish(self, number: int, offer: str) -> str:
        return (await self.client.publish(self._room, 1, f"p{number}", offer, SOURCES)).sdp

    async def subscribe(self, number: int) -> tuple[str, Finish]:
        offer = await self.client.subscribe(self._room, 1, f"s{number}")

        async def finish(answer: str) -> None:
            await self.client.answer(self._room, 1, f"s{number}", offer.transport, offer.revision, answer)

        return offer.sdp, finish

    async def close_room(self) -> None:
        await self.client.close_router(self._room, 1)

    async def stop(self) -> None:
        await self.client.close()
        self._process.terminate()
        await self._process.wait()


def janus_installed() -> Path | None:
    """The folder of Janus's plugins, if there is a Janus."""
    return next((p for p in JANUS_LIBRARIES if p.is_dir()), None) if shutil.which("janus") else None


class Janus:
    """Janus with `event_loops` loops (0: one thread a handle, its default). It takes no loopback address."""

    def __init__(self, folder: Path, address: str, event_loops: int) -> None:
        self._address = address
        self._folder = folder / f"janus-{event_loops}"
        self._event_loops = event_loops
        self._waiting: dict[str, tuple[asyncio.Future[dict[str, Any]], bool]] = {}
        self._feeds: list[int] = []
        self._handles: list[int] = []
        self._room = 0
        self.pid = 0

    async def start(self) -> Janus:
        port = _free_port()
        self._configure(port)
        with (self._folder / "log").open("wb") as log:
            command = ["janus", "-F", str(self._folder), "-o"]
            self._process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, cwd=self._folder)
        self.pid = self._process.pid
        async with asyncio.timeout(30):
            while True:
                try:
                    address = f"ws://127.0.0.1:{port}"
                    self._socket = await websockets.connect(address, subprotocols=[websockets.Subprotocol("janus-protocol")], max_size=None)
                    break
                except OSError:
                    await asyncio.sleep(0.1)
        self._reader = asyncio.create_task(self._read())
        self._session = int((await self._request({"janus": "create"}))["data"]["id"])
        return self

    def _configure(self, port: int) -> None:
        self._folder.mkdir()
        libraries = janus_installed()
        keep = {"plugins": "libjanus_videoroom.so", "transports": "libjanus_websockets.so"}
        disabled = {
            kind: ",".join(p.name for p in sorted(libraries.joinpath(kind).glob("*.so")) if p.name != kept) if libraries else ""
            for kind, kept in keep.items()
        }
        loops = f"event_loops = {self._event_loops}" if self._event_loops else ""
        (self._folder / "janus.jcfg").write_text(f"""
general: {{ configs_folder = "{self._folder}"; plugins_folder = "{libraries}/plugins"; transports_folder = "{libraries}/transports";
  events_folder = "{libraries}/events"; loggers_folder = "{libraries}/loggers"; debug_level = 3; session_timeout = 600; {loops} }}
certificates: {{}}
media: {{ ipv6 = false; rtp_port_range = "20000-40000"; }}
nat: {{ ice_enforce_list = "{self._address}"; ignore_mdns = true; }}
plugins: {{ disable = "{disabled["plugins"]}"; }}
transports: {{ disable = "{disabled["transports"]}"; }}
events: {{}}
""")
        (self._folder / "janus.plugin.videoroom.jcfg").write_text("general: {}\n")
        (self._folder / "janus.transport.websockets.jcfg").write_text(
            f'general: {{ json = "plain"; ws = true; ws_port = {port}; ws_ip = "127.0.0.1"; wss = false; }}\n'
            "admin: { admin_ws = false; }\n"
        )

    async def _read(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            entry = self._waiting.get(message.get("transaction", ""))
            if entry is not None and not (message["janus"] == "ack" and entry[1]) and not entry[0].done():
                entry[0].set_result(message)

    async def _request(self, message: dict[str, Any], asynchronous: bool = False) -> dict[str, Any]:
        transaction = secrets.token_hex(8)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = (future, asynchronous)
        await self._socket.send(json.dumps({**message, "transaction": transaction}))
        async with asyncio.timeout(20):
            answer = await future
        del self._waiting[transaction]
        if answer["janus"] == "error" or "error" in answer.get("plugindata", {}).get("data", {}):
            raise RuntimeError(f"Janus refused: {answer}")
        return answer

    async def _attach(self) -> int:
        message = {"janus": "attach", "session_id": self._session, "plugin": "janus.plugin.videoroom"}
        self._handles.append(int((await self._request(message))["data"]["id"]))
        return self._handles[-1]

    async def _message(
        self, handle: int, body: dict[str, Any], jsep: dict[str, str] | None = None, asynchronous: bool = True
    ) -> dict[str, Any]:
        message: dict[str, Any] = {"janus": "message", "session_id": self._session, "handle_id": handle, "body": body}
        return await self._request({**message, **({"jsep": jsep} if jsep else {})}, asynchronous)

    async def open_room(self, publishers: int, subscribers: int) -> None:
        self._room, self._feeds, self._handles = secrets.randbits(30), [], []
        room = {"request": "create", "room": self._room, "publishers": publishers, "bitrate": 0, "videocodec": "vp8", "audiocodec": "opus"}
        await self._message(await self._attach(), {**room, "transport_wide_cc_ext": False, "fir_freq": 0}, asynchronous=False)

    async def publish(self, number: int, offer: str) -> str:
        body = {"request": "joinandconfigure", "room": self._room, "ptype": "publisher"}
        answer = await self._message(await self._attach(), body, {"type": "offer", "sdp": offer})
        self._feeds.append(answer["plugindata"]["data"]["id"])
        return str(answer["jsep"]["sdp"])

    async def subscribe(self, number: int, without: int | None = None) -> tuple[str, Finish]:
        """All publishers' tracks; but not those of the publisher `without`."""
        handle = await self._attach()
        streams = [{"feed": feed} for publisher, feed in enumerate(self._feeds) if publisher != without]
        body = {"request": "join", "room": self._room, "ptype": "subscriber", "streams": streams}
        offer = str((await self._message(handle, body))["jsep"]["sdp"])

        async def finish(answer: str) -> None:
            await self._message(handle, {"request": "start"}, {"type": "answer", "sdp": answer})

        return offer, finish

    async def close_room(self) -> None:
        for handle in self._handles:
            await self._request({"janus": "detach", "session_id": self._session, "handle_id": handle})

    async def stop(self) -> None:
        self._reader.cancel()
        await self._socket.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
