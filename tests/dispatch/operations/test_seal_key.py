"""The key with which recordings are sealed: made by the site's own authority where none is set, renewed, looked at by the check."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from dispatch import audit
from dispatch.operations import check_host, check_seal, seal_key, upkeep
from dispatch.operations.authority import AUTHORITY_LIFE, SEAL_LIFE, certify
from dispatch.operations.parts import command_of
from dispatch.settings import Settings, SettingsError, load
from dispatch.store.database import Database
from rooms.recording.seal import seal_folder
from rooms.recording.signer import SignerUnusable
from rooms.verification.folder import verify
from tests.rooms.recording.folders import META, a_folder
from tests.rooms.recording.keys import Authority
from tests.rooms.recording.time_stamps import LocalAuthority

NOW = datetime.now(UTC).replace(microsecond=0)


def roots(settings: Settings) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((settings.secrets / "seal-roots.crt").read_bytes())


def test_a_site_without_a_key_gets_one_that_openssl_and_verify_agree_with(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "var", court="京州市云河区人民检察院")
    assert [seal_key.ensure(settings, NOW), seal_key.ensure(settings, NOW)] == ["seal", ""]
    assert (settings.secrets / "seal.key").stat().st_mode & 0o777 == 0o600
    assert check_host.secrets(settings).state == "ok"
    root = a_folder(tmp_path / "s1")
    seal_folder(root, {"sitting": "s1", **META}, int(NOW.timestamp() * 1e6), seal_key.of(settings).load())
    trusted = settings.secrets / "seal-roots.crt"
    report = verify(root, trust=trusted)
    assert report.complete, report.problems
    assert "京州市云河区人民检察院" in report.signature.by
    files = ["-in", root / "manifest.p7s", "-content", root / "manifest.json", "-CAfile", trusted, "-out", "/dev/null"]
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", *map(str, files)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_the_same_authority_serves_pages_and_seals(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, lan="192.168.7.20")
    certified = certify(settings.secrets, "192.168.7.20", settings.court, NOW)
    seal_key.ensure(settings, NOW)
    assert roots(settings) == [certified.authority]
    assert certify(settings.secrets, "192.168.7.20", settings.court, NOW).made == ""


def test_it_is_renewed_in_time_and_every_root_is_kept(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    seal_key.ensure(settings, NOW)
    before = (settings.secrets / "seal.crt").read_bytes()
    assert seal_key.ensure(settings, NOW + SEAL_LIFE - timedelta(days=31)) == ""
    assert seal_key.ensure(settings, NOW + SEAL_LIFE - timedelta(days=29)) == "seal"
    assert (settings.secrets / "seal.crt").read_bytes() != before
    assert len(roots(settings)) == 1
    seal_key.ensure(settings, NOW + AUTHORITY_LIFE)
    assert len(roots(settings)) == 2


def test_a_key_of_the_unit_is_taken_and_none_is_made(tmp_path: Path) -> None:
    key, chain = Authority(tmp_path).signer("Unit")
    settings = Settings(data=tmp_path / "var", seal_key=key, seal_chain=chain)
    assert seal_key.ensure(settings, NOW) == ""
    assert not settings.secrets.exists()
    command = command_of(settings, "recorder")
    assert command[command.index("--seal-key") + 1 :][:3] == [str(key), "--seal-chain", str(chain)]
    key.chmod(0o644)
    with pytest.raises(SignerUnusable, match="mode 0644"):
        seal_key.of(settings).load()


async def test_what_is_made_is_in_the_audit_log_once(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    db = await Database.open(settings)
    try:
        for _ in range(2):
            await upkeep.seal(settings, db, NOW)
        rows, _total = await audit.list_rows(db)
        assert [(row.actor, row.action, len(row.subject)) for row in rows] == [("system", "seal_key_made", 64)]
    finally:
        await db.close()


def test_the_check_says_who_signs_and_until_when(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "var")
    assert check_seal.seal(settings).code == "absent"
    seal_key.ensure(settings, NOW)
    assert (check_seal.seal(settings).state, check_seal.seal(settings).code) == ("ok", "well")
    key, chain = Authority(tmp_path).signer("Unit", days=1)
    found = check_seal.seal(Settings(data=tmp_path, seal_key=key, seal_chain=chain))
    assert (found.state, found.code) == ("mend", "expired")
    assert check_seal.seal(Settings(data=tmp_path, seal_key=key, seal_chain=tmp_path / "none.crt")).code == "unusable"
    assert check_seal.seal(Settings(data=tmp_path, seal_signer="no_such_driver:Token")).code == "unusable"


def test_the_check_asks_the_time_stamping_authority(tmp_path: Path) -> None:
    assert [found.code for found in check_seal.stamps(Settings(data=tmp_path))] == ["off"]
    root = LocalAuthority(tmp_path / "tsa").root
    away = Settings(data=tmp_path, tsa_url="http://127.0.0.1:9/stamp", tsa_ca=root)
    assert [(found.state, found.code) for found in check_seal.stamps(away)] == [("mend", "silent")]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"DISPATCH_SEAL_KEY": "/k.pem"}, "DISPATCH_SEAL_CHAIN is missing"),
        ({"DISPATCH_SEAL_CHAIN": "/c.pem"}, "DISPATCH_SEAL_KEY is missing"),
        ({"DISPATCH_SEAL_SIGNER": "nothing"}, "package.module:factory"),
        ({"DISPATCH_TSA_URL": "http://tsa.example/"}, "DISPATCH_TSA_CA is not"),
        ({"DISPATCH_TSA_URL": "ftp://tsa.example/"}, "not an address like"),
    ],
)
def test_settings_that_do_not_belong_together_are_named(values: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load(values)
