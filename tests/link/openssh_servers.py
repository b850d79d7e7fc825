"""A stock OpenSSH server that forwards ports; it runs as root only."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import wait_blocking

SSHD = "/usr/sbin/sshd"


@functools.cache
def missing() -> str:
    """Say why there can be no OpenSSH server; empty where there can."""
    if os.geteuid() != 0:
        return "only root runs an OpenSSH server for itself"
    return "" if Path(SSHD).exists() and shutil.which("ssh-keygen") else "not installed: openssh-server"


@dataclass(frozen=True, slots=True)
class OpensshServer:
    """A server.

    Attributes:
        port: where it listens.
        fingerprint: of its host key, as `ssh-keygen` shows it.
        authorized_keys: lines that are let in, for the user root.
    """

    port: int
    fingerprint: str
    authorized_keys: Path


@contextmanager
def openssh_server(
    folder: Path, host: str, port: int, *lines: str, place: tuple[str, ...] = ()
) -> Iterator[OpensshServer]:
    """Run one for one block.

    Args:
        folder: for its files.
        host: where it listens.
        port: likewise.
        lines: for its `sshd_config`, besides the usual ones.
        place: a command before its own, such as ``ip netns exec NAME``.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    Path("/run/sshd").mkdir(exist_ok=True)  # Debian's server wants it
    key, keys, log = folder / "host_key", folder / "authorized_keys", folder / "log"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    keys.touch(mode=0o600)
    shown = subprocess.check_output(["ssh-keygen", "-lf", f"{key}.pub"], text=True).split()[1]
    settings = (
        *(f"ListenAddress {host}:{port}", f"HostKey {key}", f"AuthorizedKeysFile {keys}"),
        *("PermitRootLogin prohibit-password", "PasswordAuthentication no", "StrictModes no", "UsePAM no"),
        *("GatewayPorts clientspecified", f"PidFile {folder / 'pid'}", *lines),
    )
    config = folder / "sshd_config"
    config.write_text("\n".join([*settings, ""]))
    with log.open("wb") as said:
        process = subprocess.Popen([*place, SSHD, "-D", "-e", "-f", str(config)], stderr=said)
    try:
        wait_blocking(lambda: b"Server listening" in log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield OpensshServer(port, shown, keys)
    finally:
        process.terminate()
        process.wait()
