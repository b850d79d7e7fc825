"""Who sends a request to the agent, and whether an operation is allowed to them.

Owns the seam between the server and the ways to find out. The only one so far is the user id of the process at the
other end of the Unix socket; another front end brings its own.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tuishare.api.operation import Operation, Role
from tuishare.api.unix_socket import check_peer
from tuishare.errors import Refused, SystemFailed

if TYPE_CHECKING:
    from aiohttp import web


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request.

    Attributes:
        role: what they may do, see `tuishare.api.operation.Operation.allowed`.
        name: for messages and logs; may be empty.
    """

    role: Role
    name: str = ""


class Authenticator(Protocol):
    """Finds out who sends a request."""

    def authenticate(self, request: web.BaseRequest) -> Caller:
        """Return who sent a request, before anything else of it is looked at.

        Raises:
            Refused: they may ask nothing at all.
        """


class PeerCredentials:
    """Everything is the owner's: only processes of one user id are answered (threat T13).

    Args:
        owner: that user id.
    """

    def __init__(self, owner: int) -> None:
        self._owner = owner

    def authenticate(self, request: web.BaseRequest) -> Caller:
        """Return the owner, or refuse the process at the other end of the socket."""
        connection: socket.socket | None = request.get_extra_info("socket")
        if connection is None:
            raise SystemFailed("The connection is already closed")
        check_peer(connection, self._owner)
        return Caller(Role.OWNER)


def require_allowed(caller: Caller, operation: Operation) -> None:
    """Check a caller against the table of operations.

    Raises:
        Refused: the operation is not for that role.
    """
    if caller.role not in operation.allowed:
        raise Refused(
            f"The operation {operation.name} is not allowed to the role {caller.role}",
            hint="Ask the owner of the agent.",
        )
