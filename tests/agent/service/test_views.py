"""Records and live numbers as clients see them."""

from __future__ import annotations

import os
from dataclasses import replace

import msgspec
import pytest

from tests.agent.agent_pairs import NAME, running, shown
from tests.agent.homes import Home, fill, seal_for, share_of
from tests.waiting import wait_until
from tuishare.agent.downloads import commands as download_commands
from tuishare.agent.service import views
from tuishare.agent.shares.pipeline import Hashing
from tuishare.api.messages import DownloadState, ShareState, User, UserKind
from tuishare.core.records import DownloadRecord, DownloadStep, ShareRecord, ShareStep
from tuishare.presentation import actions
from tuishare.swarm import Progress
from tuishare.torrents import InfoHash

HASH = InfoHash("cd" * 32)
SHARE = ShareRecord(
    id="ab" * 16, path="/drop/x", name="x", recipients=("bob",), transport="tls", added=5, secret=b"the secret",
    step=ShareStep.SEEDING, size=1000, files=3, info_hash=HASH, root_key=b"the root key", leaf_key=b"the leaf key",
)  # fmt: skip
DOWNLOAD = DownloadRecord(
    id="x", envelope=NAME, added=6, step=DownloadStep.DOWNLOADING, sender="alice", name="x", size=1000, files=3,
    info_hash=HASH, staging="/downloads/in", leaf_key=b"the leaf key",
)  # fmt: skip
HALF = Progress(
    HASH, "downloading", done=500, total=1000, fraction=0.5, rate_up=7, rate_down=100, uploaded=70, downloaded=500,
    peers=2, seeds=1,
)  # fmt: skip


def test_a_seeding_share_is_shown_with_its_live_numbers() -> None:
    shown = views._share(SHARE, views._SHARE_STATES[SHARE.step], {HASH: HALF}, None)
    assert (shown.state, shown.progress, shown.rate_up, shown.uploaded, shown.peers) == (
        ShareState.SEEDING,
        1.0,
        7,
        70,
        2,
    )
    assert (shown.size, shown.files, shown.added, shown.recipients) == (1000, 3, 5, ("bob",))


def test_a_share_that_is_hashed_shows_how_far() -> None:
    hashing = replace(SHARE, step=ShareStep.HASHING, info_hash="")
    assert views._share(hashing, views._SHARE_STATES[hashing.step], {}, Hashing(250, 1000)).progress == 0.25
    assert views._share(hashing, views._SHARE_STATES[hashing.step], {}, Hashing(0, 0)).progress == 0.0
    assert views._share(hashing, views._SHARE_STATES[hashing.step], {}, None).progress == 0.0


@pytest.mark.parametrize(
    ("step", "progress", "state", "fraction", "eta"),
    [
        (DownloadStep.DOWNLOADING, None, DownloadState.DOWNLOADING, 0.0, None),
        (DownloadStep.DOWNLOADING, HALF, DownloadState.DOWNLOADING, 0.5, 5),
        (DownloadStep.DOWNLOADING, replace(HALF, rate_down=0), DownloadState.DOWNLOADING, 0.5, None),
        (DownloadStep.DOWNLOADING, replace(HALF, state="checking"), DownloadState.CHECKING, 0.5, 5),
        (DownloadStep.DELIVERING, None, DownloadState.DOWNLOADING, 1.0, None),
        (DownloadStep.COMPLETE, replace(HALF, state="checking"), DownloadState.COMPLETE, 1.0, None),
        (DownloadStep.WAITING, None, DownloadState.WAITING, 0.0, None),
        (DownloadStep.PROBLEM, None, DownloadState.PROBLEM, 0.0, None),
    ],
)
def test_how_far_a_download_is(
    step: DownloadStep, progress: Progress | None, state: DownloadState, fraction: float, eta: int | None
) -> None:
    shown = views._download(replace(DOWNLOAD, step=step), progress, None)
    assert (shown.state, shown.progress, shown.eta) == (state, fraction, eta)


def test_what_was_changed_here_is_no_problem_but_said() -> None:
    complete = replace(DOWNLOAD, step=DownloadStep.COMPLETE)
    shown = views._download(complete, None, None, altered=True)
    assert (shown.state, "changed" in shown.detail) == (DownloadState.COMPLETE, True)
    assert views._download(complete, None, None).detail == ""


def test_whose_a_download_is_and_what_he_says_of_it() -> None:
    alice = User(name="alice", kind=UserKind.CARD, fingerprint="F", words="W", verified=True)
    record = replace(DOWNLOAD, generation=3, note="the cut", not_after=99)
    shown = views._download(record, None, alice)
    assert (shown.generation, shown.note, shown.not_after) == (3, "the cut", 99)
    assert (shown.fingerprint, shown.verified) == ("F", True)
    nobody = views._download(record, None, None)
    assert (nobody.fingerprint, nobody.verified) == ("", False)


async def test_only_who_signed_lends_a_download_his_fingerprint(alice: Home, bob: Home) -> None:
    """A name may be given to somebody else; approving goes by what is shown."""
    share = share_of(fill(alice.drop / "x"), note="the cut", not_after=2**32)
    envelope = seal_for(alice, share, bob.user())
    bob.know(replace(alice.user(), verified=False))
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(envelope)
        waiting = await shown(agent, DownloadState.WAITING)
        card = alice.identity.card("alice").fingerprint.base32
        assert (waiting.fingerprint, waiting.verified, waiting.generation) == (card, False, 1)
        assert (waiting.note, waiting.not_after) == ("the cut", 2**32)
        bob.know(replace(bob.user(), name="alice"))
        await agent.service.reload()
        await wait_until(lambda: [each.fingerprint for each in agent.view.downloads()] == [""])


def test_every_step_of_a_download_is_shown_as_something() -> None:
    assert set(views._DOWNLOAD_STATES) == set(DownloadStep)


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("step", DownloadStep)
def test_the_dashboard_offers_a_choice_of_files_where_the_agent_takes_one(
    step: DownloadStep, paused: bool
) -> None:
    path = "/downloads/alice/x" if step.has_all_data else ""
    record = replace(DOWNLOAD, step=step, paused=paused, path=path)
    progress = None if step.has_all_data else HALF
    assert actions.can_choose(views._download(record, progress, None)) == download_commands.can_choose(record)


def test_no_secret_is_in_what_clients_see() -> None:
    """T13: clients log and show what they get."""
    sent = msgspec.json.encode(
        [
            views._share(SHARE, views._SHARE_STATES[SHARE.step], {}, None),
            views._download(DOWNLOAD, None, None),
        ]
    )
    assert b"key" not in sent
    assert b"secret" not in sent


async def test_everything_a_hostile_name_reaches_can_be_sent(alice: Home, bob: Home) -> None:
    """T14"""
    name = os.fsdecode(b"\xff\xfe")
    fill(alice.drop / name)
    (alice.inbox / f"{name}.torrent.encrypted").write_bytes(b"x")
    async with running(alice) as agent:
        await shown(agent, DownloadState.REJECTED)
        await wait_until(lambda: [share.state for share in agent.view.shares()] == [ShareState.PROBLEM])
        assert "\N{REPLACEMENT CHARACTER}" in msgspec.json.encode(agent.view.snapshot()).decode()


async def test_an_entry_is_one_row_whatever_state_it_is_in(alice: Home, bob: Home) -> None:
    async with running(alice) as agent:
        fill(alice.drop / "x")
        rows: list[int] = []

        def seeding() -> bool:
            rows.append(len(agent.view.shares()))
            return [share.state for share in agent.view.shares()] == [ShareState.SEEDING]

        await wait_until(seeding)
        assert max(rows) == 1
