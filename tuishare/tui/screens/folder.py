"""A drop folder: which, and whom what is put into it is for.

Owns the fields for a new one and for one that is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Input, Static

from tuishare.api.messages import Folder, People
from tuishare.api.people import DropChange
from tuishare.tui.cell_text import clean, fit
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.screens.path_picker import PathPicker, PathSuggester, expand, find_path_fault
from tuishare.tui.screens.recipients import MarkCheckbox, Recipients, list_recipients
from tuishare.tui.theme import TextStyle

_WIDTH = 56
_ADVICE = "Each file or folder that is put into it is shared with them, once it is complete."
_REMOVED = "What lies in it is shared no longer. The files stay where they are."


class FolderScreen(Form):
    """Asks for a drop folder.

    Args:
        people: who can be chosen.
        folder: the one to change, as it was shown; None for a new one.
    """

    HEADING = "Drop folder"
    ACCEPT_LABEL = "Save"

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+o", "browse", "Browse", show=False, priority=True)]

    def __init__(self, people: People, folder: Folder | None = None) -> None:
        super().__init__()
        self._people = people
        self._folder = folder

    def compose_fields(self) -> ComposeResult:
        """Where, for whom, in which kind of swarm."""
        folder = self._folder
        if folder is None:
            yield Field(
                "Folder",
                Input(
                    placeholder="/path or ~/path; → completes",
                    suggester=PathSuggester(folders_only=True),
                    id="path",
                    compact=True,
                ),
            )
            yield Static(Content.styled(_ADVICE, TextStyle.QUIET.value), classes="under")
        else:
            yield Static(Content.styled(fit(folder.path, _WIDTH), TextStyle.STRONG.value))
        users, plain = (folder.users, folder.transport == "plain") if folder else ((), False)
        yield Field("For", Recipients(list_recipients(self._people, users)))
        yield Field("Swarm", MarkCheckbox("any BitTorrent client: not encrypted", plain, id="plain"))

    def compose_answers(self) -> ComposeResult:
        """A way to the tree, or to have it no longer."""
        if self._folder is None:
            yield Button("Browse  ^o", id="browse", compact=True)
        else:
            yield Button("Remove …", id="remove", variant="error", compact=True)

    def validate(self) -> Iterator[FieldError]:
        """A path and somebody."""
        if self._folder is None and (fault := find_path_fault(self.query_one("#path", Input).value)):
            yield FieldError("path", fault)
        if not self.query_one(Recipients).option_count:
            yield FieldError("recipients", "Nobody is known yet: add somebody first (tab People, n).")
        elif not self.query_one(Recipients).selected:
            yield FieldError("recipients", "Choose at least one: Space ticks.")

    async def submit(self) -> FormResult:
        """Set it."""
        path = self._folder.path if self._folder else str(expand(self.query_one("#path", Input).value))
        transport: Literal["tls", "plain"] = (
            "plain" if self.query_one("#plain", MarkCheckbox).value else "tls"
        )
        users = tuple(self.query_one(Recipients).selected)
        await self.app.agent.set_drop(DropChange(path=path, users=users, transport=transport))
        return FormResult(f"What is put into {fit(path, 40)} is for {clean(', '.join(users))}.")

    def action_browse(self) -> None:
        """Pick the folder in a tree."""
        if self._folder is None:
            given = self.query_one("#path", Input).value
            start = Path.home() if find_path_fault(given) else expand(given)
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
    """Asks before a folder is a drop folder no longer."""

    HEADING = "Stop sharing this folder?"
    ACCEPT_LABEL = "Stop sharing"
    SAFE = False

    def __init__(self, folder: Folder) -> None:
        super().__init__()
        self._folder = folder

    def compose_fields(self) -> ComposeResult:
        """Name it, and what follows."""
        yield Static(Content.styled(fit(self._folder.path, _WIDTH), TextStyle.STRONG.value))
        yield Static(Content(_REMOVED), classes="aside -apart")

    async def submit(self) -> FormResult:
        """Have it no longer."""
        await self.app.agent.remove_drop(self._folder.path)
        return FormResult(f"{fit(self._folder.path, 40)} is no drop folder any more.")
