"""The text of the systemd user unit for one installation and one home.

Owns the values that are filled into the shipped unit and read from an installed one, and their quoting. Text in, text
out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NOTIFY_RELOAD: Final = 253
"""First version of systemd with ``Type=notify-reload``; Debian 12 has 252."""
_GROWING_PAUSES: Final = 254
"""First version with ``RestartSteps=``."""
_SHARED_TEMPORARY: Final = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 — named, not used
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
_SIGNS: Final = {escape: sign for sign, escape in _ESCAPES.items()} | {"%%": "%"}


@dataclass(frozen=True, slots=True)
class Installation:
    """The values of one unit.

    Attributes:
        command: absolute path of the program, then its arguments.
        writable: files and folders that the agent writes to.
        environment: variables of the installing shell that the agent needs.
        version: of systemd.
    """

    command: Sequence[str]
    writable: Sequence[Path]
    environment: Mapping[str, str]
    version: int


def render_unit(template: str, installation: Installation) -> str:
    """Return the shipped unit with its values."""
    program, *arguments = installation.command
    unit = _put(
        template,
        "ExecStart",
        # "$" is escaped in arguments, not in the program: systemd.service(5), command lines.
        " ".join([quote(program), *(quote(argument).replace("$", "$$") for argument in arguments)]),
    )
    unit = _put(unit, "ReadWritePaths", " ".join(quote(f"-{path}") for path in installation.writable))
    if any(_is_shared_temporary(path) for path in installation.writable):
        unit = _put(unit, "PrivateTmp", "no")
    if installation.version < NOTIFY_RELOAD:
        unit = _put(unit, "Type", "notify\nExecReload=/bin/kill -HUP $MAINPID")
    if installation.version < _GROWING_PAUSES:
        unit = re.sub(r"(?m)^Restart(Steps|MaxDelaySec)=.*\n", "", _put(unit, "RestartSec", "10"))
    return _put(unit, "UMask", "\n".join(["0077", *_environment(installation.environment)]))


def read_writable(unit: str) -> tuple[Path, ...]:
    """Return the files and folders that a unit of `render_unit` lets the agent write to."""
    found = re.search(r"(?m)^ReadWritePaths=(.*)$", unit)
    words = re.findall(r'"-((?:[^"\\]|\\.)*)"', found[1]) if found else []
    return tuple(Path(re.sub(r"\\.|%%", lambda match: _SIGNS[match[0]], word)) for word in words)


def quote(text: str) -> str:
    """Quote one word, see systemd.syntax(7), quoting, and systemd.unit(5), specifiers."""
    escaped = "".join(_ESCAPES.get(sign, sign) for sign in text).replace("%", "%%")
    return f'"{escaped}"'


def _environment(environment: Mapping[str, str]) -> Iterable[str]:
    return (f"Environment={quote(f'{name}={value}')}" for name, value in environment.items())


def _put(unit: str, key: str, value: str) -> str:
    return re.sub(rf"(?m)^{key}=.*$", lambda _: f"{key}={value}", unit, count=1)


def _is_shared_temporary(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in _SHARED_TEMPORARY)
