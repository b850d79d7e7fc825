from __future__ import annotations

import msgspec
import pytest

from tests.api.samples import NOW
from tests.tui.widgets.test_panes import HAPPENED, TROUBLE, WHOLE, hostile
from tuishare.api.messages import FolderState
from tuishare.presentation.row_models import list_events, list_folders
from tuishare.tui.describe.agent import describe_event, describe_folder


@pytest.mark.parametrize(
    ("state", "words"),
    [("watching", "at once"), ("polling", "every few seconds"), ("missing", "does not exist")],
)
def test_a_folder_says_how_it_is_watched(state: str, words: str) -> None:
    folder = list_folders(WHOLE)[0]
    assert folder.drop is not None
    status = msgspec.structs.replace(
        WHOLE.status, drop_folders=(msgspec.structs.replace(folder.drop, state=FolderState(state)),)
    )
    folder = list_folders(msgspec.structs.replace(WHOLE, status=status))[0]
    assert words in describe_folder(folder, WHOLE, NOW, 80).plain


def test_trouble_stands_with_its_remedy_and_events_with_their_time() -> None:
    assert "→ Make some." in describe_event(TROUBLE, WHOLE, NOW, 80).plain
    assert "11:56" in describe_event(HAPPENED[0], WHOLE, NOW, 80).plain


def test_nothing_foreign_reaches_the_terminal_as_it_is() -> None:
    bad = hostile()
    texts = [describe_folder(folder, bad, NOW, 80).plain for folder in list_folders(bad)]
    texts += [describe_event(event, bad, NOW, 80).plain for event in list_events(bad)]
    for text in texts:
        assert not {"\x1b", "\x07", "\u202e", "\r"} & set(text)
