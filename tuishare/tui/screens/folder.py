"""A drop folder: path, recipients and kind of swarm.

Owns the fields for a new and for an existing drop folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Input, Static

from tuishare.api.messages import DropChange, DropNamed, Folder, People
from tuishare.presentation.consequences import REMOVED_FOLDER
from tuishare.tui.cell_text import clean, fit
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.screens.path_picker import HOME, PathPicker, PathSuggester, find_path_fault
from tuishare.tui.screens.recipients import (
    ANY_CLIENT,
    NO_USERS,
    NOTHING_SELECTED,
    MarkCheckbox,
    Recipients,
    list_recipients,
)
from tuishare.tui.theme import TextStyle

_WIDTH = 56
_ADVICE = "What you put here is shared once it no longer changes."


class FolderScreen(Form):
    """Asks for a drop folder.

    Args:
        people: the users and groups to choose from.
        folder: the drop folder to change, as it was shown; None for a new one.
    """

    HEADING = "Drop folder"
    ACCEPT_LABEL = "Save"

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+o", "browse", "Browse", show=False, priority=True)]

    def __init__(self, people: People, folder: Folder | None = None) -> None:
        super().__init__()
        self._people = people
        self._folder = folder

    def compose_fields(self) -> ComposeResult:
        """Compose path, recipients and kind of swarm."""
        folder = self._folder
        if folder is None:
            yield Field(
                "Folder",
                Input(
                    placeholder="/path or ~/path; → completes",
                    suggester=PathSuggester(self.app.agent, folders_only=True),
                    id="path",
                    compact=True,
                ),
            )
            yield Static(Content.styled(_ADVICE, TextStyle.QUIET.value), classes="under")
        else:
            yield Static(Content.styled(fit(folder.path, _WIDTH), TextStyle.STRONG.value))
        users, plain = (folder.users, folder.transport == "plain") if folder else ((), False)
        yield Field("For", Recipients(list_recipients(self._people, users)))
        if not self._people.users:
            yield Static(Content.styled(NO_USERS, TextStyle.WARN.value), classes="under")
        yield Field("Swarm", MarkCheckbox(ANY_CLIENT, plain, id="plain"))

    def compose_answers(self) -> ComposeResult:
        """Offer to browse for a new folder, and to remove an existing one."""
        if self._folder is None:
            yield Button("Browse  ^o", id="browse", compact=True)
        else:
            yield Button("Remove …", id="remove", variant="error", compact=True)

    def validate(self) -> Iterator[FieldError]:
        """Require a path and recipients."""
        if self._folder is None and (fault := find_path_fault(self.query_one("#path", Input).value)):
            yield FieldError("path", fault)
        if not self.query_one(Recipients).option_count:
            yield FieldError("recipients", NO_USERS)
        elif not self.query_one(Recipients).selected:
            yield FieldError("recipients", NOTHING_SELECTED)

    async def submit(self) -> FormResult:
        """Save the drop folder."""
        path = self._folder.path if self._folder else self.query_one("#path", Input).value.strip()
        transport: Literal["tls", "plain"] = (
            "plain" if self.query_one("#plain", MarkCheckbox).value else "tls"
        )
        users = tuple(self.query_one(Recipients).selected)
        await self.app.agent.set_drop(DropChange(path=path, users=users, transport=transport))
        return FormResult(f"{fit(path, 40)} is shared with {clean(', '.join(users))}.")

    def action_browse(self) -> None:
        """Open the tree of folders."""
        if self._folder is None:
            given = self.query_one("#path", Input).value
            start = HOME if find_path_fault(given) else given.strip()
            self.app.push_screen(PathPicker(start, folders_only=True), self._take_path)

    def _take_path(self, path: str | None) -> None:
        if path is not None:
            self.query_one("#path", Input).value = path

    @on(Button.Pressed, "#browse")
    def _on_browse(self) -> None:
        self.action_browse()

    @on(Button.Pressed, "#remove")
    def _on_remove(self) -> None:
        app, folder = self.app, self._folder
        assert folder is not None
        self.dismiss()
        app.push_screen(RemoveFolderScreen(folder))


class RemoveFolderScreen(Form):
    """Asks before a drop folder is removed."""

    HEADING = "Remove this drop folder?"
    ACCEPT_LABEL = "Remove"
    DESTRUCTIVE = True

    def __init__(self, folder: Folder) -> None:
        super().__init__()
        self._folder = folder

    def compose_fields(self) -> ComposeResult:
        """Show the folder and the consequence."""
        yield Static(Content.styled(fit(self._folder.path, _WIDTH), TextStyle.STRONG.value))
        yield Static(Content(REMOVED_FOLDER), classes="aside -apart")

    async def submit(self) -> FormResult:
        """Remove the drop folder."""
        await self.app.agent.remove_drop(DropNamed(path=self._folder.path))
        return FormResult(f"{fit(self._folder.path, 40)} is no longer a drop folder.")
