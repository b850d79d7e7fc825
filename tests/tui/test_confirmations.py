from __future__ import annotations

import msgspec
import pytest

from tests.api.samples import DOWNLOAD, SHARE
from tuishare.api.messages import (
    Delivery,
    DeliveryState,
    Download,
    DownloadAction,
    DownloadState,
    Folder,
    FolderState,
    Share,
    ShareAction,
    ShareState,
)
from tuishare.presentation.row_models import AgentFolder
from tuishare.presentation.states import FolderRole
from tuishare.tui.confirmations import Confirmation, confirm
from tuishare.tui.entry_commands import DownloadCommand, FolderCommand, ShareCommand

HOSTILE = "\x1b[2Jevil\u202egnp[red]\n" + "x" * 5000
DONE = msgspec.structs.replace(DOWNLOAD, state=DownloadState.COMPLETE, progress=1.0)


def ask(entry: Share | Download, action: ShareAction | DownloadAction) -> Confirmation:
    if isinstance(entry, Share):
        question = confirm((ShareCommand(entry, ShareAction(action)),))
    else:
        question = confirm((DownloadCommand(entry, DownloadAction(action)),))
    assert question is not None
    return question


GIVEN = msgspec.structs.replace(
    SHARE,
    deliveries=(
        Delivery(user="bob", state=DeliveryState.COMPLETE, progress=1.0),
        Delivery(user="carol", state=DeliveryState.REVOKED, progress=0.5),
    ),
)
GONE = msgspec.structs.replace(SHARE, state=ShareState.WITHDRAWN)


@pytest.mark.parametrize("action", sorted(set(ShareAction) - {ShareAction.DELETE, ShareAction.FORGET}))
def test_nothing_else_that_is_done_to_a_share_needs_a_question(action: ShareAction) -> None:
    assert confirm((ShareCommand(SHARE, action),)) is None


@pytest.mark.parametrize(
    "action", sorted(set(DownloadAction) - {DownloadAction.DELETE, DownloadAction.REJECT})
)
def test_nothing_is_lost_with_a_complete_download(action: DownloadAction) -> None:
    assert confirm((DownloadCommand(DONE, action),)) is None


@pytest.mark.parametrize("share", [GIVEN, GONE], ids=["all have it", "no longer served"])
def test_a_share_that_no_recipient_waits_for_is_forgotten_at_once(share: Share) -> None:
    assert confirm((ShareCommand(share, ShareAction.FORGET),)) is None


def test_forgetting_a_share_counts_who_is_cut_off() -> None:
    question = ask(SHARE, ShareAction.FORGET)
    assert question.yes == "Forget"
    assert question.consequence == "1 recipient can no longer get the rest. The files stay on this disk."


def test_several_shares_lose_no_files_when_forgotten() -> None:
    question = confirm([ShareCommand(share, ShareAction.FORGET) for share in (SHARE, GIVEN)])
    assert question is not None
    assert "The files stay" in question.consequence


def test_deleting_a_share_names_what_goes() -> None:
    question = ask(SHARE, ShareAction.DELETE)
    assert question.name == SHARE.name
    assert question.facts == ("1,204 files · 38.2 GB", SHARE.path)
    assert "deleted from this disk" in question.consequence


def test_deleting_a_download_names_what_goes() -> None:
    question = ask(DONE, DownloadAction.DELETE)
    assert question.facts == ("1 file · 1.2 MB · from bob", DOWNLOAD.path)
    assert "deleted from this disk" in question.consequence


@pytest.mark.parametrize("action", [DownloadAction.DELETE, DownloadAction.FORGET])
def test_what_is_not_complete_is_lost_either_way(action: DownloadAction) -> None:
    question = ask(DOWNLOAD, action)
    assert "so far (43 %) is discarded" in question.consequence
    assert DOWNLOAD.path not in question.facts


def test_what_was_rejected_is_forgotten_without_a_question() -> None:
    rejected = msgspec.structs.replace(DOWNLOAD, state=DownloadState.REJECTED, progress=0.0)
    assert confirm((DownloadCommand(rejected, DownloadAction.FORGET),)) is None


def test_rejecting_names_the_sender() -> None:
    waiting = msgspec.structs.replace(DOWNLOAD, state=DownloadState.WAITING, sender="")
    assert "an unknown sender" in ask(waiting, DownloadAction.REJECT).facts[0]
    assert "from bob" in ask(DOWNLOAD, DownloadAction.REJECT).facts[0]


def test_foreign_facts_are_safe_and_short() -> None:
    share = msgspec.structs.replace(SHARE, name=HOSTILE, path=HOSTILE)
    download = msgspec.structs.replace(DONE, name=HOSTILE, path=HOSTILE, sender=HOSTILE)
    for question in (ask(share, ShareAction.DELETE), ask(download, DownloadAction.DELETE)):
        for fact in question.facts:
            assert not {"\x1b", "\u202e", "\n"} & set(fact)
            assert len(fact) <= 112


def test_removing_a_folder_says_that_its_contents_stay() -> None:
    folder = Folder(path=HOSTILE, state=FolderState.WATCHING, users=("@crew\x1b",), waiting=0)
    question = confirm((FolderCommand(AgentFolder(FolderRole.DROP, folder.path, folder)),))
    assert question is not None
    assert question.facts == ("for @crew\ufffd",)
    assert "stay on disk" in question.consequence


def test_several_are_counted_and_listed() -> None:
    shares = [msgspec.structs.replace(SHARE, name=f"{n}{HOSTILE}") for n in range(9)]
    question = confirm([ShareCommand(share, ShareAction.DELETE) for share in shares])
    assert question is not None
    assert (question.title, question.name) == ("Delete 9 entries?", "9 entries")
    assert len(question.facts) == 7
    assert question.facts[-1] == "and 3 more"
    assert not {"\x1b", "\u202e", "\n"} & set("".join(question.facts))
    assert confirm([ShareCommand(share, ShareAction.PAUSE) for share in shares]) is None
