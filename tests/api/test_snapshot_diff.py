from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.api.samples import ACTIVITY, DOWNLOAD, NOW, PEOPLE, SHARE, SNAPSHOT, STATUS
from tuishare.api.codec import decode_event, encode
from tuishare.api.messages import (
    ACTIVITY_SHOWN,
    Activity,
    Changes,
    DownloadId,
    Link,
    People,
    ShareId,
    Snapshot,
)
from tuishare.api.snapshot_diff import apply, diff

IDS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2), max_size=6)


def happened(*numbers: int) -> tuple[Activity, ...]:
    return tuple(msgspec.structs.replace(ACTIVITY, id=number) for number in numbers)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    return Snapshot(
        status=msgspec.structs.replace(STATUS, rate_up=draw(st.integers(0, 1)), now=NOW),
        shares=tuple(
            msgspec.structs.replace(SHARE, id=ShareId(key), peers=peers) for key, peers in draw(IDS).items()
        ),
        downloads=tuple(
            msgspec.structs.replace(DOWNLOAD, id=DownloadId(key), peers=peers)
            for key, peers in draw(IDS).items()
        ),
        links=tuple(Link(user=key, waiting=waiting) for key, waiting in draw(IDS).items()),
        people=draw(st.sampled_from((PEOPLE, People(card="other")))),
    )


def content(snapshot: Snapshot) -> tuple[object, ...]:
    entries = (snapshot.shares, snapshot.downloads, snapshot.links)
    return snapshot.status, *map(frozenset, entries), snapshot.people


@given(snapshots(), snapshots())
def test_a_difference_applied_gives_the_new_snapshot(before: Snapshot, after: Snapshot) -> None:
    changes = diff(before, after)
    if changes is None:
        assert content(before) == content(after)
        return
    carried = decode_event(encode(changes))
    assert isinstance(carried, Changes)
    assert content(apply(before, carried)) == content(after)


@given(snapshots(), snapshots())
def test_a_difference_names_nothing_that_stayed_the_same(before: Snapshot, after: Snapshot) -> None:
    changes = diff(before, after) or Changes()
    assert not set(changes.shares) & set(before.shares)
    assert not set(changes.downloads) & set(before.downloads)
    assert not set(changes.links) & set(before.links)


def test_the_clock_alone_is_no_difference() -> None:
    later = msgspec.structs.replace(STATUS, now=NOW + 5)
    assert diff(SNAPSHOT, msgspec.structs.replace(SNAPSHOT, status=later)) is None


def test_an_altered_entry_keeps_its_place() -> None:
    first, second = SHARE, msgspec.structs.replace(SHARE, id=ShareId("a2"))
    before = msgspec.structs.replace(SNAPSHOT, shares=(first, second))
    changed = msgspec.structs.replace(first, peers=9)
    new = msgspec.structs.replace(SHARE, id=ShareId("a0"))
    assert apply(before, Changes(shares=(new, changed))).shares == (changed, second, new)


def test_removing_what_is_not_there_is_harmless() -> None:
    assert apply(SNAPSHOT, Changes(shares_removed=(ShareId("zz"),))) == SNAPSHOT


def test_only_what_happened_since_is_carried() -> None:
    before = msgspec.structs.replace(SNAPSHOT, activity=happened(5, 3))
    after = msgspec.structs.replace(SNAPSHOT, activity=happened(9, 7, 5, 3))
    changes = diff(before, after)
    assert changes == Changes(activity=happened(9, 7))
    assert apply(before, changes) == after


def test_no_more_than_is_shown_is_kept_of_what_happened() -> None:
    before = msgspec.structs.replace(SNAPSHOT, activity=happened(*range(ACTIVITY_SHOWN, 0, -1)))
    newest = happened(ACTIVITY_SHOWN + 1)
    kept = apply(before, Changes(activity=newest)).activity
    assert kept == newest + before.activity[:-1]
