"""Messages and an agent to test with: real values, a service that answers from plain attributes."""

from __future__ import annotations

import msgspec

from tuishare.api.messages import (
    PROTOCOL,
    Activity,
    ActivityKind,
    Delivery,
    DeliveryState,
    Download,
    DownloadId,
    DownloadState,
    Folder,
    FolderState,
    Problem,
    Reloaded,
    Share,
    ShareId,
    ShareState,
    Snapshot,
    Status,
)
from tuishare.api.orders import DownloadOrder, NewShare, ShareOrder
from tuishare.api.service import ChangeSignal
from tuishare.errors import BadConfiguration, NotFound

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

RELOADED = Reloaded(applied=("drop",), restart=("network.listen",))

SNAPSHOT = Snapshot(status=STATUS, shares=(SHARE,), downloads=(DOWNLOAD,))


class ScriptedAgent:
    """An `AgentService` whose snapshot a test sets; it remembers that it was asked to stop."""

    def __init__(self, snapshot: Snapshot = SNAPSHOT) -> None:
        self.now = snapshot
        self.signal = ChangeSignal()
        self.stops = 0
        self.reloads = 0
        self.happened = [ACTIVITY]
        self.broken: BadConfiguration | None = None
        self.orders: list[object] = []

    def show(self, snapshot: Snapshot) -> None:
        self.now = snapshot
        self.signal.notify()

    def show_rate(self, rate: int) -> None:
        self.show(msgspec.structs.replace(self.now, status=msgspec.structs.replace(STATUS, rate_up=rate)))

    def status(self) -> Status:
        return self.now.status

    def shares(self) -> tuple[Share, ...]:
        return self.now.shares

    def downloads(self) -> tuple[Download, ...]:
        return self.now.downloads

    def snapshot(self) -> Snapshot:
        return self.now

    def changes(self) -> ChangeSignal:
        return self.signal

    async def activity(self, limit: int) -> list[Activity]:
        return self.happened[:limit]

    async def share(self, new: NewShare) -> ShareId:
        self.orders.append(new)
        return ShareId("new")

    async def order_share(self, share: ShareId, order: ShareOrder) -> None:
        self._take(share, order)

    async def order_download(self, download: DownloadId, order: DownloadOrder) -> None:
        self._take(download, order)

    def _take(self, subject: str, order: ShareOrder | DownloadOrder) -> None:
        if subject == "none":
            raise NotFound("There is no such thing", hint="Look again.")
        self.orders.append((subject, order))

    async def reload(self) -> Reloaded:
        self.reloads += 1
        if self.broken:
            raise self.broken
        return RELOADED

    async def stop(self) -> None:
        self.stops += 1
