"""Applies alerts to the torrent table and publishes events.

Owns the effect of each alert on a torrent's entry, and which events are published. Must not ask libtorrent for anything
but a refresh of progress.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias, assert_never

from tuishare.swarm.alerts import AlertsDropped, HashFailed, TorrentChecked, Updated
from tuishare.swarm.event_bus import Subscribers
from tuishare.swarm.events import (
    Completed,
    ContactRefused,
    EngineEvent,
    Failed,
    FalseData,
    PeerRefused,
    Progress,
    Progressed,
    TrackerFailed,
)
from tuishare.swarm.torrent_table import TorrentTable

EngineUpdate: TypeAlias = TorrentChecked | HashFailed | Updated | AlertsDropped | EngineEvent

MAX_FAILED_PIECES: Final = 3
"""Failed pieces in a row that count as false data. After a single one libtorrent bans its sender, and other peers may
send the rest."""

_log = logging.getLogger(__name__)


class EventPublisher:
    """Updates the torrent table and publishes events to subscribers.

    Args:
        refresh: requests the progress of all changed torrents from libtorrent.
    """

    def __init__(self, table: TorrentTable, subscribers: Subscribers, refresh: Callable[[], None]) -> None:
        self._table = table
        self._subscribers = subscribers
        self._refresh = refresh

    def apply(self, update: EngineUpdate) -> None:
        """Apply one engine event to the torrent table."""
        match update:
            case TorrentChecked():
                if member := self._table.find(update.info_hash):
                    member.checked.set()
            case Updated():
                for progress in update.progress:
                    self._update(progress)
            case HashFailed():
                if member := self._table.find(update.info_hash):
                    member.failed_pieces += 1
                    member.has_new_failure = True
                    if member.latest:
                        member.latest = replace(member.latest, failed_pieces=member.failed_pieces)
            case (
                Completed()
                | Failed()
                | FalseData()
                | PeerRefused()
                | TrackerFailed()
                | Progressed()
                | ContactRefused()
            ):
                self._publish(update)
            case AlertsDropped():
                _log.warning("libtorrent dropped alerts: too many at once")
            case _ as never:
                assert_never(never)

    def _update(self, progress: Progress) -> None:
        if member := self._table.find(progress.info_hash):
            if member.failure:
                progress = replace(progress, state="failed")
            if progress.done > member.most_done:
                # The order of failed and good pieces since the last update is unknown; the last one may have failed.
                member.most_done, member.failed_pieces = progress.done, int(member.has_new_failure)
            member.has_new_failure = False
            progress = replace(progress, failed_pieces=member.failed_pieces)
            member.latest = progress
            self._publish(Progressed(progress.info_hash, progress))
            if member.failed_pieces >= MAX_FAILED_PIECES:
                member.failed_pieces = 0
                self._publish(FalseData(progress.info_hash))

    def _publish(self, event: EngineEvent) -> None:
        member = self._table.find(event.info_hash)
        if member is None:
            return
        if isinstance(event, Failed):
            member.fail(event.info_hash, event.reason, event.errno)
        elif isinstance(event, Completed):
            if member.spec.complete:
                return
            member.complete(event.info_hash)
            self._refresh()
        self._subscribers.publish(event)
