"""The recorder process: ``python -m rooms.recording.worker --socket S --feed-socket R --engine-feed-socket E... --recordings DIR``.

Commands come over :mod:`rooms.wire` on `--socket` (:mod:`rooms.recording.control`), media over Unix datagrams on
`--feed-socket` (:mod:`rooms.recording.feed`). Ends cleanly on SIGTERM and SIGINT with every file closed; after
SIGKILL the next recorder goes on in the same folders.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import json
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

import structlog

from rooms import wire
from rooms.lasting import keep_what_is_loaded
from rooms.recording import feed
from rooms.recording.capture import Capture, now_us
from rooms.recording.receiver import Feed
from rooms.recording.refusing import FolderError
from rooms.recording.signer import Signer
from rooms.recording.signer import load as load_signer
from rooms.spare import wait_until_needed

TICK_S = 0.2
BEAT_EVERY_TICKS = 5
GC_THRESHOLD = (20_000, 20, 100)
"""Packets are held for a second and then dropped, and none is part of a cycle: looking for cycles often finds nothing."""
log = structlog.get_logger()


class Recorder:
    """All sittings of this process, and who commands them."""

    def __init__(
        self,
        recordings: Path,
        feed_socket: Path,
        engine_feed_sockets: Sequence[Path],
        signer: Callable[[], Signer | None] = lambda: None,
        stills: Path | None = None,
        second: Path | None = None,
    ) -> None:
        self.instance = uuid4().hex
        self.captures: dict[str, Capture] = {}
        self.by_handle: dict[int, Capture] = {}
        self.peers: set[wire.Peer] = set()
        self.feed = Feed(feed_socket, engine_feed_sockets, self)
        self._recordings = recordings
        self._signer = signer
        self._stills = stills
        self._second = second
        self._beats: set[asyncio.Task[None]] = set()

    # -- commands -----------------------------------------------------------------------------------------------

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        peer = wire.Peer(reader, writer, self._handle)
        self.peers.add(peer)
        try:
            await peer.run()
        finally:
            self.peers.discard(peer)

    async def _handle(self, _: wire.Peer, do: str, arguments: wire.Json) -> wire.Json:
        if do == "report":
            return self.report()
        try:
            return await self._command(do, str(arguments["sitting"]), int(arguments["epoch"]), arguments)
        except FolderError as error:
            log.warning("command failed", do=do, sitting=arguments["sitting"], code=error.code, error=str(error))
            raise wire.WireError(error.code, str(error)) from error

    async def _command(self, do: str, sitting: str, epoch: int, arguments: wire.Json) -> wire.Json:
        if do == "open":
            capture = await self._open(sitting, epoch, str(arguments["folder"]))
            return {"instance": self.instance, "sealed": capture.describe()["sealed"]}
        capture = self._capture(sitting, epoch)
        if do == "record":
            on = arguments["on"]
            if not isinstance(on, bool):
                raise ValueError(f"on is {on!r}")
            self.feed.drain()
            await capture.record(on, str(arguments["reason"]), str(arguments["operator"]))
            if on:
                self.want(capture)
            log.info("recording" if on else "recording stopped", sitting=sitting, reason=arguments["reason"])
            return {}
        if do == "events":
            return {"seq": await capture.events([str(row) for row in arguments["rows"]])}
        if do == "seal":
            answer = await capture.seal(dict(arguments["meta"]))
            log.info("sealed", sitting=sitting, files=answer["files"])
            return answer
        raise wire.WireError("unknown", f"no request {do!r} here")

    async def _open(self, sitting: str, epoch: int, folder: str) -> Capture:
        capture = self.captures.get(sitting)
        if capture is None:
            relative = PurePosixPath(folder)
            if not folder or relative.is_absolute() or ".." in relative.parts:
                raise ValueError(f"folder {folder!r} is not below the recordings directory")
            second = self._second / relative if self._second is not None else None
            capture = Capture(sitting, self._recordings / relative, self.notify, self._signer, self._stills, second)
            self.captures[sitting] = capture
        self._check_epoch(capture, epoch)
        await capture.ready()
        self._check_epoch(capture, epoch)
        capture.epoch = epoch
        return capture

    def _capture(self, sitting: str, epoch: int) -> Capture:
        capture = self.captures.get(sitting)
        if capture is None:
            raise wire.WireError("unknown_sitting", f"sitting {sitting} is not open here")
        self._check_epoch(capture, epoch)
        capture.epoch = epoch
        return capture

    @staticmethod
    def _check_epoch(capture: Capture, epoch: int) -> None:
        if epoch < capture.epoch:
            raise wire.WireError("stale_epoch", f"epoch {epoch} is below {capture.epoch}")

    def report(self) -> dict[str, Any]:
        """Instance, sittings and what the feed dropped."""
        sittings = {sitting: capture.describe() for sitting, capture in self.captures.items()}
        return {"instance": self.instance, "dropped": dict(self.feed.dropped), "sittings": sittings}

    def notify(self, name: str, **fields: Any) -> None:
        """Send a notice to everybody connected."""
        if name != "heartbeat":
            log.info(name, **fields)
        for peer in self.peers:
            peer.note(name, **fields)

    # -- the feed -----------------------------------------------------------------------------------------------

    def announce(self, announcement: feed.Announcement) -> None:
        """A track is fed. Raises ValueError for a codec that cannot be written."""
        capture = self.captures.get(announcement.sitting)
        if capture is None or not capture.on:
            self.by_handle.pop(announcement.handle, None)
            return
        capture.announce(announcement)
        self.by_handle[announcement.handle] = capture

    def ended(self, handle: int, cause: str) -> None:
        """A track is fed no more."""
        capture = self.by_handle.pop(handle, None)
        if capture is not None:
            capture.ended(handle, cause)

    # -- time ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Ticks, heartbeats, wishes to the engine; until cancelled."""
        loop = asyncio.get_running_loop()
        turn, next_s = 0, loop.time()
        while True:
            self.feed.drain()
            at_us = now_us()
            for capture in list(self.captures.values()):
                if capture.on:
                    capture.tick(at_us)
                    self._wish(capture, at_us, turn)
                if turn % BEAT_EVERY_TICKS == 0 and (capture.on or capture.failed):
                    self._spawn_beat(capture)
            turn += 1
            next_s = max(next_s + TICK_S, loop.time())
            await asyncio.sleep(next_s - loop.time())

    def _wish(self, capture: Capture, at_us: int, turn: int) -> None:
        if turn % max(1, int(feed.WANT_EVERY_S / TICK_S)) == 0:
            self.want(capture)
        for handle, track in capture.tracks.items():
            if track.wants_key_frame(at_us, int(feed.KEY_FRAME_EVERY_S * 1e6)):
                self.feed.send(feed.KEY_FRAME, handle=handle)

    def want(self, capture: Capture) -> None:
        """Tell the engine that this sitting is recorded."""
        self.feed.send(feed.WANT, sitting=capture.sitting, instance=capture.instance)

    def _spawn_beat(self, capture: Capture) -> None:
        task = asyncio.create_task(capture.beat())
        self._beats.add(task)
        task.add_done_callback(self._beats.discard)

    async def close(self) -> None:
        """Close every file and socket."""
        self.feed.close()
        for capture in self.captures.values():
            await capture.close()
        for peer in list(self.peers):
            await peer.close()


async def serve(arguments: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    arguments.recordings.mkdir(parents=True, exist_ok=True)
    signer = partial(load_signer, arguments.seal_key, arguments.seal_chain, arguments.seal_signer)
    sockets = arguments.feed_socket, arguments.engine_feed_socket
    recorder = Recorder(arguments.recordings, *sockets, signer, arguments.stills, arguments.second)
    server = await wire.serve(arguments.socket, recorder.accept)
    log.info("recorder is up", instance=recorder.instance, recordings=str(arguments.recordings))
    keep_what_is_loaded()
    gc.set_threshold(*GC_THRESHOLD)
    ticks = asyncio.create_task(recorder.run())
    ended = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((ticks, ended), return_when=asyncio.FIRST_COMPLETED)
        if ticks.done():
            ticks.result()
    finally:
        for task in (ticks, ended):
            task.cancel()
        server.close()
        await recorder.close()
        log.info("recorder ends")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="python -m rooms.recording.worker", description="The recorder process.")
    result.add_argument("--socket", type=Path, required=True, help="where commands are taken (Unix stream socket)")
    result.add_argument("--feed-socket", type=Path, required=True, help="where media are taken (Unix datagram socket)")
    result.add_argument("--engine-feed-socket", type=Path, required=True, nargs="+", help="the datagram socket of each engine worker")
    result.add_argument("--recordings", type=Path, required=True, help="directory that holds a folder for each sitting")
    result.add_argument("--second", type=Path, help="directory on another disk where a recording goes on whose own disk fails")
    result.add_argument("--stills", type=Path, help="directory of the stills of identities, sealed with their sitting")
    result.add_argument("--seal-key", type=Path, help="key that signs manifests, PEM")
    result.add_argument("--seal-chain", type=Path, help="its certificate and those that lead to its root, PEM")
    result.add_argument("--seal-signer", default="", metavar="MODULE:FACTORY", help="a device that signs (rooms.recording.signer)")
    result.add_argument("--spare", action="store_true", help="load everything, then wait for a line on standard input")
    return result


def main(argv: list[str] | None = None) -> int:
    """0 after SIGTERM; 1 with one line on standard error when a socket or directory cannot be used."""
    arguments = parser().parse_args(argv)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=lambda value, **kw: json.dumps(value, ensure_ascii=False, default=str)),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        import uvloop

        if arguments.spare:
            importlib.import_module("av")
            wait_until_needed()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(arguments))
    except OSError as error:
        sys.stderr.write(f"recorder: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
