"""Who may say what to us: each attack is a few lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from tests.agent.homes import Home, fill, make_home, seal_for, seal_manifest, share_of
from tuishare.core import opened_envelope
from tuishare.core.clock import wall_clock
from tuishare.core.opened_envelope import (
    OpenedEnvelope,
    SignedEnvelope,
    Trust,
    UnknownSender,
    download_id,
    is_from_verified,
    open_received,
)
from tuishare.core.records import ShareRecord, TrackerAddress
from tuishare.envelope import Announce, CardKey, Damaged, NotForUs, Ticket, parse_frame
from tuishare.envelope.body import _encode_signed, open_body, seal_body, sign
from tuishare.envelope.slots import CardRecipient, seal_slot, try_slot
from tuishare.envelope.ticket import CONTENT_KEY_SIZE, encode_ticket
from tuishare.errors import Refused
from tuishare.people import PreviousCard, User, UserBook, create_identity
from tuishare.torrents import DEFAULT_LIMITS, TooLarge, TorrentLimits, make_torrent, walk

KEY = bytes(range(32))


@pytest.fixture
def share(alice: Home) -> ShareRecord:
    return share_of(fill(alice.drop / "film.mkv"))


def take(home: Home, data: bytes, *users: User, keys: tuple[bytes, ...] = ()) -> OpenedEnvelope:
    return open_received(data, home.identity, UserBook(users), keys=keys, now=wall_clock())


def test_a_verified_sender(alice: Home, bob: Home, share: ShareRecord) -> None:
    received = take(bob, seal_for(alice, share, bob.user()), alice.user(name="Alice A."))
    assert (received.trust, received.sender, received.signer) == (
        Trust.VERIFIED, "Alice A.", alice.identity.signer,
    )  # fmt: skip
    assert received.torrent.name == "film.mkv"
    assert received.credentials is not None


def test_a_card_that_nobody_compared_is_not_verified(alice: Home, bob: Home, share: ShareRecord) -> None:
    received = take(bob, seal_for(alice, share, bob.user()), alice.user(verified=False))
    assert (received.trust, received.sender) == (Trust.UNVERIFIED, "alice")


def test_an_outsider_who_knows_our_card_is_nobody(
    alice: Home, bob: Home, mallory: Home, share: ShareRecord
) -> None:
    """T2: the manifest is a copy of Alice's, the signature can only be his own."""
    received = take(bob, seal_for(mallory, share, bob.user()), alice.user())
    assert (received.trust, received.sender) == (Trust.UNKNOWN, "")


def test_our_own_share(alice: Home, bob: Home, share: ShareRecord) -> None:
    assert take(alice, seal_for(alice, share, bob.user()), bob.user()).trust is Trust.OURSELVES


def test_a_shared_key_proves_no_sender(alice: Home, bob: Home, share: ShareRecord) -> None:
    envelope = seal_for(alice, share, User("bob", key=KEY))
    received = take(bob, envelope, User("somebody", key=KEY))
    assert (received.trust, received.sender) == (Trust.KEY_ONLY, "somebody")
    by_hand = take(bob, envelope, keys=(KEY,))
    assert (by_hand.trust, by_hand.sender) == (Trust.KEY_ONLY, "")


def test_the_signature_counts_whatever_key_opened(alice: Home, bob: Home, share: ShareRecord) -> None:
    received = take(bob, seal_for(alice, share, User("bob", key=KEY)), alice.user(), User("k", key=KEY))
    assert (received.trust, received.sender) == (Trust.VERIFIED, "alice")


def test_of_several_keys_the_one_that_opened_names_the_sender(
    alice: Home, bob: Home, share: ShareRecord
) -> None:
    other = bytes(range(1, 33))
    users = (User("first", key=other), alice.user(name="unrelated", verified=False), User("second", key=KEY))
    mallory = make_home(alice.places.files.parent, "m")
    assert take(bob, seal_for(mallory, share, User("bob", key=KEY)), *users).sender == "second"
    assert (
        take(bob, seal_for(mallory, share, User("bob", key=other)), *users, keys=(other,)).sender == "first"
    )


def test_what_is_for_others_says_so(alice: Home, bob: Home, mallory: Home, share: ShareRecord) -> None:
    with pytest.raises(NotForUs):
        take(mallory, seal_for(alice, share, bob.user()), alice.user())


def forged(
    envelope: bytes, insider: Home, victim: Home, *, old: bytes = b"", new: bytes = b"", own: bool = False
) -> bytes:
    """T3: what a recipient who knows the content key can do with another's envelope.

    Every slot becomes the victim's, `old` in the manifest becomes `new`, and the signature is the sender's, or the
    insider's `own`. All else is as it must be.
    """
    frame = parse_frame(envelope)
    opener = CardKey(insider.identity.private_key)
    content_key = next(p for slot in frame.slots if (p := try_slot(opener, slot, frame.header)))[
        :CONTENT_KEY_SIZE
    ]
    ticket = Ticket(bytes(32), None, None)
    recipients = (CardRecipient(home.identity.public_key, ticket) for home in (victim, insider))
    slots = [
        seal_slot(recipient, content_key, encode_ticket(ticket), frame.header) for recipient in recipients
    ]
    addressed = frame.header + b"".join(slots)
    signed = open_body(frame, content_key)
    manifest = bytes(signed.manifest).replace(old, new) if old else bytes(signed.manifest)
    data = _encode_signed(signed.signer, manifest, signed.signature)
    if own:
        data = sign(insider.identity.signing_key, addressed, manifest)
    body = seal_body(data, content_key, frame.envelope_id, addressed, frame.body_iv)
    return replace(frame, slots=tuple(slots), body=body).to_bytes()


def test_a_co_recipient_cannot_re_address_what_alice_signed(
    alice: Home, bob: Home, mallory: Home, share: ShareRecord
) -> None:
    envelope = seal_for(alice, share, mallory.user())
    with pytest.raises(Damaged):
        take(bob, forged(envelope, mallory, bob), alice.user())


def test_a_co_recipient_cannot_alter_what_alice_signed(
    alice: Home, bob: Home, mallory: Home, share: ShareRecord
) -> None:
    envelope = seal_for(alice, share, mallory.user())
    with pytest.raises(Damaged):
        take(bob, forged(envelope, mallory, bob, old=b"film.mkv", new=b"evil.mkv"), alice.user())


def test_he_can_only_sign_it_himself_and_is_nobody_then(
    alice: Home, bob: Home, mallory: Home, share: ShareRecord
) -> None:
    """The two forgeries above fail for their signature alone: with one that fits they open."""
    envelope = seal_for(alice, share, mallory.user())
    received = take(bob, forged(envelope, mallory, bob, own=True), alice.user())
    assert (received.trust, received.signer) == (Trust.UNKNOWN, mallory.identity.signer)


def test_an_expired_share_is_refused_and_its_last_second_is_not(
    alice: Home, bob: Home, share: ShareRecord
) -> None:
    now = wall_clock().replace(microsecond=0)
    data = seal_manifest(alice, share, bob.user(), not_after=int(now.timestamp()))
    book = UserBook((alice.user(),))
    assert open_received(data, bob.identity, book, now=now).trust is Trust.VERIFIED
    with pytest.raises(Refused, match=f"expired on {now:%Y-%m-%d}"):
        open_received(data, bob.identity, book, now=now + timedelta(seconds=1))


def test_a_renewal_says_that_it_is_one(alice: Home, bob: Home, share: ShareRecord) -> None:
    renewal = seal_manifest(alice, share, bob.user(), kind="renew")
    assert take(bob, renewal, alice.user()).renews
    assert not take(bob, seal_manifest(alice, share, bob.user()), alice.user()).renews


def test_the_torrent_of_a_trusted_sender_is_judged_as_well(
    alice: Home, bob: Home, share: ShareRecord
) -> None:
    """T4: Alice may be hostile."""
    tracker = make_torrent(
        walk(alice.drop / "film.mkv"), version=2, announce=[["https://t.example/announce"]]
    )
    for torrent in (b"d4:infodee", share.torrent.replace(b"film.mkv", b"../x.mkv"), tracker):
        with pytest.raises(Refused):
            take(bob, seal_manifest(alice, share, bob.user(), torrent=torrent), alice.user())


def test_a_plain_torrent_names_the_trackers_that_its_sender_signed_and_no_others(
    alice: Home, bob: Home
) -> None:
    url = "https://t.example/announce"
    share = share_of(fill(alice.drop / "film.mkv"), transport="plain")
    torrent = make_torrent(walk(alice.drop / "film.mkv"), version=1, announce=[[url]])
    named: dict[str, Any] = {"transport": "plain", "root_certificate": None, "torrent": torrent}
    with pytest.raises(Refused, match="not configured here"):
        take(bob, seal_manifest(alice, share, bob.user(), **named), alice.user())
    signed = seal_manifest(alice, share, bob.user(), announce=(Announce(url, None),), **named)
    assert take(bob, signed, alice.user()).torrent.announce == ((url,),)


def test_a_ticket_without_a_certificate_is_said(alice: Home, bob: Home, share: ShareRecord) -> None:
    bare = Ticket(bytes(32), None, None)
    received = take(bob, seal_manifest(alice, share, bob.user(), ticket=bare), alice.user())
    with pytest.raises(Refused, match="certificate"):
        _ = received.credentials


def test_the_passkey_is_filled_into_the_tracker_urls(alice: Home, bob: Home, share: ShareRecord) -> None:
    announce = tuple(Announce(f"https://{host}.example/announce/{{passkey}}", None) for host in ("a", "b"))
    received = take(bob, seal_manifest(alice, share, bob.user(), announce=announce), alice.user())
    assert received.trackers == tuple(
        TrackerAddress(f"https://{host}.example/announce/{'00' * 32}", "") for host in ("a", "b")
    )


def test_downloads_of_two_signers_or_shares_are_two() -> None:
    ids = {download_id(b"a" * 32, b"s"), download_id(b"b" * 32, b"s"), download_id(b"a" * 32, b"t")}
    assert len(ids) == 3
    assert download_id(b"a" * 32, b"s") in ids


def test_nothing_a_stranger_signed_is_looked_at(
    alice: Home, bob: Home, mallory: Home, share: ShareRecord
) -> None:
    """T1: who signed is asked before the manifest is decoded, and before the torrent in it is."""
    asked: list[SignedEnvelope] = []

    def bounds(signed: SignedEnvelope) -> TorrentLimits:
        asked.append(signed)
        raise Refused("nobody")

    envelope = seal_manifest(mallory, share, bob.user(), torrent=b"no torrent", not_after=1)
    with pytest.raises(Refused, match="nobody"):
        open_received(envelope, bob.identity, UserBook((alice.user(),)), now=wall_clock(), bounds=bounds)
    assert [(signed.trust, signed.signer) for signed in asked] == [(Trust.UNKNOWN, mallory.identity.signer)]


def test_nor_is_it_decoded(alice: Home, bob: Home, mallory: Home, share: ShareRecord) -> None:
    """T1: here it cannot be."""

    def refuse(_: SignedEnvelope) -> NoReturn:
        raise Refused("nobody")

    envelope = seal_for(alice, share, mallory.user())
    data = forged(envelope, mallory, bob, old=b"film.mkv", new=b"film", own=True)
    with pytest.raises(Refused, match="nobody"):
        open_received(data, bob.identity, UserBook((alice.user(),)), now=wall_clock(), bounds=refuse)
    with pytest.raises(Damaged):
        take(bob, data, alice.user())


@pytest.mark.parametrize("verified", [True, False])
def test_what_is_too_large_before_a_sender_is_verified_is_kept(
    alice: Home, bob: Home, share: ShareRecord, verified: bool
) -> None:
    small = TorrentLimits(max_torrent_bytes=10) if not verified else DEFAULT_LIMITS
    envelope, book = seal_for(alice, share, bob.user()), UserBook((alice.user(verified=verified),))
    if verified:
        open_received(envelope, bob.identity, book, now=wall_clock(), bounds=lambda _: small)
    else:
        with pytest.raises(UnknownSender, match="alice is not verified"):
            open_received(envelope, bob.identity, book, now=wall_clock(), bounds=lambda _: small)


def test_what_is_too_large_for_anybody_does_not_wait_for_a_verification(
    alice: Home, bob: Home, share: ShareRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = TorrentLimits(max_torrent_bytes=10)
    monkeypatch.setattr(opened_envelope, "DEFAULT_LIMITS", small)
    envelope, book = seal_for(alice, share, bob.user()), UserBook((alice.user(),))
    with pytest.raises(TooLarge):
        open_received(envelope, bob.identity, book, now=wall_clock(), bounds=lambda _: small)


def test_what_cannot_be_opened_is_from_none_who_is_verified(
    alice: Home, bob: Home, mallory: Home, share: ShareRecord
) -> None:
    data, book = seal_for(alice, share, bob.user()), UserBook((alice.user(),))
    assert is_from_verified(data, bob.identity, book)
    assert not is_from_verified(data[:-1], bob.identity, book)
    assert not is_from_verified(data, mallory.identity, book)
    assert not is_from_verified(data, bob.identity, UserBook((alice.user(verified=False),)))
    newer = create_identity(bob.places.config / "newer.key").card("alice")
    replaced = PreviousCard(alice.identity.signer, alice.user().card.fingerprint)  # type: ignore[union-attr]
    user = User("alice", card=newer, verified=True, former=(replaced,))
    assert not is_from_verified(data, bob.identity, UserBook((user,)))
