"""What the dashboard can, the page can: both lists are made from their code, and compared."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import tuishare.tui
from tests.api.samples import DOWNLOAD, SHARE
from tuishare.api.messages import DownloadAction, DownloadState, ShareAction, ShareState
from tuishare.api.operations import EVENTS, OPERATIONS
from tuishare.tui.dashboard_base import DialogKind
from tuishare.web.offers import offer_for_download, offer_for_share
from tuishare.web.page_table import PAGES

TUI = Path(tuishare.tui.__file__).parent
NAMES = {operation.name for operation in OPERATIONS}

DIALOGS = {
    DialogKind.NEW_SHARE: "/shares/new",
    DialogKind.REVOKE: "/shares/{share}/revoke",
    DialogKind.APPROVE: "/downloads/{download}/approve",
    DialogKind.OPEN_ENVELOPE: "/envelopes/open",
    DialogKind.CHOOSE_FILES: "/downloads/{download}/files",
    DialogKind.ADD_USER: "/users/new",
    DialogKind.INVITE: "/invitations/new",
    DialogKind.INVITATIONS: "/invitations",
    DialogKind.JOIN: "/join",
    DialogKind.CHANGE_USER: "/people/{user}",
    DialogKind.REVOKE_USER: "/people/{user}/revoke",
    DialogKind.CARD: "/card",
    DialogKind.ROTATE: "/card/replace",
    DialogKind.ADD_FOLDER: "/folders/new",
    DialogKind.CHANGE_FOLDER: "/folders/change",
    DialogKind.SETTINGS: "/settings",
}
"""The page of each dialog."""


def called(path: Path) -> Iterator[str]:
    """The operations of the agent that a module of the dashboard calls."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in NAMES:
            owner = ast.unparse(node.func.value)
            if owner.endswith(("agent", "_reader", "client")):
                yield node.func.attr


def test_every_operation_of_the_dashboard_is_used_by_a_page() -> None:
    dashboard = {name for path in TUI.rglob("*.py") for name in called(path)}
    assert len(dashboard) > 25  # the search finds them at all
    assert EVENTS.name in dashboard
    details = {"share_details", "download_details"}  # asked for by a table of functions, not by a call
    page = {operation.name for row in PAGES for operation in row.needed}
    assert sorted((dashboard | details) - page) == []


@pytest.mark.parametrize("kind", DialogKind)
def test_every_dialog_has_a_page(kind: DialogKind) -> None:
    shown = {row.path for row in PAGES if row.method == "GET"}
    assert DIALOGS[kind] in shown


def test_every_action_is_offered_by_a_page_as_by_a_key() -> None:
    shares = {
        action
        for state in ShareState
        for action, *_ in offer_for_share(msgspec.structs.replace(SHARE, state=state))
    }
    downloads = {
        action
        for state in DownloadState
        for action, *_ in offer_for_download(msgspec.structs.replace(DOWNLOAD, state=state))
    }
    assert shares == {*ShareAction}
    assert downloads == {*DownloadAction} - {
        DownloadAction.APPROVE
    }  # which has a page of its own, as a dialog
