"""Choosing a path: a field that completes what is typed, and a tree to pick from.

Owns both. Must not open or change what is chosen.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Button, DirectoryTree, Static

from tuishare.sanitize import for_display
from tuishare.tui.cell_text import clean, fit
from tuishare.tui.theme import TextStyle

_NAMES = 10_000
_WIDTH = 60


def expand(text: str) -> Path:
    """Return the absolute path of a typed one, with ``~``."""
    return Path(os.path.abspath(os.path.expanduser(text.strip())))


def find_path_fault(text: str) -> str:
    """Return what is wrong with a typed path, or nothing."""
    if not text.strip():
        return "Enter or choose a path."
    if not is_drawable(text):
        return "This name has characters that cannot be shown; rename it first."
    if not os.path.isabs(os.path.expanduser(text.strip())):
        return "Begin with / or ~."
    return ""


def is_drawable(name: str) -> bool:
    """Return whether all of a name is visible; any other cannot be typed, and should not be."""
    return for_display(name, max(len(name), 3)) == name


class PathSuggester(Suggester):
    """Completes a path by what is on the disk."""

    def __init__(self, *, folders_only: bool = False) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._folders_only = folders_only

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first name that begins so."""
        if "/" not in value:
            return None
        return await asyncio.to_thread(self._look, value)

    def _look(self, value: str) -> str | None:
        folder, start = os.path.split(value)
        try:
            with os.scandir(os.path.expanduser(folder)) as entries:
                # A hidden name must be asked for: an empty start completes to none.
                found = [
                    f"{entry.name}/" if entry.is_dir() else entry.name
                    for entry in islice(entries, _NAMES)
                    if entry.name.startswith(start)
                    and (start or not entry.name.startswith("."))
                    and (entry.is_dir() or not self._folders_only)
                    and is_drawable(entry.name)
                ]
        except (OSError, ValueError):
            return None
        return f"{folder.rstrip('/')}/{min(found)}" if found else None


class PathTree(DirectoryTree):
    """A tree of files whose names may be hostile."""

    def __init__(self, path: Path, *, folders_only: bool = False) -> None:
        super().__init__(path, id="tree")
        self._folders_only = folders_only

    def process_label(self, label: str | Text) -> Text:
        """Draw a name as one safe line."""
        return Text(clean(str(label)))

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        """Omit what cannot be chosen."""
        return [path for path in paths if not self._folders_only or self._safe_is_dir(path)]


class PathPicker(ModalScreen[str | None]):
    """Asks for a file or folder; its result is the path, or None.

    Args:
        start: where the tree begins; the nearest folder that there is.
        folders_only: no files are shown.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False),
        Binding("ctrl+s", "choose", "Choose", show=False, priority=True),
        Binding("left,backspace", "up", "Up", show=False),
    ]

    def __init__(self, start: Path, *, folders_only: bool = False) -> None:
        super().__init__()
        self._start = next((place for place in (start, *start.parents) if place.is_dir()), Path("/"))
        self._folders_only = folders_only

    def compose(self) -> ComposeResult:
        """Compose tree, choice and buttons."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Choose a folder" if self._folders_only else "Choose a file or folder"
            box.border_subtitle = "enter opens · ← one up"
            yield PathTree(self._start, folders_only=self._folders_only)
            yield Static(id="choice")
            with Horizontal(classes="answers"):
                yield Button("Cancel  esc", id="cancel", compact=True)
                yield Button("Up  ←", id="up", compact=True)
                yield Button("Choose  ^s", id="accept", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Focus the tree."""
        self.query_one(PathTree).focus()
        self._show_choice()

    def action_choose(self) -> None:
        """Choose what the cursor is on."""
        self.dismiss(os.fspath(self._chosen))

    def action_up(self) -> None:
        """Begin one folder higher."""
        tree = self.query_one(PathTree)
        tree.path = Path(tree.path).parent
        tree.focus()

    @property
    def _chosen(self) -> Path:
        tree = self.query_one(PathTree)
        node = tree.cursor_node
        return Path(tree.path) if node is None or node.data is None else node.data.path

    @on(DirectoryTree.NodeHighlighted)
    def _show_choice(self) -> None:
        self.query_one("#choice", Static).update(
            Content.styled(fit(os.fspath(self._chosen), _WIDTH), TextStyle.QUIET.value)
        )

    @on(DirectoryTree.FileSelected)
    def _take_file(self) -> None:
        self.action_choose()

    @on(Button.Pressed)
    def _on_button(self, event: Button.Pressed) -> None:
        match event.button.id:
            case "accept":
                self.action_choose()
            case "up":
                self.action_up()
            case _:
                self.dismiss(None)
