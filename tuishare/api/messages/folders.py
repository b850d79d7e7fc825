"""Drop folders: what clients see of them, and how they change them."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuishare.api.messages.base import Count, FilePath, Message, Name
from tuishare.config.model import Transport
from tuishare.core.folder_state import FolderState, PollReason


class Folder(Message, frozen=True, kw_only=True):
    """A drop folder.

    Attributes:
        path: absolute path.
        state: how it is watched.
        users: for whom its entries are shared, as configured (``@crew``, ``bob``).
        waiting: entries that are not shares yet.
        transport: ``tls`` or ``plain``.
        poll_reason: why it is polled; None while it is not.
    """

    path: str
    state: FolderState
    users: tuple[str, ...]
    waiting: Count
    transport: Transport = "tls"
    poll_reason: PollReason | None = None


class DropChange(Message, frozen=True, kw_only=True):
    """A drop folder to add, or other recipients for the one with the same path.

    Attributes:
        path: absolute, or beginning with ``~``.
        users: users and ``@groups``, at least one.
        transport: ``tls`` or ``plain``; None leaves it as it is, and means ``tls`` for a new folder.
    """

    path: FilePath
    users: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=1024)]
    transport: Transport | None = None


class DropNamed(Message, frozen=True, kw_only=True):
    """The drop folder to remove; its files stay.

    Attributes:
        path: absolute, or beginning with ``~``.
    """

    path: FilePath
