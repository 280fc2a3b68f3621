"""The processes of an installation on one machine: what they are called, how they are started, and in which order they are stopped."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dispatch.operations import janus, seal_key, workers
from dispatch.supervise import Part
from rooms.media.drain import marker

if TYPE_CHECKING:
    from dispatch.settings import Settings

PARTS = ("web", "jobs", "recorder", "engine", "janus")
"""In the order in which they are stopped: first nobody new comes in, last the media ends. Janus is none where we are the engine."""
WITHOUT_SPARE = frozenset({"jobs", "janus"})
"""Those whose absence no hearing notices at once, and Janus, of which there cannot be two at one port."""
SERVER = Path(__file__).resolve().parents[2] / "server.py"


def of(settings: Settings, listen_fds: Sequence[int]) -> list[Part]:
    """All of them, in the order of :data:`PARTS`; the web is handed its listening sockets, http first, then https. Raises
    :class:`~dispatch.operations.janus.JanusRefused`."""
    found = []
    for name in PARTS:
        for number, (called, end) in enumerate(_each(settings, name), 1):
            command = command_of(settings, name, number)
            handed_down = tuple(listen_fds) if name == "web" else ()
            for option, descriptor in zip(("--listen-fd", "--tls-listen-fd"), handed_down, strict=False):
                command += [option, str(descriptor)]
            spare = (*command, "--spare") if settings.spares and name not in WITHOUT_SPARE else ()
            found.append(Part(called, command, handed_down, spare, end))
    return found


def _each(settings: Settings, name: str) -> list[tuple[str, Path | None]]:
    """The processes of one part: what each is called, and the file that says that it has ended for good."""
    match name:
        case "engine":
            return [(worker.name, marker(worker.socket)) for worker in workers.of(settings)]
        case "janus":
            return [(node.name, None) for node in janus.nodes(settings) if node.own] if settings.engine == "janus" else []
        case _:
            return [(name, None)]


def command_of(settings: Settings, name: str, number: int = 1) -> list[str]:
    """The command line of one of :data:`PARTS`; `number` counts the media workers from 1. Raises IndexError if there are not so many,
    :class:`~dispatch.operations.janus.JanusRefused` where Janus is asked for and cannot be started. Writes its configuration."""
    match name:
        case "janus":
            return janus.command(settings, number)
        case "engine":
            return _engine(settings, number)
        case "recorder":
            return _recorder(settings)
        case _:
            return [sys.executable, str(SERVER), "serve", "--only", name]


def _engine(settings: Settings, number: int) -> list[str]:
    worker = workers.of(settings)[number - 1]
    if settings.engine == "janus":
        janus.check(settings)
        node = janus.nodes(settings)[number - 1]
        return [
            sys.executable, "-m", "rooms.media.janus.worker",
            "--number", str(number),
            "--socket", str(worker.socket),
            "--janus", node.url,
            "--admin", node.admin_url,
            "--secrets", str(janus.secrets_folder(settings).resolve()),
            "--feed-socket", str(worker.feed_socket),
            "--recorder-feed-socket", str(_recorder_feed(settings)),
        ]  # fmt: skip
    return [
        sys.executable, "-m", "rooms.media.worker",
        "--number", str(number),
        "--socket", str(worker.socket),
        "--udp-port", str(worker.udp_port),
        "--bind", settings.media_bind,
        "--address", settings.media_address,
        *(["--media-port", str(worker.media_port)] if settings.media_port else []),
        *([] if settings.dtx else ["--no-dtx"]),
        "--red", settings.red,
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
        *(["--second", str(settings.recordings_second.resolve())] if settings.recordings_second else []),
        "--stills", str(settings.stills.resolve()),
        *seal_key.of(settings).arguments,
    ]  # fmt: skip


def _recorder_feed(settings: Settings) -> Path:
    return settings.run.resolve() / "recorder-feed.sock"


def longest_socket(settings: Settings) -> Path:
    """The socket with the longest path: a system takes no more than so many characters (unix(7))."""
    return max((_recorder_feed(settings), *(worker.feed_socket for worker in workers.of(settings))), key=lambda path: len(str(path)))
