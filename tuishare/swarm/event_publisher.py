"""What libtorrent says about torrents, kept in their records and told to whoever follows.

Owns what each report means for a record, and which events are worth telling. Must not ask libtorrent for anything but
fresh numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias, assert_never

from tuishare.swarm.alerts import AlertsDropped, Spoilt, TorrentChecked, Updated
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

EngineUpdate: TypeAlias = TorrentChecked | Spoilt | Updated | AlertsDropped | EngineEvent

SPOILT_PIECES: Final = 3
"""In a row: then what comes is false. One is not enough: libtorrent bans who sent it, and others may send the rest."""

_log = logging.getLogger(__name__)


class EventPublisher:
    """Where reports about torrents arrive.

    Args:
        refresh: asks libtorrent for the numbers of whatever changed.
    """

    def __init__(self, table: TorrentTable, audience: Subscribers, refresh: Callable[[], None]) -> None:
        self._table = table
        self._audience = audience
        self._refresh = refresh

    def apply(self, news: EngineUpdate) -> None:
        """Take in one report."""
        match news:
            case TorrentChecked():
                if member := self._table.find(news.info_hash):
                    member.checked.set()
            case Updated():
                for progress in news.progress:
                    self._update(progress)
            case Spoilt():
                if member := self._table.find(news.info_hash):
                    member.spoilt += 1
                    member.just_spoilt = True
                    if member.latest:
                        member.latest = replace(member.latest, spoilt=member.spoilt)
            case (
                Completed()
                | Failed()
                | FalseData()
                | PeerRefused()
                | TrackerFailed()
                | Progressed()
                | ContactRefused()
            ):
                self._publish(news)
            case AlertsDropped():
                _log.warning("libtorrent dropped reports: too many at once")
            case _ as never:
                assert_never(never)

    def _update(self, progress: Progress) -> None:
        if member := self._table.find(progress.info_hash):
            if member.failure and progress.state == "paused":
                # It was renewed since, and libtorrent has forgotten why it waits.
                progress = replace(progress, state="failed")
            if progress.done > member.most_done:
                # In which order pieces failed and passed since the last update is not known; the last may have failed.
                member.most_done, member.spoilt = progress.done, int(member.just_spoilt)
            member.just_spoilt = False
            progress = replace(progress, spoilt=member.spoilt)
            member.latest = progress
            self._publish(Progressed(progress.info_hash, progress))
            if member.spoilt >= SPOILT_PIECES:
                member.spoilt = 0
                self._publish(FalseData(progress.info_hash))

    def _publish(self, event: EngineEvent) -> None:
        member = self._table.find(event.info_hash)
        if member is None:
            return
        if isinstance(event, Failed):
            member.fail(event.info_hash, event.reason, event.errno)
        elif isinstance(event, Completed):
            if member.assignment.complete:
                return
            member.complete(event.info_hash)
            self._refresh()
        self._audience.tell(event)
