"""A QR code on the whole screen, or why it does not fit.

Owns nothing else. The colours do not follow the theme: cameras need black on white.
"""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tuishare.presentation.qr_code import draw_qr_code

_INK: Final = "#000000 on #ffffff"


class QrCodeScreen(ModalScreen[None]):
    """Shows a text as a QR code; any of its keys closes it.

    Args:
        text: what the code holds.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,space", "dismiss", "Close", show=False),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._lines = draw_qr_code(text)

    def compose(self) -> ComposeResult:
        """Compose the code."""
        yield Static(id="qr-code")

    def on_mount(self) -> None:
        """Draw the code for the present size."""
        self._draw()

    def on_resize(self) -> None:
        """Draw the code for the new size."""
        self._draw()

    def on_click(self) -> None:
        """Close on a click."""
        self.dismiss()

    def _draw(self) -> None:
        width, height = len(self._lines[0]), len(self._lines)
        if width > self.size.width or height > self.size.height:
            here = f"this one has {self.size.width} × {self.size.height}"
            words = f"The QR code needs a terminal of {width} × {height} cells; {here}. Escape closes."
            self.query_one("#qr-code", Static).update(Content(words))
        else:
            self.query_one("#qr-code", Static).update(Content.styled("\n".join(self._lines), _INK))
