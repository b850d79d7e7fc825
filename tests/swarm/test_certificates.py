"""Certificates: small, anonymous, and only good for their own share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from tuishare.errors import BadInput, Refused
from tuishare.swarm import ShareAuthority, check_credentials, create_authority

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_ticket_stays_small() -> None:
    leaf = create_authority(NOW).issue(NOW)
    assert len(leaf.certificate) + len(leaf.key) + 32 < 1800


def test_certificates_name_nobody_and_fit_every_torrent() -> None:
    authority = create_authority(NOW)
    leaf = x509.load_der_x509_certificate(authority.issue(NOW).certificate)
    assert list(leaf.subject) == []
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["*"]
    assert names.critical
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_label_stands_in_the_subject() -> None:
    leaf = create_authority(NOW).issue(NOW, label="7f3a")
    assert x509.load_der_x509_certificate(leaf.certificate).subject.rfc4514_string() == "CN=7f3a"


def test_a_member_cannot_outlive_the_authority() -> None:
    authority = create_authority(NOW, lifetime=5 * DAY)
    leaf = x509.load_der_x509_certificate(authority.issue(NOW, lifetime=50 * DAY).certificate)
    assert leaf.not_valid_after_utc == NOW + 5 * DAY


def test_a_clock_that_is_slow_by_hours_still_works() -> None:
    authority = create_authority(NOW)
    check_credentials(authority.admit(authority.issue(NOW)), NOW - timedelta(hours=23))


def test_good_credentials_pass() -> None:
    authority = create_authority(NOW)
    check_credentials(authority.admit(authority.issue(NOW)), NOW)


@pytest.mark.parametrize(
    ("when", "word"), [(NOW + 40 * DAY, "expired on"), (NOW - 2 * DAY, "not valid before")]
)
def test_time_is_checked(when: datetime, word: str) -> None:
    authority = create_authority(NOW)
    with pytest.raises(Refused, match=word):
        check_credentials(authority.admit(authority.issue(NOW, lifetime=30 * DAY)), when)


def test_what_does_not_belong_together_is_refused() -> None:
    one, other = create_authority(NOW), create_authority(NOW)
    good = one.admit(one.issue(NOW))
    with pytest.raises(BadInput, match="not issued by"):
        check_credentials(replace(good, root_certificate=other.certificate), NOW)
    with pytest.raises(BadInput, match="does not belong"):
        check_credentials(replace(good, leaf_key=one.issue(NOW).key), NOW)
    with pytest.raises(BadInput, match="damaged"):
        check_credentials(replace(good, leaf_key=b"no key"), NOW)
    with pytest.raises(BadInput, match="damaged"):
        check_credentials(replace(good, leaf_certificate=b"no certificate"), NOW)


def test_keys_are_not_shown() -> None:
    authority = create_authority(NOW)
    credentials = authority.admit(authority.issue(NOW))
    for value in (authority, authority.issue(NOW), credentials):
        assert "key=" not in repr(value)


def test_an_authority_survives_being_stored() -> None:
    authority = create_authority(NOW)
    again = ShareAuthority(bytes(authority.certificate), bytes(authority.key))
    check_credentials(again.admit(again.issue(NOW)), NOW)
