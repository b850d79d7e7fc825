"""The command palette: every action by name, grouped by tab.

Owns names and groups. A name runs the same action as a key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider

from tuishare.tui.dashboard_base import DashboardBase, DialogKind
from tuishare.tui.screens.main_screen import TABS, MainScreen
from tuishare.tui.widgets.pane import EntryPane

_DIALOGS: Final = {
    DialogKind.NEW_SHARE: ("Shares: new share …", "choose a file or folder and its recipients"),
    DialogKind.OPEN_ENVELOPE: ("Downloads: open an envelope …", "one that came by mail, chat or stick"),
    DialogKind.ADD_USER: ("People: add a user …", "by a card or by a key"),
    DialogKind.INVITE: ("People: invite …", "make one string by which a person and you become known"),
    DialogKind.INVITATIONS: ("People: invitations …", "those that you gave out; cancel one"),
    DialogKind.JOIN: ("People: join …", "with an invitation that you received"),
    DialogKind.CARD: ("People: my card", "copy it, with a sentence to send along"),
    DialogKind.ROTATE: ("People: replace my keys …", "get a new card; your shares are sealed again"),
    DialogKind.ADD_FOLDER: ("Folders: add a drop folder …", "its contents are shared automatically"),
    DialogKind.SETTINGS: ("Settings …", "limits, ports, notifications, and the file itself"),
}
"""Dialogs that need no entry; the others are keys of a tab, for its selected entries."""


@dataclass(frozen=True, slots=True)
class PaletteEntry:
    """One line of the palette."""

    name: str
    words: str
    run: Callable[[], Awaitable[object]]


class Actions(Provider):
    """Finds the actions of the main screen."""

    async def discover(self) -> Hits:
        """List all actions while nothing is typed."""
        for command in list_commands(self.screen):
            yield DiscoveryHit(command.name, command.run, help=command.words)

    async def search(self, query: str) -> Hits:
        """List the actions that match what is typed."""
        matcher = self.matcher(query)
        for command in list_commands(self.screen):
            if score := matcher.match(command.name):
                yield Hit(score, matcher.highlight(command.name), command.run, help=command.words)


def list_commands(screen: object) -> list[PaletteEntry]:
    """List the actions of a screen by group; none above a dialog."""
    if not isinstance(screen, MainScreen):
        return []
    commands = [*_dialogs(screen.app), *_tabs(screen), *_keys(screen)]
    for pane in screen.query(EntryPane):
        commands += _pane_keys(screen, pane)
    return sorted(
        {command.name: command for command in reversed(commands)}.values(), key=lambda one: one.name
    )


def _dialogs(app: DashboardBase) -> Iterator[PaletteEntry]:
    for kind, (name, words) in _DIALOGS.items():
        yield PaletteEntry(name, words, partial(app.run_action, f"app.open_dialog('{kind}')"))


def _tabs(screen: MainScreen) -> Iterator[PaletteEntry]:
    for number, name in enumerate(TABS, 1):
        action = partial(screen.run_action, f"open_tab('{name}')")
        yield PaletteEntry(f"Go to: {name}", f"key {number}", action)


def _keys(screen: MainScreen) -> Iterator[PaletteEntry]:
    shown = {"filter": "Filter by name", "keys": "List the keys", "start": "Start the agent"}
    for owner in (screen, screen.app):
        for _, binding in owner._bindings:  # noqa: SLF001 (Textual offers no other list)
            if name := shown.get(binding.action):
                yield PaletteEntry(
                    name,
                    f"key {binding.key_display or binding.key}",
                    partial(owner.run_action, binding.action),
                )


def _pane_keys(screen: MainScreen, pane: EntryPane[Any]) -> Iterator[PaletteEntry]:
    tab = str(pane.id).removesuffix("-pane")
    for _, binding in pane._bindings:  # noqa: SLF001 (likewise)
        words = f"key {binding.key_display or binding.key}, for the selected entries"
        yield PaletteEntry(
            f"{tab.capitalize()}: {binding.description.lower()}",
            words,
            partial(_do_there, screen, tab, binding),
        )


async def _do_there(screen: MainScreen, tab: str, binding: Binding) -> None:
    """Open the tab and run the action if the selected entries offer it."""
    await screen.run_action(f"open_tab('{tab}')")
    pane = screen.pane
    if pane.id != f"{tab}-pane" or not await screen.app.run_action(binding.action, pane):
        screen.app.notify(f"“{binding.description}” is not possible for what is selected.", markup=False)
