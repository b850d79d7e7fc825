"""Look-ups among all shares, and that their cost does not grow with the number of shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.homes import Home, fill, opened, share_of
from tests.agent.share_pipelines import publishing_at
from tuishare.agent.shares.entry_handlers import StandaloneHandler
from tuishare.agent.shares.share_index import ShareIndex
from tuishare.agent.startup import make_sharing
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.people import UserBook, load_book


def record(share_id: str, *, fingerprint: str = "", envelope: str = "", added: int = 1) -> ShareRecord:
    share = ShareRecord(share_id, f"/drop/{share_id}", share_id, ("bob",), "tls", added, b"secret")
    return replace(share, fingerprint=fingerprint, envelope=envelope)


def ids(shares: list[ShareRecord]) -> list[str]:
    return [share.id for share in shares]


def test_a_share_is_found_by_what_it_is_now_and_not_by_what_it_was() -> None:
    index = ShareIndex()
    shares = index.shares
    index.fill([record("a", fingerprint="p:1", envelope="a.e"), record("b", fingerprint="q:1")])
    index.put(record("c", fingerprint="p:2", envelope="a.e", added=0))
    assert (ids(index.of_payload("p:3")), ids(index.of_payload("q:3"))) == (["c", "a"], ["b"])
    assert (list(index.envelopes), list(shares)) == (["a.e"], ["a", "b", "c"])

    index.put(record("a", fingerprint="q:2", envelope="b.e"))
    assert (ids(index.of_payload("p:3")), ids(index.of_payload("q:3"))) == (["c"], ["a", "b"])
    assert (set(index.envelopes), list(shares)) == ({"a.e", "b.e"}, ["a", "b", "c"])

    assert (ids(index.in_folder("/drop")), index.in_folder("/")) == (["c", "a", "b"], [])
    index.put(replace(record("b"), path="/drop/a"))
    index.discard("c")
    index.discard("unknown")
    assert (index.of_payload("p:3"), ids(index.of_payload("q:3")), list(index.envelopes)) == (
        [],
        ["a"],
        ["b.e"],
    )
    assert (index.at("/drop/a"), index.at("/drop/b"), index.at("/drop/c")) == (shares["b"], None, None)
    index.discard("a")  # whose path is that of another share now
    assert (index.at("/drop/a"), list(index.envelopes)) == (shares["b"], [])

    index.fill([record("d")])
    assert (list(shares), index.at("/drop/a"), index.at("/drop/d")) == (["d"], None, shares["d"])
    index.put(replace(record("d"), path="/other/d"))
    assert (index.in_folder("/drop"), ids(index.in_folder("/other"))) == ([], ["d"])


@pytest.mark.parametrize("fingerprint", ["", "p"])
def test_fingerprints_without_a_lasting_part_equal_none(fingerprint: str) -> None:
    index = ShareIndex()
    index.fill([record("a", fingerprint=fingerprint), record("b", fingerprint="p:1")])
    assert index.of_payload(fingerprint) == []
    assert ids(index.of_payload("p:2")) == ["b"]


class CountedShares(Mapping[str, ShareRecord]):
    """The shares by id; counts how often all of them are looked at."""

    listings = 0

    def __init__(self, shares: Mapping[str, ShareRecord]) -> None:
        self._shares = shares

    def __getitem__(self, share_id: str) -> ShareRecord:
        return self._shares[share_id]

    def __len__(self) -> int:
        return len(self._shares)

    def __iter__(self) -> Iterator[str]:
        CountedShares.listings += 1
        return iter(self._shares)


async def test_a_scan_for_standalone_shares_looks_at_those_of_its_folder(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the scans of as many folders cost the square of the number of shares."""
    async with opened(alice) as context:
        sharing = make_sharing(context)
        path = fill(alice.places.files / "x")
        await sharing.repository.save(share_of(path))
        await sharing.repository.save(gone := replace(share_of(path), path=str(path.with_name("gone"))))
        handler = StandaloneHandler(path.parent, sharing._needs)
        monkeypatch.setattr(CountedShares, "listings", 0)
        monkeypatch.setattr(ShareIndex, "shares", property(lambda index: CountedShares(index._shares)))
        await handler.listed([path.name])
        steps = [sharing.repository.get(share.id).step for share in sharing.repository.in_folder(path.parent)]
        assert sorted(steps) == [ShareStep.HASHING, ShareStep.WITHDRAWN]
        assert (sharing.repository.get(gone.id).step, CountedShares.listings) == (ShareStep.WITHDRAWN, 0)


async def test_a_share_is_taken_in_and_renamed_without_a_look_at_all_others_or_all_users(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the cost of a share grows with the number of shares, and with that of users."""
    path = fill(alice.drop / "x")
    books: list[UserBook] = []

    def read(place: Path) -> UserBook:
        books.append(load_book(place))
        return books[-1]

    monkeypatch.setattr("tuishare.agent.live.load_book", read)
    monkeypatch.setattr(CountedShares, "listings", 0)
    async with publishing_at(alice) as press:
        monkeypatch.setattr(ShareIndex, "shares", property(lambda index: CountedShares(index._shares)))
        await press.accept(path)
        first = await press.until(path, ShareStep.SEEDING)
        await press.accept(path.rename(alice.drop / "y"))
        renamed = await press.until(alice.drop / "y", ShareStep.SEEDING, generation=2)
        assert (renamed.id, CountedShares.listings, len(books)) == (first.id, 0, 1)
