"""The help: keys and signs.

Owns their wording; a tab names its own keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tuishare.api.messages import DownloadState, ShareState
from tuishare.presentation.problems import NEEDS_ATTENTION
from tuishare.presentation.states import name_download_state, name_share_state, name_trust
from tuishare.tui.theme import TextStyle

KeyBinding = tuple[str, str]
"""A key as displayed, and what it does."""

KEYS: Final[tuple[KeyBinding, ...]] = (
    ("1 … 5", "the tabs"),
    ("↑ ↓  j k", "move;  g G  first, last"),
    ("← →  h l", "delivery, files, peers, history"),
    ("J  K", "scroll the details"),
    ("/", "filter; Escape shows all"),
    ("m  M", "mark; mark all; Escape unmarks"),
    ("< > =", "sort by another column; reverse"),
    (",", "settings"),
    ("^p", "every command, and themes"),
    ("s", "while the agent is lost: start it"),
    ("q", "quit; the agent keeps running"),
)

_GOOD: Final = (
    name_share_state(ShareState.SEEDING),
    name_download_state(DownloadState.COMPLETE),
    name_trust(verified=True),
)
_PENDING: Final = (
    name_share_state(ShareState.SETTLING),
    name_download_state(DownloadState.LOCKED),
    name_download_state(DownloadState.WAITING),
    name_trust(verified=False),
)
_IDLE: Final = (name_share_state(ShareState.PAUSED), name_share_state(ShareState.WITHDRAWN))

SIGNS: Final = (
    ("●", ", ".join(_GOOD), TextStyle.GOOD),
    ("◐", "in progress", TextStyle.BUSY),
    ("◌", ", ".join(_PENDING), TextStyle.WARN),
    ("‖ ○", "; ".join(_IDLE), TextStyle.QUIET),
    ("!", NEEDS_ATTENTION, TextStyle.BAD),
)

_WIDTH: Final = 10


class HelpScreen(ModalScreen[None]):
    """Keys and signs.

    Args:
        tab: name of the tab that is shown.
        own: keys of that tab.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "Close", show=False),
    ]

    def __init__(self, tab: str, own: Sequence[KeyBinding]) -> None:
        super().__init__()
        self._tab = tab
        self._own = own

    def compose(self) -> ComposeResult:
        """Compose the lists."""
        signs = [Content.assemble((f"{sign:<{_WIDTH}}", tone.value), words) for sign, words, tone in SIGNS]
        with VerticalScroll(id="keys") as box:
            box.border_title = f"Keys for {self._tab}"
            box.border_subtitle = "Escape closes"
            yield Static(
                Content("\n").join([*_lines(self._own), Content(""), *_lines(KEYS), Content(""), *signs])
            )

    def on_click(self) -> None:
        """Close on a click."""
        self.dismiss()


def _lines(keys: Iterable[KeyBinding]) -> list[Content]:
    return [Content.assemble((f"{key:<{_WIDTH}}", TextStyle.STRONG.value), words) for key, words in keys]
