"""Files and folders on the agent's machine: what a client may choose from, and how much it is."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuishare.api.messages.base import Count, FilePath, Message


class PathNamed(Message, frozen=True, kw_only=True):
    """A file or folder on the agent's machine.

    Attributes:
        path: absolute, or beginning with ``~``.
    """

    path: FilePath


class FolderQuery(Message, frozen=True, kw_only=True):
    """Which names in which folder are asked for.

    Attributes:
        path: of the folder; absolute, or beginning with ``~``.
        start: the names begin with it, case-sensitive.
        folders_only: leave out files.
        nearest: where the path is not a folder, list the nearest folder above it.
    """

    path: FilePath
    start: Annotated[str, msgspec.Meta(max_length=255)] = ""
    folders_only: bool = False
    nearest: bool = False


class FolderEntry(Message, frozen=True, kw_only=True):
    """One name in a folder.

    Attributes:
        name: untrusted text.
        is_folder: it is a folder, or a link to one.
    """

    name: str
    is_folder: bool


class FolderListing(Message, frozen=True, kw_only=True):
    """What a folder holds.

    Attributes:
        path: absolute path of the folder.
        entries: at most 2,000; folders first, each kind in alphabetical order.
        whole: nothing is left out; names that are not Unicode always are.
    """

    path: str
    entries: tuple[FolderEntry, ...]
    whole: bool = True


class PathSize(Message, frozen=True, kw_only=True):
    """How much a file or folder is; what of it is shared, the agent decides when it shares it.

    Attributes:
        files: number of regular files; links are not followed.
        size: bytes in them.
        whole: all was counted; otherwise there is more.
    """

    files: Count
    size: Count
    whole: bool = True
