"""A sealed manifest is signed: anybody checks it by openssl alone, and verify says by whom, whether then valid, and whether trusted."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from rooms.recording import signer as signers
from rooms.recording.seal import seal_folder
from rooms.recording.signer import KeyFile, Signature, SignerUnusable, load
from rooms.verification import sm2
from rooms.verification.command import main
from rooms.verification.folder import verify
from tests.rooms.recording.folders import META, a_folder, flip, rewrite
from tests.rooms.recording.keys import AT_US, Authority

OPENSSL = shutil.which("openssl") or "/usr/bin/openssl"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def signed(tmp_path: Path, authority: Authority) -> Path:
    """A folder sealed and signed by the court's key."""
    return sealed_by(tmp_path / "s1", load(*authority.signer("Court")))


def sealed_by(root: Path, signer: signers.Signer | None) -> Path:
    seal_folder(a_folder(root), {"sitting": "s1", **META}, AT_US, signer)
    return root


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([OPENSSL, *map(str, arguments)], capture_output=True, text=True, check=False)


def cms_verify(root: Path, trusted: Path) -> subprocess.CompletedProcess[str]:
    files = ("-in", root / "manifest.p7s", "-content", root / "manifest.json", "-CAfile", trusted, "-out", "/dev/null")
    return openssl("cms", "-verify", "-binary", "-inform", "DER", "-attime", str(AT_US // 1_000_000), *files)


def codes(root: Path, trust: Path | None = None) -> set[tuple[str, str]]:
    return {(problem.code, problem.file) for problem in verify(root, trust=trust).problems}


def test_openssl_alone_checks_the_signature(signed: Path, authority: Authority, tmp_path: Path) -> None:
    good = cms_verify(signed, authority.root)
    assert good.returncode == 0, good.stderr
    assert cms_verify(signed, Authority(tmp_path, "Other").root).returncode != 0
    rewrite(signed / "manifest.json", flip(100))
    assert cms_verify(signed, authority.root).returncode != 0


def test_verify_says_who_signed_and_under_whose_root(signed: Path, authority: Authority, tmp_path: Path) -> None:
    report = verify(signed, trust=authority.root)
    assert (report.ok, report.complete) == (True, True)
    found = report.signature
    assert (found.state, found.by, found.issuer, found.root) == ("good", "CN=Court", "CN=Root", "trusted")
    assert (found.valid_from, found.valid_to) == ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
    assert verify(signed).signature.root == ""
    assert codes(signed, Authority(tmp_path, "Other").root) == {("certificate_refused", "manifest.sig.json")}


def test_the_command_says_it_in_words_and_ends_accordingly(
    signed: Path, authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(signed), "--lang", "en"]) == 0
    out = capsys.readouterr().out
    assert "by CN=Court (ecdsa-p256-sha256)" in out
    assert "root was not checked" in out
    assert main([str(signed), "--lang", "zh-CN", "--trust", str(authority.root)]) == 0
    assert "其根证书在所信任之列" in capsys.readouterr().out
    assert main([str(signed), "--trust", str(Authority(tmp_path, "Other").root)]) == 1
    assert main([str(signed), "--trust", str(tmp_path / "nothing.pem")]) == 2
    assert main([str(signed), "--trust", str(signed / "manifest.json")]) == 2


def test_who_trusts_a_root_is_told_that_nobody_signed(tmp_path: Path, authority: Authority) -> None:
    root = sealed_by(tmp_path / "s1", None)
    assert main([str(root)]) == 0
    assert main([str(root), "--trust", str(authority.root)]) == 3


@pytest.mark.parametrize("name", ["manifest.sig.json", "manifest.p7s"])
def test_a_signature_that_was_taken_away_or_changed_is_named(signed: Path, name: str) -> None:
    content = (signed / name).read_bytes()
    for position in range(0, len(content), 41):
        rewrite(signed / name, flip(position))
        assert {file for _, file in codes(signed)} == {name}, position
        rewrite(signed / name, flip(position))
    (signed / name).unlink()
    assert {file for _, file in codes(signed)} == {name}


def test_a_manifest_made_to_fit_by_somebody_else_has_not_the_signature_of_the_court(signed: Path, tmp_path: Path) -> None:
    """Whoever seals a changed copy anew and puts the old signature beside it is found; so is one who signs himself, by the root."""
    forged = sealed_by(tmp_path / "forged", load(*Authority(tmp_path, "Forger").signer("Court ")))
    for name in ("manifest.sig.json", "manifest.p7s"):
        os.replace(signed / name, forged / name)
    assert ("signature_other", "manifest.sig.json") in codes(forged)


def test_another_signer_than_the_manifest_names_is_found(signed: Path, authority: Authority, tmp_path: Path) -> None:
    from rooms.recording import signature

    files = signature.sign((signed / "manifest.json").read_bytes(), KeyFile(*authority.signer("Somebody")))
    for name, content in files.items():
        rewrite(signed / name, lambda _, content=content: content)  # type: ignore[misc]
    assert codes(signed, authority.root) == {("signer_other", "manifest.sig.json")}


def test_a_certificate_that_had_expired_when_it_signed_is_refused(tmp_path: Path, authority: Authority) -> None:
    root = sealed_by(tmp_path / "s1", load(*authority.signer("Late", days=30)))
    assert codes(root, authority.root) == {("certificate_refused", "manifest.sig.json")}
    assert "expired" in verify(root, trust=authority.root).signature.why


def test_ed25519_signs_in_the_json_alone(tmp_path: Path, authority: Authority) -> None:
    root = sealed_by(tmp_path / "s1", load(*authority.signer("Edwards", edwards=True)))
    assert verify(root, trust=authority.root).complete
    assert not (root / "manifest.p7s").exists()
    found = json.loads((root / "manifest.sig.json").read_bytes())
    (tmp_path / "value").write_bytes(base64.b64decode(found["signature"]))
    certificate = x509.load_der_x509_certificate(base64.b64decode(found["chain"][0]))
    public = certificate.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    key = ("-pubin", "-inkey", tmp_path / "public.pem", "-rawin", "-in", root / "manifest.json", "-sigfile", tmp_path / "value")
    assert openssl("pkeyutl", "-verify", *key).returncode == 0


class Device:
    """A signing device: the key never leaves it, and of SM2 with SM3 it brings a CMS of its own."""

    def __init__(self, key: Path | None, chain: Path | None) -> None:
        assert key is not None
        assert chain is not None
        self._file = KeyFile(key, chain)
        self.algorithm = os.environ.get("TEST_DEVICE_ALGORITHM", signers.ECDSA)

    @property
    def chain(self) -> Sequence[bytes]:
        return self._file.chain

    def sign(self, content: bytes) -> Signature:
        if os.environ.get("TEST_DEVICE_AWAY"):
            raise SignerUnusable("the token is not plugged in")
        made = self._file.sign(content)
        own = b"what the device made: " + made.value if self.algorithm == signers.SM2 else b""
        return Signature(self.algorithm, made.value, made.chain, own)


DEVICE = f"{__name__}:Device"


def test_a_device_plugs_in_by_the_path_of_its_class(tmp_path: Path, authority: Authority) -> None:
    root = sealed_by(tmp_path / "s1", load(*authority.signer("Token"), DEVICE))
    assert verify(root, trust=authority.root).complete
    assert cms_verify(root, authority.root).returncode == 0
    with pytest.raises(SignerUnusable, match="no_such_module"):
        load(None, None, "no_such_module:Device")


def test_a_device_that_is_away_signs_when_it_is_back_and_the_manifest_stays(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_DEVICE_AWAY", "yes")
    pair, root = authority.signer("Token"), tmp_path / "s1"
    with pytest.raises(SignerUnusable):
        sealed_by(root, load(*pair, DEVICE))
    before = (root / "manifest.json").read_bytes()
    assert codes(root) == {("signature_missing", "manifest.sig.json")}
    monkeypatch.delenv("TEST_DEVICE_AWAY")
    assert seal_folder(root, {"sitting": "s1"}, AT_US + 1, load(*pair, DEVICE))["signed_by"] == "CN=Token"
    assert (root / "manifest.json").read_bytes() == before
    assert verify(root, trust=authority.root).complete


def test_what_this_program_cannot_check_it_says_and_is_not_called_good(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """SM2 with SM3 where there is no openssl: the digests are checked, the signature is left to the device's own program."""
    monkeypatch.setenv("TEST_DEVICE_ALGORITHM", signers.SM2)
    monkeypatch.setattr(sm2, "PROGRAM", "")
    root = sealed_by(tmp_path / "s1", load(*authority.signer("SM2"), DEVICE))
    assert main([str(root), "--lang", "en"]) == 3
    assert "not checked here: the library has not this algorithm" in capsys.readouterr().out
    assert verify(root).unchecked == ["signature"]
    rewrite(root / "manifest.p7s", flip(3))
    assert codes(root) == {("signature_changed", "manifest.p7s")}


def test_a_key_that_others_may_read_is_refused(authority: Authority, tmp_path: Path) -> None:
    key, chain = authority.signer("Court")
    for mode in (0o640, 0o604, 0o660):
        key.chmod(mode)
        with pytest.raises(SignerUnusable, match=f"mode 0{mode:o}"):
            load(key, chain)
    key.chmod(0o600)
    with pytest.raises(SignerUnusable, match="does not belong"):
        load(key, authority.signer("Other")[1])
    with pytest.raises(SignerUnusable, match="no private key"):
        load(_file(tmp_path / "bad.key", b"nothing"), chain)
    with pytest.raises(SignerUnusable, match="no certificate"):
        load(key, _file(tmp_path / "bad.crt", b"nothing"))


def _file(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path
