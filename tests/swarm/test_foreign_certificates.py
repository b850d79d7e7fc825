"""Certificates and keys that others made: whatever they are, they are judged in our own words."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tuishare.errors import BadInput, Refused
from tuishare.swarm import LeafCertificate, check_credentials, create_authority, validity_end
from tuishare.swarm.certificates import MAX_CERTIFICATE, MAX_KEY

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AUTHORITY = create_authority(NOW)
GOOD = AUTHORITY.admit(AUTHORITY.issue(NOW))
CASES = int(os.environ.get("TUISHARE_DAMAGE_CASES", "40")) * 10
P256 = bytes.fromhex("06082a8648ce3d030107")
PARTS = ("root_certificate", "leaf_certificate", "leaf_key")
Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey


def certify(key: Private, *, ca: bool = True, names: int = 1, digest: bool = True) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "share") for _ in range(names)])
    draft = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    draft = draft.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=9))
    draft = draft.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return draft.sign(key, hashes.SHA256() if digest else None).public_bytes(Encoding.DER)


def write(key: Private) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def explicit(certificate: bytes) -> bytes:
    """The curve given by its parameters instead of its name (RFC 5480, 2.1.1 forbids it), lengths set right."""
    at = certificate.index(P256)
    prime = bytes.fromhex("020101") + bytes.fromhex("3000")
    return certificate[:at] + b"\x30\x08" + prime + bytes(3) + certificate[at + len(P256) :]


RSA, ED25519 = rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()
FOREIGN = {
    "rsa": certify(RSA),
    "ed25519": certify(ED25519, digest=False),
    "p384": certify(ec.generate_private_key(ec.SECP384R1())),
    "secp256k1": certify(ec.generate_private_key(ec.SECP256K1())),
    "unknown curve": AUTHORITY.certificate.replace(P256, bytes.fromhex("06082a8648ce3d03017f")),
    "no curve at all": AUTHORITY.certificate.replace(P256, bytes.fromhex("0608ffffffffffffff7f")),
    "explicit parameters": explicit(AUTHORITY.certificate),
    "huge": certify(ec.generate_private_key(ec.SECP256R1()), names=200),
    "gigantic": AUTHORITY.certificate + bytes(1 << 20),
    "something behind it": AUTHORITY.certificate + b"\0",
    "no authority": certify(ec.generate_private_key(ec.SECP256R1()), ca=False),
    "nothing": b"",
    "pem": b"-----BEGIN CERTIFICATE-----\n",
}
KEYS = {
    "rsa": write(RSA),
    "ed25519": write(ED25519),
    "p384": write(ec.generate_private_key(ec.SECP384R1())),
    "unknown curve": GOOD.leaf_key.replace(P256, bytes.fromhex("06082a8648ce3d03017f")),
    "huge": GOOD.leaf_key + bytes(MAX_KEY),
    "nothing": b"",
}


@pytest.mark.parametrize("part", PARTS[:2])
@pytest.mark.parametrize("kind", FOREIGN)
def test_only_what_is_made_here_is_a_certificate(kind: str, part: str) -> None:
    with pytest.raises(BadInput):
        check_credentials(replace(GOOD, **{part: FOREIGN[kind]}), NOW)


@pytest.mark.parametrize("kind", KEYS)
def test_only_what_is_made_here_is_a_key(kind: str) -> None:
    with pytest.raises(BadInput):
        check_credentials(replace(GOOD, leaf_key=KEYS[kind]), NOW)


def test_a_member_is_no_authority_of_others() -> None:
    """A leaf that may sign could let in whom it likes."""
    own = AUTHORITY.admit(LeafCertificate(AUTHORITY.certificate, AUTHORITY.key))
    with pytest.raises(BadInput, match="of the wrong kind"):
        check_credentials(own, NOW)


@pytest.mark.parametrize("part", PARTS)
def test_what_is_larger_than_any_of_ours_is_not_read(part: str) -> None:
    with pytest.raises(BadInput, match="is larger than"):
        check_credentials(replace(GOOD, **{part: bytes(1 << 20)}), NOW)


def test_ours_are_far_below_the_bounds() -> None:
    assert max(len(GOOD.root_certificate), len(GOOD.leaf_certificate)) * 4 < MAX_CERTIFICATE
    assert len(GOOD.leaf_key) * 3 < MAX_KEY


def test_the_time_may_be_left_aside() -> None:
    check_credentials(GOOD, None)
    late = NOW + timedelta(days=40_000)
    with pytest.raises(Refused):
        check_credentials(GOOD, late)


@settings(max_examples=CASES, deadline=None)
@given(
    part=st.sampled_from(PARTS),
    at=st.floats(0, 1, exclude_max=True),
    cut=st.integers(0, 3),
    put=st.binary(max_size=4),
)
def test_no_mutation_raises_what_is_not_ours(part: str, at: float, cut: int, put: bytes) -> None:
    good: bytes = getattr(GOOD, part)
    start = int(at * len(good))
    mutated = good[:start] + put + good[start + cut :]
    try:
        check_credentials(replace(GOOD, **{part: mutated}), NOW)
    except (BadInput, Refused):
        return
    # What still passes is as good as ours: libtorrent is given nothing that was not judged.
    assert validity_end(GOOD.leaf_certificate) > NOW


@settings(max_examples=CASES // 4, deadline=None)
@given(part=st.sampled_from(PARTS), junk=st.binary(max_size=600))
def test_no_junk_raises_what_is_not_ours(part: str, junk: bytes) -> None:
    with pytest.raises(BadInput):
        check_credentials(replace(GOOD, **{part: junk}), NOW)


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "p384", "secp256k1", "huge", "something behind it"])
def test_a_certificate_by_itself_is_of_our_kind_or_none(kind: str) -> None:
    with pytest.raises(BadInput):
        validity_end(FOREIGN[kind])
