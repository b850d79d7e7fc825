"""What libtorrent says about torrents, kept in their records and told to whoever follows.

Owns what each report means for a record, and which events are worth telling. Must not ask libtorrent for anything but
fresh numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias, assert_never

from tuishare.swarm.events import (
    Completed,
    ContactRefused,
    Event,
    Failed,
    PeerRefused,
    Progress,
    Progressed,
    TrackerFailed,
)
from tuishare.swarm.membership import Roster
from tuishare.swarm.notices import Checked, Dropped, Updated
from tuishare.swarm.subscription import Audience

News: TypeAlias = Checked | Updated | Dropped | Event

_log = logging.getLogger(__name__)


class Newsroom:
    """Where reports about torrents arrive.

    Args:
        refresh: asks libtorrent for the numbers of whatever changed.
    """

    def __init__(self, roster: Roster, audience: Audience, refresh: Callable[[], None]) -> None:
        self._roster = roster
        self._audience = audience
        self._refresh = refresh

    def note(self, news: News) -> None:
        """Take in one report."""
        match news:
            case Checked():
                if member := self._roster.find(news.info_hash):
                    member.checked.set()
            case Updated():
                for progress in news.progress:
                    self._update(progress)
            case Completed() | Failed() | PeerRefused() | TrackerFailed() | Progressed() | ContactRefused():
                self._publish(news)
            case Dropped():
                _log.warning("libtorrent dropped reports: too many at once")
            case _ as never:
                assert_never(never)

    def _update(self, progress: Progress) -> None:
        if member := self._roster.find(progress.info_hash):
            if member.failure and progress.state == "paused":
                # It was renewed since, and libtorrent has forgotten why it waits.
                progress = replace(progress, state="failed")
            member.latest = progress
            self._publish(Progressed(progress.info_hash, progress))

    def _publish(self, event: Event) -> None:
        member = self._roster.find(event.info_hash)
        if member is None:
            return
        if isinstance(event, Failed):
            member.fail(event.info_hash, event.reason)
        elif isinstance(event, Completed):
            if member.assignment.complete:
                return
            member.complete(event.info_hash)
            self._refresh()
        self._audience.tell(event)
