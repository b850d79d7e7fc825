"""The operations on folders and settings.

Owns that a change takes effect at once. The rules are those of `tuishare.core.settings_rules`, the files those of
`tuishare.api.home_files`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tuishare.agent.config_reload import ConfigReload
from tuishare.agent.service.views import view_reload
from tuishare.api.home_files import HomeFiles
from tuishare.api.messages import DropChange, DropNamed, GroupChange, Reloaded, SettingChange, SettingsText


class SettingsService:
    """Implements the part of `tuishare.api.service.AgentService` about folders and settings."""

    def __init__(self, files: HomeFiles, config_reload: ConfigReload) -> None:
        self._files = files
        self._config_reload = config_reload

    async def set_drop(self, change: DropChange) -> Reloaded:
        return await self._edit(lambda: self._files.set_drop(change))

    async def remove_drop(self, drop: DropNamed) -> Reloaded:
        return await self._edit(lambda: self._files.remove_drop(drop))

    async def change_group(self, change: GroupChange) -> Reloaded:
        return await self._edit(lambda: self._files.change_group(change))

    async def settings(self) -> SettingsText:
        return await asyncio.to_thread(self._files.settings)

    async def change_setting(self, change: SettingChange) -> Reloaded:
        return await self._edit(lambda: self._files.change_setting(change))

    async def write_settings(self, settings: SettingsText) -> Reloaded:
        return await self._edit(lambda: self._files.write_settings(settings))

    async def reload(self) -> Reloaded:
        return view_reload(await self._config_reload.reload())

    async def _edit(self, edit: Callable[[], object]) -> Reloaded:
        _, result = await self._config_reload.edit(edit)
        return view_reload(result)
