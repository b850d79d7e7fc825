"""Choosing which files of a download are fetched.

Owns the list and the note below it; the agent decides whether files can still be left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static
from textual.widgets.selection_list import Selection

from tuishare.api.messages import Details, Download, File, FileChoice
from tuishare.presentation.formats import format_count, format_size
from tuishare.tui.cell_text import fit
from tuishare.tui.screens.form import Field, FieldError, Form, FormResult
from tuishare.tui.screens.recipients import NOTHING_SELECTED, Recipients
from tuishare.tui.theme import TextStyle

_AFTER = "Other files are not downloaded. A download without all files is not seeded."
_NAME, _PATH = 56, 38


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
            Selection(_describe(file), str(number), file.wanted) for number, file in enumerate(self._files)
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


def _describe(file: File) -> Content:
    return Content.assemble(fit(file.path, _PATH), (f"  {format_size(file.size)}", TextStyle.QUIET.value))
