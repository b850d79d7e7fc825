"""Generations that land one after another, as `DownloadQueue` has them land, without engines."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from tuishare.agent.downloads.files import DownloadFiles, MovedPayload
from tuishare.agent.downloads.transitions import supersede
from tuishare.config.model import FolderSettings
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.torrents import make_torrent, walk

ID = "ab" * 16
SENDER = "alice"


@dataclass
class Runway:
    """Where the generations of one share land."""

    root: Path
    name: str = "x"
    folder: bool = True
    files: DownloadFiles = field(init=False)
    record: DownloadRecord | None = None
    torrent: bytes = b""
    replaced: bytes = b""

    def __post_init__(self) -> None:
        for name in ("inbox", "downloads"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self.restart()

    def restart(self) -> None:
        self.files = DownloadFiles(
            FolderSettings(inbox=str(self.root / "inbox"), downloads=str(self.root / "downloads"))
        )

    @property
    def place(self) -> Path:
        """The folder in which a person sees what came."""
        return self.root / "downloads" / SENDER

    @property
    def landed(self) -> Path:
        assert self.record is not None
        return Path(self.record.path)

    def begin(self, content: bytes, name: str = "") -> DownloadRecord:
        """The next generation, complete in its staging folder; its files begin with some bytes."""
        number = self.record.generation + 1 if self.record else 1
        made = self.root / "made" / str(number) / (name or self.name)
        if self.folder:
            (made / "sub").mkdir(parents=True)
            for part in ("a", "b", "sub/c"):
                (made / part).write_bytes(content + part.encode() + bytes(20_000))
        else:
            made.parent.mkdir(parents=True)
            made.write_bytes(content + bytes(20_000))
        staging = self.files.staging(ID, number)
        new = DownloadRecord(
            id=ID, envelope="x", added=1, step=DownloadStep.DOWNLOADING, sender=SENDER, generation=number,
            name=made.name, staging=str(staging),
        )  # fmt: skip
        new = supersede(new, self.record)
        # As the store does it.
        self.replaced = (self.replaced or self.torrent) if new.replaces else b""
        self.torrent = make_torrent(walk(made), version=2)
        self.files.prepare(new)
        (shutil.copytree if self.folder else shutil.copy)(made, staging / made.name)
        target = self.files.choose_target(new, self.replaced)
        self.record = replace(new, step=DownloadStep.DELIVERING, path=str(target))
        return self.record

    def land(self) -> MovedPayload:
        """Let it land, also after a crash."""
        assert self.record is not None
        record = self.record
        try:
            landed = self.files.move_payload(record, self.torrent, self.replaced)
        except FileExistsError:
            target = self.files.choose_target(replace(record, replaces=""))
            record = self.record = replace(record, path=str(target))
            landed = self.files.move_payload(record, self.torrent, self.replaced)
        self.record = replace(
            record,
            step=DownloadStep.COMPLETE,
            staging="",
            fingerprint=landed.fingerprint,
            replaces="",
            replaces_fingerprint="",
        )
        self.replaced = b""
        return landed

    def deliver(self, content: bytes, name: str = "") -> MovedPayload:
        self.begin(content, name)
        return self.land()

    @property
    def seen(self) -> list[str]:
        return sorted(os.listdir(self.place))
