"""A fake of the agent as the dashboard calls it: a test chooses its answers and when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import msgspec
from textual.pilot import Pilot

from tests.api.samples import DOWNLOAD, NOW, SHARE, STATUS
from tuishare.api.messages import (
    Accepted,
    Activity,
    CardInfo,
    CardText,
    Changes,
    Details,
    Download,
    DownloadAction,
    DownloadId,
    DropChange,
    DropNamed,
    FileChoice,
    Folder,
    FolderEntry,
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
from tuishare.errors import AgentUnreachable, NotFound
from tuishare.tui.app import Dashboard
from tuishare.tui.notifications import write_farewell
from tuishare.tui.snapshot_stream import Backoff
from tuishare.tui.view import View

CALM: Status = msgspec.structs.replace(STATUS, problems=(), inbox="/home/alice/tuishare/inbox")
GONE = AgentUnreachable("No agent answers on /run/tuishare.sock", hint="Start it with: tuishare agent")
PATIENT = Backoff(first=3600, longest=3600)


def many_shares(number: int) -> tuple[Share, ...]:
    return tuple(
        msgspec.structs.replace(SHARE, id=ShareId(f"{n:04x}"), name=f"file-{n:04}.bin", added=NOW - n)
        for n in range(number)
    )


def snapshot(
    shares: tuple[Share, ...] = (), downloads: tuple[Download, ...] = (), status: Status = CALM
) -> Snapshot:
    return Snapshot(status=status, shares=shares, downloads=downloads)


FULL = snapshot((SHARE,), (DOWNLOAD,))


class FakeAgent:
    """A `Reader` with chosen events; a starter and an `AgentService` that record their calls."""

    def __init__(self, *events: Snapshot | Changes | Exception) -> None:
        self.queue: asyncio.Queue[Snapshot | Changes | Exception] = asyncio.Queue()
        self.attempts = 0
        self.open = 0
        self.starts = 0
        self.start_fails_with: Exception | None = None
        self.orders: list[tuple[str, ShareAction | DownloadAction]] = []
        self.order_fails_with: Exception | None = None
        self.calls: list[tuple[object, ...]] = []
        self.details = Details()
        self.card = CardInfo(name="bob", fingerprint="ABCD", words="able bold calm dare")
        self.proof = Proof(findings=())
        self.invited: list[Invitation] = []
        self.joining: list[Joining] = []
        self.joined = Joining(id="ef" * 16, user="alice", words="one two three four", verified=True)
        self.text = SettingsText(text='name = "alice"', path="/home/alice/.config/tuishare/config.toml")
        self.disk: dict[str, tuple[str, ...]] = {}
        self.sizes: dict[str, PathSize] = {}
        self.runner = asyncio.Event()
        self.runner.set()
        for event in events:
            self.say(event)

    def say(self, event: Snapshot | Changes | Exception) -> None:
        self.queue.put_nowait(event)

    async def events(self) -> AsyncGenerator[Snapshot | Changes, None]:
        self.attempts += 1
        self.open += 1
        try:
            while True:
                event = await self.queue.get()
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.open -= 1

    async def start(self) -> None:
        self.starts += 1
        if self.start_fails_with:
            raise self.start_fails_with

    async def status(self) -> Status:
        return CALM

    async def snapshot(self) -> Snapshot:
        return FULL

    async def shares(self) -> list[Share]:
        return [SHARE]

    async def downloads(self) -> list[Download]:
        return [DOWNLOAD]

    async def people(self) -> People:
        return FULL.people

    async def activity(self, limit: int = 100) -> list[Activity]:
        return list(FULL.activity[:limit])

    async def invitations(self) -> list[Invitation]:
        return list(self.invited)

    async def invite(self, new: NewInvitation) -> Invitation:
        await self._call("invite", new)
        made = Invitation(
            id="ab" * 16, text="tuishare-invite-v1:abc", name=new.name, created=1, until=new.until
        )
        self.invited.append(msgspec.structs.replace(made, text=""))
        return made

    async def cancel_invitation(self, invitation: InvitationNamed) -> Accepted:
        self.invited = [each for each in self.invited if each.id != invitation.id]
        return await self._call("cancel_invitation", invitation.id)

    async def join(self, invitation: InvitationText) -> Joining:
        await self._call("join", invitation.text)
        return self.joined

    async def joins(self) -> list[Joining]:
        return list(self.joining)

    async def cancel_join(self, invitation: InvitationNamed) -> Accepted:
        self.joining = [each for each in self.joining if each.id != invitation.id]
        return await self._call("cancel_join", invitation.id)

    async def answer_joiner(self, answer: JoinerAnswer) -> Accepted:
        return await self._call("answer_joiner", answer)

    async def join_hub(self, string: HubString) -> HubJoined:
        return HubJoined(address="hub.example:50012")

    async def receipts(self, query: ReceiptQuery) -> list[Receipt]:
        return []

    async def introductions(self) -> Introductions:
        return Introductions()

    async def introduce(self, users: UsersToIntroduce) -> UsersIntroduced:
        await self._call("introduce", users)
        return UsersIntroduced(users=("bob", "carol"))

    async def accept_introduction(self, accepted: IntroductionAccepted) -> Accepted:
        await self._call("accept_introduction", accepted)
        return Accepted(id="carol")

    async def decline_introduction(self, introduction: IntroductionNamed) -> Accepted:
        return await self._call("decline_introduction", introduction.id)

    async def change_group(self, change: GroupChange) -> Reloaded:
        await self._call("change_group", change)
        return Reloaded()

    async def links(self) -> list[Link]:
        return []

    async def order_share(self, share: ShareId, order: ShareAction) -> Accepted:
        return await self._take(share, order)

    async def order_download(self, download: DownloadId, order: DownloadAction) -> Accepted:
        return await self._take(download, order)

    async def choose_files(self, download: DownloadId, choice: FileChoice) -> Accepted:
        return await self._call("choose_files", download, choice)

    async def share(self, new: NewShare) -> Accepted:
        await self._call("share", new)
        return Accepted(id="new")

    async def revoke_from_share(self, share: ShareId, user: UserNamed) -> Accepted:
        return await self._call("revoke_from_share", share, user.name)

    async def share_details(self, share: ShareId) -> Details:
        await self._call("share_details", share)
        return self.details

    async def download_details(self, download: DownloadId) -> Details:
        await self._call("download_details", download)
        return self.details

    async def share_proof(self, share: ShareId) -> Proof:
        await self._call("share_proof", share)
        return self.proof

    async def card_seen(self, card: CardText) -> CardInfo:
        await self._call("card_seen", card.card)
        return self.card

    async def add_user(self, new: NewUser) -> UserAdded:
        await self._call("add_user", new)
        return UserAdded(name=new.name, key="" if new.card or new.key else "ab" * 32)

    async def change_user(self, change: UserChange) -> Accepted:
        return await self._call("change_user", change)

    async def remove_user(self, user: UserNamed) -> Accepted:
        return await self._call("remove_user", user.name)

    async def new_key(self, user: UserNamed) -> UserAdded:
        await self._call("new_key", user.name)
        return UserAdded(name=user.name, key="cd" * 32)

    async def revoke_user(self, user: UserNamed) -> Accepted:
        return await self._call("revoke_user", user.name)

    async def rotate_identity(self) -> Accepted:
        await self._call("rotate_identity")
        return Accepted(id="NEWFINGERPRINT")

    async def folders(self) -> list[Folder]:
        await self._call("folders")
        return []

    async def list_folder(self, query: FolderQuery) -> FolderListing:
        """List a folder of `disk`, which is not the disk of this machine."""
        path = query.path.rstrip("/") or "/"
        while query.nearest and path not in self.disk and path != "/":
            path = path.rpartition("/")[0] or "/"
        if path not in self.disk:
            raise NotFound("There is no such file or folder", hint="Check the spelling of the path.")
        names = [name for name in self.disk[path] if name.startswith(query.start)]
        entries = [FolderEntry(name=name.rstrip("/"), is_folder=name.endswith("/")) for name in names]
        shown = tuple(entry for entry in entries if entry.is_folder or not query.folders_only)
        return FolderListing(path=path.replace("~", "/far"), entries=shown, whole="more" not in path)

    async def open_envelope(self, path: PathNamed) -> Accepted:
        await self._call("open_envelope", path.path)
        return Accepted(id=path.path.rpartition("/")[2])

    async def measure_path(self, path: PathNamed) -> PathSize:
        await self._call("measure_path", path.path)
        if path.path not in self.sizes:
            raise NotFound("There is no such file or folder", hint="Check the spelling of the path.")
        return self.sizes[path.path]

    async def set_drop(self, change: DropChange) -> Reloaded:
        await self._call("set_drop", change)
        return Reloaded()

    async def remove_drop(self, drop: DropNamed) -> Reloaded:
        await self._call("remove_drop", drop.path)
        return Reloaded()

    async def settings(self) -> SettingsText:
        await self._call("settings")
        return self.text

    async def change_setting(self, change: SettingChange) -> Reloaded:
        await self._call("change_setting", change)
        return Reloaded(applied=(change.key,))

    async def write_settings(self, settings: SettingsText) -> Reloaded:
        await self._call("write_settings", settings)
        return Reloaded()

    async def reload(self) -> Reloaded:
        await self._call("reload")
        return Reloaded()

    async def stop(self) -> Stopping:
        await self._call("stop")
        return Stopping(pid=CALM.pid)

    async def _take(self, subject: str, order: ShareAction | DownloadAction) -> Accepted:
        self.orders.append((subject, order))
        await self._answer()
        return Accepted(id=subject)

    async def _call(self, *call: object) -> Accepted:
        self.calls.append(call)
        await self._answer()
        return Accepted(id=str(call[-1]))

    async def _answer(self) -> None:
        await self.runner.wait()
        if self.order_fails_with:
            raise self.order_fails_with


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def dashboard(
    agent: FakeAgent,
    *,
    clock: Callable[[], float] | None = None,
    backoff: Backoff = PATIENT,
    farewell: Callable[[View], str] = write_farewell,
) -> Dashboard:
    start: Callable[[], Awaitable[None]] = agent.start
    app = Dashboard(agent, agent, start, clock=clock or Clock(), backoff=backoff, farewell=farewell)
    app.animation_level = "none"
    return app


async def until(pilot: Pilot[None], condition: Callable[[], object], seconds: float = 20) -> None:
    """Let the app work until the condition holds; fail after a deadline."""
    async with asyncio.timeout(seconds):
        while not condition():
            await pilot.pause(0.005)
    await pilot.pause()
