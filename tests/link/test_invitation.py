"""Invitations: the string, and the two messages that follow it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.link.samples import ADDRESSES, ALICE, BOB, CASES, MALLORY, NOW
from tuishare.envelope import canonical
from tuishare.errors import BadInput, VerificationFailed
from tuishare.link.invitation import (
    INVITATION_PREFIX,
    Party,
    join_transcript,
    make_invitation,
    parse_invitation,
    transcript_words,
)
from tuishare.link.invitation_exchange import check_redeem, check_welcome, make_redeem, make_welcome
from tuishare.link.messages import Redeem, Welcome
from tuishare.net.endpoints import Endpoint
from tuishare.people.cards import encode_card

GOLDEN = (Path(__file__).parent / "golden" / "invitation.txt").read_text().strip()
INVITATION = ALICE.invitation()
REDEEM = make_redeem(INVITATION, BOB.party)
WELCOME = make_welcome(INVITATION, REDEEM, ALICE.party)
BOBS_KEY = BOB.link_key.public_key


def test_the_first_format_stays_the_same() -> None:
    assert str(INVITATION) == GOLDEN
    assert parse_invitation(GOLDEN) == INVITATION


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.builds(
            Endpoint, st.ip_addresses().map(str) | st.just("a" * 60 + ".example"), st.integers(1, 65_535)
        ),
        max_size=20,
    ),
    st.binary(min_size=16, max_size=16),
    st.integers(0, 253_402_300_799),
    st.integers(1, 1000),
)
def test_the_best_addresses_that_fit_come_back(
    addresses: list[Endpoint], token: bytes, end: int, uses: int
) -> None:
    made = make_invitation(
        signer=ALICE.signer, link_key=BOBS_KEY, addresses=addresses, token=token, end=end, uses=uses
    )
    text = str(made)
    assert len(text) < 400
    read = parse_invitation(f"  {text[:50]}\n {text[50:]} \n")
    assert read == made
    assert (read.token, read.end, read.uses) == (token, end, uses)
    kept = len(read.endpoints)
    assert read.endpoints == tuple(addresses[:kept])
    assert kept == len(addresses) or kept == 16 or len(text) + (len(str(addresses[kept])) + 1) * 4 / 3 > 396


@pytest.mark.parametrize("at", range(len(GOLDEN)))
def test_every_changed_character_is_refused(at: int) -> None:
    other = "B" if GOLDEN[at] != "B" else "C"
    with pytest.raises(BadInput):
        parse_invitation(GOLDEN[:at] + other + GOLDEN[at + 1 :])


def test_every_cut_and_every_extension_is_refused() -> None:
    for text in (*(GOLDEN[:end] for end in range(len(GOLDEN))), GOLDEN + "A", GOLDEN + "AAAA", GOLDEN * 2):
        with pytest.raises(BadInput):
            parse_invitation(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hello", "starts with"),
        ("tuishare-invite-v2:abc", "another version"),
        (GOLDEN[:-1], "typing mistake"),
        (GOLDEN[:60] + "é" + GOLDEN[61:], "typing mistake"),
        (GOLDEN + " " * 5000, "too long"),
        (GOLDEN + "A" * 400, "too long"),
    ],
)
def test_what_is_wrong_is_said(text: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence) as caught:
        parse_invitation(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    "change",
    [
        {"signer": bytes(32)},
        {"link_key": bytes(32)},
        {"token": b"t" * 15},
        {"uses": 0},
        {"uses": 1001},
        {"addresses": ["x"]},
        {"addresses": ["192.0.2.7:00080"]},
        {"end": -1},
        {"later": 1.5},
    ],
)
def test_a_broken_rule_is_refused_with_a_good_checksum(change: dict[str, object]) -> None:
    fields = msgspec.to_builtins(INVITATION, builtin_types=(bytes,))
    with pytest.raises(BadInput, match="rule of its format"):
        parse_invitation(written(fields | change))
    assert parse_invitation(written(fields | {"later": 1})) == INVITATION


def written(fields: dict[str, object]) -> str:
    """Write an invitation by the page alone."""
    body = canonical.encode(fields)
    sized = len(body).to_bytes(4, "big") + body
    checksum = hashlib.sha256(b"tuishare/invitation/v1/checksum\0" + sized).digest()[:6]
    return INVITATION_PREFIX + base64.urlsafe_b64encode(body + checksum).decode().rstrip("=")


@settings(max_examples=CASES, deadline=None)
@given(
    st.text(max_size=300) | st.binary(max_size=280).map(lambda data: base64.urlsafe_b64encode(data).decode())
)
def test_noise_is_refused(text: str) -> None:
    for each in (text, INVITATION_PREFIX + text):
        with pytest.raises(BadInput):
            parse_invitation(each)


def test_the_token_is_in_no_text_but_the_string() -> None:
    assert INVITATION.token.hex() not in repr(INVITATION)
    assert "t" * 16 not in repr(INVITATION)


def test_both_sides_learn_each_other_and_the_same_words() -> None:
    joiner = check_redeem(INVITATION, REDEEM, BOBS_KEY)
    inviter = check_welcome(INVITATION, REDEEM, WELCOME)
    assert (joiner.card, inviter.card) == (BOB.card, ALICE.card)
    assert joiner.words == inviter.words == transcript_words(join_transcript(INVITATION, BOB.party))
    assert len(joiner.words) == 4
    assert (joiner.record.endpoints, inviter.signed_record) == (ADDRESSES, ALICE.record())


def test_the_macs_are_those_of_the_page() -> None:
    """Written from SPEC.md with plain calls, nothing taken from the module."""

    def digest(label: bytes, *parts: bytes) -> bytes:
        sized = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hashlib.sha256(b"tuishare/invitation/v1/" + label + b"\0" + sized).digest()

    token, label = b"t" * 16, b"tuishare/invitation/v1/key"
    number = digest(b"id", token)[:16]
    key = HKDF(SHA256(), 32, number, label).derive(token)
    bob, alice = encode_card(BOB.card), encode_card(ALICE.card)
    terms = bytes([0, 0, 0, 1, 0])
    joined = digest(b"join", number, terms, ALICE.signer, ALICE.link_key.public_key, bob, BOB.record())
    welcomed = digest(b"welcome", joined, alice, ALICE.record())
    assert Redeem(number, bob, BOB.record(), hmac.digest(key, b"join\0" + joined, "sha256")) == REDEEM
    assert Welcome(alice, ALICE.record(), hmac.digest(key, b"welcome\0" + welcomed, "sha256")) == WELCOME


def test_an_invitation_of_another_token_or_inviter_is_not_redeemed() -> None:
    for other in (ALICE.invitation(token=b"u" * 16), MALLORY.invitation()):
        with pytest.raises(VerificationFailed):
            check_redeem(other, REDEEM, BOBS_KEY)
        with pytest.raises(VerificationFailed):
            check_welcome(other, REDEEM, WELCOME)


@pytest.mark.parametrize("terms", [{"uses": 10}, {"ask": True}])
def test_one_whose_terms_were_changed_on_its_way_is_not_redeemed(terms: dict[str, int]) -> None:
    """T19: or one for many would make the inviter verified on the joiner's side."""
    made = msgspec.structs.replace(INVITATION, **terms)
    with pytest.raises(VerificationFailed):
        check_redeem(made, make_redeem(INVITATION, BOB.party), BOBS_KEY)
    with pytest.raises(VerificationFailed):
        check_welcome(INVITATION, REDEEM, make_welcome(made, REDEEM, ALICE.party))


def party(card: Party, record: Party) -> Party:
    return Party(card.card, record.record)


@pytest.mark.parametrize(
    "joiner",
    [
        party(BOB.party, MALLORY.party),
        party(MALLORY.party, BOB.party),
        MALLORY.party,
        Party(BOB.party.card + b"\0", BOB.party.record),
        Party(b"\0", BOB.party.record),
        Party(BOB.party.card, b"\0"),
        Party(BOB.party.card, BOB.record(link_key=MALLORY.link_key.public_key)),
        Party(ALICE.party.card, ALICE.record(link_key=BOBS_KEY)),
    ],
)
def test_identities_are_not_mixed_by_a_holder_of_the_token(joiner: Party) -> None:
    with pytest.raises(VerificationFailed):
        check_redeem(INVITATION, make_redeem(INVITATION, joiner), BOBS_KEY)


@pytest.mark.parametrize(
    "inviter",
    [
        BOB.party,
        MALLORY.party,
        party(ALICE.party, MALLORY.party),
        party(MALLORY.party, ALICE.party),
        Party(ALICE.party.card, ALICE.record(link_key=MALLORY.link_key.public_key)),
        Party(MALLORY.party.card, MALLORY.record(link_key=ALICE.link_key.public_key)),
    ],
)
def test_only_the_inviter_answers(inviter: Party) -> None:
    with pytest.raises(VerificationFailed):
        check_welcome(INVITATION, REDEEM, make_welcome(INVITATION, REDEEM, inviter))


def test_nothing_is_reflected() -> None:
    reflected = Welcome(REDEEM.card, REDEEM.record, REDEEM.mac)
    with pytest.raises(VerificationFailed):
        check_welcome(INVITATION, REDEEM, reflected)
    with pytest.raises(VerificationFailed):
        check_redeem(
            INVITATION,
            Redeem(INVITATION.id, WELCOME.card, WELCOME.record, WELCOME.mac),
            ALICE.link_key.public_key,
        )


@pytest.mark.parametrize("at", range(0, 32, 5))
def test_every_bit_of_a_mac_counts(at: int) -> None:
    mac = bytes([*REDEEM.mac[:at], REDEEM.mac[at] ^ 1, *REDEEM.mac[at + 1 :]])
    with pytest.raises(VerificationFailed):
        check_redeem(INVITATION, Redeem(REDEEM.id, REDEEM.card, REDEEM.record, mac), BOBS_KEY)
    assert INVITATION.end > NOW
