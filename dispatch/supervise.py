"""Starts the parts of the house on one machine and keeps them running: what systemd does where there is systemd.

The supervisor does nothing else, so that it has nothing to die of. Each part is a process of its own; one that dies is
started again at once, and only when it keeps dying is it made to wait. The parts never outlive the supervisor: the
kernel ends them (``PR_SET_PDEATHSIG``) even when it is killed.

Loading a part takes longer than all the rest of its start, and on a busy machine many times as long. So a part may have a
*spare*: a second process that has loaded everything, waits (:mod:`rooms.spare`), and is told to go on when the first dies.

The supervisor opens the web server's port and hands it down: while the web process is being replaced, browsers wait in
the kernel's queue instead of being refused.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rooms.media.forwarding.address import bound

_PR_SET_PDEATHSIG = 1
_SIGNALS = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_libc = ctypes.CDLL(None, use_errno=True)

STOP_LIMIT_S = 8.0
"""How long a part may take to end after SIGTERM before it is killed."""
READY_LIMIT_S = 30.0
"""How long the first start may take before the supervisor says that it is not ready."""
SPARE_AFTER_S = 3.0
"""A spare is loaded so long after its part started: just then the machine has other things to do."""
SPARE_AGAIN_S = 30.0
"""A spare that died while it waited is loaded again after so long."""


AWAY_LOOK_S = 1.0
"""So often it is looked whether a part that stays away may come back."""


class StartRefused(Exception):
    """The house cannot be started; the text is the one line that says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """A process to keep running. Parts are stopped in the order in which they are listed, so list the web first.

    `spare` is the command line of a process that loads the same and then waits for a line on standard input. While the file `away`
    exists, the part, once it has ended by itself with exit code 0, stays away.
    """

    name: str
    argv: Sequence[str]
    pass_fds: tuple[int, ...] = ()
    spare: Sequence[str] = ()
    away: Path | None = None


@dataclass(slots=True)
class Restarts:
    """When a part that died may start again: at once, but after `limit` deaths within `window_s` only after a pause
    that doubles from `pause_s` to `longest_s` while it goes on dying. Times are those of any monotonic clock, in seconds.
    """

    limit: int = 5
    window_s: float = 10.0
    pause_s: float = 2.0
    longest_s: float = 30.0
    _deaths: deque[float] = field(default_factory=deque)
    _pause: float = 0.0

    def died(self, now: float) -> float:
        """Note a death at `now`; returns the time of the next start."""
        # A paused part dies further apart than the window alone: the pause it had to make counts with it.
        while self._deaths and now - self._deaths[0] > self.window_s + self._pause:
            self._deaths.popleft()
        self._deaths.append(now)
        if len(self._deaths) < self.limit:
            self._pause = 0.0
            return now
        self._pause = min(max(self.pause_s, self._pause * 2), self.longest_s)
        self._deaths = deque(list(self._deaths)[-self.limit :])
        return now + self._pause


@dataclass(slots=True)
class _Running:
    part: Part
    restarts: Restarts = field(default_factory=Restarts)
    process: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0
    spare: subprocess.Popen[bytes] | None = None
    spare_at: float = 0.0
    ended: bool = False

    @property
    def stays_away(self) -> bool:
        """It ended because it was meant to."""
        return self.ended and self.part.away is not None and self.part.away.exists()


class Supervisor:
    """Runs `parts` until SIGTERM or SIGINT.

    `run_dir` gets ``<name>.pid`` for each part (``<name>-spare.pid`` for its spare) and a lock, so that two supervisors
    never share one data directory. `prepare` is a command that must succeed before anything is served; parts that may have a
    spare are loaded meanwhile.
    `log_dir` gets ``<name>.log``; without it the parts write to our standard error. `probe` says whether all is ready to
    be used; `on_ready` is called once when it does.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        run_dir: Path,
        *,
        prepare: Sequence[str] = (),
        log_dir: Path | None = None,
        probe: Callable[[], bool],
        on_ready: Callable[[], None],
        environment: Mapping[str, str] | None = None,
        spare_after_s: float = SPARE_AFTER_S,
    ) -> None:
        self._children = [_Running(part) for part in parts]
        self._run_dir = run_dir
        self._prepare = prepare
        self._log_dir = log_dir
        self._probe = probe
        self._on_ready = on_ready
        self._environment = dict(environment if environment is not None else os.environ)
        self._spare_after_s = spare_after_s
        self._ready = False
        self._parent = os.getpid()

    def run(self) -> int:
        """Start everything and keep it running. Returns 0 after an orderly stop, 1 when `prepare` failed (it has said why) or a
        part could not start at all."""
        lock = _lock(self._run_dir)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            return self._watch() if self._prepared() else 1
        finally:
            self._stop()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            lock.close()

    def _prepared(self) -> bool:
        if not self._prepare:
            return True
        for child in self._children:
            if child.part.spare:
                self._load_spare(child)
        return subprocess.run(self._prepare, preexec_fn=self._in_child, check=False).returncode == 0

    def _load_spare(self, child: _Running) -> None:
        child.spare = self._launch(child.part, child.part.spare, f"{child.part.name}-spare", subprocess.PIPE)

    def _watch(self) -> int:
        started = time.monotonic()
        told = False
        while True:
            now = time.monotonic()
            for child in self._children:
                if child.process is None and child.start_at <= now:
                    if not child.stays_away:
                        self._start(child)
                elif self._wants_spare(child) and child.spare_at <= now:
                    self._load_spare(child)
            caught = signal.sigtimedwait(_SIGNALS, self._pause_s(now))
            if caught is not None and caught.si_signo != signal.SIGCHLD:
                return 0
            failed = self._reap()
            if failed is not None and not self._ready:
                self._say(f"{failed.part.name} could not start{self._last_words(failed.part.name)}")
                return 1
            if not self._ready and self._probe():
                self._ready = True
                self._on_ready()
            if not self._ready and not told and time.monotonic() - started > READY_LIMIT_S:
                told = True
                self._say(f"not ready after {READY_LIMIT_S:.0f} s; still trying")

    def _pause_s(self, now: float) -> float:
        if not self._ready:
            return 0.05
        due = [max(child.start_at, now + AWAY_LOOK_S * child.stays_away) for child in self._children if child.process is None]
        due += [child.spare_at for child in self._children if self._wants_spare(child)]
        return max(0.0, min(due, default=now + 3600) - now)

    def _wants_spare(self, child: _Running) -> bool:
        return self._ready and bool(child.part.spare) and child.process is not None and child.spare is None

    def _start(self, child: _Running) -> None:
        """Have the spare go on; without one start anew."""
        name = child.part.name
        child.ended = False
        if child.spare is not None and _go(child.spare):
            child.process, child.spare = child.spare, None
            (self._run_dir / f"{name}-spare.pid").unlink(missing_ok=True)
            self._note_pid(name, child.process)
        else:
            child.process = self._launch(child.part, child.part.argv, name, subprocess.DEVNULL)
        child.spare_at = time.monotonic() + self._spare_after_s

    def _launch(self, part: Part, argv: Sequence[str], name: str, stdin: int) -> subprocess.Popen[bytes]:
        output: IO[bytes] | None = None
        if self._log_dir is not None:
            self._log_dir.mkdir(parents=True, exist_ok=True)
            output = (self._log_dir / f"{part.name}.log").open("ab")
        process = subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=output,
            stderr=output,
            pass_fds=part.pass_fds,
            env=self._environment,
            process_group=0,  # Ctrl-C reaches the supervisor alone, which then stops the parts in order
            preexec_fn=self._in_child,  # one thread only, so nothing can be held at the fork
        )
        if output is not None:
            output.close()
        self._note_pid(name, process)
        return process

    def _note_pid(self, name: str, process: subprocess.Popen[bytes]) -> None:
        (self._run_dir / f"{name}.pid").write_text(f"{process.pid}\n")

    def _in_child(self) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != self._parent:  # it died before the line above could take effect
            os._exit(1)

    def _reap(self) -> _Running | None:
        """Notes who died and when to start it again; returns one that gave up by itself (exit code 1 or 2)."""
        gave_up = None
        now = time.monotonic()
        for child in self._children:
            if child.spare is not None and child.spare.poll() is not None:
                child.spare, child.spare_at = None, now + SPARE_AGAIN_S
            code = None if child.process is None else child.process.poll()
            if code is None:
                continue
            child.process = None
            child.ended = code == 0
            if child.stays_away:
                child.start_at = now
                self._say(f"{child.part.name} has ended and stays away ({child.part.away})")
                continue
            child.start_at = child.restarts.died(now)
            if code in (1, 2):
                gave_up = child
            if self._ready:
                how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
                wait = child.start_at - now
                then = f"started again in {wait:.0f} s" if wait > 0 else "its spare takes over" if child.spare else "started again at once"
                self._say(f"{child.part.name} {how}; {then}")
        return gave_up

    def _last_words(self, name: str) -> str:
        if self._log_dir is None:
            return ""
        path = self._log_dir / f"{name}.log"
        lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
        return f": {lines[-1]} ({path})" if lines else f" ({path})"

    def _stop(self) -> None:
        """End the parts one after another. A second signal ends the wait: what is left is killed."""
        hurry = False
        for child in self._children:
            if child.spare is not None:  # it has done nothing yet
                child.spare.kill()
                child.spare.wait()
                child.spare = None
        for child in self._children:
            if child.process is None:
                continue
            child.process.send_signal(signal.SIGKILL if hurry else signal.SIGTERM)
            limit = time.monotonic() + STOP_LIMIT_S
            while child.process.poll() is None:
                left = limit - time.monotonic()
                caught = None if hurry else signal.sigtimedwait(_SIGNALS, max(0.0, min(left, 0.2)))
                hurry = hurry or (caught is not None and caught.si_signo != signal.SIGCHLD)
                if hurry or left <= 0:
                    child.process.kill()
                    child.process.wait()
            child.process = None
        for child in self._children:
            for name in (child.part.name, f"{child.part.name}-spare"):
                (self._run_dir / f"{name}.pid").unlink(missing_ok=True)

    @staticmethod
    def _say(line: str) -> None:
        sys.stderr.write(f"dispatch: {line}\n")
        sys.stderr.flush()


def _go(spare: subprocess.Popen[bytes]) -> bool:
    """Tell a spare to go on; False if it died."""
    if spare.stdin is None or spare.poll() is not None:
        return False
    try:
        with spare.stdin as line:
            line.write(b"\n")
    except BrokenPipeError:  # it died just now
        return False
    return True


def _lock(run_dir: Path) -> IO[str]:
    """Holds the data directory for this process; raises :class:`StartRefused` when another one has it."""
    try:
        run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (run_dir / "supervisor.pid").open("a+")
    except OSError as error:
        raise StartRefused(f"cannot use {run_dir} (DISPATCH_DATA): {error.strerror}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        other = file.read().strip()
        file.close()
        raise StartRefused(f"another server (process {other}) already runs on {run_dir.parent}") from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def listen(host: str, port: int, setting: str = "DISPATCH_PORT") -> socket.socket:
    """A listening socket of the web server, its port by `setting`; raises :class:`StartRefused` when the port is taken or not
    ours to take."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except socket.gaierror as error:
        raise StartRefused(f"DISPATCH_HOST={host}: {error.strerror}") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a former run may still linger
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise StartRefused(f"cannot serve at {host}:{port} (DISPATCH_HOST, {setting}): {os.strerror(error.errno or 0)}") from None
    listener.setblocking(False)
    return listener


def check_udp(host: str, port: int) -> None:
    """Raises :class:`StartRefused` when the media port cannot be bound; the engine binds it a moment later."""
    try:
        bound(host, port).close()
    except OSError as error:
        raise StartRefused(
            f"cannot receive media at UDP {host}:{port} (DISPATCH_MEDIA_BIND, DISPATCH_UDP_PORT): {os.strerror(error.errno or 0)}"
        ) from None
