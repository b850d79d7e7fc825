"""Sealing: who gets a slot, what is refused, what it costs."""

import secrets
from collections.abc import Callable
from random import Random

import pytest
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.envelope import independent
from tests.envelope.samples import (
    MANIFEST,
    SUITE,
    Person,
    new_card,
    new_key,
    new_person,
    new_sender,
    new_ticket,
    times_as_much,
    with_changes,
)
from tuishare.envelope import (
    MAX_SIZE,
    MAX_SLOTS,
    CardKey,
    CardRecipient,
    KeyRecipient,
    Manifest,
    OpeningKey,
    Recipient,
    Sender,
    Ticket,
    UserKey,
    open_envelope,
    parse_frame,
    seal,
)
from tuishare.errors import BadInput

Maker = Callable[[], tuple[Recipient, OpeningKey]]
MEMBERS = [new_card() if number % 2 else new_key() for number in range(64)]


def _sender() -> tuple[Person, Sender]:
    person = new_person()
    return person, Sender(person.signing, person.public, new_ticket())


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 64), st.randoms(use_true_random=False), st.binary(max_size=3000))
def test_each_of_up_to_64_mixed_recipients_opens_it(count: int, order: Random, torrent: bytes) -> None:
    members = order.sample(MEMBERS, count)
    person, sender = _sender()
    manifest = with_changes(MANIFEST, torrent=torrent)
    data = seal(manifest, [recipient for recipient, _ in members], sender)
    assert parse_frame(data).to_bytes() == data
    for recipient, key in (*members[:3], members[-1], (sender, CardKey(person.private))):
        opened = open_envelope(data, [key])
        assert (opened.manifest, opened.ticket, opened.signer) == (manifest, recipient.ticket, person.signer)


@pytest.mark.parametrize("make", [new_card, new_key], ids=["card", "key"])
def test_the_independent_reader_reads_what_we_seal(make: Maker) -> None:
    person, sender = _sender()
    recipient, key = make()
    data = seal(MANIFEST, [new_card()[0], recipient, new_key()[0]], sender)
    manifest, ticket, signer = independent.read(data, _plain(key))
    assert signer == person.signer
    assert ticket["leaf_key"] == recipient.ticket.leaf_key
    assert manifest["torrent"] == MANIFEST.torrent
    assert manifest["announce"] == [{"url": MANIFEST.announce[0].url, "pin": bytes(32)}]
    assert manifest["share_id"] == MANIFEST.share_id


def _plain(key: OpeningKey) -> MLKEM768X25519PrivateKey | bytes:
    return key.private if isinstance(key, CardKey) else key.key


@pytest.mark.parametrize(
    ("recipients", "slots"), [(0, 1), (1, 2), (2, 4), (3, 4), (4, 8), (63, 64), (64, 128), (100, 128)]
)
def test_slots_are_the_next_power_of_two(recipients: int, slots: int) -> None:
    members: list[Recipient] = [
        KeyRecipient(secrets.token_bytes(32), new_ticket()) for _ in range(recipients)
    ]
    assert len(parse_frame(seal(MANIFEST, members, new_sender())).slots) == slots


def test_the_order_of_slots_tells_nothing() -> None:
    sender = new_sender()
    recipient, key = new_key()
    assert isinstance(key, UserKey)
    places = set()
    for _ in range(40):
        frame = parse_frame(seal(MANIFEST, [recipient], sender))
        opens = [independent.read_slot(slot, key.key, frame.header) is not None for slot in frame.slots]
        places.add(opens.index(True))
    assert places == {0, 1}  # never both by chance once in 2**39


def test_nothing_of_two_envelopes_is_the_same() -> None:
    sender = new_sender()
    recipient, _ = new_key()
    first, second = (parse_frame(seal(MANIFEST, [recipient], sender)) for _ in range(2))
    assert first.envelope_id != second.envelope_id
    assert first.commitment != second.commitment
    assert first.body_iv != second.body_iv
    assert not set(first.slots) & set(second.slots)


def test_nobody_is_named_in_clear() -> None:
    person, sender = _sender()
    recipient, _ = new_card()
    data = seal(MANIFEST, [recipient], sender)
    assert isinstance(recipient, CardRecipient)
    for secret in (person.signer, person.public[:32], recipient.public_key[-32:], b"192.0.2.1", b"d4:info"):
        assert secret not in data


def test_1023_recipients_fit_and_one_more_does_not() -> None:
    members: list[Recipient] = [KeyRecipient(secrets.token_bytes(32), new_ticket()) for _ in range(MAX_SLOTS)]
    data = seal(MANIFEST, members[:-1], new_sender())
    assert len(parse_frame(data).slots) == MAX_SLOTS
    with pytest.raises(BadInput, match="1,023"):
        seal(MANIFEST, members, new_sender())


def test_nobody_is_listed_twice() -> None:
    sender, (card, _), (key, _) = new_sender(), new_card(), new_key()
    for members in ([card, card], [key, card, key], [CardRecipient(sender.public_key, new_ticket())]):
        with pytest.raises(BadInput, match="twice"):
            seal(MANIFEST, members, sender)


def test_the_whole_is_at_most_32_mib() -> None:
    fits = with_changes(MANIFEST, torrent=bytes(31 << 20))
    assert len(seal(fits, [], new_sender())) <= MAX_SIZE
    with pytest.raises(BadInput, match="32 MiB"):
        seal(with_changes(MANIFEST, torrent=bytes(32 << 20)), [], new_sender())


@pytest.mark.parametrize(
    "ticket",
    [Ticket(bytes(31), None, None), Ticket(bytes(32), b"c", None), Ticket(bytes(32), bytes(1850), b"k")],
    ids=["short passkey", "no key", "too long"],
)
def test_a_ticket_that_breaks_a_rule_is_bad_input(ticket: Ticket) -> None:
    with pytest.raises(BadInput, match="ticket"):
        seal(MANIFEST, [KeyRecipient(secrets.token_bytes(32), ticket)], new_sender())


@pytest.mark.parametrize(
    "manifest",
    [
        with_changes(MANIFEST, generation=0),
        with_changes(MANIFEST, kind="gift"),
        with_changes(MANIFEST, note="\ud800"),
    ],
    ids=["generation", "kind", "note"],
)
def test_a_manifest_that_breaks_a_rule_is_bad_input(manifest: Manifest) -> None:
    with pytest.raises(BadInput, match="manifest"):
        seal(manifest, [], new_sender())


def test_sealing_for_100_recipients_costs_little_more_than_the_bare_encryptions() -> None:
    members = [new_card()[0] for _ in range(50)] + [new_key()[0] for _ in range(50)]
    sender, public = new_sender(), new_person().private.public_key()
    assert (
        times_as_much(
            lambda: seal(MANIFEST, members, sender),
            lambda: [SUITE.encrypt(bytes(1936), public) for _ in range(128)],
        )
        < 4
    )
