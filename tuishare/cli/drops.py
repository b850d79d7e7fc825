"""``tuishare drop …``: which folders are watched, and for whom.

Owns the dialogue with the person; what a drop folder may be, `tuishare.core.settings_rules` knows.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from tuishare.cli.reload import take_effect
from tuishare.cli.service import tell_locked_out
from tuishare.cli.terminal import print_rows, say
from tuishare.config.model import Transport, load_config
from tuishare.core.settings_rules import absolute, delete_drop_folder, save_drop_folder
from tuishare.home_paths import find_places
from tuishare.presentation.problems import no_recipients


def add_drop(path: Path, users: tuple[str, ...], transport: Transport | None) -> None:
    """Watch a folder for exactly these users from now on; it is made when it is missing.

    Raises:
        NotFound: a user or group is unknown; nothing was changed.
        BadInput: no recipients were given, it is not a folder, or the settings do not allow it.
    """
    if not users:
        raise no_recipients()
    places = find_places()
    folder = absolute(path)
    recipients = save_drop_folder(places, folder, users, transport)
    say(f"What lies in {folder} is shared with {', '.join(user.name for user in recipients)}.")
    take_effect("drop")
    tell_locked_out()


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
    folder = absolute(path)
    delete_drop_folder(find_places(), folder)
    say(f"{folder} is no longer a drop folder. Its files stay on disk but are no longer shared.")
    take_effect("drop")
