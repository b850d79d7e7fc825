"""Files of downloads: the staging folder, the payload's place, the envelope's way to ``inbox/accepted``.

Owns what is done to them. Blocking: call it on a thread. Doing any of it again after a crash finishes it. Must not know
the engine or the store.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import re
import shutil
import stat
import sys
import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.agent.downloads.inventory import compare_with_torrent, fingerprint_delivered, take_inventory
from tuishare.agent.downloads.replaced_payloads import ReplacedPayloads
from tuishare.agent.downloads.reuse import reuse_unchanged_files
from tuishare.agent.folders.leases import read_lease
from tuishare.config.model import FolderSettings
from tuishare.config.units import format_size
from tuishare.core.records import DownloadRecord
from tuishare.envelope import MAX_SIZE
from tuishare.errors import BadInput, NotFound, SystemFailed, TuishareError, from_os_error
from tuishare.fs.atomic import choose_place, free_name, make_private, move_into_place, read_limited
from tuishare.fs.fsync import fsync_tree
from tuishare.sanitize import for_display
from tuishare.torrents import BLOCK, DiskCost, Torrent, localize, parse_torrent

INCOMING: Final = ".tuishare-incoming"
"""Folder below the downloads for payloads that are incomplete: private, and on the file system of their places."""
ACCEPTED: Final = "accepted"
_TICK_NS: Final = 10_000_000
"""Resolution of file times in nanoseconds: 10 ms where the kernel has 100 ticks a second."""
_STAGING = re.compile(r"[0-9a-f]{32}-[0-9]+")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MovedPayload:
    """A payload that was moved to its place.

    Attributes:
        fingerprint: of what was delivered.
        kept: where the replaced payload stands, because it was changed here; None where it was removed.
    """

    fingerprint: str
    kept: Path | None


class DownloadFiles:
    """The files of all downloads of one home."""

    def __init__(self, folders: FolderSettings, *, reserve: int = 0) -> None:
        """`reserve`: bytes of the disk that stay free."""
        self._reserve = reserve
        self._downloads = folders.downloads_path
        self._inbox = folders.inbox_path
        self._ended = threading.Event()
        self._replaced = ReplacedPayloads(self._downloads, self._ended.is_set)

    def end(self) -> None:
        """Interrupt the reading of payloads: an agent that stops must not wait for it."""
        self._ended.set()

    def staging(self, download: str, generation: int) -> Path:
        """Return the private folder of one generation of a download."""
        return self._downloads / INCOMING / f"{download}-{generation}"

    def sweep(self, used: Collection[str]) -> None:
        """Remove the staging folders that no download uses, which a crash has left.

        A payload that was set aside for one of them is put back where the user sees it, or discarded further.
        """
        incoming = self._downloads / INCOMING
        try:
            found = list(incoming.iterdir()) if incoming.is_dir() and not incoming.is_symlink() else []
        except OSError as error:  # a folder that is left costs space only
            _log.warning("Cannot look for unused folders in %s: %s", incoming, error.strerror)
            found = []
        for folder in found:
            if _STAGING.fullmatch(folder.name) and str(folder) not in used:
                shutil.rmtree(folder, ignore_errors=True)
        self._replaced.sweep(incoming, used)

    def prepare(self, record: DownloadRecord) -> Path:
        """Make the staging folder of a download.

        Raises:
            BadInput: the record names a folder that is none.
            SystemFailed: it cannot be made.
        """
        staging = Path(record.staging)
        if not _is_staging(staging):
            raise BadInput(
                "The record of its staging folder is damaged",
                hint="Forget it, and ask the sender to share it again.",
            )
        for folder in (staging.parent, staging):
            if folder.is_symlink():
                raise SystemFailed(
                    f"{folder} is a link, and nothing is written through one",
                    hint="Remove the link, then resume it.",
                )
            make_private(folder)
        return staging

    def has_received(self, record: DownloadRecord) -> bool:
        """Return whether something of a download is in its staging folder, which is made if it is not there.

        Raises:
            BadInput, SystemFailed: as `prepare`.
        """
        return bool(os.listdir(self.prepare(record)))

    def discard(self, record: DownloadRecord) -> None:
        """Remove the staging folder of a download, and put back a payload that was set aside for it."""
        if _is_staging(Path(record.staging)):
            self._replaced.put_back(record)
            shutil.rmtree(record.staging, ignore_errors=True)

    def reuse(self, previous: DownloadRecord, old_data: bytes, record: DownloadRecord, data: bytes) -> None:
        """Copy what did not change from a delivered payload to the staging folder, for the engine to verify.

        Args:
            previous: the generation that was delivered.
            old_data: its torrent.
            record: the new generation.
            data: its torrent.
        """
        try:
            old = localize(parse_torrent(old_data), previous.local_names)
            new = localize(parse_torrent(data), record.local_names)
            reused = reuse_unchanged_files(old, Path(previous.path), new, self.prepare(record))
        except TuishareError as error:
            _log.info("No file of the previous generation is reused: %s", error.detail)
        else:
            _log.info("Reused %d bytes for %r", reused, record.name)

    def delete(self, record: DownloadRecord, torrent: bytes) -> None:
        """Delete what a download has delivered: the files of its torrent, and folders that are empty then.

        A link is deleted, not followed.

        Raises:
            SystemFailed: the file system refused.
        """
        path = Path(record.path)
        try:
            if path.is_symlink() or not path.is_dir():
                path.unlink(missing_ok=True)
            else:
                _delete_files(record, localize(parse_torrent(torrent), record.local_names), path)
        except OSError as error:
            raise from_os_error(error, f"delete {path}") from error

    def missing_space(
        self, record: DownloadRecord, running: Iterable[DownloadRecord] = (), *, spared: int = 0
    ) -> str:
        """Return a sentence when the rest of a download does not fit on the disk, or an empty text.

        Args:
            record: of the download.
            running: the other downloads that run, whose rest has to fit as well.
            spared: bytes of the reserve that do not count now.
        """
        everything = [record, *running]
        free = _free(self._downloads)
        # What they need at most; usually that fits, and nothing has to be measured.
        needs = [DiskCost(each.cost, each.entries) for each in everything]
        if _is_enough(free, needs, self._reserve - spared):
            return ""
        needs = list(map(_rest, everything))
        if _is_enough(free, needs, self._reserve - spared):
            return ""
        own, others = needs[0], _total(needs[1:])
        beside = f", {format_size(others.size)} for other downloads" if others.size else ""
        if free.size < own.size + others.size + self._reserve - spared:
            needed = format_size(own.size + self._reserve)
            return f"It waits for space: {needed} with the reserve{beside}, {format_size(free.size)} are free"
        return (
            f"It waits for space: it has {own.entries:,} files and folders to make{beside},"
            f" and the disk takes {free.entries:,} more, whatever their size"
        )

    def choose_target(self, record: DownloadRecord, replaced: bytes = b"") -> Path:
        """Return a free place for a payload, or the place of the payload that it replaces.

        A share that keeps its name keeps its place, also when that is “name (2)”, so paths to it stay valid.

        Raises:
            SystemFailed: the sender's folder cannot be made.
        """
        sender = self._downloads / record.sender
        try:
            sender.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, f"make the folder {sender}") from error
        known = Path(record.replaces)
        if record.replaces and known.parent == sender and _replaced_name(record, replaced) == record.name:
            return known
        return free_name(sender, record.payload_name)

    def move_payload(self, record: DownloadRecord, torrent: bytes, replaced: bytes = b"") -> MovedPayload:
        """Move a payload from its staging folder to its place, durably, and discard the payload that it replaces.

        Args:
            record: of the download.
            torrent: its torrent.
            replaced: the torrent of the replaced payload; empty: unknown.

        Raises:
            FileExistsError: the place is taken, for instance by a replaced payload that was changed here.
            NotFound: the payload is in neither place.
            SystemFailed: the file system refused.
            Cancelled: `end` was called.
        """
        source, target = Path(record.staging) / record.payload_name, Path(record.path)
        if os.path.lexists(source):
            drop_unwanted(record, torrent, source)
            fsync_tree(source)
            verdict = self._replaced.set_aside(record, replaced)
            fingerprint = _move(source, target)
        elif not os.path.lexists(target):
            self._replaced.put_back(record)
            raise NotFound("The downloaded files are gone", hint="Ask the sender to share it again.")
        else:
            # A crash came after the move, and the payload may have been edited since.
            verdict = self._replaced.judge(record, replaced)
            move_into_place(source, target)
            fingerprint = self._compare(record, torrent)
        kept = self._replaced.retire(record, verdict)
        self.discard(record)
        if kept is None and record.replaces not in {"", record.path} and os.path.lexists(record.replaces):
            kept = Path(record.replaces)
        return MovedPayload(fingerprint, kept)

    def _compare(self, record: DownloadRecord, torrent: bytes) -> str:
        found = compare_with_torrent(
            Path(record.path),
            "",
            torrent,
            cancelled=self._ended.is_set,
            partly=bool(record.unwanted),
            names=record.local_names,
        )
        return str(found or "")

    def archive_envelope(self, record: DownloadRecord) -> None:
        """Move the envelope of a delivered payload to ``inbox/accepted``; another file of that name stays.

        A failure is logged only: the payload is delivered.
        """
        envelope = self._inbox / record.envelope
        try:
            data = read_limited(envelope, MAX_SIZE)
            # Empty: of a version that did not record the hash.
            if record.envelope_hash in {b"", hashlib.sha256(data).digest()}:
                accepted = self._inbox / ACCEPTED
                accepted.mkdir(exist_ok=True)
                move_into_place(envelope, choose_place(envelope, accepted))
        except NotFound:
            _log.debug("The envelope of a download is no longer in the inbox")
        except (TuishareError, OSError) as error:
            _log.warning("Cannot put an envelope into %s: %s", self._inbox / ACCEPTED, error)


def _delete_files(record: DownloadRecord, torrent: Torrent, path: Path) -> None:
    files = enumerate(torrent.files) if torrent.is_folder else ()
    delivered = [file.parts for number, file in files if number not in record.unwanted]
    folders = sorted({parts[:depth] for parts in delivered for depth in range(len(parts))}, key=len)
    # A folder that became a link leads to what was never delivered.
    linked = {parts for parts in folders if path.joinpath(*parts).is_symlink()}
    for parts in delivered:
        if linked.isdisjoint(parts[:depth] for depth in range(len(parts))):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                path.joinpath(*parts).unlink()
    for parts in reversed(folders):
        try:
            path.joinpath(*parts).rmdir()
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR}:
                raise


def _is_staging(folder: Path) -> bool:
    """Return whether a folder is one of `DownloadFiles.staging`: a damaged record must never have another removed."""
    return folder.parent.name == INCOMING and bool(_STAGING.fullmatch(folder.name))


def _free(folder: Path) -> DiskCost:
    """Return what is free on a disk; a file system without a table of inodes takes any number of files."""
    status = os.statvfs(folder)
    return DiskCost(status.f_bavail * status.f_frsize, status.f_favail if status.f_files else sys.maxsize)


def _rest(record: DownloadRecord) -> DiskCost:
    """Return what a download still needs: its cost without what is in its staging folder already."""
    size = entries = 0
    for folder, folders, files in os.walk(record.staging):
        entries += len(folders) + len(files)
        for name in files:
            with contextlib.suppress(FileNotFoundError):  # the engine renames and removes files
                size += os.lstat(os.path.join(folder, name)).st_blocks * 512
    size += entries * BLOCK
    return DiskCost(max(0, record.cost - size), max(0, record.entries - entries))


def _total(needs: Iterable[DiskCost]) -> DiskCost:
    each = list(needs)
    return DiskCost(sum(need.size for need in each), sum(need.entries for need in each))


def _is_enough(free: DiskCost, needs: Iterable[DiskCost], reserve: int) -> bool:
    needed = _total(needs)
    return free.size >= needed.size + reserve and free.entries >= needed.entries


def _replaced_name(record: DownloadRecord, replaced: bytes) -> str:
    """Return the name of the share whose payload is replaced."""
    try:
        return parse_torrent(replaced).name
    except TuishareError:
        return Path(record.replaces).name  # of an earlier version, which has not recorded it


def _move(source: Path, target: Path) -> str:
    """Move a payload to its place; return its fingerprint as delivered, even if it is changed at once."""
    if os.path.lexists(target) and source.is_dir():
        raise FileExistsError(target)  # a rename would replace an empty folder
    with read_lease(source):  # where leases exist, no program writes before the last look
        before = take_inventory(source)
        move_into_place(source, target)
        try:
            after = take_inventory(target)
        except OSError:
            return fingerprint_delivered(before)
        if not after.was(before):
            return fingerprint_delivered(before)
        newest = max(entry.times[1] for entry in after.entries if stat.S_ISREG(entry.kind))
        # A write within the same tick would leave no other time behind.
        if 0 < (wait := newest + _TICK_NS - time.time_ns()) <= _TICK_NS:
            time.sleep(wait / 1e9)
    return fingerprint_delivered(after)


def describe_kept(record: DownloadRecord, moved: MovedPayload) -> str:
    """Return that the replaced payload is kept, and the name of the new one; empty where it is not."""
    if moved.kept is None:
        return ""
    name, kept = for_display(Path(record.path).name), for_display(moved.kept.name)
    return f", as “{name}”: “{kept}” was changed here and is kept"


def drop_unwanted(record: DownloadRecord, data: bytes, payload: Path) -> None:
    """Remove what had arrived of unwanted files, so that only whole ones are delivered. Blocking.

    Doing it again after a crash finishes it.

    Args:
        record: of the download.
        data: its torrent; not read where all files are wanted.
        payload: the folder that it was downloaded to, which is private.
    """
    files = localize(parse_torrent(data), record.local_names).files if record.unwanted else ()
    for number in record.unwanted:
        path = payload.joinpath(*files[number].parts)
        path.unlink(missing_ok=True)
        _remove_empty(path.parent, payload)


def _remove_empty(folder: Path, payload: Path) -> None:
    """Remove a folder that is empty, and those around it that are empty then."""
    with contextlib.suppress(OSError):  # not empty, or not there
        while folder != payload:
            folder.rmdir()
            folder = folder.parent
