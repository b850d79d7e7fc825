"""New keys: for ourselves, which every recipient has to hear of, and for one who had a key of ours."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.agent.agent_pairs import rejected, running, shown
from tests.agent.homes import Home, fill, is_idle, seal_manifest
from tests.agent.share_pipelines import open_from, publishing_at
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.folders.fingerprint import payload_fingerprint
from tuishare.agent.shares import reconcile
from tuishare.agent.shares.reconcile import AHEAD
from tuishare.api.client import AgentClient
from tuishare.api.messages import ActivityKind, DownloadState, Share, ShareState, UserChange, UserNamed
from tuishare.core.clock import wall_clock
from tuishare.core.records import ShareStep
from tuishare.envelope import CardKey, NotForUs, Opened, UserKey, open_envelope
from tuishare.people import (
    User,
    create_identity,
    decode_succession,
    is_rotated,
    load_book,
    load_identity,
    parse_key,
    rotate_identity,
)
from tuishare.swarm import LEAF_LIFETIME

ENVELOPE = "film.mkv.torrent.encrypted"


async def sealed(agent: Agent, generation: int) -> Share:
    """Wait until the only share is out in that generation."""

    def is_out() -> bool:
        shares = agent.view.shares()
        return [(share.state, share.generation) for share in shares] == [(ShareState.SEEDING, generation)]

    await wait_until(is_out, seconds=20)
    return agent.view.shares()[0]


def read(home: Home) -> Opened:
    """What stands in our own envelope."""
    identity = load_identity(home.places.identity_file)
    return open_envelope((home.outbox / ENVELOPE).read_bytes(), [CardKey(identity.private_key)])


async def delivered(alice: Home, bob: Home, a: Agent, b: Agent) -> None:
    fill(alice.drop / "film.mkv")
    await sealed(a, 1)
    bob.receive(alice.outbox / ENVELOPE)
    await shown(b, DownloadState.COMPLETE)


async def test_a_rotation_reaches_whoever_knew_the_former_card(alice: Home, bob: Home) -> None:
    async with running(alice) as a, running(bob) as b, AgentClient(alice.places.socket) as client:
        await delivered(alice, bob, a, b)
        (before,) = b.view.downloads()
        former = alice.identity.card("alice")
        fingerprint = (await client.rotate_identity()).id
        assert fingerprint == a.view.snapshot().people.fingerprint != former.fingerprint.base32
        await sealed(a, 2)
        await wait_until(lambda: not is_rotated(alice.places.identity_file))
        bob.receive(alice.outbox / ENVELOPE)
        await wait_until(lambda: b.view.downloads()[0].generation == 2)
        (after,) = b.view.downloads()
        assert (after.id, after.path, after.state) == (before.id, before.path, DownloadState.COMPLETE)
        (user,) = load_book(bob.places.users_file)
        assert user.card is not None
        assert (user.name, user.verified, user.card.fingerprint.base32) == ("alice", True, fingerprint)
        assert [card.signer for card in user.former] == [former.signer]
        await wait_until(lambda: b.view.snapshot().people.users[0].fingerprint == fingerprint)
        assert b.view.snapshot().people.users[0].former == (former.fingerprint.base32,)
        await wait_until(lambda: ActivityKind.ROTATED in {event.kind for event in b.view.snapshot().activity})


async def test_generations_go_on_after_a_rotation_and_old_ones_stay_replays(alice: Home, bob: Home) -> None:
    async with running(alice) as a, running(bob) as b:
        await delivered(alice, bob, a, b)
        await a.service.rotate_identity()
        await sealed(a, 2)
        again = (alice.outbox / ENVELOPE).read_bytes()
        bob.receive(alice.outbox / ENVELOPE)
        await wait_until(lambda: b.view.downloads()[0].generation == 2)
        (bob.inbox / "replay.torrent.encrypted").write_bytes(again)
        assert "received before" in await rejected(bob, "replay.torrent.encrypted")


async def test_a_new_identity_cannot_begin_its_generations_anew(alice: Home, bob: Home) -> None:
    async with running(alice) as a, running(bob) as b:
        await delivered(alice, bob, a, b)
        (share,) = a._drops.repository.shares.values()
        newer = rotate_identity(alice.places.identity_file, "alice")
        data = seal_manifest(
            replace(alice, identity=newer), share, bob.user(), succession=bytes(newer.succession or b"")
        )
        (bob.inbox / "again.torrent.encrypted").write_bytes(data)
        assert "received before" in await rejected(bob, "again.torrent.encrypted")


async def test_what_was_signed_with_the_former_key_is_no_longer_believed(alice: Home, bob: Home) -> None:
    async with running(alice) as a, running(bob) as b:
        fill(alice.drop / "film.mkv")
        await sealed(a, 1)
        old = (alice.outbox / ENVELOPE).read_bytes()
        await a.service.rotate_identity()
        await sealed(a, 2)
        bob.receive(alice.outbox / ENVELOPE)
        await shown(b, DownloadState.COMPLETE)
        (bob.inbox / "old.torrent.encrypted").write_bytes(old)
        assert "previous key" in await rejected(bob, "old.torrent.encrypted")


async def test_what_was_sealed_for_the_former_card_still_opens(alice: Home, bob: Home) -> None:
    async with running(alice) as a, running(bob) as b:
        await b.service.rotate_identity()  # alice knows nothing of it
        await delivered(alice, bob, a, b)


@pytest.mark.usefixtures("bob")
async def test_a_rotation_without_an_agent_is_made_good_when_one_starts(alice: Home) -> None:
    fill(alice.drop / "film.mkv")
    async with running(alice) as a:
        await sealed(a, 1)
    identity = rotate_identity(alice.places.identity_file, "alice")
    async with running(alice) as a:
        await sealed(a, 2)
        opened = read(alice)
        assert opened.signer == identity.signer
        succession = decode_succession(opened.manifest.succession)
        assert succession.formers == (alice.identity.signer,)
        await wait_until(lambda: not is_rotated(alice.places.identity_file))
    async with running(alice) as a:
        await sealed(a, 2)  # once is enough


async def test_a_new_key_opens_what_the_former_one_no_longer_does(alice: Home) -> None:
    former = bytes([7] * 32)
    alice.know(User("carl", key=former))
    alice.configure("carl")
    async with running(alice) as a, AgentClient(alice.places.socket) as client:
        fill(alice.drop / "film.mkv")
        await sealed(a, 1)
        key = parse_key((await client.new_key(UserNamed(name="carl"))).key)
        assert load_book(alice.places.users_file).find("carl").key == key != former
        await sealed(a, 2)
        data = (alice.outbox / ENVELOPE).read_bytes()
        assert open_envelope(data, [UserKey(key)]).manifest.generation == 2
        with pytest.raises(NotForUs):
            open_envelope(data, [UserKey(former)])


async def test_whoever_lost_his_card_gets_everything_for_his_new_one(alice: Home, bob: Home) -> None:
    async with running(alice) as a, AgentClient(alice.places.socket) as client:
        fill(alice.drop / "film.mkv")
        await sealed(a, 1)
        newer = create_identity(bob.places.config / "other.key")
        await client.change_user(UserChange(name="bob", card=str(newer.card("bob"))))
        await sealed(a, 2)
        data = (alice.outbox / ENVELOPE).read_bytes()
        assert open_envelope(data, [CardKey(newer.private_key)]).manifest.generation == 2
        with pytest.raises(NotForUs):
            open_envelope(data, [CardKey(bob.identity.private_key)])


@pytest.mark.usefixtures("bob")
async def test_tickets_are_made_anew_before_they_run_out(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(alice.drop / "film.mkv")
    async with running(alice) as a:
        await sealed(a, 1)
        (share,) = a._drops.repository.shares.values()
        look = a._drops.reissuer._expires_soon
        for earlier, expected in ((timedelta(hours=1), False), (timedelta(hours=-1), True)):
            moment = wall_clock() + LEAF_LIFETIME - AHEAD - earlier
            with monkeypatch.context() as clock:
                clock.setattr(a._context.clock, "read", lambda moment=moment: moment)
                assert look(share) is expected
                assert not look(replace(share, not_after=1))
        with monkeypatch.context() as soon:
            soon.setattr(reconcile, "AHEAD", LEAF_LIFETIME + timedelta(hours=1))
            a._drops.reissuer.request(())  # as the hour does
            await sealed(a, 2)
        assert (alice.outbox / ENVELOPE).exists()


@pytest.mark.usefixtures("bob")
async def test_what_was_touched_meanwhile_is_sealed_again_too(alice: Home) -> None:
    """It has to settle and to be hashed, and then turns out to be what it was."""
    path = fill(alice.drop / "film.mkv")
    async with publishing_at(alice) as press:
        await press.accept(path)
        share = await press.until(path, ShareStep.SEEDING)
        queue = press.queue
        reissue = press.parts.reissuer
        os.utime(path, (1, 1))
        await press.admission.stop_if_changed(path, payload_fingerprint(path))
        assert press.only.step is ShareStep.SETTLING
        reissue.request([share.id])
        await reissue._reissue_all()
        await press.accept(path)
        await wait_until(lambda: is_idle(queue) and press.only.step is ShareStep.SEEDING)
        assert (press.only.info_hash, press.only.sealed > 1) == (share.info_hash, True)
        assert open_from(alice, press.only.envelope, alice).manifest.generation == press.only.generation > 1
