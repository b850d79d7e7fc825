"""The first run: your name, your folders, your first contact.

Owns the three steps and their wording. Each step can be skipped; what a step has saved stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Input, Static

from tuishare.api.messages import SettingChange, Snapshot, Status
from tuishare.presentation.states import ENVELOPE_EXPLAINED, FolderRole, explain_folder_role
from tuishare.tui.cell_text import clean
from tuishare.tui.dashboard_base import DialogKind, OpenDialog
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult, ask_for_restart
from tuishare.tui.screens.invite import InviteScreen
from tuishare.tui.screens.path_picker import PathSuggester, find_path_fault
from tuishare.tui.theme import TextStyle

_WAY: Final = 11
_FOLDERS: Final = (FolderRole.INBOX, FolderRole.OUTBOX, FolderRole.DOWNLOADS)


class NameScreen(Form):
    """The first step: your name.

    Args:
        snapshot: of the agent.
    """

    HEADING = "Welcome to tuishare · 1 of 3 · your name"
    ACCEPT_LABEL = "Next"
    CANCEL_LABEL = "Skip"

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._snapshot = snapshot

    def compose_fields(self) -> ComposeResult:
        """Compose a welcome and the field for the name."""
        yield Static(
            Content(
                "Files that you put into a folder reach the users you choose; only they can join the swarm or see the "
                "files. What is your name? Others see it on your card."
            ),
            classes="aside",
        )
        yield Field("Your name", Input(clean(self._snapshot.status.name), id="name", compact=True))

    def validate(self) -> Iterator[FieldError]:
        """Require a name."""
        if not self.query_one("#name", Input).value.strip():
            yield FieldError("name", "Enter a name.")

    async def submit(self) -> FormResult:
        """Save the name, if it was changed."""
        name = self.query_one("#name", Input).value.strip()
        if name != self._snapshot.status.name:
            await self.app.agent.change_setting(SettingChange(key="name", value=name))
        return FormResult(following=FoldersScreen(self._snapshot.status))


class FoldersScreen(Form):
    """The second step: your folders.

    Args:
        status: where the folders are now.
    """

    HEADING = "Welcome to tuishare · 2 of 3 · your folders"
    ACCEPT_LABEL = "Next"
    CANCEL_LABEL = "Skip"

    def __init__(self, status: Status) -> None:
        super().__init__()
        self._before: dict[str, str] = {
            FolderRole.INBOX: status.inbox,
            FolderRole.OUTBOX: status.outbox,
            FolderRole.DOWNLOADS: status.downloads,
        }

    def compose_fields(self) -> ComposeResult:
        """Compose a field for the path of each folder."""
        for role in _FOLDERS:
            suggester = PathSuggester(self.app.agent, folders_only=True)
            path = Input(clean(self._before[role]), suggester=suggester, id=role.value, compact=True)
            yield Field(role.value.capitalize(), path)
            yield Static(Content.styled(explain_folder_role(role), TextStyle.QUIET.value), classes="under")
        yield Static(Content(ENVELOPE_EXPLAINED), classes="aside -apart")
        yield Static(
            Content("Add drop folders later, once you have added a user: press 4, then n."), classes="aside"
        )

    def validate(self) -> Iterator[FieldError]:
        """Require paths."""
        for role in _FOLDERS:
            if fault := find_path_fault(self.query_one(f"#{role}", Input).value):
                yield FieldError(role.value, fault)

    async def submit(self) -> FormResult:
        """Save the changed paths."""
        restart: list[str] = []
        for key, path in self._before.items():
            chosen = self.query_one(f"#{key}", Input).value.strip()
            if chosen != path:
                change = SettingChange(key=f"folders.{key}", value=chosen)
                restart += (await self.app.agent.change_setting(change)).restart
                self._before[key] = chosen
        return FormResult(ask_for_restart(restart), SummaryScreen())


class SummaryScreen(Form):
    """The third step: the first contact."""

    HEADING = "Welcome to tuishare · 3 of 3 · your first contact"
    ACCEPT_LABEL = "Invite"
    CANCEL_LABEL = "Later"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "accept", "Invite", show=False),
        Binding("o", "open('join')", "Join", show=False),
        Binding("c", "open('card')", "Card", show=False),
    ]

    def compose_fields(self) -> ComposeResult:
        """Compose the three ways."""
        ways = (
            (
                "i  Invite",
                "make one string, send it to a person: you know and trust each other once they use it",
            ),
            ("o  Join", "paste the string that you received from a user of tuishare"),
            ("c  Cards", "exchange cards by hand, and compare them in person"),
        )
        for name, words in ways:
            line = Content.assemble((f"{name:<{_WAY}}", TextStyle.STRONG.value), words)
            yield Static(line, classes="-apart")
        yield Static(Content("All of them are under People: press 3."), classes="aside -apart")

    def compose_answers(self) -> ComposeResult:
        """Offer the other two ways."""
        yield Button("Card  c", id="card", compact=True)
        yield Button("Join  o", id="join", compact=True)

    def on_mount(self) -> None:
        """Focus the invitation."""
        super().on_mount()
        self.query_one("#accept").focus()

    async def submit(self) -> FormResult:
        """Continue with an invitation."""
        return FormResult(following=InviteScreen())

    def action_open(self, kind: str) -> None:
        """Continue with another way."""
        app = self.app
        self.dismiss()
        app.post_message(OpenDialog(DialogKind(kind)))

    @on(Button.Pressed, "#join")
    @on(Button.Pressed, "#card")
    def _on_other(self, event: Button.Pressed) -> None:
        self.action_open(event.button.id or "")
