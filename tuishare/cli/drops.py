"""``tuishare drop …``: which folders are watched, and for which users.

Owns the dialogue with the user; the rules of drop folders are in `tuishare.core.settings_rules`.
"""

from __future__ import annotations

from pathlib import Path

from tuishare.api.messages import DropChange, DropNamed
from tuishare.cli.edit_home import edit_home, read_home, report_effect
from tuishare.cli.json_output import print_json
from tuishare.cli.service import report_locked_out
from tuishare.cli.terminal import print_rows, say
from tuishare.config.model import Transport
from tuishare.core.settings_rules import absolute, prepared_drop_folder
from tuishare.home_paths import find_places
from tuishare.people import load_book
from tuishare.presentation.problems import no_recipients


def add_drop(path: Path, users: tuple[str, ...], transport: Transport | None) -> None:
    """Make a folder a drop folder for exactly these users; a missing folder is made.

    Raises:
        NotFound: a user or group is unknown; nothing was changed.
        BadInput: no recipients were given, it is not a folder, or the settings do not allow it.
    """
    if not users:
        raise no_recipients()
    places = find_places()
    folder = absolute(path)
    recipients = load_book(places.users_file).resolve(users)
    with prepared_drop_folder(places, folder):
        change = DropChange(path=str(folder), users=users, transport=transport)
        edited = edit_home(lambda home: home.set_drop(change))
    say(f"Everything in {folder} is shared with {', '.join(user.name for user in recipients)}.")
    report_effect(edited, "drop")
    report_locked_out()


def list_drops(*, as_json: bool) -> None:
    """Print the drop folders; ``tuishare status`` shows the state of each."""
    folders = read_home(lambda home: home.folders())
    if as_json:
        print_json(folders)
        return
    rows = [(folder.path, " ".join(folder.users), folder.transport) for folder in folders]
    print_rows(("folder", "for", "transport"), rows)


def remove_drop_folder(path: Path) -> None:
    """Stop watching a folder; what was shared from it is no longer seeded, its files stay.

    Raises:
        NotFound: it is not a drop folder.
    """
    folder = absolute(path)
    edited = edit_home(lambda home: home.remove_drop(DropNamed(path=str(folder))))
    say(f"{folder} is no longer a drop folder. Its files stay on disk but are no longer shared.")
    report_effect(edited, "drop")
