"""The tracker's TLS certificate, with one key for the tracker's whole life.

Owns the key file and the pin, which recipients get in the signed manifest: SHA-256 of the public key
(SubjectPublicKeyInfo, as in RFC 7469), so that the certificate may be renewed. Must not open sockets.
"""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from tuishare.errors import BadConfiguration, NotFound
from tuishare.fs.atomic import publish
from tuishare.fs.private_files import read_private

_NAME: Final = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tracker")])
_SKEW: Final = timedelta(days=1)
_END: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 5280, 4.1.2.5: no well-defined end. Clients that pin the key ignore the date."""
_LARGEST_FILE: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class TrackerCertificate:
    """The tracker's certificate and key.

    Attributes:
        pin: SHA-256 of its public key, 32 bytes.
        context: for https servers; TLS 1.2 or newer.
    """

    pin: bytes
    context: ssl.SSLContext = field(repr=False)


def load_certificate(path: Path) -> TrackerCertificate:
    """Read the tracker's certificate, or create it if there is none.

    Args:
        path: PEM, key and certificate, mode 0600; its folder must exist.

    Raises:
        BadConfiguration: the file is damaged, or accessible to others.
        SystemFailed: it cannot be read or written.
    """
    try:
        text = read_private(path, _LARGEST_FILE)
    except NotFound:
        publish(path, _make())
        text = read_private(path, _LARGEST_FILE)
    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(path)
    except (ValueError, ssl.SSLError):
        raise BadConfiguration(
            f"The tracker's certificate {path} is damaged",
            hint="Remove it and restart to create a new one. Earlier envelopes will not reach the tracker.",
        ) from None
    return TrackerCertificate(_pin(certificate), context)


def pin_of(certificate: bytes) -> bytes:
    """Return the pin of a certificate (DER): SHA-256 of its public key, 32 bytes.

    Raises:
        ValueError: the bytes are not a certificate.
    """
    return _pin(x509.load_der_x509_certificate(certificate))


def _pin(certificate: x509.Certificate) -> bytes:
    info = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(info).digest()


def _make() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - _SKEW)
        .not_valid_after(_END)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret + certificate.public_bytes(Encoding.PEM)
