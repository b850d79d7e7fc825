"""The operations of an agent, as a protocol for both sides of the API.

Owns the interface that the agent, its server, the client and the front ends share; `tuishare.api.operations` defines
how each method is sent. Must not know how anything is answered.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Final, Protocol

import msgspec

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

ACTIVITY_LIMIT: Final = 10_000
"""Most entries of the activity log in one answer; as many as are kept."""

Limit = Annotated[int, msgspec.Meta(ge=1, le=ACTIVITY_LIMIT)]
"""How many entries are asked for."""


class HomeService(Protocol):
    """The operations on users, the agent's own card, drop folders and settings: what a home's files hold.

    Two classes implement it: an agent, which puts a change in force at once, and
    `tuishare.api.offline_service.OfflineService` for a home whose agent does not run.

    Raises:
        TuishareError: from every method; see `AgentService`.
        SystemFailed: from every method that changes something: the disk refused, and nothing has changed.
    """

    async def people(self) -> People:
        """Return the users in the user book, and the agent's own card."""

    async def card_seen(self, card: CardText) -> CardInfo:
        """Return the content of a card, to be checked before it is added.

        Raises:
            BadInput: it is no card.
        """

    async def add_user(self, new: NewUser) -> UserAdded:
        """Add a user; a key that is made is shown in this answer only.

        Raises:
            BadInput: the name, card, key or a group is not allowed, or belongs to another user.
        """

    async def change_user(self, change: UserChange) -> Accepted:
        """Change a user's groups, card or trust, or what is chosen about introductions.

        Raises:
            NotFound: there is no such user, or they are not in a group that they are to leave.
            BadInput: the card or a group is not allowed.
            Refused: the user has another card meanwhile, or another user's card vouches for the new one.
        """

    async def change_group(self, change: GroupChange) -> Reloaded:
        """Choose whether the verified members of a group are introduced to each other, now and as they join.

        Raises:
            NotFound: no user is in such a group.
            BadInput: that is no name of a group.
        """

    async def remove_user(self, user: UserNamed) -> Accepted:
        """Remove a user; what they have received stays theirs.

        Raises:
            NotFound: there is no such user.
        """

    async def new_key(self, user: UserNamed) -> UserAdded:
        """Replace the key of a user who has one; the new key is shown in this answer only.

        Raises:
            NotFound: there is no such user.
            BadInput: they have a card.
        """

    async def rotate_identity(self) -> Accepted:
        """Replace the agent's own keys and card; returns the base32 fingerprint of the new card."""

    async def folders(self) -> list[Folder]:
        """List the drop folders, in the order of the settings file."""

    async def set_drop(self, change: DropChange) -> Reloaded:
        """Add a drop folder, or change its recipients.

        Raises:
            NotFound: a user or group is unknown.
            BadInput: it is no folder, or the settings do not allow it.
        """

    async def remove_drop(self, drop: DropNamed) -> Reloaded:
        """Remove a drop folder; its files stay on disk but are no longer shared.

        Raises:
            NotFound: it is not a drop folder.
        """

    async def settings(self) -> SettingsText:
        """Return the text of the settings file."""

    async def change_setting(self, change: SettingChange) -> Reloaded:
        """Change one setting, in the file and in the agent; the comments of the file stay.

        Raises:
            BadInput: there is no such setting, or it cannot have that value; the file stays as it is.
        """

    async def write_settings(self, settings: SettingsText) -> Reloaded:
        """Replace the settings file, and reload it.

        Raises:
            BadInput: the settings would not be usable; the file stays as it is.
            Refused: the file has changed since its text was asked for.
        """


class AgentService(HomeService, Protocol):
    """The operations of an agent.

    Raises:
        TuishareError: from every method: the agent's error; from a client also `AgentUnreachable` if no agent answers,
            or one of another protocol version.
        SystemFailed: from every method that changes something: the disk refused, and nothing has changed.
    """

    async def status(self) -> Status:
        """Return the state of the agent itself."""

    async def snapshot(self) -> Snapshot:
        """Return the whole state at one moment: status, shares, downloads, people and recent activity."""

    def events(self) -> AsyncGenerator[Event, None]:
        """Follow the agent: a snapshot first, then changes, at most two a second, until it stops."""

    async def shares(self) -> list[Share]:
        """List what is published, oldest first."""

    async def share(self, new: NewShare) -> Accepted:
        """Share a file or folder outside the drop folders; returns the id of the share.

        Raises:
            BadInput: the path cannot be shared.
            NotFound: there is nothing at the path, or a recipient is unknown.
            Refused: it is in a drop folder, or a present recipient would lose it.
        """

    async def share_details(self, share: ShareId) -> Details:
        """Return files, peers and history of a share.

        Raises:
            NotFound: there is no such share.
        """

    async def share_proof(self, share: ShareId) -> Proof:
        """Return the privacy report of a share: what it discloses and to whom, with evidence.

        Raises:
            NotFound: there is no such share.
        """

    async def revoke_from_share(self, share: ShareId, user: UserNamed) -> Accepted:
        """Take a user out of one share: no connections, no peers, and new tickets for the other recipients.

        Raises:
            NotFound: there is no such share, or it is not for that user.
        """

    async def order_share(self, share: ShareId, order: ShareAction) -> Accepted:
        """Pause, resume, renew, forget or delete a share.

        Raises:
            NotFound: there is no such share or action.
            Refused: not now.
        """

    async def downloads(self) -> list[Download]:
        """List what is received, oldest first."""

    async def download_details(self, download: DownloadId) -> Details:
        """Return files, peers and history of a download.

        Raises:
            NotFound: there is no such download.
        """

    async def choose_files(self, download: DownloadId, choice: FileChoice) -> Accepted:
        """Download all but some files.

        Raises:
            NotFound: there is no such download.
            Refused: it is complete, or its files cannot be fetched one by one.
            BadInput: there is no file of such a number, or nothing would be left.
        """

    async def order_download(self, download: DownloadId, order: DownloadAction) -> Accepted:
        """Pause, resume, approve, reject, forget or delete a download.

        Raises:
            NotFound: there is no such download or action.
            Refused: not now, or not with a download in its state.
        """

    async def open_envelope(self, path: PathNamed) -> Accepted:
        """Copy an envelope that came by hand into the inbox; returns the name of its file there.

        Raises:
            BadInput: the path is not absolute, or leads to something else than an envelope.
            NotFound: there is nothing at the path.
        """

    async def links(self) -> list[Link]:
        """List the links to the agents of verified users, in the order of the user book."""

    async def invitations(self) -> list[Invitation]:
        """List the invitations that were given out, oldest first, without their strings."""

    async def invite(self, new: NewInvitation) -> Invitation:
        """Make an invitation; its string is in this answer only.

        Raises:
            BadInput: a name is not allowed or taken, or it has ended already.
            Refused: this agent makes no links, or has no address.
        """

    async def cancel_invitation(self, invitation: InvitationNamed) -> Accepted:
        """Delete an invitation; the users who have used it are revoked everywhere and removed.

        Raises:
            NotFound: there is no such invitation.
        """

    async def answer_joiner(self, answer: JoinerAnswer) -> Accepted:
        """Let in one who asks to join, or never; returns the name on their card.

        Raises:
            NotFound: they do not ask.
        """

    async def join(self, invitation: InvitationText) -> Joining:
        """Use an invitation of another agent: both sides are known to each other afterwards.

        If the inviter is not reached, or has to approve first, the answer has no user: the agent calls them again until
        the invitation ends, also after a restart.

        Raises:
            BadInput: the text is no invitation, or one of this agent.
            Refused: this agent makes no links, or uses too many invitations.
            VerificationFailed: the answer is not the inviter's.
        """

    async def joins(self) -> list[Joining]:
        """List the invitations of other agents whose senders are called again, oldest first."""

    async def cancel_join(self, invitation: InvitationNamed) -> Accepted:
        """Call the sender of an invitation no longer.

        Raises:
            NotFound: it is not being used.
        """

    async def join_hub(self, string: HubString) -> HubJoined:
        """Become a member of a hub, which keeps for this agent what comes while it is off-line.

        Raises:
            BadInput: the text is no string of a hub.
            Refused: this agent makes no links.
        """

    async def receipts(self, query: ReceiptQuery) -> list[Receipt]:
        """Return the receipts that recipients' agents have signed, in the order in which they came.

        Raises:
            NotFound: there is no such share, and never was one with a receipt.
        """

    async def introductions(self) -> Introductions:
        """Return the introductions to this agent's user that are not accepted, and those that this agent gives."""

    async def introduce(self, users: UsersToIntroduce) -> UsersIntroduced:
        """Introduce verified users to each other: the agent of each is given the cards of all others.

        Raises:
            NotFound: there is no such user or group.
            Refused: a named user is not verified, fewer than two or too many are, or this agent makes no links.
        """

    async def accept_introduction(self, accepted: IntroductionAccepted) -> Accepted:
        """Make the introduced an unverified user; returns their name in the user book.

        Raises:
            NotFound: there is no such introduction.
            BadInput: a name is not allowed or taken, or the card has a key of another user.
            Refused: the introducer is no longer a verified user.
        """

    async def decline_introduction(self, introduction: IntroductionNamed) -> Accepted:
        """Decline an introduction, also when the same user makes it again.

        Raises:
            NotFound: there is no such introduction.
        """

    async def activity(self, limit: Limit = 100) -> list[Activity]:
        """List the last entries of the activity log, newest first.

        Raises:
            BadInput: that many cannot be asked for.
        """

    async def revoke_user(self, user: UserNamed) -> Accepted:
        """Take a user out of everything that is shared.

        Raises:
            NotFound: nothing is shared with them.
        """

    async def list_folder(self, query: FolderQuery) -> FolderListing:
        """List what a folder on the agent's machine holds, to choose from.

        Raises:
            BadInput: the path is not absolute.
            NotFound: there is no such folder.
            SystemFailed: it cannot be read, or does not answer within seconds.
        """

    async def measure_path(self, path: PathNamed) -> PathSize:
        """Count files and bytes of a file or folder on the agent's machine, for at most five seconds.

        Raises:
            BadInput: the path is not absolute, or leads neither to a file nor to a folder.
            NotFound: there is nothing at the path.
            SystemFailed: it cannot be read, or does not answer within seconds.
        """

    async def reload(self) -> Reloaded:
        """Read settings and user book again, and retry what failed for want of a user or a key.

        Raises:
            BadConfiguration: a file is not usable; what was in force before stays so.
        """

    async def stop(self) -> Stopping:
        """Begin to stop; the answer comes once that has begun, not when it is done."""


class Revisions(Protocol):
    """A revision number that can be waited for; `tuishare.agent.events.ChangeSignal` is one."""

    @property
    def revision(self) -> int:
        """The present revision; grows with every change."""

    async def wait_for_change(self, revision: int) -> int:
        """Wait until the revision is greater than the given one; returns the present revision."""


class StateFeed(Protocol):
    """The agent's state and its changes, from memory; what an event stream is made from."""

    def status(self) -> Status:
        """Return the state of the agent itself at this moment."""

    def snapshot(self) -> Snapshot:
        """Return the whole state at this moment."""

    def changes(self) -> Revisions:
        """Return the signal that is sent whenever the snapshot would differ."""
