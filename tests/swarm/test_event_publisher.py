"""Reports become records and events."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.swarm.shares import Share
from tuishare.swarm import Completed, Failed, FalseData, Progress
from tuishare.swarm.alerts import HashFailed, TorrentChecked, Updated
from tuishare.swarm.event_bus import Subscribers
from tuishare.swarm.event_publisher import EventPublisher
from tuishare.swarm.events import EngineEvent
from tuishare.swarm.torrent_table import TorrentEntry, TorrentTable


class Told(Subscribers):
    """Subscribers that keep every event."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[EngineEvent] = []

    def publish(self, event: EngineEvent) -> None:
        self.events.append(event)


@pytest.fixture
def member(share: Share) -> TorrentEntry:
    """A download's record."""
    return TorrentEntry(replace(share.seeding(), complete=False), len(share.data), 32, ())


def _event_publisher(share: Share, member: TorrentEntry) -> tuple[EventPublisher, Told]:
    table, told = TorrentTable(), Told()
    table.add(share.info_hash, member)
    return EventPublisher(table, told, lambda: None), told


def _progress(share: Share) -> Progress:
    return Progress(share.info_hash, "paused", 0, len(share.data), 0.0, 0, 0, 0, 0, 0, 0)


def test_a_failure_stays_though_libtorrent_has_forgotten_it(share: Share, member: TorrentEntry) -> None:
    event_publisher, _ = _event_publisher(share, member)
    event_publisher.apply(Failed(share.info_hash, "No space left on device"))
    event_publisher.apply(Updated((_progress(share),)))
    assert member.progress(share.info_hash).state == "failed"
    member.failure = ""
    event_publisher.apply(Updated((_progress(share),)))
    assert member.progress(share.info_hash).state == "paused"


def test_completion_counts_at_once_and_is_told_of_downloads_only(share: Share, member: TorrentEntry) -> None:
    event_publisher, told = _event_publisher(share, member)
    event_publisher.apply(Completed(share.info_hash))
    assert member.progress(share.info_hash).done == len(share.data)
    member.spec = replace(member.spec, complete=True)
    event_publisher.apply(Completed(share.info_hash))
    assert told.events == [Completed(share.info_hash)]


def test_a_check_ends_the_wait_for_it(share: Share, member: TorrentEntry) -> None:
    event_publisher, _ = _event_publisher(share, member)
    event_publisher.apply(TorrentChecked(share.info_hash))
    assert member.checked.is_set()


def test_what_is_said_about_torrents_that_are_gone_is_not_told(share: Share, member: TorrentEntry) -> None:
    table, told = TorrentTable(), Told()
    event_publisher = EventPublisher(table, told, lambda: None)
    for news in (
        TorrentChecked(share.info_hash),
        Failed(share.info_hash, "gone"),
        Updated((_progress(share),)),
    ):
        event_publisher.apply(news)
    assert told.events == []


def _spoil(event_publisher: EventPublisher, share: Share, *, times: int, done: int) -> None:
    """Let pieces fail; then numbers come."""
    for _ in range(times):
        event_publisher.apply(HashFailed(share.info_hash))
    event_publisher.apply(Updated((replace(_progress(share), state="downloading", done=done),)))


def test_pieces_that_fail_one_after_the_other_are_false_data(share: Share, member: TorrentEntry) -> None:
    event_publisher, told = _event_publisher(share, member)
    _spoil(event_publisher, share, times=0, done=50_000)
    for number in range(2):
        _spoil(event_publisher, share, times=1, done=40_000 + number)
        assert member.progress(share.info_hash).failed_pieces == number + 1
        assert FalseData(share.info_hash) not in told.events
    _spoil(event_publisher, share, times=1, done=50_000)
    assert told.events.count(FalseData(share.info_hash)) == 1
    _spoil(event_publisher, share, times=0, done=50_000)
    assert told.events.count(FalseData(share.info_hash)) == 1


def test_pieces_that_fail_while_others_arrive_are_not(share: Share, member: TorrentEntry) -> None:
    event_publisher, told = _event_publisher(share, member)
    for number in range(1, 9):
        _spoil(event_publisher, share, times=5, done=number * 50_000)
        assert member.progress(share.info_hash).failed_pieces == 1  # it may have been the last that came
    _spoil(event_publisher, share, times=0, done=500_000)
    assert member.progress(share.info_hash).failed_pieces == 0
    event_publisher.apply(HashFailed(share.info_hash))
    assert member.progress(share.info_hash).failed_pieces == 1  # though no numbers may follow
    assert FalseData(share.info_hash) not in told.events
