"""An action of the API is a command and is offered in the dashboard: forgetting one is noticed here, not by a user."""

from __future__ import annotations

from itertools import combinations

import pytest
import typer.main
from textual.binding import Binding

from tuishare.api.messages import DownloadAction, ShareAction
from tuishare.cli.app import app
from tuishare.presentation.actions import (
    Action,
    describe_action,
    offering_download_states,
    offering_share_states,
)
from tuishare.tui.widgets.panes import DownloadsPane, SharesPane

ACTIONS: tuple[Action, ...] = (*ShareAction, *DownloadAction)
PANES = ((ShareAction, SharesPane), (DownloadAction, DownloadsPane))


def offering_states(action: Action) -> frozenset[object]:
    if isinstance(action, ShareAction):
        return frozenset(offering_share_states(action))
    return frozenset(offering_download_states(action))


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{type(action).__name__} {action}")
def test_it_is_a_command_with_help_and_offered_in_some_state(action: Action) -> None:
    commands = getattr(typer.main.get_command(app), "commands")  # noqa: B009 — the base type has none
    assert commands[action.value].help == describe_action(action).help
    assert offering_states(action)


@pytest.mark.parametrize(("kind", "pane"), PANES)
def test_it_has_a_key_which_does_one_thing_in_one_state(
    kind: type[ShareAction | DownloadAction], pane: type[SharesPane | DownloadsPane]
) -> None:
    actions: list[Action] = [*kind]
    bindings = [binding for binding in pane.BINDINGS if isinstance(binding, Binding)]
    keys = {binding.action: binding.key for binding in bindings}
    assert {f"command('{action}')" for action in actions} <= keys.keys()
    for one, other in combinations(actions, 2):
        if keys[f"command('{one}')"] == keys[f"command('{other}')"]:
            assert not offering_states(one) & offering_states(other)
    others = [binding.key for binding in bindings if not binding.action.startswith("command(")]
    assert len({*others}) == len(others)
    assert {*others}.isdisjoint(describe_action(action).key.name for action in actions)
