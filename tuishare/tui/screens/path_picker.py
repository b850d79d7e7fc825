"""Choosing a path on the agent's machine: a field that completes what is typed, and a tree to pick from.

Owns both. Must not open or change what is chosen, and knows the disk only by what the agent lists: the two may run on
different machines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Button, Static, Tree
from textual.widgets.tree import NodeID, TreeNode

from tuishare.api.messages import FolderListing, FolderQuery
from tuishare.api.service import AgentService
from tuishare.errors import TuishareError
from tuishare.presentation.problems import explain_error
from tuishare.sanitize import is_unseen
from tuishare.tui.cell_text import clean, fit
from tuishare.tui.dashboard_base import DashboardBase
from tuishare.tui.theme import TextStyle

HOME: Final = "~"
"""Where choosing begins, unless a path was typed: the home of the agent's user."""

_WIDTH = 60
_MORE = "… not everything is listed here; type the path instead"


def find_path_fault(text: str) -> str:
    """Return what is wrong with a typed path; empty when nothing is."""
    if not text.strip():
        return "Enter or choose a path."
    if not is_drawable(text):
        return "This name has characters that cannot be shown; rename it first."
    if not text.strip().startswith(("/", "~")):
        return "Begin with / or ~."
    return ""


def is_drawable(name: str) -> bool:
    """Return whether all characters of a name can be shown."""
    return not any(map(is_unseen, name))


def join(folder: str, name: str) -> str:
    """Return the path of a name in a folder."""
    return f"{folder.rstrip('/')}/{name}"


def last_name(path: str) -> str:
    """Return the last name in a path."""
    return path.rstrip("/").rpartition("/")[2] or path


class PathSuggester(Suggester):
    """Completes a path by what the agent finds on its disk.

    Args:
        agent: is asked.
        folders_only: complete no files.
    """

    def __init__(self, agent: AgentService, *, folders_only: bool = False) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._agent = agent
        self._folders_only = folders_only

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first name that begins with what is typed."""
        folder, slash, start = value.rpartition("/")
        if not slash or find_path_fault(value):
            return None
        query = FolderQuery(path=folder or "/", start=start, folders_only=self._folders_only)
        try:
            listing = await self._agent.list_folder(query)
        except TuishareError:
            return None
        # A hidden name must be asked for: an empty start completes to none.
        found = [
            f"{entry.name}/" if entry.is_folder else entry.name
            for entry in listing.entries
            if (start or not entry.name.startswith(".")) and is_drawable(entry.name)
        ]
        return join(folder, min(found)) if found else None


@dataclass(frozen=True, slots=True)
class PathNode:
    """What a node of the tree stands for."""

    path: str
    is_folder: bool


class PathTree(Tree[PathNode]):
    """Folders and files as the agent lists them; their names may be hostile."""

    def __init__(self, start: str) -> None:
        super().__init__(Text(clean(start)), PathNode(start, is_folder=True), id="tree")
        self._listed: set[NodeID] = set()

    @property
    def chosen(self) -> str:
        """Path of the node that the cursor is on."""
        path_node = self.cursor_node.data if self.cursor_node else None
        return (path_node or self.top).path

    @property
    def top(self) -> PathNode:
        """The top of the tree."""
        assert self.root.data is not None
        return self.root.data

    def is_listed(self, node: TreeNode[PathNode]) -> bool:
        """Whether what a folder holds is shown below its node."""
        return node.id in self._listed

    def start_at(self, listing: FolderListing) -> None:
        """Make another folder the top of the tree, with the cursor on it."""
        self.reset(Text(clean(listing.path)), PathNode(listing.path, is_folder=True))
        self.fill(self.root, listing)
        self.move_cursor(self.root)

    def fill(self, node: TreeNode[PathNode], listing: FolderListing) -> None:
        """Show below a node what its folder holds."""
        self._listed.add(node.id)
        node.remove_children()
        for entry in listing.entries:
            mark = "/" if entry.is_folder else ""
            path_node = PathNode(join(listing.path, entry.name), entry.is_folder)
            node.add(Text(clean(entry.name) + mark), path_node, allow_expand=entry.is_folder)
        if not listing.whole:
            node.add_leaf(Text(_MORE))
        node.expand()

    def action_toggle_expand_all(self) -> None:
        """Do nothing: every folder would have to be listed."""


class PathPicker(ModalScreen[str | None]):
    """Asks for a file or folder; its result is the path, or None.

    Args:
        start: where the tree begins; the nearest folder that exists.
        folders_only: no files are shown.
    """

    app: DashboardBase

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False),
        Binding("ctrl+s", "choose", "Choose", show=False),
        Binding("left,backspace", "up", "Up", show=False),
    ]

    def __init__(self, start: str, *, folders_only: bool = False) -> None:
        super().__init__()
        self._start = start
        self._folders_only = folders_only

    def compose(self) -> ComposeResult:
        """Compose tree, choice and buttons."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Choose a folder" if self._folders_only else "Choose a file or folder"
            box.border_subtitle = "enter opens · ← one up"
            yield PathTree(self._start)
            yield Static(id="choice")
            with Horizontal(classes="answers"):
                yield Button("Cancel  esc", id="cancel", compact=True)
                yield Button("Up  ←", id="up", compact=True)
                yield Button("Choose  ^s", id="accept", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Focus the tree and list its top folder."""
        self._tree.focus()
        self._show_choice()
        self._open(self._start)

    def action_choose(self) -> None:
        """Choose the entry under the cursor."""
        self.dismiss(self._tree.chosen)

    def action_up(self) -> None:
        """Move the top of the tree one folder up."""
        self._tree.focus()
        self._open(self._tree.top.path.rstrip("/").rpartition("/")[0] or "/")

    @property
    def _tree(self) -> PathTree:
        return self.query_one(PathTree)

    @work(group="top", exclusive=True)
    async def _open(self, path: str) -> None:
        listing = await self._list(path, nearest=True)
        if listing is not None:
            self._tree.start_at(listing)
            self._show_choice()

    async def _list(self, path: str, *, nearest: bool = False) -> FolderListing | None:
        """Ask the agent what a folder holds; show the error when it refuses."""
        query = FolderQuery(path=path, folders_only=self._folders_only, nearest=nearest)
        try:
            return await self.app.agent.list_folder(query)
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            words = clean(f"! {explain_error(self.app.make_presentable(error))}")
            self.query_one("#choice", Static).update(Content.styled(words, TextStyle.BAD.value))
            return None

    @on(Tree.NodeExpanded)
    def _on_expanded(self, event: Tree.NodeExpanded[PathNode]) -> None:
        if event.node is not self._tree.root and not self._tree.is_listed(event.node):
            self._fill(event.node)

    @work(group="nodes")
    async def _fill(self, node: TreeNode[PathNode]) -> None:
        assert node.data is not None
        listing = await self._list(node.data.path)
        if listing is None:
            node.collapse()
        else:
            self._tree.fill(node, listing)

    @on(Tree.NodeHighlighted)
    def _show_choice(self) -> None:
        self.query_one("#choice", Static).update(
            Content.styled(fit(self._tree.chosen, _WIDTH), TextStyle.QUIET.value)
        )

    @on(Tree.NodeSelected)
    def _on_selected(self, event: Tree.NodeSelected[PathNode]) -> None:
        if event.node.data is not None and not event.node.data.is_folder:
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
