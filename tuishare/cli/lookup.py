"""Shares and downloads as users name them: by id, by the beginning of an id, or by name.

Owns the search for the named entry and the shortened ids. Pure, except for the request to the agent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeVar

from tuishare.api.client import AgentClient
from tuishare.api.messages import Download, DownloadState, Share, ShareState
from tuishare.errors import BadInput, NotFound, Refused
from tuishare.sanitize import for_display

Entry = Share | Download
E = TypeVar("E", Share, Download, Entry)

SHORTEST: Final = 6
"""Minimum length of a shown id; shorter ones would soon be ambiguous."""

_PREFIX: Final = re.compile(r"[0-9a-f]{4,32}")
"""What may be the beginning of an id; a shorter one could match by chance where a name was meant."""

_LISTED: Final = 8
_NAME: Final = 40
_WHOLE: Final = 4096


@dataclass(frozen=True, slots=True)
class Entries:
    """All shares and downloads, oldest first."""

    shares: tuple[Share, ...]
    downloads: tuple[Download, ...]

    @property
    def all(self) -> tuple[Entry, ...]:
        """Both kinds."""
        return (*self.shares, *self.downloads)

    def short_ids(self) -> dict[str, str]:
        """The shortest unambiguous beginning of every id, among both kinds, so that every command accepts it."""
        return shorten(entry.id for entry in self.all)

    def find(self, word: str) -> Entry:
        """Return the share or download that the user named; errors as for `find`."""
        return find(word, self.all, self.short_ids(), "share or download")

    def find_share(self, word: str) -> Share:
        """Return the share that the user named; errors as for `find`."""
        return find(word, self.shares, self.short_ids(), "share")

    def find_download(self, word: str) -> Download:
        """Return the download that the user named; errors as for `find`."""
        return find(word, self.downloads, self.short_ids(), "download")


async def fetch_entries(client: AgentClient) -> Entries:
    """Fetch all of them from the agent."""
    return Entries(tuple(await client.shares()), tuple(await client.downloads()))


def shorten(ids: Iterable[str]) -> dict[str, str]:
    """Return for each id its shortest unambiguous beginning of at least `SHORTEST` characters."""
    ordered = sorted(set(ids))
    shared = [_common_length(one, other) for one, other in pairwise(ordered)]
    nearest = zip([0, *shared], [*shared, 0], strict=True) if ordered else ()
    return {
        one: one[: max(SHORTEST, before + 1, after + 1)]
        for one, (before, after) in zip(ordered, nearest, strict=True)
    }


def find(word: str, entries: Sequence[E], short_ids: dict[str, str], kind: str) -> E:
    """Return the entry with an id, the beginning of an id, or a name as it is shown.

    Args:
        word: what the user typed.
        entries: to search.
        short_ids: ids for error messages.
        kind: of the entries, for error messages.

    Raises:
        NotFound: no entry matches.
        BadInput: several match; the error lists them.
    """
    found = [entry for entry in entries if entry.id == word] or _candidates(word, entries)
    if not found:
        raise NotFound(f"There is no {kind} “{for_display(word)}”", hint="`tuishare list` shows them all.")
    if len(found) > 1:
        raise _ambiguous(word, found, short_ids)
    return found[0]


def name_kind(entry: Entry) -> str:
    """Return ``share`` or ``download``."""
    return "share" if isinstance(entry, Share) else "download"


def require_taken(entry: Entry, *, to_forget: bool = False) -> None:
    """Require that an entry accepts actions.

    Args:
        entry: to check.
        to_forget: the action is to forget it, which is possible for rejected downloads, too.

    Raises:
        Refused: the entry is listed for information only.
    """
    name = for_display(entry.name)
    match entry:
        case Share(generation=0, state=ShareState.PROBLEM):
            raise Refused(f"“{name}” is not shared: {for_display(entry.detail, _WHOLE)}", hint=entry.hint)
        case Share(generation=0):
            raise Refused(
                f"“{name}” is not shared yet",
                hint="Wait until it is complete, or move it out of its drop folder.",
            )
        case Download(state=DownloadState.LOCKED):
            raise Refused(f"“{name}” cannot be opened yet", hint="To discard it, move it out of the inbox.")
        case Download(state=DownloadState.REJECTED) if not to_forget:
            raise Refused(
                f"“{name}” was rejected already",
                hint="It is in the folder `rejected` of the inbox; `tuishare forget` removes it from the list.",
            )
        case _:
            return


def _common_length(one: str, other: str) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def _candidates(word: str, entries: Sequence[E]) -> list[E]:
    # Users type hostile and odd names as they are shown, with replacement characters.
    shown = for_display(word, _WHOLE)
    prefix = word if _PREFIX.fullmatch(word) else None
    return [
        entry
        for entry in entries
        if for_display(entry.name, _WHOLE) == shown or (prefix is not None and entry.id.startswith(prefix))
    ]


def _ambiguous(word: str, found: Sequence[Entry], short_ids: dict[str, str]) -> BadInput:
    listed = [
        f"{short_ids[entry.id]} ({name_kind(entry)} “{for_display(entry.name, _NAME)}”)"
        for entry in found[:_LISTED]
    ]
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return BadInput(
        f"“{for_display(word)}” may be {', '.join(listed)}{more}",
        hint="Use the id, or more characters of it.",
    )
