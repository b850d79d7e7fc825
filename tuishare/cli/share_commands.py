"""The commands about shares and downloads: ``list``, ``show``, ``share``, ``pause`` and the like.

Owns names, help and defaults; for actions on single entries, `tuishare.presentation.actions` has them. The work is in
`tuishare.cli.listing`, `tuishare.cli.share`, `tuishare.cli.bulk_actions`, `tuishare.cli.receipts`,
`tuishare.cli.select_files` and `tuishare.cli.revoke`, imported by the command that needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuishare.api.messages import DownloadAction, ShareAction
from tuishare.cli.options import AsJson, TransportChoice
from tuishare.presentation.actions import Action, describe_action

if TYPE_CHECKING:
    from tuishare.cli.exit_codes import Exit

_Id = Annotated[str, typer.Argument(metavar="ID", help="Id, its beginning, or the exact name.")]
_Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids, their beginnings, or exact names.")]


class KindChoice(StrEnum):
    """The kind of entries to list."""

    SHARES = "shares"
    DOWNLOADS = "downloads"


class UntilChoice(StrEnum):
    """How far an entry has to come."""

    SEEDING = "seeding"
    COMPLETE = "complete"


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("list")(list_)
    app.command("open")(open_)
    for command in (activity, links, receipts, show, share, wait):
        app.command()(command)
    actions: dict[str, Action] = {action.value: action for action in (*ShareAction, *DownloadAction)}
    for name, action in actions.items():
        run = delete if action in {ShareAction.DELETE, DownloadAction.DELETE} else _make_command(action)
        app.command(name, help=describe_action(action).help)(run)
    app.command()(choose)
    app.command()(revoke)


def list_(
    kind: Annotated[KindChoice | None, typer.Argument(help="List only these.")] = None,
    filter_: Annotated[
        str, typer.Option("--filter", metavar="TEXT", help="Only names, users and states with this in them.")
    ] = "",
    sort: Annotated[
        str, typer.Option(metavar="COLUMN", help="Order by a column; -COLUMN: the other way round.")
    ] = "",
    columns: Annotated[
        str, typer.Option(metavar="COLUMN,...", help="Only these columns, such as name,state.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List shares and downloads.

    Columns are share or download, name, for or from, size, state, delivered or here, added.
    """
    from tuishare.cli.listing import ListOptions, list_entries

    list_entries(
        ListOptions(
            shares=kind is not KindChoice.DOWNLOADS,
            downloads=kind is not KindChoice.SHARES,
            filter=filter_,
            sort=sort,
            columns=tuple(filter(None, columns.split(","))),
        ),
        as_json=as_json,
    )


def wait(
    id_: _Id,
    until: Annotated[
        UntilChoice, typer.Option(help="seeding: a share is sealed; complete: all have all of it.")
    ] = UntilChoice.COMPLETE,
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Give up then, with exit code 1.")
    ] = None,
) -> None:
    """Wait until a share or download is complete. Also waits for one that does not exist yet."""
    from tuishare.cli.wait import Milestone, wait_for

    wait_for(id_, Milestone(until.value), timeout)


def activity(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of entries.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show recent activity."""
    from tuishare.cli.activity import print_activity

    print_activity(limit, as_json=as_json)


def receipts(
    share: Annotated[
        str, typer.Argument(metavar="[SHARE]", help="Id, its beginning, or name; also of one that is gone.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write them into a file.")
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Check the receipts in a file, with the user book, without an agent."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show, export or check the receipts that recipients' agents have signed."""
    from tuishare.cli.receipts import print_receipts, verify_receipts
    from tuishare.errors import BadInput

    if verify is None:
        print_receipts(share, output, as_json=as_json)
    elif share or output is not None:
        raise BadInput("--verify takes a file, and nothing else", hint="tuishare receipts --verify FILE")
    else:
        verify_receipts(verify, as_json=as_json)


def links(as_json: AsJson = False) -> None:
    """Show the links to the agents of other users, and what waits to be handed over."""
    from tuishare.cli.links import print_links

    print_links(as_json=as_json)


def open_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .torrent.encrypted.", readable=False)],
    as_json: AsJson = False,
) -> None:
    """Put an envelope that came by hand into the inbox."""
    from tuishare.cli.open_envelope import open_envelope

    open_envelope(file, as_json=as_json)


def show(id_: _Id, as_json: AsJson = False) -> None:
    """Show all details of one share or download."""
    from tuishare.cli.listing import show_entry

    show_entry(id_, as_json=as_json)


def share(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="File or folder.", readable=False)],
    to: Annotated[list[str], typer.Option("--to", metavar="USER|@GROUP", help="May be repeated.")] = [],  # noqa: B006
    transport: Annotated[
        TransportChoice, typer.Option(help="tls: only ticket holders; plain: any BitTorrent client.")
    ] = TransportChoice.TLS,
    note: Annotated[str, typer.Option(help="Note for the recipients.")] = "",
    expires: Annotated[
        str, typer.Option(metavar="WHEN", help="12h, 30d, 2w, or the last day: 2026-12-31. Default: never.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Share a file or folder outside the drop folders. Prints the id of the share.

    To add recipients, share it again and name all of them. Note and expiry stay unless you give new ones.
    """
    from tuishare.cli.share import ShareOptions, share_path

    share_path(ShareOptions(path, tuple(to), transport.word, note, expires), as_json=as_json)


def _make_command(action: Action) -> Callable[[list[str], bool], None]:
    """Return the command for an action on single entries."""

    def carry_out(ids: _Ids, as_json: AsJson = False) -> None:
        from tuishare.cli.bulk_actions import carry_out

        _end(carry_out(action, ids, as_json=as_json))

    return carry_out


def delete(
    ids: _Ids,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete the files of entries after a confirmation; its help is that of the action."""
    from tuishare.cli.bulk_actions import delete as run

    _end(run(ids, agreed=yes, as_json=as_json))


def choose(
    id_: _Id,
    skip: Annotated[
        list[str],
        typer.Option("--skip", metavar="PATTERN", help="All except these, such as '*.mov'; repeatable."),
    ] = [],  # noqa: B006
    only: Annotated[
        list[str], typer.Option("--only", metavar="PATTERN", help="Only these; repeatable.")
    ] = [],  # noqa: B006
    everything: Annotated[bool, typer.Option("--all", help="All files.")] = False,
    as_json: AsJson = False,
) -> None:
    """Choose which files of an incomplete download to fetch, or list them."""
    from tuishare.cli.select_files import FileOptions, choose_files

    choose_files(id_, FileOptions(tuple(skip), tuple(only), everything), as_json=as_json)


def revoke(
    words: Annotated[
        list[str], typer.Argument(metavar="[SHARE] USER", help="Id or name of a share, and a user.")
    ],
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Revoke access to all shares; give only the user.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """End a user's access to a share: they are disconnected, and all other recipients get new tickets.

    Data already downloaded stays with the user. Send the new envelopes from the outbox to the other recipients.
    """
    from tuishare.cli.revoke import revoke as run

    run(words, everywhere=everywhere, as_json=as_json)


def _end(code: Exit) -> None:
    if code:
        raise typer.Exit(code)
