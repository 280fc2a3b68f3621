"""A network of two machines on this one: the court's server and a participant's computer, each in a network namespace of
its own, joined by a cable. Nothing in it is a loopback address, so browsers apply the rules that they have for the world.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from tests.browser.participants import CHROMIUM
from tests.browser.site import SHORT_COURT, Site

SERVER = "192.168.77.1"
VISITOR = "192.168.77.2"
_CLONE_NEWNET = 0x40000000
T = TypeVar("T")


class NoNamespaces(Exception):
    """Network namespaces cannot be made here; the text says why."""


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def _tc(machine: Machine, act: str, device: str, *discipline: str) -> None:
    subprocess.run([*machine.before, "tc", "qdisc", act, "dev", device, "root", *discipline], check=True, capture_output=True, text=True)


@dataclass(frozen=True, slots=True)
class Machine:
    """A network namespace. Made by :meth:`make`, taken away by :meth:`close`."""

    name: str

    @classmethod
    def make(cls, name: str) -> Machine:
        """With a loopback interface and nothing else. Raises NoNamespaces."""
        if os.geteuid() != 0 or shutil.which("ip") is None:
            raise NoNamespaces("network namespaces need root and iproute2")
        try:
            _ip("netns", "add", name)
        except subprocess.CalledProcessError as error:
            raise NoNamespaces(f"this machine allows no network namespaces: {error.stderr.strip()}") from None
        _ip("-n", name, "link", "set", "lo", "up")
        return cls(name)

    @property
    def before(self) -> tuple[str, ...]:
        """What stands before a command that is to run here."""
        return ("ip", "netns", "exec", self.name)

    def run(self, work: Callable[[], T]) -> T:
        """`work` in a thread that is inside this namespace."""

        def inside() -> T:
            with open(f"/run/netns/{self.name}", "rb") as handle:
                if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            return work()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(inside).result()

    def close(self) -> None:
        """Take it away. Idempotent."""
        with suppress(subprocess.CalledProcessError):
            _ip("netns", "del", self.name)


@dataclass(frozen=True, slots=True)
class Network:
    """The two machines: `court` has SERVER, `home` has VISITOR."""

    court: Machine
    home: Machine

    @classmethod
    def make(cls) -> Network:
        """Raises NoNamespaces."""
        mark = f"{os.getpid():x}"
        court = Machine.make(f"court-{mark}")
        network = cls(court, Machine.make(f"home-{mark}"))
        ends = {network.court: (f"c{mark}", SERVER), network.home: (f"h{mark}", VISITOR)}
        _ip("link", "add", f"c{mark}", "netns", network.court.name, "type", "veth", "peer", "name", f"h{mark}", "netns", network.home.name)
        for machine, (device, address) in ends.items():
            _ip("-n", machine.name, "addr", "add", f"{address}/24", "dev", device)
            _ip("-n", machine.name, "link", "set", device, "up")
        return network

    def cut(self) -> None:
        """From now on nothing comes through, either way, and neither end is told: both see a cable that is plugged in."""
        for machine, device in self._ends():
            _tc(machine, "replace", device, "tbf", "rate", "8bit", "burst", "10", "limit", "10")

    def mend(self) -> None:
        """The end of :meth:`cut`."""
        for machine, device in self._ends():
            _tc(machine, "del", device)

    def narrow(self, *, down_kbit: int = 0, up_kbit: int = 0) -> None:
        """From now on so much and no more comes through to and from the visitor, with a queue of 0.3 s; 0: everything."""
        for (machine, device), kbit in zip(self._ends(), (down_kbit, up_kbit), strict=True):
            if kbit:
                _tc(machine, "replace", device, "tbf", "rate", f"{kbit}kbit", "burst", "2500", "latency", "300ms")
            else:
                with suppress(subprocess.CalledProcessError):
                    _tc(machine, "del", device)

    def _ends(self) -> tuple[tuple[Machine, str], ...]:
        mark = self.court.name.partition("-")[2]
        return ((self.court, f"c{mark}"), (self.home, f"h{mark}"))

    def close(self) -> None:
        """Take both away. Idempotent."""
        self.court.close()
        self.home.close()


@dataclass
class NetworkSite(Site):
    """A site that runs on `machine` and is reached at `address` (its public one)."""

    machine: Machine | None = None
    address: str = ""

    @classmethod
    def in_lan(cls, network: Network, data: Path, settings: Mapping[str, str], adopts: tuple[str, ...] = SHORT_COURT) -> Self:
        """One that ``serve --lan`` begins on the court's machine."""
        return cls(
            data,
            settings={"PUBLIC_URL": "", **settings},
            options=("--lan", SERVER),
            adopts=adopts,
            before=network.court.before,
            machine=network.court,
            address=f"https://{SERVER}:8443",
        )

    @property
    def url(self) -> str:
        """The public address."""
        return self.address

    @property
    def environment(self) -> dict[str, str]:
        """As the site's own, but listening where the settings say."""
        left = () if "MEDIA_BIND" in self.settings else ("DISPATCH_MEDIA_BIND",)
        return {name: value for name, value in super().environment.items() if name not in left}

    def answers(self, path: str) -> bool:
        """Whether the server answers on its own machine with 200."""

        def ask() -> bool:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        assert self.machine is not None
        return self.machine.run(ask)


@dataclass(frozen=True, slots=True)
class Computer:
    """A participant's computer: a home directory with the certificates it trusts, and a Chromium that runs on `machine`."""

    machine: Machine
    home: Path

    @property
    def program(self) -> Path:
        """Starts Chromium there."""
        script = self.home / "chromium"
        if not script.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            script.write_text(f'#!/bin/sh\nHOME="{self.home}" exec {" ".join(self.machine.before)} {CHROMIUM} "$@"\n')
            script.chmod(0o755)
        return script

    def trust(self, certificate: Path) -> None:
        """Put an authority into the computer's store, as /trust says for Linux."""
        store = self.home / ".pki" / "nssdb"
        store.mkdir(parents=True, exist_ok=True)
        if not (store / "cert9.db").exists():
            subprocess.run(["certutil", "-d", f"sql:{store}", "-N", "--empty-password"], check=True, capture_output=True)
        subprocess.run(
            ["certutil", "-d", f"sql:{store}", "-A", "-t", "C,,", "-n", "court", "-i", str(certificate)], check=True, capture_output=True
        )


def presented(machine: Machine, host: str, port: int) -> bytes:
    """The certificate (DER) that a server shows to whoever comes from `machine`."""

    def look() -> bytes:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((host, port), timeout=10) as plain, context.wrap_socket(plain, server_hostname=host) as secure:
            return secure.getpeercert(binary_form=True) or b""

    return machine.run(look)
