"""``tuishare list`` and ``show``: shares and downloads.

Owns the columns and rows of the tables; the texts come from `tuishare.presentation`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tuishare.api.messages import Delivery, Download, DownloadState, Share, ShareState
from tuishare.cli.agent import ask_agent
from tuishare.cli.json_output import print_json
from tuishare.cli.lookup import E, Entries, Entry, fetch_entries
from tuishare.cli.terminal import is_terminal, print_rows, say
from tuishare.errors import BadInput
from tuishare.presentation.formats import (
    NOTHING,
    format_exact_size,
    format_percent,
    format_rate,
    format_size,
    format_span,
    format_timestamp,
)
from tuishare.presentation.left_out import describe_left_out, describe_renamed
from tuishare.presentation.states import describe_transport, name_trust
from tuishare.presentation.transfers import (
    describe_delivered,
    describe_delivery,
    describe_download_state,
    describe_reports,
    describe_share_state,
    describe_unanswered,
)

_WHOLE: Final = 4096
_SHARE_HEADINGS: Final = ("share", "name", "for", "size", "state", "delivered", "added")
_DOWNLOAD_HEADINGS: Final = ("download", "name", "from", "size", "state", "here", "added")
_Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What to list, and how.

    Attributes:
        shares: whether shares are listed.
        downloads: whether downloads are.
        filter: text in the name, a user or the state of each entry; case does not matter.
        sort: name of a column, with ``-`` before it for the other way round; empty: oldest first.
        columns: names of those to print; empty: all.
    """

    shares: bool = True
    downloads: bool = True
    filter: str = ""
    sort: str = ""
    columns: tuple[str, ...] = ()


def list_entries(options: ListOptions, *, as_json: bool) -> None:
    """Print a table of shares, one of downloads, or both.

    If stdout is not a terminal, each line begins with ``share`` or ``download``. JSON is an array, or an object with
    two arrays.

    Raises:
        BadInput: there is no such column.
    """
    _require_columns(options)
    entries = _chosen(ask_agent(fetch_entries), options)
    shares, downloads = options.shares, options.downloads
    if as_json:
        if shares and downloads:
            print_json({"shares": entries.shares, "downloads": entries.downloads})
        else:
            print_json(entries.shares if shares else entries.downloads)
        return
    short = entries.short_ids()
    share_rows = [_share_row(share, short[share.id]) for share in entries.shares] if shares else []
    download_rows = [_download_row(item, short[item.id]) for item in entries.downloads] if downloads else []
    _print_table("share", _SHARE_HEADINGS, share_rows, options.columns)
    if share_rows and download_rows and is_terminal(sys.stdout):
        print()
    _print_table("download", _DOWNLOAD_HEADINGS, download_rows, options.columns)
    if not share_rows and not download_rows and options.filter:
        say(f"Nothing with “{options.filter}” in its name, users or state.")
    elif not share_rows and not download_rows:
        asked = [word for word, wanted in (("shared", shares), ("received", downloads)) if wanted]
        say(f"Nothing is {' or '.join(asked)} yet.")


def show_entry(word: str, *, as_json: bool) -> None:
    """Print all details of one share or download.

    Raises:
        NotFound: none has that id or name.
        BadInput: several have.
    """
    entry = ask_agent(fetch_entries).find(word)
    if as_json:
        print_json(entry)
        return
    print_rows(("what", "value"), _describe(entry), longest=_WHOLE)


def _require_columns(options: ListOptions) -> None:
    for name in (*options.columns, *filter(None, [options.sort.removeprefix("-")])):
        if name not in COLUMNS:
            known = ", ".join(dict.fromkeys((*_SHARE_HEADINGS, *_DOWNLOAD_HEADINGS)))
            raise BadInput(f"There is no column “{name}”", hint=f"Columns are {known}.")


def _chosen(entries: Entries, options: ListOptions) -> Entries:
    """Return the entries that are listed, in their order."""
    return Entries(
        tuple(_ordered(filter(partial(_matches, options.filter), entries.shares), options.sort)),
        tuple(_ordered(filter(partial(_matches, options.filter), entries.downloads), options.sort)),
    )


def _matches(text: str, entry: Entry) -> bool:
    users = entry.recipients if isinstance(entry, Share) else (entry.sender,)
    return not text or any(text.casefold() in each.casefold() for each in (entry.name, _state(entry), *users))


def _ordered(entries: Iterable[E], sort: str) -> list[E]:
    if not sort:
        return list(entries)
    key = COLUMNS[sort.removeprefix("-")]
    return sorted(entries, key=key, reverse=sort.startswith("-"))


def _progress(entry: Entry) -> float:
    if not isinstance(entry, Share):
        return entry.progress
    parts = [delivery.progress for delivery in entry.deliveries]
    return sum(parts) / len(parts) if parts else 0.0


def _here(headings: _Row, name: str) -> str:
    """Return the heading of this table that a column of either table stands for: both have the same places."""
    both = zip(_SHARE_HEADINGS, _DOWNLOAD_HEADINGS, strict=True)
    return next(mine for pair, mine in zip(both, headings, strict=True) if name in pair)


def _print_table(kind: str, headings: _Row, rows: list[_Row], columns: Sequence[str]) -> None:
    if columns:
        places = [headings.index(name) for name in map(partial(_here, headings), columns)]
        headings = tuple(headings[place] for place in places)
        rows = [tuple(row[place] for place in places) for row in rows]
    if rows and is_terminal(sys.stdout):
        print_rows(headings, rows)
    else:
        print_rows((), [(kind, *row) for row in rows])


def _share_row(share: Share, short: str) -> _Row:
    return (
        short,
        share.name,
        ", ".join(share.recipients),
        format_size(share.size),
        _state(share),
        describe_delivered(share) or NOTHING,
        format_timestamp(share.added),
    )


def _download_row(download: Download, short: str) -> _Row:
    return (
        short,
        download.name,
        download.sender or NOTHING,
        format_size(download.size) if download.size else NOTHING,
        _state(download),
        format_percent(download.progress),
        format_timestamp(download.added),
    )


def _describe(entry: Entry) -> list[tuple[str, str]]:
    if isinstance(entry, Share):
        return _describe_share(entry)
    return _describe_download(entry)


def _left_out(entry: Entry) -> list[tuple[str, str]]:
    return [("left out", words)] if (words := describe_left_out(entry.left_out)) else []


def _describe_share(share: Share) -> list[tuple[str, str]]:
    return [
        ("share", share.id),
        ("name", share.name),
        ("state", _state(share)),
        *_problem(share),
        ("for", ", ".join(share.recipients)),
        *_words(share),
        ("size", format_exact_size(share.size)),
        ("files", f"{share.files:,}"),
        *_left_out(share),
        ("version", str(share.generation)),
        ("swarm", describe_transport(share.transport)),
        ("up", format_rate(share.rate_up)),
        ("sent", format_exact_size(share.uploaded)),
        ("peers", str(share.peers)),
        ("added", format_timestamp(share.added)),
        ("path", share.path),
        *((f"recipient {delivery.user}", _delivery(delivery)) for delivery in share.deliveries),
        *_by_hand(share),
    ]


def _describe_download(download: Download) -> list[tuple[str, str]]:
    return [
        ("download", download.id),
        ("name", download.name),
        ("state", describe_unanswered(download, time.time()) or _state(download)),
        *_problem(download),
        ("from", _sender(download)),
        *_words(download),
        ("size", format_exact_size(download.size)),
        ("files", f"{download.files:,}"),
        *_left_out(download),
        *([("renamed", describe_renamed(download))] if download.renamed else []),
        ("version", str(download.generation) if download.generation else NOTHING),
        ("here", format_percent(download.progress)),
        ("left", NOTHING if download.eta is None else format_span(download.eta)),
        ("down", format_rate(download.rate_down)),
        ("up", format_rate(download.rate_up)),
        ("peers", str(download.peers)),
        ("added", format_timestamp(download.added)),
        ("path", download.path or NOTHING),
    ]


def _state(entry: Entry) -> str:
    if isinstance(entry, Share):
        return describe_share_state(entry)
    return describe_download_state(entry)


def _sender(download: Download) -> str:
    if not download.fingerprint:
        return download.sender or NOTHING
    return f"{download.sender}, {name_trust(verified=download.verified)}, {download.fingerprint}"


def _words(entry: Entry) -> list[tuple[str, str]]:
    """Return the rows for the sender's note and the expiry."""
    note = [("note", entry.note)] if entry.note else []
    return [*note, ("until", format_timestamp(entry.not_after))] if entry.not_after else note


def _problem(entry: Entry) -> list[tuple[str, str]]:
    match entry.state:
        case DownloadState.COMPLETE:
            word = "remark"  # it has no problem
        case ShareState.SETTLING:
            word = "waiting"
        case _:
            word = "problem"
    again = entry.again_at if isinstance(entry, Download) else 0
    at = format_timestamp(again, seconds=True) if again else ""
    return [
        (word, text) for word, text in ((word, entry.detail), ("hint", entry.hint), ("again at", at)) if text
    ]


def _by_hand(share: Share) -> list[tuple[str, str]]:
    """Return the envelope, while it has to be carried to a recipient."""
    if not share.envelope:
        return []
    whom = ", ".join(delivery.user for delivery in share.deliveries if delivery.must_be_carried)
    return [(f"by hand to {whom}", share.envelope)]


def _delivery(delivery: Delivery) -> str:
    parts = describe_delivery(delivery, format_timestamp, time.time(), percent=True)
    return ", ".join((*parts, *describe_reports(delivery, format_timestamp)))


COLUMNS: Final[dict[str, Callable[[Entry], Any]]] = {
    **dict.fromkeys(("share", "download"), lambda entry: entry.id),
    "name": lambda entry: entry.name.casefold(),
    **dict.fromkeys(
        ("for", "from"), lambda entry: entry.recipients if isinstance(entry, Share) else (entry.sender,)
    ),
    "size": lambda entry: entry.size,
    "state": _state,
    **dict.fromkeys(("delivered", "here"), _progress),
    "added": lambda entry: entry.added,
}
"""What each column is sorted by."""
