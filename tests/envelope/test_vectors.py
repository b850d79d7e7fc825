"""The committed known-answer vectors, read by us, and by the independent reader where they are valid."""

import pytest

from tests.envelope import independent
from tests.envelope.catalogue import catalogue
from tests.envelope.forge import VECTORS
from tests.envelope.samples import vector_key
from tests.envelope.vectors import Entry, make_index, read_index
from tuishare.envelope import CardKey, Damaged, NotForUs, open_envelope, parse_frame

ENTRIES = read_index().vectors
FAILURES = {"NotForUs": NotForUs, "Damaged": Damaged}


def _data(entry: Entry) -> bytes:
    return (VECTORS / f"{entry.name}.tse").read_bytes()


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.outcome != "opens"], ids=lambda e: e.name)
def test_a_fault_gives_its_class(entry: Entry) -> None:
    with pytest.raises((NotForUs, Damaged)) as caught:
        open_envelope(_data(entry), [vector_key(label) for label in entry.keys])
    assert type(caught.value) is FAILURES[entry.outcome], entry.why


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.outcome == "opens"], ids=lambda e: e.name)
def test_a_valid_one_opens_and_says_the_same_to_both_readers(entry: Entry) -> None:
    data, keys = _data(entry), [vector_key(label) for label in entry.keys]
    opened = open_envelope(data, keys)
    assert opened.key_index == entry.key_index
    key = keys[opened.key_index]
    manifest, ticket, signer = independent.read(data, key.private if isinstance(key, CardKey) else key.key)
    assert opened.signer == signer
    assert opened.ticket.passkey == ticket["passkey"]
    assert opened.manifest.generation == manifest["generation"]
    assert opened.manifest.torrent == manifest["torrent"]
    assert opened.manifest.note == manifest["note"]
    assert list(opened.manifest.contacts) == manifest["contacts"]
    assert parse_frame(data).to_bytes() == data


def test_there_are_enough_vectors_with_one_file_each() -> None:
    assert len([entry for entry in ENTRIES if entry.outcome != "opens"]) >= 60
    names = [entry.name for entry in ENTRIES]
    assert len(set(names)) == len(names)
    assert {path.stem for path in VECTORS.glob("*.tse")} == set(names)


def test_the_generator_writes_the_same_files_again() -> None:
    assert make_index() == read_index()
    changed = [v.name for v in catalogue() if (VECTORS / f"{v.name}.tse").read_bytes() != v.data]
    assert changed == []
