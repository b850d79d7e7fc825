"""Downloads: the list, one download, approval, choice of files, and envelopes that came by hand."""

from __future__ import annotations

from typing import Final

from tuishare.api.messages import (
    Download,
    DownloadAction,
    DownloadId,
    DownloadState,
    FileChoice,
    PathNamed,
    Snapshot,
    UserChange,
)
from tuishare.errors import BadInput, NotFound, Refused
from tuishare.presentation.actions import announce_action, describe_action
from tuishare.presentation.consequences import question_about_download
from tuishare.presentation.states import name_download_state
from tuishare.presentation.transfers import describe_origin, name_sender
from tuishare.web.live_list import LiveList
from tuishare.web.visit import LiveStream, Moved, Page, Visit, path_of

DOWNLOADS: Final = LiveList(
    "download_row",
    lambda snapshot: sorted(snapshot.downloads, key=lambda item: (-item.added, item.id)),
    lambda item: item.id,
    lambda item: f"{item.name} {name_sender(item)} {name_download_state(item.state)}",
    {
        "name": lambda item: item.name.casefold(),
        "from": lambda item: item.sender.casefold(),
        "size": lambda item: -item.size,
        "state": lambda item: item.state.value,
    },
    "rows",
)
_ONE: Final = LiveList("download_summary", lambda snapshot: snapshot.downloads, lambda item: item.id)


async def list_downloads(visit: Visit) -> Page:
    """Show the downloads, newest first."""
    return DOWNLOADS.show(visit, await visit.agent.snapshot(), "downloads", "/downloads/live", {})


async def follow_downloads(visit: Visit) -> LiveStream:
    """Keep the list current."""
    return DOWNLOADS.follow(visit)


async def show_download(visit: Visit) -> Page:
    """Show one download with its files, peers and history.

    Raises:
        NotFound: there is no such download.
    """
    snapshot = await visit.agent.snapshot()
    item = _find(snapshot, visit)
    values = {"download": item, "details": await visit.agent.download_details(item.id)}
    path = f"{path_of('downloads', item.id)}/live"
    return _ONE.only(item.id).show(visit, snapshot, "download", path, values)


async def follow_download(visit: Visit) -> LiveStream:
    """Keep one download current."""
    return _ONE.only(visit.params["download"]).follow(visit)


async def ask_download_order(visit: Visit) -> Page:
    """Ask before an action on a download."""
    item = _find(await visit.agent.snapshot(), visit)
    action = _action(visit)
    question = question_about_download(item, action)
    label = describe_action(action).key.label
    return Page(
        "question",
        {
            "heading": question.title if question else f"{label} this download?",
            "name": item.name,
            "facts": [describe_origin(item)],
            "consequence": question.consequence if question else describe_action(action).help,
            "yes": question.yes if question else label,
            "action": visit.request.rel_url.raw_path,
            "back": path_of("downloads", item.id),
        },
    )


async def order_download(visit: Visit) -> Moved:
    """Carry out an action on a download."""
    item, action = DownloadId(visit.params["download"]), _action(visit)
    await visit.agent.order_download(item, action)
    ends = describe_action(action).ends or action is DownloadAction.REJECT
    return Moved(
        "/downloads" if ends else path_of("downloads", item), announce_action(action, "the download")
    )


async def ask_approval(visit: Visit) -> Page:
    """Show who sends what, and ask whether the download may begin.

    Raises:
        NotFound: there is no such download, or it does not wait.
    """
    snapshot = await visit.agent.snapshot()
    item = _find(snapshot, visit)
    if item.state is not DownloadState.WAITING:
        raise NotFound("This download does not wait for approval", hint="Go back to the list.")
    sender = next((user for user in snapshot.people.users if user.name == item.sender), None)
    details = await visit.agent.download_details(item.id)
    return Page("approve", {"download": item, "sender": sender, "details": details})


async def approve_always(visit: Visit) -> Moved:
    """Approve a download, and count its sender as verified.

    Raises:
        BadInput: it was not confirmed that the words were compared.
    """
    if not visit.form.selected("compared"):
        raise BadInput("The words were not compared", hint="Compare them first, then select the box.")
    item = _find(await visit.agent.snapshot(), visit)
    await visit.agent.change_user(
        UserChange(name=item.sender, verified=True, fingerprint=visit.form.text("fingerprint"))
    )
    await visit.agent.order_download(item.id, DownloadAction.APPROVE)
    return Moved(
        path_of("downloads", item.id),
        f"{item.sender} is verified; their downloads now start without approval.",
    )


async def ask_files(visit: Visit) -> Page:
    """Ask which files of a download are wanted.

    Raises:
        Refused: there are too many to list.
    """
    item = _find(await visit.agent.snapshot(), visit)
    details = await visit.agent.download_details(item.id)
    if details.more_files:
        raise Refused("This download has too many files to choose from here", hint="Use: tuishare choose")
    return Page("choose-files", {"download": item, "files": details.files})


async def choose_files(visit: Visit) -> Moved:
    """Download the selected files only.

    Raises:
        BadInput: a number is none.
        TuishareError: from the agent.
    """
    total, wanted = visit.form.text("total"), visit.form.every("wanted")
    numbers = [total, *wanted]
    if not all(text.isascii() and text.isdecimal() and len(text) <= 5 for text in numbers):
        raise BadInput("This choice of files is not understood", hint="Open the page again.")
    unwanted = sorted({*range(int(total))} - {*map(int, wanted)})
    if len(unwanted) > 10_000:
        raise BadInput("Too many files are left out", hint="Use: tuishare choose")
    item = DownloadId(visit.params["download"])
    await visit.agent.choose_files(item, FileChoice(unwanted=tuple(unwanted)))
    return Moved(path_of("downloads", item), "The choice of files is saved.")


async def ask_envelope(visit: Visit) -> Page:
    """Ask for the path of an envelope that came by hand."""
    return Page("open-envelope", {"path": visit.query.text("path")})


async def open_envelope(visit: Visit) -> Moved:
    """Put an envelope into the inbox.

    Raises:
        BadInput: no path is given.
    """
    if not visit.form.text("path"):
        raise BadInput("No file is named", hint="Type a path, or choose one by browsing.")
    name = (await visit.agent.open_envelope(PathNamed(path=visit.form.text("path")))).id
    return Moved("/downloads", f"{name} is in the inbox.")


def _find(snapshot: Snapshot, visit: Visit) -> Download:
    """Return the download of the path.

    Raises:
        NotFound: there is none.
    """
    for item in snapshot.downloads:
        if item.id == visit.params["download"]:
            return item
    raise NotFound("There is no such download", hint="It may have been forgotten meanwhile.")


def _action(visit: Visit) -> DownloadAction:
    """Return the action of the path.

    Raises:
        NotFound: there is none.
    """
    try:
        return DownloadAction(visit.params["order"])
    except ValueError:
        raise NotFound("There is no such action", hint="Go back, and choose one.") from None
