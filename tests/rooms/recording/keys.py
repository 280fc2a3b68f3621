"""Keys and certificates of a small authority, in files: what a site's signer needs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAYS = 365
AT_US = int(dt.datetime(2026, 9, 21, 9, tzinfo=dt.UTC).timestamp() * 1e6)
"""When the tests seal: the certificates are good then."""
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class Authority:
    """A root, and the signers that it made."""

    def __init__(self, folder: Path, name: str = "Root") -> None:
        self.folder = folder
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._certificate(name, self.key, ca=True)
        self.root = folder / f"{name}.pem"
        self.root.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def signer(self, name: str, *, edwards: bool = False, days: int = DAYS) -> tuple[Path, Path]:
        """Key and chain of a new signer, in files."""
        key: Key = ed25519.Ed25519PrivateKey.generate() if edwards else ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(name, key, ca=False, days=days)
        key_file, chain = self.folder / f"{name}.key", self.folder / f"{name}.crt"
        pem = serialization.Encoding.PEM
        key_file.touch(mode=0o600)
        key_file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        chain.write_bytes(certificate.public_bytes(pem) + self.certificate.public_bytes(pem))
        return key_file, chain

    def _certificate(self, name: str, key: Key, *, ca: bool, days: int = DAYS) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEGIN)
            .not_valid_after(BEGIN + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        )
        return builder.sign(self.key, hashes.SHA256())
