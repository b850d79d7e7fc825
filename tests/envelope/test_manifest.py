"""The manifest: limits, unknown fields, one encoding, bounded memory."""

import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.envelope.forge import MANIFEST as FIELDS
from tests.envelope.forge import pack
from tests.envelope.samples import MANIFEST, with_changes
from tuishare.envelope import Announce, Manifest, Omission, ShareId
from tuishare.envelope.manifest import MAX_SURROUNDINGS, decode_manifest, encode_manifest

SECONDS = st.integers(0, 253_402_300_799)
MANIFESTS = st.builds(
    Manifest,
    share_id=st.binary(min_size=16, max_size=16).map(ShareId),
    generation=st.integers(1, 2**63 - 1),
    created=SECONDS,
    not_after=st.none() | SECONDS,
    kind=st.sampled_from(["share", "renew"]),
    transport=st.just("tls"),
    torrent=st.binary(max_size=5000),
    root_certificate=st.binary(min_size=1, max_size=600),
    contacts=st.lists(st.text(min_size=1, max_size=300), max_size=64).map(tuple),
    announce=st.lists(
        st.builds(
            Announce, st.text(min_size=1, max_size=200), st.none() | st.binary(min_size=32, max_size=32)
        ),
        max_size=16,
    ).map(tuple),
    note=st.text(max_size=500),
    succession=st.binary(max_size=3000),
    record=st.binary(max_size=2048),
    left_out=st.lists(
        st.builds(
            Omission,
            st.text(min_size=1, max_size=8),
            st.integers(1, 2**63 - 1),
            st.lists(st.text(min_size=1, max_size=8), max_size=3).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
)


@given(MANIFESTS)
def test_every_manifest_comes_back(manifest: Manifest) -> None:
    assert decode_manifest(encode_manifest(manifest)) == manifest


def test_a_plain_manifest_comes_back() -> None:
    plain = with_changes(MANIFEST, transport="plain", root_certificate=None)
    assert decode_manifest(encode_manifest(plain)) == plain


@pytest.mark.parametrize(
    "changes",
    [
        {"share_id": bytes(15)},
        {"generation": 0},
        {"generation": 2**63},
        {"created": -1},
        {"created": 253_402_300_800},
        {"not_after": -1},
        {"kind": "gift"},
        {"transport": "quic"},
        {"transport": "plain"},
        {"root_certificate": None},
        {"contacts": ("h:1",) * 65},
        {"contacts": ("",)},
        {"announce": (Announce("u", None),) * 17},
        {"announce": (Announce("u", bytes(31)),)},
        {"announce": (Announce("", None),)},
        {"note": "n" * 501},
        {"note": "\ud800"},
        {"torrent": "text"},
        {"succession": bytes(65_537)},
        {"record": bytes(2_049)},
        {"left_out": (Omission("r", 1, ()),) * 17},
        {"left_out": (Omission("", 1, ()),)},
        {"left_out": (Omission("r" * 41, 1, ()),)},
        {"left_out": (Omission("r", 0, ()),)},
        {"left_out": (Omission("r", 1, ("n",) * 17),)},
        {"left_out": (Omission("r", 1, ("n" * 301,)),)},
    ],
    ids=str,
)
def test_what_the_reader_would_refuse_is_not_encoded(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        encode_manifest(with_changes(MANIFEST, **changes))


def test_fields_of_a_later_version_are_ignored() -> None:
    later = pack(FIELDS | {"a": 1, "zz": {"b": [b"c"]}})
    assert decode_manifest(later) == decode_manifest(pack(FIELDS))


def test_without_a_succession_there_is_no_trace_of_it() -> None:
    assert encode_manifest(decode_manifest(pack(FIELDS))) == pack(FIELDS)
    assert encode_manifest(with_changes(MANIFEST, succession=b"word")) != encode_manifest(MANIFEST)


def test_an_address_record_is_one_more_field() -> None:
    golden = pack(FIELDS | {"record": b"where I am"})
    manifest = decode_manifest(golden)
    assert (manifest.record, encode_manifest(manifest)) == (b"where I am", golden)
    assert encode_manifest(with_changes(manifest, record=b"")) == pack(FIELDS)


def test_what_is_left_out_is_one_more_field() -> None:
    omission = {"count": 2, "names": ["a", "b"], "reason": "symbolic link"}
    manifest = decode_manifest(golden := pack(FIELDS | {"left_out": [omission]}))
    assert manifest.left_out == (Omission("symbolic link", 2, ("a", "b")),)
    assert encode_manifest(manifest) == golden
    later = decode_manifest(pack(FIELDS | {"left_out": [omission | {"since": 1}]}))
    assert later == manifest


@pytest.mark.parametrize("field", ["succession", "record", "left_out"])
@pytest.mark.parametrize("empty", [b"", None, []])
def test_an_optional_field_is_there_or_it_is_missing(field: str, empty: object) -> None:
    with pytest.raises(ValueError, match=field):
        decode_manifest(pack(FIELDS | {field: empty}))


def test_what_stands_beside_the_torrent_is_limited_and_the_torrent_is_not() -> None:
    room = MAX_SURROUNDINGS - (len(pack(FIELDS | {"z": bytes(70_000)})) - 70_000 - len(_torrent()))
    decode_manifest(pack(FIELDS | {"z": bytes(room)}))
    with pytest.raises(ValueError, match="262144"):
        decode_manifest(pack(FIELDS | {"z": bytes(room + 1)}))
    decode_manifest(pack(FIELDS | {"torrent": bytes(2 * MAX_SURROUNDINGS)}))


def test_millions_of_unknown_values_are_refused_before_they_are_made() -> None:
    bomb = pack(FIELDS | {"z": msgspec.Raw(b"\xdd\x00\x80\x00\x00" + b"\x80" * (1 << 23))})
    tracemalloc.start()
    with pytest.raises(ValueError, match="beside the torrent"):
        decode_manifest(bomb)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_millions_of_contacts_are_refused_before_they_are_made() -> None:
    bomb = pack(FIELDS | {"contacts": msgspec.Raw(b"\xdd\x00\x80\x00\x00" + b"\xa1h" * (1 << 23))})
    tracemalloc.start()
    with pytest.raises(ValueError, match="length <= 64"):
        decode_manifest(bomb)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_manifest_does_not_show_its_content() -> None:
    shown = repr(MANIFEST)
    assert "generation=1" in shown
    assert "192.0.2.1" not in shown
    assert "d4:info" not in shown


def _torrent() -> bytes:
    torrent = FIELDS["torrent"]
    assert isinstance(torrent, bytes)
    return torrent
