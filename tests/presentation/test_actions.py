from __future__ import annotations

import msgspec
import pytest

from tests.api.samples import DOWNLOAD, SHARE
from tuishare.api.messages import DownloadAction, DownloadState, ShareAction, ShareState
from tuishare.presentation.actions import (
    Action,
    announce_action,
    download_actions,
    report_action,
    share_actions,
)

EVERY: tuple[Action, ...] = (*ShareAction, *DownloadAction)


@pytest.mark.parametrize("action", EVERY)
def test_every_action_names_what_it_is_about(action: Action) -> None:
    assert "“x”" in announce_action(action, "“x”")
    assert announce_action(action, "“x”").endswith("…")
    assert "“x”" in report_action(action, "“x”")
    assert report_action(action, "“x”").endswith(".")


def test_actions_are_told_apart() -> None:
    for words in (announce_action, report_action):
        for kind in (ShareAction, DownloadAction):
            assert len({words(action, "x") for action in kind}) == len(kind)


def test_the_same_action_has_the_same_words_for_both() -> None:
    assert (
        announce_action(ShareAction.PAUSE, "x") == announce_action(DownloadAction.PAUSE, "x") == "Pausing x …"
    )
    assert report_action(ShareAction.PAUSE, "x") == report_action(DownloadAction.PAUSE, "x") == "Paused x."


@pytest.mark.parametrize("state", ShareState)
def test_a_share_offers_what_its_agent_accepts(state: ShareState) -> None:
    offered = set(share_actions(msgspec.structs.replace(SHARE, state=state)))
    is_busy = state in {ShareState.SETTLING, ShareState.HASHING, ShareState.SEALING}
    assert ({ShareAction.AGAIN, ShareAction.FORGET, ShareAction.DELETE} <= offered) is not is_busy
    assert (ShareAction.PAUSE in offered) is (state is ShareState.SEEDING)
    assert (ShareAction.RESUME in offered) is (state in {ShareState.PAUSED, ShareState.PROBLEM})
    assert not is_busy or not offered


@pytest.mark.parametrize("state", DownloadState)
def test_a_download_offers_what_its_agent_accepts(state: DownloadState) -> None:
    offered = set(download_actions(msgspec.structs.replace(DOWNLOAD, state=state)))
    waits, is_stopped = state is DownloadState.WAITING, state in {DownloadState.PAUSED, DownloadState.PROBLEM}
    is_begun = state not in {DownloadState.LOCKED, DownloadState.REJECTED, DownloadState.WAITING}
    assert ({DownloadAction.APPROVE, DownloadAction.REJECT} <= offered) is waits
    assert (DownloadAction.DELETE in offered) is is_begun
    assert (DownloadAction.FORGET in offered) is (is_begun or state is DownloadState.REJECTED)
    assert (DownloadAction.PAUSE in offered) is (is_begun and not is_stopped)
    assert (DownloadAction.RESUME in offered) is is_stopped
    assert state is not DownloadState.LOCKED or not offered


def test_an_entry_of_a_drop_folder_offers_nothing() -> None:
    assert not set(share_actions(msgspec.structs.replace(SHARE, generation=0)))
