"""The API's operations, carried out by the parts of a running agent.

Owns the way from an operation to the part that carries it out, and the translation of its answer. Must not know who the
clients are, nor how they reach the agent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tuishare.agent.config_reload import ConfigReload
from tuishare.agent.context import Context
from tuishare.agent.downloads.inbox import Inbox
from tuishare.agent.service.command_dispatch import order_download, order_share
from tuishare.agent.service.command_runner import CommandRunner
from tuishare.agent.service.details_service import DetailsService
from tuishare.agent.service.settings_service import SettingsService
from tuishare.agent.service.state_view import StateView
from tuishare.agent.service.user_service import UserService
from tuishare.agent.service.views import view_activity, view_reload
from tuishare.agent.shares.sharing import Sharing
from tuishare.agent.shares.transitions import ShareTarget
from tuishare.agent.state.change_signal import ChangeSignal
from tuishare.api.actions import DownloadAction, FileChoice, NewShare, ShareAction
from tuishare.api.messages import Activity, Download, DownloadId, Reloaded, Share, ShareId, Snapshot, Status


class LocalAgentService:
    """Implements `tuishare.api.service.AgentService` for the agent of this process.

    Args:
        context: of the agent.
        sharing: its shares.
        inbox: its downloads.
        runner: carries out what is recorded on the disk.
        config_reload: puts changed files in force.
        view: the agent's state.
        users: the agent's users.
        stop: begins to stop the agent.
    """

    def __init__(
        self,
        context: Context,
        sharing: Sharing,
        inbox: Inbox,
        runner: CommandRunner,
        config_reload: ConfigReload,
        *,
        view: StateView,
        users: UserService,
        stop: Callable[[], None],
    ) -> None:
        self._context = context
        self._sharing = sharing
        self._inbox = inbox
        self._runner = runner
        self._config_reload = config_reload
        self._view = view
        self._stop = stop
        self.people = users
        self.home = SettingsService(context, config_reload)
        self.insight = DetailsService(context, sharing, inbox)

    def status(self) -> Status:
        """Tell about the agent itself."""
        return self._view.status()

    def shares(self) -> Sequence[Share]:
        """List what is published, oldest first."""
        return self._view.shares()

    def downloads(self) -> Sequence[Download]:
        """List what is received, oldest first."""
        return self._view.downloads()

    def snapshot(self) -> Snapshot:
        """Tell all of it, as of one moment."""
        return self._view.snapshot()

    def changes(self) -> ChangeSignal:
        """Give the signal that moves whenever one of the answers above would differ."""
        return self._view.changes()

    async def activity(self, limit: int) -> Sequence[Activity]:
        """List the last of what happened, newest first."""
        return list(map(view_activity, await self._context.activity.latest(limit)))

    async def share(self, new: NewShare) -> ShareId:
        """Share a file or folder outside the drop folders."""
        target = ShareTarget(new.recipients, new.transport, note=new.note, not_after=new.not_after)
        return ShareId(await self._runner.run(self._sharing.share(Path(new.path), target)))

    async def order_share(self, share: ShareId, order: ShareAction) -> None:
        """Do something with a share."""
        await self._runner.run(order_share(self._sharing, share, order))

    async def revoke_from_share(self, share: ShareId, user: str) -> None:
        """Take a user out of one share."""
        commands = self._sharing.commands
        await self._runner.run(commands.revoke(share, user), first=commands.disconnect(share, user))

    async def order_download(self, download: DownloadId, order: DownloadAction) -> None:
        """Do something with a download."""
        await self._runner.run(order_download(self._inbox, download, order))

    async def choose_files(self, download: DownloadId, choice: FileChoice) -> None:
        """Download all but some files."""
        await self._runner.run(self._inbox.commands.choose(download, choice.unwanted))

    async def reload(self) -> Reloaded:
        """Read settings and user book again."""
        return view_reload(await self._config_reload.reload())

    async def stop(self) -> None:
        """Begin to stop."""
        self._stop()
