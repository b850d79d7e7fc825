"""What is turned away from the inbox: whatever an attacker may put there."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.agent_pairs import NAME, rejected, running, shown
from tests.agent.homes import Home, fill, make_home, seal_for, seal_manifest, share_of
from tests.waiting import wait_until
from tuishare.agent.downloads import envelope_reader, rejected_files
from tuishare.agent.downloads.envelope_reader import bounds_of
from tuishare.agent.downloads.rejected_files import REASON_SUFFIX, REJECTED, REMEMBERED
from tuishare.api.messages import DownloadAction, DownloadState, FolderState
from tuishare.core.opened_envelope import SignedEnvelope, Trust
from tuishare.core.records import ShareRecord
from tuishare.envelope import MAX_SIZE
from tuishare.errors import NotFound, Refused, SystemFailed
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.people import name_key
from tuishare.torrents import DEFAULT_LIMITS, UNVERIFIED_LIMITS, TorrentLimits


@pytest.fixture
def share(alice: Home) -> ShareRecord:
    return share_of(fill(alice.drop / "x"))


@pytest.fixture
def envelope(alice: Home, bob: Home, share: ShareRecord) -> bytes:
    return seal_for(alice, share, bob.user())


async def test_an_envelope_by_an_unknown_key_waits_and_fetches_nothing_until_its_signer_is_known(
    alice: Home, bob: Home, mallory: Home, share: ShareRecord
) -> None:
    """T1, T2: who knows Bob's card can write to them; a card that comes later opens what waits."""
    bob.configure(inbox={"waiting_per_sender": 1})
    data = seal_for(mallory, share, bob.user())
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(data)
        waits = await shown(agent, DownloadState.LOCKED)
        assert waits.detail == f"Waits: it was signed by the unknown key {name_key(mallory.identity.signer)}"
        assert "card is added" in waits.hint
        (bob.inbox / f"other{ENVELOPE_SUFFIX}").write_bytes(
            seal_for(mallory, replace(share, id="1" * 32), bob.user())
        )
        said = await rejected(bob, f"other{ENVELOPE_SUFFIX}")
        assert "1 such encrypted torrents by that key are in the inbox already" in said
        assert agent._context.engine.all_progress() == {}
        assert await agent._context.store.run(lambda database: database.downloads()) == []
        assert (bob.inbox / NAME).read_bytes() == data
        bob.know(alice.user(), mallory.user(verified=False))
        await wait_until(lambda: DownloadState.WAITING in {one.state for one in agent.view.downloads()})
    bob.know(alice.user())
    async with running(bob) as agent:
        bob.know(alice.user(), mallory.user())
        await shown(agent, DownloadState.DOWNLOADING)


DAMAGE: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "longer": ("1 bytes were added", lambda data: data + b"\0"),
    "flipped": ("not an intact", lambda data: data[:-40] + bytes([data[-40] ^ 1]) + data[-39:]),
    "page": ("web page", lambda _data: b"<html>404</html>"),
    "lines": ("line ends", lambda data: data.replace(b"\n", b"\r\n")),
}


async def test_a_damaged_envelope_is_turned_away_with_what_it_is(bob: Home, envelope: bytes) -> None:
    async with running(bob) as agent:
        for name, (_, damage) in DAMAGE.items():
            (bob.inbox / f"{name}{ENVELOPE_SUFFIX}").write_bytes(damage(envelope))
        for name, (said, _) in DAMAGE.items():
            assert said in await rejected(bob, f"{name}{ENVELOPE_SUFFIX}")
        assert agent._context.engine.all_progress() == {}


@pytest.mark.parametrize("part", ["", "half"])
async def test_what_is_not_whole_yet_waits_and_says_so(bob: Home, envelope: bytes, part: str) -> None:
    """A browser holds the name with an empty file; a program may close a file and write on."""
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(envelope[: len(envelope) // 2] if part else b"")
        waits = await shown(agent, DownloadState.LOCKED)
        assert ("not whole yet" if part else "empty") in waits.detail
        assert [problem.detail for problem in agent.view.status().problems if problem.id == "inbox"]
        (bob.inbox / NAME).write_bytes(envelope)
        await shown(agent, DownloadState.DOWNLOADING)
        assert not [problem for problem in agent.view.status().problems if problem.id == "inbox"]
    assert not (bob.inbox / REJECTED).exists()


async def test_an_envelope_is_known_by_its_content_and_other_files_are_left_alone(
    bob: Home, envelope: bytes
) -> None:
    async with running(bob) as agent:
        (bob.inbox / "x.torrent.encrypted.zip").write_bytes(b"PK\3\4" + bytes(40))
        (bob.inbox / "notes.txt").write_text("mine")
        (bob.inbox / "folder").mkdir()
        (bob.inbox / "link").symlink_to(bob.inbox / "notes.txt")
        (bob.inbox / "x.torrent.encrypted.part").write_bytes(envelope[:100])
        locked = await shown(agent, DownloadState.LOCKED)
        assert (locked.name, locked.detail) == ("x.torrent.encrypted.zip", "It is a ZIP archive")
        await wait_until(lambda: agent.view.status().inbox_others == 3)
        (bob.inbox / "x.torrent.encrypted.zip").unlink()
        (bob.inbox / "x.torrent (1).encrypted").write_bytes(envelope)
        await shown(agent, DownloadState.DOWNLOADING)
        await wait_until(lambda: agent._parts.inbox_monitor.unsettled == ())
        assert sorted(os.listdir(bob.inbox)) == [
            "folder", "link", "notes.txt", "x.torrent (1).encrypted", "x.torrent.encrypted.part"
        ]  # fmt: skip


@pytest.mark.parametrize("how", ["written", "moved"])
async def test_an_envelope_is_opened_the_moment_it_is_there(bob: Home, envelope: bytes, how: str) -> None:
    bob.configure(settle={"after_close": 60.0, "quiet": 60.0})
    async with running(bob) as agent:
        await wait_until(lambda: agent._parts.inbox_monitor.state is FolderState.WATCHING)
        path = bob.inbox / NAME if how == "written" else bob.places.files / NAME
        path.write_bytes(envelope)
        if how == "moved":
            path.rename(bob.inbox / NAME)
        await shown(agent, DownloadState.DOWNLOADING)


async def test_what_breaks_a_rule_names_it(alice: Home, bob: Home, share: ShareRecord) -> None:
    cases = {
        "expired": seal_manifest(alice, share, bob.user(), not_after=1),
        "torrent": seal_manifest(alice, share, bob.user(), torrent=b"d4:infodee"),
        "own": seal_for(bob, share, alice.user()),
    }
    async with running(bob):
        for word, data in cases.items():
            (bob.inbox / f"{word}{ENVELOPE_SUFFIX}").write_bytes(data)
        for word in cases:
            assert word in await rejected(bob, f"{word}{ENVELOPE_SUFFIX}")


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "large"])
async def test_what_is_no_file_is_turned_away_unread(
    bob: Home, envelope: bytes, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envelope_reader, "read_limited", None)  # whoever reads fails the test
    path, secret = bob.inbox / NAME, bob.places.files / "secret"
    async with running(bob):
        match kind:
            case "link":
                secret.write_bytes(envelope)
                path.symlink_to(secret)
            case "pipe":
                os.mkfifo(path)
            case "folder":
                path.mkdir()
            case _:
                with path.open("wb") as file:
                    file.truncate(MAX_SIZE + 1)
        said = await rejected(bob)
    assert "larger than an envelope" in said if kind == "large" else "not a link or a folder" in said
    if kind == "link":
        assert secret.read_bytes() == envelope


@pytest.mark.parametrize("suffix", [ENVELOPE_SUFFIX, ".bin"])
@pytest.mark.parametrize("name", ["\x1b[2Jx", "a\nb", "\u202egpj.exe", os.fsdecode(b"\xff")])
async def test_a_name_that_cannot_be_shown_ends_nothing(
    bob: Home, envelope: bytes, name: str, suffix: str
) -> None:
    """T14: neither the database nor a message takes bytes that are no text, and a log line is one line."""
    name += suffix
    async with running(bob) as agent:
        (bob.inbox / f"{name} torrent encrypted.zip").write_bytes(b"PK\3\4" + bytes(40))
        await wait_until(lambda: agent.view.status().inbox_others == 1)
        (bob.inbox / name).write_bytes(envelope)
        assert "cannot be shown" in await rejected(bob, name)
        assert (await shown(agent, DownloadState.REJECTED)).name.encode()


async def test_what_is_turned_away_never_overwrites_what_was(bob: Home) -> None:
    async with running(bob):
        for text in ("one", "two"):
            (bob.inbox / NAME).write_text(text)
            await wait_until(lambda: not (bob.inbox / NAME).exists())
    kept = {path.read_text() for path in (bob.inbox / REJECTED).iterdir() if REASON_SUFFIX not in path.name}
    assert kept == {"one", "two"}


async def test_a_replay_is_turned_away(alice: Home, bob: Home, share: ShareRecord, envelope: bytes) -> None:
    """T5"""
    async with running(bob) as agent:
        newer = seal_for(alice, replace(share, generation=2), bob.user())
        (bob.inbox / f"newer{ENVELOPE_SUFFIX}").write_bytes(newer)
        await shown(agent, DownloadState.DOWNLOADING)
        for data, name in ((envelope, "older"), (newer, "again")):
            (bob.inbox / f"{name}{ENVELOPE_SUFFIX}").write_bytes(data)
            assert "received before" in await rejected(bob, f"{name}{ENVELOPE_SUFFIX}")
        kept = await agent._context.store.run(lambda database: database.downloads())
        assert [record.generation for record in kept] == [2]


async def test_the_list_of_rejected_envelopes_is_bounded(bob: Home) -> None:
    """T1: an outsider may put any number of files there."""
    bob.configure(inbox={"envelopes_per_minute": 0})
    for number in range(REMEMBERED + 20):
        (bob.inbox / f"{number}{ENVELOPE_SUFFIX}").write_bytes(b"x")
    async with running(bob) as agent:
        await wait_until(lambda: len(os.listdir(bob.inbox)) == 1, seconds=30)
        await wait_until(lambda: agent._parts.inbox_monitor.unsettled == ())
        assert len(agent.view.downloads()) == REMEMBERED


async def test_what_was_rejected_can_be_forgotten_and_its_file_stays(bob: Home) -> None:
    """Also where its owner emptied the folder, so that another one came to have the same name."""
    async with running(bob) as agent:
        for _ in range(2):
            (bob.inbox / NAME).write_bytes(b"x")
            await rejected(bob)
            for path in (bob.inbox / REJECTED).iterdir():
                path.unlink()
        (bob.inbox / f"other{ENVELOPE_SUFFIX}").write_bytes(b"x")
        await rejected(bob, f"other{ENVELOPE_SUFFIX}")
        await wait_until(lambda: len(agent.view.downloads()) == 3)
        twice = agent.view.downloads()[0]
        with pytest.raises(NotFound):
            await agent.service.order_download(twice.id, DownloadAction.DELETE)
        revision = agent.view.changes().revision
        await agent.service.order_download(twice.id, DownloadAction.FORGET)
        assert agent.view.changes().revision > revision
        assert [download.name for download in agent.view.downloads()] == [f"other{ENVELOPE_SUFFIX}"]
        await agent.service.order_download(agent.view.downloads()[0].id, DownloadAction.FORGET)
        assert agent.view.downloads() == []
        with pytest.raises(NotFound):
            await agent.service.order_download(twice.id, DownloadAction.FORGET)
    assert f"other{ENVELOPE_SUFFIX}" in os.listdir(bob.inbox / REJECTED)


async def test_where_nothing_can_be_moved_the_agent_goes_on(bob: Home, envelope: bytes) -> None:
    (bob.inbox / REJECTED).write_text("in the way")
    async with running(bob) as agent:
        (bob.inbox / f"bad{ENVELOPE_SUFFIX}").write_bytes(b"x")
        await wait_until(lambda: agent._parts.inbox_monitor.unsettled != ())
        (bob.inbox / NAME).write_bytes(envelope)
        await shown(agent, DownloadState.DOWNLOADING)
    assert (bob.inbox / f"bad{ENVELOPE_SUFFIX}").exists()


async def test_an_attacker_among_the_recipients_is_a_stranger_like_any_other(
    alice: Home, bob: Home, share: ShareRecord
) -> None:
    """T3, seen from the inbox: he signs with his own key what Alice once sent him."""
    carol = make_home(alice.places.files.parent, "carol")
    bob.know(alice.user(), carol.user(verified=False))
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(seal_for(carol, share, bob.user()))
        assert (await shown(agent, DownloadState.WAITING)).sender == "carol"


async def test_a_reason_never_stands_alone(bob: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Path] = []

    def full(source: Path, target: Path) -> None:
        tried.append(target.with_name(target.name + REASON_SUFFIX))
        assert tried[-1].exists()  # it comes first, so that a crash leaves no riddle
        raise SystemFailed("The disk is full")

    monkeypatch.setattr(rejected_files, "move_into_place", full)
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(b"x")
        await wait_until(lambda: bool(tried) and not tried[0].exists())
        assert agent.view.downloads() == []
    assert (bob.inbox / NAME).exists()


@pytest.mark.parametrize(
    ("trust", "limits"),
    [
        (Trust.VERIFIED, DEFAULT_LIMITS),
        (Trust.UNVERIFIED, UNVERIFIED_LIMITS),
        (Trust.KEY_ONLY, UNVERIFIED_LIMITS),
        (Trust.UNKNOWN, None),
        (Trust.OURSELVES, None),
    ],
)
def test_how_much_is_read_of_what_somebody_signed(trust: Trust, limits: TorrentLimits | None) -> None:
    signed = SignedEnvelope("", bytes(32), trust, bytes(32))
    if limits is None:
        with pytest.raises(Refused):
            bounds_of(signed)
    else:
        assert bounds_of(signed) == limits
    assert UNVERIFIED_LIMITS != DEFAULT_LIMITS
