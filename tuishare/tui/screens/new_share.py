"""The dialog behind `n`: what to share, with which recipients, until when.

Owns the fields and their validation before the agent is asked; shows how much was chosen, as the agent counts it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import ClassVar, Final, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Input, Select, Static

from tuishare.api.messages import NewShare, PathNamed, People
from tuishare.config.expiry import parse_expiry
from tuishare.errors import BadInput, TuishareError
from tuishare.presentation.formats import format_count, format_size
from tuishare.presentation.problems import explain_error
from tuishare.tui.cell_text import clean, fit
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.screens.path_picker import HOME, PathPicker, PathSuggester, find_path_fault, last_name
from tuishare.tui.screens.recipients import (
    ANY_CLIENT,
    NO_USERS,
    NOTHING_SELECTED,
    MarkCheckbox,
    Recipients,
    list_recipients,
)
from tuishare.tui.theme import TextStyle

_OWN: Final = "own"
_SPANS: Final = (
    ("never", ""),
    ("in a day", "1d"),
    ("in a week", "7d"),
    ("in 30 days", "30d"),
    ("other …", _OWN),
)
_PAUSE: Final = 0.2  # seconds without a key before the agent is asked to count
_NOTE: Final = 500  # characters; the same limit as in envelopes


class NewShareScreen(Form):
    """Asks what to share, and with which recipients."""

    HEADING = "New share"
    ACCEPT_LABEL = "Share"

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+o", "browse", "Browse", show=False, priority=True)]

    def __init__(self, people: People) -> None:
        super().__init__()
        self._people = people

    def compose_fields(self) -> ComposeResult:
        """Compose path, size, recipients, expiry, note and kind of swarm."""
        yield Field(
            "What",
            Input(
                placeholder="/path or ~/path; → completes",
                suggester=PathSuggester(self.app.agent),
                id="path",
                compact=True,
            ),
        )
        yield Static(classes="under", id="extent")
        yield Field("For", Recipients(list_recipients(self._people)))
        if not self._people.users:
            yield Static(Content.styled(NO_USERS, TextStyle.WARN.value), classes="under")
        yield Field("Expires", Select(_SPANS, value="", allow_blank=False, id="expires", compact=True))
        yield Field("Until", Input(placeholder="12h, 30d, 2w or 2026-12-31", id="until", compact=True))
        yield Field("Note", Input(placeholder="for the recipients", id="note", compact=True))
        yield Field("Swarm", MarkCheckbox(ANY_CLIENT, id="plain"))

    def compose_answers(self) -> ComposeResult:
        """Offer to browse."""
        yield Button("Browse  ^o", id="browse", compact=True)

    def on_mount(self) -> None:
        """Focus the path."""
        super().on_mount()
        self.query_one("#until-field").display = False
        self._show_extent(Content.styled("its size appears here", TextStyle.QUIET.value))

    def validate(self) -> Iterator[FieldError]:
        """Require a path, recipients, a future time, and a note of allowed length."""
        if fault := find_path_fault(self.query_one("#path", Input).value):
            yield FieldError("path", fault)
        if not self._people.users:
            yield FieldError("recipients", NO_USERS)
        elif not self.query_one(Recipients).selected:
            yield FieldError("recipients", NOTHING_SELECTED)
        try:
            self._not_after()
        except BadInput as error:
            yield FieldError("until", explain_error(error))
        note = self.query_one("#note", Input).value
        if len(note) > _NOTE:
            yield FieldError("note", f"Use at most {_NOTE} characters; this has {len(note):,}.")

    async def submit(self) -> FormResult:
        """Share the path."""
        path = self.query_one("#path", Input).value.strip()
        transport: Literal["tls", "plain"] = (
            "plain" if self.query_one("#plain", MarkCheckbox).value else "tls"
        )
        new = NewShare(
            path=path,
            recipients=tuple(self.query_one(Recipients).selected),
            transport=transport,
            note=self.query_one("#note", Input).value,
            not_after=self._not_after(),
        )
        await self.app.agent.share(new)
        return FormResult(f"Sharing “{fit(last_name(path), 40)}” with {clean(', '.join(new.recipients))}.")

    def action_browse(self) -> None:
        """Open the tree of files."""
        given = self.query_one("#path", Input).value
        start = HOME if find_path_fault(given) else given.strip()
        self.app.push_screen(PathPicker(start), self._take_path)

    def _take_path(self, path: str | None) -> None:
        if path is not None:
            self.query_one("#path", Input).value = path

    def _not_after(self) -> int:
        span = self.query_one("#expires", Select).value
        text = self.query_one("#until", Input).value if span == _OWN else str(span)
        return parse_expiry(text, self.app.clock()) if text or span == _OWN else 0

    @on(Button.Pressed, "#browse")
    def _on_browse(self) -> None:
        self.action_browse()

    @on(Select.Changed)
    def _offer_own_date(self, event: Select.Changed) -> None:
        self.query_one("#until-field").display = event.value == _OWN
        if event.value == _OWN:
            self.query_one("#until").focus()

    @on(Input.Changed, "#path")
    def _count(self, event: Input.Changed) -> None:
        if find_path_fault(event.value):
            self.workers.cancel_group(self, "measure")
            self._show_extent(Content(""))
        else:
            self._measure(event.value.strip())

    @work(group="measure", exclusive=True)
    async def _measure(self, path: str) -> None:
        self._show_extent(Content.styled("counting …", TextStyle.QUIET.value))
        await asyncio.sleep(_PAUSE)
        try:
            extent = await self.app.agent.measure_path(PathNamed(path=path))
        except TuishareError as error:
            self._show_extent(Content.styled(clean(error.detail), TextStyle.WARN.value))
            return
        more = "" if extent.whole else "more than "
        words = f"{more}{format_count(extent.files, 'file')} · {more}{format_size(extent.size)}"
        self._show_extent(
            Content.styled(words, TextStyle.GOOD.value if extent.files else TextStyle.WARN.value)
        )

    def _show_extent(self, content: Content) -> None:
        for line in self.query("#extent").results(Static):  # none when the dialog was closed meanwhile
            line.update(content)
