"""What an empty tab shows: what to do next.

Owns the wording, as Textual content. Pure; untrusted text is made safe here.
"""

from __future__ import annotations

from textual.content import Content

from tuishare.api.messages import Folder, FolderState
from tuishare.presentation.states import name_folder_state
from tuishare.tui.cell_text import clean
from tuishare.tui.describe.people import describe_self
from tuishare.tui.theme import TextStyle
from tuishare.tui.view import Lost, View


def explain_no_shares(view: View) -> Content:
    """Return how to share something."""
    if view.snapshot is None:
        return _no_snapshot(view)
    folders = view.snapshot.status.drop_folders
    if not folders:
        return _lines(
            "Nothing is shared yet, and there is no drop folder.",
            "Press n to share a file or folder. "
            "Or press 4, then n, to add a drop folder: its contents are shared automatically.",
        )
    return Content("\n").join(
        [_title("Nothing is shared yet. Put a file or folder into:"), *map(_folder, folders)]
    )


def explain_no_downloads(view: View) -> Content:
    """Return how to receive something."""
    if view.snapshot is None:
        return _no_snapshot(view)
    inbox = clean(view.snapshot.status.inbox) or "your inbox folder"
    return _lines(
        "Nothing received yet.",
        "What users share with you arrives by itself once you know each other: see People, key 3.\n"
        f"An envelope that came by hand (the file NAME.torrent.encrypted): press o, or put it into {inbox}",
    )


def explain_no_people(view: View) -> Content:
    """Return how to add a user, and our own card."""
    if view.snapshot is None:
        return _no_snapshot(view)
    return Content("\n").join(
        [
            _title("No users yet."),
            Content(
                "Press i to invite the first one, or o to join with an invitation that you received.\n"
                "Or exchange cards: n adds one that you received, c copies yours.\n"
            ),
            *describe_self(view.snapshot),
        ]
    )


def explain_no_folders(view: View) -> Content:
    """Return how to add a drop folder."""
    if view.snapshot is None:
        return _no_snapshot(view)
    return _lines("No folders yet.", "Press n to add a drop folder: its contents are shared automatically.")


def explain_no_activity(view: View) -> Content:
    """Return what the tab lists."""
    if view.snapshot is None:
        return _no_snapshot(view)
    return _lines("Nothing has happened yet.", "Shares, deliveries, downloads and problems are listed here.")


def _no_snapshot(view: View) -> Content:
    if isinstance(view.connection, Lost):
        return _title("No agent is running, so there is nothing to show.")
    return _title("Asking the agent …")


def _folder(folder: Folder) -> Content:
    users = ", ".join(map(clean, folder.users))
    gone = folder.state is FolderState.MISSING
    return Content.assemble(
        (clean(folder.path), TextStyle.STRONG.value),
        (f"  for {users}", TextStyle.QUIET.value),
        (f"  ! {name_folder_state(folder.state)}" if gone else "", TextStyle.BAD.value),
    )


def _lines(title: str, then: str) -> Content:
    return Content("\n").join([_title(title), Content(then)])


def _title(text: str) -> Content:
    return Content.styled(text, TextStyle.QUIET.value)
