"""Changing `config.toml` for its owner, whose comments and order stay.

Owns the edits that commands make: text in, text out, and one way to publish the result. Must not know what a setting
means: an edit counts only when `tuishare.config.model` would take the whole file.
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

from tuishare.config.model import CORRECT_THE_FILE, MAX_SIZE, Config, Transport, load_config, parse_config
from tuishare.config.toml_errors import describe_reason
from tuishare.errors import BadConfiguration, BadInput, NotFound, Refused
from tuishare.fs.atomic import edited_alone, make_private, publish, read_limited
from tuishare.home_paths import Places

_UNCHANGED: Final = "Nothing was changed."
_LISTS: Final = frozenset({"inbox.trackers", "limits.schedule", "tracker.others", "tracker.trusted_proxies"})
"""Settings that have more than one value; `drop` has commands of its own."""


def edit_config(
    places: Places, change: Callable[[str], str], *, check: Callable[[Config], None] = lambda _: None
) -> Config:
    """Change `config.toml`; it is replaced whole, or stays as it is.

    Args:
        places: of the home; a missing file counts as an empty one.
        change: makes the new text of the old one.
        check: raises what else speaks against the new settings.

    Returns:
        The settings as they are now.

    Raises:
        BadConfiguration: the file was not usable before.
        BadInput: it would not be usable after the change.
        SystemFailed: it cannot be written.
    """
    make_private(places.config)
    with edited_alone(places.config_file):
        load_config(places)
        before = _read(places.config_file)
        return _publish(places, before, change(before), check)


def read_config(places: Places) -> tuple[str, str]:
    """Read the text of `config.toml`, empty where there is none, and a stamp that another text would not have.

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
    """Replace `config.toml`, also one that is not usable.

    Args:
        places: of the home.
        text: what is to stand in it.
        stamp: of the text that this one was made from, see `read_config`; empty: whatever stands there.
        check: raises what else speaks against the new settings.

    Returns:
        The settings as they are now.

    Raises:
        Refused: the file was changed since.
        BadInput: it would not be usable.
        SystemFailed: it cannot be written.
    """
    make_private(places.config)
    with edited_alone(places.config_file):
        before, now = read_config(places)
        if stamp not in {"", now}:
            raise Refused(
                "The settings were changed meanwhile",
                hint="Look at them again, then change what is to change.",
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
        raise BadInput("The settings would not be UTF-8 text any more", hint=_UNCHANGED) from error
    except BadConfiguration as error:
        advice = error.hint.removesuffix(CORRECT_THE_FILE)  # there is nothing in it to correct
        raise BadInput(error.detail, hint=f"{_UNCHANGED} {advice}".rstrip()) from error
    if after != before:
        publish(places.config_file, data, mode=_mode(places.config_file))
    return config


def settable_keys() -> dict[str, Any]:
    """Every setting that has one value, with its type, e.g. ``{"network.listen": str}``."""
    return dict(_list_keys(Config, ""))


def set_value(text: str, key: str, given: str) -> str:
    """Set one setting; where the template shows it in a comment, it comes below that.

    Args:
        text: of the file.
        key: with its table, e.g. ``network.listen``.
        given: the value as a person types it: no quotes, ``true`` or ``false``, numbers.

    Raises:
        BadInput: there is no such setting, or the value is of another type.
    """
    keys = settable_keys()
    if key not in keys:
        if key in _LISTS:
            raise BadInput(
                f"{key} is a list", hint="Write it into the file: `tuishare config path` shows where."
            )
        raise BadInput(f"There is no setting {key[:80]!r}", hint=f"There are: {', '.join(keys)}.")
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


def put_drop(text: str, path: Path, users: Iterable[str], transport: Transport | None) -> str:
    """Add a drop folder, or say for whom one is that is there already.

    Args:
        text: of the file.
        path: absolute.
        users: names and ``@groups``; nobody else.
        transport: None: as it is, and ``tls`` for a new one.
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
        NotFound: it is none.
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
    """Find the comment in which the template shows a setting, e.g. ``# listen = ":50007"`` below ``[network]``."""
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
