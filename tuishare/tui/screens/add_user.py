"""Adding a user, by card or by key.

Owns the sequence: paste, compare, decide. Only the button “Add as verified” marks a card as verified.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Input, Select, Static, TextArea

from tuishare.api.messages import CardInfo, CardText, NewUser
from tuishare.errors import TuishareError
from tuishare.presentation.pasted_input import CARD_PREFIX, find_card, split_groups
from tuishare.presentation.problems import explain_error
from tuishare.tui.cell_text import clean, clip
from tuishare.tui.describe.people import show_fingerprint
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.screens.key_dialog import KeyDialog
from tuishare.tui.theme import TextStyle

_CARD, _NEW_KEY, _OLD_KEY = "card", "new-key", "old-key"
_WAYS: Final = (("a card", _CARD), ("a new key, made now", _NEW_KEY), ("a key that they have", _OLD_KEY))
_NAME, _CARD_LIMIT = 256, 16_384


class AddUserScreen(Form):
    """Asks for a card or key, a name and groups."""

    HEADING = "Add a user"
    ACCEPT_LABEL = "Add, compare later"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+y", "verify", "Add as verified", show=False, priority=True)
    ]

    def __init__(self) -> None:
        super().__init__()
        self._seen: CardInfo | None = None
        self._suggested = ""
        self._last_card = ""

    def compose_fields(self) -> ComposeResult:
        """Compose card or key, the content of the card, name and groups."""
        yield Field("Known by", Select(_WAYS, value=_CARD, allow_blank=False, id="way", compact=True))
        yield Field(
            "Card",
            TextArea(id="card", compact=True, tab_behavior="focus", placeholder=f"paste {CARD_PREFIX}…"),
        )
        yield Static(id="seen", classes="aside -apart")
        yield Field("Key", Input(id="key", password=True, placeholder="64 hexadecimal digits", compact=True))
        yield Field("Name", Input(id="name", placeholder="your name for this user", compact=True))
        yield Field("Groups", Input(id="groups", placeholder="such as: crew family", compact=True))

    def compose_answers(self) -> ComposeResult:
        """Add the button for a card whose fingerprint was compared."""
        yield Button("Add as verified  ^y", id="same", variant="success", compact=True)

    def on_mount(self) -> None:
        """Focus the card."""
        super().on_mount()
        self._show_way()
        self.query_one("#card").focus()

    def validate(self) -> Iterator[FieldError]:
        """Require a card or key, as chosen, and a name."""
        if self._way == _CARD and not self._card:
            yield FieldError(
                "card", "Paste their card. They copy it under People with c, or print it with: tuishare card"
            )
        if self._way == _OLD_KEY and not self.query_one("#key", Input).value.strip():
            yield FieldError("key", "Paste the key, 64 hexadecimal digits.")
        name = self._name_given
        if not name:
            yield FieldError("name", "Enter a name.")
        elif len(name) > _NAME:
            yield FieldError("name", f"Use at most {_NAME} characters.")

    async def submit(self) -> FormResult:
        """Add the user; a card stays unverified."""
        return await self._add(verified=False)

    def action_verify(self) -> None:
        """Add the user as verified, if their fingerprint is shown."""
        if self._seen is not None and not self.show_faults():
            self.ask(self._add_verified)

    async def _add_verified(self) -> FormResult:
        return await self._add(verified=True)

    async def _add(self, *, verified: bool) -> FormResult:
        new = NewUser(
            name=self._name_given,
            card=self._card if self._way == _CARD else "",
            key=self.query_one("#key", Input).value.strip() if self._way == _OLD_KEY else "",
            groups=split_groups(self.query_one("#groups", Input).value),
            verified=verified and self._way == _CARD,
        )
        added = await self.app.agent.add_user(new)
        shown = KeyDialog(added.name, added.key) if added.key else None
        return FormResult(f"Added {clean(added.name)}{', verified' if new.verified else ''}.", shown)

    @property
    def _way(self) -> str:
        return str(self.query_one("#way", Select).value)

    @property
    def _card(self) -> str:
        return find_card(self.query_one("#card", TextArea).text)

    @property
    def _name_given(self) -> str:
        return self.query_one("#name", Input).value.strip()

    @on(Select.Changed)
    def _show_way(self) -> None:
        way = self._way
        self.query_one("#card-field").display = way == _CARD
        self.query_one("#key-field").display = way == _OLD_KEY
        self.query_one("#accept", Button).label = "Add, compare later  ^s" if way == _CARD else "Add  ^s"
        self._show_seen(self._seen if way == _CARD else None)

    @on(TextArea.Changed)
    def _look_at_card(self) -> None:
        card = self._card
        if card == self._last_card:  # only the text around the card changed
            return
        self._last_card = card
        self._show_seen(None)
        if card.startswith(CARD_PREFIX) and len(card) <= _CARD_LIMIT:
            self.run_worker(self._look(card), name="look", group="look", exclusive=True)
        elif card:
            self._show_line(Content.styled(f"A card begins with {CARD_PREFIX}", TextStyle.WARN.value))

    async def _look(self, card: str) -> None:
        try:
            seen = await self.app.agent.card_seen(CardText(card=card))
        except TuishareError as error:
            self._last_card = ""
            self._show_line(Content.styled(clean(f"! {explain_error(error)}"), TextStyle.BAD.value))
            return
        name = self.query_one("#name", Input)
        if name.value in {"", self._suggested}:  # the user has not typed another name
            self._suggested = name.value = clean(seen.name)
        self._show_seen(seen)

    def _show_seen(self, seen: CardInfo | None) -> None:
        self._seen = seen
        self.query_one("#same").display = seen is not None
        self._show_line(_describe(seen) if seen else None)

    def _show_line(self, content: Content | None) -> None:
        line = self.query_one("#seen", Static)
        line.display = content is not None
        line.update(content or "")

    @on(Button.Pressed, "#same")
    def _on_same(self) -> None:
        self.action_verify()


def _describe(seen: CardInfo) -> Content:
    head = Content.assemble(
        "The card names ", (clip(seen.name, 40), TextStyle.STRONG.value), ". Compare these words aloud:"
    )
    lines = [head, show_fingerprint(seen.words, seen.fingerprint)]
    if seen.known_as:
        known = f"! You already have this card, as {clip(seen.known_as, 40)}."
        lines.append(Content.styled(known, TextStyle.WARN.value))
    return Content("\n").join(lines)
