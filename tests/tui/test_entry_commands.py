from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tests.api.samples import DOWNLOAD, SHARE
from tests.tui.fakes import FakeAgent
from tuishare.api.messages import DownloadAction, DownloadState, Folder, FolderState, ShareAction, ShareState
from tuishare.presentation.row_models import AgentFolder
from tuishare.presentation.states import FolderRole
from tuishare.tui.entry_commands import (
    Command,
    FolderCommand,
    announce,
    name_action,
    offer_for_download,
    offer_for_folder,
    offer_for_share,
    send,
)

SHARES = {state: msgspec.structs.replace(SHARE, state=state) for state in ShareState}
DOWNLOADS = {state: msgspec.structs.replace(DOWNLOAD, state=state) for state in DownloadState}


def test_an_entry_that_is_no_share_yet_takes_nothing() -> None:
    refused = msgspec.structs.replace(SHARES[ShareState.PROBLEM], generation=0)
    assert offer_for_share(refused) == {}


def every_offer() -> list[Mapping[str, Command]]:
    return [*map(offer_for_share, SHARES.values()), *map(offer_for_download, DOWNLOADS.values())]


def test_every_state_is_considered_and_every_action_offered_somewhere() -> None:
    offers = every_offer()
    assert len(offers) == len(ShareState) + len(DownloadState)
    assert set().union(*offers) == set(map(str, ShareAction)) | set(map(str, DownloadAction))


async def test_a_command_is_sent_to_what_it_is_about_and_announced_by_name() -> None:
    for offer in every_offer():
        for word, command in offer.items():
            agent = FakeAgent()
            await send(agent, command)
            assert not isinstance(command, FolderCommand)
            assert agent.orders == [(command.entry.id, command.action)]
            assert name_action(command) == word
            assert f"“{command.entry.name}”" in announce((command,))


async def test_only_a_drop_folder_can_be_removed() -> None:
    folder = Folder(path="/drop", state=FolderState.WATCHING, users=("bob",), waiting=0)
    command = offer_for_folder(AgentFolder(FolderRole.DROP, "/drop", folder))["remove"]
    agent = FakeAgent()
    await send(agent, command)
    assert agent.calls == [("remove_drop", "/drop")]
    assert announce((command,)) == "Removing the drop folder “/drop” …"
    assert offer_for_folder(AgentFolder(FolderRole.INBOX, "/inbox")) == {}


def test_several_are_counted() -> None:
    command = offer_for_share(SHARE)["pause"]
    assert announce((command, command, command)) == "Pausing 3 entries …"


def test_hostile_and_long_names_are_told_safely() -> None:
    share = msgspec.structs.replace(SHARE, name="{}\x1b[31m{0}\u202e" + "x" * 300 + ".exe")
    words = announce((offer_for_share(share)["pause"],))
    assert not {"\x1b", "\u202e"} & set(words)
    assert "{}" in words
    assert words.endswith("x.exe” …")
    assert len(words) < 80
