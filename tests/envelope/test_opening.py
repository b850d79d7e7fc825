"""Opening: every key, every slot, two failures; nothing that was touched opens."""

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.envelope.forge import Forgery, Slot
from tests.envelope.samples import (
    MANIFEST,
    SUITE,
    new_card,
    new_key,
    new_person,
    new_sender,
    times_as_much,
    vector_key,
)
from tuishare.envelope import (
    Damaged,
    NotForUs,
    OpeningKey,
    open_envelope,
    parse_frame,
    seal,
)
from tuishare.envelope.slots import try_slot

RECIPIENT, KEY = new_key()
CARD, CARD_KEY = new_card()
FOR_KEY = Forgery(slots=(Slot("carol", "key"),)).to_bytes()
FOR_CARD = Forgery().to_bytes()
FOR_TWO = Forgery(slots=(Slot("alice"), Slot())).to_bytes()
CAROL, BOB = vector_key("key:carol"), vector_key("card:bob")


def _refused(data: bytes, key: OpeningKey) -> bool:
    try:
        open_envelope(data, [key])
    except (NotForUs, Damaged):
        return True
    return False


@pytest.mark.parametrize(
    ("data", "key"), [(FOR_KEY, CAROL), (FOR_CARD, BOB), (FOR_TWO, BOB)], ids=["key", "card", "two"]
)
@pytest.mark.parametrize("bits", [0x01, 0x80])
def test_every_changed_byte_is_refused(data: bytes, key: OpeningKey, bits: int) -> None:
    assert not _refused(data, key)
    changed = bytearray(data)
    opened = []
    for at in range(len(data)):
        changed[at] ^= bits
        if not _refused(bytes(changed), key):
            opened.append(at)
        changed[at] ^= bits
    assert opened == []


@pytest.mark.parametrize(("data", "key"), [(FOR_KEY, CAROL), (FOR_TWO, BOB)], ids=["key", "two"])
def test_every_cut_is_damaged(data: bytes, key: OpeningKey) -> None:
    for size in range(len(data)):
        with pytest.raises(Damaged):
            open_envelope(data[:size], [key])


@pytest.mark.parametrize("more", [1, 2, 15, 16, 3072, 65536])
def test_every_longer_file_is_damaged(more: int) -> None:
    for tail in (bytes(more), secrets.token_bytes(more)):
        for longer in (FOR_KEY + tail, tail + FOR_KEY):
            with pytest.raises(Damaged):
                open_envelope(longer, [CAROL])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(FOR_KEY) - 1), st.integers(0, 40), st.binary(max_size=40))
def test_no_splice_opens(at: int, dropped: int, put: bytes) -> None:
    spliced = FOR_KEY[:at] + put + FOR_KEY[at + dropped :]
    assert spliced == FOR_KEY or _refused(spliced, CAROL)


def test_exchanged_slots_are_damaged() -> None:
    frame = parse_frame(FOR_TWO)
    first, second = frame.slots
    data = FOR_TWO.replace(first + second, second + first)
    assert len(data) == len(FOR_TWO)
    with pytest.raises(Damaged):
        open_envelope(data, [BOB])


def test_without_a_key_or_with_others_it_is_not_for_us() -> None:
    for keys in ([], [new_key()[1]], [new_card()[1], new_key()[1]]):
        with pytest.raises(NotForUs):
            open_envelope(FOR_TWO, keys)


def test_the_first_key_that_opens_counts() -> None:
    data = seal(MANIFEST, [RECIPIENT, CARD], new_sender())
    strange = new_key()[1]
    for keys, index, ticket in (
        ([strange, KEY, CARD_KEY], 1, RECIPIENT.ticket),
        ([strange, CARD_KEY, KEY], 1, CARD.ticket),
        ([KEY, KEY], 0, RECIPIENT.ticket),
    ):
        opened = open_envelope(data, keys)
        assert (opened.key_index, opened.ticket) == (index, ticket)


def test_every_key_is_tried_on_every_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """No early exit, neither after the first slot that opens nor after the first key."""
    tried = []

    def count(key: OpeningKey, slot: bytes, header: bytes) -> bytes | None:
        tried.append((id(key), slot))
        return try_slot(key, slot, header)

    monkeypatch.setattr("tuishare.envelope.opening.try_slot", count)
    data = seal(MANIFEST, [RECIPIENT, CARD, new_key()[0]], new_sender())
    keys = [KEY, CARD_KEY, new_key()[1]]
    open_envelope(data, keys)
    assert set(tried) == {(id(key), slot) for key in keys for slot in parse_frame(data).slots}
    assert len(tried) == 12


def test_failures_say_the_same_whatever_is_wrong() -> None:
    broken_slot = Forgery(slots=(Slot(ticket=b""),)).to_bytes()
    broken_body = Forgery(manifest=b"").to_bytes()
    said = set()
    for data in (b"", FOR_CARD[:-1], broken_slot, broken_body):
        with pytest.raises(Damaged) as caught:
            open_envelope(data, [BOB])
        said.add((caught.value.detail, caught.value.hint))
    assert len(said) == 1


def test_the_envelope_id_is_told() -> None:
    opened = open_envelope(FOR_CARD, [BOB])
    assert opened.envelope_id == FOR_CARD[6:38]


@pytest.mark.parametrize(("kinds", "cards"), [("card key key", 1), ("card card card", 3)])
def test_64_slots_and_3_keys_cost_little_more_than_the_bare_decryptions(kinds: str, cards: int) -> None:
    data = seal(
        MANIFEST, [new_card()[0] if n % 2 else new_key()[0] for n in range(62)] + [CARD], new_sender()
    )
    others = [new_key()[1] if kind == "key" else new_card()[1] for kind in kinds.split()[1:]]
    assert len(parse_frame(data).slots) == 64
    private = new_person().private
    ciphertext = SUITE.encrypt(bytes(1936), private.public_key())
    assert (
        times_as_much(
            lambda: open_envelope(data, [*others, CARD_KEY]),
            lambda: [SUITE.decrypt(ciphertext, private) for _ in range(64 * cards)],
        )
        < 2
    )
