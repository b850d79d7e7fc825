from __future__ import annotations

import msgspec
import pytest

from tests.api.samples import STATUS
from tests.tui.people import BOB, CAROL, DAN
from tuishare.api.messages import ActivityKind, DownloadState, FolderState, PollReason, ShareState
from tuishare.presentation.states import (
    FolderRole,
    describe_reachability,
    describe_transport,
    describe_trust,
    explain_folder_role,
    explain_folder_state,
    find_tls_problem,
    name_activity,
    name_download_state,
    name_folder_state,
    name_share_state,
)


@pytest.mark.parametrize(
    ("words", "longest"),
    [
        ([name_share_state(state) for state in ShareState], 14),
        ([name_download_state(state) for state in DownloadState], 14),
        ([name_activity(kind) for kind in ActivityKind], 14),
        ([name_folder_state(state) for state in FolderState], 14),
        ([explain_folder_state(state) for state in FolderState], 80),
        ([explain_folder_state(FolderState.POLLING, reason) for reason in PollReason], 80),
        ([explain_folder_role(role) for role in FolderRole], 90),
    ],
)
def test_members_are_told_apart_in_few_words(words: list[str], longest: int) -> None:
    assert len(set(words)) == len(words)
    assert all(0 < len(word) <= longest for word in words)


def test_approval_is_one_word_as_a_state_and_as_an_event() -> None:
    assert name_download_state(DownloadState.WAITING) == name_activity(ActivityKind.APPROVAL)


def test_trust() -> None:
    assert [describe_trust(user) for user in (BOB, CAROL, DAN)] == ["not verified", "verified", "shared key"]


@pytest.mark.parametrize(
    ("reachable", "words"), [(True, "reachable"), (False, "not reachable"), (None, "unknown")]
)
def test_reachability(reachable: bool | None, words: str) -> None:
    assert describe_reachability(reachable) == words


@pytest.mark.parametrize(
    ("tls_ready", "no_resumption", "problem"),
    [(True, True, ""), (False, True, "no TLS"), (False, False, "no TLS"), (True, False, "TLS tickets")],
)
def test_tls_problems(tls_ready: bool, no_resumption: bool, problem: str) -> None:
    status = msgspec.structs.replace(STATUS, tls_ready=tls_ready, no_resumption=no_resumption)
    assert find_tls_problem(status) == problem


def test_a_plain_swarm_is_called_not_encrypted() -> None:
    assert describe_transport("tls") == "TLS"
    assert describe_transport("plain") == "plain, not encrypted"
