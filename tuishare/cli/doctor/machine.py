"""Checks of `tuishare doctor` on the machine and the agent: versions, TLS, limits, ports. They change nothing."""

from __future__ import annotations

import errno
import os
import platform
import socket
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tuishare.api.client import AgentClient
from tuishare.api.error_body import ProtocolMismatch
from tuishare.api.messages import PollReason, Status
from tuishare.cli.agent import ask_agent
from tuishare.cli.doctor.results import CheckResult, Severity
from tuishare.cli.installed_service import unit_path
from tuishare.cli.service import find_failure, find_locked_out
from tuishare.cli.systemd import linger_command, lingers
from tuishare.config.model import load_config
from tuishare.core.own_addresses import listen_addresses
from tuishare.errors import AgentUnreachable
from tuishare.home_paths import Places
from tuishare.net.descriptors import plan_descriptors, raise_descriptor_limit
from tuishare.presentation.formats import format_timestamp
from tuishare.presentation.states import explain_poll_reason
from tuishare.swarm import check_no_resumption
from tuishare.swarm.settings import listen_endpoints

_COUNTED: Final = 200_000
"""Maximum number of folders that are counted; more than any default limit."""
_RELEASED: Final = 1_735_689_600
"""Beginning of 2025: a correct clock shows no earlier time."""
_FEW: Final = 4096
"""Number of open files beyond which more connections are not possible."""
_INOTIFY: Final = Path("/proc/sys/fs/inotify")
_NAMESPACE: Final = Path("/proc/sys/user")
_PORTS: Final = {
    "network.listen": "tls port",
    "network.listen_plain": "plain port",
    "tracker.listen": "tracker port",
    "tracker.listen_plain": "plain tracker port",
    "link.listen": "link port",
}
"""Names of the ports of these settings."""


def check_versions(_places: Places) -> Iterator[CheckResult]:
    """Check the versions of Python and libtorrent."""
    yield CheckResult(Severity.FINE, "Python", f"{platform.python_version()} on {platform.system()}")
    found = version("libtorrent")
    if (2, 1) <= _read_version(found) < (3, 0):
        yield CheckResult(Severity.FINE, "libtorrent", found)
    else:
        yield CheckResult(
            Severity.FAULT, "libtorrent", f"{found} is not 2.1 or a later 2.x", "Install tuishare again."
        )


def check_tls(_places: Places) -> Iterator[CheckResult]:
    """Check that TLS swarms work and that no session can be resumed (threats T9, T10)."""
    check_no_resumption()
    yield CheckResult(Severity.FINE, "TLS", "the self-test passed: no session can be resumed")


def check_agent(_places: Places) -> Iterator[CheckResult]:
    """Check that an agent of this version runs and has no problems."""
    try:
        status = ask_agent(AgentClient.status)
    except ProtocolMismatch:
        raise
    except AgentUnreachable as error:
        yield CheckResult(Severity.NOTE, "agent", "none is running", error.hint)
        return
    yield CheckResult(Severity.FINE, "agent", f"version {status.version} runs as process {status.pid}")
    for problem in status.problems:
        yield CheckResult(Severity.NOTE, "agent", f"{problem.title}: {problem.detail}", problem.hint)
    for folder in status.drop_folders:
        if reason := folder.poll_reason:
            few = reason is PollReason.FEW_WATCHES
            hint = (
                _more_watches(4 * _count_folders(Path(folder.path)))
                if few
                else "Changes take longer to be noticed."
            )
            yield CheckResult(
                Severity.NOTE, "drop folder", f"{folder.path} is polled: {explain_poll_reason(reason)}", hint
            )


def check_ports(places: Places) -> Iterator[CheckResult]:
    """Check that the configured ports are free or held by this home's agent."""
    held = _held_ports()
    for key, address in listen_addresses(load_config(places)).items():
        subject = _PORTS[key]
        for endpoint in listen_endpoints(address):
            if endpoint.port in held:
                yield CheckResult(Severity.FINE, subject, f"{endpoint} is held by the agent")
            elif reason := _why_taken(str(endpoint.host), endpoint.port):
                hint = f"Stop the other program, or choose another port: `tuishare config set {key} :PORT`."
                yield CheckResult(Severity.FAULT, subject, f"{endpoint} {reason}", hint)
            else:
                yield CheckResult(Severity.FINE, subject, f"{endpoint} is free")


def check_inotify(places: Places) -> Iterator[CheckResult]:
    """Check that all drop folders can be watched; otherwise they are polled."""
    drops = [Path(drop.path) for drop in load_config(places).drop]
    limit = _watches_allowed()
    needed = sum(map(_count_folders, drops))
    detail = f"{needed:,} folders to watch, {limit:,} allowed for all programs"
    if needed * 2 > limit:
        hint = _more_watches(max(2 * limit, 4 * needed))
        yield CheckResult(Severity.NOTE, "inotify", f"{detail}: some may be polled instead", hint)
    else:
        yield CheckResult(Severity.FINE, "inotify", detail)
    instances = int((_INOTIFY / "max_user_instances").read_text())
    if instances < 16:
        hint = "Run as root: sysctl fs.inotify.max_user_instances=128"
        yield CheckResult(Severity.NOTE, "inotify", f"only {instances} programs can watch files", hint)


def _watches_allowed() -> int:
    """Return the limit of this user: of the machine, or of the container (user namespace) where that is lower."""
    limits = [_INOTIFY / "max_user_watches", _NAMESPACE / "max_inotify_watches"]
    return min(int(path.read_text()) for path in limits if path.exists())


def _more_watches(number: int) -> str:
    return f"Run as root: sysctl fs.inotify.max_user_watches={number}"


def check_descriptors(_places: Places) -> Iterator[CheckResult]:
    """Check that enough files and sockets can be open for many recipients."""
    limit = raise_descriptor_limit()  # as an agent does when it starts
    allotment = plan_descriptors(limit)
    parts = f"{allotment.connections:,} connections, {allotment.downloads:,} downloads at a time"
    detail = f"{limit:,} can be open: {parts}"
    if limit < _FEW:
        hint = f"Raise the hard limit (`ulimit -Hn`, /etc/security/limits.conf) to {_FEW:,}."
        yield CheckResult(Severity.NOTE, "open files", detail, hint)
    else:
        yield CheckResult(Severity.FINE, "open files", detail)


def check_linger(_places: Places) -> Iterator[CheckResult]:
    """Check that the service continues after logout."""
    if not unit_path().exists():
        yield CheckResult(
            Severity.NOTE,
            "service",
            "the agent does not start automatically",
            "Run `tuishare service install`.",
        )
    elif failure := find_failure():
        yield CheckResult(Severity.FAULT, "service", failure.detail, failure.hint)
    elif lingers() is False:
        yield CheckResult(
            Severity.NOTE, "service", "the agent ends when you log out", f"Run: {linger_command()}"
        )
    else:
        yield CheckResult(Severity.FINE, "service", f"installed as {unit_path()}")
    for folder in find_locked_out():
        hint = "Run `tuishare service install` to allow it."
        yield CheckResult(Severity.NOTE, "service", f"cannot write to {folder}", hint)


def check_clock(places: Places) -> Iterator[CheckResult]:
    """Check the clock, on which the validity of certificates depends."""
    now = time.time()
    files = (places.identity_file, places.users_file, places.config_file, places.store_file)
    written = max((file.stat().st_mtime for file in files if file.exists()), default=0.0)
    if now < _RELEASED or now < written - 60:
        shown = format_timestamp(now)
        yield CheckResult(
            Severity.FAULT,
            "clock",
            f"shows {shown}, earlier than existing files",
            "Set the clock, preferably by NTP.",
        )
    else:
        yield CheckResult(Severity.FINE, "clock", "ok")


def _read_version(text: str) -> tuple[int, int]:
    """Return major and minor number, or (0, 0)."""
    numbers = [int(part) for part in text.split(".")[:2] if part.isdecimal()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)


def _held_ports() -> set[int]:
    try:
        status: Status = ask_agent(AgentClient.status)
    except AgentUnreachable:
        return set()
    swarms = (status.listen_tls, status.listen_plain)
    others = (status.listen_tracker, status.listen_tracker_plain, status.listen_link)
    return {port for port in (*swarms, *others) if port}


def _why_taken(host: str, port: int) -> str:
    """Return why a TCP port cannot be opened, or an empty text."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As libtorrent does: a closing connection does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "is in use"
            return f"cannot be opened: {(error.strerror or 'refused').lower()}"
    return ""


def _count_folders(folder: Path) -> int:
    count = 0
    for _ in os.walk(folder):
        count += 1
        if count >= _COUNTED:
            break
    return count
