"""The certificate that pages are served with: looked at before the start, renewed while serving."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key

from dispatch import audit
from dispatch.operations import upkeep
from dispatch.operations.authority import certify
from dispatch.operations.certificate import CertificateRefused, Pair, Served, check
from dispatch.operations.metrics import CERTIFICATE_EXPIRES
from dispatch.settings import Settings
from dispatch.store.database import Database

NOW = datetime.now(UTC).replace(microsecond=0)
HOST = "court.lan"


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """A certificate for court.lan, as an office of the court's own authority would issue it."""
    certify(tmp_path / "issued", HOST, "court", NOW)
    return Pair(tmp_path / "issued" / "server.crt", tmp_path / "issued" / "server.key")


def given(tmp_path: Path, pair: Pair) -> Settings:
    return Settings(data=tmp_path / "var", public_url=f"https://{HOST}", tls_certificate=pair.certificate, tls_key=pair.key)


def presented(context: ssl.SSLContext) -> x509.Certificate:
    """The certificate that a browser is shown."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with context.wrap_socket(theirs, server_side=True):
            pass

    thread = threading.Thread(target=serve)
    thread.start()
    asking = ssl.create_default_context()
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    with asking.wrap_socket(ours, server_hostname=HOST) as wrapped:
        shown = wrapped.getpeercert(binary_form=True)
    thread.join()
    assert shown is not None
    return x509.load_der_x509_certificate(shown)


def test_a_good_pair_is_taken(pair: Pair) -> None:
    assert check(pair, HOST, NOW).not_valid_after_utc > NOW


@pytest.mark.parametrize(
    ("host", "at", "words"),
    [
        ("other.lan", NOW, "not for other.lan"),
        (HOST, NOW - timedelta(days=30), "not valid before"),
        (HOST, NOW + timedelta(days=398), "expired on"),
    ],
)
def test_a_certificate_that_browsers_would_refuse_is_refused(pair: Pair, host: str, at: datetime, words: str) -> None:
    with pytest.raises(CertificateRefused, match=words) as refused:
        check(pair, host, at)
    assert str(refused.value).startswith(f"DISPATCH_TLS_CERTIFICATE={pair.certificate}: ")


def test_a_key_that_belongs_to_another_certificate_is_refused(pair: Pair, tmp_path: Path) -> None:
    certify(tmp_path / "other", HOST, "court", NOW)
    with pytest.raises(CertificateRefused, match="does not belong"):
        check(Pair(pair.certificate, tmp_path / "other" / "server.key"), HOST, NOW)


def test_files_that_are_missing_or_hold_something_else_are_named(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "minutes").write_text("minutes")
    for wrong, setting in (
        (Pair(tmp_path / "nothing", pair.key), "DISPATCH_TLS_CERTIFICATE"),
        (Pair(tmp_path / "minutes", pair.key), "DISPATCH_TLS_CERTIFICATE"),
        (Pair(pair.certificate, tmp_path / "nothing"), "DISPATCH_TLS_KEY"),
        (Pair(pair.certificate, tmp_path / "minutes"), "DISPATCH_TLS_KEY"),
    ):
        with pytest.raises(CertificateRefused, match=setting):
            check(wrong, HOST, NOW)


def test_a_key_with_a_password_is_named_as_such(pair: Pair) -> None:
    key = load_pem_private_key(pair.key.read_bytes(), None)
    pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(CertificateRefused, match="has a password"):
        check(pair, HOST, NOW)


def test_a_certificate_renewed_by_others_is_taken_up_while_serving(pair: Pair, tmp_path: Path) -> None:
    served = Served(given(tmp_path, pair), NOW)
    first = presented(served.context)
    assert served.renew(NOW) is False
    certify(tmp_path / "issued", HOST, "court", NOW + timedelta(days=380))
    assert served.renew(NOW + timedelta(days=380)) is True
    assert presented(served.context).serial_number != first.serial_number
    assert served.expires_at > first.not_valid_after_utc


def test_a_spoilt_renewal_leaves_the_one_in_use(pair: Pair, tmp_path: Path) -> None:
    served = Served(given(tmp_path, pair), NOW)
    first = presented(served.context)
    certify(tmp_path / "other", HOST, "court", NOW)
    pair.certificate.write_bytes((tmp_path / "other" / "server.crt").read_bytes())  # and not yet its key
    with pytest.raises(CertificateRefused):
        served.renew(NOW)
    assert presented(served.context) == first
    pair.key.write_bytes((tmp_path / "other" / "server.key").read_bytes())
    assert served.renew(NOW) is True


async def test_what_is_made_is_in_the_audit_log_once_and_its_end_can_be_watched(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, lan="192.168.7.20")
    db = await Database.open(settings)
    try:
        served = Served(settings, NOW)
        for _ in range(2):
            await upkeep.certificate(db, served, NOW)
        later = served.expires_at - timedelta(days=1)
        await upkeep.certificate(db, served, later)
        rows, _total = await audit.list_rows(db)
        assert [(row.actor, row.action, row.subject) for row in rows] == [
            ("system", "certificate_made", "192.168.7.20"),
            ("system", "authority_made", "192.168.7.20"),
        ]
        assert CERTIFICATE_EXPIRES._value.get() == served.expires_at.timestamp() > later.timestamp() + 86_400
    finally:
        await db.close()


async def test_a_certificate_that_cannot_be_renewed_does_not_end_the_upkeep(pair: Pair, tmp_path: Path) -> None:
    settings = given(tmp_path, pair)
    db = await Database.open(settings)
    try:
        served = Served(settings, NOW)
        pair.key.unlink()
        await upkeep.certificate(db, served, NOW)
        assert CERTIFICATE_EXPIRES._value.get() == served.expires_at.timestamp()
    finally:
        await db.close()
