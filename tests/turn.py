"""A real coturn, on 127.0.0.1 unless told otherwise: UDP, TCP and TLS with a certificate made for the purpose."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ipaddress
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.browser.site import free_port

PROGRAM = shutil.which("turnserver") or ""
MISSING = "coturn is not installed: apt-get install coturn"
SECRET = "a-secret-of-the-tests"


@dataclass
class Turn:
    """Start it, stop it. `peer` is the only address that it relays to; `before` stands before it on the command line."""

    folder: Path
    peer: str = "127.0.0.1"
    address: str = "127.0.0.1"
    before: tuple[str, ...] = ()
    port: int = 0
    tls_port: int = 0
    process: subprocess.Popen[bytes] | None = None
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def certificate(self) -> Path:
        return self.folder / "turn.crt"

    @property
    def pin(self) -> str:
        """Of the certificate's key, as a browser is told whom to trust though no authority has signed: base64 of its SHA-256."""
        key = x509.load_pem_x509_certificate(self.certificate.read_bytes()).public_key()
        plain = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(plain).digest()).decode()

    def url(self, way: str) -> str:
        """Its address by "udp", "tcp" or "tls"."""
        return f"turns:{self.address}:{self.tls_port}?transport=tcp" if way == "tls" else f"turn:{self.address}:{self.port}?transport={way}"

    def site_settings(self, *ways: str, forced: bool = False) -> dict[str, str]:
        """What a site is told that uses it."""
        urls = ", ".join(self.url(way) for way in ways)
        return {"TURN_URLS": urls, "TURN_SECRET": SECRET, "FORCE_RELAY": str(forced).lower()}

    def start(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.tls_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
        _certificate(self.certificate, self.folder / "turn.key", self.address)
        deployed = (Path(__file__).parents[1] / "deploy" / "coturn" / "turnserver.conf").read_text(encoding="utf-8")
        own = {
            "listening-ip": self.address, "relay-ip": self.address,
            "listening-port": str(self.port), "tls-listening-port": str(self.tls_port),
            "static-auth-secret": SECRET, "cert": str(self.certificate), "pkey": str(self.folder / "turn.key"),
            "allowed-peer-ip": self.peer, "log-file": str(self.folder / "turn.log"), "pidfile": str(self.folder / "turn.pid"),
            "userdb": str(self.folder / "turn.db"),
        } | self.settings  # fmt: skip
        lines = [line for line in deployed.splitlines() if line and not line.startswith("#")]
        kept = [line for line in lines if line.partition("=")[0] not in own and line != "syslog"]
        extra = ["allow-loopback-peers", "verbose", *(f"{name}={value}" for name, value in own.items())]
        config = self.folder / "turnserver.conf"
        config.write_text("\n".join([*kept, *extra]) + "\n", encoding="utf-8")
        with (self.folder / "turn.out").open("ab") as output:
            self.process = subprocess.Popen([*self.before, PROGRAM, "-c", str(config)], stdout=output, stderr=output)
        limit = time.monotonic() + 20
        while "DB connection success" not in self.log():
            if time.monotonic() > limit or self.process.poll() is not None:
                raise AssertionError(f"coturn does not start\n{self.log()}")
            time.sleep(0.05)
        return self

    def log(self) -> str:
        """All that it has said."""
        files = (self.folder / "turn.out", *self.folder.glob("turn*.log"))
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

    def users(self) -> set[str]:
        """Whose allocations it has made."""
        return set(re.findall(r"user <([^>]+)>.*ALLOCATE processed, success", self.log()))

    def stop(self) -> None:
        """End it. Idempotent."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


def _certificate(certificate: Path, key_file: Path, address: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "turn of the tests")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, plain))
