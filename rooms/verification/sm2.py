"""Signatures by SM2 with SM3 (GB/T 32918.2, GB/T 35276), checked by the ``openssl`` of the machine: no library of ours has that curve.

The signer's identity is the usual one, ``1234567812345678`` (GM/T 0009).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

PROGRAM = shutil.which("openssl") or ""
"""From version 1.1.1 on; empty where there is none."""
IDENTITY = "1234567812345678"
ALGORITHM = "sm2-sm3"
LIMIT_S = 60.0


def is_of(certificate: bytes, value: bytes, content: bytes) -> bool | None:
    """Whether the signature `value` (DER) over `content` is that of the certificate's key (DER); None where that cannot be checked here."""
    if not PROGRAM or _run("ecparam", "-name", "SM2", "-check").returncode != 0:
        return None
    with tempfile.TemporaryDirectory(prefix="verify-") as name:
        folder = Path(name)
        for file, data in (("certificate", certificate), ("value", value), ("content", content)):
            (folder / file).write_bytes(data)
        key = folder / "key"
        if _run("x509", "-inform", "DER", "-in", folder / "certificate", "-pubkey", "-noout", "-out", key).returncode:
            return False
        if "SM2" not in _run("pkey", "-pubin", "-in", key, "-text", "-noout").stdout:
            return False
        about = ("-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{IDENTITY}", "-in", folder / "content", "-sigfile", folder / "value")
        return _run("pkeyutl", "-verify", "-pubin", "-inkey", key, *about).returncode == 0


def chained(certificates: Sequence[str], roots: str, at: datetime) -> str:
    """What is wrong with the way from the first certificate to one of the `roots` (PEM) at that time; "" if nothing is."""
    with tempfile.TemporaryDirectory(prefix="verify-") as name:
        folder = Path(name)
        for file, text in (("own", certificates[0]), ("between", "".join(certificates[1:])), ("roots", roots)):
            (folder / file).write_text(text)
        between = ("-untrusted", folder / "between") if certificates[1:] else ()
        when = ("-partial_chain", "-attime", str(int(at.timestamp())), "-no-CApath", "-no-CAstore")
        done = _run("verify", *when, "-CAfile", folder / "roots", *between, folder / "own")
        if done.returncode == 0:
            return ""
        said = next((line for line in (done.stderr + done.stdout).splitlines() if "lookup:" in line), "it cannot be verified")
        return said.partition("lookup:")[2].strip() or said


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=LIMIT_S, stdin=subprocess.DEVNULL)
