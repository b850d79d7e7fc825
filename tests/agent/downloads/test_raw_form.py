"""The raw form: whoever has the key of a user that may send it counts as that user, and as nobody else."""

from __future__ import annotations

import filecmp
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.agent_pairs import KEY, NAME, rejected, running, shown
from tests.agent.homes import Home, fill, opened
from tests.swarm.shares import connect
from tests.waiting import wait_until
from tuishare.agent.downloads.envelope_reader import open_raw_form
from tuishare.api.messages import DownloadAction, DownloadState
from tuishare.core.opened_envelope import Trust
from tuishare.envelope import Damaged, NotForUs, seal_raw
from tuishare.errors import Refused
from tuishare.people import User, UserBook
from tuishare.swarm import Endpoint, TorrentSpec
from tuishare.torrents import make_torrent, parse_torrent, walk

CAROL = User("carol", key=KEY, accept_raw=True)
DAVE = User("dave", key=bytes(range(32, 64)), accept_raw=True)
BOOK = UserBook((DAVE, CAROL))
TRACKER = "http://tracker.example.org:6969/announce"


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    return fill(tmp_path / "film.mkv", 300_000)


def raw(payload: Path, *trackers: str, key: bytes = KEY, version: int = 1) -> bytes:
    announce = tuple((url,) for url in trackers)
    return seal_raw(make_torrent(walk(payload), version=version, announce=announce), key)  # type: ignore[arg-type]


def test_the_sender_is_whose_key_opens_it(payload: Path) -> None:
    received = open_raw_form(raw(payload), BOOK, trackers=())
    assert (received.sender, received.trust) == ("carol", Trust.VERIFIED)
    assert (received.torrent.name, received.manifest.transport) == ("film.mkv", "plain")
    assert received.credentials is None
    assert received.manifest.contacts == ()
    assert received.trackers == ()


def test_the_same_torrent_by_somebody_else_is_another_download(payload: Path) -> None:
    first, second = (
        open_raw_form(raw(payload, key=key), BOOK, trackers=()) for key in (KEY, DAVE.key or b"")
    )
    assert first.manifest.share_id == second.manifest.share_id
    assert first.signer != second.signer
    assert KEY not in first.signer + first.manifest.share_id


def test_only_who_may_send_it_can(payload: Path) -> None:
    with pytest.raises(Damaged):
        open_raw_form(raw(payload), UserBook((replace(CAROL, accept_raw=False),)), trackers=())
    with pytest.raises(NotForUs):
        open_raw_form(raw(payload), UserBook((replace(CAROL, accept_raw=False), DAVE)), trackers=())
    with pytest.raises(Damaged):
        open_raw_form(b"", BOOK, trackers=())


def test_a_changed_file_is_not_opened(payload: Path) -> None:
    data = bytearray(raw(payload))
    data[-20] ^= 1
    with pytest.raises(NotForUs):
        open_raw_form(bytes(data), BOOK, trackers=())


@pytest.mark.parametrize(
    ("listed", "taken"),
    [
        ([], False),
        (["tracker.example.org"], True),
        (["Tracker.Example.org:6969"], True),
        (["tracker.example.org:80"], False),
        (["example.org"], False),
        (["other.example.org"], False),
    ],
)
def test_only_trackers_of_the_settings_may_be_named(payload: Path, listed: list[str], taken: bool) -> None:
    if taken:
        assert open_raw_form(raw(payload, TRACKER), BOOK, trackers=listed).trackers == ((TRACKER, ""),)
    else:
        with pytest.raises(Refused, match="tracker that is not configured here"):
            open_raw_form(raw(payload, TRACKER), BOOK, trackers=listed)


def test_one_foreign_tracker_among_known_ones_is_refused(payload: Path) -> None:
    with pytest.raises(Refused, match="tracker"):
        open_raw_form(
            raw(payload, TRACKER, "udp://evil.example.com:1/announce"), BOOK, trackers=["tracker.example.org"]
        )


@pytest.mark.parametrize("content", [b"", b"de", b"d4:infod4:name2:..ee"])
def test_what_is_no_torrent_is_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        open_raw_form(seal_raw(content, KEY), BOOK, trackers=())


async def test_the_raw_form_is_delivered_and_a_removed_one_does_not_come_back(
    alice: Home, bob: Home, payload: Path
) -> None:
    bob.know(CAROL)
    bob.configure(network={"listen": "127.0.0.1:0", "listen_plain": "127.0.0.1:0", "share_addresses": False})
    torrent = make_torrent(walk(payload), version=1)
    async with opened(alice) as context, running(bob) as agent:
        await context.engine.add(TorrentSpec(torrent, payload.parent, "plain", None, complete=True))
        (bob.inbox / NAME).write_bytes(seal_raw(torrent, KEY))
        await shown(agent, DownloadState.DOWNLOADING)
        port = agent._context.engine.listening["plain"]
        connect(context.engine, parse_torrent(torrent).info_hash, Endpoint("127.0.0.1", port))
        download = await shown(agent, DownloadState.COMPLETE)
        assert download.sender == "carol"
        assert filecmp.cmp(bob.downloads / "carol" / "film.mkv", payload, shallow=False)
        await agent.service.order_download(download.id, DownloadAction.DELETE)
        (bob.inbox / NAME).write_bytes(seal_raw(torrent, KEY))
        assert "received before" in await rejected(bob)
        assert not (bob.downloads / "carol" / "film.mkv").exists()


async def test_without_somebody_who_may_send_it_nothing_comes_of_it(bob: Home, payload: Path) -> None:
    bob.know(replace(CAROL, accept_raw=False))
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(raw(payload))
        assert "not an intact envelope" in await rejected(bob)
        assert agent._context.engine.all_progress() == {}
        assert os.listdir(bob.downloads) == []


async def test_it_is_tried_again_when_its_sender_may_send_it(bob: Home, payload: Path) -> None:
    bob.know(DAVE)
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(raw(payload))
        await shown(agent, DownloadState.LOCKED)
        bob.know(DAVE, CAROL)
        await wait_until(lambda: [item.sender for item in agent.view.downloads()] == ["carol"])
