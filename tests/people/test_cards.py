"""Cards: what is pasted is the card that was made, or is refused with the reason."""

from __future__ import annotations

import base64
import hashlib
import string
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuishare.errors import BadInput
from tuishare.people import Card, Identity, parse_card

PREFIX = "tuishare-card-v1:"
ALPHABET = string.ascii_letters + string.digits + "-_"
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def write_card(name: bytes, public_key: bytes, signing: Ed25519PrivateKey, **changes: bytes) -> str:
    """Write a card from the format's description alone, with one part of it replaced."""
    signer = changes.get("signer", signing.public_key().public_bytes_raw())
    body = bytes([len(name)]) + name + public_key + signer
    body += changes.get("signature", signing.sign(b"tuishare/card/v1\0" + body))
    checksum = hashlib.sha256(b"tuishare/card/v1/checksum\0" + body).digest()[:6]
    return PREFIX + base64.urlsafe_b64encode(body + changes.get("checksum", checksum)).decode().rstrip("=")


def test_the_text_is_that_of_the_format(alice: Identity) -> None:
    text = str(alice.card("Zoë"))
    assert text == write_card("Zoë".encode(), alice.public_key, alice.signing_key)
    assert parse_card(text) == alice.card("Zoë")


def test_a_card_of_the_first_version_opens_for_ever(golden: Path) -> None:
    text = (golden / "card.txt").read_text()
    card = parse_card(text)
    assert card.name == "Golden Gérard"
    assert str(card) == text.strip()
    assert " ".join(card.fingerprint.words) == (golden / "words.txt").read_text().strip()
    assert card.fingerprint.base32 == (golden / "base32.txt").read_text().strip()


def test_white_space_from_mails_is_ignored(alice: Identity) -> None:
    card = alice.card("Alice")
    wrapped = "\r\n  ".join(str(card)[start : start + 70] for start in range(0, len(str(card)), 70))
    assert parse_card(f"\n\t{wrapped}\u00a0\n\n") == card


@given(st.data())
@SHARED
def test_white_space_anywhere_gives_the_same_card(alice: Identity, data: st.DataObject) -> None:
    card = alice.card(data.draw(st.sampled_from(["A", "Alice", "Al ice"])))  # three paddings of base64
    text = str(card)
    place = data.draw(st.integers(0, len(text)))
    space = data.draw(st.text(" \t\r\n", min_size=1, max_size=5))
    assert parse_card(text[:place] + space + text[place:]) == card


@given(st.data())
@SHARED
def test_any_other_change_of_one_character_is_refused(alice: Identity, data: st.DataObject) -> None:
    text = str(alice.card(data.draw(st.sampled_from(["A", "Al", "Ali"]))))
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.one_of(st.sampled_from(ALPHABET), st.characters()))
    changed = [
        text[:place] + character + text[place + 1 :],
        text[:place] + character + text[place:],
        text[:place] + text[place + 1 :],
    ]
    for variant in changed:
        if "".join(variant.split()) != text:
            with pytest.raises(BadInput):
                parse_card(variant)


@pytest.mark.parametrize("name", ["A", "Al", "Ali"])
def test_every_character_counts(alice: Identity, name: str) -> None:
    text = str(alice.card(name))
    for place in range(len(text)):
        other = "B" if text[place] != "B" else "C"
        for variant in (text[:place] + other + text[place + 1 :], text[:place]):
            with pytest.raises(BadInput):
                parse_card(variant)


def test_each_kind_of_damage_has_its_sentence(alice: Identity) -> None:
    text = str(alice.card("Alice"))
    middle = len(text) // 2
    mistyped = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]
    for variant, sentence in {
        "": "starts with 'tuishare-card-v1:'",
        text.removeprefix(PREFIX): "starts with 'tuishare-card-v1:'",
        text.replace("v1", "v2"): "starts with 'tuishare-card-v1:'",
        PREFIX: "is incomplete",
        text[:-1]: "is incomplete",
        text[:-2]: "is incomplete",
        text[:-3]: "is incomplete",
        text[:-40]: "is incomplete",
        mistyped: "typing mistake",
        text + "AAAA": "followed by other text",
        text + "AAAAA": "followed by other text",
        text + " Best regards": "followed by other text",
        text + ".": "contains a character",
        text + "é": "contains a character",
        text + "=": "contains a character",
        text + "A": "typing mistake at its end|followed by other text",
        "A" * 20_000: "too long",
    }.items():
        with pytest.raises(BadInput, match=sentence) as caught:
            parse_card(variant)
        assert caught.value.hint


@pytest.mark.parametrize("name", ["Al", "Ali"])
def test_stray_bits_at_the_end_are_refused(alice: Identity, name: str) -> None:
    """The last character carries bits of no byte: another one would decode to the same card."""
    text = str(alice.card(name))
    others = [text[:-1] + character for character in ALPHABET if character != text[-1]]
    padding = "=" * (-len(text.removeprefix(PREFIX)) % 4)
    twins = [other for other in others if decode(other, padding) == decode(text, padding)]
    assert twins
    for twin in twins:
        with pytest.raises(BadInput, match="at its end"):
            parse_card(twin)


def decode(text: str, padding: str) -> bytes:
    return base64.urlsafe_b64decode(text.removeprefix(PREFIX) + padding)


def test_a_card_mixed_from_two_is_refused(alice: Identity, bob: Identity) -> None:
    own = alice.card("Alice")
    mixtures = [
        write_card(b"Alice", bob.public_key, alice.signing_key, signature=own.signature),
        write_card(b"Alice", alice.public_key, alice.signing_key, signer=bob.signer, signature=own.signature),
        write_card(b"Boss", alice.public_key, alice.signing_key, signature=own.signature),
        write_card(b"Alice", alice.public_key, alice.signing_key, signature=bytes(64)),
    ]
    for mixture in mixtures:
        with pytest.raises(BadInput, match="does not match its name and keys"):
            parse_card(mixture)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (b"", "is empty"),
        (b"\x1b[2J", "invisible"),
        ("b\u202eob".encode(), "invisible"),
        (b"../..", "starts with '.'"),
        ("Zoe\u0308".encode(), "not in its normal form"),
        (b"\xff\xfe", "not UTF-8"),
        (b"n" * 65, "longer than"),
    ],
)
def test_a_signed_card_with_a_bad_name_is_refused(alice: Identity, name: bytes, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        parse_card(write_card(name, alice.public_key, alice.signing_key))


def test_a_signer_that_needs_no_private_key_is_refused(alice: Identity) -> None:
    """With the neutral element as signer anybody could "sign" for any name."""
    neutral = (1).to_bytes(32, "little")
    forged = write_card(
        b"Eve", alice.public_key, alice.signing_key, signer=neutral, signature=neutral + bytes(32)
    )
    with pytest.raises(BadInput, match="signature key is not valid"):
        parse_card(forged)


def test_a_signed_card_with_a_bad_exchange_key_is_refused(alice: Identity) -> None:
    with pytest.raises(BadInput, match="X25519"):
        parse_card(write_card(b"Eve", alice.public_key[:1184] + bytes(32), alice.signing_key))


def test_a_signer_off_the_curve_is_refused(alice: Identity) -> None:
    off_curve = (2).to_bytes(32, "little")  # y = 2 has no x
    with pytest.raises(BadInput, match="does not match"):
        parse_card(write_card(b"Eve", alice.public_key, alice.signing_key, signer=off_curve))


def test_a_card_does_not_flood_a_log(alice: Identity) -> None:
    assert repr(alice.card("Alice")) == "Card(name='Alice')"


def test_a_card_cannot_be_made_without_its_proof(alice: Identity) -> None:
    with pytest.raises(BadInput, match="does not match"):
        Card("Eve", alice.public_key, alice.signer, alice.card("Alice").signature)
