"""The settings file as text.

Owns the editor. The agent checks the text before it replaces the file, and refuses it when the file was changed
meanwhile.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static, TextArea

from tuishare.api.people import SettingsText
from tuishare.tui.cell_text import fit
from tuishare.tui.screens.form import Form, FormResult, ask_for_restart
from tuishare.tui.theme import TextStyle

_WIDTH = 64


class SettingsFileScreen(Form):
    """Asks for the text of the settings file.

    Args:
        file: as the agent told it.
    """

    HEADING = "Settings file"
    ACCEPT_LABEL = "Check and save"

    def __init__(self, file: SettingsText) -> None:
        super().__init__()
        self._file = file

    def compose_fields(self) -> ComposeResult:
        """Compose path and text."""
        yield Static(Content.styled(fit(self._file.path, _WIDTH), TextStyle.QUIET.value))
        yield TextArea(self._file.text, id="text", compact=True, show_line_numbers=True, tab_behavior="focus")

    def on_mount(self) -> None:
        """Focus the text."""
        super().on_mount()
        self.query_one(TextArea).focus()

    async def submit(self) -> FormResult:
        """Have the agent check the text and apply it."""
        text = self.query_one(TextArea).text
        reloaded = await self.app.agent.write_settings(
            SettingsText(text=text, path=self._file.path, stamp=self._file.stamp)
        )
        if not reloaded.restart:
            return FormResult("The settings are saved.")
        return FormResult(f"Saved. {ask_for_restart(reloaded.restart)}.")
