"""The base of dialogs with fields: a box, fields, a line for errors, and buttons.

Owns focus, Escape, errors beside their fields, and that what was typed stays when the agent refuses or is lost. Must
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
        sentence: what is expected; untrusted text.
    """

    field: str
    sentence: str


@dataclass(frozen=True, slots=True)
class FormResult:
    """The result of an accepted dialog.

    Attributes:
        words: for a notification, made safe; may be empty.
        following: the next dialog, or None.
    """

    words: str = ""
    following: ModalScreen[Any] | None = None


class Field(Vertical):
    """A label, its control, and a line for the error."""

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
        """Show an error; an empty sentence hides it."""
        line = self.query_one(".fault", Static)
        line.display = bool(sentence)
        line.update(Content.styled(f"! {clean(sentence)}", TextStyle.BAD.value))


class Form(ModalScreen[None]):
    """Collects input and sends it to the agent; closes only when the agent has accepted or the user cancels."""

    HEADING: ClassVar[str] = ""
    ACCEPT_LABEL: ClassVar[str] = ""
    CANCEL_LABEL: ClassVar[str] = "Cancel"
    DESTRUCTIVE: ClassVar[bool] = False
    """Whether accepting loses something: then the button is red, and Cancel has the focus."""

    app: DashboardBase

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("ctrl+s", "accept", "Accept", show=False),
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
        """Compose the fields."""
        yield from ()

    def compose_answers(self) -> ComposeResult:
        """Compose buttons besides Cancel and Accept."""
        yield from ()

    def validate(self) -> Iterator[FieldError]:
        """Yield the errors of the fields, before the agent is asked."""
        yield from ()

    async def submit(self) -> FormResult:
        """Send the request to the agent.

        Raises:
            TuishareError: the agent refused; the error is shown and the dialog stays open.
        """
        raise NotImplementedError

    def on_mount(self) -> None:
        """Focus the first field, or Cancel in a destructive dialog."""
        for line in self.query(".fault, .trouble"):
            line.display = False
        if self.DESTRUCTIVE:
            self.query_one("#cancel").focus()

    def on_resize(self, event: events.Resize) -> None:
        """Limit the height of the fields so that the buttons stay visible."""
        # In cells: a maximum in other units applies only once the box around has its height.
        self.query_one(".fields").styles.max_height = max(_FEW, event.size.height - _AROUND)

    def action_cancel(self) -> None:
        """Close without a request."""
        self.dismiss()

    def action_accept(self) -> None:
        """Submit, unless a field has an error."""
        if self.ACCEPT_LABEL and not self.show_faults():
            self.ask(self.submit)

    def show_faults(self) -> bool:
        """Show the errors beside their fields and focus the first one; return whether there are any."""
        faults = list(self.validate())
        said = {fault.field: fault.sentence for fault in reversed(faults)}
        for field in self.query(Field):
            field.complain(said.get((field.id or "").removesuffix("-field"), ""))
        if faults:
            self.query_one(f"#{faults[0].field}").focus()
        return bool(faults)

    def ask(self, question: Callable[[], Awaitable[FormResult]]) -> None:
        """Send a request and close when the agent has accepted; do nothing while an earlier request is pending."""
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
        """Show an error and its hint in the dialog."""
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
    """Return the text for settings that take effect at the next start of the agent; empty for none."""
    return f"Restart the agent to apply: {clean(', '.join(dict.fromkeys(settings)))}" if settings else ""
