"""``tuishare choose``: the files of a download to fetch.

Owns the matching of patterns and the list of files. The agent knows what can be chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from tuishare.api.client import AgentClient
from tuishare.api.messages import Details, Download, File, FileChoice
from tuishare.cli.agent import ask_agent
from tuishare.cli.json_output import print_json
from tuishare.cli.lookup import fetch_entries, require_taken
from tuishare.cli.terminal import print_rows, say
from tuishare.config.units import format_size
from tuishare.errors import BadInput, NotFound
from tuishare.sanitize import for_display

_NAME: Final = 80
_PATH: Final = 4096


@dataclass(frozen=True, slots=True)
class FileOptions:
    """The options: patterns of files to skip, or of the only files to fetch, or everything."""

    skip: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    everything: bool = False


def choose_files(word: str, wanted: FileOptions, *, as_json: bool) -> None:
    """Choose which files of a download to fetch, if an option was given; print all files.

    Patterns are those of the shell and match the whole path as it is shown; ``*`` also matches ``/``.

    Raises:
        BadInput: several options were given, or no file would be left.
        NotFound: there is no such download, or a pattern matches no file.
        Refused: it is complete, or its files cannot be fetched individually.
    """
    if bool(wanted.skip) + bool(wanted.only) + wanted.everything > 1:
        raise BadInput("Options exclude each other", hint="Use --skip PATTERN, --only PATTERN or --all.")
    download, files = ask_agent(lambda client: _choose(client, word, wanted))
    fetched = [file for file in files if file.wanted]
    if as_json:
        print_json(files)
    else:
        rows = [(file.path, format_size(file.size), "fetch" if file.wanted else "skip") for file in files]
        print_rows(("file", "size", "choice"), rows, longest=_PATH)
    total = format_size(sum(file.size for file in fetched))
    say(f"{len(fetched):,} of {len(files):,} files of “{for_display(download.name, _NAME)}”, {total}.")


async def _choose(client: AgentClient, word: str, wanted: FileOptions) -> tuple[Download, list[File]]:
    download = (await fetch_entries(client)).find_download(word)
    require_taken(download)
    details = await client.download_details(download.id)
    if wanted != FileOptions():
        unwanted = _unwanted(details, wanted)
        await client.choose_files(download.id, FileChoice(unwanted=tuple(sorted(unwanted))))
        details = await client.download_details(download.id)
    return download, list(details.files)


def _unwanted(details: Details, wanted: FileOptions) -> set[int]:
    if wanted.everything:
        return set()
    if details.more_files:
        raise BadInput(
            f"The download has more than {len(details.files):,} files, too many to choose from",
            hint="Use --all to fetch all.",
        )
    found = _matching(details.files, wanted.skip or wanted.only)
    return found if wanted.skip else set(range(len(details.files))) - found


def _matching(files: Sequence[File], patterns: Sequence[str]) -> set[int]:
    """Return the numbers of the files that match one of the patterns.

    Raises:
        NotFound: a pattern matches no file.
    """
    found: set[int] = set()
    for pattern in patterns:
        fitting = {
            number for number, file in enumerate(files) if fnmatchcase(for_display(file.path, _PATH), pattern)
        }
        if not fitting:
            raise NotFound(
                f"No file matches “{for_display(pattern)}”", hint="`tuishare choose ID` lists them."
            )
        found |= fitting
    return found
