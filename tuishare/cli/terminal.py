"""Output of commands: results on stdout, everything else on stderr.

Owns the difference between a terminal (colour, tables, progress bars) and a pipe (tab-separated lines, no progress).
Every text that other users chose is made safe first (threat T14).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from tuishare.sanitize import for_display

_LONGEST = 4096


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal; a stream that was closed before the start is None."""
    return stream is not None and stream.isatty()


def say(text: str) -> None:
    """Print a message that is not a result, in one line, to stderr."""
    print(for_display(text, _LONGEST), file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Print a warning."""
    say(f"tuishare: warning: {text}")


def can_ask() -> bool:
    """Return whether a user can see a question and answer it."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def ask(question: str) -> bool:
    """Ask a question; return whether the answer is ``y`` or ``yes``; see `can_ask`."""
    print(f"{for_display(question, _LONGEST)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def print_rows(headings: Sequence[str], rows: Sequence[Sequence[str]], *, longest: int = 200) -> None:
    """Print a table on a terminal, otherwise tab-separated lines without headings.

    Args:
        headings: one for each column.
        rows: of the table.
        longest: maximum characters of a cell; a longer one is shortened in the middle.
    """
    clean = [[for_display(cell, longest) for cell in row] for row in rows]
    if not is_terminal(sys.stdout):
        for row in clean:
            print("\t".join(row))
        return
    table = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in clean:
        table.add_row(*map(Text, row))
    Console().print(table)


class ProgressPrinter(Protocol):
    """Shows progress."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Show `done` of `total` bytes, with a short note."""


@contextmanager
def metered(label: str) -> Iterator[ProgressPrinter]:
    """Show a progress bar on stderr during the block; show nothing if stderr is not a terminal."""
    if not is_terminal(sys.stderr):
        yield lambda *_: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=None, note="")
        yield lambda done, total, note="": progress.update(task, completed=done, total=total, note=note)
