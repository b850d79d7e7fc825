"""The client's side of the API, for the dashboard and the commands.

Owns which request says what; how it gets to the agent is `tuishare.api.connection`. Must not start agents.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from tuishare.api.actions import Accepted, DownloadAction, FileChoice, NewShare, ShareAction
from tuishare.api.codec import decode_event
from tuishare.api.connection import SILENCE_SECONDS, Connection
from tuishare.api.details import Details, Proof
from tuishare.api.messages import (
    Activity,
    Changes,
    Download,
    Heartbeat,
    Message,
    Reloaded,
    Share,
    Snapshot,
    Status,
    Stopping,
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


class AgentClient:
    """Talks to the agent on one socket. An async context manager.

    Args:
        socket_path: of the agent.
        silence: seconds without a line after which an event stream counts as dead.
    """

    def __init__(self, socket_path: Path, *, silence: float = SILENCE_SECONDS) -> None:
        self._connection = Connection(socket_path, silence=silence)

    async def __aenter__(self) -> Self:
        await self._connection.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._connection.__aexit__(kind, error, trace)

    async def status(self) -> Status:
        """Ask about the agent itself.

        Raises:
            AgentUnreachable: nobody answers, or in another protocol version.
            TuishareError: what the agent said instead of an answer. This and the above hold for every method.
        """
        return await self._connection.ask("GET", "/v1/status", Status)

    async def shares(self) -> list[Share]:
        """Ask what is published; errors as for `status`."""
        return await self._connection.ask("GET", "/v1/shares", list[Share])

    async def downloads(self) -> list[Download]:
        """Ask what is received; errors as for `status`."""
        return await self._connection.ask("GET", "/v1/downloads", list[Download])

    async def activity(self, limit: int = 100) -> list[Activity]:
        """Ask for the last of what happened, newest first; errors as for `status`."""
        return await self._connection.ask("GET", f"/v1/activity?limit={limit}", list[Activity])

    async def share(self, new: NewShare) -> str:
        """Share a file or folder; returns the id of the share. Errors as for `status`."""
        return (await self._connection.ask("POST", "/v1/shares", Accepted, body=new)).id

    async def order_share(self, share: str, order: ShareAction) -> None:
        """Do something with a share; errors as for `status`."""
        await self._connection.ask("POST", f"/v1/shares/{quote(share, safe='')}/{order}", Accepted)

    async def order_download(self, download: str, order: DownloadAction) -> None:
        """Do something with a download; errors as for `status`."""
        await self._connection.ask("POST", f"/v1/downloads/{quote(download, safe='')}/{order}", Accepted)

    async def choose_files(self, download: str, choice: FileChoice) -> None:
        """Download all but some files; errors as for `status`."""
        await self._order(f"/v1/downloads/{quote(download, safe='')}/wanted", choice)

    async def revoke_from_share(self, share: str, user: str) -> None:
        """Take a user out of one share; errors as for `status`."""
        await self._order(f"/v1/shares/{quote(share, safe='')}/revoke", UserNamed(name=user))

    async def share_details(self, share: str) -> Details:
        """Ask for files, peers and history of a share; errors as for `status`."""
        return await self._connection.ask("GET", f"/v1/shares/{quote(share, safe='')}/details", Details)

    async def download_details(self, download: str) -> Details:
        """Ask for files, peers and history of a download; errors as for `status`."""
        return await self._connection.ask("GET", f"/v1/downloads/{quote(download, safe='')}/details", Details)

    async def share_proof(self, share: str) -> Proof:
        """Ask what a share lets out and to whom; errors as for `status`."""
        return await self._connection.ask("GET", f"/v1/shares/{quote(share, safe='')}/proof", Proof)

    async def card_seen(self, card: str) -> CardInfo:
        """Ask what stands in a card, before it is added; errors as for `status`."""
        return await self._connection.ask("POST", "/v1/people/card", CardInfo, body=CardText(card=card))

    async def add_user(self, new: NewUser) -> UserAdded:
        """Add a user; a key that was made is told this once. Errors as for `status`."""
        return await self._connection.ask("POST", "/v1/people/add", UserAdded, body=new)

    async def change_user(self, change: UserChange) -> None:
        """Change a user's groups, card or trust; errors as for `status`."""
        await self._order("/v1/people/change", change)

    async def remove_user(self, name: str) -> None:
        """Forget a user; errors as for `status`."""
        await self._order("/v1/people/remove", UserNamed(name=name))

    async def new_key(self, name: str) -> UserAdded:
        """Give a user with a key another one, told this once; errors as for `status`."""
        return await self._connection.ask("POST", "/v1/people/key", UserAdded, body=UserNamed(name=name))

    async def revoke_user(self, name: str) -> None:
        """Take a user out of everything that is shared; errors as for `status`."""
        await self._order("/v1/people/revoke", UserNamed(name=name))

    async def rotate_identity(self) -> str:
        """Give ourselves new keys; returns the base32 fingerprint of the new card. Errors as for `status`."""
        return (await self._connection.ask("POST", "/v1/identity/rotate", Accepted)).id

    async def set_drop(self, change: DropChange) -> None:
        """Add a drop folder or change whom it is for; errors as for `status`."""
        await self._order("/v1/folders/set", change)

    async def remove_drop(self, path: str) -> None:
        """Stop sharing what lies in a folder; errors as for `status`."""
        await self._order("/v1/folders/remove", DropNamed(path=path))

    async def settings(self) -> SettingsText:
        """Ask for the text of the settings file; errors as for `status`."""
        return await self._connection.ask("GET", "/v1/settings", SettingsText)

    async def change_setting(self, change: SettingChange) -> Reloaded:
        """Change one setting, in the file and in the agent; errors as for `status`."""
        return await self._connection.ask("POST", "/v1/settings", Reloaded, body=change)

    async def write_settings(self, settings: SettingsText) -> Reloaded:
        """Replace the settings file, and take it up; errors as for `status`.

        Raises:
            BadInput: the agent could not use it; the file stays as it was.
            Refused: the file was changed since its text was asked for.
        """
        return await self._connection.ask("POST", "/v1/settings/text", Reloaded, body=settings)

    async def reload(self) -> Reloaded:
        """Ask the agent to read settings and user book again.

        Raises:
            BadConfiguration: a file is not usable; what was in force before stays so. Else errors as for `status`.
        """
        return await self._connection.ask("POST", "/v1/reload", Reloaded)

    async def stop(self) -> Stopping:
        """Ask the agent to stop, whatever its protocol version; errors as for `status`."""
        return await self._connection.ask("POST", "/v1/stop", Stopping, any_version=True)

    async def events(self) -> AsyncGenerator[Snapshot | Changes, None]:
        """Follow the agent: a snapshot, then changes, until it is lost.

        Raises:
            AgentUnreachable: nobody answers, the stream ended, or it was silent for too long.
            TuishareError: what the agent said instead of an answer.
        """
        async with contextlib.aclosing(self._connection.lines("/v1/events")) as lines:
            async for line in lines:
                event = decode_event(line)
                if not isinstance(event, Heartbeat):
                    yield event

    async def _order(self, path: str, body: Message) -> None:
        await self._connection.ask("POST", path, Accepted, body=body)
