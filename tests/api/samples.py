"""Messages and an agent to test with: real values, a service that answers from plain attributes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import msgspec

from tests.link.samples import BOB
from tuishare.agent.events import ChangeSignal
from tuishare.api.event_stream import StreamTiming, follow
from tuishare.api.messages import (
    PROTOCOL,
    Accepted,
    Activity,
    ActivityKind,
    CardInfo,
    CardText,
    Delivery,
    DeliveryState,
    Details,
    Download,
    DownloadAction,
    DownloadId,
    DownloadState,
    DropChange,
    DropNamed,
    Event,
    File,
    FileChoice,
    Finding,
    Folder,
    FolderEntry,
    FolderListing,
    FolderQuery,
    FolderState,
    GivenIntroduction,
    GivenState,
    GroupChange,
    HubJoined,
    HubString,
    Introduction,
    IntroductionAccepted,
    IntroductionNamed,
    Introductions,
    Invitation,
    InvitationNamed,
    InvitationText,
    Joiner,
    JoinerAnswer,
    JoinerState,
    Joining,
    Link,
    NewInvitation,
    NewShare,
    NewUser,
    PathNamed,
    PathSize,
    PeerInfo,
    People,
    Problem,
    Proof,
    Receipt,
    ReceiptQuery,
    ReceiptState,
    Reloaded,
    SettingChange,
    SettingsText,
    Share,
    ShareAction,
    ShareId,
    ShareState,
    Snapshot,
    Status,
    Stopping,
    User,
    UserAdded,
    UserChange,
    UserKind,
    UserNamed,
    UsersIntroduced,
    UsersToIntroduce,
)
from tuishare.errors import BadConfiguration, NotFound
from tuishare.link.receipt import format_receipt

NOW = 1_795_435_000  # 2026-11-23, seconds

STATUS = Status(
    name="alice@studio",
    version="0.1.0",
    protocol=PROTOCOL,
    pid=4321,
    started=NOW - 3 * 86_400,
    now=NOW,
    listen_tls=50007,
    listen_plain=None,
    rate_up=11_900_000,
    rate_down=0,
    free_bytes=212_000_000_000,
    fingerprint="ABCD-EFGH",
    tls_ready=True,
    no_resumption=True,
    problems=(Problem(id="p1", title="Folder", detail="It is gone", hint="Make it", since=NOW),),
    drop_folders=(Folder(path="/home/alice/drop", state=FolderState.WATCHING, users=("@crew",), waiting=0),),
)

SHARE = Share(
    id=ShareId("a1"),
    name="dailies-11-21",
    recipients=("@crew",),
    size=38_200_000_000,
    files=1204,
    state=ShareState.SEEDING,
    progress=1.0,
    rate_up=11_900_000,
    uploaded=96_400_000_000,
    peers=3,
    generation=2,
    added=NOW - 7200,
    transport="tls",
    path="/home/alice/drop/dailies-11-21",
    deliveries=(Delivery(user="bob", state=DeliveryState.DOWNLOADING, progress=0.5),),
)

DOWNLOAD = Download(
    id=DownloadId("d1"),
    sender="bob",
    name="contract-v3.pdf",
    size=1_200_000,
    files=1,
    state=DownloadState.DOWNLOADING,
    progress=0.43,
    rate_down=800_000,
    rate_up=0,
    eta=90,
    peers=1,
    added=NOW - 60,
    path="/home/alice/downloads/bob/contract-v3.pdf",
)

ACTIVITY = Activity(
    id=7, at=1_700_000_000, kind=ActivityKind.RECEIVED, subject="contract-v3.pdf", detail="from bob"
)

INTRODUCTION = Introduction(
    id="cd" * 16, introducer="bob", name="carol", fingerprint="EFGH", words="echo fern", group="crew", at=NOW
)
GIVEN = GivenIntroduction(
    user="bob", introduced="dave", group="crew", state=GivenState.REFUSED, at=NOW, detail="no"
)
INVITATION = Invitation(id="ab" * 16, name="bob", created=NOW, until=NOW + 10 * 365 * 86_400)

JOINER = Joiner(
    fingerprint="ABCD",
    called="Bob",
    user="bob",
    state=JoinerState.JOINED,
    at=NOW,
    words="a b c d",
    address="192.0.2.7",
)

LINK = Link(user="bob", since=NOW - 60, called=True, addresses=("192.0.2.7:50010", "[2001:db8::7]:50010"))

RELOADED = Reloaded(applied=("drop",), restart=("network.listen",))

PEOPLE = People(
    card="tuishare-card-v1:abc",
    fingerprint="ABCD EFGH",
    words="zoo zebra",
    users=(User(name="bob", kind=UserKind.CARD, fingerprint="IJKL MNOP", verified=True, groups=("crew",)),),
)

DETAILS = Details(
    files=(File(path="day 1/a.mov", size=7, progress=0.5),),
    more_files=1203,
    peers=(PeerInfo(address="192.0.2.7:50007", user="bob", client="tuishare"),),
    history=(ACTIVITY,),
)

PROOF = Proof(findings=(Finding(topic="DHT", good=True, evidence="It is off."),))

CARD_SEEN = CardInfo(name="Bob", fingerprint="IJKL MNOP", words="able about", known_as="bob")

RECEIPT = Receipt(
    share=SHARE.id,
    name=SHARE.name,
    user="bob",
    state=ReceiptState.COMPLETE,
    at=1_790_000_000,
    kept=1_790_000_001,
    generation=1,
    digest="64" * 32,
    info_hash="69" * 32,
    text=format_receipt(BOB.receipt(state="complete", info_hash=b"i" * 32)),
)

SETTINGS = SettingsText(text='name = "alice"  # me\n', path="/home/alice/config.toml", stamp="ab12")

SNAPSHOT = Snapshot(
    status=STATUS, shares=(SHARE,), downloads=(DOWNLOAD,), people=PEOPLE, activity=(ACTIVITY,)
)


class ScriptedFeed:
    """A `StateFeed` whose snapshot a test sets."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.now = snapshot
        self.signal = ChangeSignal()

    def status(self) -> Status:
        return self.now.status

    def snapshot(self) -> Snapshot:
        return self.now

    def changes(self) -> ChangeSignal:
        return self.signal


LISTING = FolderListing(path="/films", entries=(FolderEntry(name="a\x1b", is_folder=True),), whole=False)


class ScriptedAgent:
    """An `AgentService` whose snapshot a test sets; it remembers its orders, and that it was asked to stop."""

    def __init__(self, snapshot: Snapshot = SNAPSHOT, timing: StreamTiming | None = None) -> None:
        self.feed = ScriptedFeed(snapshot)
        self.timing = timing or StreamTiming()
        self.stops = 0
        self.reloads = 0
        self.happened = [ACTIVITY]
        self.links_shown = [LINK]
        self.receipts_kept = [RECEIPT]
        self.invited = [INVITATION]
        self.introduced = Introductions(received=(INTRODUCTION,), given=(GIVEN,))
        self.broken: BadConfiguration | None = None
        self.orders: list[object] = []
        self.joining: list[Joining] = []
        self.answer_to_join = Joining(id="ef" * 16, user="alice", words="one two three four", verified=True)
        self.details: Callable[[DownloadId], Details] = lambda download: self._find(download, DOWNLOAD.id)

    @property
    def now(self) -> Snapshot:
        return self.feed.now

    @property
    def signal(self) -> ChangeSignal:
        return self.feed.signal

    def show(self, snapshot: Snapshot) -> None:
        self.feed.now = snapshot
        self.signal.notify()

    def show_rate(self, rate: int) -> None:
        self.show(msgspec.structs.replace(self.now, status=msgspec.structs.replace(STATUS, rate_up=rate)))

    async def status(self) -> Status:
        return self.now.status

    async def snapshot(self) -> Snapshot:
        return self.now

    def events(self) -> AsyncGenerator[Event, None]:
        return follow(self.feed, self.timing)

    async def shares(self) -> list[Share]:
        return list(self.now.shares)

    async def downloads(self) -> list[Download]:
        return list(self.now.downloads)

    async def people(self) -> People:
        return self.now.people

    async def invitations(self) -> list[Invitation]:
        return list(self.invited)

    async def invite(self, new: NewInvitation) -> Invitation:
        self.orders.append(new)
        return msgspec.structs.replace(
            INVITATION, text="tuishare-invite-v1:abc", name=new.name, until=new.until
        )

    async def cancel_invitation(self, invitation: InvitationNamed) -> Accepted:
        return self._take(invitation.id, invitation)

    async def join_hub(self, string: HubString) -> HubJoined:
        self.orders.append(string)
        return HubJoined(address="hub.example:50012")

    async def join(self, invitation: InvitationText) -> Joining:
        self.orders.append(invitation)
        return self.answer_to_join

    async def joins(self) -> list[Joining]:
        return list(self.joining)

    async def cancel_join(self, invitation: InvitationNamed) -> Accepted:
        return self._take(invitation.id, invitation)

    async def answer_joiner(self, answer: JoinerAnswer) -> Accepted:
        return self._take(answer.id, answer)

    async def introductions(self) -> Introductions:
        return self.introduced

    async def introduce(self, users: UsersToIntroduce) -> UsersIntroduced:
        self.orders.append(users)
        return UsersIntroduced(users=("bob", "carol"), left_out=("dave",))

    async def accept_introduction(self, accepted: IntroductionAccepted) -> Accepted:
        self.orders.append(accepted)
        return Accepted(id=accepted.name or "carol")

    async def decline_introduction(self, introduction: IntroductionNamed) -> Accepted:
        return self._take(introduction.id, introduction)

    async def change_group(self, change: GroupChange) -> Reloaded:
        self.orders.append(change)
        return Reloaded()

    async def links(self) -> list[Link]:
        return list(self.links_shown)

    async def receipts(self, query: ReceiptQuery) -> list[Receipt]:
        self.orders.append(query)
        return [each for each in self.receipts_kept if query.share in ("", each.share, each.name)]

    async def activity(self, limit: int = 100) -> list[Activity]:
        return self.happened[:limit]

    async def share(self, new: NewShare) -> Accepted:
        self.orders.append(new)
        return Accepted(id="new")

    async def share_details(self, share: ShareId) -> Details:
        return self._find(share, SHARE.id)

    async def download_details(self, download: DownloadId) -> Details:
        return self.details(download)

    async def share_proof(self, share: ShareId) -> Proof:
        self._find(share, SHARE.id)
        return PROOF

    async def order_share(self, share: ShareId, order: ShareAction) -> Accepted:
        return self._take(share, order)

    async def revoke_from_share(self, share: ShareId, user: UserNamed) -> Accepted:
        self.orders.append((share, "revoke", user.name))
        return Accepted(id=share)

    async def order_download(self, download: DownloadId, order: DownloadAction) -> Accepted:
        return self._take(download, order)

    async def choose_files(self, download: DownloadId, choice: FileChoice) -> Accepted:
        return self._take(download, choice)

    async def card_seen(self, card: CardText) -> CardInfo:
        self.orders.append(card)
        return CARD_SEEN

    async def add_user(self, new: NewUser) -> UserAdded:
        self.orders.append(new)
        return UserAdded(name=new.name, key="11" * 32)

    async def change_user(self, change: UserChange) -> Accepted:
        return self._take(change.name, change)

    async def remove_user(self, user: UserNamed) -> Accepted:
        return self._take(user.name, "remove")

    async def new_key(self, user: UserNamed) -> UserAdded:
        self._take(user.name, "key")
        return UserAdded(name=user.name, key="22" * 32)

    async def revoke_user(self, user: UserNamed) -> Accepted:
        return self._take(user.name, "revoke")

    async def rotate_identity(self) -> Accepted:
        return self._take("QRST UVWX", "rotate")

    async def folders(self) -> list[Folder]:
        return list(self.now.status.drop_folders)

    async def list_folder(self, query: FolderQuery) -> FolderListing:
        self.orders.append(query)
        return LISTING

    async def open_envelope(self, path: PathNamed) -> Accepted:
        self.orders.append(("open", path))
        return Accepted(id=path.path.rpartition("/")[2])

    async def measure_path(self, path: PathNamed) -> PathSize:
        self.orders.append(path)
        return PathSize(files=3, size=3000)

    async def set_drop(self, change: DropChange) -> Reloaded:
        self.orders.append(change)
        return RELOADED

    async def remove_drop(self, drop: DropNamed) -> Reloaded:
        self.orders.append(drop)
        return RELOADED

    async def settings(self) -> SettingsText:
        return SETTINGS

    async def change_setting(self, change: SettingChange) -> Reloaded:
        self.orders.append(change)
        return RELOADED

    async def write_settings(self, settings: SettingsText) -> Reloaded:
        self.orders.append(settings)
        return RELOADED

    async def reload(self) -> Reloaded:
        self.reloads += 1
        if self.broken:
            raise self.broken
        return RELOADED

    async def stop(self) -> Stopping:
        self.stops += 1
        return Stopping(pid=self.now.status.pid)

    def _take(self, subject: str, order: object) -> Accepted:
        if subject == "none":
            raise NotFound("There is no such thing", hint="Look again.")
        self.orders.append((subject, order))
        return Accepted(id=subject)

    def _find(self, given: str, known: str) -> Details:
        if given != known:
            raise NotFound("There is no such thing", hint="Look again.")
        return DETAILS
