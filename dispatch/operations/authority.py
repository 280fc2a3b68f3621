"""A certificate authority for one site in its own network, and the certificate of its server.

A browser gives camera and microphone to pages over https only. Where there is no public name there is no public
certificate either, so the site makes an authority of its own, which each device is told once to trust. What the device
lets in by that is kept small: the authority's name constraints (RFC 5280 section 4.2.1.10) allow addresses of private
networks and the site's own address, so that even its stolen key makes no certificate for any other site.

Below the directory of secrets: ``authority.crt`` and ``server.crt`` (PEM), ``authority.key`` and ``server.key`` (PEM, 0600). The
same authority vouches for the key with which recordings are sealed, where the site has set none: ``seal.crt``, ``seal.key``.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)
"""Browsers refuse server certificates that live longer than 398 days (CA/Browser Forum, Baseline Requirements 6.3.2)."""
SEAL_LIFE = timedelta(days=1095)
RENEW_BEFORE = timedelta(days=30)
BACKDATED = timedelta(days=1)
"""Devices whose clock is slow are to accept a fresh certificate."""
PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8")
PRIVATE_NETWORKS_6 = ("fc00::/7", "fe80::/10", "::1/128")
PRIVATE_NAMES = ("localhost", "lan", "local", "internal", "home.arpa")
ALWAYS = ("127.0.0.1", "::1", "localhost")
"""In every certificate: the server's own machine opens the same pages."""

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network


class AuthorityUnusable(Exception):
    """The directory or what is in it cannot be used; the text is one line that names the file."""


@dataclass(frozen=True, slots=True)
class Certified:
    """The authority and the server's certificate, as they are on disk now. `made`: "" when both were there and good,
    "certificate" when the server's was made, "authority" when both were: devices have to trust the new one."""

    authority: x509.Certificate
    server: x509.Certificate
    made: str

    @property
    def fingerprint(self) -> str:
        """The authority's SHA-256, to be compared by people."""
        return fingerprint(self.authority)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate's DER as systems show it: ``3A:0F:…``."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def authority_of(folder: Path) -> x509.Certificate | None:
    """The authority's certificate below `folder`, None where there is none yet. Raises AuthorityUnusable."""
    return _certificate(folder / "authority.crt")


def certify(folder: Path, address: str, organisation: str, now: datetime) -> Certified:
    """See that there is an authority and a good server certificate for `address` (an IP address or a name).

    Made anew: the certificate when it is missing, for another address, another authority's, or about to expire; the
    authority when it is missing, about to expire, or may not certify `address`. Two processes at once end up with the
    same. Raises AuthorityUnusable, also where a file is there and is none of these: somebody may still need it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder):
            return _certify(folder, address, organisation, now)
    except OSError as error:
        raise AuthorityUnusable(f"{error.filename or folder}: {error.strerror}") from None


def certify_seal(folder: Path, address: str, organisation: str, now: datetime) -> str:
    """See that there is a key with which recordings are sealed, ``seal.key``, its chain, ``seal.crt``, and all roots that such a
    chain ever led to, ``seal-roots.crt``: the checks of old recordings need them. What was made: "seal" or "". Raises AuthorityUnusable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder):
            authority, authority_key, _made = _authority(folder, address, organisation, now)
            sealing, key = _certificate(folder / "seal.crt"), _key(folder / "seal.key")
            made = ""
            if sealing is None or key is None or not _belong(sealing, key) or not _lasts(sealing, authority, now):
                sealing, key = _make_seal(authority, authority_key, organisation, now)
                chain = [each.public_bytes(serialization.Encoding.PEM) for each in (sealing, authority)]
                _write(folder / "seal.key", _pem(key), 0o600)
                _write(folder / "seal.crt", b"".join(chain), 0o644)
                made = "seal"
            _remember_root(folder / "seal-roots.crt", authority)
            return made
    except OSError as error:
        raise AuthorityUnusable(f"{error.filename or folder}: {error.strerror}") from None


def _remember_root(path: Path, authority: x509.Certificate) -> None:
    known = x509.load_pem_x509_certificates(path.read_bytes()) if path.exists() else []
    if authority not in known:
        _write(path, b"".join(each.public_bytes(serialization.Encoding.PEM) for each in (*known, authority)), 0o644)


def _authority(
    folder: Path, address: str, organisation: str, now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey, bool]:
    """The authority, its key, and whether it was made just now."""
    authority, key = _certificate(folder / "authority.crt"), _key(folder / "authority.key")
    if authority is not None and key is not None and _belong(authority, key) and _serves(authority, address, now):
        return authority, key, False
    authority, key = _make_authority(address, organisation, now)
    _write(folder / "authority.key", _pem(key), 0o600)
    _write(folder / "authority.crt", authority.public_bytes(serialization.Encoding.PEM), 0o644)
    return authority, key, True


def _certify(folder: Path, address: str, organisation: str, now: datetime) -> Certified:
    authority, key, new = _authority(folder, address, organisation, now)
    made = "authority" if new else ""
    server, server_key = _certificate(folder / "server.crt"), _key(folder / "server.key")
    if server is None or server_key is None or not _belong(server, server_key) or not _good(server, authority, address, now):
        server, server_key = _make_server(authority, key, address, now)
        _write(folder / "server.key", _pem(server_key), 0o600)
        _write(folder / "server.crt", server.public_bytes(serialization.Encoding.PEM), 0o644)
        made = made or "certificate"
    return Certified(authority, server, made)


# -- what is good enough ---------------------------------------------------------------------------------------------------


def _serves(authority: x509.Certificate, address: str, now: datetime) -> bool:
    """Whether the authority goes on for as long as a certificate needs it and may certify `address`."""
    if not authority.not_valid_before_utc <= now < authority.not_valid_after_utc - RENEW_BEFORE:
        return False
    try:
        constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return False
    permitted = [name.value for name in constraints.permitted_subtrees or ()]
    at = _ip(address)
    if at is not None:
        networks = [network for network in permitted if isinstance(network, (IPv4Network, IPv6Network))]
        return any(at in network for network in networks if network.version == at.version)
    return any(f".{address}".endswith(f".{name}") for name in permitted if isinstance(name, str))


def _good(server: x509.Certificate, authority: x509.Certificate, address: str, now: datetime) -> bool:
    return names(server, address) and _lasts(server, authority, now)


def _lasts(certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> bool:
    """Whether it is this authority's, and not about to expire."""
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEW_BEFORE:
        return False
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def names(certificate: x509.Certificate, host: str) -> bool:
    """Whether the certificate is one for `host`, an IP address or a name (RFC 9525 section 6.3)."""
    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    at = _ip(host)
    if at is not None:
        return at in listed.get_values_for_type(x509.IPAddress)
    wanted = host.lower().rstrip(".")
    patterns = [pattern.lower().rstrip(".") for pattern in listed.get_values_for_type(x509.DNSName)]
    return wanted in patterns or f"*.{wanted.partition('.')[2]}" in patterns


# -- making ----------------------------------------------------------------------------------------------------------------


def _make_authority(address: str, organisation: str, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(organisation, f"Local authority {now:%Y-%m-%d}")
    certificate = (
        _builder(subject, subject, key.public_key(), now, now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=_permitted(address), excluded_subtrees=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def _permitted(address: str) -> list[x509.GeneralName]:
    """Private networks, names that no public authority certifies, and the site's own address."""
    networks: list[_Network] = [ip_network(network) for network in (*PRIVATE_NETWORKS, *PRIVATE_NETWORKS_6)]
    own_names = list(PRIVATE_NAMES)
    at = _ip(address)
    if at is None:
        own_names += [] if any(f".{address}".endswith(f".{name}") for name in own_names) else [address]
    elif not any(at in network for network in networks if network.version == at.version):
        networks.append(ip_network(at))
    return [*map(x509.IPAddress, networks), *map(x509.DNSName, own_names)]


def _make_server(
    authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey, address: str, now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives = [_general_name(name) for name in dict.fromkeys((address, *ALWAYS))]
    organisation = authority.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    until = min(now + SERVER_LIFE, authority.not_valid_after_utc)
    certificate = (
        _builder(_subject(str(organisation[0].value) if organisation else "", address), authority.subject, key.public_key(), now, until)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return certificate, key


def _make_seal(
    authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey, organisation: str, now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """No extended key usage: that for documents (RFC 9336) would make ``openssl cms -verify`` refuse it."""
    key = ec.generate_private_key(ec.SECP256R1())
    until = min(now + SEAL_LIFE, authority.not_valid_after_utc)
    certificate = (
        _builder(_subject(organisation, f"Recording seal {now:%Y-%m-%d}"), authority.subject, key.public_key(), now, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False, signs_documents=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return certificate, key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _subject(organisation: str, name: str) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation[:64])] if organisation else []
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])  # 64: upper bounds of RFC 5280 appendix A.1


def _usage(*, signs_certificates: bool, signs_documents: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=signs_documents,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


# -- files -----------------------------------------------------------------------------------------------------------------


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time makes certificates here."""
    descriptor = os.open(folder / ".authority.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _certificate(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AuthorityUnusable(f"{path}: {error.strerror}") from None
    except ValueError:
        raise AuthorityUnusable(f"{path}: this is no certificate; put it back or take it away, and a new one is made") from None


def _key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise AuthorityUnusable(f"{path}: this is no key; put it back or take it away, and a new one is made") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityUnusable(f"{path}: this is no key of ours; take it away, and a new one is made")
    return key


def _belong(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bool:
    return certificate.public_key() == key.public_key()


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    """Aside and renamed into place: nobody reads half a file, and no key is ever readable by others."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def _ip(text: str) -> _Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _general_name(name: str) -> x509.GeneralName:
    at = _ip(name)
    return x509.DNSName(name) if at is None else x509.IPAddress(at)
