"""Successions: a chain of signed words, read strictly."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tuishare.errors import BadInput
from tuishare.people import Identity, KeyRotation, decode_succession, parse_succession
from tuishare.people.key_rotation import MAX_LINKS, SUCCESSION_PREFIX, RotationLink, sign_rotation

ALICE, BOB = "alice", "bob"


@pytest.fixture(scope="module")
def word(alice: Identity, bob: Identity) -> KeyRotation:
    """The identity of alice gives its word for that of bob."""
    return sign_rotation(alice.signing_key, bob.card(BOB), None)


def test_it_comes_back_from_bytes_and_from_text(word: KeyRotation, alice: Identity, bob: Identity) -> None:
    text = str(word)
    assert decode_succession(bytes(word)) == word
    assert parse_succession(f" {text[:400]}\n\t{text[400:]} ") == word
    assert (word.formers, word.card) == ((alice.signer,), bob.card(BOB))


def test_links_follow_each_other(word: KeyRotation, alice: Identity, bob: Identity) -> None:
    longer = sign_rotation(bob.signing_key, alice.card(ALICE), word)
    assert longer.formers == (alice.signer, bob.signer)
    assert decode_succession(bytes(longer)) == longer
    with pytest.raises(BadInput, match="do not follow each other"):
        KeyRotation((longer.links[1], longer.links[1]))


def test_it_holds_the_latest_links_only(alice: Identity, bob: Identity) -> None:
    chain: KeyRotation | None = None
    for turn in range(MAX_LINKS + 2):
        old, new = (alice, bob) if turn % 2 == 0 else (bob, alice)
        chain = sign_rotation(old.signing_key, new.card("x" * 63), chain)
    assert chain is not None
    assert len(chain.links) == MAX_LINKS
    assert parse_succession(str(chain)) == chain
    with pytest.raises(BadInput, match="1 to 6 links"):
        decode_succession(bytes(chain) + bytes(chain.links[0]))


def test_nobody_but_the_former_key_can_give_the_word(alice: Identity, bob: Identity) -> None:
    forger = Ed25519PrivateKey.generate()
    forged = sign_rotation(forger, bob.card(BOB), None).links[0].signature
    with pytest.raises(BadInput, match="did not sign"):
        RotationLink(alice.signer, bob.card(BOB), forged)


def test_it_is_for_one_card_alone(word: KeyRotation, alice: Identity, bob: Identity) -> None:
    with pytest.raises(BadInput, match="did not sign"):
        RotationLink(alice.signer, bob.card("robert"), word.links[0].signature)


@pytest.mark.parametrize("place", [0, 31, 32, 33, 40, 1300, -65, -1])
def test_every_part_is_signed(word: KeyRotation, place: int) -> None:
    data = bytearray(bytes(word))
    data[place] ^= 1
    with pytest.raises(BadInput):
        decode_succession(bytes(data))


@pytest.mark.parametrize("length", [0, 1, 32, 33, 1000, -64, -1])
def test_a_part_of_it_is_none(word: KeyRotation, length: int) -> None:
    with pytest.raises(BadInput):
        decode_succession(bytes(word)[:length])


def test_what_was_copied_wrongly_is_said(word: KeyRotation, bob: Identity) -> None:
    text = str(word)
    for wrong in (text[:-1], text + "A", text[:100] + "x" + text[100:], SUCCESSION_PREFIX, f"{text}é"):
        with pytest.raises(BadInput, match="incomplete or has a typing mistake"):
            parse_succession(wrong)
    with pytest.raises(BadInput, match="starts with"):
        parse_succession(str(bob.card(BOB)))
    with pytest.raises(BadInput, match="too long"):
        parse_succession(text + " " * 32_768)
