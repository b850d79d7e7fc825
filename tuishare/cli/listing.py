"""``tuishare list`` and ``show``: what is shared and received.

Owns which facts stand in the tables and how they are worded. The agent's messages are printed as they are with
``--json``.
"""

from __future__ import annotations

import sys
import time
from typing import Final, assert_never

import msgspec

from tuishare.api.messages import Delivery, DeliveryState, Download, DownloadState, Share, ShareState
from tuishare.cli.agent import ask_agent
from tuishare.cli.lookup import Entry, fetch_entries
from tuishare.cli.terminal import is_terminal, print_rows, say
from tuishare.config.units import format_rate, format_size

_NOTHING: Final = "–"
_WHOLE: Final = 4096
_SHARE_HEADINGS: Final = ("share", "name", "for", "size", "state", "delivered", "added")
_DOWNLOAD_HEADINGS: Final = ("download", "name", "from", "size", "state", "here", "added")
_Row = tuple[str, ...]


def list_entries(*, shares: bool, downloads: bool, as_json: bool) -> None:
    """Print a table of shares, one of downloads, or both.

    Elsewhere than on a terminal each line begins with ``share`` or ``download``. JSON is an array, or an object with an
    array for each of both.
    """
    entries = ask_agent(fetch_entries)
    if as_json:
        wanted = entries if shares and downloads else entries.shares if shares else entries.downloads
        print(msgspec.json.encode(wanted).decode())
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
    """Print all facts of one share or download.

    Raises:
        NotFound: there is none of that id or name.
        BadInput: there are several.
    """
    entry = ask_agent(fetch_entries).find(word)
    if as_json:
        print(msgspec.json.encode(entry).decode())
        return
    print_rows(("what", "value"), _describe(entry), longest=_WHOLE)


def _print_table(kind: str, headings: _Row, rows: list[_Row]) -> None:
    if rows and is_terminal(sys.stdout):
        print_rows(headings, rows)
    else:
        print_rows((), [(kind, *row) for row in rows])


def _share_row(share: Share, short: str) -> _Row:
    complete = sum(delivery.state is DeliveryState.COMPLETE for delivery in share.deliveries)
    counted = sum(delivery.state is not DeliveryState.REVOKED for delivery in share.deliveries)
    return (
        short,
        share.name,
        ", ".join(share.recipients),
        format_size(share.size),
        _state(share),
        f"{complete} of {counted}" if counted else _NOTHING,
        _moment(share.added),
    )


def _download_row(download: Download, short: str) -> _Row:
    return (
        short,
        download.name,
        download.sender or _NOTHING,
        format_size(download.size) if download.size else _NOTHING,
        _state(download),
        _percent(download.progress),
        _moment(download.added),
    )


def _describe(entry: Entry) -> list[tuple[str, str]]:
    if isinstance(entry, Share):
        return _describe_share(entry)
    return _describe_download(entry)


def _describe_share(share: Share) -> list[tuple[str, str]]:
    return [
        ("share", share.id),
        ("name", share.name),
        ("state", _state(share)),
        *_trouble(share),
        ("for", ", ".join(share.recipients)),
        *_words(share),
        ("size", _exact_size(share.size)),
        ("files", f"{share.files:,}"),
        ("generation", str(share.generation)),
        ("swarm", "TLS" if share.transport == "tls" else f"{share.transport}, not encrypted"),
        ("up", format_rate(share.rate_up)),
        ("sent", _exact_size(share.uploaded)),
        ("peers", str(share.peers)),
        ("added", _moment(share.added)),
        ("path", share.path),
        *((f"recipient {delivery.user}", _delivery(delivery)) for delivery in share.deliveries),
    ]


def _describe_download(download: Download) -> list[tuple[str, str]]:
    return [
        ("download", download.id),
        ("name", download.name),
        ("state", _state(download)),
        *_trouble(download),
        ("from", _sender(download)),
        *_words(download),
        ("size", _exact_size(download.size)),
        ("files", f"{download.files:,}"),
        ("generation", str(download.generation) if download.generation else _NOTHING),
        ("here", _percent(download.progress)),
        ("left", _NOTHING if download.eta is None else f"{download.eta:,} s"),
        ("down", format_rate(download.rate_down)),
        ("up", format_rate(download.rate_up)),
        ("peers", str(download.peers)),
        ("added", _moment(download.added)),
        ("path", download.path or _NOTHING),
    ]


def _state(entry: Entry) -> str:
    if entry.state is ShareState.HASHING:
        return f"hashing {_percent(entry.progress)}"
    return "waiting for approval" if entry.state is DownloadState.WAITING else entry.state.value


def _sender(download: Download) -> str:
    if not download.fingerprint:
        return download.sender or _NOTHING
    trust = "verified" if download.verified else "not verified"
    return f"{download.sender}, {trust}, {download.fingerprint}"


def _words(entry: Entry) -> list[tuple[str, str]]:
    """What its sender says of it, and until when it is shared."""
    note = [("note", entry.note)] if entry.note else []
    return [*note, ("until", _moment(entry.not_after))] if entry.not_after else note


def _trouble(entry: Entry) -> list[tuple[str, str]]:
    # What is complete has no problem, but there may be something to say about it.
    word = "remark" if entry.state is DownloadState.COMPLETE else "problem"
    return [(word, text) for word, text in ((word, entry.detail), ("hint", entry.hint)) if text]


def _delivery(delivery: Delivery) -> str:
    return ", ".join(_stages(delivery))


def _stages(delivery: Delivery) -> list[str]:
    match delivery.state:
        case DeliveryState.NOT_OPENED:
            return ["not opened", f"sealed {_moment(delivery.sealed)}"]
        case DeliveryState.DOWNLOADING:
            return [_percent(delivery.progress), *_pace(delivery), f"last seen {_moment(delivery.seen)}"]
        case DeliveryState.COMPLETE:
            return [f"complete {_moment(delivery.completed)}"]
        case DeliveryState.REVOKED:
            kept = f"kept what had arrived ({_percent(delivery.progress)})"
            return [f"revoked {_moment(delivery.revoked)}", kept]
        case _ as never:
            assert_never(never)


def _pace(delivery: Delivery) -> list[str]:
    if not delivery.rate:
        return []
    return [f"{format_size(delivery.rate)}/s", f"{delivery.left // delivery.rate:,} s left"]


def _percent(fraction: float) -> str:
    return f"{int(fraction * 100)} %"


def _exact_size(size: int) -> str:
    return f"{format_size(size)} ({size:,} bytes)" if size >= 1000 else f"{size} B"


def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
