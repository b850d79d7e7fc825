"""Who stays when there is no room for all."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tuishare.net.addresses import Address
from tuishare.net.connection_slots import ConnectionSlot, ConnectionSlots, SlotLimits, blocks_of

_MEMBER = ip_address("198.51.100.7")


def _slots(
    *, connections: int = 6, each: int = 9, near: int = 9, far: int = 9, kept: int = 0
) -> ConnectionSlots:
    return ConnectionSlots(
        SlotLimits(connections, each, near, far, 1.0, kept, prefers=lambda host: host == _MEMBER)
    )


def _take(slots: ConnectionSlots, *hosts: str | Address) -> list[ConnectionSlot]:
    """Take slots that must be had; each leaves a mark when it has to go."""
    taken = []
    for host in hosts:
        slot = slots.take(ip_address(host))
        assert slot is not None
        taken.append(slot)
    return taken


def _stays(slots: ConnectionSlots, slot: ConnectionSlot) -> bool:
    return slot in slots._taken


@pytest.mark.parametrize(
    ("host", "blocks"),
    [
        ("203.0.113.9", ["203.0.113.9/32", "203.0.113.0/24", "203.0.0.0/16"]),
        ("2001:db8:1:2::3", ["2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8::/32"]),
    ],
)
def test_an_address_counts_for_three_prefixes(host: str, blocks: list[str]) -> None:
    version = ip_address(host).version
    widths = [int(block.partition("/")[2]) for block in blocks]
    length = ip_address(host).max_prefixlen
    numbers = [
        int(ip_address(block.partition("/")[0])) >> (length - width)
        for block, width in zip(blocks, widths, strict=True)
    ]
    assert list(blocks_of(ip_address(host))) == [
        (version, width, number) for width, number in zip(widths, numbers, strict=True)
    ]


@pytest.mark.parametrize(
    ("bound", "hosts"),
    [
        ("each", ["203.0.113.9", "203.0.113.9", "203.0.113.9"]),
        ("near", ["203.0.113.1", "203.0.113.2", "203.0.113.3"]),
        ("far", ["203.0.1.1", "203.0.2.2", "203.0.3.3"]),
        ("each", ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1::3"]),
        ("near", ["2001:db8:0:1::", "2001:db8:0:2::", "2001:db8:0:3::"]),
        ("far", ["2001:db8:1::", "2001:db8:2::", "2001:db8:3::"]),
    ],
)
def test_each_prefix_has_its_bound(bound: str, hosts: list[str]) -> None:
    slots = _slots(**{bound: 2})
    other, *held = _take(slots, "192.0.2.1", *hosts)
    assert [_stays(slots, slot) for slot in held] == [False, True, True]
    assert _stays(slots, other)


def test_strangers_leave_room_for_members() -> None:
    slots = _slots(kept=2)
    strangers = _take(slots, *(f"203.{number}.0.1" for number in range(6)))
    assert [_stays(slots, slot) for slot in strangers] == [False, False, True, True, True, True]
    _take(slots, _MEMBER, _MEMBER)
    assert all(_stays(slots, slot) for slot in strangers[2:])


def test_a_stranger_makes_room_for_a_member_and_no_member_for_a_stranger() -> None:
    slots = _slots(connections=2)
    (stranger,) = _take(slots, "203.0.113.9")
    first, second = _take(slots, _MEMBER, _MEMBER)
    assert not _stays(slots, stranger)
    assert slots.take(ip_address("203.0.113.9")) is None
    (third,) = _take(slots, _MEMBER)
    assert [_stays(slots, slot) for slot in (first, second, third)] == [False, True, True]


def test_who_has_proved_to_be_a_member_is_preferred_from_then_on() -> None:
    slots = _slots(connections=2)
    proven, _ = _take(slots, "203.0.113.9", "203.0.113.9")
    slots.prefer(proven)
    _take(slots, "192.0.2.1", "192.0.2.1")
    assert _stays(slots, proven)


def test_the_crowd_makes_room_for_a_lone_newcomer() -> None:
    slots = _slots(connections=6)
    lone, *flood = _take(slots, "192.0.2.1", *["203.0.113.9"] * 3, "198.18.0.1", "198.18.1.1")
    _take(slots, "192.0.2.200")
    assert [_stays(slots, slot) for slot in flood] == [False, True, True, True, True]
    assert _stays(slots, lone)


def test_who_has_said_nothing_goes_before_who_has_and_who_is_answered_stays() -> None:
    slots = _slots(each=3)
    first, second, third = _take(slots, *["203.0.113.9"] * 3)
    first.has_spoken = second.has_spoken = True
    _take(slots, "203.0.113.9")
    assert not _stays(slots, third)
    first.is_busy = True
    (fifth,) = _take(slots, "203.0.113.9")
    fifth.is_busy = True
    assert [_stays(slots, slot) for slot in (first, second)] == [True, True]
    second.is_busy = True
    assert slots.take(ip_address("203.0.113.9")) is None


def test_room_can_be_made_but_not_of_members() -> None:
    slots = _slots()
    (stranger,) = _take(slots, "203.0.113.9")
    _take(slots, _MEMBER)
    gone: list[str] = []
    stranger.close = lambda: gone.append("stranger")
    assert [slots.make_room(), slots.make_room()] == [True, False]
    assert gone == ["stranger"]


def test_nothing_is_kept_of_connections_that_have_ended() -> None:
    slots = _slots(kept=3)
    held = _take(slots, _MEMBER, "203.0.113.9", "2001:db8::1")
    slots.prefer(held[1])
    for slot in (*held, *held):
        slots.give_back(slot)
    assert (len(slots), slots._strangers, slots.counts) == (0, 0, {})


def test_strangers_go_before_members_who_have_more_company() -> None:
    slots = _slots(connections=4)
    *members, stranger = _take(slots, _MEMBER, _MEMBER, _MEMBER, "203.0.113.9")
    _take(slots, _MEMBER)
    assert [_stays(slots, slot) for slot in (*members, stranger)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("hosts", "leaves"),
    [
        (["192.0.2.1", "203.0.1.1", "203.0.2.1", "203.0.3.1"], 1),
        (["203.0.2.1", "203.0.1.1", "203.0.1.2"], 1),
        (["203.0.1.1", "203.0.1.2", "203.0.1.2"], 1),
        (["192.0.2.1", "192.0.2.1", "203.0.1.1", "203.0.2.1", "203.0.3.1"], 2),
    ],
    ids=["far", "near", "each", "the widest counts first"],
)
def test_the_most_crowded_prefix_makes_room(hosts: list[str], leaves: int) -> None:
    slots = _slots(connections=len(hosts))
    held = _take(slots, *hosts)
    _take(slots, "198.51.100.1")
    assert [_stays(slots, slot) for slot in held] == [number != leaves for number in range(len(hosts))]


def test_the_crowd_makes_room_for_a_lone_newcomer_also_once_it_has_spoken() -> None:
    slots = _slots(connections=3)
    lone, *flood = _take(slots, "192.0.2.1", "203.0.113.9", "203.0.113.9")
    for slot in flood:
        slot.has_spoken = True
    _take(slots, "198.51.100.1")
    assert [_stays(slots, slot) for slot in (lone, *flood)] == [True, False, True]


def test_who_has_left_before_proving_to_be_a_member_leaves_strangers_no_more_room() -> None:
    slots = _slots(connections=2, kept=1)
    (gone,) = _take(slots, "203.0.113.9")
    slots.give_back(gone)
    slots.prefer(gone)
    first, second = _take(slots, "203.0.1.1", "192.0.2.1")
    assert [_stays(slots, slot) for slot in (first, second)] == [False, True]
