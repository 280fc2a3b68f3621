"""The real thing on free ports in a directory of its own: ``server.py serve`` with all its parts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from rooms import spare

TOP = Path(__file__).resolve().parents[2]
PARTS = ("web", "jobs", "recorder", "engine")
SHORT_COURT = ("remote_court/2025-1",)
"""A court in four stages, for tests of what happens in a hearing and not of its steps."""


def free_port(kind: socket.SocketKind) -> int:
    """A port that is free on 127.0.0.1 right now."""
    with socket.socket(socket.AF_INET, kind) as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def until(condition: Callable[[], bool], limit_s: float, what: str) -> None:
    """Wait for `condition`; fails with `what` after `limit_s`."""
    limit = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > limit:
            raise AssertionError(f"not within {limit_s:.0f} s: {what}")
        time.sleep(0.05)


@dataclass
class Site:
    """A running server, until the block ends: ``with Site(…) as site``.

    `settings` are DISPATCH_* variables without the prefix that differ from the test's own; `options` are those of the command; `before`
    stands before it on the command line. `adopts`: versions of procedures that the unit has adopted when it starts for the first time.
    """

    data: Path
    command: str = "serve"
    settings: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    adopts: tuple[str, ...] = ()
    port: int = 0
    udp_port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of its pages."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the server, and of a program that wants the same settings."""
        own = {
            "DATA": str(self.data),
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "UDP_PORT": str(self.udp_port),
            "MEDIA_BIND": "127.0.0.1",
            "SPARES": "false",  # a start costs half as much without
            "PUT_AWAY": "false",  # most tests look at the recorded folder itself
            "LOG": str(self.data / "log"),
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DISPATCH_")}
        return clean | {f"DISPATCH_{name}": value for name, value in (own | self.settings).items()}

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self, limit_s: float = 200.0) -> Self:
        """Start it and wait until it is ready: seconds, or minutes on a machine that is busy with something else."""
        self.port = self.port or free_port(socket.SOCK_STREAM)
        self.udp_port = self.udp_port or free_port(socket.SOCK_DGRAM)
        self.data.mkdir(parents=True, exist_ok=True)
        for version in self.adopts if not (self.data / "server.out").exists() else ():
            command = [sys.executable, "server.py", "procedure", version]
            subprocess.run(command, cwd=TOP, env=self.environment, check=True, stdout=subprocess.DEVNULL)
        with (self.data / "server.out").open("ab") as output:
            self.process = subprocess.Popen(
                [*self.before, sys.executable, "server.py", self.command, *self.options],
                cwd=TOP,
                env=self.environment,
                stdout=output,
                stderr=output,
            )
        try:
            until(lambda: self.answers("/readyz") or self._ended(), limit_s, f"the server is ready\n{self.log()}")
        except BaseException:  # the limit of a test too: nothing is left running
            self.stop()
            raise
        return self

    def _ended(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}\n{self.log()}")
        return False

    def answers(self, path: str) -> bool:
        """Whether a GET of `path` is answered with 200."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def pid(self, name: str) -> int:
        """Process id of a part now."""
        return int((self.data / "run" / f"{name}.pid").read_text())

    def spare_waits(self, name: str) -> bool:
        """Whether the part has a spare that has loaded everything."""
        pid = self.data / "run" / f"{name}-spare.pid"
        try:
            return Path(f"/proc/{pid.read_text().strip()}/comm").read_text().strip() == spare.NAME
        except FileNotFoundError:
            return False

    def kill(self, *names: str) -> None:
        """``kill -9`` these parts."""
        for pid in [self.pid(name) for name in names]:
            os.kill(pid, signal.SIGKILL)

    def restarted(self, former: dict[str, int]) -> bool:
        """Whether each part of `former` (name → process id) is another process now."""
        return all(self.pid(name) != pid for name, pid in former.items())

    def log(self, part: str = "") -> str:
        """The end of what the server, or a part of it, has said: for messages of failed tests."""
        files = [self.data / "server.out", *sorted((self.data / "log").glob(f"{part or '*'}.log"))]
        return "\n".join(f"--- {f.name}\n{f.read_text(errors='replace')[-3000:]}" for f in files if f.exists())

    def rss_mb(self) -> dict[str, float]:
        """Resident memory of the supervisor and each part, MB."""
        assert self.process is not None
        pids = {"supervisor": self.process.pid} | {name: self.pid(name) for name in PARTS}
        return {name: _rss_kb(pid) / 1024 for name, pid in pids.items()}

    def stop(self) -> None:
        """End it in order, or by force after 20 s. Idempotent."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


def _rss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
