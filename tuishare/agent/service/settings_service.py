"""What clients order about folders and settings.

Owns the way from an order to the files, and that a change counts at once. The rules are
`tuishare.core.settings_rules`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tuishare.agent.config_reload import ConfigReload
from tuishare.agent.context import Context
from tuishare.agent.service.views import view_reload
from tuishare.api.actions import Accepted
from tuishare.api.messages import Reloaded
from tuishare.api.people import DropChange, DropNamed, SettingChange, SettingsText
from tuishare.config.editing import read_config
from tuishare.core.settings_rules import (
    absolute,
    change_setting,
    delete_drop_folder,
    save_drop_folder,
    write_settings,
)
from tuishare.errors import BadInput


class SettingsService:
    """Implements `tuishare.api.service.HomeService`."""

    def __init__(self, context: Context, config_reload: ConfigReload) -> None:
        self._places = context.places
        self._config_reload = config_reload

    async def set_drop(self, change: DropChange) -> Accepted:
        """Add a drop folder, or change whom it is for."""
        folder = _folder(change.path)
        places, users, transport = self._places, change.users, change.transport
        await self._config_reload.reload(lambda: save_drop_folder(places, folder, users, transport))
        return Accepted(id=str(folder))

    async def remove_drop(self, drop: DropNamed) -> Accepted:
        """Stop sharing what lies in a folder; its files stay."""
        folder = _folder(drop.path)
        await self._config_reload.reload(lambda: delete_drop_folder(self._places, folder))
        return Accepted(id=str(folder))

    async def settings(self) -> SettingsText:
        """Give the text of the settings file."""
        text, stamp = await asyncio.to_thread(read_config, self._places)
        return SettingsText(text=text, path=str(self._places.config_file), stamp=stamp)

    async def change_setting(self, change: SettingChange) -> Reloaded:
        """Change one setting and take it up."""
        return view_reload(
            await self._config_reload.reload(lambda: change_setting(self._places, change.key, change.value))
        )

    async def write_settings(self, settings: SettingsText) -> Reloaded:
        """Replace the settings file and take it up."""
        text, stamp = settings.text, settings.stamp
        reloaded = await self._config_reload.reload(lambda: write_settings(self._places, text, stamp))
        return view_reload(reloaded)


def _folder(path: str) -> Path:
    """Read a path that a client named; the agent's own working folder means nothing to him.

    Raises:
        BadInput: it is relative.
    """
    if not path.startswith(("/", "~")):
        raise BadInput("The path of the folder is not absolute", hint="Write it from / or ~ on.")
    if "\0" in path:
        raise BadInput("The path of the folder holds a zero byte")
    return absolute(Path(path))
