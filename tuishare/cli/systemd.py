"""systemd through its own commands.

Owns the processes ``systemctl --user`` and ``loginctl``, and the errors on a machine without them.
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tuishare.errors import SystemFailed

UNIT: Final = "tuishare.service"
_SECONDS: Final = 90
"""Longer than a unit may take to stop."""
_NO_SESSION: Final = "Log in as this user directly, not through su or sudo."


def find_version() -> int:
    """Return the version of systemd.

    Raises:
        SystemFailed: it is missing, or not available to this user.
    """
    said = systemctl("--version")
    systemctl("show-environment")
    version = re.match(r"systemd (\d+)", said)
    return int(version[1]) if version else 0


def systemctl(*arguments: str) -> str:
    """Run ``systemctl --user`` and return its output.

    Raises:
        SystemFailed: systemd is missing, or it refused.
    """
    program = shutil.which("systemctl")
    if program is None:
        raise SystemFailed(
            "There is no systemd on this machine",
            hint="Start `tuishare agent` by other means, such as your desktop's autostart.",
        )
    return _run(program, "--user", *arguments)


def show_unit() -> dict[str, str]:
    """Return the properties of the unit; systemd answers even if it does not exist.

    Raises:
        SystemFailed: as `systemctl`.
    """
    wanted = "--property=LoadState,ActiveState,SubState,UnitFileState,MainPID,Result,ExecMainStatus"
    lines = systemctl("show", UNIT, wanted).splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def describe_failure(unit: Mapping[str, str], program: str) -> SystemFailed:
    """Return why a unit has failed, from its properties (systemd.exec(5), process exit codes).

    Args:
        unit: as of `show_unit`.
        program: that it starts.
    """
    status = unit.get("ExecMainStatus", "")
    log = f"journalctl --user --unit {UNIT} has more."
    match status:
        case "203":
            hidden = program.startswith(("/tmp/", "/var/tmp/"))  # noqa: S108 — named, not used
            why = "it lies in a folder that the service does not see" if hidden else "it is missing"
            again = "Install tuishare elsewhere" if hidden else "Install tuishare again"
            return SystemFailed(
                f"The service does not start (203): {program} cannot be run: {why}",
                hint=f"{again}, then run `tuishare service install`.",
            )
        case "226":
            return SystemFailed(
                "The service does not start (226): this machine does not allow its sandbox, or a folder is missing",
                hint=f"Run `tuishare service install`, which makes the folders. {log}",
            )
        case "2" | "3":
            return SystemFailed(
                f"The service does not start: its settings are not usable (exit code {status})",
                hint="`tuishare config check` names the line. Then: systemctl --user restart tuishare",
            )
        case _:
            result = unit.get("Result", "") or "unknown"
            return SystemFailed(f"The service has failed ({result}, exit code {status or '0'})", hint=log)


def lingers() -> bool | None:
    """Return whether this user's services continue after logout; None if unknown."""
    program = shutil.which("loginctl")
    if program is None:
        return None
    try:
        said = _run(program, "show-user", getpass.getuser(), "--property=Linger", "--value").strip()
    except SystemFailed:
        return None  # loginctl knows only users who are logged in or linger
    return {"yes": True, "no": False}.get(said)


def linger_command() -> str:
    """Return the command that lets this user's services continue after logout."""
    return f"loginctl enable-linger {getpass.getuser()}"


def _run(program: str, *arguments: str) -> str:
    command = " ".join((program.rpartition("/")[2], *arguments))
    try:
        done = subprocess.run(  # noqa: S603 — a program of the system with fixed arguments
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SystemFailed(f"`{command}` cannot be run or does not end", hint=str(error)) from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["it gave no reason"]
        hint = f"`journalctl --user --unit {UNIT}` may explain it." if _has_user_manager() else _NO_SESSION
        raise SystemFailed(f"`{command}` failed: {said[0]}", hint=hint)
    return done.stdout


def _has_user_manager() -> bool:
    """Whether this user's systemd runs; without a session it may not: under cron or su, and in containers."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return runtime is not None and (Path(runtime) / "systemd" / "private").exists()
