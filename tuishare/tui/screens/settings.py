"""The common settings as fields, and the settings file as text.

Sends only changed settings, one by one, so that the comments of the file stay and
each error stands beside its field. The agent checks the text before it replaces the file, and refuses it when the file
has changed meanwhile.
"""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Input, Static, TextArea

from tuishare.api.messages import SettingChange, SettingsText
from tuishare.errors import AgentUnreachable, TuishareError
from tuishare.presentation.settings_fields import DESKTOP, SETTINGS, read_settings
from tuishare.tui.cell_text import fit
from tuishare.tui.screens.form import Field, Form, FormResult, ask_for_restart
from tuishare.tui.screens.recipients import MarkCheckbox
from tuishare.tui.theme import TextStyle

_PATH: Final = 64


class SettingsScreen(Form):
    """Asks for the settings.

    Args:
        file: as the agent has just returned it.
    """

    HEADING = "Settings"
    ACCEPT_LABEL = "Save"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "edit_file", "File", show=False, priority=True)
    ]

    def __init__(self, file: SettingsText) -> None:
        super().__init__()
        self._file = file
        self._before = read_settings(file.text)

    def compose_fields(self) -> ComposeResult:
        """Compose one field for each."""
        for setting in SETTINGS:
            value = self._before[setting.key]
            # A default is not typed into the field, so that its hint is visible.
            shown = "" if value == setting.default else value
            hint = f"{setting.default} · {setting.hint}" if setting.default else setting.hint
            yield Field(setting.label, Input(shown, placeholder=hint, id=setting.control, compact=True))
        notify = self._before[DESKTOP.key] == "true"
        yield Field(DESKTOP.label, MarkCheckbox("desktop notifications", notify, id=DESKTOP.control))

    def compose_answers(self) -> ComposeResult:
        """Offer to edit the file."""
        yield Button("Edit file  ^t", id="file", compact=True)

    async def submit(self) -> FormResult:
        """Send the changed settings; those already accepted are not sent again after a refusal."""
        restart: list[str] = []
        for key, value in self._typed().items():
            if value != self._before[key]:
                restart += await self._change(key, value)
        if not restart:
            return FormResult("The settings are saved.")
        return FormResult(f"Saved. {ask_for_restart(restart)}.")

    async def _change(self, key: str, value: str) -> tuple[str, ...]:
        try:
            reloaded = await self.app.agent.change_setting(SettingChange(key=key, value=value))
        except AgentUnreachable:
            raise
        except TuishareError as error:
            for setting in (*SETTINGS, DESKTOP):
                if setting.key == key:
                    self.query_one(f"#{setting.control}-field", Field).complain(error.detail)
                    self.query_one(f"#{setting.control}").focus()
            raise
        self._before[key] = value
        return reloaded.restart

    def _typed(self) -> dict[str, str]:
        typed = {
            setting.key: self.query_one(f"#{setting.control}", Input).value.strip() or setting.default
            for setting in SETTINGS
        }
        notify = self.query_one(f"#{DESKTOP.control}", MarkCheckbox).value
        return typed | {DESKTOP.key: str(notify).lower()}

    def action_edit_file(self) -> None:
        """Open the settings file instead."""
        app = self.app
        self.dismiss()
        app.push_screen(SettingsFileScreen(self._file))

    @on(Button.Pressed, "#file")
    def _on_file(self) -> None:
        self.action_edit_file()


class SettingsFileScreen(Form):
    """Asks for the text of the settings file.

    Args:
        file: as the agent has returned it.
    """

    HEADING = "Settings file"
    ACCEPT_LABEL = "Check and save"

    def __init__(self, file: SettingsText) -> None:
        super().__init__()
        self._file = file

    def compose_fields(self) -> ComposeResult:
        """Compose path and text."""
        yield Static(Content.styled(fit(self._file.path, _PATH), TextStyle.QUIET.value))
        yield TextArea(self._file.text, id="text", compact=True, show_line_numbers=True, tab_behavior="focus")

    def on_mount(self) -> None:
        """Focus the text."""
        super().on_mount()
        self.query_one(TextArea).focus()

    async def submit(self) -> FormResult:
        """Send the text to the agent, which checks and applies it."""
        text = self.query_one(TextArea).text
        reloaded = await self.app.agent.write_settings(
            SettingsText(text=text, path=self._file.path, stamp=self._file.stamp)
        )
        if not reloaded.restart:
            return FormResult("The settings are saved.")
        return FormResult(f"Saved. {ask_for_restart(reloaded.restart)}.")
