"""The list of keys, above everything else.

Owns the wording of the help. Any key of the usual ones closes it.
"""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tuishare.tui.tones import Tone

KEYS: Final = (
    ("1  2", "shares, downloads"),
    ("↑ ↓  j k", "move in the table"),
    ("g  G", "first, last"),
    ("/", "filter; Escape shows all again"),
    ("space", "pause, or go on"),
    ("s", "share again; while the agent is lost: start it"),
    ("f  D", "forget; delete with the files"),
    ("a  x", "approve a download; turn it away"),
    ("^p", "every command, and other themes"),
    ("?", "this help"),
    ("q", "quit; the agent keeps running"),
)

SIGNS: Final = (
    ("●", "seeding, or complete", Tone.GOOD),
    ("◐", "at work", Tone.BUSY),
    ("◌", "waiting: still being written, locked, or for you", Tone.WARN),
    ("‖", "paused", Tone.QUIET),
    ("!", "needs you", Tone.BAD),
)


class KeysScreen(ModalScreen[None]):
    """Keys and signs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "Close", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Write the two lists."""
        keys = [Content.assemble((f"{key:<10}", Tone.STRONG.value), words) for key, words in KEYS]
        signs = [Content.assemble((f"{sign:<10}", tone.value), words) for sign, words, tone in SIGNS]
        with Vertical(id="keys") as box:
            box.border_title = "Keys"
            box.border_subtitle = "Escape closes"
            yield Static(Content("\n").join([*keys, Content(""), *signs]))
