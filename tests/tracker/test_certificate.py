"""The tracker's key: made once, private, pinned."""

from __future__ import annotations

import hashlib
import ssl
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from tuishare.errors import BadConfiguration, SystemFailed
from tuishare.tracker import load_certificate
from tuishare.tracker.certificate import pin_of


def test_it_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "tracker.pem"
    first = load_certificate(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_certificate(path).pin == first.pin
    assert load_certificate(tmp_path / "other.pem").pin != first.pin
    assert first.context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_the_pin_is_the_one_that_openssl_computes(tmp_path: Path) -> None:
    """As in RFC 7469, appendix A."""
    path = tmp_path / "tracker.pem"
    loaded = load_certificate(path)
    public = subprocess.run(
        ["openssl", "x509", "-in", path, "-pubkey", "-noout"], check=True, capture_output=True
    ).stdout
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "der"], check=True, capture_output=True, input=public
    ).stdout
    assert loaded.pin == hashlib.sha256(der).digest()
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    assert pin_of(
        ssl.PEM_cert_to_DER_cert(path.read_text()[path.read_text().index("-----BEGIN CERT") :])
    ) == (loaded.pin)
    assert certificate.not_valid_after_utc.year == 9999


def test_it_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / "tracker.pem"
    load_certificate(path)
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    assert certificate.subject.rfc4514_string() == "CN=tracker"


@pytest.mark.parametrize("damage", ["", "nothing", "half"])
def test_a_damaged_one_is_told_and_kept(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "tracker.pem"
    load_certificate(path)
    text = path.read_text()
    path.write_text(text[: len(text) // 2] if damage == "half" else damage)
    before = path.read_bytes()
    with pytest.raises(BadConfiguration, match="damaged"):
        load_certificate(path)
    assert path.read_bytes() == before


def test_one_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tracker.pem"
    load_certificate(path)
    path.chmod(0o644)
    with pytest.raises(BadConfiguration, match="accessible to other users"):
        load_certificate(path)


def test_a_folder_that_is_away_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemFailed):
        load_certificate(tmp_path / "file" / "tracker.pem")
