"""A cable to a network namespace in which a Janus runs: Janus takes media on no loopback address, and nothing leaves this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from contextlib import suppress


class NoNamespaces(Exception):
    """Network namespaces cannot be made here; the text says why."""


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


class Cable:
    """`here` is this machine's address on it, `there` the one inside. Taken away by :meth:`close`; raises NoNamespaces."""

    def __init__(self) -> None:
        if os.geteuid() != 0 or shutil.which("ip") is None:
            raise NoNamespaces("network namespaces need root and iproute2")
        number = secrets.randbelow(1 << 16) & 0xFFFC
        self.name = f"janus-{number:04x}"
        self.here, self.there = (f"10.98.{number >> 8}.{(number & 0xFF) + i}" for i in (1, 2))
        near, far = f"jn{number:04x}a", f"jn{number:04x}b"
        try:
            _ip("netns", "add", self.name)
            _ip("-n", self.name, "link", "set", "lo", "up")
            _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", self.name)
            _ip("address", "add", f"{self.here}/30", "dev", near)
            _ip("link", "set", near, "up")
            _ip("-n", self.name, "address", "add", f"{self.there}/30", "dev", far)
            _ip("-n", self.name, "link", "set", far, "up")
        except subprocess.CalledProcessError as error:
            self.close()
            raise NoNamespaces(f"this machine allows no network namespaces: {error.stderr.strip()}") from None

    @property
    def before(self) -> tuple[str, ...]:
        """What stands before a command that is to run inside."""
        return ("ip", "netns", "exec", self.name)

    def close(self) -> None:
        """Take it away, with both ends of the cable. Idempotent."""
        with suppress(subprocess.CalledProcessError):
            _ip("netns", "del", self.name)
