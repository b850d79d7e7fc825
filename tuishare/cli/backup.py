"""Backups on the command line: the passphrase, the file, and what is said afterwards.

Owns how a passphrase is asked for. The form of a backup is `tuishare.core.home_backup`'s.
"""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Final

from tuishare.cli.input_files import read_start
from tuishare.cli.terminal import can_ask, say
from tuishare.config.units import format_size
from tuishare.core.home_backup import make_backup, open_backup, require_empty, restore_home
from tuishare.errors import BadInput, Refused, from_os_error
from tuishare.fs.atomic import publish
from tuishare.home_paths import find_places
from tuishare.people import decode_text

_SHORTEST: Final = 12
"""Characters; a file that is kept for years is guessed at for years."""
_LONGEST: Final = 1024


def back_up(file: Path, passphrase_file: str | None) -> None:
    """Write a backup of this home; an existing file is not replaced."""
    taken = Refused(f"There is {file} already", hint="Name another file, or move that one away.")
    if file.exists():  # known before a passphrase is asked for
        raise taken
    backup = make_backup(find_places(), _read_passphrase(passphrase_file, new=True))
    try:
        publish(file.absolute(), backup, replace=False)
    except FileExistsError:
        raise taken from None
    say(
        f"Written: {file}, {format_size(len(backup))}: identity, users, settings, shares; not the files you share."
    )
    say("Without the passphrase it cannot be opened, not even by you.")


def restore(file: Path, passphrase_file: str | None) -> None:
    """Put a backup into this home, which must be empty."""
    places = find_places()
    require_empty(places)  # known before a passphrase is asked for
    try:
        backup = file.read_bytes()
    except OSError as error:
        raise from_os_error(error, f"read {file}") from error
    restore_home(places, open_backup(backup, _read_passphrase(passphrase_file, new=False)))
    say("Restored. `tuishare doctor` tells which folders are missing here; `tuishare` starts the agent.")
    say("Two agents of one identity disturb each other: let no other one run any more.")
    say(
        "What was shared, changed or revoked after the backup is not known here: revoke again, and share again with "
        "`tuishare again ID`."
    )


def _read_passphrase(file: str | None, *, new: bool) -> str:
    """Return the passphrase in a file, or have it typed, twice if it is a new one.

    Raises:
        BadInput: there is none, no terminal to ask on, or a new one is too short.
        SystemFailed: the file cannot be read.
    """
    if file is not None:
        typed = decode_text(read_start(file, _LONGEST, "the passphrase"), "passphrase").strip("\r\n")
    elif can_ask():
        typed = getpass.getpass("Passphrase of the backup: ")
        if new and getpass.getpass("Once more: ") != typed:
            raise BadInput("These are two different passphrases", hint="Nothing was written; try again.")
    else:
        raise BadInput("No passphrase", hint="Name a file with it: --passphrase-file FILE, - for stdin.")
    if new and len(typed) < _SHORTEST:
        raise BadInput(
            f"A passphrase has at least {_SHORTEST} characters, this one has {len(typed)}",
            hint="Several random words are easy to remember.",
        )
    return typed
