"""Edits of `config.toml` that keep the user's comments and order.

Owns the edits that commands make (text in, text out) and the one way to publish the result. Must not know what a
setting means: an edit is accepted only when `tuishare.config.model` accepts the whole file.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, get_origin

import msgspec
import tomlkit
from tomlkit.items import AbstractTable, AoT, Array
from tomlkit.toml_document import TOMLDocument

from tuishare.config.model import MAX_SIZE, BadSettings, Config, Transport, load_config, parse_config
from tuishare.config.toml_errors import describe_reason
from tuishare.errors import BadConfiguration, BadInput, NotFound, Refused
from tuishare.fs.atomic import exclusive_edit, make_private, publish, read_limited
from tuishare.home_paths import Places

_UNCHANGED: Final = "Nothing was changed."
_LISTS: Final = frozenset({"inbox.trackers", "limits.schedule", "tracker.others", "tracker.trusted_proxies"})
"""Settings with more than one value; `drop` has commands of its own."""


def edit_config(
    places: Places, change: Callable[[str], str], *, check: Callable[[Config], None] = lambda _: None
) -> Config:
    """Change `config.toml` atomically.

    Args:
        places: of the home; a missing file counts as empty.
        change: returns the new text for the old one.
        check: raises if the new settings are unacceptable for another reason.

    Returns:
        The new settings.

    Raises:
        BadConfiguration: the file was invalid before the change.
        BadInput: it would be invalid after the change.
        SystemFailed: it cannot be written.
    """
    make_private(places.config)
    with exclusive_edit(places.config_file):
        load_config(places)
        before = _read(places.config_file)
        return _publish(places, before, change(before), check)


def read_config(places: Places) -> tuple[str, str]:
    """Return the text of `config.toml`, empty if the file is missing, and the stamp (SHA-256) of that text.

    Raises:
        BadConfiguration: it is too large, or not UTF-8.
        SystemFailed: it cannot be read.
    """
    try:
        text = _read(places.config_file)
    except UnicodeDecodeError as error:
        raise BadConfiguration(f"{places.config_file} is not UTF-8 text", hint="Correct the file.") from error
    return text, _stamp(text)


def replace_config(
    places: Places, text: str, *, stamp: str = "", check: Callable[[Config], None] = lambda _: None
) -> Config:
    """Replace `config.toml`, even if the present one is invalid.

    Args:
        places: of the home.
        text: the new content.
        stamp: of the text that was edited, see `read_config`; empty: replace any text.
        check: raises if the new settings are unacceptable for another reason.

    Returns:
        The new settings.

    Raises:
        Refused: the file has changed since.
        BadInput: the new text is invalid.
        SystemFailed: the file cannot be written.
    """
    make_private(places.config)
    with exclusive_edit(places.config_file):
        before, now = read_config(places)
        if stamp not in {"", now}:
            raise Refused(
                "The settings have changed in the meantime",
                hint="Reload them, then repeat your change.",
            )
        return _publish(places, before, text, check)


def _publish(
    places: Places, before: str, after: str, check: Callable[[Config], None] = lambda _: None
) -> Config:
    try:
        data = after.encode()
        config = parse_config(after, places)
        check(config)
    except UnicodeEncodeError as error:
        raise BadInput("The settings would no longer be UTF-8 text", hint=_UNCHANGED) from error
    except BadConfiguration as error:
        # Nothing was written, so there is no file to correct.
        advice = error.advice if isinstance(error, BadSettings) else error.hint
        raise BadInput(error.detail, hint=f"{_UNCHANGED} {advice}".rstrip()) from error
    if after != before:
        publish(places.config_file, data, mode=_mode(places.config_file))
    return config


def settable_keys() -> dict[str, Any]:
    """Return every setting that has one value, with its type, e.g. ``{"network.listen": str}``."""
    return dict(_list_keys(Config, ""))


def set_value(text: str, key: str, given: str) -> str:
    """Set one setting; the line goes below the comment in which the template shows it, if there is one.

    Args:
        text: of the file.
        key: with its table, e.g. ``network.listen``.
        given: the value as a user types it: no quotes, ``true`` or ``false``, numbers.

    Raises:
        BadInput: there is no such setting, or the value is of another type.
    """
    keys = settable_keys()
    if key not in keys:
        if key in _LISTS:
            raise BadInput(
                f"{key} is a list", hint="Edit the file; `tuishare config path` shows where it is."
            )
        raise BadInput(f"There is no setting {key[:80]!r}", hint=f"Known settings: {', '.join(keys)}.")
    try:
        value = msgspec.convert(given, keys[key], strict=False)
    except msgspec.ValidationError as error:
        raise BadInput(f"{key}: {describe_reason(error, keys[key])}", hint=_UNCHANGED) from error
    *tables, name = key.split(".")
    item = tomlkit.item(value)
    document = tomlkit.parse(text)
    table: Any = document
    for part in tables:
        table = table.setdefault(part, tomlkit.table())
    if name not in table and (line := _find_example(text.splitlines(), tables, name)) is not None:
        lines = text.splitlines(keepends=True)
        lines.insert(line + 1, f"{name} = {item.as_string()}\n")
        return "".join(lines)
    table[name] = item
    return tomlkit.dumps(document)


def put_introduced_group(text: str, group: str, *, introduced: bool) -> str:
    """Add a group to those whose members are introduced to each other, or remove it.

    Args:
        text: of the file.
        group: without ``@``.
        introduced: whether they are.
    """
    document = tomlkit.parse(text)
    table: Any = document.setdefault("link", tomlkit.table())
    kept = [name for name in table.get("introduce", []) if name.casefold() != group.casefold()]
    wanted = [*kept, group] if introduced else kept
    if wanted:
        table["introduce"] = wanted
    else:
        table.pop("introduce", None)
    return tomlkit.dumps(document)


def put_drop(text: str, path: Path, users: Iterable[str], transport: Transport | None) -> str:
    """Add a drop folder, or set the users of an existing one.

    Args:
        text: of the file.
        path: absolute.
        users: names and ``@groups``; they replace those of an existing folder.
        transport: None: unchanged, ``tls`` for a new folder.
    """
    document = tomlkit.parse(text)
    drops = _drops_of(document)
    known = _find_drop(drops, path)
    if known is None:
        known = tomlkit.inline_table() if isinstance(drops, Array) else tomlkit.table()
        known["path"] = str(path)
        known["users"] = list(users)
        if transport:
            known["transport"] = transport
        drops.append(known)
    else:
        known["users"] = list(users)
        if transport:
            known["transport"] = transport
    return tomlkit.dumps(document)


def remove_drop(text: str, path: Path) -> str:
    """Remove a drop folder.

    Raises:
        NotFound: the path is not a drop folder.
    """
    document = tomlkit.parse(text)
    drops = _drops_of(document)
    known = _find_drop(drops, path)
    if known is None:
        raise NotFound(f"{path} is not a drop folder", hint="`tuishare drop list` shows them.")
    drops.remove(known)
    if not drops:
        del document["drop"]
    return tomlkit.dumps(document)


def _list_keys(kind: type[msgspec.Struct], prefix: str) -> Iterator[tuple[str, Any]]:
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _list_keys(field.type, f"{prefix}{field.name}.")
        elif get_origin(field.type) is not list:
            yield prefix + field.name, field.type


def _find_example(lines: list[str], tables: list[str], name: str) -> int | None:
    """Return the line of a comment that shows a setting, e.g. ``# listen = ":50007"`` below ``[network]``."""
    inside = not tables
    for number, line in enumerate(lines):
        if header := re.match(r"\[+\s*([^\]]+?)\s*\]", line):
            inside = header[1] == ".".join(tables)
        elif inside and re.match(rf"#\s*{re.escape(name)}\s*=", line):
            return number
    return None


def _drops_of(document: TOMLDocument) -> AoT | Array:
    drops = document.get("drop")
    if isinstance(drops, AoT | Array):
        return drops
    document["drop"] = tomlkit.aot()
    made = document["drop"]
    assert isinstance(made, AoT)
    return made


def _find_drop(drops: AoT | Array, path: Path) -> AbstractTable | None:
    for drop in drops:
        if os.path.realpath(os.path.expanduser(drop["path"])) == os.path.realpath(path):
            found: AbstractTable = drop
            return found
    return None


def _read(path: Path) -> str:
    return read_limited(path, MAX_SIZE).decode() if path.exists() else ""


def _stamp(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777 if path.exists() else 0o600
