"""Rules for the names of files and folders in a torrent.

One validator for both directions: the walk applies it to what we share, the policy to what we receive (threats T4,
T14). Names that could mislead a user or lead elsewhere are refused. What libtorrent would change silently in others
(it drops joiners, truncates after 240 bytes, numbers names that differ in case only), `tuishare.swarm.torrent_params`
undoes. Names that some disks do not take (`CON`, a colon, a trailing dot) are accepted: source trees have files such
as `aux.c`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tuishare.fs.portable_names import fold_file_name
from tuishare.sanitize import find_hidden, for_display
from tuishare.torrents.torrent_limits import TorrentLimits

_OWN: Final = ".tuishare"
"""Prefix of our own files in the user's folders; received names must not have it."""
Parts = tuple[str, ...]
"""A path as its components, without the torrent's own name."""


def component_fault(name: str, limits: TorrentLimits) -> str | None:
    """Return why a file or folder name is unacceptable, as a clause such as ``is empty``; None if it is acceptable."""
    if name in {"", ".", ".."}:
        return "is reserved by the system" if name else "is empty"
    if "/" in name or "\\" in name:
        return "contains a path separator"
    if not (name.isascii() and name.isprintable()):
        if any("\ud800" <= character <= "\udfff" for character in name):
            return "is not valid UTF-8"
        if (index := next(find_hidden(name), -1)) >= 0:
            return f"contains the hidden character U+{ord(name[index]):04X}"
    if len(name.encode()) > limits.max_component_bytes:
        return f"is longer than {limits.max_component_bytes} bytes"
    return None


def tree_fault(name: str, paths: Iterable[Parts], limits: TorrentLimits) -> str | None:
    """Return why the names of a torrent are unacceptable, as a sentence that is safe to display.

    Args:
        name: the torrent's name, which becomes a file or a folder.
        paths: its files, each without that name; for a single-file torrent just ``[(name,)]``.
        limits: for names, depth and the numbers of files and folders.

    Returns:
        The first fault found, or None.
    """
    if fault := component_fault(name, limits):
        return f"The name “{for_display(name)}” {fault}"
    if fold_file_name(name).startswith(_OWN):
        return f"The name “{for_display(name)}” is reserved for tuishare's own files"
    seen = _SeenPaths(name, limits)
    for count, parts in enumerate(paths, start=1):
        if count > limits.max_files:
            return f"It has more than {limits.max_files} files"
        if fault := seen.add(parts):
            return f"The path “{for_display('/'.join(parts))}” {fault}"
        if seen.folder_count > limits.max_folders:
            return f"It has more than {limits.max_folders} folders"
    return None


class _SeenPaths:
    """The files and folders seen so far by path.

    Names that differ in case or Unicode form only are no fault: most disks tell them apart. A recipient's disk that
    does not is found out before anything is fetched (`tuishare.fs.name_trial`).
    """

    def __init__(self, name: str, limits: TorrentLimits) -> None:
        self._limits = limits
        self._name_bytes = len(name.encode())
        self._files: set[Parts] = set()
        self._folders: set[Parts] = set()
        self._checked: set[str] = set()

    @property
    def folder_count(self) -> int:
        """The number of folders, the torrent's own included."""
        return len(self._folders) + 1

    def add(self, parts: Parts) -> str | None:
        """Add a file; return what is wrong with its path as a clause, or None."""
        if fault := self._path_fault(parts):
            return fault
        if parts in self._files:
            return "occurs twice"
        if parts in self._folders:
            return "is both a file and a folder"
        self._files.add(parts)
        return self._enter(parts[:-1])

    def _path_fault(self, parts: Parts) -> str | None:
        if not parts:
            return "is empty"
        if len(parts) + 1 > self._limits.max_depth:
            return f"is nested deeper than {self._limits.max_depth} folders"
        for part in parts:
            if part not in self._checked:
                if fault := component_fault(part, self._limits):
                    return fault
                self._checked.add(part)
        length = self._name_bytes + sum(1 + len(part.encode()) for part in parts)
        if length > self._limits.max_path_bytes:
            return f"is longer than {self._limits.max_path_bytes} bytes"
        return None

    def _enter(self, folder: Parts) -> str | None:
        """Add the folders of a file, innermost first; the parents of a known folder are known too."""
        while folder and folder not in self._folders:
            if folder in self._files:
                return "is inside a path that is also a file"
            self._folders.add(folder)
            folder = folder[:-1]
        return None
