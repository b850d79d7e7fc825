"""The last line: the keys that do something now.

Owns which of them are named on a narrow terminal. Textual's own footer has a widget for each key and composes all of
them again whenever one changes; that was a third of the time until the first frame.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

_GAP: Final = "  "
_KEPT: Final = 2
"""The last keys, help and quit, are named at any width."""

_KEY, _WORD = "bold $footer-key-foreground", "$footer-description-foreground"


class Footer(Static):
    """Names the keys and what they do; a click on one presses it."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(id="keyline")
        self._drawn: list[tuple[str, Content]] = []

    def on_mount(self) -> None:
        """Follow the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._draw)

    def on_resize(self, _event: events.Resize) -> None:
        """Name as many keys as fit the new width."""
        self._draw(self.screen)

    def on_click(self, event: events.Click) -> None:
        """Press the key under the mouse."""
        x = event.x - 1
        for key, content in self._drawn:
            if 0 <= x < content.cell_length:
                self.app.simulate_key(key)
                return
            x -= content.cell_length + len(_GAP)

    @property
    def named(self) -> dict[str, str]:
        """The named keys, as Textual calls them, with their labels."""
        return {key: content.plain for key, content in self._drawn}

    def _draw(self, screen: Screen[object]) -> None:
        if screen is not self.screen or not self.size.width:
            return
        keys = self._list_keys()
        while len(keys) > _KEPT and _measure(keys) > self.size.width:
            del keys[-_KEPT - 1]
        if keys != self._drawn:
            self._drawn = keys
            self.update(Content(_GAP).join([content for _, content in keys]), layout=False)

    def _list_keys(self) -> list[tuple[str, Content]]:
        named: dict[str, tuple[str, Content]] = {}
        for _, binding, enabled, _ in self.screen.active_bindings.values():
            if binding.show and enabled and binding.action not in named:
                named[binding.action] = self._write(binding)
        keys = list(named.values())
        if palette := self.screen.active_bindings.get(self.app.COMMAND_PALETTE_BINDING):
            # Help and quit are missing while their keys would be typed into a field.
            position = next((n for n, (key, _) in enumerate(keys) if key == "question_mark"), len(keys))
            keys.insert(position, self._write(replace(palette.binding, description="Commands")))
        return keys

    def _write(self, binding: Binding) -> tuple[str, Content]:
        shown = self.app.get_key_display(binding)
        return binding.key, Content.assemble((shown, _KEY), " ", (binding.description, _WORD))


def _measure(keys: list[tuple[str, Content]]) -> int:
    return sum(content.cell_length for _, content in keys) + len(_GAP) * (len(keys) - 1)
