"""The difference between two snapshots, and a snapshot with a difference applied.

Owns both directions, so that agent and client agree. Pure: no clock, no I/O. The order of entries is not
transmitted: a changed entry keeps its place and a new one is last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from tuishare.api.messages import (
    ACTIVITY_SHOWN,
    Activity,
    Changes,
    Download,
    Link,
    Share,
    Snapshot,
    Status,
)

E = TypeVar("E", Share, Download, Link)


def diff(before: Snapshot, after: Snapshot) -> Changes | None:
    """Return what has changed.

    Returns:
        The changes, or None if only the agent's clock moved.
    """
    shares_before = {share.id: share for share in before.shares}
    downloads_before = {download.id: download for download in before.downloads}
    links_before = {link.user: link for link in before.links}
    changes = Changes(
        status=None if _without_clock(before.status) == _without_clock(after.status) else after.status,
        shares=tuple(share for share in after.shares if shares_before.get(share.id) != share),
        shares_removed=tuple(shares_before.keys() - {share.id for share in after.shares}),
        downloads=tuple(item for item in after.downloads if downloads_before.get(item.id) != item),
        downloads_removed=tuple(downloads_before.keys() - {item.id for item in after.downloads}),
        people=None if before.people == after.people else after.people,
        links=tuple(link for link in after.links if links_before.get(link.user) != link),
        links_removed=tuple(links_before.keys() - {link.user for link in after.links}),
        activity=_since(before.activity, after.activity),
    )
    return None if changes == Changes() else changes


def apply(snapshot: Snapshot, changes: Changes) -> Snapshot:
    """Return a snapshot with changes applied."""
    return Snapshot(
        status=changes.status or snapshot.status,
        shares=_merge(snapshot.shares, changes.shares, changes.shares_removed, _id),
        downloads=_merge(snapshot.downloads, changes.downloads, changes.downloads_removed, _id),
        people=changes.people or snapshot.people,
        links=_merge(snapshot.links, changes.links, changes.links_removed, lambda link: link.user),
        activity=(changes.activity + snapshot.activity)[:ACTIVITY_SHOWN],
    )


def _id(entry: Share | Download) -> str:
    return entry.id


def _merge(
    old: tuple[E, ...], new: tuple[E, ...], removed: Iterable[str], key: Callable[[E], str]
) -> tuple[E, ...]:
    merged: dict[str, E] = {key(entry): entry for entry in old}
    merged.update((key(entry), entry) for entry in new)
    for gone in removed:
        merged.pop(gone, None)
    return tuple(merged.values())


def _since(known: tuple[Activity, ...], now: tuple[Activity, ...]) -> tuple[Activity, ...]:
    """Return the entries after the newest known one; both newest first."""
    last = known[0].id if known else 0
    return tuple(event for event in now if event.id > last)


def _without_clock(status: Status) -> Status:
    return msgspec.structs.replace(status, now=0)
