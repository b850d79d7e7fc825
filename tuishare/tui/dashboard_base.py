"""The app as screens and widgets see it: shared state, and messages that ask it to act.

Owns that state and the two requests. Must not import a screen or a widget: they know the app by this class only.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from textual.app import App
from textual.message import Message
from textual.reactive import reactive

from tuishare.api.messages import Download, Folder, Introduction, People, Share, User
from tuishare.api.service import AgentService
from tuishare.errors import TuishareError
from tuishare.presentation.problems import explain_error, request_failed
from tuishare.presentation.row_models import Group
from tuishare.tui.cell_text import clean
from tuishare.tui.entry_commands import Command
from tuishare.tui.rates import Rates
from tuishare.tui.view import View

Subject = Share | Download | User | Folder | Group | Introduction
"""What a dialog can be opened for."""


class DialogKind(StrEnum):
    """Which dialog."""

    NEW_SHARE = "new_share"
    REVOKE = "revoke"
    APPROVE = "approve"
    OPEN_ENVELOPE = "open_envelope"
    CHOOSE_FILES = "choose_files"
    ADD_USER = "add_user"
    INVITE = "invite"
    INVITATIONS = "invitations"
    JOIN = "join"
    CHANGE_USER = "change_user"
    REVOKE_USER = "revoke_user"
    CARD = "card"
    ROTATE = "rotate"
    ADD_FOLDER = "add_folder"
    CHANGE_FOLDER = "change_folder"
    SETTINGS = "settings"


class OpenDialog(Message):
    """A request to open a dialog.

    Attributes:
        kind: which one.
        about: the marked entries, otherwise the one under the cursor, as they were shown.
    """

    def __init__(self, kind: DialogKind, about: tuple[Subject, ...] = ()) -> None:
        super().__init__()
        self.kind = kind
        self.about = about


class RunCommands(Message):
    """A request to send commands to the agent, all of one kind; the app asks first where something would be lost."""

    def __init__(self, commands: tuple[Command, ...]) -> None:
        super().__init__()
        self.commands = commands


class DashboardBase(App[None]):
    """The app as screens and widgets know it.

    Attributes:
        view: what is shown.
        now: Unix seconds, moved on every second.

    Args:
        agent: answers requests and carries out commands.
        clock: Unix seconds.
    """

    view: reactive[View] = reactive(View())
    now: reactive[float] = reactive(0.0)

    def __init__(self, agent: AgentService, clock: Callable[[], float]) -> None:
        super().__init__()
        self.agent = agent
        self.clock = clock
        self.rates = Rates()

    @property
    def people(self) -> People:
        """The users in the last snapshot; none before the first."""
        return self.view.snapshot.people if self.view.snapshot else People()

    def notify_error(self, error: TuishareError) -> None:
        """Show an error and its hint as a notification."""
        words = clean(explain_error(error))
        self.notify(words, title=error.title, severity="error", timeout=10, markup=False)

    def make_presentable(self, error: Exception) -> TuishareError:
        """Return an error to show; an unexpected one is logged, because no traceback belongs on the screen."""
        if isinstance(error, TuishareError):
            return error
        self.log.error(error)
        return request_failed()
