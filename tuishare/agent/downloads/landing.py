"""Where a payload grows, and how it gets to where it belongs.

Owns the files of a download: its staging folder, its final name, its envelope's way to ``inbox/accepted``. Blocking:
call it on a thread. Doing any of it again after a crash finishes it. Must not know the engine or the store.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Final

from tuishare.agent.downloads.choosing import drop_unwanted, wanted_size
from tuishare.agent.folders.payload import sign_payload
from tuishare.agent.state.records import DownloadRecord
from tuishare.config import Folders
from tuishare.durability import sync_tree
from tuishare.envelope import MAX_SIZE
from tuishare.errors import NotFound, TuishareError, from_os_error
from tuishare.paths import choose_place, free_name, make_private, move_into_place, read_limited
from tuishare.sizes import format_size

INCOMING: Final = ".tuishare-incoming"
"""Folder below the downloads in which payloads grow: private, and on the same file system as where they land."""
ACCEPTED: Final = "accepted"
FORMER: Final = ".tuishare-former"

_STAGING = re.compile(r"[0-9a-f]{32}-[0-9]+")
_log = logging.getLogger(__name__)


class Landing:
    """The folders of one home, as far as downloads have to do with them."""

    def __init__(self, folders: Folders, *, reserve: int = 0) -> None:
        """`reserve`: bytes that are to stay free."""
        self._reserve = reserve
        self._downloads = folders.downloads_path
        self._inbox = folders.inbox_path

    def staging(self, download: str, generation: int) -> Path:
        """The private folder of one generation of a download."""
        return self._downloads / INCOMING / f"{download}-{generation}"

    def sweep(self, used: Collection[str]) -> None:
        """Remove the staging folders that no download uses: a crash came between its end and their removal."""
        incoming = self._downloads / INCOMING
        for folder in incoming.iterdir() if incoming.is_dir() else ():
            if _STAGING.fullmatch(folder.name) and str(folder) not in used:
                shutil.rmtree(folder, ignore_errors=True)

    def prepare(self, record: DownloadRecord) -> Path:
        """Make the staging folder.

        Raises:
            SystemFailed: it cannot be made.
        """
        staging = Path(record.staging)
        make_private(staging.parent)
        make_private(staging)
        return staging

    def discard(self, record: DownloadRecord) -> None:
        """Remove what a download that is not to go on has received."""
        if record.staging:
            shutil.rmtree(record.staging, ignore_errors=True)

    def lacks_space(self, record: DownloadRecord) -> str:
        """Say in a sentence what is missing for the rest of a download to fit; empty when it fits."""
        here = sum(path.lstat().st_blocks * 512 for path in Path(record.staging).rglob("*"))
        needed = max(0, wanted_size(record) - here) + self._reserve
        free = shutil.disk_usage(self._downloads).free
        if free >= needed:
            return ""
        return f"It waits for space: {format_size(needed)} with the reserve, {format_size(free)} are free"

    def choose_target(self, record: DownloadRecord) -> Path:
        """Find a name for the payload that nothing has, or that of the untouched payload which it replaces.

        Raises:
            SystemFailed: the sender's folder cannot be made.
        """
        sender = self._downloads / record.sender
        try:
            sender.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, f"make the folder {sender}") from error
        if Path(record.replaces) == sender / record.name and _is_untouched(record):
            return Path(record.replaces)
        return free_name(sender, record.name)

    def move_payload(self, record: DownloadRecord) -> None:
        """Move the payload from its staging folder to its name, durably.

        Raises:
            FileExistsError: somebody has taken the name.
            NotFound: it is neither here nor there.
            SystemFailed: the file system refused.
        """
        source, target = Path(record.staging) / record.name, Path(record.path)
        if os.path.lexists(source):
            drop_unwanted(record, source)
            sync_tree(source)
            _clear_former(record)
        elif not os.path.lexists(target):
            raise NotFound("The downloaded files are gone", hint="Ask the sender to share it again.")
        move_into_place(source, target)
        self.discard(record)

    def file_envelope(self, record: DownloadRecord) -> None:
        """Put the envelope of what was delivered away; another one of the same name stays.

        The payload has been delivered, so a failure here costs tidiness only.
        """
        envelope = self._inbox / record.envelope
        try:
            data = read_limited(envelope, MAX_SIZE)
            # Empty: from before the hash was recorded.
            if record.envelope_hash in {b"", hashlib.sha256(data).digest()}:
                accepted = self._inbox / ACCEPTED
                accepted.mkdir(exist_ok=True)
                move_into_place(envelope, choose_place(envelope, accepted))
        except NotFound:
            _log.debug("The envelope of a download is not in the inbox any more")
        except (TuishareError, OSError) as error:
            _log.warning("Cannot put an envelope into %s: %s", self._inbox / ACCEPTED, error)


def _is_untouched(record: DownloadRecord) -> bool:
    """Whether what the former generation delivered is still as it was; what a person has edited is his."""
    return bool(record.replaces) and sign_payload(Path(record.replaces)) == record.replaces_signature


def _clear_former(record: DownloadRecord) -> None:
    """Move what is replaced out of the way, into the staging folder that is discarded at the end."""
    if _is_untouched(record):
        Path(record.replaces).rename(Path(record.staging) / FORMER)
