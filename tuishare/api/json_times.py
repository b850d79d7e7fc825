"""Messages as JSON for scripts: beside each time in Unix seconds stands the same moment as RFC 3339 text.

Owns the names of the added fields: beside a time ``added`` stands ``added_at``, unless the field defines another name.
Agent and clients exchange Unix seconds only.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from tuishare.api.codec import encode


def encode_for_scripts(value: msgspec.Struct | Sequence[Any] | Mapping[str, Any]) -> str:
    """Encode a message, an array or an object of messages as one line of JSON."""
    return encode(_expand(value)).decode()


def format_rfc3339(seconds: float) -> str | None:
    """Return a moment as UTC, such as ``2026-11-29T21:00:00Z``; None for 0 and for moments after the year 9999."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None


@functools.cache
def time_fields(kind: type[msgspec.Struct]) -> Mapping[str, str]:
    """Return the fields of a message that are times, each with the name of its RFC 3339 companion."""
    found: dict[str, str] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        extra = _extra(hint)
        if extra.get("unit") == "unix-time":
            found[name] = extra.get("rfc3339", f"{name}_at")
    return found


def _extra(hint: Any) -> dict[str, Any]:
    metas = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((meta.extra for meta in metas if isinstance(meta, msgspec.Meta) and meta.extra), {})


def _expand(value: Any) -> Any:
    match value:
        case msgspec.Struct():
            return _expand_message(value)
        case Mapping():
            return {name: _expand(each) for name, each in value.items()}
        case list() | tuple():
            return [_expand(each) for each in value]
        case _:
            return msgspec.to_builtins(value)


def _expand_message(message: msgspec.Struct) -> dict[str, Any]:
    kind = type(message)
    times, config = time_fields(kind), kind.__struct_config__
    expanded: dict[str, Any] = {}
    if config.tag is not None and config.tag_field is not None:
        expanded[config.tag_field] = config.tag
    for field in msgspec.structs.fields(kind):
        value = getattr(message, field.name)
        expanded[field.encode_name] = _expand(value)
        if field.name in times:
            expanded[times[field.name]] = format_rfc3339(value)
    return expanded
