"""A device that signs by SM2 with SM3: openssl stands in for it, with keys of that curve; verify checks what it made."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from rooms.recording import signer as signers
from rooms.recording.seal import seal_folder
from rooms.recording.signer import Signature, load
from rooms.verification import sm2
from rooms.verification.folder import verify
from tests.rooms.recording.folders import a_folder, rewrite
from tests.rooms.recording.keys import AT_US

pytestmark = pytest.mark.skipif(not sm2.PROGRAM, reason="openssl is not installed")
CONFIGURATION = """
[req]
distinguished_name = name
prompt = no
[name]
CN = Root
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[leaf]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
"""


class Sm2Device:
    """Whoever has the token: its key lies beside its chain."""

    algorithm = signers.SM2

    def __init__(self, key: Path | None, chain: Path | None) -> None:
        assert key is not None
        assert chain is not None
        self._key, self._chain = key, chain

    @property
    def chain(self) -> Sequence[bytes]:
        found = x509.load_pem_x509_certificates(self._chain.read_bytes())
        return [certificate.public_bytes(serialization.Encoding.DER) for certificate in found]

    def sign(self, content: bytes) -> Signature:
        folder = self._key.parent
        (folder / "content").write_bytes(content)
        about = ("-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{sm2.IDENTITY}")
        openssl(folder, "pkeyutl", "-sign", "-inkey", self._key.name, *about, "-in", "content", "-out", "value")
        return Signature(self.algorithm, (folder / "value").read_bytes(), self.chain)


DEVICE = f"{__name__}:Sm2Device"


def openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run([sm2.PROGRAM, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def authority(folder: Path) -> Path:
    """A root and a signer below it; the folder."""
    folder.mkdir()
    (folder / "c.cnf").write_text(CONFIGURATION)
    for name in ("root", "leaf"):
        openssl(folder, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", f"{name}.key")
    new = ("req", "-x509", "-new", "-sm3", "-days", "3650", "-config", "c.cnf")
    openssl(folder, *new, "-key", "root.key", "-extensions", "root", "-out", "root.crt")
    signed = ("-CA", "root.crt", "-CAkey", "root.key")
    openssl(folder, *new, "-key", "leaf.key", "-subj", "/CN=Court", "-extensions", "leaf", *signed, "-out", "leaf.crt")
    (folder / "chain.pem").write_text((folder / "leaf.crt").read_text() + (folder / "root.crt").read_text())
    os.chmod(folder / "leaf.key", 0o600)
    return folder


def sealed(tmp_path: Path, keys: Path, name: str = "s1") -> Path:
    root = a_folder(tmp_path / name)
    at_us = max(AT_US, int(x509.load_pem_x509_certificate((keys / "leaf.crt").read_bytes()).not_valid_before_utc.timestamp() * 1e6) + 1)
    seal_folder(root, {"sitting": name}, at_us, load(keys / "leaf.key", keys / "chain.pem", DEVICE))
    return root


def test_a_signature_by_sm2_is_checked_up_to_its_root(tmp_path: Path) -> None:
    keys, strangers = authority(tmp_path / "own"), authority(tmp_path / "strangers")
    root = sealed(tmp_path, keys)
    report = verify(root, trust=keys / "root.crt")
    assert report.complete, report.problems
    assert (report.signature.state, report.signature.root, report.signature.by) == ("good", "trusted", "CN=Court")
    other = verify(root, trust=strangers / "root.crt")
    assert (other.signature.state, other.signature.root) == ("bad", "other")
    assert {problem.code for problem in other.problems} == {"certificate_refused"}


def test_another_manifest_has_not_the_signature_of_the_device(tmp_path: Path) -> None:
    keys = authority(tmp_path / "own")
    root, other = sealed(tmp_path, keys), sealed(tmp_path, keys, "s2")
    taken = json.loads((other / "manifest.sig.json").read_bytes())["signature"]

    def with_another_value(content: bytes) -> bytes:
        body = {key: value for key, value in json.loads(content).items() if key != "digest"} | {"signature": taken}
        return bytes(rfc8785.dumps({**body, "digest": hashlib.sha256(rfc8785.dumps(body)).hexdigest()}))

    rewrite(root / "manifest.sig.json", with_another_value)
    assert {problem.code for problem in verify(root).problems} == {"signature_wrong"}
