"""The agent's Unix socket, which only its owner can reach.

Owns making, guarding and removing the socket file. Must not speak HTTP. Threat T13: another local user cannot
connect. The folder is 0700, the socket 0600, and the user id of each connection is checked as well (unix(7),
``SO_PEERCRED``), because a descriptor can be passed on despite both.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
from pathlib import Path

from tuishare.errors import BadConfiguration, Refused, SystemFailed, from_os_error

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred, unix(7)
_BACKLOG = 1024
"""Waiting connections, which take no descriptor; if it is full, a nonblocking connect(2) fails at once."""
_PROBE_SECONDS = 2.0


def bind_socket(path: Path) -> socket.socket:
    """Return the listening socket; a stale file without a listener is replaced.

    The mode is set between bind and listen: before listen, no process can connect. The home lock, not this function,
    prevents two agents of one home.

    Raises:
        BadConfiguration: other users can enter the folder, or the path is not free.
        SystemFailed: another agent answers there, or the system refused.
    """
    _require_private(path.parent)
    _clear(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(os.fspath(path))
        path.chmod(0o600)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()  # the file stays: if bind failed, another process has made it
        raise from_os_error(error, f"listen on {path}") from error
    listening.setblocking(False)
    return listening


def close_socket(listening: socket.socket, path: Path) -> None:
    """Remove the socket file and close the socket."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listening.close()


def check_peer(connection: socket.socket, owner: int) -> None:
    """Refuse a connection of another user than the owner.

    Args:
        connection: an accepted Unix socket.
        owner: user id that may connect.

    Raises:
        Refused: another user made it.
    """
    _, uid = read_credentials(connection)
    if uid != owner:
        raise Refused(
            f"User {uid} may not use the agent of user {owner}",
            hint="Run the command as the user who runs the agent.",
        )


def read_credentials(connection: socket.socket) -> tuple[int, int]:
    """Return the process id and the user id at the other end of a connection.

    Raises:
        OSError: it has ended.
    """
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return pid, uid


def _require_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise from_os_error(error, f"use the folder {folder}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise BadConfiguration(f"{folder} is not a folder", hint="Remove it or choose another place.")
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise BadConfiguration(
            f"The folder {folder} of the agent's socket can be entered by other users",
            hint=f"Run: chmod 700 {folder}",
        )


def _clear(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise BadConfiguration(
            f"{path} exists and is not a socket", hint="Move it away, then start the agent again."
        )
    if _answers(path):
        raise SystemFailed(
            f"Another agent already answers on {path}",
            hint="Use it, or stop it first: tuishare stop",
        )
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # a full backlog, or refused by mode: a process listens
            return True
        return True
