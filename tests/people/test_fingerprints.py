"""Fingerprints: two spellings of one digest, and what a person types of them."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.errors import BadInput
from tuishare.people import Fingerprint, Identity

DIGESTS = st.binary(min_size=32, max_size=32).map(Fingerprint)


def load_list() -> list[str]:
    return (importlib.resources.files("tuishare.people") / "wordlist" / "english.txt").read_text().split()


def test_the_list_is_that_of_bip39() -> None:
    """The digest is that of english.txt in github.com/bitcoin/bips, bip-0039."""
    data = (importlib.resources.files("tuishare.people") / "wordlist" / "english.txt").read_bytes()
    expected = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    assert hashlib.sha256(data).hexdigest() == expected


def test_the_lowest_and_the_highest_digest() -> None:
    assert Fingerprint(bytes(32)).words == ("abandon",) * 12
    assert Fingerprint(b"\xff" * 32).words == ("zoo",) * 12
    assert Fingerprint(bytes(32)).base32 == " ".join(["AAAA"] * 8)


@given(DIGESTS)
def test_words_and_base32_are_the_first_bits(fingerprint: Fingerprint) -> None:
    bits = "".join(f"{byte:08b}" for byte in fingerprint.digest)
    words = load_list()
    assert fingerprint.words == tuple(words[int(bits[at : at + 11], 2)] for at in range(0, 132, 11))
    compact = fingerprint.base32.replace(" ", "")
    assert len(fingerprint.base32.split()) == 8
    assert base64.b32decode(compact) == fingerprint.digest[:20]


@given(DIGESTS, st.sampled_from([" ", "\n", ", ", "-", "  - "]))
def test_either_spelling_matches_however_it_is_typed(fingerprint: Fingerprint, gap: str) -> None:
    assert fingerprint.matches(gap.join(fingerprint.words))
    assert fingerprint.matches(f"  {gap.join(fingerprint.words).upper()}\n")
    assert fingerprint.matches(gap.join(fingerprint.base32.split()))
    assert fingerprint.matches(fingerprint.base32.replace(" ", "").lower())


@given(DIGESTS, st.integers(0, 11), st.integers(1, 2047))
def test_one_other_word_does_not_match(fingerprint: Fingerprint, place: int, shift: int) -> None:
    words = load_list()
    typed = list(fingerprint.words)
    typed[place] = words[(words.index(typed[place]) + shift) % 2048]
    assert not fingerprint.matches(" ".join(typed))


@given(DIGESTS, st.integers(0, 31), st.integers(1, 31))
def test_one_other_letter_does_not_match(fingerprint: Fingerprint, place: int, shift: int) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    typed = list(fingerprint.base32.replace(" ", ""))
    typed[place] = alphabet[(alphabet.index(typed[place]) + shift) % 32]
    assert not fingerprint.matches("".join(typed))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "12 words, not 0"),
        ("abandon", "12 words, not 1"),
        (" ".join(["abandon"] * 11), "12 words, not 11"),
        (" ".join(["abandon"] * 13), "12 words, not 13"),
        (" ".join(["abandon"] * 11 + ["abandom"]), "'abandom' is not a word"),
        ("AAAA " * 7 + "AAA", "'aaaa' is not a word"),
        ("\x1b[31m", "'\ufffd.31m' is not a word"),
    ],
)
def test_what_is_no_fingerprint_is_refused(text: str, fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        Fingerprint(bytes(32)).matches(text)


def test_it_depends_on_both_keys_and_not_on_the_name(alice: Identity, bob: Identity) -> None:
    own = alice.card("Alice").fingerprint
    assert alice.card("Somebody").fingerprint == own
    assert Fingerprint.of_keys(alice.public_key, alice.signer) == own
    assert Fingerprint.of_keys(bob.public_key, alice.signer) != own
    assert Fingerprint.of_keys(alice.public_key, bob.signer) != own
