"""Tickets and the inside of a slot."""

import pytest

from tests.envelope.catalogue_slots import ticket_of
from tests.envelope.samples import new_ticket
from tuishare.envelope import MAX_TICKET, Ticket
from tuishare.envelope.slots import CARD_PLAINTEXT_SIZE, KEY_PLAINTEXT_SIZE
from tuishare.envelope.ticket import encode_ticket, read_slot_plaintext, slot_plaintext

CONTENT_KEY = b"k" * 32


@pytest.mark.parametrize("size", [CARD_PLAINTEXT_SIZE, KEY_PLAINTEXT_SIZE])
@pytest.mark.parametrize("ticket", [new_ticket(), Ticket(bytes(32), None, None)], ids=["tls", "plain"])
def test_a_ticket_comes_back_from_either_kind_of_slot(ticket: Ticket, size: int) -> None:
    plaintext = slot_plaintext(CONTENT_KEY, encode_ticket(ticket), size)
    assert len(plaintext) == size
    assert read_slot_plaintext(plaintext) == (CONTENT_KEY, ticket)


def test_the_longest_ticket_fills_a_key_slot() -> None:
    assert 32 + 2 + MAX_TICKET == KEY_PLAINTEXT_SIZE
    longest = ticket_of(MAX_TICKET)
    assert read_slot_plaintext(slot_plaintext(CONTENT_KEY, longest, KEY_PLAINTEXT_SIZE))[0] == CONTENT_KEY


def test_a_longer_ticket_is_refused_in_a_card_slot_too() -> None:
    with pytest.raises(ValueError, match="1890"):
        read_slot_plaintext(slot_plaintext(CONTENT_KEY, ticket_of(MAX_TICKET + 1), CARD_PLAINTEXT_SIZE))


@pytest.mark.parametrize(
    "ticket",
    [
        Ticket(bytes(31), None, None),
        Ticket(bytes(33), None, None),
        Ticket(bytes(32), b"certificate", None),
        Ticket(bytes(32), None, b"key"),
        Ticket(bytes(32), b"", b""),
        Ticket(bytes(32), bytes(MAX_TICKET), b"key"),
    ],
)
def test_what_the_reader_would_refuse_is_not_encoded(ticket: Ticket) -> None:
    with pytest.raises(ValueError, match=r".+"):
        encode_ticket(ticket)


def test_a_ticket_does_not_show_itself() -> None:
    ticket = Ticket(b"passkey!" * 4, b"certificate", b"private")
    assert "passkey" not in repr(ticket)
    assert "private" not in f"{ticket}"
