"""Putting a file that a user names into the inbox.

Owns what is refused before, with where it belongs instead, and that the file appears in the inbox whole or not at all.
Must not open an envelope: the inbox does, whatever way it came.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from tuishare.envelope import MAX_SIZE, is_tse1
from tuishare.errors import BadInput, from_os_error
from tuishare.fs.atomic import ENVELOPE_SUFFIX, free_name, publish, read_limited
from tuishare.sanitize import for_display

_TEXTS: Final = (
    (b"tuishare-invite-", "an invitation", "Use it with: tuishare join FILE"),
    (b"tuishare-card-", "a card", "Add its owner with: tuishare user add NAME FILE"),
    (b"tuishare-succession-", "a statement for a new card", "Use it with: tuishare user rotate NAME FILE"),
    (b"tuishare-receipt-", "a receipt", "Check it with: tuishare receipts --verify FILE"),
)
"""Beginnings of other texts of tuishare, what they are, and where they belong."""
_EXPLAINED: Final = f"An envelope is a file NAME{ENVELOPE_SUFFIX}."


def put_into_inbox(source: Path, inbox: Path) -> str:
    """Copy an envelope into the inbox, durably and under a free name; return that name.

    Args:
        source: absolute; not followed if it is a symbolic link.
        inbox: the folder.

    Raises:
        BadInput: it is no regular file, too long, or holds something else than an envelope.
        NotFound: there is nothing at the path.
        SystemFailed: the file cannot be read, or the disk refused; the inbox is as before.
    """
    _require_file(source)
    if inbox.exists() and source.parent.samefile(inbox):
        return source.name  # it is there
    content = read_limited(source, MAX_SIZE)
    _require_envelope(source, content)
    name = source.name if source.name.endswith(ENVELOPE_SUFFIX) else f"{source.name}{ENVELOPE_SUFFIX}"
    while True:
        target = free_name(inbox, name)
        try:
            publish(target, content, replace=False, secret=False)
        except FileExistsError:
            continue  # taken by another file at this moment
        return target.name


def _require_file(source: Path) -> None:
    shown = for_display(str(source))
    try:
        status = source.lstat()
    except OSError as error:
        raise from_os_error(error, f"read {shown}") from error
    if stat.S_ISLNK(status.st_mode):
        raise BadInput(f"{shown} is a symbolic link", hint="Name the file that it leads to.")
    if not stat.S_ISREG(status.st_mode):
        raise BadInput(f"{shown} is not a file", hint=_EXPLAINED)
    if status.st_size > MAX_SIZE:
        raise BadInput(f"{shown} is too large to be an envelope", hint=_EXPLAINED)


def _require_envelope(source: Path, content: bytes) -> None:
    shown, start = for_display(source.name), content[:256].lstrip()
    for prefix, kind, hint in _TEXTS:
        if start.startswith(prefix):
            raise BadInput(f"{shown} is {kind}, not an envelope", hint=hint)
    # The raw form of the prototype begins with chance alone, so its name has to tell.
    is_raw = source.name.endswith(ENVELOPE_SUFFIX) and bool(content)
    if not is_tse1(content) and not is_raw:
        raise BadInput(f"{shown} is not an envelope", hint=_EXPLAINED)
