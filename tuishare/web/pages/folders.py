"""Folders: drop folders, those of the agent, and browsing on the agent's machine."""

from __future__ import annotations

from typing import Final

from tuishare.api.messages import DropChange, DropNamed, Folder, FolderQuery, Snapshot
from tuishare.errors import BadInput, NotFound
from tuishare.presentation.consequences import REMOVED_FOLDER
from tuishare.presentation.row_models import list_folders as folders_of
from tuishare.web.live_list import LiveList
from tuishare.web.pages.common import list_recipients
from tuishare.web.visit import LiveStream, Moved, Page, Visit

FOLDERS: Final = LiveList(
    "folder_row",
    folders_of,
    lambda folder: f"{folder.role}:{folder.path}",
    lambda folder: folder.path,
    into="rows",
)
_PURPOSES: Final = {
    "share": ("/shares/new", False),
    "envelope": ("/envelopes/open", False),
    "drop": ("/folders/new", True),
}
"""For what one browses: where the chosen path goes, and whether only folders are listed."""


async def list_folders(visit: Visit) -> Page:
    """Show the folders that the agent uses."""
    return FOLDERS.show(visit, await visit.agent.snapshot(), "folders", "/folders/live", {})


async def follow_folders(visit: Visit) -> LiveStream:
    """Keep the list current."""
    return FOLDERS.follow(visit)


async def ask_folder(visit: Visit) -> Page:
    """Ask for a new drop folder."""
    people = await visit.agent.people()
    values = {"folder": None, "path": visit.query.text("path"), "recipients": list_recipients(people)}
    return Page("folder", values)


async def ask_folder_change(visit: Visit) -> Page:
    """Ask for other recipients of a drop folder."""
    snapshot = await visit.agent.snapshot()
    path = visit.query.exact("path") or visit.form.exact("path")
    folder = _find(snapshot, path)
    values = {"folder": folder, "path": folder.path, "recipients": list_recipients(snapshot.people)}
    return Page("folder", values)


async def set_folder(visit: Visit) -> Moved:
    """Add a drop folder, or change its recipients.

    Raises:
        BadInput: a field is missing.
        TuishareError: from the agent.
    """
    path, users = visit.form.exact("path").strip(), visit.form.every("recipients")
    if not path:
        raise BadInput("No folder is named", hint="Type a path, or choose one by browsing.")
    if not users:
        raise BadInput("No recipient is selected", hint="Select at least one user or group.")
    change = DropChange(path=path, users=users, transport="plain" if visit.form.selected("plain") else "tls")
    await visit.agent.set_drop(change)
    return Moved("/folders", f"{path} is shared with {', '.join(users)}.")


async def ask_folder_removal(visit: Visit) -> Page:
    """Ask before a drop folder is removed."""
    folder = _find(await visit.agent.snapshot(), visit.query.exact("path") or visit.form.exact("path"))
    return Page(
        "question",
        {
            "heading": "Remove this drop folder?",
            "name": folder.path,
            "facts": [f"for {', '.join(folder.users)}"],
            "consequence": REMOVED_FOLDER,
            "yes": "Remove",
            "action": "/folders/remove",
            "fields": {"path": folder.path},
            "back": "/folders",
        },
    )


async def remove_folder(visit: Visit) -> Moved:
    """Remove a drop folder; its files stay."""
    path = visit.form.exact("path")
    if not path:
        raise BadInput("No folder is named", hint="Choose one of the list.")
    await visit.agent.remove_drop(DropNamed(path=path))
    return Moved("/folders", f"{path} is no longer a drop folder.")


async def browse(visit: Visit) -> Page:
    """List a folder on the agent's machine, to choose from.

    Raises:
        NotFound: nothing is chosen there.
        TuishareError: from the agent.
    """
    purpose = visit.query.text("for")
    if purpose not in _PURPOSES:
        raise NotFound("There is nothing to browse for", hint="Begin with a new share or a new folder.")
    target, folders_only = _PURPOSES[purpose]
    path = visit.query.exact("path") or "~"
    listing = await visit.agent.list_folder(FolderQuery(path=path, folders_only=folders_only, nearest=True))
    above = listing.path.rpartition("/")[0] or "/"
    values = {"listing": listing, "purpose": purpose, "target": target, "above": above}
    return Page("browse", values)


def _find(snapshot: Snapshot, path: str) -> Folder:
    """Return a drop folder.

    Raises:
        NotFound: there is none at the path.
    """
    for folder in snapshot.status.drop_folders:
        if folder.path == path:
            return folder
    raise NotFound("There is no such drop folder", hint="It may have been removed meanwhile.")
