"""The JSON of commands, read back as the messages that it was made from."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from tuishare.api.json_times import time_fields

T = TypeVar("T")


def read_json(text: str, kind: type[T]) -> T:
    """Decode what a command printed; each time in it has its RFC 3339 companion, which says the same."""
    (line,) = text.splitlines()
    return msgspec.convert(_without_companions(json.loads(line), kind), kind)


def _without_companions(value: Any, kind: Any) -> Any:
    if isinstance(value, list):
        return [_without_companions(each, get_args(kind)[0]) for each in value]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _message(dict(value), kind)
    return value


def _message(value: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    for name, companion in time_fields(kind).items():
        text = value.pop(companion)
        if value[name]:
            assert text.endswith("Z")
            assert datetime.fromisoformat(text).timestamp() == value[name]
        else:
            assert text is None
    hints = get_type_hints(kind)
    return {
        name: _without_companions(each, hints[name]) if name in hints else each
        for name, each in value.items()
    }
