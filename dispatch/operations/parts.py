"""The processes of an installation on one machine: what they are called, how they are started, and in which order they are stopped."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dispatch.operations import workers
from dispatch.supervise import Part
from rooms.media.drain import marker

if TYPE_CHECKING:
    from dispatch.settings import Settings

PARTS = ("web", "jobs", "recorder", "engine")
"""In the order in which they are stopped: first nobody new comes in, last the media ends."""
WITHOUT_SPARE = frozenset({"jobs"})
"""Those whose absence no hearing notices at once."""
SERVER = Path(__file__).resolve().parents[2] / "server.py"


def of(settings: Settings, listen_fds: Sequence[int]) -> list[Part]:
    """All of them, in the order of :data:`PARTS`; the web is handed its listening sockets, http first, then https."""
    found = []
    for name in PARTS:
        for number, worker in enumerate(workers.of(settings) if name == "engine" else (None,), 1):
            command = command_of(settings, name, number)
            handed_down = tuple(listen_fds) if name == "web" else ()
            for option, descriptor in zip(("--listen-fd", "--tls-listen-fd"), handed_down, strict=False):
                command += [option, str(descriptor)]
            spare = (*command, "--spare") if settings.spares and name not in WITHOUT_SPARE else ()
            found.append(Part(worker.name if worker else name, command, handed_down, spare, marker(worker.socket) if worker else None))
    return found


def command_of(settings: Settings, name: str, number: int = 1) -> list[str]:
    """The command line of one of :data:`PARTS`; `number` counts the media workers from 1. Raises IndexError if there are not so many."""
    match name:
        case "engine":
            return _engine(settings, number)
        case "recorder":
            return _recorder(settings)
        case _:
            return [sys.executable, str(SERVER), "serve", "--only", name]


def _engine(settings: Settings, number: int) -> list[str]:
    worker = workers.of(settings)[number - 1]
    return [
        sys.executable, "-m", "rooms.media.worker",
        "--number", str(number),
        "--socket", str(worker.socket),
        "--udp-port", str(worker.udp_port),
        "--bind", settings.media_bind,
        "--address", settings.media_address,
        *(["--media-port", str(worker.media_port)] if settings.media_port else []),
        "--feed-socket", str(worker.feed_socket),
        "--recorder-feed-socket", str(_recorder_feed(settings)),
    ]  # fmt: skip


def _recorder(settings: Settings) -> list[str]:
    return [
        sys.executable, "-m", "rooms.recording.worker",
        "--socket", str(settings.run.resolve() / "recorder.sock"),
        "--feed-socket", str(_recorder_feed(settings)),
        "--engine-feed-socket", *(str(worker.feed_socket) for worker in workers.of(settings)),
        "--recordings", str(settings.recordings.resolve()),
    ]  # fmt: skip


def _recorder_feed(settings: Settings) -> Path:
    return settings.run.resolve() / "recorder-feed.sock"


def longest_socket(settings: Settings) -> Path:
    """The socket with the longest path: a system takes no more than so many characters (unix(7))."""
    return max((_recorder_feed(settings), *(worker.feed_socket for worker in workers.of(settings))), key=lambda path: len(str(path)))
