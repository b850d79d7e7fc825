"""What a new generation replaces: taken out of the way, looked at again there, and discarded only then.

Owns the places where a former payload stands meanwhile. They lie beside the staging folders, where no received name
ever stands, and each holds the payload below its sender's name, so that it can be put back without any record. Nothing
that a recipient did is destroyed: what is not what was delivered, or may be written to, is put back where a person sees
it. Blocking: call it on a thread. Doing any of it again after a crash finishes it.
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
from tuishare.torrents import IsCancelled

_HELD: Final = ".former"
_DISCARDED: Final = re.compile(r"[0-9a-f]{32}-[0-9]+\.discarded-([0-9]+)")
_HOLDING: Final = re.compile(r"([0-9a-f]{32}-[0-9]+)\.former")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of looking at a former payload.

    Attributes:
        judged: the file system's time (ns) before it was looked at out of the way; None: it does not make room.
        kept: where it was put back to; None where it was not moved.
    """

    judged: int | None = None
    kept: Path | None = None


class ReplacedPayloads:
    """The payloads that make room for new generations, below one folder of downloads."""

    def __init__(self, downloads: Path, cancelled: IsCancelled) -> None:
        """`cancelled`: see `tuishare.torrents.IsCancelled`."""
        self._downloads = downloads
        self._cancelled = cancelled

    def set_aside(self, record: DownloadRecord, torrent: bytes) -> Verdict:
        """Move what a download replaces out of the way, if nothing was done to it.

        Args:
            record: of the new generation.
            torrent: what the former one was delivered as; empty: not known.

        Raises:
            Cancelled: the agent stops.
        """
        if self._held(record) is not None:
            return self.judge(record, torrent)  # a crash came between
        path = Path(record.replaces)
        if not record.replaces or not os.path.lexists(path):
            return Verdict()
        # The ctime of what is renamed changes: only the lease tells that a single file was not edited meanwhile.
        with read_lease(path) as hold:
            found = self._find_calm(record, torrent, path)
            if found is None:
                _log.info("%r was changed here, or is open for writing: it stays", record.name)
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
        """Look again at what was moved out of the way before a crash; as `set_aside`."""
        held = self._held(record)
        return Verdict() if held is None else self._look_again(record, torrent, held, None)

    def retire(self, record: DownloadRecord, verdict: Verdict) -> Path | None:
        """Discard what made room, now that the new generation has landed.

        Args:
            record: of the new generation.
            verdict: what `set_aside` or `judge` gave.

        Returns:
            Where it is kept, if something was done to it, also after it was looked at.
        """
        holding = _holding(record)
        if verdict.judged is None or not holding.is_dir():
            return verdict.kept
        doomed = holding.with_name(f"{Path(record.staging).name}.discarded-{verdict.judged}")
        holding.rename(doomed)
        return self._discard(doomed, verdict.judged, resumed=False)

    def put_back(self, record: DownloadRecord) -> Path | None:
        """Put back what was moved out of the way; return where it stands."""
        holding = _holding(record) if record.staging else None
        if holding is None or not holding.is_dir():
            return None
        return self._restore(holding, Path(record.replaces) if record.replaces else None)

    def sweep(self, incoming: Path, used: Collection[str]) -> None:
        """Finish what a crash has interrupted: go on discarding, put back what belongs to no download any more."""
        for folder in list(incoming.iterdir()) if incoming.is_dir() else ():
            if match := _DISCARDED.fullmatch(folder.name):
                self._discard(folder, int(match[1]), resumed=True)
            elif (match := _HOLDING.fullmatch(folder.name)) and str(incoming / match[1]) not in used:
                self._restore(folder, None)

    def _held(self, record: DownloadRecord) -> Path | None:
        return next(iter(_payloads(_holding(record))), None)

    def _find_calm(self, record: DownloadRecord, torrent: bytes, path: Path) -> Inventory | None:
        """What stands there, if nothing was done to it and no program can write to it now."""
        found = find_untouched(path, record.replaces_fingerprint, torrent, cancelled=self._cancelled)
        return None if found is None or is_written(found.files(path)) else found

    def _look_again(
        self, record: DownloadRecord, torrent: bytes, aside: Path, seen: Inventory | None
    ) -> Verdict:
        """Look at what was moved: a program may have written between the look before and the move.

        Args:
            record: of the new generation.
            torrent: what the former one was delivered as; empty: not known.
            aside: where it stands now.
            seen: how it was before, where that says everything; otherwise its fingerprint and hashes tell.
        """
        with contextlib.suppress(OSError):
            judged = aside.lstat().st_ctime_ns
            if seen is None:
                calm = self._find_calm(record, torrent, aside) is not None
            else:
                calm = take_inventory(aside).was(seen) and not is_written(seen.files(aside))
            if calm:
                return Verdict(judged)
        return Verdict(kept=self.put_back(record))

    def _restore(self, holding: Path, place: Path | None) -> Path | None:
        """Move what a holding place has to where a person sees it: its own place, or else a free name."""
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

    def _discard(self, doomed: Path, judged: int, *, resumed: bool) -> Path | None:
        for payload in _payloads(doomed):
            _delete_calm(payload, judged, resumed=resumed)
        return self._restore(doomed, None)


def _has_open_writers(found: Inventory, hold: Hold) -> bool:
    """Whether a second look tells all: a folder's files are not renamed, a single file must be held by a lease."""
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


def _delete_calm(payload: Path, judged: int, *, resumed: bool) -> None:
    """Delete what nobody has changed since it was judged; whatever else there is stays, with its folders.

    Args:
        payload: out of the way.
        judged: the file system's time (ns) after which a change counts.
        resumed: whether a crash may have come after some was deleted, which changes the times of folders as well.
    """
    emptied: set[Path] = set()
    with contextlib.suppress(OSError):
        for entry in reversed(take_inventory(payload).entries):
            path = payload.joinpath(*entry.parts)
            with contextlib.suppress(OSError):
                # The move out of the way has changed the time of the payload itself.
                calm = path.lstat().st_ctime_ns < judged + (not entry.parts)
                if stat.S_ISDIR(entry.kind):
                    if calm or resumed or path in emptied:
                        path.rmdir()
                        emptied.add(path.parent)
                elif calm:
                    with read_lease(path) as hold:
                        if hold is not Hold.WRITTEN:
                            path.unlink()
                            emptied.add(path.parent)
