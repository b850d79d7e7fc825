"""Several recipients of one sender ask for different pieces first."""

from __future__ import annotations

import random
from pathlib import Path

from tests.swarm.conftest import StartEngine
from tests.swarm.shares import at, completed, make_share
from tests.waiting import wait_until
from tuishare.swarm.piece_priorities import create_peer_id, rank_pieces
from tuishare.swarm.settings import FINGERPRINT


def _members(number: int) -> set[bytes]:
    draw = random.Random(7)
    return {draw.randbytes(20) for _ in range(number)}


def _parts(count: int, everybody: set[bytes]) -> dict[bytes, list[int]]:
    """The priorities that each member works out for itself."""
    return {member: rank_pieces(count, member, everybody - {member}) for member in everybody}


def test_each_piece_is_preferred_by_exactly_one() -> None:
    for number in (2, 3, 5):
        parts = _parts(700, _members(number))
        assert all(sorted(ranks) == [1] * (number - 1) + [3] for ranks in zip(*parts.values(), strict=True))


def test_nobody_is_left_with_nearly_everything() -> None:
    for ranks in _parts(2560, _members(4)).values():
        assert 0.15 < ranks.count(3) / 2560 < 0.35


def test_who_leaves_gives_its_part_away_and_nothing_else_moves() -> None:
    """Views differ for a moment: as few pieces as possible may change hands."""
    everybody = _members(4)
    remaining = everybody - {min(everybody)}
    before, after = _parts(500, everybody), _parts(500, remaining)
    for member in remaining:
        assert all(new == 3 for old, new in zip(before[member], after[member], strict=True) if old == 3)


def test_without_rivals_no_piece_is_preferred() -> None:
    assert rank_pieces(3, b"me", ()) == [4, 4, 4]


def test_peer_ids_say_what_we_are_and_differ() -> None:
    first, second = create_peer_id(FINGERPRINT), create_peer_id(FINGERPRINT)
    assert first != second
    assert first.startswith(FINGERPRINT)
    assert len(first.encode()) == len(second.encode()) == 20


async def test_an_engine_has_one_name_for_all_its_connections(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    """Whoever calls whom: by it each recipient finds out the same parts."""
    alice, bob = await start_engine(), await start_engine()
    there, back = (make_share(tmp_path / name, seed=len(name)) for name in ("a", "bc"))
    await alice.add(there.seeding())
    await bob.add(back.seeding())
    await completed(bob, there.downloading(tmp_path / "b", at(alice)))
    await completed(alice, back.downloading(tmp_path / "c", at(bob)))
    names = {peer.peer_id for share in (there, back) for peer in await alice.peers(share.info_hash)}
    assert len(names) == 1
    assert bob._session is not None
    assert names == {bob._session.native.get_settings()["peer_fingerprint"].encode()}


async def test_two_recipients_divide_the_pieces_and_both_finish(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    share = make_share(tmp_path / "alice", size=4 << 20)
    alice = await start_engine(upload_limit=1_500_000)
    bob, carol = await start_engine(), await start_engine()
    await alice.add(share.seeding())
    await bob.add(share.downloading(tmp_path / "bob", at(alice), at(carol)))
    await carol.add(share.downloading(tmp_path / "carol", at(alice), at(bob)))
    handles = [engine._table.handle(share.info_hash) for engine in (bob, carol)]

    def divided() -> bool:
        """Whether each piece is preferred by one of them, and by one only."""
        ours, theirs = (handle.get_piece_priorities() for handle in handles)
        return all({one, other} == {1, 3} for one, other in zip(ours, theirs, strict=True))

    await wait_until(divided)
    for engine in (bob, carol):
        await wait_until(lambda here=engine: here.progress(share.info_hash).done == len(share.data))  # type: ignore[misc]
    sent = alice.progress(share.info_hash).uploaded
    assert sent < 1.6 * len(share.data)


async def test_a_member_that_leaves_does_not_keep_its_part_from_the_others(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    share = make_share(tmp_path / "alice", size=4 << 20)
    alice = await start_engine(upload_limit=1_500_000)
    bob, carol = await start_engine(), await start_engine()
    await alice.add(share.seeding())
    await bob.add(share.downloading(tmp_path / "bob", at(alice), at(carol)))
    await carol.add(share.downloading(tmp_path / "carol", at(alice), at(bob)))
    handle = bob._table.handle(share.info_hash)
    await wait_until(lambda: set(handle.get_piece_priorities()) == {1, 3})
    await carol.remove(share.info_hash)
    await wait_until(lambda: set(handle.get_piece_priorities()) == {4})
    await wait_until(lambda: bob.progress(share.info_hash).done == len(share.data))
