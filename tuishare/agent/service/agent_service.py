"""The operations of the API, carried out by the parts of a running agent.

Owns which part carries out an operation, and the translation of its answer. Must not know the clients, nor how they
reach the agent.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from tuishare.agent.downloads.inbox import Inbox
from tuishare.agent.service.command_dispatch import order_download, order_share
from tuishare.agent.service.command_runner import CommandRunner
from tuishare.agent.service.details_service import DetailsService
from tuishare.agent.service.introduction_service import IntroductionService
from tuishare.agent.service.invitation_service import InvitationService
from tuishare.agent.service.path_service import PathService
from tuishare.agent.service.receipt_service import ReceiptService
from tuishare.agent.service.settings_service import SettingsService
from tuishare.agent.service.state_view import StateView
from tuishare.agent.service.user_service import UserService
from tuishare.agent.service.views import view_activity
from tuishare.agent.shares.sharing import Sharing
from tuishare.agent.shares.transitions import ShareTarget
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.api.event_stream import StreamTiming, follow
from tuishare.api.messages import (
    Accepted,
    Activity,
    CardInfo,
    CardText,
    Details,
    Download,
    DownloadAction,
    DownloadId,
    DropChange,
    DropNamed,
    Event,
    FileChoice,
    Folder,
    FolderListing,
    FolderQuery,
    GroupChange,
    HubJoined,
    HubString,
    IntroductionAccepted,
    IntroductionNamed,
    Introductions,
    Invitation,
    InvitationNamed,
    InvitationText,
    JoinerAnswer,
    Joining,
    Link,
    NewInvitation,
    NewShare,
    NewUser,
    PathNamed,
    PathSize,
    People,
    Proof,
    Receipt,
    ReceiptQuery,
    Reloaded,
    SettingChange,
    SettingsText,
    Share,
    ShareAction,
    ShareId,
    Snapshot,
    Status,
    Stopping,
    UserAdded,
    UserChange,
    UserNamed,
    UsersIntroduced,
    UsersToIntroduce,
)
from tuishare.fs.browse import to_absolute


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """The parts of the room, made by `tuishare.agent.startup`."""

    view: StateView
    users: UserService
    invitations: InvitationService
    introductions: IntroductionService
    receipts: ReceiptService
    settings: SettingsService
    paths: PathService
    details: DetailsService


class LocalAgentService:
    """Implements `tuishare.api.service.AgentService`, which documents the methods, for the agent of this process.

    Args:
        parts: carry out what concerns one subject.
        sharing: the shares.
        inbox: the downloads.
        runner: runs the commands that are recorded on disk.
        activity: the activity log.
        stop: begins to stop the agent.
    """

    def __init__(
        self,
        parts: ServiceParts,
        sharing: Sharing,
        inbox: Inbox,
        runner: CommandRunner,
        *,
        activity: ActivityLog,
        stop: Callable[[], None],
    ) -> None:
        self._view = parts.view
        self._users = parts.users
        self._invitations = parts.invitations
        self._introductions = parts.introductions
        self._receipts = parts.receipts
        self._settings = parts.settings
        self._paths = parts.paths
        self._details = parts.details
        self._sharing = sharing
        self._inbox = inbox
        self._runner = runner
        self._activity = activity
        self._stop = stop

    async def status(self) -> Status:
        return self._view.status()

    async def snapshot(self) -> Snapshot:
        return self._view.snapshot()

    def events(self) -> AsyncGenerator[Event, None]:
        return follow(self._view, StreamTiming())

    async def stop(self) -> Stopping:
        self._stop()
        return Stopping(pid=os.getpid())

    async def activity(self, limit: int = 100) -> list[Activity]:
        return list(map(view_activity, await self._activity.latest(limit)))

    async def links(self) -> list[Link]:
        return self._view.links()

    async def invitations(self) -> list[Invitation]:
        return await self._invitations.invitations()

    async def invite(self, new: NewInvitation) -> Invitation:
        return await self._invitations.invite(new)

    async def cancel_invitation(self, invitation: InvitationNamed) -> Accepted:
        return await self._invitations.cancel_invitation(invitation)

    async def join(self, invitation: InvitationText) -> Joining:
        return await self._invitations.join(invitation)

    async def joins(self) -> list[Joining]:
        return await self._invitations.joins()

    async def cancel_join(self, invitation: InvitationNamed) -> Accepted:
        return await self._invitations.cancel_join(invitation)

    async def answer_joiner(self, answer: JoinerAnswer) -> Accepted:
        return await self._invitations.answer_joiner(answer)

    async def join_hub(self, string: HubString) -> HubJoined:
        return await self._invitations.join_hub(string)

    async def receipts(self, query: ReceiptQuery) -> list[Receipt]:
        return await self._receipts.receipts(query)

    async def introductions(self) -> Introductions:
        return await self._introductions.introductions()

    async def introduce(self, users: UsersToIntroduce) -> UsersIntroduced:
        return await self._introductions.introduce(users)

    async def accept_introduction(self, accepted: IntroductionAccepted) -> Accepted:
        return await self._introductions.accept_introduction(accepted)

    async def decline_introduction(self, introduction: IntroductionNamed) -> Accepted:
        return await self._introductions.decline_introduction(introduction)

    # Shares

    async def shares(self) -> list[Share]:
        return self._view.shares()

    async def share(self, new: NewShare) -> Accepted:
        target = ShareTarget(new.recipients, new.transport, note=new.note, not_after=new.not_after)
        return Accepted(id=await self._runner.run(self._sharing.share(to_absolute(new.path), target)))

    async def share_details(self, share: ShareId) -> Details:
        return await self._details.share_details(share)

    async def share_proof(self, share: ShareId) -> Proof:
        return await self._details.share_proof(share)

    async def revoke_from_share(self, share: ShareId, user: UserNamed) -> Accepted:
        commands, name = self._sharing.commands, user.name
        await self._runner.run(commands.revoke(share, name), first=commands.disconnect(share, name))
        return Accepted(id=share)

    async def order_share(self, share: ShareId, order: ShareAction) -> Accepted:
        await self._runner.run(order_share(self._sharing, share, order))
        return Accepted(id=share)

    # Downloads

    async def downloads(self) -> list[Download]:
        return self._view.downloads()

    async def download_details(self, download: DownloadId) -> Details:
        return await self._details.download_details(download)

    async def choose_files(self, download: DownloadId, choice: FileChoice) -> Accepted:
        await self._runner.run(self._inbox.commands.choose(download, choice.unwanted))
        return Accepted(id=download)

    async def order_download(self, download: DownloadId, order: DownloadAction) -> Accepted:
        await self._runner.run(order_download(self._inbox, download, order))
        return Accepted(id=download)

    # People

    async def people(self) -> People:
        return self._introductions.added_to(await self._users.people())

    async def card_seen(self, card: CardText) -> CardInfo:
        return await self._users.card_seen(card)

    async def add_user(self, new: NewUser) -> UserAdded:
        return await self._users.add_user(new)

    async def change_user(self, change: UserChange) -> Accepted:
        return await self._users.change_user(change)

    async def change_group(self, change: GroupChange) -> Reloaded:
        return await self._settings.change_group(change)

    async def remove_user(self, user: UserNamed) -> Accepted:
        return await self._users.remove_user(user)

    async def new_key(self, user: UserNamed) -> UserAdded:
        return await self._users.new_key(user)

    async def revoke_user(self, user: UserNamed) -> Accepted:
        return await self._users.revoke_user(user)

    async def rotate_identity(self) -> Accepted:
        return await self._users.rotate_identity()

    # Paths, folders and settings

    async def list_folder(self, query: FolderQuery) -> FolderListing:
        return await self._paths.list_folder(query)

    async def open_envelope(self, path: PathNamed) -> Accepted:
        return Accepted(id=await self._runner.run(self._inbox.hand_in(to_absolute(path.path))))

    async def measure_path(self, path: PathNamed) -> PathSize:
        return await self._paths.measure_path(path)

    async def folders(self) -> list[Folder]:
        return list(self._view.status().drop_folders)

    async def set_drop(self, change: DropChange) -> Reloaded:
        return await self._settings.set_drop(change)

    async def remove_drop(self, drop: DropNamed) -> Reloaded:
        return await self._settings.remove_drop(drop)

    async def settings(self) -> SettingsText:
        return await self._settings.settings()

    async def change_setting(self, change: SettingChange) -> Reloaded:
        return await self._settings.change_setting(change)

    async def write_settings(self, settings: SettingsText) -> Reloaded:
        return await self._settings.write_settings(settings)

    async def reload(self) -> Reloaded:
        return await self._settings.reload()
