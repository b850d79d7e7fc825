"""A new key, shown once.

Owns how it is shown and copied. Must not store it anywhere.
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

from tuishare.tui.cell_text import clip, fit
from tuishare.tui.theme import TextStyle


class KeyDialog(ModalScreen[None]):
    """Shows a new key; only Escape or Done closes it, so that it is not lost by accident.

    Args:
        name: of the user it is for.
        key: 64 hexadecimal digits.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close", show=False),
        Binding("c", "copy", "Copy", show=False),
    ]

    def __init__(self, name: str, key: str) -> None:
        super().__init__()
        self._user = name
        self._key = key

    def compose(self) -> ComposeResult:
        """Compose the key, and what to do with it."""
        with Vertical(classes="dialog") as box:
            box.border_title = "New key"
            yield Static(Content.assemble("for ", (fit(self._user, 40), TextStyle.STRONG.value)))
            yield Static(
                Content.styled(clip(self._key, 68), TextStyle.WARN.value), id="key", classes="-apart"
            )
            yield Static(
                Content(
                    "This key is shown only once. Give it to the user in private: anyone who has it can open what you "
                    "share with them."
                ),
                classes="aside",
            )
            with Horizontal(classes="answers"):
                yield Button("Copy  c", id="copy", compact=True)
                yield Button("Done  esc", id="close", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Focus Copy, so that an accidental Enter does not close the dialog."""
        self.query_one("#copy").focus()

    def action_copy(self) -> None:
        """Copy the key to the terminal's clipboard."""
        self.app.copy_to_clipboard(self._key)
        self.app.notify("The key is on the clipboard, if your terminal allows that.", markup=False)

    @on(Button.Pressed)
    def _on_button(self, event: Button.Pressed) -> None:
        if event.button.id == "copy":
            self.action_copy()
        else:
            self.dismiss()
