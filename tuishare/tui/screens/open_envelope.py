"""Opening an envelope that came by hand: it goes into the inbox.

Owns the field for its path; the agent reads the file and decides what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Input, Static

from tuishare.api.messages import PathNamed
from tuishare.presentation.states import ENVELOPE_EXPLAINED
from tuishare.tui.cell_text import fit
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.screens.path_picker import HOME, PathPicker, PathSuggester, find_path_fault


class OpenEnvelopeScreen(Form):
    """Asks for the path of an envelope."""

    HEADING = "Open an envelope"
    ACCEPT_LABEL = "Open"

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+o", "browse", "Browse", show=False, priority=True)]

    def compose_fields(self) -> ComposeResult:
        """Compose an explanation and the field."""
        words = f"{ENVELOPE_EXPLAINED} One that you received by mail, chat or stick is copied into the inbox."
        yield Static(Content(words), classes="aside")
        yield Field(
            "File",
            Input(
                placeholder="/path or ~/path; → completes",
                suggester=PathSuggester(self.app.agent),
                id="path",
                compact=True,
            ),
        )

    def compose_answers(self) -> ComposeResult:
        """Offer to browse."""
        yield Button("Browse  ^o", id="browse", compact=True)

    def on_mount(self) -> None:
        """Focus the path."""
        super().on_mount()
        self.query_one("#path").focus()

    def validate(self) -> Iterator[FieldError]:
        """Require a path."""
        if fault := find_path_fault(self._path):
            yield FieldError("path", fault)

    async def submit(self) -> FormResult:
        """Put the file into the inbox."""
        accepted = await self.app.agent.open_envelope(PathNamed(path=self._path))
        return FormResult(f"“{fit(accepted.id, 40)}” is in the inbox.")

    def action_browse(self) -> None:
        """Open the tree of files."""
        start = HOME if find_path_fault(self._path) else self._path
        self.app.push_screen(PathPicker(start), self._take_path)

    def _take_path(self, path: str | None) -> None:
        if path is not None:
            self.query_one("#path", Input).value = path

    @property
    def _path(self) -> str:
        return self.query_one("#path", Input).value.strip()

    @on(Button.Pressed, "#browse")
    def _on_browse(self) -> None:
        self.action_browse()
