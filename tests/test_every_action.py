"""An action of the API is a command and is offered in the dashboard: forgetting one is noticed here, not by a user."""

from __future__ import annotations

import pytest
import typer.main

from tuishare.api.messages import DownloadAction, ShareAction
from tuishare.cli.app import app
from tuishare.tui.commands import _DOWNLOAD_OFFERS, _SHARE_OFFERS
from tuishare.tui.widgets.panes import DownloadsPane, SharesPane

ACTIONS = [*ShareAction, *DownloadAction]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{type(action).__name__} {action}")
def test_it_is_a_command(action: ShareAction | DownloadAction) -> None:
    commands = getattr(typer.main.get_command(app), "commands")  # noqa: B009 — the base type has none
    assert action.value in commands


def test_each_is_offered_in_some_state() -> None:
    assert frozenset().union(*_SHARE_OFFERS.values()) == frozenset(ShareAction)
    assert frozenset().union(*_DOWNLOAD_OFFERS.values()) == frozenset(DownloadAction)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{type(action).__name__} {action}")
def test_it_has_a_key(action: ShareAction | DownloadAction) -> None:
    pane = SharesPane if isinstance(action, ShareAction) else DownloadsPane
    keys = " ".join(str(getattr(binding, "action", "")) for binding in pane.BINDINGS)
    # The space bar pauses and resumes; approving and rejecting have a dialog of their own.
    key = {"resume": "pause"}.get(action.value, action.value)
    assert key in keys, keys
