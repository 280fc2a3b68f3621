"""The certificate that this server itself serves pages with: one that was given, or one of the site's own authority."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dispatch.operations import authority

if TYPE_CHECKING:
    from dispatch.settings import Settings


class CertificateRefused(Exception):
    """Pages cannot be served with this certificate; the text is one line that names the setting and says why."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate (with what leads to its authority) and its key, two PEM files."""

    certificate: Path
    key: Path


def pair_of(settings: Settings) -> Pair | None:
    """Where certificate and key lie, None where this server serves no https."""
    if settings.tls_certificate is not None and settings.tls_key is not None:
        return Pair(settings.tls_certificate, settings.tls_key)
    return Pair(settings.secrets / "server.crt", settings.secrets / "server.key") if settings.lan else None


def check(pair: Pair, host: str, now: datetime) -> x509.Certificate:
    """The certificate of `pair`, fit to serve `host` at `now`. Raises CertificateRefused: unreadable, not a pair, out of
    its dates, or another site's."""
    certificate = _certificate(pair.certificate)
    _matching(pair.key, certificate)
    named = f"DISPATCH_TLS_CERTIFICATE={pair.certificate}"
    if now < certificate.not_valid_before_utc:
        raise CertificateRefused(f"{named}: not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; is the clock right?")
    if now >= certificate.not_valid_after_utc:
        raise CertificateRefused(f"{named}: expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; renew it")
    if not authority.names(certificate, host):
        raise CertificateRefused(f"{named}: it is not for {host}, the host of DISPATCH_PUBLIC_URL")
    return certificate


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except OSError as error:
        raise CertificateRefused(f"DISPATCH_TLS_CERTIFICATE={path}: {error.strerror}") from None
    except ValueError:
        raise CertificateRefused(f"DISPATCH_TLS_CERTIFICATE={path}: there is no certificate in PEM form in it") from None


def _matching(path: Path, certificate: x509.Certificate) -> None:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise CertificateRefused(f"DISPATCH_TLS_KEY={path}: {error.strerror}") from None
    except TypeError:
        raise CertificateRefused(f"DISPATCH_TLS_KEY={path}: the key has a password; the server needs it without") from None
    except ValueError:
        raise CertificateRefused(f"DISPATCH_TLS_KEY={path}: there is no private key in PEM form in it") from None
    if _public(key.public_key()) != _public(certificate.public_key()):
        raise CertificateRefused(f"DISPATCH_TLS_KEY={path}: this key does not belong to the certificate")


def _public(key: object) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined, no-any-return]


class Served:
    """The certificate in use. `context` stays the same for the life of the server; what it presents is renewed in place,
    so that open connections go on and new ones get the new certificate."""

    def __init__(self, settings: Settings, now: datetime) -> None:
        """Makes what is missing where the authority is our own. Raises CertificateRefused."""
        pair = pair_of(settings)
        if pair is None:
            raise ValueError("these settings name no certificate")
        self._settings = settings
        self._pair = pair
        self.host = urlsplit(settings.public_url).hostname or ""
        self.made: list[str] = []
        """what was made and not told yet, "authority" or "certificate": for the audit log, which takes them away"""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self._certificate = self._present(now)
        self._load()

    @property
    def expires_at(self) -> datetime:
        """Until when browsers take the certificate in use."""
        return self._certificate.not_valid_after_utc

    def renew(self, now: datetime) -> bool:
        """Take up what is new on the disk, and renew our own in time; whether the certificate is another one now. Raises
        CertificateRefused; the one in use stays then."""
        certificate = self._present(now)
        if certificate == self._certificate:
            return False
        self._certificate = certificate
        self._load()
        return True

    def _present(self, now: datetime) -> x509.Certificate:
        if not self._settings.own_authority:
            return check(self._pair, self.host, now)
        try:
            certified = authority.certify(self._settings.secrets, self._settings.lan, self._settings.court, now)
        except authority.AuthorityUnusable as error:
            raise CertificateRefused(str(error)) from None
        self.made += [certified.made] if certified.made else []
        return certified.server

    def _load(self) -> None:
        try:
            self.context.load_cert_chain(self._pair.certificate, self._pair.key)
        except (ssl.SSLError, OSError) as error:
            raise CertificateRefused(f"DISPATCH_TLS_CERTIFICATE={self._pair.certificate}: {error}") from None
