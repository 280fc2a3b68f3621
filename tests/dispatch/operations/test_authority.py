"""The site's own authority: what it certifies, what it never can, and when it makes anew."""

from __future__ import annotations

import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from dispatch.operations import authority
from dispatch.operations.authority import AuthorityUnusable, Certified, certify

NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
ADDRESS = "192.168.7.20"


def trusts(certified: Certified, leaf: x509.Certificate, host: str, now: datetime = NOW) -> bool:
    """Whether a device that trusts the authority takes `leaf` for `host`, by cryptography's verifier (RFC 5280 and 9525)."""
    at = authority._ip(host)
    subject = x509.DNSName(host) if at is None else x509.IPAddress(at)
    verifier = PolicyBuilder().store(Store([certified.authority])).time(now).build_server_verifier(subject)
    try:
        verifier.verify(leaf, [])
    except VerificationError:
        return False
    return True


def forged(folder: Path, host: str) -> x509.Certificate:
    """What a thief of the authority's key would make for another site."""
    key = serialization.load_pem_private_key((folder / "authority.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    own = authority.authority_of(folder)
    assert own is not None
    return authority._make_server(own, key, host, NOW)[0]


@pytest.mark.parametrize("address", [ADDRESS, "10.0.0.9", "59.208.1.7", "fd00::7", "court.lan", "court.example.gov.cn"])
def test_a_device_that_trusts_the_authority_takes_the_server_at_its_address(tmp_path: Path, address: str) -> None:
    made = certify(tmp_path, address, "京州市云河区人民法院", NOW)
    assert made.made == "authority"
    for host in (address, "127.0.0.1", "localhost"):
        assert trusts(made, made.server, host), host
    assert not trusts(made, made.server, "192.168.7.21")


@pytest.mark.parametrize("host", ["bank.example", "www.court.gov.cn", "8.8.8.8", "localhost.bank.example"])
def test_even_its_stolen_key_certifies_no_other_site(tmp_path: Path, host: str) -> None:
    made = certify(tmp_path, ADDRESS, "court", NOW)
    assert not trusts(made, forged(tmp_path, host), host)
    assert trusts(made, forged(tmp_path, "192.168.99.1"), "192.168.99.1"), "the test's own verification is at fault"


def test_it_stays_the_same_while_it_is_good(tmp_path: Path) -> None:
    first = certify(tmp_path, ADDRESS, "court", NOW)
    again = certify(tmp_path, ADDRESS, "court", NOW + timedelta(days=300))
    assert again.made == ""
    assert (again.authority, again.server) == (first.authority, first.server)


def test_another_address_is_another_certificate_of_the_same_authority(tmp_path: Path) -> None:
    first = certify(tmp_path, ADDRESS, "court", NOW)
    moved = certify(tmp_path, "10.1.2.3", "court", NOW)
    assert moved.made == "certificate"
    assert moved.authority == first.authority
    assert trusts(moved, moved.server, "10.1.2.3")
    assert not trusts(moved, moved.server, ADDRESS)


def test_an_address_that_the_authority_may_not_certify_takes_a_new_one(tmp_path: Path) -> None:
    first = certify(tmp_path, ADDRESS, "court", NOW)
    moved = certify(tmp_path, "court.example.gov.cn", "court", NOW)
    assert moved.made == "authority"
    assert moved.fingerprint != first.fingerprint


def test_it_is_renewed_before_it_expires_and_devices_need_not_trust_anew(tmp_path: Path) -> None:
    first = certify(tmp_path, ADDRESS, "court", NOW)
    late = first.server.not_valid_after_utc - authority.RENEW_BEFORE
    renewed = certify(tmp_path, ADDRESS, "court", late)
    assert renewed.made == "certificate"
    assert renewed.authority == first.authority
    assert renewed.server.not_valid_after_utc > first.server.not_valid_after_utc
    assert renewed.server.not_valid_after_utc - renewed.server.not_valid_before_utc <= timedelta(days=398)
    after = certify(tmp_path, ADDRESS, "court", first.authority.not_valid_after_utc - authority.RENEW_BEFORE)
    assert after.made == "authority"


def test_keys_are_readable_by_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    certify(folder, ADDRESS, "court", NOW)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.key")} == {"authority.key": 0o600, "server.key": 0o600}


def test_a_key_that_belongs_to_another_certificate_is_not_used(tmp_path: Path) -> None:
    first = certify(tmp_path, ADDRESS, "court", NOW)
    certify(tmp_path / "other", ADDRESS, "court", NOW)
    (tmp_path / "server.key").write_bytes((tmp_path / "other" / "server.key").read_bytes())
    mended = certify(tmp_path, ADDRESS, "court", NOW)
    assert mended.made == "certificate"
    assert mended.authority == first.authority
    key = serialization.load_pem_private_key((tmp_path / "server.key").read_bytes(), None)
    assert key.public_key() == mended.server.public_key()


@pytest.mark.parametrize("name", ["authority.crt", "authority.key", "server.crt", "server.key"])
def test_what_is_no_certificate_and_no_key_is_named_and_left_alone(tmp_path: Path, name: str) -> None:
    certify(tmp_path, ADDRESS, "court", NOW)
    (tmp_path / name).write_text("minutes")
    with pytest.raises(AuthorityUnusable, match=name):
        certify(tmp_path, ADDRESS, "court", NOW)
    assert (tmp_path / name).read_text() == "minutes"


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("")
    with pytest.raises(AuthorityUnusable, match="secrets"):
        certify(tmp_path / "secrets", ADDRESS, "court", NOW)


def test_two_that_start_together_end_up_with_one_authority(tmp_path: Path) -> None:
    found: list[Certified] = []
    threads = [threading.Thread(target=lambda: found.append(certify(tmp_path, ADDRESS, "court", NOW))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(one.fingerprint, one.server.serial_number) for one in found}) == 1
    assert sorted(one.made for one in found) == [""] * 7 + ["authority"]


def test_the_fingerprint_is_the_one_that_systems_show(tmp_path: Path) -> None:
    made = certify(tmp_path, ADDRESS, "court", NOW)
    assert made.fingerprint.replace(":", "").lower() == made.authority.fingerprint(hashes.SHA256()).hex()
    assert len(made.fingerprint.split(":")) == 32
