"""An object store of somebody else's (s3rver), as a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import pytest

from rooms.vault.s3 import S3Store

PROGRAM = Path(__file__).resolve().parents[3] / "node_modules" / "s3rver" / "bin" / "s3rver.js"
KEY = "S3RVER"
"""Name and secret of the only key that it knows."""
BUCKET = "recordings"


class ObjectServer:
    """Begins at once; it can be ended and started again over what it has."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Returns when it answers."""
        if not PROGRAM.exists():
            pytest.fail("s3rver is not installed: npm ci")
        # It makes the mark at which a long list goes on with a cipher that OpenSSL 3 has put aside.
        program = ["node", "--openssl-legacy-provider", str(PROGRAM)]
        command = [*program, "-a", "127.0.0.1", "-p", str(self.port), "-d", str(self._folder), "--configure-bucket", BUCKET]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=sys.stderr)
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            assert self._process.poll() is None, "the object store ended"
            time.sleep(0.05)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def store(self, key: str = KEY, bucket: str = BUCKET) -> S3Store:
        """A store of ours on it."""
        return S3Store(self.url, bucket, key, KEY, region="us-east-1")
