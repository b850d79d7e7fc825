"""Values that may be replaced while the agent runs: its settings, its identity and its user book."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from tuishare.people import UserBook, edit_book, load_book

_T = TypeVar("_T")


class Live(Generic[_T]):
    """Holds the value in force. Keep the holder, not the value: `current` may be replaced."""

    def __init__(self, current: _T) -> None:
        self.current = current


def stamp_of(path: Path) -> tuple[int, ...]:
    """Return a value that is equal for two calls if a file was not written between them; empty without the file.

    The time of the last change (ctime), which only the kernel sets, reveals a write whose mtime was put back.
    """
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


class UserBookFile:
    """The user book, parsed again only after its file was written, because parsing verifies every card."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[tuple[int, ...], UserBook] | None = None

    def stamp(self) -> tuple[int, ...]:
        """Return a value that is equal for two calls if the user book was not written between them.

        Work that failed because of a missing user or key is worth a retry once the value has changed.
        """
        return stamp_of(self._path)

    @property
    def current(self) -> UserBook:
        """The users as they were last read; for the event loop, because only a first call reads the file.

        `ConfigReload` reads it again after every edit by this agent, and within two seconds after any other.

        Raises:
            BadConfiguration: the file was never usable.
        """
        return self.read() if self._known is None else self._known[1]

    def read(self) -> UserBook:
        """Return the users as they are on disk now, so that an edit takes effect at once; may block to read the file.

        Raises:
            BadConfiguration: the file is not usable.
        """
        # The stamp comes first: a file that is written meanwhile is read again next time.
        stamp, known = self.stamp(), self._known
        if known is None or known[0] != stamp or not stamp:
            known = self._known = (stamp, load_book(self._path))
        return known[1]

    def edit(self, change: Callable[[UserBook], UserBook]) -> None:
        """Change the file, which blocks; errors as for `tuishare.people.edit_book`."""
        edit_book(self._path, change)
