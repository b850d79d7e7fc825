"""What an empty tab says: what to do next.

Owns the wording, as Textual content. Pure; every foreign text is cleaned here.
"""

from __future__ import annotations

from textual.content import Content

from tuishare.api.messages import Folder, FolderState
from tuishare.tui.cell_text import clean
from tuishare.tui.describe.people import describe_self
from tuishare.tui.theme import TextStyle
from tuishare.tui.view import Lost, View

_SUFFIX = "NAME.torrent.encrypted"


def invite_to_share(view: View) -> Content:
    """Say how something gets into the list of shares."""
    if view.snapshot is None:
        return _waiting(view)
    folders = view.snapshot.status.drop_folders
    if not folders:
        return _lines(
            "Nothing is shared yet, and no drop folder is set up.",
            "Press n to share a file or folder, or 4 and n to set up a folder whose contents are shared by themselves.",
        )
    return Content("\n").join(
        [_title("Nothing is shared yet. Put a file or a folder into"), *map(_folder, folders)]
    )


def invite_to_receive(view: View) -> Content:
    """Say how something gets into the list of downloads."""
    if view.snapshot is None:
        return _waiting(view)
    inbox = clean(view.snapshot.status.inbox)
    where = f"Put a {_SUFFIX} that you were sent into {inbox or 'your inbox folder'}"
    return _lines("Nothing received yet.", where)


def invite_people(view: View) -> Content:
    """Say how somebody gets into the list of people."""
    if view.snapshot is None:
        return _waiting(view)
    own = Content("\n").join(describe_self(view.snapshot))
    return Content("\n").join(
        [
            _title("Nobody is known here yet."),
            Content(
                "Press n and paste the card that somebody sent you. Press c to copy your own, and send it.\n"
            ),
            own,
        ]
    )


def invite_to_set_up(view: View) -> Content:
    """Say how a folder gets into the list of folders."""
    if view.snapshot is None:
        return _waiting(view)
    return _lines("No folder is set up yet.", "Press n to add one whose contents are shared by themselves.")


def invite_to_wait(view: View) -> Content:
    """Say what will be listed where nothing happened yet."""
    if view.snapshot is None:
        return _waiting(view)
    return _lines("Nothing happened yet.", "What is shared, delivered, received or goes wrong is told here.")


def _waiting(view: View) -> Content:
    if isinstance(view.connection, Lost):
        return _title("No agent, so nothing to show.")
    return _title("Asking the agent …")


def _folder(folder: Folder) -> Content:
    users = ", ".join(map(clean, folder.users))
    gone = folder.state is FolderState.MISSING
    return Content.assemble(
        (clean(folder.path), TextStyle.STRONG.value),
        (f"  for {users}", TextStyle.QUIET.value),
        ("  ! missing" if gone else "", TextStyle.BAD.value),
    )


def _lines(title: str, then: str) -> Content:
    return Content("\n").join([_title(title), Content(then)])


def _title(text: str) -> Content:
    return Content.styled(text, TextStyle.QUIET.value)
