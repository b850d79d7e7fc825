"""What the dashboard asks of an agent.

Owns the protocol only; `tuishare.api.client.AgentClient` is one, and tests have another. Every method raises
`TuishareError` with what the agent said instead of an answer, or that there is none.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from tuishare.api.actions import DownloadAction, FileChoice, NewShare, ShareAction
from tuishare.api.details import Details, Proof
from tuishare.api.messages import Reloaded
from tuishare.api.people import (
    CardInfo,
    DropChange,
    NewUser,
    SettingChange,
    SettingsText,
    UserAdded,
    UserChange,
)


class AgentApi(Protocol):
    """Who answers questions and takes orders."""

    def share(self, new: NewShare) -> Awaitable[str]:
        """Share a file or folder; gives the id of the share."""

    def order_share(self, share: str, order: ShareAction) -> Awaitable[None]:
        """Do something with a share."""

    def order_download(self, download: str, order: DownloadAction) -> Awaitable[None]:
        """Do something with a download."""

    def choose_files(self, download: str, choice: FileChoice) -> Awaitable[None]:
        """Download all but some files."""

    def revoke_from_share(self, share: str, user: str) -> Awaitable[None]:
        """Take a user out of one share."""

    def share_details(self, share: str) -> Awaitable[Details]:
        """Give files, peers and history of a share."""

    def download_details(self, download: str) -> Awaitable[Details]:
        """Give files, peers and history of a download."""

    def share_proof(self, share: str) -> Awaitable[Proof]:
        """Give what a share lets out and to whom."""

    def card_seen(self, card: str) -> Awaitable[CardInfo]:
        """Give what stands in a card, before it is added."""

    def add_user(self, new: NewUser) -> Awaitable[UserAdded]:
        """Add a user; a key that was made is told this once."""

    def change_user(self, change: UserChange) -> Awaitable[None]:
        """Change a user's groups, card or trust."""

    def remove_user(self, name: str) -> Awaitable[None]:
        """Forget a user."""

    def new_key(self, name: str) -> Awaitable[UserAdded]:
        """Give a user with a key another one, told this once."""

    def revoke_user(self, name: str) -> Awaitable[None]:
        """Take a user out of everything that is shared."""

    def rotate_identity(self) -> Awaitable[str]:
        """Give ourselves new keys; gives the base32 fingerprint of the new card."""

    def set_drop(self, change: DropChange) -> Awaitable[None]:
        """Add a drop folder or change whom it is for."""

    def remove_drop(self, path: str) -> Awaitable[None]:
        """Stop sharing what lies in a folder."""

    def settings(self) -> Awaitable[SettingsText]:
        """Give the text of the settings file."""

    def change_setting(self, change: SettingChange) -> Awaitable[Reloaded]:
        """Change one setting, in the file and in the agent."""

    def write_settings(self, settings: SettingsText) -> Awaitable[Reloaded]:
        """Replace the settings file and take it up."""

    def reload(self) -> Awaitable[Reloaded]:
        """Read settings and user book again."""
