"""``tuishare list`` and ``show``: shares and downloads.

Owns the columns and rows of the tables; the texts come from `tuishare.presentation`.
"""

from __future__ import annotations

import sys
import time
from typing import Final

from tuishare.api.messages import Delivery, Download, DownloadState, Share, ShareState
from tuishare.cli.agent import ask_agent
from tuishare.cli.json_output import print_json
from tuishare.cli.lookup import Entry, fetch_entries
from tuishare.cli.terminal import is_terminal, print_rows, say
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


def list_entries(*, shares: bool, downloads: bool, as_json: bool) -> None:
    """Print a table of shares, one of downloads, or both.

    If stdout is not a terminal, each line begins with ``share`` or ``download``. JSON is an array, or an object with
    two arrays.
    """
    entries = ask_agent(fetch_entries)
    if as_json:
        if shares and downloads:
            print_json({"shares": entries.shares, "downloads": entries.downloads})
        else:
            print_json(entries.shares if shares else entries.downloads)
        return
    short = entries.short_ids()
    share_rows = [_share_row(share, short[share.id]) for share in entries.shares] if shares else []
    download_rows = [_download_row(item, short[item.id]) for item in entries.downloads] if downloads else []
    _print_table("share", _SHARE_HEADINGS, share_rows)
    if share_rows and download_rows and is_terminal(sys.stdout):
        print()
    _print_table("download", _DOWNLOAD_HEADINGS, download_rows)
    if not share_rows and not download_rows:
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


def _print_table(kind: str, headings: _Row, rows: list[_Row]) -> None:
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
