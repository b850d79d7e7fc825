"""A question before something is lost.

Owns how it is drawn and answered. Must not know what follows from the answer. Cancel has the focus, so that an
accidental Enter loses nothing.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tuishare.tui.cell_text import fit
from tuishare.tui.confirmations import Confirmation
from tuishare.tui.theme import TextStyle

_NAME = 56


class ConfirmScreen(ModalScreen[bool]):
    """Asks a question; its result is whether the user agreed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes", show=False),
        Binding("n,escape", "dismiss(False)", "No", show=False),
        Binding("left,right", "app.focus_next", "Other answer", show=False),
    ]

    def __init__(self, question: Confirmation) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Compose name, facts, consequence and both answers."""
        question = self._question
        with Vertical(id="question") as box:
            box.border_title = question.title
            yield Static(Content.styled(fit(question.name, _NAME), TextStyle.STRONG.value))
            yield Static(Content.styled("\n".join(question.facts), TextStyle.QUIET.value), classes="facts")
            yield Static(Content(question.consequence))
            with Horizontal():
                yield Button("Cancel  n", id="no", compact=True)
                yield Button(f"{question.yes}  y", id="yes", variant="error", compact=True)

    def on_mount(self) -> None:
        """Focus Cancel."""
        self.query_one("#no").focus()

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")
