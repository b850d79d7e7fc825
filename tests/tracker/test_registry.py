"""Who is present and who is told of whom."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracker.announces import ALICE, WIRE
from tuishare.tracker import SeedAddress, TrackerLimits
from tuishare.tracker.peers import AnnounceEvent, AnnounceRequest, AnnounceResponse
from tuishare.tracker.registry import Registry

LIMITS = TrackerLimits()
LAN, NET, NET6 = "192.168.1.7", "198.51.100.7", "2001:db8::7"


def _registry(*seeds: SeedAddress, limits: TrackerLimits = LIMITS) -> Registry:
    return Registry(seeds, limits)


def _say(
    registry: Registry,
    user: str,
    host: str = NET,
    *,
    now: float = 0.0,
    port: int = 6_881,
    left: int = 1,
    peer: str = "",
    event: AnnounceEvent = "",
    wanted: int | None = None,
    info_hash: bytes = WIRE,
) -> AnnounceResponse:
    peer_id = f"{peer or user:_<20}".encode()
    announce = AnnounceRequest(info_hash, peer_id, port, left, event=event, wanted=wanted)
    return registry.announce(user, announce, ip_address(host), now)


def _hosts(answer: AnnounceResponse) -> set[str]:
    return {f"{peer.host}:{peer.port}" for peer in answer.peers}


def test_members_learn_of_each_other_at_once_and_never_of_themselves() -> None:
    registry = _registry()
    assert _hosts(_say(registry, "bob")) == set()
    assert _hosts(_say(registry, "carol", NET6)) == {f"{NET}:6881"}
    assert _hosts(_say(registry, "bob")) == {f"{NET6}:6881"}


def test_the_seed_is_always_listed() -> None:
    registry = _registry(ALICE)
    for wanted, left in ((None, 1), (0, 1), (5, 0)):
        assert _hosts(_say(registry, "bob", wanted=wanted, left=left)) == {"192.0.2.1:50007"}
    assert _say(registry, "bob", left=0).complete == 2


@pytest.mark.parametrize("port", [0, 1])
def test_nobody_is_told_of_a_port_where_nothing_listens(port: int) -> None:
    registry = _registry()
    assert _say(registry, "bob", port=port).incomplete == 1
    answer = _say(registry, "carol")
    assert answer.peers == ()
    assert answer.incomplete == 2


def test_addresses_on_loopback_are_for_peers_on_loopback() -> None:
    registry = _registry(SeedAddress(ip_address("::1"), 1), SeedAddress(ip_address("127.0.0.1"), 2))
    _say(registry, "bob", "127.0.0.1")
    assert _hosts(_say(registry, "carol", NET)) == set()
    assert _hosts(_say(registry, "dave", "::1")) == {"127.0.0.1:6881", f"{NET}:6881", "::1:1", "127.0.0.1:2"}


def test_private_addresses_are_told_as_they_are() -> None:
    registry = _registry()
    _say(registry, "bob", LAN)
    assert _hosts(_say(registry, "carol")) == {f"{LAN}:6881"}


def test_a_peer_on_both_families_is_told_with_both() -> None:
    registry = _registry()
    _say(registry, "bob", NET)
    _say(registry, "bob", NET6, port=6_882)
    answer = _say(registry, "carol", NET6)
    assert _hosts(answer) == {f"{NET}:6881", f"{NET6}:6882"}
    assert answer.incomplete == 2


def test_a_peer_that_moves_leaves_its_old_address() -> None:
    registry = _registry()
    _say(registry, "bob", NET)
    _say(registry, "bob", LAN)
    assert _hosts(_say(registry, "carol")) == {f"{LAN}:6881"}


def test_seeds_are_not_told_of_seeds() -> None:
    registry = _registry()
    _say(registry, "bob", left=0)
    assert _hosts(_say(registry, "carol", left=0)) == set()
    assert _hosts(_say(registry, "dave", left=5)) == {f"{NET}:6881"}


def test_swarms_of_one_share_are_kept_apart() -> None:
    registry = _registry()
    _say(registry, "bob", info_hash=b"1" * 20)
    assert _hosts(_say(registry, "carol", info_hash=b"2" * 20)) == set()


def test_stopped_means_gone() -> None:
    registry = _registry(ALICE)
    _say(registry, "bob")
    assert _say(registry, "bob", event="stopped").peers == ()
    assert registry.present(0.0) == ()


def test_silence_means_gone_after_two_missed_announces() -> None:
    registry = _registry()
    interval = _say(registry, "bob").interval
    assert [presence.user for presence in registry.present(2.0 * interval)] == ["bob"]
    assert registry.present(LIMITS.expiry_for(interval) + 1) == ()


def test_an_address_is_forgotten_when_nothing_comes_from_there_any_more() -> None:
    registry = _registry()
    _say(registry, "bob", NET, now=0)
    for now in range(0, 200, 20):
        _say(registry, "bob", NET6, now=now)
    assert _hosts(_say(registry, "carol", now=200)) == {f"{NET6}:6881"}


def test_a_client_that_starts_again_is_not_there_twice() -> None:
    registry = _registry()
    _say(registry, "bob", peer="first")
    _say(registry, "bob", peer="second")
    _say(registry, "carol", peer="carol")
    assert [presence.peer_id[:6] for presence in registry.present(0.0)] == [b"second", b"carol_"]


def test_nobody_can_take_anothers_place() -> None:
    """Neither with his peer id nor from his address."""
    registry = _registry()
    _say(registry, "bob", peer="bob")
    _say(registry, "mallory", peer="bob", port=1)
    _say(registry, "mallory", peer="bob", event="stopped")
    _say(registry, "mallory", peer="other")
    assert f"{NET}:6881" in _hosts(_say(registry, "carol", LAN))
    assert sorted(presence.user for presence in registry.present(0.0)) == ["bob", "carol", "mallory"]


def test_peers_of_one_user_are_bounded() -> None:
    registry = _registry(limits=TrackerLimits(peers_per_user=3))
    _say(registry, "carol", port=7_000)
    for number in range(10):
        _say(registry, "bob", peer=f"bob{number}", port=8_000 + number)
    _say(registry, "bob", peer="bob7", port=8_007)
    _say(registry, "bob", peer="bob10", port=8_010)
    assert [presence.peer_id.rstrip(b"_").decode() for presence in registry.present(0.0)] == [
        "carol",
        "bob9",
        "bob7",
        "bob10",
    ]


@pytest.mark.parametrize(("wanted", "told"), [(None, 5), (0, 0), (3, 3), (1_000_000, 7)])
def test_answers_are_bounded(wanted: int | None, told: int) -> None:
    registry = _registry(limits=TrackerLimits(peers_per_answer=5, most_per_answer=7))
    for number in range(20):
        _say(registry, f"user{number}", port=8_000 + number)
    assert len(_say(registry, "bob", wanted=wanted).peers) == told


def test_who_is_shut_out_is_told_of_to_nobody() -> None:
    registry = _registry()
    for user in ("bob", "mallory"):
        _say(registry, user, LAN if user == "bob" else NET)
    registry.keep({"bob", "carol"}, {WIRE})
    assert _hosts(_say(registry, "carol")) == {f"{LAN}:6881"}
    registry.keep({"bob", "carol"}, {b"another swarm"})
    assert registry.present(0.0) == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from("bcde"),
            st.sampled_from((NET, NET6, LAN, "127.0.0.1", "::1")),
            st.integers(0, 5),
            st.integers(0, 1),
            st.sampled_from(("", "stopped", "completed")),
            st.floats(0, 100),
        ),
        max_size=30,
    )
)
def test_only_what_was_announced_lately_is_ever_told(
    story: list[tuple[str, str, int, int, AnnounceEvent, float]],
) -> None:
    """Whatever happens: an address in an answer was announced, by another peer, not longer ago than it may."""
    registry, announced, now = _registry(), dict[str, float](), 0.0
    for user, host, port, left, event, passed in story:
        now += passed
        answer = _say(registry, user, host, port=port, left=left, event=event, now=now)
        announced[f"{host}:{port}"] = now
        for peer in answer.peers:
            assert peer.port
            assert now - announced[f"{peer.host}:{peer.port}"] <= LIMITS.expiry_for(120) + 1
            assert ip_address(host).is_loopback or not peer.host.is_loopback
            assert peer.peer_id != f"{user:_<20}".encode()
