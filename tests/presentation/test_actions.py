from __future__ import annotations

import pytest

from tuishare.api.messages import DownloadAction, ShareAction
from tuishare.presentation.actions import Action, announce_action, report_action

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
