"""What the API server needs from the agent, and how it learns that something changed.

Owns the seam only. The agent implements `AgentService`; nothing here knows how.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tuishare.api.actions import Accepted, DownloadAction, FileChoice, NewShare, ShareAction
from tuishare.api.details import Details, Proof
from tuishare.api.messages import (
    Activity,
    Download,
    DownloadId,
    People,
    Reloaded,
    Share,
    ShareId,
    Snapshot,
    Status,
)
from tuishare.api.people import (
    CardInfo,
    CardText,
    DropChange,
    DropNamed,
    NewUser,
    SettingChange,
    SettingsText,
    UserAdded,
    UserChange,
    UserNamed,
)


class Revisions(Protocol):
    """A revision number that can be waited for; `tuishare.agent.state.change_signal.ChangeSignal` is one."""

    @property
    def revision(self) -> int:
        """The present revision; grows with every change."""

    async def wait_for_change(self, revision: int) -> int:
        """Wait until the revision is greater than the given one; returns the present revision."""


class PeopleService(Protocol):
    """What the agent does about people, itself included.

    Raises:
        BadInput: from every order: a name, card, key or group is not allowed.
        BadConfiguration: likewise: the user book is not usable as it is.
        SystemFailed: likewise: the disk refused; nothing has changed.
    """

    def view(self) -> People:
        """Tell who is known and who we are, at once, from memory."""

    async def card_seen(self, text: CardText) -> CardInfo:
        """Tell what stands in a card."""

    async def add_user(self, new: NewUser) -> UserAdded:
        """Add somebody; a key that was made is told this once."""

    async def change_user(self, change: UserChange) -> Accepted:
        """Change somebody's groups, card or trust.

        Raises:
            NotFound: nobody has that name.
        """

    async def remove_user(self, user: UserNamed) -> Accepted:
        """Forget somebody.

        Raises:
            NotFound: nobody has that name.
        """

    async def new_key(self, user: UserNamed) -> UserAdded:
        """Give somebody with a key another one, told this once.

        Raises:
            NotFound: nobody has that name.
        """

    async def revoke_user(self, user: UserNamed) -> Accepted:
        """Take somebody out of everything that is shared.

        Raises:
            NotFound: nothing is shared with him.
        """

    async def rotate_identity(self) -> Accepted:
        """Give ourselves new keys; the answer names the base32 fingerprint of the new card."""


class SettingsService(Protocol):
    """What the agent does about its folders and settings.

    Raises:
        BadInput: from every order: the settings would not be usable; they stay as they are.
        BadConfiguration: likewise: they are not usable as they are.
        SystemFailed: likewise: the disk refused; nothing has changed.
    """

    async def set_drop(self, change: DropChange) -> Accepted:
        """Add a drop folder, or change whom it is for.

        Raises:
            NotFound: a user or group is unknown.
        """

    async def remove_drop(self, drop: DropNamed) -> Accepted:
        """Stop sharing what lies in a folder; its files stay.

        Raises:
            NotFound: it is no drop folder.
        """

    async def settings(self) -> SettingsText:
        """Give the text of the settings file."""

    async def change_setting(self, change: SettingChange) -> Reloaded:
        """Change one setting and take it up; the comments of the file stay."""

    async def write_settings(self, settings: SettingsText) -> Reloaded:
        """Replace the settings file and take it up.

        Raises:
            Refused: somebody changed it since.
        """


class DetailsService(Protocol):
    """What the agent tells about one share or download to whoever looks closer.

    Raises:
        NotFound: from every method: there is no such share or download.
    """

    async def share_details(self, share: ShareId) -> Details:
        """List files, peers and history of a share."""

    async def share_proof(self, share: ShareId) -> Proof:
        """Say what a share lets out and to whom, with evidence."""

    async def download_details(self, download: DownloadId) -> Details:
        """List files, peers and history of a download."""


class AgentService(Protocol):
    """The agent as the server sees it. What is no order answers at once, from memory."""

    @property
    def people(self) -> PeopleService:
        """Who carries out what is about people."""

    @property
    def home(self) -> SettingsService:
        """Who carries out what is about folders and settings."""

    @property
    def insight(self) -> DetailsService:
        """Who looks closer."""

    def status(self) -> Status:
        """Tell about the agent itself."""

    def shares(self) -> Sequence[Share]:
        """List what is published, oldest first."""

    def downloads(self) -> Sequence[Download]:
        """List what is received, oldest first."""

    def snapshot(self) -> Snapshot:
        """Tell all of it, as of one moment."""

    def changes(self) -> Revisions:
        """Give the signal that moves whenever one of the answers above would differ."""

    async def activity(self, limit: int) -> Sequence[Activity]:
        """List the last of what happened, newest first.

        Raises:
            SystemFailed: it cannot be read.
        """

    async def share(self, new: NewShare) -> ShareId:
        """Share a file or folder outside the drop folders.

        Raises:
            TuishareError: it cannot be shared, or not for these recipients.
        """

    async def order_share(self, share: ShareId, order: ShareAction) -> None:
        """Do something with a share.

        Raises:
            NotFound: there is no such share.
            Refused: not now.
        """

    async def revoke_from_share(self, share: ShareId, user: str) -> None:
        """Take a user out of one share.

        Raises:
            NotFound: there is no such share, or it is not for him.
        """

    async def order_download(self, download: DownloadId, order: DownloadAction) -> None:
        """Do something with a download.

        Raises:
            NotFound: there is no such download.
            Refused: not now, or not with a download in its state.
        """

    async def choose_files(self, download: DownloadId, choice: FileChoice) -> None:
        """Download all but some files.

        Raises:
            NotFound: there is no such download.
            Refused: it is complete, or its files cannot be fetched one by one.
            BadInput: there is no file of such a number, or nothing would be left.
        """

    async def reload(self) -> Reloaded:
        """Read settings and user book again, and try once more what failed for want of a user or a key.

        Raises:
            BadConfiguration: a file is not usable; what was in force before stays so.
        """

    async def stop(self) -> None:
        """Begin to stop; returns once that is under way, not when it is done.

        The server answers the client afterwards, so this must not wait for the server itself to stop.
        """
