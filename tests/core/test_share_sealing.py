"""What goes into an envelope."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from cryptography import x509

from tests.agent.homes import Home, fill, make_home, seal_for, share_of
from tuishare.core.clock import wall_clock
from tuishare.core.records import RecipientRecord, ShareRecord
from tuishare.core.share_sealing import (
    create_share_authority,
    new_secret,
    new_share_id,
    own_credentials,
    seal_share,
)
from tuishare.envelope import CardKey, NotForUs, Opened, OpeningKey, UserKey, open_envelope, parse_frame
from tuishare.people import User
from tuishare.swarm import Credentials, check_credentials

KEY = bytes(range(32))


@pytest.fixture
def share(alice: Home) -> ShareRecord:
    return share_of(fill(alice.drop / "film.mkv"))


def open_as(home: Home, envelope: bytes) -> Opened:
    return open_envelope(envelope, [CardKey(home.identity.private_key)])


def test_every_recipient_and_the_sender_open_it_and_nobody_else(
    alice: Home, bob: Home, mallory: Home, share: ShareRecord
) -> None:
    carol = make_home(alice.places.files.parent, "carol")
    dave = User("dave", key=KEY)
    envelope = seal_for(alice, share, bob.user(), carol.user(), dave, contacts=("192.0.2.7:1",))
    keys: list[OpeningKey] = [CardKey(home.identity.private_key) for home in (alice, bob, carol)]
    opened = [open_envelope(envelope, [key]) for key in [*keys, UserKey(KEY)]]
    for one in opened:
        assert one.signer == alice.identity.signer
        assert (one.manifest.torrent, one.manifest.contacts) == (share.torrent, ("192.0.2.7:1",))
        assert (one.manifest.share_id.hex(), one.manifest.generation) == (share.id, 1)
    assert len({one.ticket.passkey for one in opened}) == 4
    assert len({one.ticket.leaf_key for one in opened}) == 4
    with pytest.raises(NotForUs):
        open_as(mallory, envelope)


def test_every_ticket_lets_its_holder_join(alice: Home, bob: Home, share: ShareRecord) -> None:
    for home in (alice, bob):
        opened = open_as(home, seal_for(alice, share, bob.user()))
        assert opened.manifest.root_certificate is not None
        assert opened.ticket.leaf_certificate is not None
        assert opened.ticket.leaf_key is not None
        check_credentials(
            Credentials(
                opened.manifest.root_certificate, opened.ticket.leaf_certificate, opened.ticket.leaf_key
            ),
            wall_clock(),
        )
    assert own_credentials(share) == Credentials(
        share.root_certificate, share.leaf_certificate, share.leaf_key
    )


def test_the_authority_is_not_in_the_envelope(alice: Home, bob: Home, share: ShareRecord) -> None:
    opened = open_as(bob, seal_for(alice, share, bob.user()))
    assert share.root_key not in (opened.ticket.leaf_key, opened.manifest.root_certificate)
    assert opened.ticket.leaf_key != share.leaf_key


def test_sealing_again_keeps_the_passkeys(alice: Home, bob: Home, share: ShareRecord) -> None:
    first, second = (open_as(bob, seal_for(alice, share, bob.user())) for _ in range(2))
    assert first.ticket.passkey == second.ticket.passkey
    assert first.envelope_id != second.envelope_id
    other = open_as(bob, seal_for(alice, replace(share, secret=new_secret()), bob.user()))
    assert other.ticket.passkey != first.ticket.passkey


def test_what_is_remembered_is_the_hash_of_the_passkey(alice: Home, bob: Home, share: ShareRecord) -> None:
    now = wall_clock()
    sealed = seal_share(replace(share, size=7), [bob.user()], alice.identity, contacts=(), now=now)
    digest = hashlib.sha256(open_as(bob, sealed.envelope).ticket.passkey).digest()
    at, holder = int(now.timestamp()), hashlib.sha256(bob.identity.signer).digest()
    assert sealed.recipients == (
        RecipientRecord(share.id, "bob", digest, sealed=at, remaining=7, holder=holder),
    )


def test_tickets_end_with_the_share(alice: Home, bob: Home, share: ShareRecord) -> None:
    now = wall_clock()
    ending = replace(share, not_after=int(now.timestamp()) + 3600)
    ending = create_share_authority(ending, now)
    ticket = open_as(bob, seal_for(alice, ending, bob.user())).ticket
    assert ticket.leaf_certificate is not None
    for certificate in (ticket.leaf_certificate, ending.leaf_certificate):
        end = x509.load_der_x509_certificate(certificate).not_valid_after_utc
        assert abs(end.timestamp() - ending.not_after) <= 1


def test_a_card_of_our_own_among_the_users_gets_no_second_slot(
    alice: Home, bob: Home, share: ShareRecord
) -> None:
    sealed = seal_share(
        share, [alice.user(name="me"), bob.user()], alice.identity, contacts=(), now=wall_clock()
    )
    assert [recipient.user for recipient in sealed.recipients] == ["bob"]
    assert len(parse_frame(sealed.envelope).slots) == 2


def test_a_plain_share_has_no_certificates(alice: Home, bob: Home) -> None:
    share = share_of(fill(alice.drop / "film.mkv"), transport="plain")
    opened = open_as(bob, seal_for(alice, share, bob.user()))
    assert (opened.manifest.transport, opened.manifest.root_certificate) == ("plain", None)
    assert (opened.ticket.leaf_certificate, opened.ticket.leaf_key) == (None, None)
    assert len(opened.ticket.passkey) == 32
    assert own_credentials(share) is None


def test_each_share_has_its_own_id_secret_and_authority(share: ShareRecord) -> None:
    assert len({new_share_id() for _ in range(20)}) == len({new_secret() for _ in range(20)}) == 20
    assert create_share_authority(share, wall_clock()).root_key != share.root_key
