"""A time-stamping authority of our own: openssl's ``ts`` with its certificates in a folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

from rooms.recording import stamp

CONFIGURATION = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[stamping]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/stamping.crt
signer_key = {folder}/stamping.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class LocalAuthority:
    """Answers requests as a real authority does. `root` is the file of its root."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.root = folder / "root.crt"
        (folder / "serial").write_text("01\n")
        self._configured("Stamping root")
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650")
        self._openssl("req", "-x509", *key, "-config", "c.cnf", "-extensions", "root", "-keyout", "root.key", "-out", "root.crt")
        self._configured("Stamping authority")
        signed = ("-CA", "root.crt", "-CAkey", "root.key")
        certificate = ("-config", "c.cnf", "-extensions", "stamping", "-keyout", "stamping.key", "-out", "stamping.crt")
        self._openssl("req", "-x509", *key, *signed, *certificate)

    def answer(self, request: bytes) -> bytes:
        """The answer to a request, both in DER."""
        (self.folder / "request").write_bytes(request)
        self._openssl("ts", "-reply", "-config", "c.cnf", "-queryfile", "request", "-out", "answer")
        return (self.folder / "answer").read_bytes()

    def _configured(self, name: str) -> None:
        (self.folder / "c.cnf").write_text(CONFIGURATION.format(name=name, folder=self.folder))

    def _openssl(self, *arguments: str) -> None:
        ended = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr


def stamped(root: Path, authority: LocalAuthority) -> None:
    """Have the sealed folder `root` stamped."""
    asked = stamp.request(root)
    stamp.keep(root, asked, authority.answer(asked.content), authority.root)
