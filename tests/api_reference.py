"""``docs/api.md``, made from the table of operations: ``python -m tests.api_reference`` writes it."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from tuishare.api.error_body import STATUS
from tuishare.api.json_times import time_fields
from tuishare.api.messages import (
    PROTOCOL,
    PROTOCOL_HEADER,
    Accepted,
    Activity,
    CardInfo,
    CheckedReceipt,
    Download,
    DownloadAction,
    ErrorBody,
    File,
    Finding,
    Folder,
    HubJoined,
    Introductions,
    Invitation,
    Joining,
    Link,
    Message,
    Receipt,
    Reloaded,
    Share,
    ShareAction,
    Snapshot,
    User,
)
from tuishare.api.operation import SMALL_BODY, Operation
from tuishare.api.operations import OPERATIONS
from tuishare.config.model import Config
from tuishare.hub import operator

PAGE: Final = Path(__file__).parent.parent / "docs" / "api.md"

_HEAD: Final = f"""# The agent's API

Made from `tuishare/api/operations.py` by `python -m tests.api_reference`; change the table, not this page.

HTTP/1.1 with JSON on a Unix socket that only the user of the agent can open (`$XDG_RUNTIME_DIR/tuishare.sock`, or in
the folder of `TUISHARE_HOME`):

    curl --unix-socket "$XDG_RUNTIME_DIR/tuishare.sock" http://agent/v1/status

- A request may name the protocol version that its sender speaks in the header `{PROTOCOL_HEADER}`; this page describes
  version {PROTOCOL}. Another version is refused with status 426. Every answer names the agent's version.
- Sizes are bytes, rates are bytes per second, times are Unix seconds; a time of 0 has not come. Names, paths and notes
  are untrusted text. A message with a field that is not listed here is refused.
- Every error is an [`ErrorBody`](#errorbody) with one of these codes:

{{errors}}

- The body of a request has at most {SMALL_BODY:,} bytes unless its operation says otherwise. A longer one is refused by
  its length, or as soon as it is longer.
- *Who may* is checked for each request by the role of its sender. On the socket every process of the agent's user has
  the role `owner`, and no other process is answered.
"""


JSON_COMMANDS: Final[tuple[tuple[str, Any], ...]] = (
    ("status", Snapshot),
    ("list", {"shares": list[Share], "downloads": list[Download]}),
    ("list shares", list[Share]),
    ("list downloads", list[Download]),
    ("show", Share | Download),
    ("share", Accepted),
    *((name, list[Accepted]) for name in dict.fromkeys(map(str, (*ShareAction, *DownloadAction)))),
    ("revoke", list[Accepted]),
    ("choose", list[File]),
    ("activity", list[Activity]),
    ("links", list[Link]),
    ("receipts", list[Receipt]),
    ("receipts --verify FILE", list[CheckedReceipt]),
    ("invite new", Invitation),
    ("invite list", list[Invitation]),
    ("invite cancel", Accepted),
    ("introductions list", Introductions),
    ("invite approve", Accepted),
    ("invite decline", Accepted),
    ("join use", Joining),
    ("join list", list[Joining]),
    ("join cancel", Accepted),
    ("open", Accepted),
    ("hub join", HubJoined),
    ("card", CardInfo),
    ("user list", list[User]),
    ("drop list", list[Folder]),
    ("config show", Config),
    ("reload", Reloaded),
    ("doctor", list[Finding]),
    ("doctor --share ID", list[Finding]),
)
"""What each command prints with ``--json``."""
OPERATOR_COMMANDS: Final[tuple[tuple[str, Any], ...]] = (
    ("hub invite", operator.Invited),
    ("hub members", operator.Members),
    ("hub remove", operator.Removed),
    ("hub status", operator.HubStatus),
)
"""What the commands print that ask a hub instead of an agent; `kind` aside."""

_JSON: Final = """## JSON of the commands

With `--json` a command prints one line to stdout: a message of this page, an array of messages, or an object of arrays.
Errors are sentences on stderr, and the exit code, as without `--json`.

Beside each time in Unix seconds stands the same moment as RFC 3339 text, in UTC, in a field that ends with `_at`; it is
`null` for a time of 0:

    {"added": 1795986000, "added_at": "2026-11-29T21:00:00Z", "not_after": 0, "not_after_at": null}

The field is named after the time; beside `at` of an [`Activity`](#activity) it is `happened_at`. Answers of the agent
itself have Unix seconds only.

| command | prints |
|---|---|"""


def render() -> str:
    """Return the whole page."""
    lines = [_HEAD.format(errors="\n".join(_errors())), "## Operations", ""]
    lines += _overview()
    for operation in OPERATIONS:
        lines += _operation(operation)
    lines += [_JSON, *_commands(), ""]
    lines += ["## Messages", ""]
    for kind in sorted(_reachable(), key=lambda kind: kind.__name__):
        lines += _enum(kind) if issubclass(kind, StrEnum) else _message(kind)
    return "\n".join(lines).rstrip() + "\n"


def _errors() -> Iterator[str]:
    yield "  | code | HTTP status | |"
    yield "  |---|---|---|"
    for kind, status in STATUS.items():
        yield f"  | `{kind.code}` | {status} | {_first(inspect.getdoc(kind) or '')} |"


def _overview() -> Iterator[str]:
    yield "| operation | request | response | who may |"
    yield "|---|---|---|---|"
    for row in OPERATIONS:
        request = _link(row.request) if row.request else ""
        roles = ", ".join(sorted(row.allowed))
        yield f"| `{row.method} {row.path}` | {request} | {_link(row.response)} | {roles} |"
    yield ""


def _commands() -> Iterator[str]:
    for name, printed in JSON_COMMANDS:
        if isinstance(printed, dict):
            shown = ", ".join(f'`"{key}"`: {_link(kind)}' for key, kind in printed.items())
        elif printed is Config:
            shown = "the settings as in the settings file, with defaults for those left out"
        else:
            shown = _link(printed)
        yield f"| `tuishare {name}` | {shown} |"
    for name, printed in OPERATOR_COMMANDS:
        yield f"| `tuishare {name}` | {_fields(printed)} |"


def _fields(kind: type[msgspec.Struct]) -> str:
    """Describe a message that is not on this page."""
    times, named = time_fields(kind), []
    for field in msgspec.structs.fields(kind):
        inner = next((each for each in get_args(field.type) if _is_struct(each)), None)
        named.append(f"`{field.name}`" + (f", an array of objects with {_fields(inner)}" if inner else ""))
        if field.name in times:
            named.append(f"`{times[field.name]}`")
    return ", ".join(named)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _operation(operation: Operation) -> Iterator[str]:
    yield f"### {operation.method} {operation.path}"
    yield ""
    yield from _prose(operation.docstring)
    facts = {
        "parameters": ", ".join(_parameters(operation)),
        "request": _link(operation.request) if operation.request else "",
        "response": ("a stream of lines, each " if operation.streams else "") + _link(operation.response),
        "who may": ", ".join(sorted(f"`{role}`" for role in operation.allowed)),
        "longest body": f"{operation.body_limit:,} bytes" if operation.body_limit > SMALL_BODY else "",
        "protocol": "any version" if operation.any_version else "",
    }
    yield from (f"- {name}: {fact}" for name, fact in facts.items() if fact)
    yield f"- method of the client: `{operation.name}`"
    yield ""


def _parameters(operation: Operation) -> Iterator[str]:
    for name, parameter in operation.signature.parameters.items():
        kind = parameter.annotation
        if operation.is_in_path(name):
            one_of = f" ({', '.join(f'`{word}`' for word in kind)})" if _is_enum(kind) else ""
            yield f"`{name}`{one_of}"
        elif kind is not operation.request:
            _, meta = get_args(kind)
            yield f"`?{name}=` from {meta.ge:,} to {meta.le:,} (default {parameter.default:,})"


def _message(kind: type[Message]) -> Iterator[str]:
    summary, told = _attributes(kind)
    yield f"### {kind.__name__}"
    yield ""
    yield summary
    yield ""
    yield "| field | type | default | |"
    yield "|---|---|---|---|"
    info = msgspec.structs.fields(kind)
    hints = get_type_hints(kind, include_extras=True)
    if tag := kind.__struct_config__.tag:
        yield f'| `{kind.__struct_config__.tag_field}` | `"{tag}"` | | |'
    for field in info:
        default = "" if field.required else f"`{_default(field)}`"
        yield f"| `{field.name}` | {_link(hints[field.name])} | {default} | {told.get(field.name, '')} |"
    yield ""


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return msgspec.json.encode(value).decode()


def _enum(kind: type[StrEnum]) -> Iterator[str]:
    yield f"### {kind.__name__}"
    yield ""
    yield _first(inspect.getdoc(kind) or "")
    yield ""
    told = _member_docs(kind)
    yield from (f"- `{member}`{': ' + told[member.name] if member.name in told else ''}" for member in kind)
    yield ""


def _member_docs(kind: type[StrEnum]) -> dict[str, str]:
    """The strings below the members."""
    source = inspect.getsource(kind)
    found = re.findall(r'^    ([A-Z_]+) = "[^"]+"\n    """(.*?)"""', source, re.MULTILINE | re.DOTALL)
    return {name: _line(text) for name, text in found}


def _attributes(kind: type[Message]) -> tuple[str, dict[str, str]]:
    """What a class says of itself, and of each field."""
    text, _, rest = (inspect.getdoc(kind) or "").partition("\nAttributes:\n")
    told = re.findall(r"^    (\w+): (.*(?:\n      .*)*)", rest, re.MULTILINE)
    return _line(text), {name: _line(words) for name, words in told}


def _prose(docstring: str) -> Iterator[str]:
    """A docstring with its errors as a list."""
    text, _, raised = docstring.partition("\nRaises:\n")
    yield _line(text)
    yield ""
    for name, words in re.findall(r"^    (\w+): (.*(?:\n      .*)*)", raised, re.MULTILINE):
        code = next(kind.code for kind in STATUS if kind.__name__ == name)
        yield f"- error `{code}`: {_line(words)}"


def _link(kind: Any) -> str:
    """A type in the words of JSON."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _annotated(inner[0], inner[1])
    if origin in {list, tuple}:
        return f"list of {_link(inner[0])}"
    if origin in {Union, UnionType}:
        return " or ".join(_link(each) for each in inner)
    if origin is Literal:
        return " or ".join(f'`"{word}"`' for word in inner)
    if isinstance(kind, type) and issubclass(kind, Message | StrEnum):
        return f"[`{kind.__name__}`](#{kind.__name__.lower()})"
    names = {str: "text", int: "integer", float: "number", bool: "true or false", NoneType: "null"}
    return names.get(kind) or names[kind.__supertype__]


def _annotated(kind: Any, meta: msgspec.Meta) -> str:
    if (meta.extra or {}).get("unit") == "unix-time":
        return "time"
    if meta.ge is not None and meta.le is not None:
        return f"{_link(kind)} from {meta.ge} to {meta.le:,}"
    if meta.ge is not None:
        return f"{_link(kind)}, at least {meta.ge}"
    ends = [f"at least {meta.min_length}" if meta.min_length else "", f"at most {meta.max_length:,}"]
    unit = "characters" if kind is str else "entries"
    return f"{_link(kind)}, {' and '.join(filter(None, ends))} {unit}"


def _reachable() -> set[type[Any]]:
    """Every message and enumeration that a request or an answer can hold."""
    found: set[type[Any]] = set()
    pending: list[Any] = [ErrorBody]
    for operation in OPERATIONS:
        pending += [operation.request, operation.response]
        pending += [parameter.annotation for parameter in operation.signature.parameters.values()]
    while pending:
        kind = pending.pop()
        pending += get_args(kind) if get_origin(kind) is not Literal else ()
        if isinstance(kind, type) and issubclass(kind, Message | StrEnum) and kind not in found:
            found.add(kind)
            pending += get_type_hints(kind, include_extras=True).values() if issubclass(kind, Message) else ()
    return found


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, StrEnum)


def _first(text: str) -> str:
    return _line(text.partition("\n\n")[0])


def _line(text: str | Iterable[str]) -> str:
    joined = text if isinstance(text, str) else " ".join(text)
    return " ".join(joined.replace("``", "`").split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render())
    print(f"{PAGE} is written", file=sys.stderr)
