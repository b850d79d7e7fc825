"""``tuishare service …``: the agent as a systemd user service.

Owns the order of the steps and the dialogue; the unit's text is in `tuishare.cli.systemd_unit`, systemd in
`tuishare.cli.systemd`.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Final

from tuishare.cli.agent import stop
from tuishare.cli.installed_service import is_covered, unit_path
from tuishare.cli.package_data import Shipped, read_shipped
from tuishare.cli.systemd import (
    UNIT,
    describe_failure,
    find_version,
    linger_command,
    lingers,
    show_unit,
    systemctl,
)
from tuishare.cli.systemd_unit import Installation, read_writable, render_unit
from tuishare.cli.terminal import print_rows, say
from tuishare.config.model import Config, load_config
from tuishare.errors import AgentUnreachable, NotFound, SystemFailed, from_os_error
from tuishare.fs.atomic import publish
from tuishare.home_paths import HOME_VARIABLE, Places, find_places

_KEPT: Final = (HOME_VARIABLE, "XDG_CONFIG_HOME", "XDG_STATE_HOME")
"""Variables with the paths of the home; systemd does not know those of a shell."""


def install_service() -> None:
    """Write the unit for this installation and home, enable it and start it; repeating it updates the unit.

    Raises:
        BadConfiguration: the settings are not usable.
        SystemFailed: systemd is not available to this user, or it refused.
    """
    places = find_places()
    config = load_config(places)
    version = find_version()
    places.prepare()
    _write_unit(
        render_unit(
            read_shipped(Shipped.SERVICE_UNIT),
            Installation(
                (sys.executable, "-P", "-m", "tuishare", "agent"),
                _make_folders(places, config),
                {name: os.path.abspath(os.environ[name]) for name in _KEPT if os.environ.get(name)},
                version,
            ),
        )
    )
    systemctl("daemon-reload")
    if show_unit().get("ActiveState") != "active":
        _make_way()
    systemctl("enable", UNIT)
    systemctl("restart", UNIT)
    say(f"The agent runs as the service {UNIT} and starts with your session.")
    say("After a change of folders, install it again: it cannot write to other folders.")
    _report_linger()


def uninstall_service() -> None:
    """Stop the service and remove its unit; settings, users and files stay.

    Raises:
        NotFound: it is not installed.
        SystemFailed: systemd is not available to this user, or it refused.
    """
    path = unit_path()
    if not path.exists():
        raise NotFound("The service is not installed", hint="Run `tuishare service install`.")
    systemctl("disable", "--now", UNIT)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise from_os_error(error, f"remove {path}") from error
    systemctl("daemon-reload")
    say("The service was removed; settings, users and files stay.")


def print_service() -> bool:
    """Print the state of the service; return whether it runs.

    Raises:
        SystemFailed: systemd is not available to this user.
    """
    unit = show_unit()
    path = unit_path()
    linger = {True: "yes", False: "no", None: "unknown"}[lingers()]
    rows = [
        ("unit", str(path) if path.exists() else "not installed"),
        ("state", f"{unit.get('ActiveState', 'unknown')} ({unit.get('SubState', 'unknown')})"),
        ("at login", unit.get("UnitFileState") or "no"),
        ("process", unit.get("MainPID", "0")),
        ("last result", unit.get("Result", "")),
        ("runs without a session", linger),
    ]
    print_rows(("what", "value"), rows)
    if failure := find_failure():
        say(f"{failure.detail}. {failure.hint}")
    report_locked_out()
    _report_linger()
    return unit.get("ActiveState") in {"active", "reloading"}


def writable_places(places: Places, config: Config) -> list[Path]:
    """Return every folder that the agent of a home writes to; in drop folders, a marker and deletions."""
    ours = [places.config, places.state, places.runtime]
    folders = [config.folders.inbox_path, config.folders.outbox_path, config.folders.downloads_path]
    return [*ours, *folders, *(Path(drop.path) for drop in config.drop)]


def find_failure() -> SystemFailed | None:
    """Return why the installed service does not run although it should; None if it does, or systemd does not answer."""
    try:
        unit = show_unit()
    except SystemFailed:
        return None
    failed = unit.get("ActiveState") == "failed" or unit.get("SubState") == "auto-restart"
    return describe_failure(unit, _program_of(unit_path())) if failed else None


def _program_of(unit: Path) -> str:
    """Return the program that a unit starts."""
    try:
        found = re.search(r'(?m)^ExecStart="((?:[^"\\]|\\.)*)"', unit.read_text(errors="replace"))
    except OSError:
        return ""
    return found[1] if found else ""


def find_locked_out() -> list[Path]:
    """Return the configured folders that the service cannot write to, because they were added after its installation.

    Returns:
        An empty list if no service is installed, or one for another home.

    Raises:
        BadConfiguration: the settings are not usable.
        SystemFailed: the unit cannot be read.
    """
    path = unit_path()
    try:
        allowed = read_writable(path.read_text(errors="replace"))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise from_os_error(error, f"read {path}") from error
    places = find_places()
    if not is_covered(places.state, allowed):
        return []
    return [place for place in writable_places(places, load_config(places)) if not is_covered(place, allowed)]


def report_locked_out() -> None:
    """Print those folders, and the command that gives the service access.

    Raises:
        TuishareError: as `find_locked_out`.
    """
    for folder in find_locked_out():
        say(f"The service cannot write to {folder}. Run `tuishare service install` to allow it.")


def _make_folders(places: Places, config: Config) -> list[Path]:
    """Make the agent's own folders, which the service cannot: folders missing at its start are read-only."""
    for folder in (config.folders.inbox_path, config.folders.outbox_path, config.folders.downloads_path):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, f"make the folder {folder}") from error
    return writable_places(places, config)


def _write_unit(text: str) -> None:
    path = unit_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise from_os_error(error, f"make the folder {path.parent}") from error
    publish(path, text.encode(), mode=0o644, secret=False)


def _make_way() -> None:
    """Stop an agent that runs without systemd: a home has only one."""
    try:
        stop()
    except AgentUnreachable:
        return


def _report_linger() -> None:
    if lingers() is False:
        say(f"The service ends when you log out. To keep it running: {linger_command()}")
