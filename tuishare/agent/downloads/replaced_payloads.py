"""Replaced payloads: set aside for a new generation, checked again there, and only then discarded.

Owns the folders that hold a replaced payload meanwhile. They lie beside the staging folders, where no received name can
be, and each holds the payload below its sender's name, so that it can be put back without any record. Nothing that the
user did is destroyed: a payload that was changed, or may be written to, is put back where the user sees it. Blocking:
call it on a thread. Doing any of it again after a crash finishes it. Must not know the engine or the store.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.agent.downloads.inventory import Inventory, find_untouched, take_inventory
from tuishare.agent.folders.leases import Hold, is_written, read_lease
from tuishare.core.records import DownloadRecord
from tuishare.fs.atomic import free_name, make_private, move_into_place
from tuishare.torrents import IsCancelled, LocalNames, Parts

_HELD: Final = ".former"  # also the name of earlier versions, whose folders are still found
_DISCARDED: Final = re.compile(r"[0-9a-f]{32}-[0-9]+\.discarded-([0-9]+)")
_HOLDING: Final = re.compile(r"([0-9a-f]{32}-[0-9]+)\.former")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of looking at a replaced payload.

    Attributes:
        judged: the file system's time (ns) before it was checked after the move; None: it is not discarded.
        kept: where it was put back; None where it was not moved.
    """

    judged: int | None = None
    kept: Path | None = None


class ReplacedPayloads:
    """The payloads that are replaced by new generations, below one folder of downloads."""

    def __init__(self, downloads: Path, cancelled: IsCancelled) -> None:
        """`cancelled`: see `tuishare.torrents.IsCancelled`."""
        self._downloads = downloads
        self._cancelled = cancelled

    def set_aside(self, record: DownloadRecord, torrent: bytes) -> Verdict:
        """Set aside the payload that a download replaces, if it is untouched.

        Args:
            record: of the new generation.
            torrent: of the replaced payload; empty: unknown.

        Raises:
            Cancelled: the agent stops.
        """
        if self._held(record) is not None:
            return self.judge(record, torrent)  # a crash came after the move
        path = Path(record.replaces)
        if not record.replaces or not os.path.lexists(path):
            return Verdict()
        # A rename changes the ctime: only the lease shows that a single file was not edited meanwhile.
        with read_lease(path) as hold:
            found = self._find_unchanged(record, torrent, path)
            if found is None:
                return Verdict()
            aside = _holding(record) / record.sender / path.name
            make_private(aside.parent)
            try:
                path.rename(aside)
            except OSError as error:
                _log.info("%r stays where it is: %s", record.name, error.strerror)
                return Verdict()
            return self._look_again(record, torrent, aside, found if _has_open_writers(found, hold) else None)

    def judge(self, record: DownloadRecord, torrent: bytes) -> Verdict:
        """Look again at a payload that was set aside before a crash; result and errors as of `set_aside`."""
        held = self._held(record)
        return Verdict() if held is None else self._look_again(record, torrent, held, None)

    def retire(self, record: DownloadRecord, verdict: Verdict) -> Path | None:
        """Discard the payload that was set aside, after the new generation is in its place.

        Args:
            record: of the new generation.
            verdict: the result of `set_aside` or `judge`.

        Returns:
            Where it is kept, if it was changed, even after the last look.
        """
        holding = _holding(record)
        if verdict.judged is None or not holding.is_dir():
            return verdict.kept
        discarded = holding.with_name(f"{Path(record.staging).name}.discarded-{verdict.judged}")
        holding.rename(discarded)
        return self._discard(discarded, verdict.judged, resumed=False)

    def put_back(self, record: DownloadRecord) -> Path | None:
        """Put back a payload that was set aside; return its place, or None when there is none."""
        holding = _holding(record) if record.staging else None
        if holding is None or not holding.is_dir():
            return None
        return self._restore(holding, Path(record.replaces) if record.replaces else None)

    def sweep(self, incoming: Path, used: Collection[str]) -> None:
        """Finish what a crash has interrupted: discard further, and put back what no download uses."""
        for folder in list(incoming.iterdir()) if incoming.is_dir() else ():
            if match := _DISCARDED.fullmatch(folder.name):
                self._discard(folder, int(match[1]), resumed=True)
            elif (match := _HOLDING.fullmatch(folder.name)) and str(incoming / match[1]) not in used:
                self._restore(folder, None)

    def _held(self, record: DownloadRecord) -> Path | None:
        return next(iter(_payloads(_holding(record))), None)

    def _find_unchanged(self, record: DownloadRecord, torrent: bytes, path: Path) -> Inventory | None:
        """Return the inventory of a payload that is untouched and that no program can write to now, or None."""
        names = LocalNames(files=dict(record.replaces_renamed))
        found = find_untouched(
            path, record.replaces_fingerprint, torrent, cancelled=self._cancelled, names=names
        )
        if found is None:
            _log.info("%r was changed here: it stays", record.name)
        elif is_written(found.files(path)):
            _log.info("%r is open for writing: it stays", record.name)
        else:
            return found
        return None

    def _look_again(
        self, record: DownloadRecord, torrent: bytes, aside: Path, seen: Inventory | None
    ) -> Verdict:
        """Look at a payload after the move: a program may have written between the look before and the move.

        Args:
            record: of the new generation.
            torrent: of the replaced payload; empty: unknown.
            aside: where it stands now.
            seen: its inventory before, where comparing it is enough; None: compare its fingerprint and hashes.
        """
        with contextlib.suppress(OSError):
            judged = aside.lstat().st_ctime_ns
            if seen is None:
                unchanged = self._find_unchanged(record, torrent, aside) is not None
            else:
                unchanged = take_inventory(aside).was(seen) and not is_written(seen.files(aside))
            if unchanged:
                return Verdict(judged)
        return Verdict(kept=self.put_back(record))

    def _restore(self, holding: Path, place: Path | None) -> Path | None:
        """Move the payloads of a holding folder to where the user sees them: their own place, or a free name."""
        restored = None
        for payload in _payloads(holding):
            sender = self._downloads / payload.parent.name
            sender.mkdir(parents=True, exist_ok=True)
            target = place or sender / payload.name
            while True:
                if os.path.lexists(target):
                    target = free_name(target.parent, payload.name)
                with contextlib.suppress(FileExistsError):
                    move_into_place(payload, target)
                    break
            restored = target
            _log.warning("%r was changed here: it is kept as %s", payload.name, target)
        _remove_empty(holding)
        return restored

    def _discard(self, discarded: Path, judged: int, *, resumed: bool) -> Path | None:
        for payload in _payloads(discarded):
            _delete_unchanged(payload, judged, resumed=resumed)
        return self._restore(discarded, None)


def _has_open_writers(found: Inventory, hold: Hold) -> bool:
    """Return whether a second look is enough: files in a folder keep their ctime, a single file needs a lease."""
    return hold is Hold.HELD or stat.S_ISDIR(found.entries[0].kind)


def _holding(record: DownloadRecord) -> Path:
    staging = Path(record.staging)
    return staging.with_name(staging.name + _HELD)


def _payloads(holding: Path) -> list[Path]:
    return list(holding.glob("*/*")) if holding.is_dir() else []


def _remove_empty(holding: Path) -> None:
    for folder in (*holding.glob("*"), holding):
        with contextlib.suppress(OSError):
            folder.rmdir()


def _delete_unchanged(payload: Path, judged: int, *, resumed: bool) -> None:
    """Delete the files that were not changed since they were judged; all others stay, with their folders.

    Args:
        payload: the one that was set aside.
        judged: the file system's time (ns) after which a change counts.
        resumed: whether a crash may have come after some was deleted, which changes the times of folders as well.
    """
    emptied: set[Path] = set()
    with contextlib.suppress(OSError):
        for entry in reversed(take_inventory(payload).entries):
            path = payload.joinpath(*entry.parts)
            with contextlib.suppress(OSError):
                if stat.S_ISDIR(entry.kind):
                    if _is_unchanged(path, judged, entry.parts) or resumed or path in emptied:
                        path.rmdir()
                        emptied.add(path.parent)
                else:
                    with read_lease(path) as hold:  # first: what is written before is seen by its time
                        if hold is not Hold.WRITTEN and _is_unchanged(path, judged, entry.parts):
                            path.unlink()
                            emptied.add(path.parent)


def _is_unchanged(path: Path, judged: int, parts: Parts) -> bool:
    """Return whether nothing was done to an entry since that time; the move has changed that of the payload itself."""
    return path.lstat().st_ctime_ns < judged + (not parts)
