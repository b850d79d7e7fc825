"""Cards in and out of the command line."""

from __future__ import annotations

import json
import stat

import pytest

from tests.cli.homes import Person
from tuishare.cli.cards import read_card
from tuishare.errors import BadInput, NotFound
from tuishare.people import load_identity, parse_card


def test_the_card_is_all_of_stdout_and_its_fingerprint_is_on_stderr(alice: Person) -> None:
    said = alice.run("card")
    card = parse_card(said.out)
    assert (said.code, card.name) == (0, "alice")
    assert card.fingerprint.base32 in said.err
    assert " ".join(card.fingerprint.words) in " ".join(said.err.split())
    assert card.signer == load_identity(alice.places.identity_file).signer
    assert stat.S_IMODE(alice.places.identity_file.stat().st_mode) == 0o600


def test_as_json(alice: Person) -> None:
    said = alice.call("card", "--json")
    told = json.loads(said.out)
    card = parse_card(told["card"])
    assert told == {
        "name": "alice",
        "fingerprint": card.fingerprint.base32,
        "words": " ".join(card.fingerprint.words),
        "known_as": "",
        "card": str(card),
    }
    assert said.err == ""


def test_it_is_the_same_each_time(alice: Person) -> None:
    assert alice.call("card").out == alice.call("card").out


def test_a_card_is_read_from_text_and_from_a_file(alice: Person, bob: Person) -> None:
    card = bob.call("card").out
    file = alice.desk / "bob.card"
    file.write_text(f"\n{card[:500]}\n  {card[500:]}\n")
    assert read_card(f"  {card}") == read_card(str(file)) == parse_card(card)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_card_as_windows_programs_save_it(alice: Person, bob: Person, encoding: str) -> None:
    card = bob.call("card").out
    file = alice.desk / "bob.card"
    file.write_bytes(f"{card.strip()}\r\n".encode(encoding))
    assert read_card(str(file)) == parse_card(card)


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ("no such file", NotFound, "no such file"),
        ("tuishare-card-v1:abc", BadInput, "incomplete"),
        ("x" * 5000, BadInput, "A card starts with"),
        ("/dev/null", BadInput, "The card is empty"),
    ],
)
def test_what_is_no_card_is_said(given: str, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        read_card(given)
