"""Messages to bytes and back.

Owns the encoding rules: JSON, one message per line in streams, strict decoding. Does no I/O.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from tuishare.api.messages import Event, Message
from tuishare.errors import BadInput, VerificationFailed

LINE_LIMIT: Final = 64 * 1024 * 1024
"""Longest line of an event stream and largest answer, bytes; 100,000 shares with long names stay below it."""

M = TypeVar("M")

_EVENTS: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(message: Message | list[Any] | dict[str, Any]) -> bytes:
    """Encode a message, or a list of them, as JSON without a newline in it.

    A file name on Linux need not be UTF-8: Python represents the other bytes as lone surrogates, which JSON cannot
    hold. They are replaced by U+FFFD, so that the rest of the message stays readable.
    """
    try:
        return msgspec.json.encode(message)
    except UnicodeEncodeError:
        return msgspec.json.encode(_with_replacements(msgspec.to_builtins(message)))


def encode_request(message: Message) -> bytes:
    """Encode a request. Nothing in it is replaced, because the agent would then act on another name or path.

    Raises:
        BadInput: a text in it is not UTF-8.
    """
    try:
        return msgspec.json.encode(message)
    except UnicodeEncodeError as error:
        raise BadInput(
            "A text in the request is not UTF-8", hint="Rename the file, or write it as UTF-8."
        ) from error


def decode(data: bytes, kind: type[M]) -> M:
    """Decode one answer.

    Args:
        data: the JSON text.
        kind: message class, or ``list[...]`` of one.

    Raises:
        VerificationFailed: it is not such a message; unknown fields are errors.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_understood(error) from error


def decode_request(data: bytes, kind: type[M]) -> M:
    """Decode the body of a request.

    Raises:
        BadInput: it is not such a message; unknown fields are errors.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"The request is not understood: {error}") from error


def decode_event(line: bytes) -> Event:
    """Decode one line of an event stream.

    Raises:
        VerificationFailed: it is not an event.
    """
    try:
        return _EVENTS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_understood(error) from error


def _with_replacements(value: Any) -> Any:
    match value:
        case str():
            return "".join("\ufffd" if "\ud800" <= sign <= "\udfff" else sign for sign in value)
        case dict():
            return {key: _with_replacements(item) for key, item in value.items()}
        case list() | tuple():
            return [_with_replacements(item) for item in value]
        case _:
            return value


def _not_understood(error: Exception) -> VerificationFailed:
    return VerificationFailed(
        f"The agent's answer is not understood: {error}",
        hint="Agent and client may be different builds: run tuishare stop, then start it again.",
    )
