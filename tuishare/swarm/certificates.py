"""The certificate authority of a share and the certificates of its members.

Owns keys and X.509 only; must not know libtorrent, files or people. Certificates contain no names, so a leaked one does
not identify its holder. ECDSA on P-256 keeps a ticket far below 1,800 bytes.

A member is revoked by replacing the authority, which is outside the info dict, so the info-hash stays the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tuishare.errors import BadInput, Refused

ROOT_LIFETIME = timedelta(days=3650)
"""Default validity of a share's authority; no member's certificate outlives it."""
LEAF_LIFETIME = timedelta(days=3650)
"""Default validity of a member's certificate; access ends by revoking, not by expiry."""
CLOCK_SKEW = timedelta(days=1)
"""Certificates are valid from this long before creation: a member's clock may be slow, or its time zone wrong."""

MAX_CERTIFICATE: Final = 2048
"""Maximum size of a certificate in bytes; ours have about 450, and a ticket has 1,890 for certificate and key."""
MAX_KEY: Final = 512
"""Maximum size of a private key in bytes; ours have 138."""
_T = TypeVar("_T")

_ISSUER = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "share")])
_PURPOSES = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


@dataclass(frozen=True, slots=True)
class LeafCertificate:
    """A member's certificate and its private key.

    Attributes:
        certificate: X.509, DER.
        key: PKCS #8, DER, unencrypted; secret.
    """

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a member for a TLS swarm, all DER.

    Attributes:
        root_certificate: the share's authority, which must have issued the certificates of peers.
        leaf_certificate: our certificate.
        leaf_key: PKCS #8, unencrypted; secret.
    """

    root_certificate: bytes
    leaf_certificate: bytes
    leaf_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShareAuthority:
    """The certificate authority of one share; only the sender has it.

    Attributes:
        certificate: self-signed X.509, DER.
        key: PKCS #8, DER, unencrypted; secret.
    """

    certificate: bytes
    key: bytes = field(repr=False)

    def issue(
        self, now: datetime, *, lifetime: timedelta = LEAF_LIFETIME, label: str = ""
    ) -> LeafCertificate:
        """Issue a member's certificate.

        Args:
            now: the time, with a zone.
            lifetime: from now; limited by the authority's own.
            label: an opaque subject name, never a user's; normally empty.

        Raises:
            BadInput: the authority is damaged.
        """
        root, root_key = _read_certificate(self.certificate), _read_key(self.key)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, label)] if label else [])
        # RFC 5280, 4.2.1.6: an empty subject makes the alternative name critical. libtorrent requires the torrent's
        # name or "*" in it; with an authority per share "*" is safe.
        names = x509.SubjectAlternativeName([x509.DNSName("*")])
        certificate = (
            _draft(subject, key, now, min(now + lifetime, root.ends))
            .add_extension(names, critical=not label)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(_PURPOSES, critical=False)
            .add_extension(_authority_id(root_key), critical=False)
            .sign(root_key, hashes.SHA256())
        )
        return LeafCertificate(certificate.public_bytes(Encoding.DER), _write_key(key))

    def admit(self, leaf: LeafCertificate) -> Credentials:
        """Return a member's credentials."""
        return Credentials(self.certificate, leaf.certificate, leaf.key)


def create_authority(now: datetime, *, lifetime: timedelta = ROOT_LIFETIME) -> ShareAuthority:
    """Create the certificate authority of a new share, or a new one after a revocation.

    Args:
        now: the time, with a zone.
        lifetime: from now.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _draft(_ISSUER, key, now, now + lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return ShareAuthority(certificate.public_bytes(Encoding.DER), _write_key(key))


def check_credentials(credentials: Credentials, now: datetime | None) -> None:
    """Validate credentials before joining a swarm.

    Args:
        credentials: to validate.
        now: the time, with a zone; None skips the check of validity periods.

    Raises:
        BadInput: the certificates or the key are not of the kind created here, or do not belong together.
        Refused: a certificate has expired or is not valid yet.
    """
    root = _read_certificate(credentials.root_certificate)
    leaf = _read_certificate(credentials.leaf_certificate)
    key = _read_key(credentials.leaf_key)
    try:
        leaf.certificate.verify_directly_issued_by(root.certificate)
    except Exception:  # noqa: BLE001 — any error of the library on untrusted bytes
        raise BadInput("The ticket's certificate was not issued by this share's authority") from None
    if leaf.key != key.public_key():
        raise BadInput("The ticket's key does not belong to its certificate")
    if not root.is_authority or leaf.is_authority:
        raise BadInput("The ticket's certificate or this share's authority is of the wrong kind")
    if now is not None:
        for certificate in (root, leaf):
            _check_time(certificate, now)


def validity_end(certificate: bytes) -> datetime:
    """Return the end of a certificate's validity, with a zone.

    Raises:
        BadInput: it is not a certificate of the kind created here.
    """
    return _read_certificate(certificate).ends


@dataclass(frozen=True, slots=True)
class _Read:
    """A certificate and the fields used of it; the library parses many fields only on access."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePublicKey
    begins: datetime
    ends: datetime
    is_authority: bool


class TicketExpired(Refused):
    """The clock says that a ticket's certificate is not valid any longer."""


class TicketNotYetValid(Refused):
    """The clock says that a ticket's certificate is not valid yet."""


def _check_time(certificate: _Read, now: datetime) -> None:
    if now > certificate.ends:
        raise TicketExpired(
            f"The ticket for this share expired on {certificate.ends:%Y-%m-%d}",
            hint="Ask the sender for a new one.",
        )
    if now < certificate.begins:
        raise TicketNotYetValid(
            f"The ticket for this share is not valid before {certificate.begins:%Y-%m-%d}",
            hint="Check this machine's clock.",
        )


def _draft(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(_ISSUER)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(end)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_id(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _write_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _read_certificate(der: bytes) -> _Read:
    return _judged(der, MAX_CERTIFICATE, "A certificate", _parse_certificate)


def _parse_certificate(der: bytes) -> _Read | None:
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key()
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    is_ours = (
        certificate.version is x509.Version.v3
        and isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
        and certificate.public_bytes(Encoding.DER) == der
    )
    if is_ours and isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return _Read(certificate, key, begins, ends, constraints.ca)
    return None


def _read_key(der: bytes) -> ec.EllipticCurvePrivateKey:
    return _judged(der, MAX_KEY, "A private key", _parse_key)


def _parse_key(der: bytes) -> ec.EllipticCurvePrivateKey | None:
    key = load_der_private_key(der, password=None)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    return None


def _judged(der: bytes, most: int, what: str, parse: Callable[[bytes], _T | None]) -> _T:
    """Parse untrusted bytes; `parse` returns None for what is well-formed but not of the kind created here.

    Raises:
        BadInput: they are too long, damaged, or of another kind.
    """
    if len(der) > most:
        raise BadInput(f"{what} of this share is larger than {most:,} bytes")
    try:
        found = parse(der)
    except Exception:  # noqa: BLE001 — UnsupportedAlgorithm, ValueError, TypeError, ExtensionNotFound and more
        raise BadInput(f"{what} of this share is damaged or of an unsupported kind") from None
    if found is None:
        raise BadInput(f"{what} of this share is of an unsupported kind")
    return found
