"""A home whose agent does not run: the operations on its files, for one command at a time.

Owns the home lock meanwhile, so that no agent starts in the middle of a change. The rules are those of
`tuishare.api.home_files`, as in an agent; what changes takes effect when the agent starts. Everything blocks.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from tuishare.api.home_files import HomeFiles, describe_people
from tuishare.api.messages import (
    Accepted,
    CardInfo,
    CardText,
    DropChange,
    DropNamed,
    Folder,
    GroupChange,
    NewUser,
    People,
    Reloaded,
    SettingChange,
    SettingsText,
    UserAdded,
    UserChange,
    UserNamed,
)
from tuishare.config.model import load_config
from tuishare.core.home_lock import HomeLock
from tuishare.errors import NotFound
from tuishare.home_paths import Places
from tuishare.people import load_identity


class OfflineService:
    """Implements `tuishare.api.service.HomeService` for a home without a running agent. A context manager.

    Args:
        places: of the home.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._files = HomeFiles(places, self._own_signer)
        self._lock = HomeLock(places.lock_file)

    def __enter__(self) -> Self:
        """Lock the home.

        Raises:
            HomeInUse: another process has it.
            SystemFailed: its folders cannot be made.
        """
        self._places.prepare()
        self._lock.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    async def people(self) -> People:
        """Return the users, and the home's own card once it has keys."""
        users = self._files.users()
        try:
            identity = load_identity(self._places.identity_file)
        except NotFound:
            return People(users=users)
        return describe_people(identity, load_config(self._places), users)

    async def card_seen(self, card: CardText) -> CardInfo:
        """Return the content of a card."""
        return self._files.card_seen(card)

    async def add_user(self, new: NewUser) -> UserAdded:
        """Add a user."""
        return self._files.add_user(new)

    async def change_user(self, change: UserChange) -> Accepted:
        """Change a user's groups, card or trust."""
        return self._files.change_user(change)

    async def change_group(self, change: GroupChange) -> Reloaded:
        """Choose whether the members of a group are introduced to each other."""
        return self._files.change_group(change)

    async def remove_user(self, user: UserNamed) -> Accepted:
        """Remove a user."""
        return self._files.remove_user(user)

    async def new_key(self, user: UserNamed) -> UserAdded:
        """Replace the key of a user."""
        return self._files.new_key(user)

    async def rotate_identity(self) -> Accepted:
        """Replace the home's own keys; the agent reissues its envelopes when it starts."""
        name = load_config(self._places).name
        return Accepted(id=self._files.rotate_identity(name).card(name).fingerprint.base32)

    async def folders(self) -> list[Folder]:
        """Return the drop folders as they are configured."""
        return self._files.folders()

    async def set_drop(self, change: DropChange) -> Reloaded:
        """Add a drop folder, or change its recipients."""
        return self._files.set_drop(change)

    async def remove_drop(self, drop: DropNamed) -> Reloaded:
        """Remove a drop folder; its files stay."""
        return self._files.remove_drop(drop)

    async def settings(self) -> SettingsText:
        """Return the text of the settings file."""
        return self._files.settings()

    async def change_setting(self, change: SettingChange) -> Reloaded:
        """Change one setting."""
        return self._files.change_setting(change)

    async def write_settings(self, settings: SettingsText) -> Reloaded:
        """Replace the settings file."""
        return self._files.write_settings(settings)

    def _own_signer(self) -> bytes | None:
        try:
            return load_identity(self._places.identity_file).signer
        except NotFound:
            return None
