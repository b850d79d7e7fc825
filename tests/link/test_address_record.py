"""Address records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.link.samples import ADDRESSES, ALICE, BOB, CASES, NOW
from tuishare.envelope import canonical
from tuishare.errors import BadInput, VerificationFailed
from tuishare.link.address_record import RECORD_LIMIT, read_record, sign_record
from tuishare.net.endpoints import Endpoint

GOLDEN = Path(__file__).parent / "golden" / "address-record.hex"
DOMAIN = b"tuishare/address-record/v1\0"


def forge(change: Callable[[dict[str, Any]], object], domain: bytes = DOMAIN) -> bytes:
    """Change a record and sign it as its signer would."""
    fields = msgspec.msgpack.decode(msgspec.msgpack.decode(ALICE.record(7))["statement"])
    change(fields)
    statement = canonical.encode(fields)
    return canonical.encode({"signature": ALICE.signing_key.sign(domain + statement), "statement": statement})


def test_the_first_format_stays_the_same() -> None:
    assert ALICE.record(7).hex() == GOLDEN.read_text().strip()


def test_a_record_says_what_was_signed() -> None:
    record = read_record(ALICE.record(7))
    assert (record.signer, record.link_key) == (ALICE.signer, ALICE.link_key.public_key)
    assert (record.sequence, record.issued, record.endpoints, record.hub) == (7, NOW, ADDRESSES, None)


HOSTS = st.ip_addresses().map(str) | st.builds(
    lambda label, count: ".".join([label] * count) + ".example",
    st.sampled_from(["a", "some-host", "x" * 60]),
    st.integers(1, 4),
)
ENDPOINTS = st.builds(Endpoint, HOSTS, st.integers(1, 65_535))


@settings(max_examples=50, deadline=None)
@given(st.lists(ENDPOINTS, max_size=24), st.integers(1, 2**63 - 1), st.integers(0, 253_402_300_799))
def test_the_best_addresses_that_fit_come_back(addresses: list[Endpoint], sequence: int, issued: int) -> None:
    data = sign_record(
        ALICE.signing_key, link_key=b"\x09" * 32, sequence=sequence, issued=issued, addresses=addresses
    )
    record = read_record(data)
    kept = len(record.addresses)
    assert (record.sequence, record.issued, *record.endpoints) == (sequence, issued, *addresses[:kept])
    dropped = len(addresses) - kept
    assert len(data) <= RECORD_LIMIT
    assert not dropped or kept == 16 or len(data) + len(str(addresses[kept])) + 3 > RECORD_LIMIT - 4


@pytest.mark.parametrize(("sequence", "issued"), [(0, 0), (2**63, 0), (1, -1), (1, 253_402_300_800)])
def test_what_no_reader_takes_is_not_signed(sequence: int, issued: int) -> None:
    with pytest.raises(BadInput):
        sign_record(ALICE.signing_key, link_key=b"\x09" * 32, sequence=sequence, issued=issued, addresses=())


def test_only_a_newer_record_of_the_same_signer_replaces_one() -> None:
    older, newer, other = (read_record(data) for data in (ALICE.record(1), ALICE.record(2), BOB.record(3)))
    assert newer.supersedes(older)
    assert newer.supersedes(None)
    for candidate in (older, other):
        assert not candidate.supersedes(newer)
    assert not older.supersedes(older)


def test_a_hub_and_fields_of_a_later_version_are_read() -> None:
    hub = {"address": "hub.example:22", "host_key": b"h" * 32, "mailbox": b"m" * 16, "write_key": b"w" * 32}
    record = read_record(forge(lambda fields: fields.update(hub=hub | {"later": 1}, later=[1])))
    assert record.hub is not None
    assert record.hub.address == "hub.example:22"
    assert "w" * 32 not in repr(record)


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.update(signer=BOB.signer),
        lambda fields: fields.update(signer=bytes(32)),
        lambda fields: fields.update(link_key=bytes(32)),
        lambda fields: fields.update(link_key=b"\x09" * 31),
        lambda fields: fields.update(sequence=0),
        lambda fields: fields.update(sequence="1"),
        lambda fields: fields.update(issued=-1),
        lambda fields: fields.update(addresses=["192.0.2.7:1"] * 17),
        lambda fields: fields.update(addresses=["192.0.2.7:0"]),
        lambda fields: fields.update(addresses=["192.0.2.7:01"]),
        lambda fields: fields.update(addresses=["192.0.2.7"]),
        lambda fields: fields.update(addresses=["[2001:DB8::7]:1"]),
        lambda fields: fields.update(addresses=["a\n:1"]),
        lambda fields: fields.update(hub={"address": "x:1"}),
        lambda fields: fields.pop("hub"),
        lambda fields: fields.pop("sequence"),
        lambda fields: fields.update(later=b"x" * RECORD_LIMIT),
        lambda fields: fields.update(later=1.0),
    ],
)
def test_a_broken_rule_is_refused_although_it_is_signed(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(VerificationFailed):
        read_record(forge(change))


def test_a_signature_under_another_domain_is_refused() -> None:
    assert read_record(forge(lambda _: None)) == read_record(ALICE.record(7))
    for domain in (b"", DOMAIN[:-1], b"tuishare/receipt/v1\0", DOMAIN.replace(b"1", b"2")):
        with pytest.raises(VerificationFailed):
            read_record(forge(lambda _: None, domain))


def test_every_changed_byte_every_cut_and_every_extension_is_refused() -> None:
    data = ALICE.record()
    broken = [data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :] for at in range(len(data))]
    for other in (*broken, *(data[:end] for end in range(len(data))), data + b"\0", b"\0" + data):
        with pytest.raises(VerificationFailed):
            read_record(other)


@settings(max_examples=CASES, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationFailed):
        read_record(data)
