"""Conflicts: two downloads of one torrent from different senders; the engine can be in one of their swarms only.

Owns the rule: a torrent that is here already stays with its first sender unless the user decides otherwise, and that
sender does not exclude the other permanently. Each share of tuishare has a salt, so one of the two senders has copied
the torrent, and it is unknown which one. Must not begin or end a download: `tuishare.agent.downloads.admission` and
`tuishare.agent.downloads.queue` do.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from tuishare.agent.downloads import transitions
from tuishare.agent.downloads.quotas import describe_cost
from tuishare.agent.downloads.repository import DownloadRepository
from tuishare.agent.state.store import Store
from tuishare.core.records import DownloadRecord, DownloadStep

Downloads = Mapping[str, DownloadRecord]
_log = logging.getLogger(__name__)


class TorrentClaims:
    """Decides which of several downloads of one torrent has its swarm; the repository's lock is held by the callers."""

    def __init__(self, repository: DownloadRepository, store: Store) -> None:
        self._repository = repository
        self._store = store

    async def take(self, record: DownloadRecord) -> list[DownloadRecord]:
        """Give a download the swarm of its torrent; return the others of that torrent, which rest now."""
        others = find_conflicts(record, self._repository.downloads)
        for other in others:
            _log.info(
                "%r from %s rests: the torrent is taken from %s", other.name, other.sender, record.sender
            )
            # What the engine knew of its files is not true of the other's.
            await self._repository.leave_swarm(other)
            await self._repository.save(yield_swarm(other, record))
        for other in list(self._repository.downloads.values()):
            if other.info_hash == record.info_hash and other.step is DownloadStep.WAITING:
                await self._repository.save(warn_of(other, record))
        return others

    async def claim(self, record: DownloadRecord) -> DownloadRecord | None:
        """Return a download as it is without a conflict; None while another one has the swarm, for which it rests."""
        if holder := holder_of(record, self._repository.downloads):
            if (rests := yield_swarm(record, holder)) != self._repository.downloads.get(record.id):
                await self._repository.save(rests)
            return None
        if not record.conflict:
            return record
        # What the engine remembers of the torrent belongs to the files of the other.
        await self._store.change(lambda database: database.forget_resume(record.info_hash))
        return await self._repository.save(transitions.clear_conflict(record))


def find_conflicts(record: DownloadRecord, downloads: Downloads) -> list[DownloadRecord]:
    """Return the admitted downloads of the same torrent; the one that has the swarm comes first."""
    same = (other for other in downloads.values() if other.info_hash == record.info_hash)
    admitted = [other for other in same if other.id != record.id and other.step is not DownloadStep.WAITING]
    return sorted(admitted, key=lambda other: holder_of(other, downloads) is not None)


def holder_of(record: DownloadRecord, downloads: Downloads) -> DownloadRecord | None:
    """Return the download that has the swarm of this one, or None when there is no such conflict."""
    holder = downloads.get(record.conflict)
    if holder is None or holder.info_hash != record.info_hash or holder.step is DownloadStep.WAITING:
        return None
    return holder


def describe_conflict(record: DownloadRecord, other: DownloadRecord, *, salted: bool) -> str:
    """Return why the later one of two waits; `salted`: whether the torrent has a salt, so that one is a copy."""
    copied = "; one of the two has copied it from the other" if salted else ""
    return f"{record.sender} sends the torrent that {other.sender} sent first, as “{other.name}”{copied}"


def describe_choice(record: DownloadRecord, other: DownloadRecord) -> str:
    """Return what approving the later one of two does."""
    return (
        f"Ask {record.sender}. If you approve it, it is downloaded from {record.sender} and the one from {other.sender}"
        " rests; if you reject it, nothing changes."
    )


def hold_back(
    record: DownloadRecord, downloads: Downloads, reason: str, hint: str, *, salted: bool
) -> DownloadRecord:
    """Return a download as it waits for a person, with all that the person has to know.

    Args:
        record: of the download.
        downloads: all others.
        reason: why it waits; empty where another download of the same torrent is the only reason.
        hint: what can be done about that.
        salted: see `describe_conflict`.
    """
    reasons, hints, conflict = [reason], [hint], ""
    for other in find_conflicts(record, downloads)[:1]:
        reasons.append(describe_conflict(record, other, salted=salted))
        hints.append(describe_choice(record, other))
        conflict = "" if reason else other.id
    reasons.append(describe_cost(record))
    problem, hint = "; ".join(filter(None, reasons)), " ".join(filter(None, hints))
    return transitions.hold(record, problem, hint, conflict=conflict)


def warn_of(record: DownloadRecord, begun: DownloadRecord) -> DownloadRecord:
    """Return a download that waits for a person, after another one of the same torrent has begun."""
    problem = f"{record.problem}; {begun.sender} has sent the same torrent, which is already being downloaded"
    return replace(record, problem=problem, hint=f"{record.hint} {describe_choice(record, begun)}")


def yield_swarm(record: DownloadRecord, holder: DownloadRecord) -> DownloadRecord:
    """Return a download as it rests while another one of the same torrent has the swarm."""
    return transitions.yield_to(record, holder.id, *describe_rest(record, holder))


def describe_rest(record: DownloadRecord, holder: DownloadRecord) -> tuple[str, str]:
    """Return why a download rests while another one has the swarm, and what ends that."""
    what = "seeded" if record.step is DownloadStep.COMPLETE else "downloaded"
    return (
        f"It is not {what} now: you chose the same torrent from {holder.sender} instead of {record.sender}",
        f"Forget “{holder.name}” from {holder.sender} to continue it.",
    )
