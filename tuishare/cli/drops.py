"""``tuishare drop …``: which folders are watched, and for whom.

Owns the dialogue with the person; what a drop folder may be, `tuishare.config` knows.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tuishare.cli.reload import take_effect
from tuishare.cli.terminal import print_rows, say
from tuishare.config import Transport, load_config
from tuishare.config_file import edit_config, put_drop, remove_drop
from tuishare.errors import BadInput, from_os_error
from tuishare.paths import find_places
from tuishare.people import load_book


def add_drop(path: Path, users: tuple[str, ...], transport: Transport | None) -> None:
    """Watch a folder for exactly these users from now on; it is made when it is missing.

    Raises:
        NotFound: a user or group is unknown; nothing was changed.
        BadInput: nobody was named, it is no folder, or the settings do not allow it.
    """
    if not users:
        raise BadInput("Nobody was named", hint="Say for whom: --to NAME or --to @GROUP, also repeatedly.")
    places = find_places()
    recipients = load_book(places.users_file).resolve(users)
    folder = _absolute(path)
    with _made(folder):
        edit_config(places, lambda text: put_drop(text, folder, users, transport))
    say(f"What lies in {folder} is shared with {', '.join(user.name for user in recipients)}.")
    take_effect()


def list_drops(*, as_json: bool) -> None:
    """Print the drop folders as they are configured; `tuishare status` tells how each is."""
    folders = load_config(find_places()).drop
    if as_json:
        print(msgspec.json.encode(folders).decode())
        return
    rows = [(folder.path, " ".join(folder.users), folder.transport) for folder in folders]
    print_rows(("folder", "for", "transport"), rows)


def remove_drop_folder(path: Path) -> None:
    """Stop watching a folder; what was shared from it is no longer served, its files stay.

    Raises:
        NotFound: it is no drop folder.
    """
    folder = _absolute(path)
    edit_config(find_places(), lambda text: remove_drop(text, folder))
    say(f"{folder} is no drop folder any more. Its files stay, but are no longer shared.")
    take_effect()


def _absolute(path: Path) -> Path:
    """Where a path leads to that was typed in this folder; links are kept, as their owner means them."""
    return Path(os.path.abspath(os.path.expanduser(path)))


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder with its parents; what was made is removed when the block fails."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise BadInput(f"{folder} is not a folder", hint="Name a folder, or a path that is free.") from error
    except OSError as error:
        raise from_os_error(error, f"make the folder {folder}") from error
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            for place in missing:
                place.rmdir()
        raise
