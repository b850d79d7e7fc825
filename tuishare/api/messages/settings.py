"""The settings file: what clients see of it, and how they change it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuishare.api.messages.base import Message


class SettingsText(Message, frozen=True, kw_only=True):
    """The settings file as it is, or as it is to be.

    Attributes:
        text: TOML with its comments.
        path: of the file.
        stamp: of the text as the agent gave it; a client that sends it back is refused if the file has changed since.
            Empty: replace the file whatever it holds.
    """

    text: Annotated[str, msgspec.Meta(max_length=1_000_000)]
    path: str = ""
    stamp: Annotated[str, msgspec.Meta(max_length=128)] = ""


class SettingChange(Message, frozen=True, kw_only=True):
    """One setting to change; the comments of the file stay.

    Attributes:
        key: dotted, such as ``limits.upload``.
        value: without quotes: text, ``true`` or ``false``, numbers.
    """

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    value: Annotated[str, msgspec.Meta(max_length=4096)]


class Reloaded(Message, frozen=True, kw_only=True):
    """Which settings differ from those that were in force before.

    Attributes:
        applied: keys whose new value is in force now, such as ``drop`` or ``network.public_host``.
        restart: keys whose new value takes effect when the agent is started again.
    """

    applied: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
