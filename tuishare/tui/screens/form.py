"""The base of every dialog with fields: a box, fields, a line for errors, and buttons.

Owns focus, Escape, errors beside their fields, and that nothing typed is lost when the agent refuses or is lost. Must
not know what is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from tuishare.errors import TuishareError
from tuishare.presentation.problems import explain_error
from tuishare.tui.cell_text import clean
from tuishare.tui.dashboard_base import DashboardBase
from tuishare.tui.theme import TextStyle

_AROUND, _FEW = 7, 4
"""Rows of a dialog besides its fields: border, three for errors, buttons; and the fewest that fields get."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field.

    Attributes:
        field: id of its control.
        sentence: what is expected; foreign text, not yet safe.
    """

    field: str
    sentence: str


@dataclass(frozen=True, slots=True)
class FormResult:
    """What becomes of a dialog that was accepted.

    Attributes:
        words: for a notification, made safe; may be empty.
        following: the dialog that comes next.
    """

    words: str = ""
    following: ModalScreen[Any] | None = None


class Field(Vertical):
    """A label, the control beside it, and a line for its error."""

    def __init__(self, label: str, control: Widget) -> None:
        super().__init__(id=f"{control.id}-field", classes="field")
        self._label = label
        self._control = control

    def compose(self) -> ComposeResult:
        """Compose label, control and line."""
        with Horizontal():
            yield Static(Content(self._label), classes="label")
            yield self._control
        yield Static(classes="fault")

    def complain(self, sentence: str) -> None:
        """Show what is wrong; nothing for an empty sentence."""
        line = self.query_one(".fault", Static)
        line.display = bool(sentence)
        line.update(Content.styled(f"! {clean(sentence)}", TextStyle.BAD.value))


class Form(ModalScreen[None]):
    """Asks for something and has the agent do it; closes only when the agent accepted or the user cancelled."""

    HEADING: ClassVar[str] = ""
    ACCEPT_LABEL: ClassVar[str] = ""
    CANCEL_LABEL: ClassVar[str] = "Cancel"
    DESTRUCTIVE: ClassVar[bool] = False
    """Whether accepting loses something; then the button is red and an accidental Enter cancels."""

    app: DashboardBase

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("ctrl+s", "accept", "Accept", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._asking = False

    def compose(self) -> ComposeResult:
        """Compose fields, line for errors, and buttons in a box."""
        with Vertical(classes="dialog -grave" if self.DESTRUCTIVE else "dialog") as box:
            box.border_title = self.HEADING
            with VerticalScroll(classes="fields", can_focus=False):
                yield from self.compose_fields()
            yield Static(classes="trouble")
            with Horizontal(classes="answers"):
                yield Button(f"{self.CANCEL_LABEL}  esc", id="cancel", compact=True)
                yield from self.compose_answers()
                if self.ACCEPT_LABEL:
                    accept = Button(f"{self.ACCEPT_LABEL}  ^s", id="accept", compact=True)
                    accept.variant = "error" if self.DESTRUCTIVE else "primary"
                    yield accept

    def compose_fields(self) -> ComposeResult:
        """Compose what is asked."""
        yield from ()

    def compose_answers(self) -> ComposeResult:
        """Compose buttons besides the usual two."""
        yield from ()

    def validate(self) -> Iterator[FieldError]:
        """Yield what is wrong with the fields, before the agent is asked."""
        yield from ()

    async def submit(self) -> FormResult:
        """Have the agent do it.

        Raises:
            TuishareError: what the agent said instead; it is shown, and the dialog stays.
        """
        raise NotImplementedError

    def on_mount(self) -> None:
        """Focus the first field, or the safe answer."""
        for line in self.query(".fault, .trouble"):
            line.display = False
        if self.DESTRUCTIVE:
            self.query_one("#cancel").focus()

    def on_resize(self, event: events.Resize) -> None:
        """Let the fields scroll before the buttons are out of sight."""
        # In cells, because a maximum in other units counts only after the box around it has its height.
        self.query_one(".fields").styles.max_height = max(_FEW, event.size.height - _AROUND)

    def action_cancel(self) -> None:
        """Close without doing anything."""
        self.dismiss()

    def action_accept(self) -> None:
        """Submit, unless a field is wrong."""
        if self.ACCEPT_LABEL and not self.show_faults():
            self.ask(self.submit)

    def show_faults(self) -> bool:
        """Show beside each field what is wrong with it and focus the first one; return whether anything is wrong."""
        faults = list(self.validate())
        said = {fault.field: fault.sentence for fault in reversed(faults)}
        for field in self.query(Field):
            field.complain(said.get((field.id or "").removesuffix("-field"), ""))
        if faults:
            self.query_one(f"#{faults[0].field}").focus()
        return bool(faults)

    def ask(self, question: Callable[[], Awaitable[FormResult]]) -> None:
        """Ask the agent and close when it accepted; do nothing while an earlier question is open."""
        if not self._asking:
            self._asking = True
            self.show_trouble(Content.styled("Asking the agent …", TextStyle.QUIET.value))
            self.run_worker(self._ask(question), name="ask", group="ask")

    def show_trouble(self, content: Content | None) -> None:
        """Write the line above the buttons; None removes it."""
        line = self.query_one(".trouble", Static)
        line.display = content is not None
        line.update(content or "")

    async def _ask(self, question: Callable[[], Awaitable[FormResult]]) -> None:
        try:
            done = await question()
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            self.show_error(self.app.make_presentable(error))
        else:
            self._close(done)
        finally:
            self._asking = False

    def show_error(self, error: TuishareError) -> None:
        """Show what went wrong and what to do, in the dialog."""
        words = clean(f"! {explain_error(error)}")
        self.show_trouble(Content.styled(words, TextStyle.BAD.value))

    def _close(self, done: FormResult) -> None:
        app = self.app
        self.dismiss()
        if done.words:
            app.notify(done.words, timeout=5, markup=False)
        if done.following is not None:
            app.push_screen(done.following)

    @on(Button.Pressed, "#cancel")
    def _on_cancel(self) -> None:
        self.action_cancel()

    @on(Button.Pressed, "#accept")
    def _on_accept(self) -> None:
        self.action_accept()

    @on(Input.Submitted)
    def _on_submitted(self) -> None:
        self.action_accept()


def ask_for_restart(settings: Sequence[str]) -> str:
    """Return the words for settings that take effect when the agent is started again; empty for none."""
    return f"Restart the agent to apply: {clean(', '.join(dict.fromkeys(settings)))}" if settings else ""
