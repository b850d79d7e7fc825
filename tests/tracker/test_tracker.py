"""The rules: no peer without a valid passkey of that very share (threats T7, T10, T11)."""

from __future__ import annotations

import pytest

from tests.tracker.announces import (
    BOB,
    CAROL,
    DAVE,
    SHARE,
    SWARM,
    WIRE,
    Desk,
    decode,
    member,
    named,
    open_desk,
    query,
)
from tuishare.errors import BadInput
from tuishare.torrents import InfoHash
from tuishare.tracker import AnnounceRejected, PeerAnnounced, TrackerLimits


def _refused(desk: Desk, passkey: bytes, said: str) -> str:
    before = len(desk.heard)
    with pytest.raises(AnnounceRejected) as caught:
        desk.ask(passkey, said)
    assert len(desk.heard) == before
    return caught.value.detail


def test_a_member_is_answered_and_heard() -> None:
    desk = open_desk()
    assert named(desk.ask(BOB, query(left=7, event="started", corrupt=5))) == {"192.0.2.1:50007"}
    assert desk.heard == [
        PeerAnnounced(
            share=SHARE,
            user="bob",
            info_hash=SWARM,
            peer_id=b"-XX0001-bob_________",
            host="198.51.100.7",
            port=6_881,
            left=7,
            uploaded=0,
            downloaded=0,
            event="started",
            at=1_700_000_000,
            corrupt=5,
        )
    ]


def test_everything_that_is_refused_is_refused_alike() -> None:
    desk = open_desk()
    desk.tracker.admit("songs", {member(DAVE): "dave"}, (InfoHash("77" * 20),))
    desk.tracker.revoke(SHARE, "carol")
    unknown, revoked, foreign, wrong_swarm, malformed = (
        _refused(desk, b"x" * 32, query()),
        _refused(desk, CAROL, query()),
        _refused(desk, DAVE, query()),
        _refused(desk, BOB, query(info_hash=b"\x77" * 20)),
        _refused(desk, BOB, query(port=-1)),
    )
    assert unknown == revoked == foreign == wrong_swarm == malformed
    assert named(desk.ask(DAVE, query(info_hash=b"\x77" * 20))) == set()


def test_the_address_that_counts_is_the_one_it_comes_from() -> None:
    desk = open_desk()
    desk.ask(BOB, query(ip="203.0.113.9", ipv4="203.0.113.9", ipv6="2001:db8::9"), "198.51.100.9")
    assert named(desk.ask(CAROL, query("carol"))) == {"192.0.2.1:50007", "198.51.100.9:6881"}
    assert desk.heard[0].host == "198.51.100.9"


def test_a_revoked_user_vanishes_at_once() -> None:
    desk = open_desk()
    desk.ask(BOB, query())
    desk.ask(CAROL, query("carol"), "198.51.100.8")
    desk.tracker.revoke(SHARE, "bob")
    assert named(desk.ask(CAROL, query("carol"))) == {"192.0.2.1:50007"}
    assert [presence.user for presence in desk.tracker.swarm_of(SHARE)] == ["carol"]
    _refused(desk, BOB, query())
    desk.tracker.revoke("no such share", "bob")


def test_a_share_is_withdrawn() -> None:
    desk = open_desk()
    desk.ask(BOB, query())
    desk.tracker.withdraw(SHARE)
    desk.tracker.withdraw(SHARE)
    assert desk.tracker.swarm_of(SHARE) == ()
    _refused(desk, BOB, query())


def test_admitting_again_replaces_but_keeps_who_stays() -> None:
    desk = open_desk()
    desk.ask(BOB, query(), "198.51.100.9")
    desk.ask(CAROL, query("carol"))
    desk.tracker.admit(SHARE, {member(DAVE): "dave", member(BOB): "bob"}, (SWARM,))
    _refused(desk, CAROL, query("carol"))
    assert named(desk.ask(DAVE, query("dave"))) == {"198.51.100.9:6881"}
    newer = InfoHash("66" * 32)
    desk.tracker.admit(SHARE, {member(DAVE): "dave"}, (newer,))
    assert desk.tracker.swarm_of(SHARE) == ()
    _refused(desk, DAVE, query("dave"))
    assert desk.ask(DAVE, query("dave", info_hash=b"\x66" * 20))


def test_a_hybrid_torrent_has_two_swarms() -> None:
    desk = open_desk()
    older = InfoHash("11" * 20)
    desk.tracker.admit(SHARE, {member(BOB): "bob"}, (SWARM, older))
    for wire in (WIRE, b"\x11" * 20):
        desk.ask(BOB, query(info_hash=wire))
    assert [announced.info_hash for announced in desk.heard] == [SWARM, older]


@pytest.mark.parametrize("swarm", [(InfoHash("5a" * 19),), (SWARM, InfoHash("zz"))])
def test_what_is_no_info_hash_changes_nothing(swarm: tuple[InfoHash, ...]) -> None:
    desk = open_desk()
    with pytest.raises(BadInput):
        desk.tracker.admit(SHARE, {member(DAVE): "dave"}, swarm)
    _refused(desk, DAVE, query())
    assert desk.ask(BOB, query())


def test_a_member_who_asks_without_end_is_slowed_down_alone() -> None:
    desk = open_desk(TrackerLimits(member_burst=5, member_rate=1.0))
    for _ in range(5):
        desk.ask(BOB, query())
    _refused(desk, BOB, query())
    desk.ask(CAROL, query("carol"))
    desk.clock.now += 1
    desk.ask(BOB, query())


def test_everybody_is_asked_to_come_back_soon_while_somebody_downloads() -> None:
    desk = open_desk()
    assert decode(desk.ask(BOB, query(left=0)))[b"interval"] == 120
    assert decode(desk.ask(CAROL, query("carol", left=1)))[b"interval"] == 20


def test_who_is_there_is_told_with_his_addresses() -> None:
    desk = open_desk()
    desk.ask(BOB, query(left=3))
    desk.ask(BOB, query(left=3), "2001:db8::7")
    (presence,) = desk.tracker.swarm_of(SHARE)
    assert (presence.user, presence.left) == ("bob", 3)
    assert presence.hosts == ("198.51.100.7", "2001:db8::7")
    assert desk.tracker.swarm_of("no such share") == ()
