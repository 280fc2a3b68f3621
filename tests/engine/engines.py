"""Both engines as real processes, started and killed from outside, with the same sockets for server and recorder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rooms.media.janus import configuration

from .network import Cable

START_LIMIT_S = 40.0
#: What an engine may lack; the suite asks, and says what holds instead. docs/engines.md has the table.
SENDER_REPORTS = "sender reports reach the recorder"
BOTH_CODECS = "each offer names every codec, so that a publisher may change it without a new offer"
RESTART_ALWAYS = "ICE restarts while an offer waits for its answer"


class Engine(ABC):
    """An engine whose files are in `folder`. `address`: what peers of it have as their own. `can`: see above."""

    name = ""
    can: frozenset[str] = frozenset()
    address = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "engine.sock"
        self.feed_socket = folder / "engine-feed.sock"
        self.recorder_feed_socket = folder / "recorder-feed.sock"
        self.processes: list[subprocess.Popen[bytes]] = []

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until its socket is there."""

    def _run(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=Path(__file__).parents[2]))
        return self.processes[-1]

    def _sockets(self) -> list[str]:
        sockets = ["--socket", str(self.socket), "--feed-socket", str(self.feed_socket)]
        return [*sockets, "--recorder-feed-socket", str(self.recorder_feed_socket)]

    def _until_there(self) -> None:
        limit = time.monotonic() + START_LIMIT_S
        while not self.socket.exists():
            if time.monotonic() > limit or any(p.poll() is not None for p in self.processes):
                raise AssertionError(f"{self.name} did not start:\n{self.logs()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9 of what forwards media; what cannot go on without it has ended when this returns."""
        raise NotImplementedError

    def stop(self) -> list[int]:
        """Ask every process to end, the last started first; returns their exit codes. May be called twice."""
        codes = []
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                codes.append(process.wait(15))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.append(process.wait())
        self.processes.clear()
        return codes

    def close(self) -> None:
        """Stop it and take away what it needed."""
        self.stop()

    def logs(self) -> str:
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-2000:]}" for path in sorted(self.folder.glob("*.log")))


class Embedded(Engine):
    """The embedded engine's worker."""

    name = "embedded"
    can = frozenset({SENDER_REPORTS, BOTH_CODECS, RESTART_ALWAYS})

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        command = [sys.executable, "-m", "rooms.media.worker", "--udp-port", "0", "--bind", "127.0.0.1", "--address", "127.0.0.1"]
        self._run("engine", [*command, *self._sockets()])
        self._until_there()

    def kill(self) -> None:
        process = self.processes.pop()
        process.kill()
        process.wait()


class Janus(Engine):
    """Debian's Janus in a namespace of its own, and the process that drives it."""

    name = "janus"
    can: frozenset[str] = frozenset()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        configuration.installed()
        self.cable = Cable()
        self.address = self.cable.here
        self.secrets = folder / "secrets"
        self.secrets.mkdir(mode=0o700)
        for name in ("api", "admin", "room"):
            (self.secrets / name).write_text(os.urandom(16).hex())
        files = configuration.Secrets(*((self.secrets / name).read_text() for name in ("api", "admin", "room")))
        configuration.write(folder / "janus", files, 8188, 7188, self.cable.there, (20000, 40000))

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._run("janus", [*self.cable.before, "janus", "-F", str(self.folder / "janus"), "-o"])
        self.start_worker()

    def start_worker(self) -> None:
        """Start the process that drives Janus."""
        self.socket.unlink(missing_ok=True)
        addresses = ["--janus", "ws://127.0.0.1:8188", "--admin", "ws://127.0.0.1:7188", "--secrets", str(self.secrets)]
        command = [*self.cable.before, sys.executable, "-m", "rooms.media.janus.worker", *addresses]
        self._run("engine", [*command, *self._sockets()])
        self._until_there()

    def kill(self) -> None:
        janus, worker = self.processes
        janus.kill()
        janus.wait()
        assert worker.wait(30) == 3, self.logs()
        self.processes.clear()

    def kill_worker(self) -> None:
        """kill -9 of the process that drives Janus; Janus goes on."""
        process = self.processes.pop()
        process.kill()
        process.wait()

    def break_connections(self) -> None:
        """Reset every TCP connection to Janus's API; Janus and the process that drives it go on."""
        subprocess.run([*self.cable.before, "ss", "-K", "dst", "127.0.0.1", "dport", "=", "8188"], check=True, capture_output=True)

    def close(self) -> None:
        super().close()
        with suppress(AttributeError):
            self.cable.close()


ENGINES: dict[str, type[Engine]] = {engine.name: engine for engine in (Embedded, Janus)}
