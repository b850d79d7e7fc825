"""Selection lists, such as recipients, and single checkboxes.

Owns how users and groups are listed, and that a selection is visible without colours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from rich.segment import Segment
from textual.content import Content
from textual.strip import Strip
from textual.widgets import Checkbox, SelectionList
from textual.widgets.selection_list import Selection

from tuishare.api.messages import People
from tuishare.presentation.states import describe_trust
from tuishare.tui.cell_text import clip, fit
from tuishare.tui.theme import TextStyle

_NAME, _MEMBERS = 24, 30

NOTHING_SELECTED: Final = "Choose at least one; Space selects."
NO_USERS: Final = "Add a user first: press 3, then n."
ANY_CLIENT: Final = "plain: open to any BitTorrent client, not encrypted"


def list_recipients(people: People, chosen: Collection[str] = ()) -> list[Selection[str]]:
    """List groups, then users; the chosen ones are selected, including those no longer known."""
    groups: dict[str, list[str]] = {}
    for user in people.users:
        for group in user.groups:
            groups.setdefault(group, []).append(user.name)
    known = {f"@{group}": ", ".join(members) for group, members in sorted(groups.items())}
    known |= {user.name: describe_trust(user) for user in people.users}
    known |= {name: "no longer known" for name in chosen if name not in known}
    return [choice(name, words, chosen=name in chosen) for name, words in known.items()]


def choice(name: str, words: str = "", *, chosen: bool = False) -> Selection[str]:
    """Make one line of a list from an untrusted name and text about it."""
    label = Content.assemble(fit(name, _NAME), (f"  {clip(words, _MEMBERS)}", TextStyle.QUIET.value))
    return Selection(label, name, chosen)


class Recipients(SelectionList[str]):
    """A list in which Space or Enter selects."""

    def __init__(self, choices: Iterable[Selection[str]], *, id: str = "recipients") -> None:  # noqa: A002
        super().__init__(*choices, id=id, compact=True)

    def render_line(self, y: int) -> Strip:
        """Draw one line; an unselected box is empty, because Textual distinguishes both by colour only."""
        line = super().render_line(y)
        index = self.scroll_offset.y + y
        if index >= self.option_count or self.get_option_at_index(index).value in self.selected:
            return line
        left, inner, *rest = line
        return Strip([left, Segment(" ", inner.style), *rest])


class MarkCheckbox(Checkbox):
    """A checkbox that is empty while it is not selected, in any theme."""

    def __init__(self, label: str, ticked: bool = False, *, id: str) -> None:  # noqa: A002
        super().__init__(label, ticked, id=id, compact=True)

    def render(self) -> Content:
        """Draw box and label."""
        self.BUTTON_INNER = "X" if self.value else " "
        return super().render()
