"""An SSH server that forwards ports to this machine: its account ``ssh://USER@HOST[:PORT]``, and its host key.

Owns both grammars. Must not connect to anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tuishare.errors import BadInput
from tuishare.net.endpoints import Endpoint, parse_endpoint

_PLACE: Final = re.compile(
    r"ssh://(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})@(?P<host>[^/@\s]{1,280})/?", re.ASCII
)
_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}", re.ASCII)
_PORT: Final = 22
_HINT: Final = "Write ssh://USER@HOST or ssh://USER@HOST:PORT."


@dataclass(frozen=True, slots=True)
class SshPlace:
    """An account on an SSH server."""

    user: str
    endpoint: Endpoint


def parse_ssh_place(text: str) -> SshPlace:
    """Parse the address of an account.

    Raises:
        BadInput: it has another form.
    """
    match = _PLACE.fullmatch(text)
    if match is None:
        raise BadInput(f"{text[:80]!r} is no account on an SSH server", hint=_HINT)
    host = match["host"]
    bare = host.endswith("]") or (":" not in host)
    try:
        return SshPlace(match["user"], parse_endpoint(f"{host}:{_PORT}" if bare else host))
    except BadInput as error:
        raise BadInput(f"{text[:80]!r} is no account on an SSH server", hint=_HINT) from error


def check_fingerprint(text: str) -> None:
    """Check the fingerprint of a host key.

    Raises:
        BadInput: it has another form than OpenSSH's ``SHA256:…``.
    """
    if _FINGERPRINT.fullmatch(text) is None:
        raise BadInput(
            f"{text[:80]!r} is no fingerprint of a host key",
            hint="Write it as `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` shows it: SHA256: and 43 characters.",
        )
