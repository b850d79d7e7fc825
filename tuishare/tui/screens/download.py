"""Dialogs about one download: approving it, and choosing which of its files are fetched.

Owns what is shown before approval: the sender's name, their fingerprint to compare, their note, and the files. The
agent decides whether files can still be left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Static
from textual.widgets.selection_list import Selection

from tuishare.api.messages import (
    Details,
    Download,
    DownloadAction,
    File,
    FileChoice,
    People,
    User,
    UserChange,
)
from tuishare.errors import TuishareError
from tuishare.presentation.actions import announce_action
from tuishare.presentation.formats import format_amount, format_count, format_size
from tuishare.presentation.states import describe_trust
from tuishare.presentation.transfers import describe_origin
from tuishare.tui.cell_text import clean, clip, fit
from tuishare.tui.describe.people import show_fingerprint
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.screens.recipients import NOTHING_SELECTED, Recipients
from tuishare.tui.theme import TextStyle

_NAME, _PATH, _NOTE = 56, 54, 300
_FILES: Final = 200
"""Files listed in the dialog; the section Files has more."""
_AFTER = "Other files are not downloaded. A download without all files is not seeded."
_WANTED_PATH = 38


class ApproveScreen(Form):
    """Asks whether a download that needs approval may begin.

    Args:
        download: as it was shown.
        people: to find the sender's fingerprint.
    """

    HEADING = "Approve this download?"
    ACCEPT_LABEL = "Approve"

    def __init__(self, download: Download, people: People) -> None:
        super().__init__()
        self._download = download
        self._sender = _find_sender(download, people)

    def compose_fields(self) -> ComposeResult:
        """Compose name, size, note, sender and files."""
        download = self._download
        yield Static(Content.styled(fit(download.name, _NAME), TextStyle.STRONG.value))
        amount = format_amount(download.files, download.size)
        yield Static(Content.styled(amount, TextStyle.QUIET.value))
        if download.note:
            yield Static(Content(f"“{clip(download.note, _NOTE)}”"))
        yield Static(self._describe_sender(), classes="-apart")
        yield Static(
            Content.styled("Asking for the files …", TextStyle.QUIET.value), id="files", classes="-apart"
        )

    def compose_answers(self) -> ComposeResult:
        """Offer to reject it, and to approve everything from this sender."""
        yield Button("Reject", id="reject", variant="error", compact=True)
        if self._sender is not None and not self._sender.verified:
            yield Button("Always approve", id="always", compact=True)

    def on_mount(self) -> None:
        """Ask for the files; focus Cancel."""
        super().on_mount()
        self.query_one("#cancel").focus()
        self.run_worker(self._list_files(), name="files")

    async def submit(self) -> FormResult:
        """Approve this download only."""
        await self.app.agent.order_download(self._download.id, DownloadAction.APPROVE)
        return FormResult(announce_action(DownloadAction.APPROVE, self._quoted_name))

    async def _always(self) -> FormResult:
        assert self._sender is not None
        await self.app.agent.change_user(UserChange(name=self._sender.name, verified=True))
        await self.submit()
        return FormResult(
            f"{clean(self._sender.name)} is verified; their downloads now start without approval."
        )

    async def _reject(self) -> FormResult:
        await self.app.agent.order_download(self._download.id, DownloadAction.REJECT)
        return FormResult(announce_action(DownloadAction.REJECT, self._quoted_name))

    @property
    def _quoted_name(self) -> str:
        return f"“{fit(self._download.name, 40)}”"

    def _describe_sender(self) -> Content:
        sender = self._sender
        if sender is None:
            origin = clean(describe_origin(self._download))
            return Content(origin[:1].upper() + origin[1:])
        head = Content.assemble(
            "From ", (clean(sender.name), TextStyle.STRONG.value), f", {describe_trust(sender)}"
        )
        if not sender.words:
            return head
        compare = Content.styled(
            "Choose “Always approve” only after they have read these words to you in person.",
            TextStyle.WARN.value,
        )
        return Content("\n").join([head, show_fingerprint(sender.words, sender.fingerprint), compare])

    async def _list_files(self) -> None:
        files = self.query_one("#files", Static)
        try:
            files.update(_describe_files(await self.app.agent.download_details(self._download.id)))
        except TuishareError as error:
            files.update(
                Content.styled(clean(f"The files cannot be listed: {error.detail}"), TextStyle.WARN.value)
            )

    @on(Button.Pressed, "#always")
    def _on_always(self) -> None:
        self.ask(self._always)

    @on(Button.Pressed, "#reject")
    def _on_reject(self) -> None:
        self.ask(self._reject)


def _find_sender(download: Download, people: People) -> User | None:
    return next((user for user in people.users if user.name == download.sender), None)


def _describe_files(details: Details) -> Content:
    shown = details.files[:_FILES]
    lines = [f"{format_size(file.size):>9}  {fit(file.path, _PATH)}" for file in shown]
    more = len(details.files) - len(shown) + details.more_files
    if more:
        lines.append(f"and {format_count(more, 'more file', 'more files')}")
    return Content("\n".join(lines) or "The files are not known yet.")


class FilesScreen(Form):
    """Asks which files are wanted.

    Args:
        download: as it was shown.
        details: with all of its files.
    """

    HEADING = "Choose files"
    ACCEPT_LABEL = "Download these"

    def __init__(self, download: Download, details: Details) -> None:
        super().__init__()
        self._download = download
        self._files = details.files

    def compose_fields(self) -> ComposeResult:
        """Compose the list of files; wanted files are selected."""
        yield Static(Content.styled(fit(self._download.name, _NAME), TextStyle.STRONG.value))
        lines = [
            Selection(_describe_file(file), str(number), file.wanted)
            for number, file in enumerate(self._files)
        ]
        yield Field("Wanted", Recipients(lines, id="files"))
        yield Static(Content(_AFTER), classes="aside -apart")

    def validate(self) -> Iterator[FieldError]:
        """Require at least one file."""
        if not self.query_one(Recipients).selected:
            yield FieldError("files", NOTHING_SELECTED)

    async def submit(self) -> FormResult:
        """Ask the agent to leave out the other files."""
        wanted = set(map(int, self.query_one(Recipients).selected))
        unwanted = tuple(number for number in range(len(self._files)) if number not in wanted)
        await self.app.agent.choose_files(self._download.id, FileChoice(unwanted=unwanted))
        return FormResult(f"Downloading {format_count(len(wanted), 'file')} …")


def _describe_file(file: File) -> Content:
    return Content.assemble(
        fit(file.path, _WANTED_PATH), (f"  {format_size(file.size)}", TextStyle.QUIET.value)
    )
